/* naive_moves.c: the ops from their definitions: moving values, resampling, reductions. */
#include "autograd/naive_rows.h"

#include "tensor/math.h"

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
        all += fl_exp64(-0.5 * j * j / (b->sigma[axis] * b->sigma[axis]));
    return fl_exp64(-0.5 * i * i / (b->sigma[axis] * b->sigma[axis])) / all;
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

ROW(concat, concat_shape, concat, EVERY)
ROW(slice, slice_shape, slice, EVERY)
ROW(reshape, reshape_shape, reshape, EVERY)
ROW(permute, permute_shape, permute, EVERY)
ROW(shift, same, shift, EVERY)
ROW(resize, resize_shape, resize, EVERY)
ROW(blur, same, blur, EVERY)
ROW(detach, same, detach, 0)    /* its vjp is no transpose */
ROW(sum, reduced_shape, sum, EVERY)
ROW(mean, reduced_shape, mean, EVERY)
ROW(pick, pick_shape, pick, EVERY)
ROW(pad, pad_shape, pad, EVERY)
