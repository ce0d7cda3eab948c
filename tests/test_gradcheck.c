/* test_gradcheck.c: the checker under test: each graph here has one op with a mistake in its transpose, of a kind
 * that people make, and the checker must see it; the same graphs without the mistake must pass. */
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tensor/par.h"
#include "tests/random_graph.h"
#include "tests/test.h"

#include <string.h>

#ifdef FL_F64
#define PASSES 1e-9
#else
#define PASSES 3e-3
#endif

/* ---- mistakes ---- */

static const fl_op *right;                            /* the op whose vjp is called before it is spoilt */

static void no_bias_gradient(const fl_node *node, int k, const real *const in[], const real *y, const real *gy,
                             real *gx)
{
    right->vjp(node, k, in, y, gy, gx);
    if (k == 2) memset(gx, 0, (size_t)fl_shape_count(node->in_shape[2]) * sizeof *gx);
}

/* The kernel is not turned round on the way down: gx of a convolution with the flipped weights. */
static void kernel_not_flipped(const fl_node *node, int k, const real *const in[], const real *y, const real *gy,
                               real *gx)
{
    enum { MOST = 4096 };
    const fl_shape s = node->in_shape[1];
    real flipped[MOST];
    const real *spoilt[3] = {in[0], flipped, node->n_in == 3 ? in[2] : NULL};
    fl_assert(fl_shape_count(s) <= MOST);
    for (int o = 0; o < s.n; o++)
        for (int c = 0; c < s.c; c++)
            for (int t = 0; t < s.t; t++)
                for (int h = 0; h < s.h; h++)
                    for (int w = 0; w < s.w; w++)
                        flipped[fl_at(s, o, c, t, h, w)] =
                            in[1][fl_at(s, o, c, s.t - 1 - t, s.h - 1 - h, s.w - 1 - w)];
    right->vjp(node, k, k == 0 ? spoilt : in, y, gy, gx);
}

/* Right values in the wrong places: gw one element too far on. */
static void off_by_one(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    right->vjp(node, k, in, y, gy, gx);
    if (k != 1) return;
    const int64_t n = fl_shape_count(node->in_shape[k]);
    const real last = gx[n - 1];
    memmove(gx + 1, gx, (size_t)(n - 1) * sizeof *gx);
    gx[0] = last;
}

static void one_element_forgotten(const fl_node *node, int k, const real *const in[], const real *y, const real *gy,
                                  real *gx)
{
    right->vjp(node, k, in, y, gy, gx);
    gx[fl_shape_count(node->in_shape[k]) / 2] = 0;
}

/* 1 - y instead of 1 - y^2 */
static void wrong_tanh(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in;
    for (int64_t i = 0; i < fl_shape_count(node->shape); i++) gx[i] = gy[i] * (1 - y[i]);
}

/* Off by one part in 10^7 (float64) or 20: just above what is still rounding. */
static void slightly_off(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    right->vjp(node, k, in, y, gy, gx);
    const double factor = FL_REAL_EPSILON > 1e-10 ? 1.05 : 1.0000001;
    for (int64_t i = 0; i < fl_shape_count(node->in_shape[k]); i++) gx[i] = (real)(factor * (double)gx[i]);
}

static void not_a_number(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    right->vjp(node, k, in, y, gy, gx);
    gx[0] = (real)NAN;
}

/* Outside the kink all is wrong by a factor: the kink of relu must not be the excuse. */
static void relu_doubled(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in;
    for (int64_t i = 0; i < fl_shape_count(node->shape); i++) gx[i] = y[i] > 0 ? 2 * gy[i] : 0;
}

/* ---- a network whose ops can be replaced ---- */

typedef struct bench {
    fl_error error;
    fl_arena arena;
    fl_graph *g;
    fl_id wrt[6], root;
    fl_op spoilt;
} bench;

