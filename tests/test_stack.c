/* test_stack.c: convolutions side by side are one convolution, where nobody but sums and frames reads them; the same numbers. */
#include "autograd/fold.h"
#include "autograd/ops.h"
#include "layers/layers.h"
#include "tests/formula.h"
#include "tests/model_rig.h"
#include "tests/test.h"

#include <stdio.h>

#ifdef FL_F64
static const double BOUND = 1e-12;
#else
static const double BOUND = 2e-5;
#endif

static int count_of(const fl_graph *g, fl_op_kind kind)
{
    int n = 0;
    for (fl_id i = 0; i < g->count; i++) n += g->node[i].op->kind == kind;
    return n;
}

/* The output and its gradient to the input, one behind the other. */
static real *run(fl_graph *g, fl_id x, fl_id y, int64_t *count, fl_arena *arena)
{
    const int64_t n = fl_shape_count(fl_graph_shape(g, y)), m = fl_shape_count(fl_graph_shape(g, x));
    real *seed = FL_NEW(arena, real, n), *both = FL_NEW(arena, real, n + m);
    *count = n + m;
    fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &y, .n_out = 1, .root = y, .wrt = &x, .n_wrt = 1});
    if (!CHECK_SAY(fl_graph_ok(g), "%s", g->error->message)) return both;
    formula_seed("stack", n, seed);
    fl_graph_forward(g);
    memcpy(both, fl_graph_value(g, y), (size_t)n * sizeof(real));
    fl_graph_backward(g, seed);
    memcpy(both + n, fl_graph_signal(g, x), (size_t)m * sizeof(real));
    return both;
}

static void check_same(const char *name, const fl_fold *f, fl_id x, fl_id y)
{
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    int64_t count, again;
    const real *apart = run((fl_graph *)f->from, x, y, &count, &arena), *stacked = run(f->g, f->place[x], f->place[y], &again, &arena);
    const double off = fl_relative_error(stacked, apart, count);
    CHECK_SAY(count == again && off <= BOUND && fl_norm(apart, count) > 0, "%s: off by %g", name, off);
    fl_arena_free(&arena);
}

/* ---- a ConvLSTM ---- */

static void check_cell(const char *name, bool peepholes, fl_bptt bptt)
{
    enum { FRAMES = 4, HIDDEN = 3 };
    rig r = {0};
    fl_arena_init(&r.arena, &r.error);
    fl_graph *g = r.g = fl_graph_new(&r.arena);
    const fl_id x = fl_node_input(g, "x", (fl_shape){2, 2, FRAMES, 6, 5});
    const fl_id y = fl_layer_convlstm(g, "cell", x, (fl_convlstm){HIDDEN, 3, 1, peepholes, bptt});
    for (fl_id i = 0; fl_graph_ok(g) && i < g->count; i++)
        if (g->node[i].role != FL_COMPUTED) fl_rng_fill_normal(7, (uint64_t)i, 0, fl_graph_value(g, i), fl_shape_count(g->node[i].shape));
    fl_fold *f = fl_fold_new(g);
    if (CHECK_SAY(f != NULL, "%s: %s", name, r.error.message) && f) {
        CHECK_SAY(count_of(f->g, FL_OP_conv) == 1 + FRAMES, "%s: %d convolutions", name, count_of(f->g, FL_OP_conv));
        CHECK_SAY(f->count == 2, "%s: %d new weights: all steps have one", name, f->count);
        const fl_id of_input = fl_graph_find(f->g, "cell.Wxi.stack"), of_state = fl_graph_find(f->g, "cell.t2.i.zh.stack");
        CHECK_SAY(of_input != FL_NONE && of_state != FL_NONE && fl_graph_shape(f->g, of_input).c == 4 * HIDDEN, "%s: no stacks", name);
        CHECK_SAY(f->place[fl_graph_find(g, "cell.Wxf")] == FL_NONE && f->place[fl_graph_find(g, "cell.t1.f.zh")] == FL_NONE,
                  "%s: parts that only parts read are there", name);
        CHECK_SAY(f->place[fl_graph_find(g, "cell.Wxf.weight")] == FL_NONE, "%s: a weight is there twice", name);
        CHECK_SAY(count_of(f->g, FL_OP_add) == FRAMES * (peepholes ? 5 : 2), "%s: %d sums", name, count_of(f->g, FL_OP_add));
        const fl_id z = f->place[fl_graph_find(g, "cell.t3.o.z")];
        CHECK_SAY(z != FL_NONE && f->g->node[z].op->kind == FL_OP_slice && f->g->node[z].attr.slice.begin == 3 * HIDDEN,
                  "%s: the output gate is not the last part", name);
        check_same(name, f, x, y);
        for (fl_id i = 0; i < g->count; i++)                 /* other weights: the new graph follows */
            if (g->node[i].role == FL_PARAM) fl_scale(g->node[i].value, R(0.5), fl_shape_count(g->node[i].shape));
        fl_graph_touch(g);
        fl_fold_refresh(f);
        check_same(name, f, x, y);
    }
    fl_arena_free(&r.arena);
}

