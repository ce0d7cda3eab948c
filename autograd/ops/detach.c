/* detach: y = x, and no signal comes back: what truncated backpropagation through time puts between two steps.
 *
 * gx = 0. The backward walk never goes through it (FL_STOP); vjp says the same to whoever asks. */
#include "autograd/map.h"
#include "autograd/ops.h"

#include <string.h>

static void forward(const fl_node *node, const real *const in[], real *y)
{
    memcpy(y, in[0], (size_t)fl_shape_count(node->shape) * sizeof(real));
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y, (void)gy;
    memset(gx, 0, (size_t)fl_shape_count(node->shape) * sizeof(real));
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 0) return FL_NONE;
    return fl_node_detach(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 1, 2, 2}));
}

const fl_op fl_op_detach = {
    .name = "detach", .doc = "the same values; no signal comes back", .file = "autograd/ops/detach.c",
    .kind = FL_OP_detach, .flags = FL_STOP, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_detach(fl_graph *g, const char *name, fl_id x) { return fl_graph_add(g, &fl_op_detach, name, NULL, 1, &x); }
