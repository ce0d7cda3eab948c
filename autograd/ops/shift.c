/* shift: the temporal shift of TSM (Lin 2019): channels [0,fold) come from frame t+1, [fold,2 fold) from t-1, the
 * rest stays; zeros where there is no such frame.
 *
 * gx: the same move in the other direction. */
#include "autograd/ops.h"
#include "tensor/kernels.h"
#include "tensor/par.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape s = node->in_shape[0];
    if (node->attr.shift.fold < 0 || node->attr.shift.fold > s.c / 2)
        return fl_graph_fail(g, node, "cannot shift 2 x %d of %d channels", node->attr.shift.fold, s.c);
    return s;
}

/* Channels of some pixels from where they are now, or from nowhere: finished on their way (tensor/finish.h). */
static void move_some(const fl_finish *f, const real *from, int64_t step, int64_t to, int64_t pixels, int channels, real *y)
{
    enum { ZEROS = 64 };
    static const real zeros[ZEROS];
    const fl_kernels *kernels = fl_kernels_now();
    if (from) kernels->finish(f, from, step, to, step, (int)pixels, channels, y);
    for (int c = 0; !from && c < channels; c += ZEROS)
        kernels->finish(f, zeros, 0, to + c, step, (int)pixels, channels - c < ZEROS ? channels - c : ZEROS, y);
}

/* y[t, c] = x[t + d, c], d = +ahead for the first fold, -ahead for the second */
static void move(const fl_node *node, const real *x, int ahead, const fl_finish *finish, real *y)
{
    enum { PIECE = 8, PIECES = 32 };                       /* pixels, so that all their channels are in the cache; pieces of an item */
    const fl_shape s = node->shape;
    const int fold = node->attr.shift.fold;
    const fl_finish none = {0}, *f = finish ? finish : &none;
    const int64_t pixels = (int64_t)s.h * s.w, frame = pixels * s.c, items = (pixels + PIECE * PIECES - 1) / (PIECE * PIECES);
    FL_PARALLEL(item, s.n * s.t * items, fl_shape_count(s)) {
        const int64_t i = item / items, begin = item % items * PIECE * PIECES, t = i % s.t;
        const int64_t end = begin + PIECE * PIECES < pixels ? begin + PIECE * PIECES : pixels;
        const bool next = t + ahead >= 0 && t + ahead < s.t, last = t - ahead >= 0 && t - ahead < s.t;
        for (int64_t p = begin; p < end; p += PIECE) {
            const int64_t at = i * frame + p * s.c, count = end - p < PIECE ? end - p : PIECE;
            move_some(f, next ? x + at + ahead * frame : NULL, s.c, at, count, fold, y);
            move_some(f, last ? x + at - ahead * frame + fold : NULL, s.c, at + fold, count, fold, y);
            move_some(f, x + at + 2 * fold, s.c, at + 2 * fold, count, s.c - 2 * fold, y);
        }
    }
}

static void forward(const fl_node *node, const real *const in[], real *y) { move(node, in[0], 1, NULL, y); }

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    move(node, gy, -1, NULL, gx);
}

static void finished(const fl_node *node, int pass, const real *from, const fl_finish *finish, real *to)
{
    move(node, from, pass ? -1 : 1, finish, to);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const fl_shape x[] = {{2, 8, 4, 2, 3}, {1, 9, 1, 2, 2}};
    if (which >= (int)(sizeof x / sizeof *x)) return FL_NONE;
    return fl_node_shift(g, "y", fl_example_operand(g, rng, "x", x[which]), which ? 4 : 1);
}

const fl_op fl_op_shift = {
    .name = "shift", .doc = "some channels from the next frame, some from the last (TSM)",
    .file = "autograd/ops/shift.c", .kind = FL_OP_shift, .flags = FL_LINEAR | FL_POSITIVE | FL_ROUTE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .finished = finished, .example = example,
};

fl_id fl_node_shift(fl_graph *g, const char *name, fl_id x, int fold)
{
    fl_attr attr = {.shift = {fold}};
    return fl_graph_add(g, &fl_op_shift, name, &attr, 1, &x);
}
