/* test_fence.c: no kernel reads or writes outside its arrays. Every array ends, and then begins, at a page that must not be touched. */
#include "autograd/ops.h"
#include "tensor/conv.h"
#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tests/fence.h"
#include "tests/op_cases.h"
#include "tests/test.h"

enum { ARRAYS = 12 };

typedef struct work {
    fence fences[ARRAYS];
    int count;
    bool failed;
    fence_side side;
    fl_conv c;
    fl_conv_pass pass;
    fl_finish finish;                 /* of the two passes that have one */
    const real *from, *packed, *bias, *gy;
    real *to;
    void *scratch;
    const op_case *op;                /* for ops: k = -1 is forward */
    int k;
    const real *in[8], *y;
} work;

static void *place(work *w, size_t bytes, size_t align)
{
    void *a = w->count < ARRAYS ? fence_array(&w->fences[w->count++], bytes, align, w->side) : NULL;
    w->failed |= !a;
    return a;
}

static real *numbers(work *w, int64_t count, uint64_t stream)
{
    real *a = place(w, (size_t)count * sizeof *a, sizeof *a);
    if (a) fl_rng_fill_normal(5, stream, 0, a, count);
    return a;
}

static void close_work(work *w)
{
    for (int i = 0; i < w->count; i++) fence_free(&w->fences[i]);
}

/* ---- the fence itself ---- */

static void touch(void *place) { *(volatile char *)place = 1; }

TEST(fence_notices_one_byte)
{
    for (int side = 0; side < 2; side++) {
        fence f;
        char *a = fence_array(&f, 100, 4, side ? FENCE_AFTER : FENCE_BEFORE);
        if (!CHECK(a != NULL)) return;
        CHECK(fence_call(touch, a) && fence_call(touch, a + 99));
        CHECK(!fence_call(touch, side ? a + 100 : a - 1));
        fence_free(&f);
    }
}

/* ---- convolutions ---- */

static void convolve(void *argument)
{
    const work *w = argument;
    if (w->pass == FL_CONV_TO_WEIGHTS) fl_conv_to_weights(&w->c, w->from, w->gy, w->to, w->scratch);
    else fl_conv_run(&w->c, w->pass, w->from, w->packed, w->bias, &w->finish, w->to, w->scratch);
}

static void check_pass(const fl_conv *c, fl_conv_pass pass, fence_side side)
{
    work w = {.side = side, .c = *c, .pass = pass};
    const bool to_input = pass == FL_CONV_TO_INPUT, to_weights = pass == FL_CONV_TO_WEIGHTS;
    const int *k = c->win.k, ci = c->x.c / c->groups;
    const int64_t weights = (int64_t)c->y.c * ci * k[0] * k[1] * k[2], results = fl_shape_count(to_input ? c->x : c->y);
    w.from = numbers(&w, fl_shape_count(to_input ? c->y : c->x), 1);
    if (to_weights) {
        w.gy = numbers(&w, fl_shape_count(c->y), 2);
    } else {
        const real *kernel = numbers(&w, weights, 3);
        real *packed = place(&w, (size_t)fl_conv_packed_count(c, pass) * sizeof *packed, 64);
        if (!to_input) w.bias = numbers(&w, c->y.c, 4);
        if (!w.failed) fl_conv_pack(c, pass, kernel, packed);
        w.packed = packed;
        w.finish = (fl_finish){numbers(&w, results, 6), !to_input, place(&w, (size_t)results, 1), place(&w, (size_t)results, 1)};
    }
    w.to = numbers(&w, to_weights ? weights : results, 5);
    w.scratch = place(&w, fl_conv_scratch(c, pass) + 1, 64);
    if (CHECK(!w.failed))
        CHECK_SAY(fence_call(convolve, &w), "%s, %s of its arrays: pass %d of %d>%d %dx%dx%d s%d,%d,%d d%d,%d,%d g%d at %dx%dx%dx%d, "
                  "to %dx%dx%d", fl_isa_name(), side == FENCE_AFTER ? "behind the end" : "before the start", (int)pass,
                  c->x.c, c->y.c, k[0], k[1], k[2],
                  c->win.s[0], c->win.s[1], c->win.s[2], c->win.d[0], c->win.d[1], c->win.d[2], c->groups,
                  c->x.n, c->x.t, c->x.h, c->x.w, c->y.t, c->y.h, c->y.w);
    close_work(&w);
}

static int draw(fl_rng *rng, int from, int to) { return from + fl_rng_next_below(rng, to - from + 1); }

