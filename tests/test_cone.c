/* test_cone.c: boxes of changed values against whole passes: every op, random graphs, every network. Bit for bit where whole tiles
 * differ; else, in networks that go by Winograd's tiles, within NEAR of the result's size. */
#include "autograd/cone_parts.h"

#include "autograd/ops.h"
#include "tensor/par.h"
#include "tests/model_rig.h"
#include "tests/op_cases.h"
#include "tests/random_graph.h"
#include "tests/test.h"

#include <stdlib.h>

enum { MOST = 5 };
static const double NEAR = 100 * FL_REAL_EPSILON;

typedef struct trial {
    fl_graph *g;
    fl_id x, root;
    fl_arena arena;                  /* of the cone and of this test */
    fl_error error;
    fl_cone *cone;
    fl_id *keep;
    int n_keep, count;
    fl_rng rng;
    real *base, *variant[MOST], *result;
    fl_region box[MOST];
    bool near;
    const char *what;
} trial;

static real *value(const trial *t, fl_id i) { return t->g->node[i].value; }
static int64_t size(const trial *t, fl_id i) { return fl_shape_count(t->g->node[i].shape); }
static void copy(real *to, const real *from, int64_t n) { memcpy(to, from, (size_t)n * sizeof *to); }
static bool same(const real *a, const real *b, int64_t n) { return memcmp(a, b, (size_t)n * sizeof *a) == 0; }

static void forward(trial *t, const real *x)
{
    copy(value(t, t->x), x, size(t, t->x));
    if (t->g->node[t->x].role != FL_INPUT) fl_graph_touch(t->g);
    fl_graph_forward(t->g);
}

static bool open_trial(trial *t, fl_graph *g, fl_id x, fl_id root, bool parts, uint64_t seed, const char *what)
{
    *t = (trial){.g = g, .x = x, .root = root, .rng = {seed, 77, 0}, .what = what};
    fl_arena_init(&t->arena, &t->error);
    t->keep = FL_NEW(&t->arena, fl_id, root + 1);
    t->cone = fl_cone_new(g, x, root, &t->arena);
    if (!CHECK_SAY(t->cone != NULL, "%s: %s", what, g->error->message)) return false;
    t->n_keep = fl_cone_keep(t->cone, parts, t->keep);
    fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_OUTPUTS, .out = t->keep, .n_out = t->n_keep});
    if (!CHECK_SAY(fl_graph_ok(g), "%s: %s", what, g->error->message)) return false;
    t->base = FL_NEW(&t->arena, real, size(t, x));
    for (int k = 0; k < MOST; k++) t->variant[k] = FL_NEW(&t->arena, real, size(t, x));
    t->result = FL_NEW(&t->arena, real, MOST * size(t, root));
    copy(t->base, value(t, x), size(t, x));
    forward(t, t->base);
    return true;
}

static void close_trial(trial *t) { fl_arena_free(&t->arena); }

static fl_region draw_box(trial *t)
{
    int length[3];
    fl_region r;
    fl_shape_lengths(t->g->node[t->x].shape, length);
    for (int i = 0; i < 3; i++) {
        r.lo[i] = fl_rng_next_below(&t->rng, length[i]);
        const int left = length[i] - r.lo[i], most = fl_rng_next_below(&t->rng, 3) ? 1 + left / 3 : left;
        r.hi[i] = r.lo[i] + 1 + fl_rng_next_below(&t->rng, most);
    }
    if (fl_rng_next_below(&t->rng, 9) == 0) r.hi[0] = r.lo[0];       /* nothing at all */
    return r;
}

static bool lies_in(fl_region r, int a, int b, int c)
{
    return a >= r.lo[0] && a < r.hi[0] && b >= r.lo[1] && b < r.hi[1] && c >= r.lo[2] && c < r.hi[2];
}