TEST(stack_gates_of_a_convlstm_are_one_convolution)
{
    check_cell("plain", false, FL_BPTT_FULL);
    check_cell("peepholes", true, FL_BPTT_FULL);
    check_cell("no signal through time", false, FL_BPTT_NONE);
}

/* ---- what goes together, and what does not ---- */

typedef struct pieces { rig r; fl_rng rng; fl_id x, w[6], b[4]; } pieces;

static const fl_window K3 = {{1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}};

static void pieces_up(pieces *p)
{
    *p = (pieces){.rng = {11, 0, 0}};
    fl_arena_init(&p->r.arena, &p->r.error);
    fl_graph *g = p->r.g = fl_graph_new(&p->r.arena);
    if (!g) return;
    p->x = fl_node_input(g, "x", (fl_shape){1, 3, 4, 5, 4});
    for (int i = 0; i < 6; i++) {
        char name[8];
        snprintf(name, sizeof name, "w%d", i);
        p->w[i] = fl_example_operand(g, &p->rng, name, (fl_shape){i < 4 ? 3 : 2, 3, 1, 3, 3});
        snprintf(name, sizeof name, "b%d", i);
        if (i < 4) p->b[i] = fl_example_operand(g, &p->rng, name, fl_shape_vector(1, 3));
    }
    if (fl_graph_ok(g)) fl_rng_fill_normal(3, 0, 0, fl_graph_value(g, p->x), 3 * 4 * 5 * 4);
}

static fl_id conv(pieces *p, const char *name, fl_id x, int w, fl_id b) { return fl_node_conv(p->r.g, name, x, p->w[w], b, K3, 1); }
static fl_id sum(pieces *p, const char *name, fl_id a, fl_id b) { return fl_node_add(p->r.g, name, a, b); }
static fl_id frame(pieces *p, const char *name, fl_id x, int t) { return fl_node_slice(p->r.g, name, x, FL_AXIS_T, t, t + 1); }

/* y: the graph's end. stacks: how many are expected; convs: of the new graph. */
static void check_pieces(pieces *p, const char *name, fl_id y, int stacks, int convs)
{
    fl_fold *f = fl_fold_new(p->r.g);
    if (CHECK_SAY(f != NULL, "%s: %s", name, p->r.error.message) && f) {
        CHECK_SAY(f->count == stacks && count_of(f->g, FL_OP_conv) == convs, "%s: %d stacks, %d convolutions", name, f->count,
                  count_of(f->g, FL_OP_conv));
        check_same(name, f, p->x, y);
    }
    fl_arena_free(&p->r.arena);
}

/* (relu(q0 of a + q0 of c) + relu(q1 + q1)): a and c read different inputs; the convolutions of c come in the other order. */
static fl_id two_pairs(pieces *p, bool bias)
{
    fl_graph *g = p->r.g;
    const fl_id h = fl_node_tanh(g, "h", p->x);
    const fl_id a0 = conv(p, "a0", p->x, 0, bias ? p->b[0] : FL_NONE), a1 = conv(p, "a1", p->x, 1, bias ? p->b[1] : FL_NONE);
    const fl_id c1 = conv(p, "c1", h, 3, FL_NONE), c0 = conv(p, "c0", h, 2, FL_NONE);
    return sum(p, "y", fl_node_relu(g, "r0", sum(p, "s0", a0, c0)), fl_node_relu(g, "r1", sum(p, "s1", c1, a1)));
}

