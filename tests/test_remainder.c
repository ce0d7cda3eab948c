/* test_remainder.c: exact graphs carry more than float32 between layers, and ReLUs and maxima fall by it.
 *
 * The clip is 1 everywhere, and a second channel holds d = k 2^-30. A convolution adds the two: 1 + d is 1 in float32, so all that
 * the network decides on is in the remainders. Everything is a sum of powers of two: what is due is known to the last bit. */
#include "autograd/ops.h"
#include "autograd/remainder.h"
#include "tests/test.h"

#include <string.h>

enum { PIXELS = 8, EXPONENT = 30, SHIFT = 5 };
static const int k_of[PIXELS] = {0, 3, 5, -2, -7, -9, 4, 6};
static const fl_window ONE = {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};

typedef struct bench {
    fl_error error;
    fl_arena arena;
    fl_graph *g;
    fl_id x, sum, chain, pooled, end;
} bench;

static double d_of(int pixel) { return ldexp(k_of[pixel], -EXPONENT); }

static fl_id filled(fl_graph *g, const char *name, fl_shape s, const double *values)
{
    const fl_id id = fl_node_param(g, name, s);
    for (int64_t i = 0; id != FL_NONE && i < fl_shape_count(s); i++) g->node[id].value[i] = (real)values[i];
    return id;
}

/* u = x0 + x1 = 1 + d;  v = 2u by add, 2u - 1/2 by a norm, back and forth through everything that moves;  m = max of two pixels;
 * z = the first maximum but one minus the others;  y = 2^SHIFT relu(z), summed. */
