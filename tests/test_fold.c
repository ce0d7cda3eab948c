/* test_fold.c: networks with their norms folded give the same numbers, with fewer nodes. */
#include "autograd/fold.h"
#include "autograd/ops.h"
#include "tests/formula.h"
#include "tests/model_rig.h"
#include "tests/test.h"

#ifdef FL_F64
#define FOLD_BOUND 1e-12
#else
#define FOLD_BOUND 2e-5
#endif

static int norms(const fl_graph *g)
{
    int n = 0;
    for (fl_id i = 0; i < g->count; i++) n += g->node[i].op->kind == FL_OP_batchnorm;
    return n;
}

/* Output, and the gradient of <formula seed, output>, into the arena. */
typedef struct result { real *y, *gx; int64_t ny, nx; } result;

static result run(fl_graph *g, fl_id input, fl_id out, fl_arena *arena)
{
    result r = {.ny = fl_shape_count(fl_graph_shape(g, out)), .nx = fl_shape_count(fl_graph_shape(g, input))};
    fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &out, .n_out = 1, .root = out, .wrt = &input, .n_wrt = 1});
    real *seed = FL_NEW(arena, real, r.ny);
    r.y = FL_NEW(arena, real, r.ny);
    r.gx = FL_NEW(arena, real, r.nx);
    formula_seed("fold", r.ny, seed);
    fl_graph_forward(g);
    memcpy(r.y, fl_graph_value(g, out), (size_t)r.ny * sizeof(real));
    fl_graph_backward(g, seed);
    memcpy(r.gx, fl_graph_signal(g, input), (size_t)r.nx * sizeof(real));
    return r;
}

static void check_same(const char *name, const fl_fold *f, fl_id input, fl_id out, fl_arena *arena)
{
    const result whole = run((fl_graph *)f->from, input, out, arena);
    const result folded = run(f->g, f->place[input], f->place[out], arena);
    const double y = fl_relative_error(folded.y, whole.y, whole.ny), gx = fl_relative_error(folded.gx, whole.gx, whole.nx);
    CHECK_SAY(y <= FOLD_BOUND && gx <= 10 * FOLD_BOUND && fl_norm(whole.gx, whole.nx) > 0, "%s: output off by %g, gradient by %g",
              name, y, gx);
}

static void check_network(const char *name, int norms_left)
{
    rig r;
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    rig_up(&r, name, &SMALL);
    const fl_id out = r.net.logits != FL_NONE ? r.net.logits : r.net.output;
    fl_model_fill_formula(r.g, fl_model_find(name)->gamma);
    formula_clip(name, fl_graph_shape(r.g, r.net.input), fl_graph_value(r.g, r.net.input));
    fl_fold *f = fl_fold_new(r.g);
    if (CHECK_SAY(f != NULL, "%s: %s", name, r.error.message) && f) {
        CHECK_SAY(norms(f->g) == norms_left, "%s: %d of %d norms are left", name, norms(f->g), norms(r.g));
        CHECK(f->g->count < r.g->count || norms(r.g) == norms_left);
        check_same(name, f, r.net.input, out, &arena);
        const bool small = fl_model_find(name)->parameters < 1000000;
        for (fl_id i = 0; small && i < r.g->count; i++)         /* other weights: the folded graph follows */
            if (r.g->node[i].role == FL_PARAM) fl_scale(r.g->node[i].value, R(0.75), fl_shape_count(r.g->node[i].shape));
        fl_graph_touch(r.g);
        fl_fold_refresh(f);
        if (small) check_same(name, f, r.net.input, out, &arena);
    }
    fl_arena_free(&r.arena);
    fl_arena_free(&arena);
}

TEST(fold_small_networks)
{
    for (int i = 0; small_model(i); i++) {
        const char *name = small_model(i)->name;
        check_network(name, strcmp(name, "convlstm_small") == 0 ? 2 : 0);     /* behind pools there is no weight */
    }
}

