/* test_graph.c: the tape and its planner: where buffers lie must never show in a number. */
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tensor/par.h"
#include "tests/random_graph.h"
#include "tests/test.h"

#include <string.h>

enum { GRAPHS = 24, SEED_COUNT = 10 };      /* random graphs; elements of their root */

typedef struct bench { fl_error error; fl_arena arena; fl_graph *g; } bench;

static void bench_open(bench *b)
{
    memset(b, 0, sizeof *b);
    fl_arena_init(&b->arena, &b->error);
    b->g = fl_graph_new(&b->arena);
}

static void bench_close(bench *b) { fl_arena_free(&b->arena); }

static bool ok(const bench *b) { return CHECK_SAY(fl_graph_ok(b->g), "%s", b->error.message); }

static uint64_t value_hash(const fl_graph *g, fl_id id)
{
    return fl_hash(fl_graph_value(g, id), (size_t)fl_shape_count(fl_graph_shape(g, id)) * sizeof(real));
}

static uint64_t signal_hash(const fl_graph *g, fl_id id)
{
    return fl_hash(fl_graph_signal(g, id), (size_t)fl_shape_count(fl_graph_shape(g, id)) * sizeof(real));
}

static void seed_values(real *seed) { fl_rng_fill_normal(77, 0, 0, seed, SEED_COUNT); }

/* ---- plans ---- */

typedef struct numbers { uint64_t value[4], signal[RANDOM_GRAPH_PARAMS]; } numbers;

static numbers run(fl_graph *g, const random_graph *net, const fl_id *out, fl_keep keep)
{
    numbers n = {0};
    real seed[SEED_COUNT];
    seed_values(seed);
    const fl_plan plan = {
        .keep = keep, .out = out, .n_out = 3, .root = net->root, .wrt = net->wrt, .n_wrt = net->n_wrt};
    if (!CHECK_SAY(fl_graph_plan(g, &plan) == FL_OK, "%s", g->error->message)) return n;
    fl_graph_forward(g);
    fl_graph_backward(g, seed);
    for (int i = 0; i < 3; i++) n.value[i] = value_hash(g, out[i]);
    n.value[3] = value_hash(g, net->root);
    for (int i = 0; i < net->n_wrt; i++) n.signal[i] = signal_hash(g, net->wrt[i]);
    return n;
}

/* Three computed nodes anywhere on the tape. */
static void some_nodes(const fl_graph *g, uint64_t seed, fl_id out[3])
{
    fl_rng rng = {seed, 6, 0};
    for (int i = 0; i < 3; i++)
        do out[i] = fl_rng_next_below(&rng, g->count);
        while (g->node[out[i]].role != FL_COMPUTED);
}

TEST(graph_plans_do_not_change_a_bit)
{
    int computed = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        bench b;
        bench_open(&b);
        const random_graph net = random_graph_build(b.g, seed, false);
        if (!ok(&b)) return;
        fl_id out[3];
        some_nodes(b.g, seed, out);
        computed += b.g->count;
        const numbers all = run(b.g, &net, out, FL_KEEP_ALL), lean = run(b.g, &net, out, FL_KEEP_FOR_BACKWARD);
        const size_t lean_bytes = b.g->bytes_values;
        const numbers outputs = run(b.g, &net, out, FL_KEEP_OUTPUTS);
        CHECK_SAY(memcmp(&all, &lean, sizeof all) == 0, "graph %d: keeping less changes numbers", (int)seed);
        CHECK_SAY(memcmp(&all, &outputs, sizeof all) == 0, "graph %d: keeping outputs changes numbers", (int)seed);

        const fl_plan forward_only = {.keep = FL_KEEP_OUTPUTS, .out = out, .n_out = 3};
        CHECK(fl_graph_plan(b.g, &forward_only) == FL_OK);
        CHECK_SAY(b.g->bytes_values <= lean_bytes, "graph %d: forward alone wants more", (int)seed);
        fl_graph_forward(b.g);
        for (int i = 0; i < 3; i++)
            CHECK_SAY(value_hash(b.g, out[i]) == all.value[i], "graph %d: output %d alone", (int)seed, i);
        bench_close(&b);
    }
    CHECK_SAY(computed > 20 * GRAPHS, "the random graphs are too small: %d nodes", computed);
}

/* The same with every buffer in its own place: values that no vjp says it reads are destroyed between forward and
 * backward. */
