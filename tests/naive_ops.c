/* naive_ops.c: the ops from their definitions. Slow, plain, independent: libm where an op uses tensor/math.h, no
 * tables, no shared helpers but the two at the top. */
#include "tests/naive_ops.h"

#include <math.h>

/* Element of operand k; 0 outside. */
static double at(const fl_node *node, const real *const in[], int k, int n, int c, int t, int h, int w)
{
    const fl_shape s = node->in_shape[k];
    if (n < 0 || c < 0 || t < 0 || h < 0 || w < 0 || n >= s.n || c >= s.c || t >= s.t || h >= s.h || w >= s.w)
        return 0;
    return (double)in[k][fl_at(s, n, c, t, h, w)];
}

/* The same with axes of length 1 standing for all their indices. */
static double spread(const fl_node *node, const real *const in[], int k, int n, int c, int t, int h, int w)
{
    const fl_shape s = node->in_shape[k];
    return at(node, in, k, s.n == 1 ? 0 : n, s.c == 1 ? 0 : c, s.t == 1 ? 0 : t, s.h == 1 ? 0 : h, s.w == 1 ? 0 : w);
}

#define VALUE(name) static double name(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w)
#define SHAPE(name) static fl_shape name(const fl_node *node)

SHAPE(same) { return node->in_shape[0]; }

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
VALUE(sigmoid) { return 1 / (1 + exp(-at(node, in, 0, n, c, t, h, w))); }
VALUE(hyperbolic) { return tanh(at(node, in, 0, n, c, t, h, w)); }
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
VALUE(exponential) { return exp(at(node, in, 0, n, c, t, h, w)); }
VALUE(logarithm) { return log(at(node, in, 0, n, c, t, h, w)); }
VALUE(error_function) { return erf(at(node, in, 0, n, c, t, h, w)); }
VALUE(power) { return pow(at(node, in, 0, n, c, t, h, w), node->attr.power.exponent); }
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
    for (int i = 0; i < node->in_shape[0].c; i++) sum += exp(at(node, in, 0, n, i, t, h, w));
    return sum;
}
VALUE(softmax) { return exp(at(node, in, 0, n, c, t, h, w)) / sum_exp(node, in, n, t, h, w); }
VALUE(logsoftmax) { return at(node, in, 0, n, c, t, h, w) - log(sum_exp(node, in, n, t, h, w)); }

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
                log(exp(at(node, in, 0, n, i, t, h, w)) / sum_exp(node, in, n, t, h, w));
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
           pow(node->attr.lrn.k + node->attr.lrn.alpha * sum / size, node->attr.lrn.beta);
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

/* ---- moving values ---- */

static int axis_length(fl_shape s, int axis) { return ((const int[]){s.n, s.c, s.t, s.h, s.w})[axis]; }
static fl_shape with_axis(fl_shape s, int axis, int length)
{
    int a[5] = {s.n, s.c, s.t, s.h, s.w};
    a[axis] = length;
    return (fl_shape){a[0], a[1], a[2], a[3], a[4]};
}

SHAPE(concat_shape)
{
    int sum = 0;
    for (int k = 0; k < node->n_in; k++) sum += axis_length(node->in_shape[k], node->attr.slice.axis);
    return with_axis(node->in_shape[0], node->attr.slice.axis, sum);
}
VALUE(concat)
{
    int index[5] = {n, c, t, h, w}, *along = &index[node->attr.slice.axis], k = 0;
    for (; *along >= axis_length(node->in_shape[k], node->attr.slice.axis); k++)
        *along -= axis_length(node->in_shape[k], node->attr.slice.axis);
    return at(node, in, k, index[0], index[1], index[2], index[3], index[4]);
}

SHAPE(slice_shape)
{
    return with_axis(node->in_shape[0], node->attr.slice.axis, node->attr.slice.end - node->attr.slice.begin);
}
VALUE(slice)
{
    int index[5] = {n, c, t, h, w};
    index[node->attr.slice.axis] += node->attr.slice.begin;
    return at(node, in, 0, index[0], index[1], index[2], index[3], index[4]);
}

SHAPE(reshape_shape) { return node->attr.reshape.to; }
VALUE(reshape)                                         /* through the row-major number of the element */
{
    const fl_shape y = node->attr.reshape.to, x = node->in_shape[0];
    int64_t i = ((((int64_t)n * y.c + c) * y.t + t) * y.h + h) * y.w + w;
    const int xw = (int)(i % x.w);
    i /= x.w;
    const int xh = (int)(i % x.h);
    i /= x.h;
    const int xt = (int)(i % x.t);
    i /= x.t;
    return at(node, in, 0, (int)(i / x.c), (int)(i % x.c), xt, xh, xw);
}

