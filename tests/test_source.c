/* test_source.c: graphs whose weights are made on demand give the bits of graphs that have them, and hold them once. */
#include "autograd/fold.h"
#include "autograd/source.h"
#include "tensor/par.h"
#include "tests/formula.h"
#include "tests/model_rig.h"
#include "tests/test.h"

typedef struct pair { fl_error error; fl_arena arena; fl_graph *g; fl_network net; fl_fold *fold; fl_bundle bundle; } pair;

static const fl_model_options FEW = {.frames = 3, .height = 24, .width = 20}, WHOLE = {0};

static bool up(pair *p, const char *name, const fl_model_options *o, bool on_demand, const fl_bundle *from)
{
    const fl_model *m = fl_model_find(name);
    *p = (pair){0};
    fl_arena_init(&p->arena, &p->error);
    p->g = fl_graph_new(&p->arena);
    if (!p->g) return false;
    p->g->on_demand = on_demand;
    p->net = fl_model_build(p->g, m, o);
    if (!fl_graph_ok(p->g)) return false;
    if (from) fl_graph_load(p->g, from);
    else fl_model_fill_formula(p->g, m->gamma);
    formula_clip(name, fl_graph_shape(p->g, p->net.input), fl_graph_value(p->g, p->net.input));
    p->fold = fl_graph_ok(p->g) ? fl_fold_new(p->g) : NULL;
    return p->fold != NULL;
}

static fl_id end_of(const pair *p) { return p->fold->place[p->net.logits != FL_NONE ? p->net.logits : p->net.output]; }

/* A hash of the output and of its gradient to the input. */
static uint64_t run(const pair *p, bool parts)
{
    if (!p->fold) return 0;
    fl_graph *g = p->fold->g;
    const fl_id out = end_of(p), in = p->fold->place[p->net.input];
    const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .parts = parts, .out = &out, .n_out = 1, .root = out, .wrt = &in, .n_wrt = 1};
    if (fl_graph_plan(g, &plan) != FL_OK) return 0;
    const int64_t count = fl_shape_count(fl_graph_shape(g, out)), inputs = fl_shape_count(fl_graph_shape(g, in));
    real *seed = FL_NEW(g->arena, real, count);
    formula_seed("source", count, seed);
    fl_graph_forward(g);
    const uint64_t y = fl_hash(fl_graph_value(g, out), (size_t)count * sizeof(real));
    fl_graph_backward(g, seed);
    return y * 31 + fl_hash(fl_graph_signal(g, in), (size_t)inputs * sizeof(real));
}

static int asleep(const fl_graph *g)
{
    int n = 0;
    for (fl_id i = 0; i < g->count; i++) n += g->node[i].role == FL_PARAM && !g->node[i].value;
    return n;
}

static void check_same(const char *name, const fl_model_options *o, bool from_bundle)
{
    pair now, later;
    if (!CHECK(up(&now, name, o, false, NULL))) return;
    fl_bundle_init(&now.bundle, &now.arena);
    CHECK(fl_graph_store(now.g, &now.bundle) == FL_OK);
    if (CHECK_SAY(up(&later, name, o, true, from_bundle ? &now.bundle : NULL), "%s: %s", name, later.error.message)) {
        const size_t before = later.arena.used;
        const int sleeping = asleep(later.g), folded = asleep(later.fold->g);
        CHECK_SAY(sleeping > 0 && folded > 0, "%s: %d and %d weights have no values yet", name, sleeping, folded);
        CHECK_SAY(later.arena.used < now.arena.used, "%s: %zu bytes against %zu", name, before, now.arena.used);
        const uint64_t want = run(&now, false);
        CHECK_SAY(run(&later, false) == want, "%s: other bits than with values", name);
        CHECK_SAY(asleep(later.g) == sleeping && asleep(later.fold->g) == folded, "%s: a plan that packs has made values", name);
        const int threads = fl_threads();
        fl_threads_set(threads == 3 ? 2 : 3);
        CHECK_SAY(run(&later, false) == want, "%s: other bits with other threads", name);
        fl_threads_set(threads);
        CHECK_SAY(run(&later, true) == run(&now, true), "%s: other bits in parts", name);
        CHECK_SAY(asleep(later.fold->g) < folded, "%s: parts are read, and were not made", name);
        for (fl_id i = 0; i < now.g->count; i++) {
            const fl_shape s = now.g->node[i].shape;
            if (now.g->node[i].role != FL_PARAM) continue;
            CHECK_SAY(memcmp(fl_graph_value(now.g, i), fl_graph_value(later.g, i), (size_t)fl_shape_count(s) * sizeof(real)) == 0,
                      "%s: '%s' has other values", name, now.g->node[i].name);
        }
        CHECK(asleep(later.g) == 0);
    }
    fl_arena_free(&later.arena);
    fl_arena_free(&now.arena);
}

TEST(source_weights_made_on_demand_have_the_same_bits)
{
    check_same("r2plus1d_small", &WHOLE, false);
    check_same("i3d_small", &WHOLE, true);
    check_same("cnn_lstm_small", &WHOLE, true);
    check_same("convlstm", &FEW, true);
}

