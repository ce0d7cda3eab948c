/* relu: y = max(x, 0); NaN stays NaN.
 *
 * gx = gy where y > 0, else 0: the derivative at 0 is 0, and the output alone decides. Notes: whether y > 0, a byte each. */
#include "autograd/map.h"
#include "autograd/ops.h"

/* Both operands are loaded before the choice, so that the compiler can choose without a branch. */
static inline real clipped(real x) { return x < 0 ? 0 : x; }
static inline real gated(real y, real gy) { return y > 0 ? gy : 0; }

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const real *x = in[0];
    FL_MAP_FORWARD(node, x, y, 1, clipped(x[i]));
}

static real deriv(const fl_node *node, real x, real y)
{
    (void)node, (void)x;
    return y > 0 ? 1 : 0;
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in;
    FL_MAP_FORWARD(node, y, gx, 1, gated(y[i], gy[i]));
}

static int64_t note_bytes(const fl_node *node) { return fl_shape_count(node->shape); }

static void note(const fl_node *node, const real *const in[], real *y, uint8_t *notes)
{
    fl_finish_all(&(fl_finish){.relu = true, .sign = notes}, in[0], fl_shape_count(node->shape), y);
}

/* A remainder never outweighs its value: the value alone decides. */
static void forward_rest(const fl_node *node, const real *const in[], const real *const rest[], real *y, real *y_rest, uint8_t *notes)
{
    if (notes) note(node, in, y, notes);
    else forward(node, in, y);
    vjp(node, 0, in, y, rest[0], y_rest);
}

static void vjp_by_notes(const fl_node *node, const uint8_t *notes, const real *gy, real *gx)
{
    fl_finish_all(&(fl_finish){.gate = notes}, gy, fl_shape_count(node->shape), gx);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 0) return FL_NONE;
    return fl_node_relu(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 3, 5, 7}));
}

const fl_op fl_op_relu = {
    .name = "relu", .doc = "max(x, 0)", .file = "autograd/ops/relu.c",
    .kind = FL_OP_relu, .flags = FL_MAP | FL_READS_OUT, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .deriv = deriv, .forward_rest = forward_rest, .example = example,
    .notes = note_bytes, .note = note, .vjp_by_notes = vjp_by_notes,
};

fl_id fl_node_relu(fl_graph *g, const char *name, fl_id x) { return fl_graph_add(g, &fl_op_relu, name, NULL, 1, &x); }
