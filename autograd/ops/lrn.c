/* lrn: local response normalisation across channels (Krizhevsky 2012; PyTorch's form):
 *
 *   y_c = x_c / D_c^beta,   D_c = k + alpha / size * sum of x_j^2 over the channels j = c - size/2 .. c + (size-1)/2
 *
 * gx_j = gy_j / D_j^beta - 2 alpha beta / size * x_j * sum over c whose window holds j of gy_c x_c / D_c^(beta+1). */
#include "autograd/map.h"
#include "autograd/ops.h"
#include "tensor/math.h"

typedef struct range { int first, last; } range;

static range window(const fl_node *node, int c)          /* the channels that D_c sums over */
{
    const int size = node->attr.lrn.size, first = c - size / 2, last = c + (size - 1) / 2;
    return (range){first > 0 ? first : 0, last < node->shape.c - 1 ? last : node->shape.c - 1};
}

static range holders(const fl_node *node, int j)         /* the c whose window holds channel j */
{
    const int size = node->attr.lrn.size, first = j - (size - 1) / 2, last = j + size / 2;
    return (range){first > 0 ? first : 0, last < node->shape.c - 1 ? last : node->shape.c - 1};
}

static double scale(const fl_node *node, const real *x, int c)
{
    const range r = window(node, c);
    double sum = 0;
    for (int j = r.first; j <= r.last; j++) sum += (double)x[j] * (double)x[j];
    return node->attr.lrn.k + node->attr.lrn.alpha / node->attr.lrn.size * sum;
}

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    if (node->attr.lrn.size < 1 || node->attr.lrn.k <= 0)
        return fl_graph_fail(g, node, "expected a window of at least 1 channel and k > 0, got %d and %g",
                             node->attr.lrn.size, node->attr.lrn.k);
    return node->in_shape[0];
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const int channels = node->shape.c;
    FL_PARALLEL(p, fl_shape_pixels(node->shape), fl_shape_count(node->shape) * 60) {
        const real *x = in[0] + p * channels;
        for (int c = 0; c < channels; c++)
            y[p * channels + c] = (real)((double)x[c] * fl_pow64(scale(node, x, c), -node->attr.lrn.beta));
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)y;
    const int channels = node->shape.c;
    const double beta = node->attr.lrn.beta, factor = 2 * node->attr.lrn.alpha * beta / node->attr.lrn.size;
    FL_PARALLEL(p, fl_shape_pixels(node->shape), fl_shape_count(node->shape) * 400) {
        const real *x = in[0] + p * channels, *g = gy + p * channels;
        for (int j = 0; j < channels; j++) {
            const range r = holders(node, j);
            double sum = 0;
            for (int c = r.first; c <= r.last; c++)
                sum += (double)g[c] * (double)x[c] * fl_pow64(scale(node, x, c), -beta - 1);
            gx[p * channels + j] =
                (real)((double)g[j] * fl_pow64(scale(node, x, j), -beta) - factor * (double)x[j] * sum);
        }
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    fl_id x = fl_example_operand(g, rng, "x", which ? (fl_shape){1, 3, 1, 2, 2} : (fl_shape){2, 9, 1, 2, 3});
    return which ? fl_node_lrn(g, "y", x, 4, 2.0, 0.5, 1.0) : fl_node_lrn(g, "y", x, 5, 0.5, 0.75, 2.0);
}

const fl_op fl_op_lrn = {
    .name = "lrn", .doc = "local response normalisation across channels", .file = "autograd/ops/lrn.c",
    .kind = FL_OP_lrn, .flags = FL_ALL | FL_READS_IN, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_lrn(fl_graph *g, const char *name, fl_id x, int size, double alpha, double beta, double k)
{
    fl_attr attr = {.lrn = {size, alpha, beta, k}};
    return fl_graph_add(g, &fl_op_lrn, name, &attr, 1, &x);
}