TEST(stack_sums_of_parts_are_sums_of_wholes)
{
    for (int bias = 0; bias < 2; bias++) {
        pieces p;
        pieces_up(&p);
        const fl_id y = two_pairs(&p, bias);
        check_pieces(&p, bias ? "with biases" : "without", y, 2, 2);
    }
}

/* Frames of a part are parts, also when the parts are asked for different ones. */
TEST(stack_frames_of_parts)
{
    pieces p;
    pieces_up(&p);
    const fl_id a0 = conv(&p, "a0", p.x, 0, p.b[0]), a1 = conv(&p, "a1", p.x, 1, p.b[1]), a2 = conv(&p, "a2", p.x, 2, p.b[2]);
    const fl_id one = fl_node_mul(p.r.g, "one", frame(&p, "f0", a0, 1), frame(&p, "f1", a1, 1));
    check_pieces(&p, "frames", fl_node_mul(p.r.g, "y", one, frame(&p, "f2", a2, 3)), 1, 1);
}

/* Whoever reads a convolution itself finds it: a ReLU, a product, the end of the graph. */
TEST(stack_leaves_what_is_read_by_itself)
{
    for (int how = 0; how < 6; how++) {
        pieces p;
        pieces_up(&p);
        fl_graph *g = p.r.g;
        const fl_id h = fl_node_tanh(g, "h", p.x), none = FL_NONE;
        const fl_id a0 = conv(&p, "a0", p.x, 0, none), a1 = conv(&p, "a1", how == 4 ? h : p.x, how == 5 ? 0 : 1, none);
        const fl_id c0 = conv(&p, "c0", h, 2, none), c1 = conv(&p, "c1", h, 3, none);
        /* 1: parts of other numbers */
        const fl_id s0 = sum(&p, "s0", a0, how == 1 ? c1 : c0), s1 = sum(&p, "s1", a1, how == 1 ? c0 : c1);
        fl_id y = fl_node_mul(g, "m", s0, s1);
        if (how == 0) y = sum(&p, "y", y, fl_node_relu(g, "r", a1));
        if (how == 2) y = sum(&p, "y", y, fl_node_mul(g, "n", c0, a0));
        if (how == 3) y = sum(&p, "y", y, sum(&p, "z", a0, p.x));
        char name[16];
        snprintf(name, sizeof name, "way %d", how);
        check_pieces(&p, name, y, 0, 4);
    }
}

/* Other windows, biases here and there, weights of other shapes, groups, weights that are computed. */
TEST(stack_joins_equals_only)
{
    pieces p;
    pieces_up(&p);
    fl_graph *g = p.r.g;
    const fl_window wide = {{1, 3, 3}, {1, 1, 1}, {1, 2, 2}, {0, 2, 2}, {0, 2, 2}};
    const fl_id a = conv(&p, "a", p.x, 0, p.b[0]), b = conv(&p, "b", p.x, 1, FL_NONE);
    const fl_id c = fl_node_conv(g, "c", p.x, p.w[2], p.b[0], wide, 1);
    const fl_id d = fl_node_conv(g, "d", p.x, fl_node_relu(g, "made", p.w[3]), p.b[1], K3, 1);
    const fl_id e = conv(&p, "e", p.x, 4, FL_NONE), f = fl_node_slice(g, "f", conv(&p, "f3", p.x, 3, p.b[2]), FL_AXIS_C, 0, 2);
    check_pieces(&p, "unequal", sum(&p, "y", sum(&p, "ab", sum(&p, "ac", a, c), sum(&p, "bd", b, d)),
                                    fl_node_slice(g, "all", fl_node_concat(g, "ef", FL_AXIS_C, 2, (const fl_id[]){e, f}),
                                                  FL_AXIS_C, 0, 3)), 0, 6);
}

