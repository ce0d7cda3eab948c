/* cross_entropy: y = -sum_c p_c log softmax(x)_c over channels, for every n,t,h,w; p is the target distribution.
 *
 * gx_c = gy (softmax(x)_c sum_k p_k - p_c),   gp_c = -gy log softmax(x)_c. */
#include "autograd/ops.h"
#include "tensor/math.h"
#include "tensor/par.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape_text x, p;
    if (!fl_shape_equal(node->in_shape[0], node->in_shape[1]))
        return fl_graph_fail(g, node, "expected a target of the logits' shape %s, got %s",
                             fl_shape_print(node->in_shape[0], &x), fl_shape_print(node->in_shape[1], &p));
    fl_shape s = node->in_shape[0];
    s.c = 1;
    return s;
}

/* The log of the sum of exponentials is max + rest; apart, large logits do not cost their differences digits. */
typedef struct norm { double max, rest; } norm;

static norm log_sum_exp(const real *x, int channels)
{
    norm z = {(double)x[0], 0};
    double sum = 0;
    for (int c = 1; c < channels; c++) z.max = (double)x[c] > z.max ? (double)x[c] : z.max;
    for (int c = 0; c < channels; c++) sum += fl_exp64((double)x[c] - z.max);
    z.rest = fl_log64(sum);
    return z;
}

static double log_probability(norm z, real x) { return (double)x - z.max - z.rest; }

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const int channels = node->in_shape[0].c;
    FL_PARALLEL(i, fl_shape_pixels(node->shape), fl_shape_count(node->in_shape[0]) * 20) {
        const real *x = in[0] + i * channels, *p = in[1] + i * channels;
        const norm z = log_sum_exp(x, channels);
        double loss = 0;
        for (int c = 0; c < channels; c++) loss -= (double)p[c] * log_probability(z, x[c]);
        y[i] = (real)loss;
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const int channels = node->in_shape[0].c;
    FL_PARALLEL(i, fl_shape_pixels(node->shape), fl_shape_count(node->in_shape[0]) * 20) {
        const real *x = in[0] + i * channels, *p = in[1] + i * channels;
        const norm z = log_sum_exp(x, channels);
        const double g = (double)gy[i];
        double mass = 0;
        for (int c = 0; c < channels; c++) mass += (double)p[c];
        for (int c = 0; c < channels; c++) {
            const double l = log_probability(z, x[c]);
            gx[i * channels + c] = (real)(k == 0 ? g * (fl_exp64(l) * mass - (double)p[c]) : -g * l);
        }
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    const fl_shape s = which ? (fl_shape){1, 4, 2, 1, 3} : (fl_shape){3, 6, 1, 1, 1};
    fl_id x = fl_example_operand(g, rng, "x", s);
    return fl_node_cross_entropy(g, "y", x, fl_example_operand(g, rng, "p", s));
}

const fl_op fl_op_cross_entropy = {
    .name = "cross_entropy", .doc = "loss of logits against a target distribution",
    .file = "autograd/ops/cross_entropy.c", .kind = FL_OP_cross_entropy, .flags = FL_ALL | FL_READS_IN, .arity = 2,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_cross_entropy(fl_graph *g, const char *name, fl_id logits, fl_id target)
{
    return fl_graph_add(g, &fl_op_cross_entropy, name, NULL, 2, (fl_id[]){logits, target});
}