static void make_variant(trial *t, int k)
{
    const fl_shape s = t->g->node[t->x].shape;
    copy(t->variant[k], t->base, fl_shape_count(s));
    for (int n = 0; n < s.n; n++)
        for (int a = t->box[k].lo[0]; a < t->box[k].hi[0]; a++)
            for (int b = t->box[k].lo[1]; b < t->box[k].hi[1]; b++)
                for (int c = t->box[k].lo[2]; c < t->box[k].hi[2]; c++)
                    for (int i = 0; i < s.c; i++) t->variant[k][fl_at(s, n, i, a, b, c)] += (real)fl_rng_next_normal(&t->rng);
}

/* Everything that the pass will write is NaN before. */
static bool begin(trial *t, int count)
{
    const fl_shape s = t->g->node[t->x].shape;
    t->count = count;
    for (int k = 0; k < count; k++) {
        t->box[k] = draw_box(t);
        make_variant(t, k);
    }
    if (!CHECK_SAY(fl_cone_begin(t->cone, count, t->box) == FL_OK, "%s: %s", t->what, t->g->error->message)) return false;
    memset(t->cone->slab, 0xFF, (size_t)t->cone->slab_count * sizeof(real));
    memset(t->cone->work, 0xFF, t->cone->work_bytes);
    for (int k = 0; k < count; k++) {
        const fl_region r = fl_cone_box(t->cone, k);
        real *to = fl_cone_input(t->cone, k);
        for (int n = 0; n < s.n; n++)
            for (int a = r.lo[0]; a < r.hi[0]; a++)
                for (int b = r.lo[1]; b < r.hi[1]; b++, to += (int64_t)(r.hi[2] - r.lo[2]) * s.c)
                    copy(to, t->variant[k] + fl_at(s, n, 0, a, b, r.lo[2]), (int64_t)(r.hi[2] - r.lo[2]) * s.c);
        CHECK(!t->cone->parts || fl_region_empty(t->box[k]) || (lies_in(r, t->box[k].lo[0], t->box[k].lo[1], t->box[k].lo[2]) &&
                                           lies_in(r, t->box[k].hi[0] - 1, t->box[k].hi[1] - 1, t->box[k].hi[2] - 1)));
    }
    return true;
}

static uint64_t print_of_base(const trial *t)
{
    uint64_t all = fl_hash(value(t, t->x), (size_t)size(t, t->x) * sizeof(real));
    for (int i = 0; i < t->n_keep; i++)
        all = all * 31 + fl_hash(value(t, t->keep[i]), (size_t)size(t, t->keep[i]) * sizeof(real));
    return all;
}

static void compare(trial *t)
{
    const int64_t n = size(t, t->root);
    for (int k = 0; k < t->count; k++) {
        forward(t, t->variant[k]);
        const real *want = value(t, t->root), *got = t->result + k * n;
        int64_t at = 0;
        while (at < n - 1 && same(got + at, want + at, 1)) at++;
        const fl_region *r = &t->box[k];
        const double off = fl_relative_error(got, want, n);
        CHECK_SAY(same(got, want, n) || (t->near && off <= NEAR),
                  "%s: %s%g off; variant %d of %d, box %d-%d,%d-%d,%d-%d: value %lld is %.9g, not %.9g", t->what,
                  t->near ? "near, " : "", off, k, t->count, r->lo[0], r->hi[0], r->lo[1], r->hi[1], r->lo[2], r->hi[2], (long long)at,
                  (double)got[at], (double)want[at]);
    }
    forward(t, t->base);
}

static void run(trial *t, bool commit)
{
    const int64_t n = size(t, t->root);
    fl_cone_run(t->cone, commit);
    for (int k = 0; k < t->count; k++) copy(t->result + k * n, fl_cone_result(t->cone, k), n);
}

/* Some variants together, and one that becomes the base. */
static void check_once(trial *t, int count)
{
    const uint64_t before = print_of_base(t);
    if (!begin(t, count)) return;
    run(t, false);
    CHECK_SAY(print_of_base(t) == before, "%s: the base has changed", t->what);
    compare(t);
    if (!t->cone->parts || !begin(t, 1)) return;
    run(t, true);
    const uint64_t after = print_of_base(t);
    copy(t->base, t->variant[0], size(t, t->x));
    forward(t, t->base);
    CHECK_SAY(t->near || print_of_base(t) == after, "%s: a variant that became the base", t->what);
    compare(t);
}

