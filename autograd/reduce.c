/* reduce.c: per-channel sums. Channels are split into groups of 16 for the threads; pixels never are. */
#include "autograd/reduce.h"

#include "autograd/broadcast.h"
#include "tensor/par.h"

enum { GROUP = 16 };

void fl_dot_pixels(fl_shape s, const real *a, const real *b, double *to)
{
    const int64_t pixels = fl_shape_pixels(s), groups = (s.c + GROUP - 1) / GROUP;
    FL_PARALLEL(i, groups, pixels * s.c * 2) {
        const int c0 = (int)i * GROUP, m = s.c - c0 < GROUP ? s.c - c0 : GROUP;
        double sum[GROUP] = {0};
        for (int64_t p = 0; p < pixels; p++) {
            const real *ap = a + p * s.c + c0, *bp = b ? b + p * s.c + c0 : NULL;
            for (int c = 0; c < m; c++) sum[c] += bp ? (double)ap[c] * (double)bp[c] : (double)ap[c];
        }
        for (int c = 0; c < m; c++) to[c0 + c] = sum[c];
    }
}

void fl_sum_pixels(fl_shape s, const real *x, real *to)
{
    const int64_t pixels = fl_shape_pixels(s), groups = (s.c + GROUP - 1) / GROUP;
    FL_PARALLEL(i, groups, pixels * s.c) {
        const int c0 = (int)i * GROUP, m = s.c - c0 < GROUP ? s.c - c0 : GROUP;
        double sum[GROUP] = {0};
        for (int64_t p = 0; p < pixels; p++)
            for (int c = 0; c < m; c++) sum[c] += (double)x[p * s.c + c0 + c];
        for (int c = 0; c < m; c++) to[c0 + c] = (real)sum[c];
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
            for (int c = 0; c < big.c; c++) to[c] = (real)(factor * (double)from[c * s.c]);
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
