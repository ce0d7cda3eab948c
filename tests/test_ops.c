/* test_ops.c: every op of ops.def on every example: values, transposes, derivatives. A new op is tested by being in
 * the list. */
#include "autograd/gradcheck.h"
#include "autograd/naive.h"
#include "autograd/opcheck.h"
#include "autograd/ops.h"
#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tests/op_cases.h"
#include "tests/test.h"

#include <string.h>

#ifdef FL_F64
#define VALUE_BOUND      2e-14      /* of the largest value, or of 1: the operands' size */
#define ADJOINT_BOUND    1e-12      /* of |Jv| |g| */
#define DIFFERENCE_BOUND 1e-9       /* of the largest gradient of the operand */
#define SLOPE_BOUND      1e-10      /* of the largest slope */
#else
#define VALUE_BOUND      2e-6
#define ADJOINT_BOUND    2e-6
#define DIFFERENCE_BOUND 2e-3
#define SLOPE_BOUND      1e-6
#endif

TEST(ops_table_is_complete)
{
    for (int kind = 0; kind < FL_OPS; kind++) {
        const fl_op *op = fl_op_table[kind];
        op_case c;
        char file[64];
        snprintf(file, sizeof file, "autograd/ops/%s.c", op->name);
        CHECK_SAY((int)op->kind == kind, "%s says that it is op %d", op->name, (int)op->kind);
        CHECK_SAY(strcmp(op->file, file) == 0, "%s: lives in %s", op->name, op->file);
        CHECK_SAY(op->doc && op->doc[0], "%s has no line of documentation", op->name);
        CHECK_SAY(op->infer && op->forward && op->vjp && op->example, "%s lacks a function", op->name);
        CHECK_SAY(!(op->flags & FL_MAP) == !op->deriv, "%s: deriv goes with FL_MAP", op->name);
        CHECK_SAY(!op->packed == !op->pack, "%s: packed goes with pack", op->name);
        CHECK_SAY(!(op->flags & FL_LINEAR) || op->arity == 0 || (fl_naive_ops[kind]->affine & 1),
                  "%s is linear; autograd/naive.c says not", op->name);
        const bool found = op_case_open(&c, op, 0, 1);
        CHECK_SAY(found, "%s has no example", op->name);
        if (found) op_case_close(&c);
    }
}

/* ---- values ---- */

static void compare_values(op_case *c)
{
    const int64_t count = op_case_count(c, -1);
    real *y = op_case_array(c, count);                     /* full of NaN: what is not written shows itself */
    fl_opcheck r;
    c->op->forward(c->node, c->in, y);
    fl_opcheck_value(c->node, c->in, y, count, 0, &r);
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs((double)y[i]));
    CHECK_SAY(r.checked == count && !isnan(r.worst), "%s: forward leaves elements unwritten, or makes a NaN", c->label);
    CHECK_SAY(r.worst * most <= VALUE_BOUND * fmax(1, most), "%s: %g instead of %g where the largest value is %g", c->label, r.got,
              r.wanted, most);
    CHECK_SAY(r.worst <= fl_opcheck_bound(c->node) || most < 1, "%s: off by %g, and rounding may reach %g", c->label, r.worst,
              fl_opcheck_bound(c->node));
}

static void check_values(op_case *c)
{
    fl_shape_text got, want;
    const fl_shape shape = fl_naive_ops[c->op->kind]->shape(c->node);
    const bool same = fl_shape_equal(c->node->shape, shape);
    CHECK_SAY(same, "%s: shape %s, by definition %s", c->label, fl_shape_print(c->node->shape, &got),
              fl_shape_print(shape, &want));
    if (same) compare_values(c);
}

TEST(ops_values_follow_the_definition) { op_cases_each(1, check_values); }
TEST(ops_values_follow_the_definition_with_more_samples) { op_cases_each(2, check_values); }