/* ---- random graphs ---- */

enum { GRAPHS = 150, TRIOS = 8 };

typedef struct trio { fl_id part[3]; bool frame; } trio;              /* done alike; whole clips or single frames */

/* Three convolutions of one input, by weights in any order; a frame of each of an older trio; or sums of two trios, now and then of parts
 * that do not belong together. */
static trio random_trio(pieces *p, const trio *old, int count, fl_rng *rng)
{
    fl_graph *g = p->r.g;
    const int what = count ? fl_rng_next_below(rng, 4) : 0, turn = fl_rng_next_below(rng, 4), t = fl_rng_next_below(rng, 4);
    const trio a = old[count ? fl_rng_next_below(rng, count) : 0], b = old[count ? fl_rng_next_below(rng, count) : 0];
    const bool biased = fl_rng_next_below(rng, 2), deep = count && !a.frame && fl_rng_next_below(rng, 2);
    trio made = {.frame = what == 2 || (what == 3 && a.frame)};
    const fl_id from = deep ? fl_node_tanh(g, fl_arena_text(g->arena, "h%d", count), a.part[t % 3]) : p->x;
    for (int q = 0; q < 3; q++) {
        const char *name = fl_arena_text(g->arena, "t%d.%d", count, q);
        if (what < 2 || (what == 2 && a.frame) || a.frame != b.frame) {
            made.frame = false;
            made.part[q] = conv(p, name, from, (q + turn) % 4, biased ? p->b[q] : FL_NONE);
        } else if (what == 2) {
            made.part[q] = frame(p, name, a.part[q], t);
        } else {
            made.part[q] = sum(p, name, a.part[q], b.part[turn ? q : (q + 1) % 3]);
        }
    }
    return made;
}

static fl_id random_pieces(pieces *p, uint64_t seed)
{
    fl_graph *g = p->r.g;
    fl_rng rng = {seed, 0, 0};
    trio list[TRIOS] = {0};
    fl_id y = frame(p, "begin", p->x, 0);
    for (int i = 0; i < TRIOS; i++) list[i] = random_trio(p, list, i, &rng);
    for (int i = 0; i < TRIOS; i++)
        for (int q = 0; q < 3; q++) {
            const fl_id part = list[i].part[q];
            const fl_id now = list[i].frame ? part : frame(p, fl_arena_text(g->arena, "f%d.%d", i, q), part, 2);
            const fl_id read = fl_node_tanh(g, fl_arena_text(g->arena, "r%d.%d", i, q), now);
            y = sum(p, fl_arena_text(g->arena, "y%d.%d", i, q), y,
                    q == 1 ? fl_node_mul(g, fl_arena_text(g->arena, "m%d", i), y, read) : read);
        }
    return y;
}

TEST(stack_changes_no_number_of_random_graphs)
{
    int stacks = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        pieces p;
        pieces_up(&p);
        const fl_id y = random_pieces(&p, seed);
        for (int i = 0; fl_graph_ok(p.r.g) && i < 4; i++) fl_scale(fl_graph_value(p.r.g, p.w[i]), R(0.3), 3 * 3 * 9);
        const fl_fold *f = fl_fold_new(p.r.g);
        char name[24];
        snprintf(name, sizeof name, "graph %d", (int)seed);
        CHECK_SAY(f != NULL, "%s: %s", name, p.r.error.message);
        if (!f) return;
        stacks += f->count;
        check_same(name, f, p.x, y);
        fl_arena_free(&p.r.arena);
    }
    CHECK_SAY(stacks > GRAPHS, "%d stacks in %d graphs", stacks, GRAPHS);
}

TEST(stack_survives_without_memory)
{
    for (long k = 1;; k++) {
        pieces p;
        pieces_up(&p);
        two_pairs(&p, true);
        fl_arena_fail_at(k);
        const fl_fold *f = fl_fold_new(p.r.g);
        const bool reached = fl_arena_count() >= k;
        fl_arena_fail_at(0);
        CHECK(!f == reached && (p.r.error.status == FL_OK) == !reached);
        fl_arena_free(&p.r.arena);
        if (!reached) break;
    }
}