static void build(bench *b, bool exact)
{
    memset(b, 0, sizeof *b);
    fl_arena_init(&b->arena, &b->error);
    fl_graph *g = b->g = fl_graph_new(&b->arena);
    g->exact = exact;
    b->x = fl_node_input(g, "x", (fl_shape){1, 2, 1, 1, PIXELS});
    const fl_id w1 = filled(g, "w1", (fl_shape){1, 2, 1, 1, 1}, (const double[]){1, 1});
    const fl_id u = b->sum = fl_node_conv(g, "u", b->x, w1, FL_NONE, ONE, 1);
    const fl_shape one = fl_shape_vector(1, 1);
    const fl_id gamma = filled(g, "gamma", one, (const double[]){1}), beta = filled(g, "beta", one, (const double[]){0});
    const fl_id mean = filled(g, "mean", one, (const double[]){0.5}), var = filled(g, "var", one, (const double[]){1});
    const fl_id v = fl_node_relu(g, "v", fl_node_batchnorm(g, "norm", fl_node_add(g, "twice", u, u), gamma, beta, mean, var, 0));
    const fl_id left = fl_node_slice(g, "left", v, FL_AXIS_W, 0, 3), right = fl_node_slice(g, "right", v, FL_AXIS_W, 3, PIXELS);
    const fl_id whole = fl_node_concat(g, "whole", FL_AXIS_W, 2, (const fl_id[]){left, right});
    const fl_id upright = fl_node_permute(g, "upright", whole, (const int[]){0, 1, 2, 4, 3});
    b->chain = fl_node_reshape(g, "chain", upright, (fl_shape){1, 1, 1, 1, PIXELS});
    const fl_window two = {{1, 1, 2}, {1, 1, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    b->pooled = fl_node_maxpool(g, "pooled", b->chain, two, false);
    const fl_id w2 = filled(g, "w2", (fl_shape){3, 4, 1, 1, 1}, (const double[]){-1, 1, 0, 0, 1, -1, 0, 0, 0, 1, 0, -1});
    const fl_id z = fl_node_linear(g, "z", fl_node_flatten(g, "flat", b->pooled), w2, FL_NONE);
    const double up = ldexp(1, SHIFT);
    const fl_id w3 = filled(g, "w3", (fl_shape){1, 3, 1, 1, 1}, (const double[]){up, up, up});
    b->end = fl_node_linear(g, "end", fl_node_relu(g, "gate", z), w3, FL_NONE);
}

static void set_clip(bench *b)
{
    real *x = fl_graph_value(b->g, b->x);
    for (int p = 0; p < PIXELS; p++) x[2 * p] = 1, x[2 * p + 1] = (real)d_of(p);
}

static bool run(bench *b, fl_keep keep, bool parts)
{
    const fl_id out[] = {b->sum, b->chain, b->pooled, b->end};
    const fl_plan plan = {.keep = keep, .out = out, .n_out = 4, .root = b->end, .wrt = &b->x, .n_wrt = 1, .parts = parts};
    if (!CHECK_SAY(fl_graph_plan(b->g, &plan) == FL_OK, "%s", b->error.message)) return false;
    set_clip(b);
    fl_graph_forward(b->g);
    return true;
}

/* Value and remainder are the number. */
static void check_number(const bench *b, fl_id id, int at, double want)
{
    const fl_node *node = &b->g->node[id];
    const double rest = node->rest ? (double)node->rest[at] : 0;
    CHECK_SAY(node->value[at] == (real)want && (double)node->value[at] + rest == want, "%s[%d]: %.17g and %.17g, wanted %.17g", node->name,
              at, (double)node->value[at], rest, want);
}

/* z = {m1 - m0, m0 - m1, m1 - m3} with m = 1.5 + 2 {3, 5, -7, 6} 2^-30: the first alone is positive. In float32 all are 0. */
static void check_down(bench *b, const char *what)
{
    const double grows = ldexp(2, SHIFT);                                 /* dy/dm * dm/dx */
    fl_graph_backward(b->g, (const real[]){1});
    const real *gx = fl_graph_signal(b->g, b->x);
    for (int p = 0; p < PIXELS; p++) {
        const double want = p == 2 ? grows : p == 1 ? -grows : 0;         /* the winners of the first two windows */
        CHECK_SAY((double)gx[2 * p] == want && (double)gx[2 * p + 1] == want, "%s: gradient at %d is %g, wanted %g", what, p,
                  (double)gx[2 * p], want);
    }
}

TEST(remainder_decides_relus_and_maxima)
{
    static const struct { const char *name; fl_keep keep; bool parts; } plans[] = {
        {"for backward", FL_KEEP_FOR_BACKWARD, false}, {"in parts", FL_KEEP_FOR_BACKWARD, true}, {"all", FL_KEEP_ALL, false}};
    for (int i = 0; i < 3; i++) {
        bench b;
        build(&b, true);
        if (run(&b, plans[i].keep, plans[i].parts)) {
            CHECK_SAY(fl_graph_value(b.g, b.end)[0] == (real)ldexp(4, SHIFT - EXPONENT), "%s: %g", plans[i].name,
                      (double)fl_graph_value(b.g, b.end)[0]);
            check_down(&b, plans[i].name);
        }
        fl_arena_free(&b.arena);
    }
}

TEST(remainder_and_value_are_the_number)
{
    bench b;
    build(&b, true);
    if (run(&b, FL_KEEP_ALL, false)) {
        for (int p = 0; p < PIXELS; p++) check_number(&b, b.sum, p, 1 + d_of(p));
        for (int p = 0; p < PIXELS; p++) check_number(&b, b.chain, p, 1.5 + 2 * d_of(p));
        for (int m = 0; m < PIXELS / 2; m++) {
            const int best = k_of[2 * m] > k_of[2 * m + 1] ? 2 * m : 2 * m + 1;
            check_number(&b, b.pooled, m, 1.5 + 2 * d_of(best));
        }
    }
    fl_arena_free(&b.arena);
}

/* What all this is about: with sums that are exact and values that are not, nothing of it is seen. */
TEST(remainder_is_lost_without_a_way_down)
{
    if (sizeof(real) == sizeof(double)) SKIP("float64 holds it in its values");
    for (int exact = 0; exact < 2; exact++) {
        bench b;
        build(&b, exact);
        if (CHECK(fl_graph_plan(b.g, &(fl_plan){.keep = FL_KEEP_OUTPUTS, .out = &b.end, .n_out = 1}) == FL_OK)) {
            set_clip(&b);
            fl_graph_forward(b.g);
            CHECK(fl_graph_value(b.g, b.end)[0] == 0);
            for (fl_id i = 0; i < b.g->count; i++) CHECK(!b.g->node[i].has_rest && !b.g->node[i].rest);
        }
        fl_arena_free(&b.arena);
    }
}

/* A value that somebody puts there is the whole number. */
TEST(remainder_of_a_changed_value_is_nothing)
{
    bench b;
    build(&b, true);
    if (run(&b, FL_KEEP_ALL, false)) {
        bool *changed = FL_NEW(&b.arena, bool, b.g->count);
        for (int p = 0; p < PIXELS; p++) fl_graph_value(b.g, b.sum)[p] = 1;
        fl_graph_forward_above(b.g, b.sum, changed);
        CHECK(changed[b.end] && fl_graph_value(b.g, b.end)[0] == 0);
        check_number(&b, b.chain, 2, 1.5);
    }
    fl_arena_free(&b.arena);
}

/* A chain of convolutions and ReLUs: remainders live from one layer to the next, whatever its length. */
TEST(remainder_costs_two_neighbours)
{
    if (sizeof(real) == sizeof(double)) SKIP("float64 has none");
    const fl_shape s = {1, 32, 2, 8, 8};
    const size_t one = (size_t)fl_shape_count(s) * sizeof(real), notes = (size_t)fl_shape_count(s);
    for (int layers = 4; layers <= 16; layers *= 2) {
        fl_error error = {0};
        fl_arena arena;
        fl_arena_init(&arena, &error);
        fl_graph *g = fl_graph_new(&arena);
        g->exact = true;
        const fl_id x = fl_node_input(g, "x", s), w = fl_node_param(g, "w", (fl_shape){32, 32, 1, 1, 1});
        fl_id y = x;
        for (int i = 0; i < layers; i++) {
            const size_t mark = fl_graph_enter(g, "layer%d", i);
            y = fl_node_relu(g, "relu", fl_node_conv(g, "conv", y, w, FL_NONE, ONE, 1));
            fl_graph_leave(g, mark);
        }
        CHECK(fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .root = y, .wrt = &x, .n_wrt = 1}) == FL_OK);
        CHECK_SAY(g->bytes_values <= 4 * one + (size_t)layers * notes + one, "%d layers: %zu bytes, %.2f values", layers, g->bytes_values,
                  (double)g->bytes_values / (double)one);
        fl_arena_free(&arena);
    }
}
