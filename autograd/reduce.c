/* reduce.c: sums whose order is a function of the shape: 32 chunks of pixels, added in order. */
#include "autograd/reduce.h"

#include "autograd/broadcast.h"
#include "tensor/par.h"

enum { CHUNKS = 32, RUN = 64 };

static void add_row(int channels, const real *a, real *restrict sum)
{
    for (int c = 0; c < channels; c++) sum[c] += a[c];
}

static void add_product(int channels, const real *a, const real *b, real *restrict sum)
{
    for (int c = 0; c < channels; c++) sum[c] += a[c] * b[c];
}

/* Over one run of pixels: sum += a, product += a*b; the run in real, in `rows`, runs in double. b may be NULL. */
static void sum_run(int channels, int64_t pixels, const real *a, const real *b, real *rows, double *part)
{
    for (int c = 0; c < 2 * channels; c++) rows[c] = 0;
    for (int64_t p = 0; p < pixels; p++) {
        add_row(channels, a + p * channels, rows);
        if (b) add_product(channels, a + p * channels, b + p * channels, rows + channels);
    }
    for (int c = 0; c < 2 * channels; c++) part[c] += (double)rows[c];
}

/* Of every chunk: sums and products, and those of a run. */
size_t fl_sum_pixels_scratch(fl_shape s) { return (size_t)CHUNKS * 2 * (sizeof(double) + sizeof(real)) * (size_t)s.c; }

void fl_sum_pixels(fl_shape s, const real *a, const real *b, double *sum, double *product, double *scratch)
{
    const int64_t pixels = fl_shape_pixels(s), chunk = (pixels + CHUNKS - 1) / CHUNKS;
    void *const behind = scratch + (int64_t)2 * CHUNKS * s.c;
    real *const rows = behind;
    FL_PARALLEL(i, CHUNKS, pixels * s.c * 2) {
        const int64_t first = i * chunk < pixels ? i * chunk : pixels,
                      last = first + chunk < pixels ? first + chunk : pixels;
        double *part = scratch + 2 * i * s.c;
        for (int c = 0; c < 2 * s.c; c++) part[c] = 0;
        for (int64_t run = first; run < last; run += RUN)
            sum_run(s.c, run + RUN < last ? RUN : last - run, a + run * s.c, b ? b + run * s.c : NULL, rows + 2 * i * s.c, part);
    }
    for (int c = 0; c < s.c; c++) {
        sum[c] = 0;
        if (product) product[c] = 0;
        for (int i = 0; i < CHUNKS; i++) {
            sum[c] += scratch[(int64_t)2 * i * s.c + c];
            if (product) product[c] += scratch[(int64_t)(2 * i + 1) * s.c + c];
        }
    }
}

/* One channel of one result pixel: walks the part of x that falls onto it. */
static double sum_part(const real *x, fl_steps s, const int length[4], int channels)
{
    double total = 0;
    for (int n = 0; n < length[0]; n++)
        for (int t = 0; t < length[1]; t++)
            for (int h = 0; h < length[2]; h++)
                for (int w = 0; w < length[3]; w++) {
                    const real *at = x + n * s.n + t * s.t + h * s.h + w * s.w;
                    for (int c = 0; c < channels; c++) total += (double)at[c];
                }
    return total;
}

void fl_sum_axes(fl_shape big, const real *x, fl_shape small, real *y, double factor)
{
    if (fl_shape_equal(big, small)) {
        fl_repeat_axes(big, x, small, y, factor);
        return;
    }
    const fl_steps s = fl_steps_of(big, big);
    const int length[4] = {big.n / small.n, big.t / small.t, big.h / small.h, big.w / small.w};
    FL_PARALLEL(p, fl_shape_pixels(small), fl_shape_count(big)) {
        const int64_t w = p % small.w, h = p / small.w % small.h, t = p / small.w / small.h % small.t;
        const int64_t n = p / small.w / small.h / small.t;
        const real *from = x + fl_step_to(s, n, t, h, w);
        for (int c = 0; c < small.c; c++)
            y[p * small.c + c] = (real)(factor * sum_part(from + c, s, length, big.c / small.c));
    }
}

void fl_repeat_axes(fl_shape small, const real *gy, fl_shape big, real *gx, double factor)
{
    const fl_steps s = fl_steps_of(small, big);
    FL_PARALLEL(row, (int64_t)big.n * big.t * big.h, fl_shape_count(big)) {
        const int64_t h = row % big.h, t = row / big.h % big.t, n = row / big.h / big.t;
        for (int w = 0; w < big.w; w++) {
            const real *from = gy + fl_step_to(s, n, t, h, w);
            real *to = gx + (row * big.w + w) * big.c;
            if (s.c)
                for (int c = 0; c < big.c; c++) to[c] = (real)factor * from[c];
            else
                for (int c = 0; c < big.c; c++) to[c] = (real)factor * from[0];
        }
    }
}

fl_shape fl_reduced_shape(fl_graph *g, const fl_node *node)
{
    (void)g;
    fl_shape s = node->in_shape[0];
    int *axis[5] = {&s.n, &s.c, &s.t, &s.h, &s.w};
    for (int i = 0; i < 5; i++)
        if (node->attr.reduce.axes >> i & 1) *axis[i] = 1;
    return s;
}