/* exp of these overflows even in double; the differences are what counts. */
TEST(ops_logits_of_any_size)
{
    const real x[6] = {R(1e4), R(1e4), R(-1e4), R(0.0), R(-2e4), R(9999.0)}, p[6] = {R(0.5), 0, 0, 0, 0, R(0.5)},
               one = 1;
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const fl_id in = fl_node_input(g, "x", fl_shape_vector(1, 6)),
                target = fl_node_input(g, "p", fl_shape_vector(1, 6));
    const fl_id soft = fl_node_softmax(g, "soft", in), log_soft = fl_node_logsoftmax(g, "log", in);
    const fl_id loss = fl_node_cross_entropy(g, "loss", in, target);
    fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_ALL, .out = (fl_id[]){soft, log_soft, loss}, .n_out = 3, .root = loss,
                                .wrt = &in, .n_wrt = 1});
    fl_graph_set(g, in, x);
    fl_graph_set(g, target, p);
    fl_graph_forward(g);
    fl_graph_backward(g, &one);
    const double sum = 2 + exp(-1.0), norm = log(sum);
    CHECK_NEAR((double)fl_graph_value(g, soft)[0], 1 / sum, 4 * FL_REAL_EPSILON);
    CHECK_NEAR((double)fl_graph_value(g, soft)[4], 0, 0);
    CHECK_NEAR((double)fl_graph_value(g, log_soft)[0], -norm, 4 * FL_REAL_EPSILON);
    CHECK_NEAR((double)fl_graph_value(g, log_soft)[4], -30000 - norm, 30000 * FL_REAL_EPSILON);
    CHECK_NEAR((double)fl_graph_value(g, loss)[0], 0.5 * norm + 0.5 * (1 + norm), 1e4 * FL_REAL_EPSILON);
    CHECK_NEAR((double)fl_graph_signal(g, in)[5], exp(-1.0) / sum - 0.5, 4 * FL_REAL_EPSILON);
    fl_arena_free(&arena);
}

/* What is not a number must not come out as one: a map of broken weights would look like a map. */
static void check_nan(op_case *c)
{
    if (!(c->op->flags & (FL_MAP | FL_ALL)) && c->op->kind != FL_OP_maxpool) return;
    const int64_t count = op_case_count(c, -1);
    real *x = op_case_array(c, op_case_count(c, 0)), *y = op_case_array(c, count);
    const real *in[8];
    memcpy(in, c->in, (size_t)c->node->n_in * sizeof *in);
    memcpy(x, in[0], (size_t)op_case_count(c, 0) * sizeof *x);
    x[op_case_count(c, 0) / 3] = (real)NAN;
    in[0] = x;
    c->op->forward(c->node, in, y);
    int64_t differ = 0;
    for (int64_t i = 0; i < count; i++) differ += !isnan(y[i]) != !isnan(fl_naive_at(c->node, in, i));
    CHECK_SAY(differ == 0, "%s: %lld elements swallow or invent a NaN", c->label, (long long)differ);
}
TEST(ops_do_not_swallow_a_nan) { op_cases_each(1, check_nan); }

