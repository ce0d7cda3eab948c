/* softmax: y_c = exp(x_c - m) / sum_k exp(x_k - m), m = max_k x_k, over channels at every n,t,h,w.
 *
 * gx_c = y_c (gy_c - sum_k gy_k y_k). */
#include "autograd/map.h"
#include "autograd/ops.h"
#include "tensor/math.h"

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const int channels = node->shape.c;
    FL_PARALLEL(p, fl_shape_pixels(node->shape), fl_shape_count(node->shape) * 20) {
        const real *x = in[0] + p * channels;
        real *out = y + p * channels, max = x[0];
        double sum = 0;
        for (int c = 1; c < channels; c++) max = x[c] > max ? x[c] : max;
        for (int c = 0; c < channels; c++) sum += (double)(out[c] = fl_exp(x[c] - max));
        for (int c = 0; c < channels; c++) out[c] = (real)((double)out[c] / sum);
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in;
    const int channels = node->shape.c;
    FL_PARALLEL(p, fl_shape_pixels(node->shape), fl_shape_count(node->shape) * 4) {
        const real *yp = y + p * channels, *g = gy + p * channels;
        double dot = 0;
        for (int c = 0; c < channels; c++) dot += (double)g[c] * (double)yp[c];
        for (int c = 0; c < channels; c++) gx[p * channels + c] = (real)((double)yp[c] * ((double)g[c] - dot));
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const fl_shape x[] = {{3, 7, 1, 1, 1}, {2, 1, 2, 2, 1}, {1, 5, 2, 3, 2}};
    if (which >= (int)(sizeof x / sizeof *x)) return FL_NONE;
    return fl_node_softmax(g, "y", fl_example_operand(g, rng, "x", x[which]));
}

const fl_op fl_op_softmax = {
    .name = "softmax", .doc = "probabilities over channels", .file = "autograd/ops/softmax.c",
    .kind = FL_OP_softmax, .flags = FL_ALL | FL_FRACTION | FL_READS_OUT, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_softmax(fl_graph *g, const char *name, fl_id x)
{
    return fl_graph_add(g, &fl_op_softmax, name, NULL, 1, &x);
}