enum { CLIPS, EXACT, CLOSE };

static void check(fl_graph *g, fl_id x, fl_id root, uint64_t seed, int times, const char *what)
{
    for (int mode = CLIPS; mode <= CLOSE; mode++) {
        const fl_mark mark = fl_arena_mark(g->arena);
        trial t;
        if (open_trial(&t, g, x, root, mode != CLIPS, seed, what)) {
            fl_cone_exact(t.cone, mode == EXACT);
            t.near = mode == CLOSE;
            for (int i = 0; i < (mode == CLIPS ? 1 : times); i++) check_once(&t, 1 + (i + (int)seed) % MOST);
        }
        close_trial(&t);
        fl_arena_release(g->arena, mark);
    }
}

/* ---- ops, random graphs ---- */

/* A node behind the op: the root itself is always computed whole. */
static void check_op(op_case *c)
{
    const fl_id end = fl_node_detach(c->g, "end", c->y);
    for (int k = 0; k < c->node->n_in; k++) {
        char what[96];
        snprintf(what, sizeof what, "%s, operand %d", c->label, k);
        check(c->g, c->g->node[c->y].in[k], end, (uint64_t)k, 16, what);
    }
}

TEST(cone_of_every_op_has_the_bits_of_the_whole) { op_cases_each(1, check_op); }

TEST(cone_of_random_graphs_has_the_bits_of_the_whole)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        fl_error error = {FL_OK, ""};
        fl_arena arena;
        fl_arena_init(&arena, &error);
        fl_graph *g = fl_graph_new(&arena);
        const random_graph net = random_graph_build(g, seed, seed % 2);
        char what[32];
        snprintf(what, sizeof what, "random graph %d", (int)seed);
        check(g, net.x, net.root, seed, 5, what);
        fl_arena_free(&arena);
    }
}

/* ---- networks ---- */

static void check_network(const char *model, const fl_model_options *options, uint64_t seed, int times)
{
    rig r;
    rig_up(&r, model, options);
    if (CHECK_SAY(fl_graph_ok(r.g), "%s: %s", model, r.error.message)) {
        fl_model_fill_random(r.g, 5);
        fl_rng_fill_normal(6, 1, 0, fl_graph_value(r.g, r.net.input), fl_shape_count(fl_graph_shape(r.g, r.net.input)));
        check(r.g, r.net.input, r.net.output, seed, times, model);
    }
    fl_arena_free(&r.arena);
}

TEST(cone_of_small_networks_has_the_bits_of_the_whole)
{
    static const int threads[] = {1, 2, 16};
    const double least = fl_parallel_min;
    fl_parallel_min = 0;
    for (int m = 0; small_model(m); m++) {
        fl_threads_set(threads[m % 3]);
        check_network(fl_model_table[m]->name, &SMALL, 3, 3);
    }
    fl_threads_set(0);
    fl_parallel_min = least;
}

/* At the size of their cards, where boxes are small parts. BIG=0: those that weights come with. */
/* The trained ones with four variants per pass; of the published ones one of each kind, with two (BIG=0: none). */
TEST(cone_of_whole_networks_has_the_bits_of_the_whole)
{
    static const char *const published[] = {"c3d", "r2plus1d_18", "i3d_rgb", "tsm_resnet50", "resnet50_lstm", "convlstm"};
    const size_t count = fl_test_big() ? sizeof published / sizeof *published : 0;
    for (int m = 0; fl_model_table[m]; m++)
        if (fl_model_table[m]->weights) check_network(fl_model_table[m]->name, &(fl_model_options){.n = 1}, 3, 1);
    for (size_t i = 0; i < count; i++) check_network(published[i], &(fl_model_options){.n = 1}, 1, 1);
}
