/* mul: y = a * b, the gate of recurrent cells; axes of length 1 are broadcast.
 *
 * ga = gy * b, summed over the axes along which a was broadcast; gb = gy * a alike. */
#include "autograd/broadcast.h"
#include "autograd/ops.h"
#include "tensor/par.h"

#include <string.h>

static void forward(const fl_node *node, const real *const in[], real *y)
{
    FL_BROADCAST_FORWARD(node, in, y, a * b);
}

/* gx += gy * other over the rows first .. last-1 of the result, in their order */
static void gather(const fl_node *node, int k, const real *other, const real *gy, real *gx, int64_t first,
                   int64_t last)
{
    const fl_shape s = node->shape;
    const fl_steps sx = fl_steps_of(node->in_shape[k], s), so = fl_steps_of(node->in_shape[1 - k], s);
    for (int64_t row = first; row < last; row++) {
        const int64_t h = row % s.h, t = row / s.h % s.t, n = row / s.h / s.t;
        for (int w = 0; w < s.w; w++) {
            const real *o = other + fl_step_to(so, n, t, h, w), *g = gy + (row * s.w + w) * s.c;
            real *to = gx + fl_step_to(sx, n, t, h, w);
            for (int c = 0; c < s.c; c++) to[c * sx.c] += g[c] * o[c * so.c];
        }
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const fl_shape s = node->shape;
    const int64_t rows = (int64_t)s.n * s.t * s.h;
    memset(gx, 0, (size_t)fl_shape_count(node->in_shape[k]) * sizeof(real));
    if (fl_shape_equal(node->in_shape[k], s)) {
        FL_PARALLEL(row, rows, fl_shape_count(s) * 2) gather(node, k, in[1 - k], gy, gx, row, row + 1);
    } else {
        gather(node, k, in[1 - k], gy, gx, 0, rows);      /* several rows meet in one element: one after the other */
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const fl_shape a[] = {{2, 3, 2, 3, 5}, {2, 4, 2, 3, 2}, {2, 3, 2, 1, 1}};
    static const fl_shape b[] = {{2, 3, 2, 3, 5}, {1, 4, 1, 3, 2}, {2, 1, 1, 3, 4}};
    if (which >= (int)(sizeof a / sizeof *a)) return FL_NONE;
    fl_id x = fl_example_operand(g, rng, "a", a[which]);
    return fl_node_mul(g, "y", x, fl_example_operand(g, rng, "b", b[which]));
}

const fl_op fl_op_mul = {
    .name = "mul", .doc = "product of two operands, broadcasting axes of length 1", .file = "autograd/ops/mul.c",
    .kind = FL_OP_mul, .flags = FL_GATE | FL_READS_IN, .arity = 2,
    .infer = fl_broadcast_infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_mul(fl_graph *g, const char *name, fl_id a, fl_id b)
{
    return fl_graph_add(g, &fl_op_mul, name, NULL, 2, (fl_id[]){a, b});
}