TEST(graph_backward_reads_only_what_the_plan_keeps)
{
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        bench b;
        bench_open(&b);
        const random_graph net = random_graph_build(b.g, seed, false);
        if (!ok(&b)) return;
        fl_id out[3];
        some_nodes(b.g, seed, out);
        const numbers all = run(b.g, &net, out, FL_KEEP_ALL);
        real root_seed[SEED_COUNT];
        seed_values(root_seed);
        fl_graph_forward(b.g);
        for (fl_id i = 0; i < b.g->count; i++) {            /* who reads the value of node i on the way down? */
            const fl_node *node = &b.g->node[i];
            if (node->role != FL_COMPUTED || !node->value || i == net.root) continue;
            bool read = (node->op->flags & FL_READS_OUT) != 0;
            for (fl_id j = i + 1; j < b.g->count; j++)
                for (int k = 0; k < b.g->node[j].n_in; k++)
                    read |= b.g->node[j].in[k] == i && (b.g->node[j].op->flags & (FL_READS_IN | FL_WEIGHTED));
            for (int64_t k = 0; !read && k < fl_shape_count(node->shape); k++) node->value[k] = (real)NAN;
        }
        fl_graph_backward(b.g, root_seed);
        for (int i = 0; i < net.n_wrt; i++)
            CHECK_SAY(signal_hash(b.g, net.wrt[i]) == all.signal[i], "graph %d: signal %d", (int)seed, i);
        bench_close(&b);
    }
}

TEST(graph_runs_again_with_the_same_bits)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        bench b;
        bench_open(&b);
        const random_graph net = random_graph_build(b.g, seed, false);
        if (!ok(&b)) return;
        fl_id out[3];
        some_nodes(b.g, seed, out);
        const numbers once = run(b.g, &net, out, FL_KEEP_FOR_BACKWARD);
        real root_seed[SEED_COUNT];
        seed_values(root_seed);
        for (int again = 0; again < 2; again++) {
            fl_graph_forward(b.g);
            fl_graph_backward(b.g, root_seed);
            for (int i = 0; i < 3; i++) CHECK(value_hash(b.g, out[i]) == once.value[i]);
            for (int i = 0; i < net.n_wrt; i++) CHECK(signal_hash(b.g, net.wrt[i]) == once.signal[i]);
        }
        const numbers replanned = run(b.g, &net, out, FL_KEEP_FOR_BACKWARD);
        CHECK(memcmp(&once, &replanned, sizeof once) == 0);
        (void)run(b.g, &net, out, FL_KEEP_ALL); /* keeps what backward needs: a second one without a forward */
        fl_graph_backward(b.g, root_seed);
        for (int i = 0; i < net.n_wrt; i++) CHECK(signal_hash(b.g, net.wrt[i]) == once.signal[i]);
        bench_close(&b);
    }
}

TEST(graph_bits_do_not_depend_on_threads)
{
    numbers first = {0};
    fl_parallel_min = 0;
    for (int threads = 1; threads <= 16; threads = threads < 3 ? threads + 1 : 2 * threads + 2) {
        bench b;
        fl_threads_set(threads);
        bench_open(&b);
        const random_graph net = random_graph_build(b.g, 3, false);
        fl_id out[3];
        some_nodes(b.g, 3, out);
        const numbers now = run(b.g, &net, out, FL_KEEP_FOR_BACKWARD);
        if (threads == 1) first = now;
        CHECK_SAY(memcmp(&first, &now, sizeof now) == 0, "%d threads", threads);
        bench_close(&b);
    }
    fl_threads_set(0);
    fl_parallel_min = FL_PARALLEL_MIN;
}