TEST(fold_r2plus1d_18) { check_network("r2plus1d_18", 0); }

/* Two steps of time with the same weight and norm; a deconv with groups; a product that somebody else reads. */
typedef struct odd { fl_error error; fl_arena arena; fl_graph *g; fl_id x, out; } odd;

static fl_id norm_of(fl_graph *g, const char *name, fl_id x, const fl_id p[4])
{
    return fl_node_batchnorm(g, name, x, p[0], p[1], p[2], p[3], 1e-3);
}

static void build_odd(odd *o)
{
    fl_rng rng = {5, 0, 0};
    memset(o, 0, sizeof *o);
    fl_arena_init(&o->arena, &o->error);
    fl_graph *g = o->g = fl_graph_new(&o->arena);
    o->x = fl_node_input(g, "x", (fl_shape){2, 4, 3, 4, 4});
    const fl_window k3 = fl_window_cube(1, 3, 3, 1, 1, 1);
    const fl_id w = fl_example_operand(g, &rng, "w", (fl_shape){4, 4, 1, 3, 3});
    const fl_id v = fl_example_operand(g, &rng, "v", (fl_shape){4, 3, 1, 3, 3});
    const fl_id b = fl_example_operand(g, &rng, "b", fl_shape_vector(1, 6));
    fl_id p[4], q[4];
    for (int i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", i);
        p[i] = fl_example_operand(g, &rng, name, fl_shape_vector(1, 4));
        snprintf(name, sizeof name, "q%d", i);
        q[i] = fl_example_operand(g, &rng, name, fl_shape_vector(1, 6));
    }
    for (int c = 0; fl_graph_ok(g) && c < 6; c++) {
        if (c < 4) fl_graph_value(g, p[3])[c] = R(0.5) + (real)c;
        fl_graph_value(g, q[3])[c] = R(1.5) + (real)c;
    }
    fl_id one = norm_of(g, "n1", fl_node_conv(g, "c1", o->x, w, FL_NONE, k3, 1), p);
    fl_id two = norm_of(g, "n2", fl_node_conv(g, "c2", one, w, FL_NONE, k3, 1), p);
    const fl_id shared = fl_node_conv(g, "c3", two, w, FL_NONE, k3, 1);
    fl_id three = fl_node_add(g, "sum", norm_of(g, "n3", shared, p), shared);
    o->out = norm_of(g, "n4", fl_node_deconv(g, "c4", three, v, b, k3, 2), q);
    if (fl_graph_ok(g)) fl_rng_fill_normal(3, 0, 0, fl_graph_value(g, o->x), 2 * 4 * 3 * 4 * 4);
}

TEST(fold_steps_groups_and_other_readers)
{
    odd o;
    build_odd(&o);
    fl_fold *f = fl_fold_new(o.g);
    if (CHECK_SAY(f != NULL, "%s", o.error.message) && f) {
        CHECK(norms(f->g) == 1 && f->count == 2);                   /* n3 stays; n1 and n2 have one weight */
        CHECK(f->place[fl_graph_find(o.g, "c1")] == FL_NONE && f->place[fl_graph_find(o.g, "w")] != FL_NONE);
        CHECK(fl_graph_find(f->g, "n1") == f->place[fl_graph_find(o.g, "n1")] && fl_graph_find(f->g, "q0") == FL_NONE);
        check_same("odd", f, o.x, o.out, &o.arena);
    }
    fl_arena_free(&o.arena);
}

TEST(fold_survives_without_memory)
{
    for (long k = 1;; k++) {
        odd o;
        build_odd(&o);
        fl_arena_fail_at(k);
        const fl_fold *f = fl_fold_new(o.g);
        const bool reached = fl_arena_count() >= k;
        fl_arena_fail_at(0);
        CHECK(!f == reached && (o.error.status == FL_OK) == !reached);
        fl_arena_free(&o.arena);
        if (!reached) break;
    }
}
