/* slice: y = x[begin .. end-1] along one axis.
 *
 * gx = gy inside the slice, 0 outside. */
#include "autograd/ops.h"
#include "autograd/runs.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape s = node->in_shape[0];
    int *length = fl_shape_axis(&s, node->attr.slice.axis);
    const int begin = node->attr.slice.begin, end = node->attr.slice.end;
    if (begin < 0 || end > *length || begin >= end)
        return fl_graph_fail(g, node, "expected 0 <= begin < end <= %d along axis %c, got %d and %d", *length,
                             "NCTHW"[node->attr.slice.axis], begin, end);
    *length = end - begin;
    return s;
}

/* Where the slice begins in the first run, and how long its runs are. */
typedef struct slice { fl_runs all; int64_t at, run; } slice;

static slice slice_of(const fl_node *node)
{
    const fl_runs r = fl_runs_along(node->in_shape[0], node->attr.slice.axis);
    return (slice){r, node->attr.slice.begin * r.inner, (node->attr.slice.end - node->attr.slice.begin) * r.inner};
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const slice s = slice_of(node);
    fl_runs_copy(s.all.outer, s.run, in[0] + s.at, s.all.length * s.all.inner, y, s.run);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    const slice s = slice_of(node);
    const int64_t step = s.all.length * s.all.inner, end = s.at + s.run;
    fl_runs_copy(s.all.outer, s.at, NULL, 0, gx, step);
    fl_runs_copy(s.all.outer, s.run, gy, s.run, gx + s.at, step);
    fl_runs_copy(s.all.outer, step - end, NULL, 0, gx + end, step);
}

/* T slices of a line of T frames would else write T squared frames. */
static void vjp_add(const fl_node *node, const real *gy, real *gx)
{
    const slice s = slice_of(node);
    fl_runs_add(s.all.outer, s.run, gy, s.run, gx + s.at, s.all.length * s.all.inner);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const int range[5][2] = {{1, 2}, {0, 3}, {2, 4}, {1, 3}, {3, 5}};
    if (which >= 5) return FL_NONE;
    return fl_node_slice(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 4, 4, 3, 5}), which, range[which][0],
                         range[which][1]);
}

const fl_op fl_op_slice = {
    .name = "slice", .doc = "a range along one axis", .file = "autograd/ops/slice.c",
    .kind = FL_OP_slice, .flags = FL_LINEAR | FL_POSITIVE | FL_ROUTE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .vjp_add = vjp_add, .example = example,
};

fl_id fl_node_slice(fl_graph *g, const char *name, fl_id x, int axis, int begin, int end)
{
    fl_attr attr = {.slice = {axis, begin, end}};
    return fl_graph_add(g, &fl_op_slice, name, &attr, 1, &x);
}