/* x -> conv -> relu -> conv -> relu ...: what a value costs is known exactly. */
TEST(graph_memory_of_a_chain)
{
    enum { DEPTH = 20 };
    const fl_shape s = {1, 16, 2, 8, 8};
    const size_t one = (size_t)fl_shape_count(s) * sizeof(real);
    bench b;
    bench_open(&b);
    const fl_id x = fl_node_input(b.g, "x", s), w = fl_node_param(b.g, "w", (fl_shape){16, 16, 1, 3, 3});
    fl_id y = x;
    for (int i = 0; i < DEPTH; i++) {
        const size_t mark = fl_graph_enter(b.g, "layer%d", i);
        y = fl_node_relu(b.g, "relu", fl_node_conv(b.g, "conv", y, w, FL_NONE, fl_window_cube(1, 3, 3, 1, 1, 1), 1));
        fl_graph_leave(b.g, mark);
    }
    if (!ok(&b)) return;
    fl_plan plan = {.keep = FL_KEEP_OUTPUTS, .out = &y, .n_out = 1};
    CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
    const size_t forward = b.g->bytes_values;
    CHECK_SAY(forward == 2 * one, "forward alone: %zu bytes instead of two values of %zu", forward, one);

    plan = (fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .root = y, .wrt = &x, .n_wrt = 1};
    CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
    const size_t noted = b.g->bytes_values;                 /* a byte per ReLU and element */
    CHECK_SAY(noted <= 3 * one + DEPTH * one / sizeof(real), "for backward: %zu bytes are %zu values", noted, noted / one);

    plan.parts = true;
    CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
    const size_t backward = b.g->bytes_values;              /* relu reads its result, conv to x nothing */
    CHECK_SAY(backward >= DEPTH * one && backward <= (DEPTH + 3) * one, "for backward: %zu bytes are %zu values",
              backward, backward / one);

    plan.keep = FL_KEEP_ALL;
    CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
    const size_t all = b.g->bytes_values;                   /* 2 DEPTH values, 2 DEPTH + 1 signals */
    CHECK_SAY(all == (4 * DEPTH + 1) * one, "all: %zu bytes are %zu values", all, all / one);
    CHECK(forward < backward && backward < all);
    CHECK_SAY(b.g->n_packs == 1, "%d packings of one weight", b.g->n_packs);
    bench_close(&b);
}

/* Tiles for the gradient of a wide weight take more than all else: nobody makes room for them who does not want it. */
TEST(graph_scratch_is_for_what_a_plan_sends_down)
{
    const fl_shape s = {1, 64, 16, 56, 56};
    bench b;
    bench_open(&b);
    const fl_id x = fl_node_input(b.g, "x", s), w = fl_node_param(b.g, "w", (fl_shape){64, 64, 3, 3, 3});
    const fl_id y = fl_node_conv(b.g, "conv", x, w, FL_NONE, fl_window_cube(3, 3, 3, 1, 1, 1), 1), wrt[2] = {x, w};
    if (!ok(&b)) return;
    size_t room[3];
    for (int k = 0; k < 3; k++) {
        const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .root = y, .wrt = &wrt[k % 2], .n_wrt = k == 2 ? 2 : 1, .parts = true};
        CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
        room[k] = b.g->bytes_scratch;
    }
    CHECK_SAY(2 * room[0] < room[1] && room[1] == room[2], "to x %zu bytes, to w %zu, to both %zu", room[0], room[1], room[2]);
    bench_close(&b);
}

/* ---- gradients ---- */

#ifdef FL_F64
#define SMOOTH_BOUND 1e-9
#define KINKED_BOUND 1e-8           /* steps must be so small (1e-5) that rounding decides */
#else
#define SMOOTH_BOUND 5e-3
#define KINKED_BOUND 5e-3
#endif

static void check_graph_differences(uint64_t seed, bool smooth, int *kinks, int *checked)
{
    bench b;
    bench_open(&b);
    const random_graph net = random_graph_build(b.g, seed, smooth);
    if (!ok(&b)) return;
    const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .root = net.root, .wrt = net.wrt, .n_wrt = net.n_wrt};
    CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
    fl_gradcheck r;
    const fl_gradcheck_options options = {.samples = 3, .seed = seed};
    CHECK(fl_gradcheck_run(b.g, net.wrt, net.n_wrt, &options, &r) == FL_OK);
    const double bound = smooth ? SMOOTH_BOUND : KINKED_BOUND;
    CHECK_SAY(r.worst <= bound, "graph %d: worst %g at %s", (int)seed, r.worst, r.where);
    CHECK_SAY(r.directional <= bound, "graph %d: along a direction %g", (int)seed, r.directional);
    CHECK_SAY(!smooth || (r.kinks == 0 && r.directions > 0), "graph %d: %d kinks of %d, %d directions", (int)seed,
              r.kinks, r.checked, r.directions);
    *kinks += r.kinks;
    *checked += r.checked;
    bench_close(&b);
}

