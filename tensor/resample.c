/* resample.c: an output position reads one or two input positions per axis; the transpose asks which ones read it. */
#include "tensor/resample.h"

#include "tensor/axpy.h"
#include "tensor/par.h"

#include <string.h>

typedef struct axis {
    int64_t in, out;
    fl_resize_mode mode;
    bool align;
} axis;

typedef struct tap {        /* an output position reads (1 - upper) x[lower] + upper x[lower + 1] */
    int lower;
    real upper;             /* 0 at the end of the axis, where lower + 1 does not exist */
} tap;

static tap tap_of(const axis *a, int64_t o)
{
    if (a->mode == FL_RESIZE_NEAREST) return (tap){(int)(o * a->in / a->out), 0};
    int64_t above = a->align ? o * (a->in - 1) : (2 * o + 1) * a->in - a->out;      /* position = above / below */
    int64_t below = a->align ? (a->out > 1 ? a->out - 1 : 1) : 2 * a->out;
    if (above < 0) above = 0;
    int64_t lower = above / below;
    if (lower >= a->in - 1) return (tap){(int)a->in - 1, 0};
    return (tap){(int)lower, (real)((double)(above % below) / (double)below)};
}

static real weight_of(tap p, int input)      /* of the given input position in this output position */
{
    return input == p.lower ? 1 - p.upper : input == p.lower + 1 ? p.upper : 0;
}

/* The first output position whose lower neighbour is the given input position or later; a->out if there is none. */
static int64_t first_reader(const axis *a, int input)
{
    int64_t from = 0, to = a->out;
    while (from < to) {
        int64_t middle = (from + to) / 2;
        if (tap_of(a, middle).lower >= input) to = middle;
        else from = middle + 1;
    }
    return from;
}

typedef struct axes { axis t, h, w; } axes;

static axes axes_of(fl_shape in, fl_shape out, fl_resize_mode mode, bool align)
{
    fl_assert(in.n == out.n && in.c == out.c);
    return (axes){{in.t, out.t, mode, align}, {in.h, out.h, mode, align}, {in.w, out.w, mode, align}};
}

/* y += weight * (x resized along w), one row of pixels with c channels. */
static void add_row(const axis *w, int c, real weight, const real *x, real *y)
{
    for (int64_t o = 0; o < w->out; o++, y += c) {
        tap p = tap_of(w, o);
        const real *from = x + (int64_t)p.lower * c;
        fl_axpy(c, weight * (1 - p.upper), from, y);
        if (p.upper > 0) fl_axpy(c, weight * p.upper, from + c, y);
    }
}

static void add_row_transpose(const axis *w, int c, real weight, real *gx, const real *gy)
{
    for (int64_t o = 0; o < w->out; o++, gy += c) {
        tap p = tap_of(w, o);
        real *to = gx + (int64_t)p.lower * c;
        fl_axpy(c, weight * (1 - p.upper), gy, to);
        if (p.upper > 0) fl_axpy(c, weight * p.upper, gy, to + c);
    }
}

void fl_resize(fl_shape in, const real *x, fl_shape out, real *y, fl_resize_mode mode, bool align)
{
    const axes a = axes_of(in, out, mode, align);
    FL_PARALLEL(row, (int64_t)out.n * out.t * out.h, fl_shape_count(out) * 8) {
        const int n = (int)(row / out.h / out.t);
        const tap t = tap_of(&a.t, row / out.h % out.t), h = tap_of(&a.h, row % out.h);
        real *to = y + row * out.w * out.c;
        memset(to, 0, (size_t)out.w * (size_t)out.c * sizeof *to);
        for (int it = t.lower; it <= t.lower + (t.upper > 0); it++)
            for (int ih = h.lower; ih <= h.lower + (h.upper > 0); ih++)
                add_row(&a.w, in.c, weight_of(t, it) * weight_of(h, ih), x + fl_at(in, n, 0, it, ih, 0), to);
    }
}

void fl_resize_transpose(fl_shape in, real *gx, fl_shape out, const real *gy, fl_resize_mode mode, bool align)
{
    const axes a = axes_of(in, out, mode, align);
    FL_PARALLEL(row, (int64_t)in.n * in.t * in.h, fl_shape_count(out) * 8) {
        const int n = (int)(row / in.h / in.t), t = (int)(row / in.h % in.t), h = (int)(row % in.h);
        real *to = gx + row * in.w * in.c;
        memset(to, 0, (size_t)in.w * (size_t)in.c * sizeof *to);
        const int64_t t_end = first_reader(&a.t, t + 1), h_end = first_reader(&a.h, h + 1);
        for (int64_t ot = first_reader(&a.t, t - 1); ot < t_end; ot++)
            for (int64_t oh = first_reader(&a.h, h - 1); oh < h_end; oh++) {
                const real weight = weight_of(tap_of(&a.t, ot), t) * weight_of(tap_of(&a.h, oh), h);
                if (weight > 0)
                    add_row_transpose(&a.w, in.c, weight, to, gy + fl_at(out, n, 0, (int)ot, (int)oh, 0));
            }
    }
}

static int blocks(int length, int size) { return (int)(((int64_t)length + size - 1) / size); }
static int smaller(int a, int b) { return a < b ? a : b; }

fl_shape fl_block_shape(fl_shape x, int t, int h, int w)
{
    fl_assert(t >= 1 && h >= 1 && w >= 1);
    return (fl_shape){x.n, x.c, blocks(x.t, t), blocks(x.h, h), blocks(x.w, w)};
}

static double sum_of_block(fl_shape s, const real *x, int n, int c, const int from[3], const int to[3])
{
    double sum = 0;
    for (int t = from[0]; t < to[0]; t++)
        for (int h = from[1]; h < to[1]; h++)
            for (int w = from[2]; w < to[2]; w++) sum += (double)x[fl_at(s, n, c, t, h, w)];
    return sum;
}

void fl_block_mean(fl_shape s, const real *x, int t, int h, int w, real *y)
{
    const fl_shape out = fl_block_shape(s, t, h, w);
    FL_PARALLEL(row, (int64_t)out.n * out.t * out.h, fl_shape_count(s) * 2) {
        const int n = (int)(row / out.h / out.t), bt = (int)(row / out.h % out.t), bh = (int)(row % out.h);
        for (int bw = 0; bw < out.w; bw++) {
            const int from[3] = {bt * t, bh * h, bw * w};
            const int to[3] = {smaller(from[0] + t, s.t), smaller(from[1] + h, s.h), smaller(from[2] + w, s.w)};
            const double held = (double)(to[0] - from[0]) * (to[1] - from[1]) * (to[2] - from[2]);
            for (int c = 0; c < s.c; c++)
                y[fl_at(out, n, c, bt, bh, bw)] = (real)(sum_of_block(s, x, n, c, from, to) / held);
        }
    }
}
