/* moments: sample 0 of y is the mean of x over n,t,h,w, sample 1 its biased variance, per channel: what batch norm
 * trains with.
 *
 * With m pixels:  gx = (gmean + 2 gvar (x - mean)) / m. */
#include "autograd/ops.h"
#include "autograd/reduce.h"
#include "tensor/par.h"

enum { PIXELS = 256 };

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    (void)g;
    return fl_shape_vector(2, node->in_shape[0].c);
}

static size_t scratch(const fl_node *node)
{
    return 2 * sizeof(double) * (size_t)node->shape.c + fl_sum_pixels_scratch(node->in_shape[0]);
}

/* var = mean(x^2) - mean^2, in double; in float32 the products are rounded, well below the statistics' own noise. */
static void forward(const fl_node *node, const real *const in[], real *y)
{
    const int channels = node->shape.c;
    const double m = (double)fl_shape_pixels(node->in_shape[0]);
    double *sum = node->work, *square = sum + channels;
    fl_sum_pixels(node->in_shape[0], in[0], in[0], sum, square, square + channels);
    for (int c = 0; c < channels; c++) {
        const double mean = sum[c] / m, var = square[c] / m - mean * mean;
        y[c] = (real)mean;
        y[channels + c] = (real)(var < 0 ? 0 : var);
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k;
    const fl_shape s = node->in_shape[0];
    const double m = (double)fl_shape_pixels(s);
    real *a = node->work, *b = a + s.c;                  /* gx = a x + b */
    for (int c = 0; c < s.c; c++) {
        const double tilt = 2 * (double)gy[s.c + c] / m;
        a[c] = (real)tilt;
        b[c] = (real)((double)gy[c] / m - tilt * (double)y[c]);
    }
    FL_PARALLEL(block, (fl_shape_pixels(s) + PIXELS - 1) / PIXELS, fl_shape_count(s) * 2) {
        const int64_t end = (block + 1) * PIXELS < fl_shape_pixels(s) ? (block + 1) * PIXELS : fl_shape_pixels(s);
        for (int64_t i = block * PIXELS * s.c; i < end * s.c; i += s.c)
            for (int c = 0; c < s.c; c++) gx[i + c] = in[0][i + c] * a[c] + b[c];
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const fl_shape x[] = {{3, 18, 2, 2, 3}, {1, 5, 9, 1, 8}};
    if (which >= (int)(sizeof x / sizeof *x)) return FL_NONE;
    return fl_node_moments(g, "y", fl_example_operand(g, rng, "x", x[which]));
}

const fl_op fl_op_moments = {
    .name = "moments", .doc = "mean and variance of each channel", .file = "autograd/ops/moments.c",
    .kind = FL_OP_moments, .flags = FL_ALL | FL_READS_IN | FL_READS_OUT, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example, .scratch = scratch,
};

fl_id fl_node_moments(fl_graph *g, const char *name, fl_id x)
{
    return fl_graph_add(g, &fl_op_moments, name, NULL, 1, &x);
}
