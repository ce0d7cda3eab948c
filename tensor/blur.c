/* blur.c: one axis after the other, t, h, w; along an axis every position is a weighted sum of its neighbours.
 *
 * Along an axis the array is a batch of lines of `length` positions, each `inner` contiguous reals wide. A thread takes a line, or a slice
 * of its inner reals, and copies it: a row of `width` reals for each position. The sum of a position is a weighted sum of rows; where rows
 * are narrow, some positions are summed at once, as their rows lie end to end.
 *
 * Forward, rows outside the line are copies of those that stand there. Back, the transpose sums for each row, those outside too, what it
 * has been sent, and adds what came to one outside to the one that stood there. Borders of zeros have no rows outside. */
#include "tensor/blur.h"

#include "tensor/axpy.h"
#include "tensor/kernels.h"
#include "tensor/math.h"
#include "tensor/math_runs.h"
#include "tensor/par.h"

#include <string.h>

enum { SLICE = 64 };        /* reals of a row at most: those of a line of a few hundred stay in the second cache */

int fl_blur_half(double sigma) { return (int)ceil(4.0 * sigma); }

fl_blur fl_blur_frames(double sigma, fl_border border)
{
    const int half = fl_blur_half(sigma);
    return (fl_blur){{0, sigma, sigma}, {0, half, half}, border};
}

static bool blurs(const fl_blur *b, int axis) { return b->sigma[axis] > 0 && b->half[axis] > 0; }

/* k[0] .. k[2 half]; the centre is k[half]. */
static void make_taps(double sigma, int half, real *k)
{
    double sum = 1.0;
    for (int i = 1; i <= half; i++) sum += 2.0 * fl_exp64(-0.5 * i * i / (sigma * sigma));
    for (int i = -half; i <= half; i++) k[i + half] = (real)(fl_exp64(-0.5 * i * i / (sigma * sigma)) / sum);
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
    int64_t length, inner, lines;
    int64_t slices;                            /* of a line */
    int64_t more;                              /* rows outside the line, on either side; 0: they are zeros */
    int64_t some;                              /* positions whose rows together are about a slice */
    int half;
    fl_border border;
    bool transpose;
} pass;

static pass pass_make(fl_shape s, const fl_blur *b, int axis, bool transpose)
{
    const int64_t length[3] = {s.t, s.h, s.w}, inner[3] = {(int64_t)s.h * s.w * s.c, (int64_t)s.w * s.c, s.c};
    pass a = {.length = length[axis], .inner = inner[axis], .half = b->half[axis], .border = b->border, .transpose = transpose};
    a.lines = fl_shape_count(s) / (a.length * a.inner);
    a.slices = (a.inner + SLICE - 1) / SLICE;
    a.more = a.border == FL_BORDER_ZERO ? 0 : a.half;
    a.some = a.inner < SLICE ? (SLICE + a.inner - 1) / a.inner : 1;
    return a;
}

/* Rows before and after the line: forward those outside; then zeros, for taps that some of the positions summed at once do not have. */
static int64_t around(const pass *a) { return a->some + (a->transpose ? 0 : a->more); }
static int64_t rows_count(const pass *a) { return (a->length + 2 * around(a)) * SLICE; }
static int64_t thread_count(const pass *a) { return fl_apart(rows_count(a) + (a->transpose ? a->length * SLICE : 0)); }

static void copy_rows(int64_t rows, int64_t width, const real *from, int64_t step, real *to, int64_t to_step)
{
    if (step == width && to_step == width) width *= rows, rows = 1;
    for (int64_t p = 0; p < rows; p++) memcpy(to + p * to_step, from + p * step, (size_t)width * sizeof *to);
}

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

/* The sums of positions p .. p+count-1, in the order of the taps: i = first .. last are those that meet rows from .. to-1. Beside these
 * are zeros. */
static void sum_forward(const pass *a, const real *line, int64_t width, int64_t p, int64_t count, real *sum)
{
    const int64_t from = -a->more, to = a->length + a->more;                  /* tap i: row p + i */
    const int64_t first = max(from - (p + count - 1), -a->half), last = min(to - 1 - p, a->half);
    fl_kernels_now()->math->weighted(line + (p + first) * width, width, a->taps + a->half + first, last - first + 1, count * width, sum);
}

static void sum_back(const pass *a, const real *line, int64_t width, int64_t p, int64_t count, real *sum)
{
    const int64_t from = 0, to = a->length;                                   /* tap i: row p - i */
    const int64_t first = max(p - (to - 1), -a->half), last = min(p + count - 1 - from, a->half);
    fl_kernels_now()->math->weighted(line + (p - first) * width, -width, a->taps + a->half + first, last - first + 1, count * width, sum);
}

