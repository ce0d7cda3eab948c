/* naive.c: the ops from their definitions: leaves, weights, maps, norms, pools. Slow, plain, independent: no tables, no
 * shared helpers but the two of naive_rows.h; exp and log in double are those of tensor/math.h, which has its own tests. */
#include "autograd/naive_rows.h"

#include "tensor/math.h"


SHAPE(spread_shape)
{
    fl_shape y = node->in_shape[0];
    for (int k = 1; k < node->n_in; k++) {
        const fl_shape s = node->in_shape[k];
        if (s.n > y.n) y.n = s.n;
        if (s.c > y.c) y.c = s.c;
        if (s.t > y.t) y.t = s.t;
        if (s.h > y.h) y.h = s.h;
        if (s.w > y.w) y.w = s.w;
    }
    return y;
}

/* ---- leaves ---- */

SHAPE(leaf_shape) { return node->shape; }
VALUE(leaf)                                            /* has no operands: what was set is what is there */
{
    (void)in;
    return (double)node->value[fl_at(node->shape, n, c, t, h, w)];
}

/* ---- weighted ---- */

/* The number of places at which the window fits into the padded axis: by trying them all. */
static int places(const fl_window *win, int axis, int length)
{
    int count = 0;
    const int reach = win->d[axis] * (win->k[axis] - 1), end = length + win->lo[axis] + win->hi[axis];
    for (int o = 0; o * win->s[axis] + reach < end; o++) count++;
    return count;
}

SHAPE(conv_shape)
{
    const fl_window *win = &node->attr.conv.win;
    const fl_shape x = node->in_shape[0];
    return (fl_shape){x.n, node->in_shape[1].n, places(win, 0, x.t), places(win, 1, x.h), places(win, 2, x.w)};
}

VALUE(conv)
{
    const fl_window *win = &node->attr.conv.win;
    const int group = c / (node->in_shape[1].n / node->attr.conv.groups), channels = node->in_shape[1].c;
    double sum = node->n_in == 3 ? at(node, in, 2, 0, c, 0, 0, 0) : 0;
    for (int i = 0; i < channels; i++)
        for (int kt = 0; kt < win->k[0]; kt++)
            for (int kh = 0; kh < win->k[1]; kh++)
                for (int kw = 0; kw < win->k[2]; kw++)
                    sum += at(node, in, 1, c, i, kt, kh, kw) *
                           at(node, in, 0, n, group * channels + i, t * win->s[0] - win->lo[0] + kt * win->d[0],
                              h * win->s[1] - win->lo[1] + kh * win->d[1],
                              w * win->s[2] - win->lo[2] + kw * win->d[2]);
    return sum;
}

static int reach(const fl_window *win, int axis, int n)
{
    return (n - 1) * win->s[axis] - win->lo[axis] - win->hi[axis] + win->d[axis] * (win->k[axis] - 1) + 1;
}
SHAPE(deconv_shape)
{
    const fl_window *win = &node->attr.conv.win;
    const fl_shape x = node->in_shape[0];
    return (fl_shape){x.n, node->in_shape[1].c * node->attr.conv.groups, reach(win, 0, x.t), reach(win, 1, x.h),
                      reach(win, 2, x.w)};
}

/* The place that tap k of x's element reaches, backwards: which element of x reaches y's place with tap k, or -1. */
static int source(const fl_window *win, int axis, int place, int k)
{
    const int from = place + win->lo[axis] - k * win->d[axis];
    return from % win->s[axis] ? -1 : from / win->s[axis];
}
VALUE(deconv)
{
    const fl_window *win = &node->attr.conv.win;
    const int per_group = node->in_shape[1].c, groups = node->attr.conv.groups, in_group = node->in_shape[0].c / groups;
    double sum = node->n_in == 3 ? at(node, in, 2, 0, c, 0, 0, 0) : 0;
    for (int i = 0; i < in_group; i++)
        for (int kt = 0; kt < win->k[0]; kt++)
            for (int kh = 0; kh < win->k[1]; kh++)
                for (int kw = 0; kw < win->k[2]; kw++) {
                    const int input = c / per_group * in_group + i;
                    sum += at(node, in, 0, n, input, source(win, 0, t, kt), source(win, 1, h, kh), source(win, 2, w, kw)) *
                           at(node, in, 1, input, c % per_group, kt, kh, kw);
                }
    return sum;
}

SHAPE(linear_shape) { return (fl_shape){node->in_shape[0].n, node->in_shape[1].n, 1, 1, 1}; }
VALUE(linear)
{
    (void)t, (void)h, (void)w;
    double sum = node->n_in == 3 ? at(node, in, 2, 0, c, 0, 0, 0) : 0;
    for (int i = 0; i < node->in_shape[0].c; i++)
        sum += at(node, in, 0, n, i, 0, 0, 0) * at(node, in, 1, c, i, 0, 0, 0);
    return sum;
}

