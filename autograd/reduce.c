/* reduce.c: sums whose order is a function of the shape: 32 chunks of pixels, added in order. */
#include "autograd/reduce.h"

#include "autograd/broadcast.h"
#include "tensor/par.h"

enum { CHUNKS = 32, TILE = 16, RUN = 64 };

/* Over the pixels first .. last-1 of m <= TILE channels: *sum += a, *product += a*b. Runs of 64 pixels in real, the
 * runs in double. */
static inline void sum_tile(int channels, int m, const real *a, const real *b, int64_t first, int64_t last,
                            double *sum, double *product)
{
    for (int64_t run = first; run < last; run += RUN) {
        const int64_t end = run + RUN < last ? run + RUN : last;
        real s[TILE] = {0}, q[TILE] = {0};
        for (int64_t p = run; p < end; p++)
            for (int c = 0; c < m; c++) {
                const real v = a[p * channels + c];
                s[c] += v;
                if (b) q[c] += v * b[p * channels + c];
            }
        for (int c = 0; c < m; c++) {
            sum[c] += (double)s[c];
            product[c] += (double)q[c];
        }
    }
}

size_t fl_sum_pixels_scratch(fl_shape s) { return (size_t)CHUNKS * 2 * sizeof(double) * (size_t)s.c; }

void fl_sum_pixels(fl_shape s, const real *a, const real *b, double *sum, double *product, double *scratch)
{
    const int64_t pixels = fl_shape_pixels(s), chunk = (pixels + CHUNKS - 1) / CHUNKS;
    FL_PARALLEL(i, CHUNKS, pixels * s.c * 2) {
        const int64_t first = i * chunk < pixels ? i * chunk : pixels,
                      last = first + chunk < pixels ? first + chunk : pixels;
        double *part = scratch + 2 * i * s.c;
        for (int c = 0; c < 2 * s.c; c++) part[c] = 0;
        for (int c = 0; c < s.c; c += TILE) {
            const real *bc = b ? b + c : NULL;
            if (s.c - c >= TILE) sum_tile(s.c, TILE, a + c, bc, first, last, part + c, part + s.c + c);
            else sum_tile(s.c, s.c - c, a + c, bc, first, last, part + c, part + s.c + c);
        }
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