/* Of equal elements the first in t,h,w order is the maximum, alone. */
TEST(ops_maxpool_gives_ties_to_the_first)
{
    const fl_shape s = {1, 1, 2, 4, 4};
    const real seed[4] = {1, 2, 3, 4};
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const fl_id x = fl_node_input(g, "x", s);                       /* zeros */
    const fl_id y = fl_node_maxpool(g, "y", x, (fl_window){{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
                                    false);
    fl_graph_plan(g, &(fl_plan){.root = y, .wrt = &x, .n_wrt = 1});
    fl_graph_forward(g);
    fl_graph_backward(g, seed);
    for (int t = 0; t < 2; t++)
        for (int h = 0; h < 4; h++)
            for (int w = 0; w < 4; w++)
                CHECK_NEAR((double)fl_graph_signal(g, x)[fl_at(s, 0, 0, t, h, w)],
                           t || h % 2 || w % 2 ? 0 : h + w / 2 + 1, 0);
    fl_arena_free(&arena);
}

/* More elements than have numbers of their own: 343, from every instruction set. */
TEST(ops_maxpool_looks_through_large_windows)
{
    const fl_shape s = {1, 71, 7, 8, 7};
    const fl_window win = {{7, 7, 7}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const fl_id x = fl_node_input(g, "x", s), y = fl_node_maxpool(g, "y", x, win, false);
    fl_graph_plan(g, &(fl_plan){.out = &y, .n_out = 1});
    fl_rng_fill_normal(9, 1, 0, fl_graph_value(g, x), fl_shape_count(s));
    for (int isa = 0; fl_isa_available(isa); isa++) {
        fl_isa_choose(fl_isa_available(isa), NULL);
        fl_graph_forward(g);
        int differ = 0;
        for (int c = 0; c < s.c; c++)
            for (int row = 0; row < 2; row++) {
                real most = R(-1e9);
                for (int64_t p = 0; p < fl_shape_pixels(s); p++) {
                    const int h = (int)(p / s.w % s.h);
                    if (h >= row && h < row + 7) most = fl_graph_value(g, x)[p * s.c + c] > most ? fl_graph_value(g, x)[p * s.c + c] : most;
                }
                differ += fl_graph_value(g, y)[row * s.c + c] != most;
            }
        CHECK_SAY(differ == 0, "%s: %d", fl_isa_available(isa), differ);
    }
    fl_isa_choose(NULL, NULL);
    fl_arena_free(&arena);
}

/* ---- transposes: <Jv, g> = <v, J'g> ---- */

static void check_adjoint(op_case *c)
{
    for (int k = 0; k < c->node->n_in; k++) {
        fl_opcheck r;
        if (!fl_opcheck_affine(c->node, k)) continue;
        CHECK(fl_opcheck_adjoint(c->node, c->in, k, 5, &c->arena, &r));
        CHECK_SAY(r.worst <= ADJOINT_BOUND && r.worst <= fl_opcheck_bound(c->node),
                  "%s, operand %d: <Jv,g> = %.17g, <v,J'g> = %.17g, apart by %g", c->label, k, r.wanted, r.got, r.worst);
    }
}
TEST(ops_vjp_is_the_transpose) { op_cases_each(1, check_adjoint); }

/* What adds to a signal in place adds what its vjp would have written elsewhere. */
static void check_added(op_case *c)
{
    if (!c->op->vjp_add) return;
    const int64_t count = op_case_count(c, 0), seeds = op_case_count(c, -1);
    real *gy = op_case_array(c, seeds), *whole = op_case_array(c, count), *sum = op_case_array(c, count);
    fl_rng_fill_normal(4, 1, 0, gy, seeds);
    fl_rng_fill_normal(4, 2, 0, sum, count);
    c->op->vjp(c->node, 0, c->in, NULL, gy, whole);
    for (int64_t i = 0; i < count; i++) whole[i] += sum[i];
    c->op->vjp_add(c->node, gy, sum);
    int64_t differ = 0;
    for (int64_t i = 0; i < count; i++) differ += sum[i] != whole[i];
    CHECK_SAY(differ == 0 && op_case_guarded(sum, count), "%s: %lld of %lld elements", c->label, (long long)differ, (long long)count);
}
TEST(ops_add_what_their_vjp_writes) { op_cases_each(1, check_added); }

/* ---- finite differences ---- */

static void check_differences(op_case *c)
{
    if (c->op->flags & FL_STOP) return;                    /* by intent no derivative: ops_detach_stops_the_signal */
    fl_gradcheck r;
    const fl_gradcheck_options options = {.samples = 20, .seed = 3};
    fl_gradcheck_run(c->g, c->node->in, c->node->n_in, &options, &r);
    CHECK_SAY(r.worst <= DIFFERENCE_BOUND, "%s: worst %g at %s", c->label, r.worst, r.where);
    CHECK_SAY(r.directional <= DIFFERENCE_BOUND, "%s: along a direction %g", c->label, r.directional);
    const bool has_kinks = c->op->kind == FL_OP_relu || c->op->kind == FL_OP_maxpool ||
                           c->op->kind == FL_OP_leakyrelu || c->op->kind == FL_OP_clip;
    CHECK_SAY(r.checked > 0 && r.kinks <= (has_kinks ? r.checked / 4 : 0), "%s: %d checked, %d kinks", c->label,
              r.checked, r.kinks);
    CHECK_SAY(has_kinks || r.directions > 0, "%s: no direction without a kink", c->label);
}
TEST(ops_vjp_is_the_derivative)
{
    fl_threads_set(1);                                     /* thousands of tiny passes */
    op_cases_each(1, check_differences);
    fl_threads_set(0);
}

/* z = x y with y = detach(x): dz/dx is y, not 2x; what is behind the stop alone has a signal of zeros. */
TEST(ops_detach_stops_the_signal)
{
    const real seed[3] = {1, R(2.0), R(-1.0)}, values[3] = {R(3.0), R(-0.5), R(7.0)};
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const fl_id x = fl_node_input(g, "x", fl_shape_vector(1, 3)), b = fl_node_input(g, "b", fl_shape_vector(1, 3));
    const fl_id stop = fl_node_detach(g, "stop", fl_node_add(g, "sum", x, b)), z = fl_node_mul(g, "z", x, stop);
    const fl_id wrt[2] = {x, b};
    fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &z, .n_out = 1, .root = z, .wrt = wrt, .n_wrt = 2});
    fl_graph_set(g, x, values);
    fl_graph_set(g, b, values);
    fl_graph_forward(g);
    fl_graph_backward(g, seed);
    for (int i = 0; i < 3; i++) {
        CHECK_NEAR((double)fl_graph_value(g, z)[i], 2.0 * values[i] * values[i], 0);
        CHECK_NEAR((double)fl_graph_signal(g, x)[i], 2.0 * seed[i] * values[i], 0);
        CHECK_NEAR((double)fl_graph_signal(g, b)[i], 0, 0);
    }
    fl_arena_free(&arena);
}

/* Against differences of the definition in double: in float32 as well, to the last bits. */
static void check_slope(op_case *c)
{
    fl_opcheck r;
    if (!(c->op->flags & FL_MAP)) return;
    CHECK(fl_opcheck_slope(c->node, c->in, 400, 7, &c->arena, &r));
    CHECK_SAY(r.checked > 0 && r.worst <= SLOPE_BOUND, "%s: slope %.17g, by differences %.17g (%g)", c->label, r.got, r.wanted, r.worst);
}
TEST(ops_slopes_follow_the_definition) { op_cases_each(1, check_slope); }

/* All gates of a cell shut or open: the slope y (1 - y) has no more digits than y leaves it, and that is no fault. */
TEST(ops_slopes_of_saturated_gates_are_not_called_wrong)
{
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const fl_id x = fl_node_input(g, "x", (fl_shape){1, 4, 1, 8, 8}), y = fl_node_sigmoid(g, "y", x);
    real values[256];
    for (int i = 0; i < 256; i++) values[i] = (real)((i % 2 ? 1 : -1) * (8 + i / 32.0));
    const real *const in[] = {values};
    fl_opcheck r;
    CHECK(fl_opcheck_slope(&g->node[y], in, 256, 7, &arena, &r));
    CHECK_SAY(r.checked == 256 && r.worst <= SLOPE_BOUND, "%g", r.worst);
    fl_arena_free(&arena);
}

static void check_deriv(op_case *c)
{
    if (!(c->op->flags & FL_MAP)) return;
    const int64_t count = op_case_count(c, -1);
    real *y = op_case_array(c, count), *gy = op_case_array(c, count), *gx = op_case_array(c, count);
    fl_rng_fill_normal(9, 0, 0, gy, count);
    c->op->forward(c->node, c->in, y);
    c->op->vjp(c->node, 0, c->in, y, gy, gx);
    int64_t differ = 0;
    for (int64_t i = 0; i < count; i++) differ += gx[i] != gy[i] * c->op->deriv(c->node, c->in[0][i], y[i]);
    CHECK_SAY(differ == 0, "%s: vjp and deriv differ at %lld elements", c->label, (long long)differ);
}
TEST(ops_deriv_agrees_with_vjp) { op_cases_each(1, check_deriv); }