SHAPE(permute_shape)
{
    const int *order = node->attr.permute.order;
    const fl_shape x = node->in_shape[0];
    return (fl_shape){axis_length(x, order[0]), axis_length(x, order[1]), axis_length(x, order[2]),
                      axis_length(x, order[3]), axis_length(x, order[4])};
}
VALUE(permute)
{
    const int index[5] = {n, c, t, h, w};
    int from[5];
    for (int i = 0; i < 5; i++) from[node->attr.permute.order[i]] = index[i];
    return at(node, in, 0, from[0], from[1], from[2], from[3], from[4]);
}

SHAPE(pad_shape)
{
    fl_shape y = node->in_shape[0];
    for (int i = 0; i < 5; i++)
        y = with_axis(y, i, axis_length(y, i) + node->attr.pad.low[i] + node->attr.pad.high[i]);
    return y;
}
VALUE(pad)
{
    const int *low = node->attr.pad.low;
    return at(node, in, 0, n - low[0], c - low[1], t - low[2], h - low[3], w - low[4]);
}

VALUE(shift)
{
    const int fold = node->attr.shift.fold;
    return at(node, in, 0, n, c, c < fold ? t + 1 : c < 2 * fold ? t - 1 : t, h, w);
}

SHAPE(pick_shape) { return (fl_shape){node->in_shape[0].n, 1, 1, 1, 1}; }
VALUE(pick)
{
    (void)c, (void)t, (void)h, (void)w;
    return at(node, in, 0, n, node->attr.pick.c, node->attr.pick.t, node->attr.pick.h, node->attr.pick.w);
}

/* ---- resampling ---- */

SHAPE(resize_shape)
{
    const fl_shape x = node->in_shape[0], to = node->attr.resize.to;
    return (fl_shape){x.n, x.c, to.t, to.h, to.w};
}

/* How much of input position i output position o takes. */
static double resize_weight(const fl_node *node, int in, int out, int o, int i)
{
    if (in == out) return o == i;
    if (node->attr.resize.mode == FL_RESIZE_NEAREST) return o * in / out == i;
    double place = node->attr.resize.align ? (out > 1 ? (double)o * (in - 1) / (out - 1) : 0)
                                           : (o + 0.5) * in / out - 0.5;
    place = fmin(fmax(place, 0), in - 1);              /* a tent around the place */
    return fmax(0, 1 - fabs(place - i));
}
VALUE(resize)
{
    const fl_shape x = node->in_shape[0], y = node->attr.resize.to;
    double sum = 0;
    for (int i = 0; i < x.t; i++)
        for (int j = 0; j < x.h; j++)
            for (int k = 0; k < x.w; k++)
                sum += resize_weight(node, x.t, y.t, t, i) * resize_weight(node, x.h, y.h, h, j) *
                       resize_weight(node, x.w, y.w, w, k) * at(node, in, 0, n, c, i, j, k);
    return sum;
}

static double gauss(const fl_blur *b, int axis, int i)
{
    if (b->sigma[axis] <= 0) return i == 0;
    double all = 0;
    for (int j = -b->half[axis]; j <= b->half[axis]; j++)
        all += exp(-0.5 * j * j / (b->sigma[axis] * b->sigma[axis]));
    return exp(-0.5 * i * i / (b->sigma[axis] * b->sigma[axis])) / all;
}

/* The position that stands for i outside 0 .. length-1; -1: zero. One step at a time. */
static int border(fl_border kind, int i, int length)
{
    while (i < 0 || i >= length) {
        if (kind == FL_BORDER_ZERO) return -1;
        if (kind == FL_BORDER_NEAREST) return i < 0 ? 0 : length - 1;
        if (kind == FL_BORDER_REFLECT) i = i < 0 ? -1 - i : 2 * length - 1 - i;
        if (kind == FL_BORDER_MIRROR) {
            if (length == 1) return 0;
            i = i < 0 ? -i : 2 * length - 2 - i;
        }
    }
    return i;
}
VALUE(blur)
{
    const fl_blur *b = &node->attr.blur;
    const fl_shape s = node->in_shape[0];
    double sum = 0;
    for (int i = -b->half[0]; i <= b->half[0]; i++)
        for (int j = -b->half[1]; j <= b->half[1]; j++)
            for (int k = -b->half[2]; k <= b->half[2]; k++)
                sum += gauss(b, 0, i) * gauss(b, 1, j) * gauss(b, 2, k) *
                       at(node, in, 0, n, c, border(b->border, t + i, s.t), border(b->border, h + j, s.h),
                          border(b->border, w + k, s.w));
    return sum;
}