VALUE(batchnorm)
{
    const double hat = (at(node, in, 0, n, c, t, h, w) - at(node, in, 3, 0, c, 0, 0, 0)) /
                       sqrt(at(node, in, 4, 0, c, 0, 0, 0) + node->attr.norm.eps);
    return at(node, in, 1, 0, c, 0, 0, 0) * hat + at(node, in, 2, 0, c, 0, 0, 0);
}

/* mean over n,t,h,w of (x - centre)^power */
static double moment(const fl_node *node, const real *const in[], int c, double centre, int power)
{
    const fl_shape s = node->in_shape[0];
    double sum = 0;
    for (int i = 0; i < s.n; i++)
        for (int j = 0; j < s.t; j++)
            for (int k = 0; k < s.h; k++)
                for (int l = 0; l < s.w; l++) {
                    const double d = at(node, in, 0, i, c, j, k, l) - centre;
                    sum += power == 1 ? d : d * d;
                }
    return sum / ((double)s.n * s.t * s.h * s.w);
}
static fl_shape moments_shape(const fl_node *node) { return fl_shape_vector(2, node->in_shape[0].c); }
VALUE(moments)
{
    (void)t, (void)h, (void)w;
    const double mean = moment(node, in, c, 0, 1);
    return n == 0 ? mean : moment(node, in, c, mean, 2);
}

/* ---- element by element ---- */

VALUE(relu)
{
    const double x = at(node, in, 0, n, c, t, h, w);
    return x < 0 ? 0 : x;
}
VALUE(sigmoid) { return 1 / (1 + fl_exp64(-at(node, in, 0, n, c, t, h, w))); }
VALUE(hyperbolic) { return fl_tanh64(at(node, in, 0, n, c, t, h, w)); }
VALUE(leakyrelu)
{
    const double x = at(node, in, 0, n, c, t, h, w);
    return x > 0 ? x : node->attr.leak.slope * x;
}
VALUE(clip)
{
    const double x = at(node, in, 0, n, c, t, h, w);
    return isnan(x) ? x : fmin(fmax(x, node->attr.clip.low), node->attr.clip.high);
}
VALUE(exponential) { return fl_exp64(at(node, in, 0, n, c, t, h, w)); }
VALUE(logarithm) { return fl_log64(at(node, in, 0, n, c, t, h, w)); }
VALUE(error_function) { return fl_erf64(at(node, in, 0, n, c, t, h, w)); }
VALUE(power)                                           /* whole exponents may have a negative base: |x|^p with its sign */
{
    const double x = at(node, in, 0, n, c, t, h, w), p = node->attr.power.exponent;
    if (x >= 0 || isnan(x)) return fl_pow64(x, p);
    if (p != floor(p)) return (double)NAN;
    return fmod(p, 2) == 0 ? fl_pow64(-x, p) : -fl_pow64(-x, p);
}
VALUE(add) { return spread(node, in, 0, n, c, t, h, w) + spread(node, in, 1, n, c, t, h, w); }
VALUE(mul) { return spread(node, in, 0, n, c, t, h, w) * spread(node, in, 1, n, c, t, h, w); }
VALUE(blend)
{
    const double m = spread(node, in, 2, n, c, t, h, w);
    return m * spread(node, in, 0, n, c, t, h, w) + (1 - m) * spread(node, in, 1, n, c, t, h, w);
}

/* ---- over channels ---- */

static double sum_exp(const fl_node *node, const real *const in[], int n, int t, int h, int w)
{
    double sum = 0;
    for (int i = 0; i < node->in_shape[0].c; i++) sum += fl_exp64(at(node, in, 0, n, i, t, h, w));
    return sum;
}
VALUE(softmax) { return fl_exp64(at(node, in, 0, n, c, t, h, w)) / sum_exp(node, in, n, t, h, w); }
VALUE(logsoftmax) { return at(node, in, 0, n, c, t, h, w) - fl_log64(sum_exp(node, in, n, t, h, w)); }

SHAPE(one_channel)
{
    const fl_shape x = node->in_shape[0];
    return (fl_shape){x.n, 1, x.t, x.h, x.w};
}
VALUE(cross_entropy)
{
    (void)c;
    double loss = 0;
    for (int i = 0; i < node->in_shape[0].c; i++)
        loss -= at(node, in, 1, n, i, t, h, w) *
                fl_log64(fl_exp64(at(node, in, 0, n, i, t, h, w)) / sum_exp(node, in, n, t, h, w));
    return loss;
}

VALUE(lrn)                                             /* PyTorch's: size/2 channels before, the rest from c on */
{
    const int size = node->attr.lrn.size;
    double sum = 0;
    for (int i = 0; i < size; i++) {
        const double x = at(node, in, 0, n, c - size / 2 + i, t, h, w);
        sum += x * x;
    }
    return at(node, in, 0, n, c, t, h, w) /
           fl_pow64(node->attr.lrn.k + node->attr.lrn.alpha * sum / size, node->attr.lrn.beta);
}

