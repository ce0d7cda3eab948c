/* permute: output axis i is input axis order[i]; axes N,C,T,H,W are numbered 0..4.
 *
 * gx: gy permuted back. */
#include "autograd/ops.h"
#include "autograd/runs.h"
#include "tensor/par.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape x = node->in_shape[0], y = x;
    unsigned seen = 0;
    for (int i = 0; i < 5; i++) {
        const int from = node->attr.permute.order[i];
        if (from < 0 || from > 4 || seen >> from & 1)
            return fl_graph_fail(g, node, "the order is not a permutation of the five axes");
        seen |= 1u << from;
        *fl_shape_axis(&y, i) = *fl_shape_axis(&x, from);
    }
    return y;
}

/* out[output position] = in[input position], or the other way round: to and from are chosen by the caller. */
static void move(const fl_node *node, const real *in, real *out, bool back)
{
    const fl_shape x = node->in_shape[0], y = node->shape;
    const int64_t stride[5] = {(int64_t)x.t * x.h * x.w * x.c, 1, (int64_t)x.h * x.w * x.c, (int64_t)x.w * x.c, x.c};
    int64_t step[5];
    for (int i = 0; i < 5; i++) step[i] = stride[node->attr.permute.order[i]];
    FL_PARALLEL(row, (int64_t)y.n * y.t * y.h, fl_shape_count(y) * 2) {
        const int64_t h = row % y.h, t = row / y.h % y.t, n = row / y.h / y.t;
        for (int w = 0; w < y.w; w++)
            for (int c = 0; c < y.c; c++) {
                const int64_t a = n * step[0] + c * step[1] + t * step[2] + h * step[3] + w * step[4],
                              b = (row * y.w + w) * y.c + c;
                out[back ? a : b] = in[back ? b : a];
            }
    }
}

static void forward(const fl_node *node, const real *const in[], real *y) { move(node, in[0], y, false); }

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    move(node, gy, gx, true);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const int order[][5] = {{0, 2, 1, 3, 4}, {4, 0, 3, 1, 2}};
    if (which >= (int)(sizeof order / sizeof *order)) return FL_NONE;
    return fl_node_permute(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 4, 5, 6}), order[which]);
}

const fl_op fl_op_permute = {
    .name = "permute", .doc = "axes in another order", .file = "autograd/ops/permute.c",
    .kind = FL_OP_permute, .flags = FL_LINEAR | FL_POSITIVE | FL_ROUTE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_permute(fl_graph *g, const char *name, fl_id x, const int order[5])
{
    fl_attr attr = {0};
    for (int i = 0; i < 5; i++) attr.permute.order[i] = order[i];
    return fl_graph_add(g, &fl_op_permute, name, &attr, 1, &x);
}
