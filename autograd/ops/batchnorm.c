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

enum { X, GAMMA, BETA, MEAN, VAR, PIXELS = 256 };

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape_text t;
    for (int k = GAMMA; k <= VAR; k++)
        if (!fl_shape_equal(node->in_shape[k], fl_shape_vector(1, node->in_shape[X].c)))
            return fl_graph_fail(g, node, "operand %d: expected shape 1,%d,1,1,1 for the channels of the input, got %s", k,
                                 node->in_shape[X].c, fl_shape_print(node->in_shape[k], &t));
    return node->in_shape[X];
}

typedef struct norm {                     /* in node->work, one double per channel each */
    double *mean, *r;                     /* and the reciprocal deviation */
    double *a, *b;                        /* two sums of the vjp: gy, gy (x - mean) */
    double *rest;                         /* for fl_dot_pixels */
} norm;

static size_t scratch(const fl_node *node)
{
    return 4 * sizeof(double) * (size_t)node->shape.c + fl_dot_pixels_scratch(node->shape);
}

/* var = mean(x^2) - mean^2 in double; in float32 the products of a run are rounded, which is well below the statistics' noise. */
void fl_batch_statistics(fl_shape s, const real *x, double *mean, double *var, double *work)
{
    const double pixels = (double)fl_shape_pixels(s);
    fl_dot_pixels(s, x, NULL, mean, work);
    fl_dot_pixels(s, x, x, var, work);
    for (int c = 0; c < s.c; c++) {
        mean[c] /= pixels;
        var[c] = var[c] / pixels - mean[c] * mean[c];
        if (var[c] < 0) var[c] = 0;
    }
}

static norm prepare(const fl_node *node, const real *const in[])
{
    const int channels = node->shape.c;
    double *work = node->work;
    norm s = {work, work + channels, work + 2 * channels, work + 3 * channels, work + 4 * channels};
    if (node->attr.norm.batch) fl_batch_statistics(node->shape, in[X], s.mean, s.r, s.rest);
    for (int c = 0; c < channels; c++) {
        if (!node->attr.norm.batch) s.mean[c] = (double)in[MEAN][c], s.r[c] = (double)in[VAR][c];
        s.r[c] = 1 / sqrt(s.r[c] + node->attr.norm.eps);
    }
    return s;
}

/* y = x * a + b over channels, blocks of pixels for the threads */
static void affine(fl_shape s, const real *x, const real *a, const real *b, real *y)
{
    FL_PARALLEL(block, (fl_shape_pixels(s) + PIXELS - 1) / PIXELS, fl_shape_count(s) * 2) {
        const int64_t end = (block + 1) * PIXELS < fl_shape_pixels(s) ? (block + 1) * PIXELS : fl_shape_pixels(s);
        for (int64_t p = block * PIXELS; p < end; p++)
            for (int c = 0; c < s.c; c++) y[p * s.c + c] = x[p * s.c + c] * a[c] + b[c];
    }
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const norm s = prepare(node, in);
    real *a = (real *)s.a, *b = (real *)s.b;
    for (int c = 0; c < node->shape.c; c++) {
        const double slope = s.r[c] * (double)in[GAMMA][c];
        a[c] = (real)slope;
        b[c] = (real)((double)in[BETA][c] - s.mean[c] * slope);
    }
    affine(node->shape, in[X], a, b, y);
}

static void sums(const fl_node *node, const real *x, const real *gy, norm s)
{
    fl_dot_pixels(node->shape, gy, NULL, s.a, s.rest);
    fl_dot_pixels(node->shape, gy, x, s.b, s.rest);
    for (int c = 0; c < node->shape.c; c++) s.b[c] -= s.mean[c] * s.a[c];
}

/* gx = p gy + q x + r per channel: p = gamma r, q = -p mean(gy xhat) r, r = -p mean(gy) - q mean(x) */
static void vjp_batch(const fl_node *node, const real *const in[], const real *gy, real *gx, norm s)
{
    const fl_shape shape = node->shape;
    const double m = (double)fl_shape_pixels(shape);
    sums(node, in[X], gy, s);
    real *p = (real *)s.rest, *q = p + shape.c, *r = q + shape.c;
    for (int c = 0; c < shape.c; c++) {
        const double slope = (double)in[GAMMA][c] * s.r[c], tilt = -slope * s.b[c] / m * s.r[c] * s.r[c];
        p[c] = (real)slope;
        q[c] = (real)tilt;
        r[c] = (real)(-slope * s.a[c] / m - tilt * s.mean[c]);
    }
    FL_PARALLEL(block, (fl_shape_pixels(shape) + PIXELS - 1) / PIXELS, fl_shape_count(shape) * 4) {
        const int64_t end = (block + 1) * PIXELS < fl_shape_pixels(shape) ? (block + 1) * PIXELS : fl_shape_pixels(shape);
        for (int64_t i = block * PIXELS * shape.c; i < end * shape.c; i += shape.c)
            for (int c = 0; c < shape.c; c++) gx[i + c] = p[c] * gy[i + c] + q[c] * in[X][i + c] + r[c];
    }
}

static void vjp_stored(const fl_node *node, const real *const in[], const real *gy, real *gx, norm s)
{
    real *a = (real *)s.a, *b = (real *)s.b;
    for (int c = 0; c < node->shape.c; c++) {
        a[c] = (real)((double)in[GAMMA][c] * s.r[c]);
        b[c] = 0;
    }
    affine(node->shape, gy, a, b, gx);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const norm s = prepare(node, in);
    const bool batch = node->attr.norm.batch;
    if (k == X) {
        (batch ? vjp_batch : vjp_stored)(node, in, gy, gx, s);
        return;
    }
    sums(node, in[X], gy, s);
    for (int c = 0; c < node->shape.c; c++) {
        const double gamma = (double)in[GAMMA][c], r = s.r[c];
        double g = 0;                                    /* of mean and var, when the batch's own are in use */
        if (k == GAMMA) g = s.b[c] * r;
        if (k == BETA) g = s.a[c];
        if (k == MEAN && !batch) g = -gamma * r * s.a[c];
        if (k == VAR && !batch) g = -0.5 * gamma * r * r * r * s.b[c];
        gx[c] = (real)g;
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