/* ---- pools ---- */

/* Places of the window; with ceil, also one that hangs over the end, if it begins inside the input or the padding
 * before. */
static int pool_places(const fl_node *node, int axis, int length)
{
    const fl_window *win = &node->attr.pool.win;
    const int reach = win->d[axis] * (win->k[axis] - 1), end = length + win->lo[axis] + win->hi[axis];
    int count = 0;
    for (int o = 0;; o++) {
        const int begin = o * win->s[axis];
        const bool fits = begin + reach < end, before_fell_short = begin - win->s[axis] + reach < end - 1;
        if (!fits && !(node->attr.pool.ceil && o > 0 && before_fell_short && begin < length + win->lo[axis])) break;
        count++;
    }
    return count;
}

SHAPE(pool_shape)
{
    const fl_shape x = node->in_shape[0];
    return (fl_shape){x.n, x.c, pool_places(node, 0, x.t), pool_places(node, 1, x.h), pool_places(node, 2, x.w)};
}

/* Walks the window: the sum, the maximum, and how many taps lie inside the input, and inside input or padding. */
static void pool_window(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w, double *sum,
                        double *max, int *inside, int *padded)
{
    const fl_window *win = &node->attr.pool.win;
    const fl_shape s = node->in_shape[0];
    *sum = 0, *max = -INFINITY, *inside = 0, *padded = 0;
    for (int i = 0; i < win->k[0]; i++)
        for (int j = 0; j < win->k[1]; j++)
            for (int k = 0; k < win->k[2]; k++) {
                const int p = t * win->s[0] - win->lo[0] + i * win->d[0],
                          q = h * win->s[1] - win->lo[1] + j * win->d[1];
                const int r = w * win->s[2] - win->lo[2] + k * win->d[2];
                if (p < s.t + win->hi[0] && q < s.h + win->hi[1] && r < s.w + win->hi[2]) (*padded)++;
                if (p < 0 || q < 0 || r < 0 || p >= s.t || q >= s.h || r >= s.w) continue;
                const double x = at(node, in, 0, n, c, p, q, r);
                *sum += x;
                *max = x > *max || isnan(x) ? x : *max;
                (*inside)++;
            }
}
VALUE(maxpool)
{
    double sum, max;
    int inside, padded;
    pool_window(node, in, n, c, t, h, w, &sum, &max, &inside, &padded);
    return inside ? max : 0;
}
VALUE(avgpool)
{
    double sum, max;
    int inside, padded;
    pool_window(node, in, n, c, t, h, w, &sum, &max, &inside, &padded);
    return inside ? sum / (node->attr.pool.count_pad ? padded : inside) : 0;
}

/* ---- the table ---- */

ROW(input, leaf_shape, leaf, 0)
ROW(conv, conv_shape, conv, EVERY)
ROW(linear, linear_shape, linear, EVERY)
ROW(deconv, deconv_shape, deconv, EVERY)
ROW(batchnorm, same, batchnorm, 1 | 2 | 4 | 8)    /* x, gamma, beta, mean */
ROW(moments, moments_shape, moments, 0)
ROW(relu, same, relu, 0)
ROW(sigmoid, same, sigmoid, 0)
ROW(tanh, same, hyperbolic, 0)
ROW(softmax, same, softmax, 0)
ROW(logsoftmax, same, logsoftmax, 0)
ROW(maxpool, pool_shape, maxpool, 0)
ROW(avgpool, pool_shape, avgpool, EVERY)
ROW(add, spread_shape, add, EVERY)
ROW(mul, spread_shape, mul, EVERY)
ROW(blend, spread_shape, blend, EVERY)
ROW(cross_entropy, one_channel, cross_entropy, 2)    /* the target */
ROW(leakyrelu, same, leakyrelu, 0)
ROW(clip, same, clip, 0)
ROW(exp, same, exponential, 0)
ROW(log, same, logarithm, 0)
ROW(erf, same, error_function, 0)
ROW(power, same, power, 0)
ROW(lrn, same, lrn, 0)

const fl_naive *const fl_naive_ops[FL_OPS] = {
#define FL_OP(name) &fl_naive_##name,
#include "autograd/ops.def"
#undef FL_OP
};

double fl_naive_at(const fl_node *node, const real *const in[], int64_t i)
{
    const fl_shape s = node->shape;
    const int64_t pixel = i / s.c;
    return fl_naive_ops[node->op->kind]->value(node, in, (int)(pixel / s.w / s.h / s.t), (int)(i % s.c),
                                               (int)(pixel / s.w / s.h % s.t), (int)(pixel / s.w % s.h), (int)(pixel % s.w));
}
