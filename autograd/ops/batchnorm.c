/* batchnorm: y = (x - mean) / sqrt(var + eps) * gamma + beta, per channel.            (Ioffe & Szegedy 2015)
 *
 * With stored statistics it is affine:  gx = gy gamma r,  r = 1 / sqrt(var + eps);  ggamma = sum gy (x - mean) r;
 * gbeta = sum gy;  gmean = -gamma r sum gy;  gvar = -gamma r^3 / 2 * sum gy (x - mean).
 * With the statistics of the batch (training; var biased, mean and var operands unused), xhat = (x - mean) r:
 * gx = gamma r (gy - mean(gy) - xhat mean(gy xhat)). Sums over n,t,h,w. */
#include "autograd/batchnorm.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/reduce.h"
#include "tensor/par.h"

#include <math.h>

enum { X, GAMMA, BETA, MEAN, VAR };

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape_text t;
    for (int k = GAMMA; k <= VAR; k++)
        if (!fl_shape_equal(node->in_shape[k], fl_shape_vector(1, node->in_shape[X].c)))
            return fl_graph_fail(g, node, "operand %d: expected shape 1,%d,1,1,1 for the channels of the input, got %s", k,
                                 node->in_shape[X].c, fl_shape_print(node->in_shape[k], &t));
    return node->in_shape[X];
}

void fl_batch_statistics(fl_shape s, const real *x, double *mean, double *var)
{
    enum { GROUP = 16 };
    const int64_t pixels = fl_shape_pixels(s);
    fl_dot_pixels(s, x, NULL, mean);
    for (int c = 0; c < s.c; c++) mean[c] /= (double)pixels;
    FL_PARALLEL(group, (s.c + GROUP - 1) / GROUP, fl_shape_count(s) * 3) {
        const int c0 = (int)group * GROUP, m = s.c - c0 < GROUP ? s.c - c0 : GROUP;
        double square[GROUP] = {0};
        for (int64_t p = 0; p < pixels; p++)
            for (int c = 0; c < m; c++) {
                const double d = (double)x[p * s.c + c0 + c] - mean[c0 + c];
                square[c] += d * d;
            }
        for (int c = 0; c < m; c++) var[c0 + c] = square[c] / (double)pixels;
    }
}

typedef struct norm { double *mean, *r, *a, *b; } norm;      /* per channel; a and b: two sums of the vjp */

/* Mean and reciprocal deviation of each channel, in node->work. */
static norm prepare(const fl_node *node, const real *const in[])
{
    const int channels = node->shape.c;
    double *work = node->work;
    norm s = {work, work + channels, work + 2 * channels, work + 3 * channels};
    if (node->attr.norm.batch) fl_batch_statistics(node->shape, in[X], s.mean, s.r);
    for (int c = 0; c < channels; c++) {
        if (!node->attr.norm.batch) s.mean[c] = (double)in[MEAN][c], s.r[c] = (double)in[VAR][c];
        s.r[c] = 1 / sqrt(s.r[c] + node->attr.norm.eps);
    }
    return s;
}

static size_t scratch(const fl_node *node) { return 4 * sizeof(double) * (size_t)node->shape.c; }

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const norm s = prepare(node, in);
    const int channels = node->shape.c;
    for (int c = 0; c < channels; c++) {
        s.a[c] = s.r[c] * (double)in[GAMMA][c];
        s.b[c] = (double)in[BETA][c] - s.mean[c] * s.a[c];
    }
    FL_PARALLEL(p, fl_shape_pixels(node->shape), fl_shape_count(node->shape) * 2) {
        for (int c = 0; c < channels; c++)
            y[p * channels + c] = (real)((double)in[X][p * channels + c] * s.a[c] + s.b[c]);
    }
}

/* a = sum gy, b = sum gy (x - mean), per channel */
static void sums(const fl_node *node, const real *x, const real *gy, norm s)
{
    fl_dot_pixels(node->shape, gy, NULL, s.a);
    fl_dot_pixels(node->shape, gy, x, s.b);
    for (int c = 0; c < node->shape.c; c++) s.b[c] -= s.mean[c] * s.a[c];
}

static void vjp_x(const fl_node *node, const real *const in[], const real *gy, real *gx, norm s)
{
    const int channels = node->shape.c;
    const double m = (double)fl_shape_pixels(node->shape);
    if (node->attr.norm.batch) sums(node, in[X], gy, s);
    for (int c = 0; c < channels; c++) {
        s.a[c] = node->attr.norm.batch ? s.a[c] / m : 0;                          /* mean(gy) */
        s.b[c] = node->attr.norm.batch ? s.b[c] / m * s.r[c] * s.r[c] : 0;        /* mean(gy xhat) r */
    }
    FL_PARALLEL(p, fl_shape_pixels(node->shape), fl_shape_count(node->shape) * 4) {
        for (int c = 0; c < channels; c++) {
            const int64_t i = p * channels + c;
            gx[i] = (real)((double)in[GAMMA][c] * s.r[c] *
                           ((double)gy[i] - s.a[c] - ((double)in[X][i] - s.mean[c]) * s.b[c]));
        }
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const norm s = prepare(node, in);
    if (k == X) {
        vjp_x(node, in, gy, gx, s);
        return;
    }
    sums(node, in[X], gy, s);
    for (int c = 0; c < node->shape.c; c++) {
        const double gamma = (double)in[GAMMA][c], r = s.r[c];
        const bool fixed = !node->attr.norm.batch;
        gx[c] = (real)(k == GAMMA ? s.b[c] * r : k == BETA ? s.a[c] : !fixed ? 0 : k == MEAN ? -gamma * r * s.a[c]
                                                                                   : -0.5 * gamma * r * r * r * s.b[c]);
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    const fl_shape s = {3, 18, 2, 2, 3}, v = {1, 18, 1, 1, 1};
    fl_id x = fl_example_operand(g, rng, "x", s), gamma = fl_example_operand(g, rng, "gamma", v);
    fl_id beta = fl_example_operand(g, rng, "beta", v), mean = fl_example_operand(g, rng, "mean", v);
    fl_id var = fl_example_operand(g, rng, "var", v);
    for (int c = 0; fl_graph_ok(g) && c < v.c; c++) {
        real *value = fl_graph_value(g, var) + c;
        *value = *value * *value + R(0.25);
    }
    return fl_node_batchnorm(g, "y", x, gamma, beta, mean, var, 1e-5, which == 1);
}

const fl_op fl_op_batchnorm = {
    .name = "batchnorm", .doc = "per-channel normalisation with stored or batch statistics", .file = "autograd/ops/batchnorm.c",
    .kind = FL_OP_batchnorm, .flags = FL_LINEAR | FL_READS_IN, .arity = 5,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example, .scratch = scratch,
};

fl_id fl_node_batchnorm(fl_graph *g, const char *name, fl_id x, fl_id gamma, fl_id beta, fl_id mean, fl_id var, double eps,
                        bool batch)
{
    fl_attr attr = {.norm = {eps, batch}};
    return fl_graph_add(g, &fl_op_batchnorm, name, &attr, 5, (fl_id[]){x, gamma, beta, mean, var});
}
