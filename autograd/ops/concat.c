/* concat: y = the operands one behind the other along one axis.
 *
 * gx of operand k: its part of gy. */
#include "autograd/ops.h"
#include "autograd/runs.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape s = node->in_shape[0];
    int *length = fl_shape_axis(&s, node->attr.slice.axis);
    for (int k = 1; k < node->n_in; k++) {
        fl_shape x = node->in_shape[k];
        int *more = fl_shape_axis(&x, node->attr.slice.axis), own = *more;
        *more = *length;
        fl_shape_text a, b;
        if (!fl_shape_equal(s, x))
            return fl_graph_fail(g, node, "operand %d of shape %s does not fit behind %s along axis %c", k,
                                 fl_shape_print(node->in_shape[k], &a), fl_shape_print(node->in_shape[0], &b),
                                 "NCTHW"[node->attr.slice.axis]);
        *length += own;
    }
    return s;
}

/* Where operand k begins along the axis. */
static int64_t offset(const fl_node *node, int k)
{
    int64_t at = 0;
    for (int i = 0; i < k; i++) at += fl_runs_along(node->in_shape[i], node->attr.slice.axis).length;
    return at;
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_runs all = fl_runs_along(node->shape, node->attr.slice.axis);
    for (int k = 0; k < node->n_in; k++) {
        const fl_runs r = fl_runs_along(node->in_shape[k], node->attr.slice.axis);
        const int64_t run = r.length * r.inner;
        fl_runs_copy(r.outer, run, in[k], run, y + offset(node, k) * all.inner, all.length * all.inner);
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)in, (void)y;
    const fl_runs all = fl_runs_along(node->shape, node->attr.slice.axis), r = fl_runs_along(node->in_shape[k], node->attr.slice.axis);
    const int64_t run = r.length * r.inner;
    fl_runs_copy(r.outer, run, gy + offset(node, k) * all.inner, all.length * all.inner, gx, run);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which >= 5) return FL_NONE;
    fl_id x[3];
    for (int k = 0; k < 3; k++) {
        fl_shape s = {2, 3, 2, 3, 2};
        *fl_shape_axis(&s, which) = k + 1;
        x[k] = fl_example_operand(g, rng, k == 0 ? "x0" : k == 1 ? "x1" : "x2", s);
    }
    return fl_node_concat(g, "y", which, 3, x);
}

const fl_op fl_op_concat = {
    .name = "concat", .doc = "operands one behind the other along an axis", .file = "autograd/ops/concat.c",
    .kind = FL_OP_concat, .flags = FL_LINEAR | FL_POSITIVE | FL_ROUTE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_concat(fl_graph *g, const char *name, int axis, int count, const fl_id *x)
{
    fl_attr attr = {.slice = {axis, 0, 0}};
    return fl_graph_add(g, &fl_op_concat, name, &attr, count, x);
}