/* x, y: the slice's first real. Some positions at once only where the slice is a whole line. */
static void run_forward(const pass *a, const real *x, int64_t width, real *rows, real *y)
{
    real *line = rows + around(a) * width;
    memset(rows, 0, (size_t)(a->some * width) * sizeof *rows);
    memset(line + (a->length + a->more) * width, 0, (size_t)(a->some * width) * sizeof *rows);
    copy_rows(a->length, width, x, a->inner, line, width);
    for (int64_t i = 1; i <= a->more; i++) {
        const int64_t before = -i, after = a->length - 1 + i, row = width * (int64_t)sizeof *line;
        memcpy(line + before * width, line + inside(a->border, before, a->length) * width, (size_t)row);
        memcpy(line + after * width, line + inside(a->border, after, a->length) * width, (size_t)row);
    }
    for (int64_t p = 0; p < a->length; p += a->some) sum_forward(a, line, width, p, min(a->some, a->length - p), y + p * a->inner);
}

static void run_back(const pass *a, const real *x, int64_t width, real *rows, real *y)
{
    const int64_t end = a->length + a->more;
    real *line = rows + around(a) * width, *sums = rows + rows_count(a), sum[2 * SLICE];      /* some of less than a slice: less than two */
    memset(rows, 0, (size_t)(a->some * width) * sizeof *rows);
    memset(line + a->length * width, 0, (size_t)(a->some * width) * sizeof *rows);
    memset(sums, 0, (size_t)(a->length * width) * sizeof *sums);
    copy_rows(a->length, width, x, a->inner, line, width);
    for (int64_t p = -a->more; p < end; p += a->some) {
        const int64_t count = min(a->some, end - p);
        sum_back(a, line, width, p, count, sum);
        for (int64_t i = 0; i < count; i++) fl_axpy(width, 1, sum + i * width, sums + inside(a->border, p + i, a->length) * width);
    }
    copy_rows(a->length, width, sums, width, y, a->inner);
}

static void run_pass(const pass *a, real *scratch)
{
    const int64_t apart = thread_count(a);
    const double work = 2.0 * (double)(a->lines * a->length * a->inner) * (2.0 * a->half + 1.0);
    FL_PARALLEL(item, a->lines * a->slices, work) {
        const int64_t begin = item % a->slices * SLICE, at = item / a->slices * a->length * a->inner + begin;
        const int64_t width = a->inner - begin < SLICE ? a->inner - begin : SLICE;
        (a->transpose ? run_back : run_forward)(a, a->x + at, width, scratch + fl_thread() * apart, a->y + at);
    }
}

static int longest(const fl_blur *b)
{
    int half = 0;
    for (int axis = 0; axis < 3; axis++)
        if (b->half[axis] > half) half = b->half[axis];
    return half;
}

/* A whole array, the taps, and the threads' rows. */
size_t fl_blur_scratch(fl_shape s, const fl_blur *b)
{
    int64_t most = 0;
    for (int axis = 0; axis < 3; axis++)
        for (int transpose = 0; transpose < 2; transpose++) {
            const pass a = pass_make(s, b, axis, transpose);
            if (blurs(b, axis) && thread_count(&a) > most) most = thread_count(&a);
        }
    return ((size_t)fl_shape_count(s) + 2 * (size_t)longest(b) + 1 + (size_t)(most * fl_threads())) * sizeof(real);
}

/* The passes alternate between y and scratch so that the last one ends in y. The transposes of passes along different
 * axes commute with each other, so both directions take the axes in the same order. */
static void run(fl_shape s, const fl_blur *b, const real *x, real *y, real *scratch, bool transpose)
{
    const int64_t count = fl_shape_count(s);
    real *taps = scratch + count, *rows = taps + 2 * longest(b) + 1;
    int left = blurs(b, 0) + blurs(b, 1) + blurs(b, 2);
    if (left == 0) memcpy(y, x, (size_t)count * sizeof *y);
    for (int axis = 0; axis < 3; axis++) {
        if (!blurs(b, axis)) continue;
        left--;
        make_taps(b->sigma[axis], b->half[axis], taps);
        pass a = pass_make(s, b, axis, transpose);
        a.x = x, a.y = left % 2 ? scratch : y, a.taps = taps;
        run_pass(&a, rows);
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