TEST(graph_gradients_of_smooth_graphs)
{
    int kinks = 0, checked = 0;
    fl_threads_set(1);
    for (uint64_t seed = 0; seed < 6; seed++) check_graph_differences(100 + seed, true, &kinks, &checked);
    fl_threads_set(0);
}

TEST(graph_gradients_of_graphs_with_kinks)
{
    int kinks = 0, checked = 0;
    fl_threads_set(1);
    for (uint64_t seed = 0; seed < 6; seed++) check_graph_differences(seed, false, &kinks, &checked);
    fl_threads_set(0);
    CHECK_SAY(checked > 100 && kinks < checked / 4, "%d checked, %d kinks", checked, kinks);
}

/* The signal of a node that several read is the sum, whichever way they read it: y = relu(x) used three times. */
TEST(graph_shared_nodes_add_up)
{
    const real x[2] = {R(1.5), R(-2.0)}, seed[2] = {R(1.0), R(1.0)};
    bench b;
    bench_open(&b);
    const fl_id in = fl_node_input(b.g, "x", fl_shape_vector(1, 2)), r = fl_node_relu(b.g, "r", in);
    const fl_id square = fl_node_mul(b.g, "square", r, r), root = fl_node_add(b.g, "root", square, r); /* r^2 + r */
    const fl_plan plan = {.root = root, .wrt = (fl_id[]){in, r}, .n_wrt = 2};
    CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
    fl_graph_set(b.g, in, x);
    fl_graph_forward(b.g);
    fl_graph_backward(b.g, seed);
    CHECK_NEAR((double)fl_graph_value(b.g, root)[0], 3.75, 0);
    CHECK_NEAR((double)fl_graph_signal(b.g, in)[0], 4, 0);                 /* 2 * 1.5 + 1 */
    CHECK_NEAR((double)fl_graph_signal(b.g, in)[1], 0, 0);
    CHECK_NEAR((double)fl_graph_signal(b.g, r)[1], 1, 0);
    bench_close(&b);
}

TEST(graph_signals_without_a_path)
{
    const real x[3] = {1, 2, 3}, seed[3] = {5, 6, 7};
    bench b;
    bench_open(&b);
    const fl_shape s = fl_shape_vector(1, 3);
    const fl_id in = fl_node_input(b.g, "x", s), other = fl_node_input(b.g, "other", s),
                root = fl_node_sigmoid(b.g, "root", in);
    const fl_id beside = fl_node_tanh(b.g, "beside", other), above = fl_node_tanh(b.g, "above", root);
    const fl_id wrt[] = {in, other, root, beside, above};
    const fl_plan plan = {.root = root, .wrt = wrt, .n_wrt = 5};
    CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
    fl_graph_set(b.g, in, x);
    for (int again = 0; again < 2; again++) {
        fl_graph_forward(b.g);
        fl_graph_backward(b.g, seed);
        for (int i = 0; i < 3; i++) {
            CHECK_NEAR((double)fl_graph_signal(b.g, other)[i], 0, 0);
            CHECK_NEAR((double)fl_graph_signal(b.g, beside)[i], 0, 0);
            CHECK_NEAR((double)fl_graph_signal(b.g, above)[i], 0, 0);
            CHECK_NEAR((double)fl_graph_signal(b.g, root)[i], (double)seed[i], 0);   /* root is among wrt: its seed */
            CHECK((double)fl_graph_signal(b.g, in)[i] > 0);
        }
    }
    const fl_plan leaf = {.root = in, .wrt = &in, .n_wrt = 1}, nowhere = {.root = root, .wrt = &other, .n_wrt = 1};
    CHECK(fl_graph_plan(b.g, &leaf) == FL_OK);
    fl_graph_forward(b.g);
    fl_graph_backward(b.g, seed);
    CHECK_NEAR((double)fl_graph_signal(b.g, in)[2], 7, 0);
    CHECK(fl_graph_plan(b.g, &nowhere) == FL_OK);
    fl_graph_forward(b.g);
    fl_graph_backward(b.g, seed);
    CHECK_NEAR((double)fl_graph_signal(b.g, other)[2], 0, 0);
    bench_close(&b);
}

/* ---- weights that change ---- */

