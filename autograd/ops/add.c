/* add: y = a + b; axes of length 1 are broadcast.
 *
 * ga = gy summed over the axes along which a was broadcast; gb alike. */
#include "autograd/broadcast.h"
#include "autograd/ops.h"
#include "autograd/reduce.h"
#include "autograd/remainder.h"

#include <string.h>

static void forward(const fl_node *node, const real *const in[], real *y)
{
    FL_BROADCAST_FORWARD(node, in, y, a + b);
}

static void forward_rest(const fl_node *node, const real *const in[], const real *const rest[], real *y, real *y_rest, uint8_t *notes)
{
    (void)notes;
    const fl_shape s = node->shape;
    const fl_steps sa = fl_steps_of(node->in_shape[0], s), sb = fl_steps_of(node->in_shape[1], s);
    FL_PARALLEL(row, (int64_t)s.n * s.t * s.h, fl_shape_count(s) * 2) {
        const int64_t h = row % s.h, t = row / s.h % s.t, n = row / s.h / s.t;
        for (int w = 0; w < s.w; w++) {
            const int64_t a = fl_step_to(sa, n, t, h, w), b = fl_step_to(sb, n, t, h, w), to = (row * s.w + w) * s.c;
            for (int c = 0; c < s.c; c++) {
                const double sum = fl_whole(in[0], rest[0], a + c * sa.c) + fl_whole(in[1], rest[1], b + c * sb.c);
                y[to + c] = (real)sum;
                y_rest[to + c] = fl_rest(sum, y[to + c]);
            }
        }
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)in, (void)y;
    const fl_shape s = node->shape;
    if (fl_shape_equal(s, node->in_shape[k])) memcpy(gx, gy, (size_t)fl_shape_count(s) * sizeof(real));
    else fl_sum_axes(s, gy, node->in_shape[k], gx, 1);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const fl_shape a[] = {{2, 3, 2, 3, 5}, {2, 3, 2, 1, 4}, {1, 1, 1, 1, 1}};
    static const fl_shape b[] = {{2, 3, 2, 3, 5}, {1, 3, 1, 3, 4}, {2, 3, 1, 2, 1}};
    if (which >= (int)(sizeof a / sizeof *a)) return FL_NONE;
    fl_id x = fl_example_operand(g, rng, "a", a[which]);
    return fl_node_add(g, "y", x, fl_example_operand(g, rng, "b", b[which]));
}

const fl_op fl_op_add = {
    .name = "add", .doc = "sum of two operands, broadcasting axes of length 1", .file = "autograd/ops/add.c",
    .kind = FL_OP_add, .flags = FL_LINEAR | FL_POSITIVE, .arity = 2,
    .infer = fl_broadcast_infer, .forward = forward, .vjp = vjp, .forward_rest = forward_rest, .example = example,
};

fl_id fl_node_add(fl_graph *g, const char *name, fl_id a, fl_id b)
{
    return fl_graph_add(g, &fl_op_add, name, NULL, 2, (fl_id[]){a, b});
}