static void bench_open(bench *b)
{
    memset(b, 0, sizeof *b);
    fl_threads_set(1);                                /* thousands of tiny passes */
    fl_arena_init(&b->arena, &b->error);
    b->g = fl_graph_new(&b->arena);
}

static void bench_close(bench *b)
{
    fl_arena_free(&b->arena);
    fl_threads_set(0);
}

static fl_id leaf(bench *b, int i, const char *name, fl_shape s)
{
    fl_rng rng = {31, (uint64_t)i, 0};
    b->wrt[i] = fl_example_operand(b->g, &rng, name, s);
    const double fan_in = i == 0 ? 1 : (double)s.c * s.t * s.h * s.w;              /* keeps tanh out of saturation */
    fl_scale(fl_graph_value(b->g, b->wrt[i]), (real)(1 / sqrt(fan_in)), fl_shape_count(s));
    return b->wrt[i];
}

/* conv -> tanh -> conv -> relu -> linear; the first node of the kind gets another vjp. */
static void build(bench *b, fl_op_kind kind,
                  void (*vjp)(const fl_node *, int, const real *const[], const real *, const real *, real *))
{
    bench_open(b);
    const fl_window win = fl_window_cube(3, 3, 3, 1, 2, 2);
    const fl_id x = leaf(b, 0, "x", (fl_shape){2, 3, 3, 6, 5});
    const fl_id first = fl_node_conv(b->g, "first", x, leaf(b, 1, "w1", (fl_shape){4, 3, 3, 3, 3}),
                                     leaf(b, 2, "b1", fl_shape_vector(1, 4)), win, 1);
    const fl_id bent = fl_node_tanh(b->g, "tanh", first);
    const fl_id second = fl_node_conv(b->g, "second", bent, leaf(b, 3, "w2", (fl_shape){5, 4, 3, 3, 3}), FL_NONE, win,
                                      1);
    const fl_id cut = fl_node_relu(b->g, "relu", second), flat = fl_node_flatten(b->g, "flat", cut);
    b->root = fl_node_linear(b->g, "root", flat, leaf(b, 4, "w3", fl_shape_vector(3, fl_graph_shape(b->g, flat).c)),
                             leaf(b, 5, "b3", fl_shape_vector(1, 3)));
    for (fl_id i = 0; vjp && i < b->g->count; i++) {
        if (b->g->node[i].op->kind != kind) continue;
        right = b->g->node[i].op;
        b->spoilt = *right;
        b->spoilt.vjp = vjp;
        b->g->node[i].op = &b->spoilt;
        break;
    }
    fl_graph_plan(b->g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .root = b->root, .wrt = b->wrt, .n_wrt = 6});
    CHECK_SAY(fl_graph_ok(b->g), "%s", b->error.message);
}

static fl_gradcheck check(bench *b, int samples)
{
    fl_gradcheck r;
    const fl_gradcheck_options options = {.samples = samples, .seed = 12};
    CHECK(fl_gradcheck_run(b->g, b->wrt, 6, &options, &r) == FL_OK);
    return r;
}

TEST(gradcheck_passes_what_is_right)
{
    bench b;
    build(&b, FL_OP_input, NULL);
    const fl_gradcheck r = check(&b, 40);
    CHECK_SAY(r.worst <= PASSES && r.directional <= PASSES, "worst %g (%s), directional %g", r.worst, r.where,
              r.directional);
    CHECK_SAY(r.checked + r.kinks == 40 + 40 + 4 + 40 + 40 + 3 && r.kinks < 10, "%d checked, %d kinks", r.checked,
              r.kinks);
    CHECK_SAY(r.directions > 0, "every direction met a kink");
    bench_close(&b);
}