static fl_id small_conv(bench *b, fl_role role, fl_id *x, fl_id *w)
{
    const fl_shape s = {1, 2, 1, 4, 4}, k = {3, 2, 1, 3, 3};
    *x = fl_node_input(b->g, "x", s);
    *w = role == FL_INPUT ? fl_node_input(b->g, "w", k) : fl_node_param(b->g, "w", k);
    const fl_id used = role == FL_COMPUTED ? fl_node_relu(b->g, "computed", *w) : *w;
    return fl_node_conv(b->g, "y", *x, used, FL_NONE, fl_window_cube(1, 3, 3, 1, 1, 1), 1);
}

/* Value of y and signal of x with weight w[round]: set in one graph one after the other, or each in its own graph. */
static void check_new_weights(fl_role role, bool by_pointer)
{
    enum { ROUNDS = 3, WEIGHTS = 54, RESULTS = 48, INPUTS = 32 };
    real w[ROUNDS][WEIGHTS], x[INPUTS], seed[RESULTS];
    fl_rng_fill_normal(1, 0, 0, w[0], ROUNDS * WEIGHTS);
    fl_rng_fill_normal(2, 0, 0, x, INPUTS);
    fl_rng_fill_normal(3, 0, 0, seed, RESULTS);
    bench one;
    fl_id in, weight;
    bench_open(&one);
    const fl_id y = small_conv(&one, role, &in, &weight);
    const fl_plan plan = {.root = y, .wrt = (fl_id[]){in, weight}, .n_wrt = 2};
    fl_graph_plan(one.g, &plan);
    fl_graph_set(one.g, in, x);
    for (int i = 0; i < ROUNDS; i++) {
        bench fresh;
        bench_open(&fresh);
        small_conv(&fresh, role, &in, &weight);
        fl_graph_plan(fresh.g, &plan);
        fl_graph_set(fresh.g, in, x);
        fl_graph_set(fresh.g, weight, w[i]);
        if (by_pointer) {
            memcpy(fl_graph_value(one.g, weight), w[i], sizeof w[i]);
            fl_graph_touch(one.g);
        } else {
            fl_graph_set(one.g, weight, w[i]);
        }
        fl_graph_forward(one.g);
        fl_graph_forward(fresh.g);
        CHECK_SAY(value_hash(one.g, y) == value_hash(fresh.g, y), "role %d, round %d: an old packing was used",
                  (int)role, i);
        fl_graph_backward(one.g, seed);
        fl_graph_backward(fresh.g, seed);
        CHECK_SAY(signal_hash(one.g, in) == signal_hash(fresh.g, in), "role %d, round %d: an old packing backwards",
                  (int)role, i);
        CHECK(signal_hash(one.g, weight) == signal_hash(fresh.g, weight));
        bench_close(&fresh);
    }
    bench_close(&one);
}

TEST(graph_new_weights_are_used)
{
    check_new_weights(FL_PARAM, false);
    check_new_weights(FL_PARAM, true);
    check_new_weights(FL_INPUT, false);
    check_new_weights(FL_COMPUTED, false);
}

/* One weight under three sizes of input, two strides and two numbers of groups: packings may be shared only where
 * they are the same. */