/* Channels and windows from all over: few channels, odd ones, whole vectors, enough for fast algorithms; groups; frames seen whole. */
static fl_conv random_conv(fl_rng *rng)
{
    static const int channels[] = {1, 2, 3, 5, 8, 16, 17, 32, 45, 48, 64, 70};
    const int kind = draw(rng, 0, 5);
    fl_conv c = {.groups = kind == 0 ? draw(rng, 1, 3) : 1, .direct = kind == 1};
    c.x.n = draw(rng, 1, 2);
    c.x.c = c.groups * channels[draw(rng, 0, 11)], c.y.c = c.groups * channels[draw(rng, 0, 11)];
    if (kind == 2) c.groups = c.y.c = c.x.c;
    int size[3], y[3];
    for (int i = 0; i < 3; i++) {
        c.win.k[i] = draw(rng, 0, 1) ? 3 : draw(rng, 1, 4);
        c.win.s[i] = kind > 3 ? 1 : draw(rng, 1, 3);
        c.win.d[i] = kind > 2 || draw(rng, 0, 2) ? 1 : draw(rng, 1, 3);
        c.win.lo[i] = draw(rng, 0, 2), c.win.hi[i] = draw(rng, 0, 2);
        const int reach = (c.win.k[i] - 1) * c.win.d[i] + 1;
        size[i] = draw(rng, 1, i == 0 ? 4 : 30);
        if (size[i] + c.win.lo[i] + c.win.hi[i] < reach) size[i] = reach;
        y[i] = fl_window_extent(&c.win, i, size[i]);
    }
    c.x.t = size[0], c.x.h = size[1], c.x.w = size[2];
    c.y = (fl_shape){c.x.n, c.y.c, y[0], y[1], y[2]};
    return c;
}

/* Taps along t alone, and enough channels for tiles, whose neighbours lie side by side up to the end of the array. */
static fl_conv conv_along_t(fl_rng *rng)
{
    fl_conv c = {.groups = 1, .win = {.k = {3, 1, 1}, .s = {1, 1, 1}, .d = {1, 1, 1}, .lo = {1, 0, 0}, .hi = {1, 0, 0}}};
    c.x = (fl_shape){draw(rng, 1, 2), draw(rng, 90, 101), 4 * draw(rng, 1, 3), draw(rng, 10, 14), draw(rng, 10, 14)};
    c.y = c.x;
    c.y.c = draw(rng, 60, 101);
    return c;
}

TEST(fence_convolutions_stay_inside_their_arrays)
{
    const char *now = fl_isa_name();
    fl_threads_set(1);                /* a jump out of a call must not leave other threads in it */
    for (int isa = 0; fl_isa_available(isa); isa++) {
        fl_error error = {0};
        CHECK(fl_isa_choose(fl_isa_available(isa), &error) == FL_OK);
        fl_rng rng = {3, 0, 0};
        for (int trial = 0; trial < 150; trial++) {
            const fl_conv c = trial % 15 == 14 ? conv_along_t(&rng) : random_conv(&rng);
            for (int pass = 0; pass < 3; pass++)
                for (int side = 0; side < 2; side++) check_pass(&c, (fl_conv_pass)pass, side ? FENCE_AFTER : FENCE_BEFORE);
        }
    }
    fl_threads_set(0);
    fl_error error = {0};
    CHECK(fl_isa_choose(now, &error) == FL_OK);
}

/* ---- every op ---- */

static void run_op(void *argument)
{
    const work *w = argument;
    const op_case *c = w->op;
    if (w->k < 0) c->op->forward(c->node, w->in, w->to);
    else c->op->vjp(c->node, w->k, w->in, w->y, w->gy, w->to);
}

static void check_op(op_case *c)
{
    for (int side = 0; side < 2; side++)
        for (int k = -1; k < c->node->n_in; k++) {
            work w = {.side = side ? FENCE_AFTER : FENCE_BEFORE, .op = c, .k = k};
            for (int i = 0; i < c->node->n_in; i++) {
                real *in = numbers(&w, op_case_count(c, i), 6);
                if (in) memcpy(in, c->in[i], (size_t)op_case_count(c, i) * sizeof *in);
                w.in[i] = in;
            }
            real *y = numbers(&w, op_case_count(c, -1), 7);
            if (y && k >= 0) c->op->forward(c->node, w.in, y);
            w.y = y;
            if (k >= 0) w.gy = numbers(&w, op_case_count(c, -1), 8), w.to = numbers(&w, op_case_count(c, k), 9);
            else w.to = y;
            if (CHECK(!w.failed))
                CHECK_SAY(fence_call(run_op, &w), "%s, %s %d, %s of its arrays", c->label, k < 0 ? "forward" : "vjp", k,
                          side ? "behind the end" : "before the start");
            close_work(&w);
        }
}

TEST(fence_ops_stay_inside_their_arrays)
{
    fl_threads_set(1);
    op_cases_each(1, check_op);
    op_cases_each(3, check_op);
    fl_threads_set(0);
}
