/* shift: the temporal shift of TSM (Lin 2019): channels [0,fold) come from frame t+1, [fold,2 fold) from t-1, the
 * rest stays; zeros where there is no such frame.
 *
 * gx: the same move in the other direction. */
#include "autograd/ops.h"
#include "tensor/par.h"

#include <string.h>

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape s = node->in_shape[0];
    if (node->attr.shift.fold < 0 || node->attr.shift.fold > s.c / 2)
        return fl_graph_fail(g, node, "cannot shift 2 x %d of %d channels", node->attr.shift.fold, s.c);
    return s;
}

/* y[t, c] = x[t + d, c], d = +ahead for the first fold, -ahead for the second */
static void move(const fl_node *node, const real *x, real *y, int ahead)
{
    const fl_shape s = node->shape;
    const int fold = node->attr.shift.fold;
    const int64_t frame = (int64_t)s.h * s.w * s.c;
    FL_PARALLEL(i, (int64_t)s.n * s.t, fl_shape_count(s)) {
        const int t = (int)(i % s.t);
        const bool next = t + ahead >= 0 && t + ahead < s.t, last = t - ahead >= 0 && t - ahead < s.t;
        const real *from = x + i * frame;
        real *to = y + i * frame;
        for (int64_t p = 0; p < frame; p += s.c) {
            for (int c = 0; c < fold; c++) to[p + c] = next ? from[p + ahead * frame + c] : 0;
            for (int c = fold; c < 2 * fold; c++) to[p + c] = last ? from[p - ahead * frame + c] : 0;
            memcpy(to + p + 2 * fold, from + p + 2 * fold, (size_t)(s.c - 2 * fold) * sizeof(real));
        }
    }
}

static void forward(const fl_node *node, const real *const in[], real *y) { move(node, in[0], y, 1); }

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    move(node, gy, gx, -1);
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
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_shift(fl_graph *g, const char *name, fl_id x, int fold)
{
    fl_attr attr = {.shift = {fold}};
    return fl_graph_add(g, &fl_op_shift, name, &attr, 1, &x);
}