/* ---- reductions ---- */

SHAPE(reduced_shape)
{
    fl_shape s = node->in_shape[0];
    for (int axis = 0; axis < 5; axis++)
        if (node->attr.reduce.axes & 1u << axis) s = with_axis(s, axis, 1);
    return s;
}

/* Sum over all elements of x whose index is the result's along the axes that stay. */
static double reduce(const fl_node *node, const real *const in[], const int y[5], double *count)
{
    const fl_shape s = node->in_shape[0];
    double sum = 0;
    *count = 0;
    for (int n = 0; n < s.n; n++)
        for (int c = 0; c < s.c; c++)
            for (int t = 0; t < s.t; t++)
                for (int h = 0; h < s.h; h++)
                    for (int w = 0; w < s.w; w++) {
                        const int index[5] = {n, c, t, h, w};
                        bool here = true;
                        for (int i = 0; i < 5; i++)
                            if (!(node->attr.reduce.axes & 1u << i) && index[i] != y[i]) here = false;
                        if (!here) continue;
                        sum += at(node, in, 0, n, c, t, h, w);
                        *count += 1;
                    }
    return sum;
}
VALUE(sum)
{
    double count;
    return reduce(node, in, (const int[]){n, c, t, h, w}, &count);
}
VALUE(mean)
{
    double count, total = reduce(node, in, (const int[]){n, c, t, h, w}, &count);
    return total / count;
}

VALUE(detach) { return at(node, in, 0, n, c, t, h, w); }

enum { LINEAR_ALL = 0x7fffffff };

const fl_naive fl_naive_ops[FL_OPS] = {
    [FL_OP_input]         = {leaf_shape,    leaf,          0},
    [FL_OP_conv]          = {conv_shape,    conv,          LINEAR_ALL},
    [FL_OP_linear]        = {linear_shape,  linear,        LINEAR_ALL},
    [FL_OP_deconv]        = {deconv_shape,  deconv,        LINEAR_ALL},
    [FL_OP_batchnorm]     = {same,          batchnorm,     1 | 2 | 4 | 8},      /* x, gamma, beta, mean */
    [FL_OP_moments]       = {moments_shape, moments,       0},
    [FL_OP_relu]          = {same,          relu,          0},
    [FL_OP_sigmoid]       = {same,          sigmoid,       0},
    [FL_OP_tanh]          = {same,          hyperbolic,    0},
    [FL_OP_softmax]       = {same,          softmax,       0},
    [FL_OP_logsoftmax]    = {same,          logsoftmax,    0},
    [FL_OP_maxpool]       = {pool_shape,    maxpool,       0},
    [FL_OP_avgpool]       = {pool_shape,    avgpool,       LINEAR_ALL},
    [FL_OP_add]           = {spread_shape,  add,           LINEAR_ALL},
    [FL_OP_mul]           = {spread_shape,  mul,           LINEAR_ALL},
    [FL_OP_concat]        = {concat_shape,  concat,        LINEAR_ALL},
    [FL_OP_slice]         = {slice_shape,   slice,         LINEAR_ALL},
    [FL_OP_reshape]       = {reshape_shape, reshape,       LINEAR_ALL},
    [FL_OP_permute]       = {permute_shape, permute,       LINEAR_ALL},
    [FL_OP_shift]         = {same,          shift,         LINEAR_ALL},
    [FL_OP_resize]        = {resize_shape,  resize,        LINEAR_ALL},
    [FL_OP_blur]          = {same,          blur,          LINEAR_ALL},
    [FL_OP_blend]         = {spread_shape,  blend,         LINEAR_ALL},
    [FL_OP_detach]        = {same,          detach,        0},                  /* its vjp is no transpose */
    [FL_OP_sum]           = {reduced_shape, sum,           LINEAR_ALL},
    [FL_OP_mean]          = {reduced_shape, mean,          LINEAR_ALL},
    [FL_OP_pick]          = {pick_shape,    pick,          LINEAR_ALL},
    [FL_OP_cross_entropy] = {one_channel,   cross_entropy, 2},                  /* the target */
    [FL_OP_leakyrelu]     = {same,          leakyrelu,     0},
    [FL_OP_clip]          = {same,          clip,          0},
    [FL_OP_exp]           = {same,          exponential,   0},
    [FL_OP_log]           = {same,          logarithm,     0},
    [FL_OP_erf]           = {same,          error_function, 0},
    [FL_OP_power]         = {same,          power,         0},
    [FL_OP_pad]           = {pad_shape,     pad,           LINEAR_ALL},
    [FL_OP_lrn]           = {same,          lrn,           0},
};
