/* blur.c: one axis after the other, t, h, w; per axis one tap after the other, as the sum of shifted arrays.
 *
 * Along an axis the array is a batch of lines of `length` positions, each `inner` contiguous reals wide. Tap i adds
 * the line shifted by i to the result, which is one long vector loop except at the borders. To read p and write p + i
 * instead of reading p + i and writing p is the transpose. */
#include "tensor/blur.h"

#include "tensor/axpy.h"
#include "tensor/math.h"
#include "tensor/par.h"

enum { SLICE = 512 };       /* reals of inner per parallel item: a line of 112 slices stays in the second cache */

int fl_blur_half(double sigma) { return (int)ceil(4.0 * sigma); }

fl_blur fl_blur_frames(double sigma, fl_border border)
{
    const int half = fl_blur_half(sigma);
    return (fl_blur){{0, sigma, sigma}, {0, half, half}, border};
}

static bool blurs(const fl_blur *b, int axis) { return b->sigma[axis] > 0 && b->half[axis] > 0; }

/* k[0] .. k[half]: the symmetric kernel's centre and one side. */
static void make_taps(double sigma, int half, real *k)
{
    double sum = 1.0;
    for (int i = 1; i <= half; i++) sum += 2.0 * fl_exp64(-0.5 * i * i / (sigma * sigma));
    for (int i = 0; i <= half; i++) k[i] = (real)(fl_exp64(-0.5 * i * i / (sigma * sigma)) / sum);
}

/* The position of the line that stands at p, which may lie outside; -1 where that counts as zero. */
static int64_t inside(fl_border border, int64_t p, int64_t length)
{
    if (p >= 0 && p < length) return p;
    if (border == FL_BORDER_ZERO) return -1;
    if (border == FL_BORDER_NEAREST || length == 1) return p < 0 ? 0 : length - 1;
    const int64_t period = border == FL_BORDER_REFLECT ? 2 * length : 2 * length - 2;
    const int64_t last = border == FL_BORDER_REFLECT ? period - 1 : period;    /* p and last - p mirror each other */
    p = (p % period + period) % period;
    return p < length ? p : last - p;
}

typedef struct pass {
    const real *x;
    real *y;
    const real *taps;
    int64_t length, inner;
    int half;
    fl_border border;
    bool transpose;
} pass;

/* y[to ..] += k x[from ..], count positions, each `width` of the inner reals. */
static void add_shifted(const pass *a, real k, int64_t to, int64_t from, int64_t count, int64_t base, int64_t width)
{
    if (width == a->inner) {
        width *= count;
        count = 1;
    }
    for (int64_t p = 0; p < count; p++)
        fl_axpy(width, k, a->x + base + (from + p) * a->inner, a->y + base + (to + p) * a->inner);
}

static void add_outside(const pass *a, real k, int64_t p, int64_t i, int64_t base, int64_t width)
{
    const int64_t q = inside(a->border, p + i, a->length);
    if (q >= 0) add_shifted(a, k, a->transpose ? q : p, a->transpose ? p : q, 1, base, width);
}

static void run_line(const pass *a, int64_t base, int64_t width)
{
    for (int64_t p = 0; p < a->length; p++)
        for (int64_t j = 0; j < width; j++) a->y[base + p * a->inner + j] = 0;
    for (int64_t i = -a->half; i <= a->half; i++) {
        const real k = a->taps[i < 0 ? -i : i];
        const int64_t reach = i < 0 ? -i : i, kept = reach < a->length ? a->length - reach : 0;
        const int64_t begin = i < 0 ? a->length - kept : 0;      /* p + i is inside for begin <= p < begin + kept */
        add_shifted(a, k, a->transpose ? begin + i : begin, a->transpose ? begin : begin + i, kept, base, width);
        if (a->border == FL_BORDER_ZERO) continue;
        for (int64_t p = 0; p < begin; p++) add_outside(a, k, p, i, base, width);
        for (int64_t p = begin + kept; p < a->length; p++) add_outside(a, k, p, i, base, width);
    }
}

static void run_pass(const pass *a, int64_t lines)
{
    const int64_t slices = (a->inner + SLICE - 1) / SLICE;
    const double work = 2.0 * (double)lines * (double)a->length * (double)a->inner * (2.0 * a->half + 1.0);
    FL_PARALLEL(item, lines * slices, work) {
        const int64_t first = item % slices * SLICE;
        const int64_t width = a->inner - first < SLICE ? a->inner - first : SLICE;
        run_line(a, item / slices * a->length * a->inner + first, width);
    }
}

static int longest(const fl_blur *b)
{
    int half = 0;
    for (int axis = 0; axis < 3; axis++)
        if (b->half[axis] > half) half = b->half[axis];
    return half;
}

size_t fl_blur_scratch(fl_shape s, const fl_blur *b)
{
    return ((size_t)fl_shape_count(s) + (size_t)longest(b) + 1) * sizeof(real);
}

/* The passes alternate between y and scratch so that the last one ends in y. The transposes of passes along different
 * axes commute with each other, so both directions take the axes in the same order. */
static void run(fl_shape s, const fl_blur *b, const real *x, real *y, real *scratch, bool transpose)
{
    const int64_t count = fl_shape_count(s), length[3] = {s.t, s.h, s.w};
    const int64_t inner[3] = {(int64_t)s.h * s.w * s.c, (int64_t)s.w * s.c, s.c};
    real *taps = scratch + count;
    int left = blurs(b, 0) + blurs(b, 1) + blurs(b, 2);
    if (left == 0)
        for (int64_t i = 0; i < count; i++) y[i] = x[i];
    for (int axis = 0; axis < 3; axis++) {
        if (!blurs(b, axis)) continue;
        left--;
        make_taps(b->sigma[axis], b->half[axis], taps);
        pass a = {x, left % 2 ? scratch : y, taps, length[axis], inner[axis], b->half[axis], b->border, transpose};
        run_pass(&a, count / (length[axis] * inner[axis]));
        x = a.y;
    }
}

void fl_blur_forward(fl_shape s, const fl_blur *b, const real *x, real *y, void *scratch)
{
    run(s, b, x, y, scratch, false);
}

void fl_blur_transpose(fl_shape s, const fl_blur *b, const real *gy, real *gx, void *scratch)
{
    run(s, b, gy, gx, scratch, true);
}