/* Whoever writes into a weight that nobody had asked for sees his values used, by the folded graph as well. */
TEST(source_new_values_are_taken)
{
    pair now, later;
    if (CHECK(up(&now, "c3d_small", &WHOLE, false, NULL)) && CHECK(up(&later, "c3d_small", &WHOLE, true, NULL))) {
        const uint64_t before = run(&later, false);
        fl_model_fill_random(now.g, 5);
        fl_model_fill_random(later.g, 5);
        fl_fold_refresh(now.fold);
        fl_fold_refresh(later.fold);
        const uint64_t after = run(&later, false);
        CHECK(after != before && after == run(&now, false));
    }
    fl_arena_free(&now.arena);
    fl_arena_free(&later.arena);
}

TEST(source_sleeping_memory_does_not_count)
{
    fl_error error = {0};
    fl_arena a;
    fl_arena_init(&a, &error);
    a.limit = 1 << 20;
    const fl_mark mark = fl_arena_mark(&a);
    CHECK(FL_NEW(&a, char, 100) && a.used >= 100);
    const size_t used = a.used;
    CHECK(fl_arena_sleep(&a, (size_t)64 << 20) && a.used == used && a.peak == used && a.asleep >= (size_t)64 << 20);
    fl_arena_wake(&a, 1 << 10);
    CHECK(a.used == used + 1024 && error.status == FL_OK);
    const fl_mark later = fl_arena_mark(&a);
    CHECK(FL_NEW(&a, char, 4096) != NULL);
    fl_arena_wake(&a, 2048);
    fl_arena_release(&a, later);
    CHECK_SAY(a.used == used + 3072, "%zu: what was woken since the mark is older than it", a.used);
    fl_arena_wake(&a, (size_t)32 << 20);
    CHECK(error.status == FL_LIMIT);
    fl_arena_release(&a, mark);
    CHECK_SAY(a.asleep == 0, "%zu bytes still asleep", a.asleep);
    fl_arena_free(&a);
}

/* A weight packed in pieces, in any order, is the weight packed whole. */
TEST(source_packing_by_rows_is_packing)
{
    static const struct { int ci, co, k[3], s, groups, extent; } layer[] = {
        {64, 96, {3, 3, 3}, 1, 1, 14}, {40, 70, {1, 3, 3}, 1, 1, 14}, {48, 65, {3, 1, 1}, 1, 1, 9}, {33, 70, {3, 3, 3}, 2, 1, 9},
        {3, 45, {1, 7, 7}, 2, 1, 20}, {64, 64, {3, 3, 3}, 1, 64, 6}, {32, 64, {1, 3, 3}, 1, 2, 6}, {130, 67, {1, 1, 1}, 1, 1, 5}};
    fl_error error = {0};
    fl_arena a;
    fl_arena_init(&a, &error);
    for (size_t i = 0; i < sizeof layer / sizeof *layer; i++) {
        fl_conv c = {.x = {1, layer[i].ci, 4, layer[i].extent, layer[i].extent}, .groups = layer[i].groups};
        c.y = c.x, c.y.c = layer[i].co;
        int *const y[3] = {&c.y.t, &c.y.h, &c.y.w};
        for (int axis = 0; axis < 3; axis++) {
            c.win.k[axis] = layer[i].k[axis], c.win.d[axis] = 1;
            c.win.s[axis] = axis ? layer[i].s : 1;
            c.win.lo[axis] = c.win.hi[axis] = layer[i].k[axis] / 2;
            *y[axis] = fl_window_extent(&c.win, axis, *y[axis]);
        }
        const int64_t row = (int64_t)c.win.k[0] * c.win.k[1] * c.win.k[2] * (c.x.c / c.groups);
        real *w = FL_NEW(&a, real, row * c.y.c);
        fl_rng_fill_normal(3, i, 0, w, row * c.y.c);
        for (int pass = 0; pass < 2; pass++) {
            const int64_t count = fl_conv_packed_count(&c, (fl_conv_pass)pass);
            real *whole = FL_NEW(&a, real, count), *parts = FL_NEW(&a, real, count);
            for (int64_t k = 0; k < count; k++) whole[k] = parts[k] = 7;      /* nothing may stay */
            fl_conv_pack(&c, (fl_conv_pass)pass, w, whole);
            const int unit = fl_conv_pack_unit(&c, (fl_conv_pass)pass), pieces = (c.y.c + unit - 1) / unit;
            for (int piece = pieces - 1; piece >= 0; piece--) {
                const int first = piece * unit, rows = c.y.c - first < unit ? c.y.c - first : unit;
                fl_conv_pack_rows(&c, (fl_conv_pass)pass, first, rows, w + first * row, parts);
            }
            CHECK_SAY(memcmp(whole, parts, (size_t)count * sizeof(real)) == 0, "layer %zu, pass %d: %d pieces differ from the whole", i,
                      pass, pieces);
        }
    }
    CHECK(error.status == FL_OK);
    fl_arena_free(&a);
}
