/* blend: y = m * x + (1 - m) * b: how a perturbation enters a graph. m is a mask with one channel or as many as
 * x; x, substrate b and mask m are broadcast along N and T (one clip, many masks; one mask, many frames).
 *
 * gx = m gy,   gb = (1 - m) gy,   gm = sum over broadcast axes of (x - b) gy. */
#include "autograd/broadcast.h"
#include "autograd/ops.h"
#include "tensor/par.h"

#include <string.h>

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape s = fl_broadcast_shape(fl_broadcast_shape(node->in_shape[0], node->in_shape[1]), node->in_shape[2]);
    if (fl_shape_valid(s)) return s;
    fl_shape_text x, b, m;
    return fl_graph_fail(g, node, "shapes %s, %s and mask %s do not broadcast to one",
                         fl_shape_print(node->in_shape[0], &x), fl_shape_print(node->in_shape[1], &b),
                         fl_shape_print(node->in_shape[2], &m));
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->shape;
    const fl_steps sx = fl_steps_of(node->in_shape[0], s), sb = fl_steps_of(node->in_shape[1], s);
    const fl_steps sm = fl_steps_of(node->in_shape[2], s);
    FL_PARALLEL(row, (int64_t)s.n * s.t * s.h, fl_shape_count(s) * 3) {
        const int64_t h = row % s.h, t = row / s.h % s.t, n = row / s.h / s.t;
        for (int w = 0; w < s.w; w++) {
            const real *x = in[0] + fl_step_to(sx, n, t, h, w), *b = in[1] + fl_step_to(sb, n, t, h, w);
            const real *m = in[2] + fl_step_to(sm, n, t, h, w);
            real *to = y + (row * s.w + w) * s.c;
            for (int c = 0; c < s.c; c++) to[c] = m[c * sm.c] * x[c * sx.c] + (1 - m[c * sm.c]) * b[c * sb.c];
        }
    }
}

/* gx += its share of gy over the rows first .. last-1 of the result, in their order */
static void gather(const fl_node *node, int k, const real *const in[], const real *gy, real *gx, int64_t first,
                   int64_t last)
{
    const fl_shape s = node->shape;
    const fl_steps sx = fl_steps_of(node->in_shape[0], s), sb = fl_steps_of(node->in_shape[1], s);
    const fl_steps sm = fl_steps_of(node->in_shape[2], s), sk = fl_steps_of(node->in_shape[k], s);
    for (int64_t row = first; row < last; row++) {
        const int64_t h = row % s.h, t = row / s.h % s.t, n = row / s.h / s.t;
        for (int w = 0; w < s.w; w++) {
            const real *x = in[0] + fl_step_to(sx, n, t, h, w), *b = in[1] + fl_step_to(sb, n, t, h, w);
            const real *m = in[2] + fl_step_to(sm, n, t, h, w), *g = gy + (row * s.w + w) * s.c;
            real *to = gx + fl_step_to(sk, n, t, h, w);
            for (int c = 0; c < s.c; c++) {
                const real share = k == 0 ? m[c * sm.c] : k == 1 ? 1 - m[c * sm.c] : x[c * sx.c] - b[c * sb.c];
                to[c * sk.c] += share * g[c];
            }
        }
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const fl_shape s = node->shape, x = node->in_shape[k];
    const int64_t rows = (int64_t)s.n * s.t * s.h;
    memset(gx, 0, (size_t)fl_shape_count(x) * sizeof(real));
    if (x.n == s.n && x.t == s.t && x.h == s.h) { /* every row of the operand belongs to one row of the result */
        FL_PARALLEL(row, rows, fl_shape_count(s) * 3) gather(node, k, in, gy, gx, row, row + 1);
    } else {
        gather(node, k, in, gy, gx, 0, rows);
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const fl_shape x[] = {{2, 3, 2, 3, 4}, {1, 3, 2, 3, 2}}, m[] = {{2, 1, 2, 3, 4}, {3, 1, 1, 3, 2}};
    if (which >= (int)(sizeof x / sizeof *x)) return FL_NONE;
    fl_id a = fl_example_operand(g, rng, "x", x[which]), b = fl_example_operand(g, rng, "b", x[which]);
    return fl_node_blend(g, "y", a, b, fl_example_operand(g, rng, "m", m[which]));
}

const fl_op fl_op_blend = {
    .name = "blend", .doc = "mask * x + (1 - mask) * substrate", .file = "autograd/ops/blend.c",
    .kind = FL_OP_blend, .flags = FL_GATE | FL_READS_IN, .arity = 3,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_blend(fl_graph *g, const char *name, fl_id x, fl_id substrate, fl_id mask)
{
    return fl_graph_add(g, &fl_op_blend, name, NULL, 3, (fl_id[]){x, substrate, mask});
}