TEST(gradcheck_sees_injected_mistakes)
{
    static const struct {
        const char *what, *where;      /* the leaf that must be named, or NULL: several are wrong */
        fl_op_kind kind;
        void (*vjp)(const fl_node *, int, const real *const[], const real *, const real *, real *);
    } list[] = {
        {"a dropped bias", "b1[", FL_OP_conv, no_bias_gradient},
        {"a kernel that is not flipped", "x[", FL_OP_conv, kernel_not_flipped},
        {"an offset by one", "w1[", FL_OP_conv, off_by_one},
        {"an element left out", NULL, FL_OP_tanh, one_element_forgotten},
        {"a wrong derivative", NULL, FL_OP_tanh, wrong_tanh},
        {"a small error", NULL, FL_OP_tanh, slightly_off},
        {"a NaN", NULL, FL_OP_tanh, not_a_number},
        {"a doubled relu", NULL, FL_OP_relu, relu_doubled},
    };
    for (int i = 0; i < (int)(sizeof list / sizeof *list); i++) {
        bench b;
        build(&b, list[i].kind, list[i].vjp);
        const fl_gradcheck r = check(&b, 15);
        CHECK_SAY(!(r.worst <= 1.5 * PASSES), "%s passes: %g", list[i].what, r.worst);
        CHECK_SAY(!list[i].where || strncmp(r.where, list[i].where, strlen(list[i].where)) == 0, "%s is found at %s",
                  list[i].what, r.where);
        CHECK_SAY(!(r.directional <= 1.5 * PASSES), "%s passes along directions: %g", list[i].what, r.directional);
        CHECK_SAY(r.kinks < r.checked / 4, "%s: %d checked, %d kinks", list[i].what, r.checked, r.kinks);
        bench_close(&b);
    }
}

/* relu at exactly 0 has two slopes: whatever the vjp says there can be neither right nor wrong. */
TEST(gradcheck_counts_kinks_apart)
{
    bench b;
    bench_open(&b);
    const real values[4] = {0, R(0.5), R(-0.5), 0};
    const fl_id x = fl_node_input(b.g, "x", fl_shape_vector(1, 4)), y = fl_node_relu(b.g, "y", x);
    fl_graph_plan(b.g, &(fl_plan){.root = y, .wrt = &x, .n_wrt = 1});
    fl_graph_set(b.g, x, values);
    fl_gradcheck r;
    CHECK(fl_gradcheck_run(b.g, &x, 1, &(fl_gradcheck_options){.samples = 4, .seed = 1}, &r) == FL_OK);
    CHECK_SAY(r.checked == 2 && r.kinks == 2 && r.worst <= PASSES && r.directions == 0,
              "%d checked, %d kinks, worst %g, %d directions", r.checked, r.kinks, r.worst, r.directions);
    bench_close(&b);
}

TEST(gradcheck_leaves_the_point_as_it_was)
{
    bench b;
    build(&b, FL_OP_input, NULL);
    const size_t bytes = 2 * 3 * 3 * 6 * 5 * sizeof(real);
    const uint64_t before = fl_hash(fl_graph_value(b.g, b.wrt[0]), bytes);
    const size_t used = b.arena.used;
    const fl_gradcheck r = check(&b, 5), again = check(&b, 5);
    CHECK(fl_hash(fl_graph_value(b.g, b.wrt[0]), bytes) == before);
    CHECK(b.arena.used == used);
    CHECK(r.worst == again.worst && r.directional == again.directional && strcmp(r.where, again.where) == 0);
    bench_close(&b);
}

TEST(gradcheck_survives_every_failing_allocation)
{
    bench b;
    build(&b, FL_OP_input, NULL);
    int k = 0;
    for (bool done = false; !done && k < 100;) {
        fl_gradcheck r;
        fl_error_clear(&b.error);
        fl_arena_fail_at(++k);
        const fl_status status = fl_gradcheck_run(b.g, b.wrt, 6, &(fl_gradcheck_options){.samples = 1}, &r);
        done = status == FL_OK;
        CHECK_SAY(done || (status == FL_FAILED && b.error.message[0]), "allocation %d: status %d", k, (int)status);
    }
    fl_arena_fail_at(0);
    CHECK_SAY(k > 5, "%d allocations tried", k);
    bench_close(&b);
}
