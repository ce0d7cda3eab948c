/* test_fuse.c: what goes in one pass has the bits of what goes in several, and takes less memory. */
#include "autograd/fold.h"
#include "autograd/ops.h"
#include "tensor/par.h"
#include "tests/formula.h"
#include "tests/model_rig.h"
#include "tests/random_graph.h"
#include "tests/test.h"

#include <string.h>

enum { GRAPHS = 400, OUT = 2, WRT = 3 };

typedef struct numbers { uint64_t value[OUT + 1], signal[WRT]; size_t bytes; int fused; } numbers;

static uint64_t hash_of(const fl_graph *g, fl_id id, const real *x)
{
    return fl_hash(x, (size_t)fl_shape_count(fl_graph_shape(g, id)) * sizeof(real));
}

static numbers run(fl_graph *g, fl_plan plan, const real *seed)
{
    numbers n = {{0}, {0}, 0, 0};
    if (!CHECK_SAY(fl_graph_plan(g, &plan) == FL_OK, "%s", g->error->message)) return n;
    fl_graph_forward(g);
    for (int i = 0; i < plan.n_out; i++) n.value[i] = hash_of(g, plan.out[i], fl_graph_value(g, plan.out[i]));
    n.value[OUT] = hash_of(g, plan.root, fl_graph_value(g, plan.root));
    fl_graph_backward(g, seed);
    for (int i = 0; i < plan.n_wrt; i++) n.signal[i] = hash_of(g, plan.wrt[i], fl_graph_signal(g, plan.wrt[i]));
    for (int i = 0; i < plan.n_out; i++)
        CHECK(n.value[i] == hash_of(g, plan.out[i], fl_graph_value(g, plan.out[i])));       /* backward leaves them alone */
    n.bytes = g->bytes_values;
    for (fl_id i = 0; i < g->count; i++) n.fused += g->node[i].into != FL_NONE;
    return n;
}

static bool same(const numbers *a, const numbers *b)
{
    return memcmp(a->value, b->value, sizeof a->value) == 0 && memcmp(a->signal, b->signal, sizeof a->signal) == 0;
}

/* Values and signals that are asked for lie anywhere in the graph, in the middle of chains as well. */
TEST(fuse_changes_no_bit_of_random_graphs)
{
    int fused = 0;
    size_t bytes[2] = {0};
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        fl_error error = {0};
        fl_arena arena;
        fl_arena_init(&arena, &error);
        fl_graph *g = fl_graph_new(&arena);
        const random_graph net = random_graph_build(g, seed, false);
        if (!CHECK_SAY(fl_graph_ok(g), "%s", error.message)) return;
        fl_rng rng = {seed, 8, 0};
        fl_id out[OUT] = {0}, wrt[WRT] = {net.x};
        for (int i = 0; i < OUT + WRT - 1; i++) {
            fl_id *to = i < OUT ? &out[i] : &wrt[i - OUT + 1];
            do *to = fl_rng_next_below(&rng, g->count);
            while (g->node[*to].role != FL_COMPUTED);
        }
        real down[10];
        fl_rng_fill_normal(77, 0, 0, down, 10);
        const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .out = out, .n_out = OUT, .root = net.root, .wrt = wrt, .n_wrt = WRT};
        fl_plan parts = plan, all = plan;
        parts.parts = true;
        all.keep = FL_KEEP_ALL;
        const numbers a = run(g, plan, down), b = run(g, parts, down), c = run(g, all, down);
        CHECK_SAY(same(&a, &b) && same(&a, &c), "graph %d: fusing changes numbers", (int)seed);
        CHECK(b.fused == 0 && c.fused == 0);
        fused += a.fused;
        bytes[0] += a.bytes;
        bytes[1] += b.bytes;
        fl_arena_free(&arena);
    }
    CHECK_SAY(fused > 15 && bytes[0] < bytes[1], "%d nodes were fused: %zu bytes instead of %zu", fused, bytes[0], bytes[1]);
}

