/* windows.c: where windows are. */
#include "attribution/windows.h"

#include <math.h>

static void sides(const fl_window_grid *w, int side[3]) { side[0] = w->clip.t, side[1] = w->clip.h, side[2] = w->clip.w; }

static int count_axis(const fl_window_grid *w, int axis, int side)
{
    const int size = w->size[axis], stride = w->stride[axis];
    if (w->kind == FL_WINDOWS_FRACTIONS) return (size - 1) * stride + 1;
    if (size >= side) return 1;
    return (side - size + (w->kind == FL_WINDOWS_FULL ? 0 : stride - 1)) / stride + 1;
}

void fl_window_grid_count(fl_window_grid *w)
{
    int side[3];
    sides(w, side);
    w->count = 1;
    for (int axis = 0; axis < 3; axis++) {
        if (w->size[axis] > side[axis]) w->size[axis] = side[axis];
        w->n[axis] = count_axis(w, axis, side[axis]);
        w->count *= w->n[axis];
    }
}

static int fraction(int j, int side, int parts) { return (int)(((int64_t)2 * j * side + parts) / (2 * (int64_t)parts)); }

fl_region fl_window_at(const fl_window_grid *w, int64_t j)
{
    const int at[3] = {(int)(j / ((int64_t)w->n[1] * w->n[2])), (int)(j / w->n[2] % w->n[1]), (int)(j % w->n[2])};
    int side[3];
    fl_region r;
    sides(w, side);
    for (int axis = 0; axis < 3; axis++) {
        const int size = w->size[axis], stride = w->stride[axis];
        if (w->kind == FL_WINDOWS_FRACTIONS) {
            r.lo[axis] = fraction(at[axis], side[axis], size * stride);
            r.hi[axis] = fraction(at[axis] + stride, side[axis], size * stride);
            continue;
        }
        r.lo[axis] = at[axis] * stride;
        r.hi[axis] = r.lo[axis] + size < side[axis] ? r.lo[axis] + size : side[axis];
    }
    return r;
}

/* Mean of u and v inside a box of a field H,W,2. */
static void mean_flow(const fl_window_grid *w, const real *flow, const fl_region *box, double mean[2])
{
    double sum[2] = {0, 0};
    for (int y = box->lo[1]; y < box->hi[1]; y++)
        for (int x = box->lo[2]; x < box->hi[2]; x++)
            for (int c = 0; c < 2; c++) sum[c] += (double)flow[((int64_t)y * w->clip.w + x) * 2 + c];
    const double area = (double)(box->hi[1] - box->lo[1]) * (box->hi[2] - box->lo[2]);
    mean[0] = sum[0] / area;
    mean[1] = sum[1] / area;
}

static int shift(double by, int lo, int hi, int side)
{
    const int d = (int)floor(by + 0.5);
    return d < -lo ? -lo : d > side - hi ? side - hi : d;
}

fl_region fl_window_path(const fl_window_grid *w, int64_t j, fl_region *box)
{
    const fl_region first = fl_window_at(w, j);
    fl_region all = first;
    double dx = 0, dy = 0;
    for (int t = first.lo[0]; t < first.hi[0]; t++) {
        fl_region *b = &box[t - first.lo[0]];
        *b = first;
        b->lo[0] = t;
        b->hi[0] = t + 1;
        if (t > first.lo[0] && w->flow) {
            double mean[2];
            mean_flow(w, w->flow + (int64_t)(t - 1) * w->clip.h * w->clip.w * 2, b - 1, mean);
            dx += mean[0];
            dy += mean[1];
        }
        const int y = shift(dy, first.lo[1], first.hi[1], w->clip.h), x = shift(dx, first.lo[2], first.hi[2], w->clip.w);
        b->lo[1] += y, b->hi[1] += y, b->lo[2] += x, b->hi[2] += x;
        for (int axis = 1; axis < 3; axis++) {
            if (b->lo[axis] < all.lo[axis]) all.lo[axis] = b->lo[axis];
            if (b->hi[axis] > all.hi[axis]) all.hi[axis] = b->hi[axis];
        }
    }
    return all;
}

static int64_t common_factor(int64_t a, int64_t b)
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Steps of about 0.618 of the count, without a common factor: every window once. */
int64_t fl_window_order(const fl_window_grid *w, int64_t k)
{
    int64_t step = (int64_t)(0.6180339887498949 * (double)w->count);
    if (step < 1) step = 1;
    while (common_factor(w->count, step) != 1) step++;
    return (int64_t)((uint64_t)k * (uint64_t)step % (uint64_t)w->count);
}