TEST(graph_shared_weights_are_packed_right)
{
    const fl_window same = fl_window_cube(1, 3, 3, 1, 1, 1), half = fl_window_cube(1, 3, 3, 1, 2, 2);
    const fl_shape big = {2, 3, 2, 9, 8}, small = {1, 3, 4, 3, 5};
    const fl_shape wide = {1, 9, 1, 4, 4};
    const struct { fl_shape x; fl_window win; int groups; } use[] = {
        {big, same, 1}, {small, same, 1}, {big, half, 1}, {small, half, 1}, {big, same, 1}, {wide, same, 3},
    };
    enum { USES = 6 };
    real w[81], seed[4096];
    fl_rng_fill_normal(1, 0, 0, w, 81);
    fl_rng_fill_normal(2, 0, 0, seed, 4096);
    bench b;
    bench_open(&b);
    const fl_id weight = fl_node_param(b.g, "w", (fl_shape){3, 3, 1, 3, 3});
    fl_id x[USES], y[USES];
    for (int i = 0; i < USES; i++) {
        const size_t mark = fl_graph_enter(b.g, "%d", i);
        x[i] = fl_node_input(b.g, "x", use[i].x);
        fl_rng_fill_normal(4, (uint64_t)i, 0, fl_graph_value(b.g, x[i]), fl_shape_count(use[i].x));
        y[i] = fl_node_conv(b.g, "y", x[i], weight, FL_NONE, use[i].win, use[i].groups);
        fl_graph_leave(b.g, mark);
    }
    fl_graph_set(b.g, weight, w);
    CHECK(fl_graph_plan(b.g, &(fl_plan){.out = y, .n_out = USES}) == FL_OK);
    CHECK_SAY(b.g->n_packs == 3, "%d packings instead of one per geometry", b.g->n_packs);
    for (int i = 0; i < USES && ok(&b); i++) {
        bench alone;
        bench_open(&alone);
        const fl_id ax = fl_node_input(alone.g, "x", use[i].x),
                    aw = fl_node_param(alone.g, "w", (fl_shape){3, 3, 1, 3, 3});
        const fl_id ay = fl_node_conv(alone.g, "y", ax, aw, FL_NONE, use[i].win, use[i].groups);
        fl_graph_set(alone.g, ax, fl_graph_value(b.g, x[i]));
        fl_graph_set(alone.g, aw, w);
        CHECK(fl_graph_plan(alone.g, &(fl_plan){.root = ay, .wrt = &ax, .n_wrt = 1}) == FL_OK);
        CHECK(fl_graph_plan(b.g, &(fl_plan){.out = y, .n_out = USES, .root = y[i], .wrt = &x[i], .n_wrt = 1}) ==
              FL_OK);
        fl_graph_forward(alone.g);
        fl_graph_forward(b.g);
        CHECK_SAY(value_hash(alone.g, ay) == value_hash(b.g, y[i]), "use %d: forward", i);
        fl_graph_backward(alone.g, seed);
        fl_graph_backward(b.g, seed);
        CHECK_SAY(signal_hash(alone.g, ax) == signal_hash(b.g, x[i]), "use %d: backward", i);
        bench_close(&alone);
    }
    bench_close(&b);
}

/* A weight that is used at one pixel, where it is turned on the way down, and in a frame, where it has a packing for that: in any order. */
TEST(graph_shared_weight_is_turned_only_where_it_pays)
{
    enum { C = 1040 };
    const fl_shape place[2] = {{1, C, 1, 1, 1}, {1, C, 2, 3, 3}};
    for (int order = 0; order < 2; order++) {
        bench b;
        bench_open(&b);
        fl_id x[2], mean[2], conv[2];
        const fl_id w = fl_node_param(b.g, "w", (fl_shape){C, C, 1, 1, 1});
        for (int i = 0; i < 2; i++) x[i] = fl_node_input(b.g, i ? "frame" : "pixel", place[i]);
        for (int i = 0; i < 2; i++) {
            const int k = order ? 1 - i : i;
            conv[k] = fl_node_conv(b.g, k ? "in_frame" : "at_pixel", x[k], w, FL_NONE, fl_window_cube(1, 1, 1, 1, 1, 1), 1);
            mean[k] = fl_node_global_average(b.g, k ? "of_frame" : "of_pixel", conv[k]);
        }
        const fl_id root = fl_node_add(b.g, "sum", mean[0], mean[1]);
        real *seed = FL_NEW(&b.arena, real, C);
        uint64_t hash[2][2] = {{0}};
        fl_rng_fill_normal(1, 1, 0, fl_graph_value(b.g, w), (int64_t)C * C);
        fl_rng_fill_normal(1, 2, 0, seed, C);
        for (int parts = 0; parts < 2 && ok(&b); parts++) {
            const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .root = root, .wrt = x, .n_wrt = 2, .parts = parts != 0};
            CHECK(fl_graph_plan(b.g, &plan) == FL_OK);
            for (int i = 0; i < 2; i++) fl_rng_fill_normal(2, (uint64_t)i, 0, fl_graph_value(b.g, x[i]), fl_shape_count(place[i]));
            CHECK(b.g->node[conv[0]].turned == !parts && !b.g->node[conv[1]].turned);
            fl_graph_touch(b.g);
            fl_graph_forward(b.g);
            fl_graph_backward(b.g, seed);
            for (int i = 0; i < 2; i++) hash[parts][i] = signal_hash(b.g, x[i]);
        }
        for (int i = 0; i < 2; i++) CHECK_SAY(hash[0][i] == hash[1][i], "order %d: other bits at %s", order, i ? "the frame" : "the pixel");
        bench_close(&b);
    }
}
