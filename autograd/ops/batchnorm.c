/* batchnorm: y = (x - mean) / sqrt(var + eps) * gamma + beta, per channel.            (Ioffe & Szegedy 2015)
 *
 * mean and var are operands: stored statistics for use, the moments of x itself (moments.c) for training. With
 * r = 1 / sqrt(var + eps) and sums over n,t,h,w:  gx = gy gamma r;  ggamma = r sum gy (x - mean);  gbeta = sum gy;
 * gmean = -gamma r sum gy;  gvar = -gamma r^3 / 2 * sum gy (x - mean). */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/reduce.h"
#include "autograd/remainder.h"
#include "tensor/par.h"

#include <math.h>

enum { X, GAMMA, BETA, MEAN, VAR, PIXELS = 256 };

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape_text t;
    for (int k = GAMMA; k <= VAR; k++)
        if (!fl_shape_equal(node->in_shape[k], fl_shape_vector(1, node->in_shape[X].c)))
            return fl_graph_fail(g, node,
                                 "operand %d: expected shape 1,%d,1,1,1 for the channels of the input, got %s", k,
                                 node->in_shape[X].c, fl_shape_print(node->in_shape[k], &t));
    return node->in_shape[X];
}

static size_t scratch(const fl_node *node)
{
    return 2 * sizeof(double) * (size_t)node->shape.c + fl_sum_pixels_scratch(node->shape);
}

static double slope(const fl_node *node, const real *const in[], int c)
{
    return 1 / sqrt((double)in[VAR][c] + node->attr.norm.eps);
}

/* y = x * a + b over channels, blocks of pixels for the threads; b may be NULL */
static void affine(fl_shape s, const real *x, const real *a, const real *b, real *y)
{
    FL_PARALLEL(block, (fl_shape_pixels(s) + PIXELS - 1) / PIXELS, fl_shape_count(s) * 2) {
        const int64_t end = (block + 1) * PIXELS < fl_shape_pixels(s) ? (block + 1) * PIXELS : fl_shape_pixels(s);
        for (int64_t i = block * PIXELS * s.c; i < end * s.c; i += s.c) {
            if (b)
                for (int c = 0; c < s.c; c++) y[i + c] = x[i + c] * a[c] + b[c];
            else
                for (int c = 0; c < s.c; c++) y[i + c] = x[i + c] * a[c];
        }
    }
}

/* The same in double, rounded once. The remainders of x and of y may be NULL. */
static void affine_exact(const fl_node *node, const real *const in[], const real *x, const real *rest, bool shifted, real *y, real *y_rest)
{
    const fl_shape s = node->shape;
    double *a = node->work, *b = a + s.c;
    for (int c = 0; c < s.c; c++) {
        a[c] = (double)in[GAMMA][c] * slope(node, in, c);
        b[c] = shifted ? (double)in[BETA][c] - (double)in[MEAN][c] * a[c] : 0;
    }
    FL_PARALLEL(p, fl_shape_pixels(s), fl_shape_count(s) * 2)
        for (int c = 0; c < s.c; c++) {
            const double v = fl_whole(x, rest, p * s.c + c) * a[c] + b[c];
            y[p * s.c + c] = (real)v;
            if (y_rest) y_rest[p * s.c + c] = fl_rest(v, (real)v);
        }
}

static void forward_rest(const fl_node *node, const real *const in[], const real *const rest[], real *y, real *y_rest, uint8_t *notes)
{
    (void)notes;
    affine_exact(node, in, in[X], rest[X], true, y, y_rest);
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    if (node->exact) {
        affine_exact(node, in, in[X], NULL, true, y, NULL);
        return;
    }
    real *a = node->work, *b = a + node->shape.c;
    for (int c = 0; c < node->shape.c; c++) {
        const double by = (double)in[GAMMA][c] * slope(node, in, c);
        a[c] = (real)by;
        b[c] = (real)((double)in[BETA][c] - (double)in[MEAN][c] * by);
    }
    affine(node->shape, in[X], a, b, y);
}

static void vjp_x(const fl_node *node, const real *const in[], const real *gy, real *gx)
{
    real *a = node->work;
    for (int c = 0; c < node->shape.c; c++) a[c] = (real)((double)in[GAMMA][c] * slope(node, in, c));
    affine(node->shape, gy, a, NULL, gx);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    if (k == X) {
        if (node->exact) affine_exact(node, in, gy, NULL, false, gx, NULL);
        else vjp_x(node, in, gy, gx);
        return;
    }
    double *sum = node->work, *product = sum + node->shape.c, *rest = product + node->shape.c;
    const bool first_order = k == BETA || k == MEAN;                 /* sum gy is enough */
    fl_sum_pixels(node->shape, gy, first_order ? NULL : in[X], sum, first_order ? NULL : product, rest);
    for (int c = 0; c < node->shape.c; c++) {
        const double r = slope(node, in, c), gamma = (double)in[GAMMA][c];
        const double centred = first_order ? 0 : product[c] - (double)in[MEAN][c] * sum[c];
        gx[c] = (real)(k == GAMMA  ? r * centred
                       : k == BETA ? sum[c]
                       : k == MEAN ? -gamma * r * sum[c]
                                   : -0.5 * gamma * r * r * r * centred);
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 0) return FL_NONE;
    const fl_shape s = {3, 18, 2, 2, 3}, v = {1, 18, 1, 1, 1};
    fl_id x = fl_example_operand(g, rng, "x", s), gamma = fl_example_operand(g, rng, "gamma", v);
    fl_id beta = fl_example_operand(g, rng, "beta", v), mean = fl_example_operand(g, rng, "mean", v);
    fl_id var = fl_example_operand(g, rng, "var", v);
    for (int c = 0; fl_graph_ok(g) && c < v.c; c++) {
        real *value = fl_graph_value(g, var) + c;
        *value = *value * *value + R(0.25);
    }
    return fl_node_batchnorm(g, "y", x, gamma, beta, mean, var, 1e-5);
}

const fl_op fl_op_batchnorm = {
    .name = "batchnorm", .doc = "per-channel normalisation with given mean and variance",
    .file = "autograd/ops/batchnorm.c", .kind = FL_OP_batchnorm, .flags = FL_LINEAR | FL_READS_IN, .arity = 5,
    .infer = infer, .forward = forward, .vjp = vjp, .forward_rest = forward_rest, .example = example, .scratch = scratch,
};

fl_id fl_node_batchnorm(fl_graph *g, const char *name, fl_id x, fl_id gamma, fl_id beta, fl_id mean, fl_id var,
                        double eps)
{
    fl_attr attr = {.norm = {eps}};
    return fl_graph_add(g, &fl_op_batchnorm, name, &attr, 5, (fl_id[]){x, gamma, beta, mean, var});
}