static void check_model(const char *name)
{
    rig r;
    rig_up(&r, name, &SMALL);
    fl_model_fill_formula(r.g, fl_model_find(name)->gamma);
    fl_rng_fill_normal(4, 0, 0, fl_graph_value(r.g, r.net.input), fl_shape_count(fl_graph_shape(r.g, r.net.input)));
    const fl_fold *f = fl_fold_new(r.g);
    CHECK_SAY(f != NULL, "%s: %s", name, r.error.message);
    if (!f) return;
    const fl_id out = f->place[r.net.output], logits = r.net.logits == FL_NONE ? out : f->place[r.net.logits];
    fl_id wrt[WRT] = {f->place[r.net.input], r.net.cam == FL_NONE || f->place[r.net.cam] == FL_NONE ? out : f->place[r.net.cam]};
    const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .out = &out, .n_out = 1, .root = logits, .wrt = wrt, .n_wrt = 1 + (wrt[1] != out)};
    real *seed = FL_NEW(&r.arena, real, fl_shape_count(fl_graph_shape(r.g, r.net.output)));
    fl_plan parts = plan;
    parts.parts = true;
    fl_rng_fill_normal(5, 0, 0, seed, fl_shape_count(fl_graph_shape(r.g, r.net.output)));
    const numbers a = run(f->g, plan, seed), b = run(f->g, parts, seed);
    CHECK_SAY(same(&a, &b), "%s: fusing changes numbers", name);
    CHECK_SAY(a.fused > 0 && a.bytes < b.bytes, "%s: %d nodes fused, %zu bytes against %zu", name, a.fused, a.bytes, b.bytes);
    fl_arena_free(&r.arena);
}

TEST(fuse_changes_no_bit_of_small_networks)
{
    for (int i = 0; small_model(i); i++) check_model(small_model(i)->name);
}

TEST(fuse_changes_no_bit_of_large_networks)
{
    static const char *const names[] = {"r3d_18", "r2plus1d_18", "i3d_rgb", "tsm_resnet50", "resnet50_lstm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) check_model(names[i]);
}

/* A residual block: what is added to lies where the sum goes; the ReLU leaves a byte per element, and nothing else stays. */
TEST(fuse_leaves_a_byte_for_every_relu)
{
    enum { BLOCKS = 8 };
    const fl_shape s = {1, 32, 2, 8, 8};
    const size_t one = (size_t)fl_shape_count(s) * sizeof(real), notes = (size_t)fl_shape_count(s);
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const fl_window k3 = fl_window_cube(1, 3, 3, 1, 1, 1);
    const fl_id x = fl_node_input(g, "x", s), w = fl_node_param(g, "w", (fl_shape){32, 32, 1, 3, 3});
    fl_id y = fl_node_conv(g, "stem", x, w, FL_NONE, k3, 1);
    for (int i = 0; i < BLOCKS; i++) {
        const size_t mark = fl_graph_enter(g, "block%d", i);
        const fl_id z = fl_node_relu(g, "relu1", fl_node_conv(g, "conv1", y, w, FL_NONE, k3, 1));
        y = fl_node_relu(g, "relu2", fl_node_add(g, "add", fl_node_conv(g, "conv2", z, w, FL_NONE, k3, 1), y));
        fl_graph_leave(g, mark);
    }
    fl_plan plan = {.keep = FL_KEEP_OUTPUTS, .out = &y, .n_out = 1};
    CHECK(fl_graph_plan(g, &plan) == FL_OK && g->bytes_values == 2 * one);
    plan = (fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .root = y, .wrt = &x, .n_wrt = 1};
    CHECK(fl_graph_plan(g, &plan) == FL_OK);
    CHECK_SAY(g->bytes_values <= 3 * one + 2 * BLOCKS * notes, "%zu bytes: %.2f values", g->bytes_values,
              (double)g->bytes_values / (double)one);
    CHECK(g->node[fl_graph_find(g, "block3.relu2")].early);
    CHECK(g->node[fl_graph_find(g, "block3.add")].into == fl_graph_find(g, "block3.conv2"));
    fl_arena_free(&arena);
}
