/* hog.c: histograms of oriented gradients of a map, and how alike those of two maps are (agreement.h).
 *
 * Dalal and Triggs 2005. Gradient by central differences, 0 at the border; orientation without sign in 9 bins of 20 degrees from 0
 * (an edge's bin is the one that its gradient's direction lies in, not shared out); a cell's histogram is the mean of the sizes over
 * its pixels; blocks of 3 x 3 cells, one cell apart, are scaled to length 1, cut at 0.2 and scaled again (L2-Hys). Pixels beyond
 * the last whole cell do not count. */
#include "attribution/metrics/agreement.h"
#include "attribution/metrics/rank.h"
#include "tensor/math.h"

enum { BINS = 9, BLOCK = 3, CELL = 16, LONG = BINS * BLOCK * BLOCK };

/* The direction's sign is taken away (gy >= 0), then the borders between bins that it has passed are counted: no arc tangent. */
static int bin_of(double gx, double gy)
{
    if (gy < 0 || (gy == 0 && gx < 0)) gx = -gx, gy = -gy;
    int bin = 0;
    for (int k = 1; k < BINS; k++) {
        const double angle = FL_PI * k / BINS;
        bin += fl_cos64(angle) * gy - fl_sin64(angle) * gx >= 0;
    }
    return bin;
}

static void add_cell(int w, int cell, int rows, int row0, int column0, const double *frame, double *histogram)
{
    for (int y = row0; y < row0 + cell; y++)
        for (int x = column0; x < column0 + cell; x++) {
            const double gx = x > 0 && x < w - 1 ? frame[y * w + x + 1] - frame[y * w + x - 1] : 0;
            const double gy = y > 0 && y < rows - 1 ? frame[(y + 1) * w + x] - frame[(y - 1) * w + x] : 0;
            if (gx != 0 || gy != 0) histogram[bin_of(gx, gy)] += sqrt(gx * gx + gy * gy) / (cell * cell);
        }
}

static void scale_to_one(double *v)
{
    double square = 0;
    for (int i = 0; i < LONG; i++) square += v[i] * v[i];
    for (int i = 0; i < LONG; i++) v[i] /= sqrt(square + 1e-10);
}

static void fill_block(const double *cells, int columns, int row, int column, double *v)
{
    for (int i = 0; i < BLOCK; i++)
        for (int j = 0; j < BLOCK * BINS; j++) v[i * BLOCK * BINS + j] = cells[((row + i) * columns + column) * BINS + j];
    scale_to_one(v);
    for (int i = 0; i < LONG; i++) v[i] = v[i] < 0.2 ? v[i] : 0.2;
    scale_to_one(v);
}

double *fl_hog(int h, int w, const double *frame, int *count, fl_arena *arena)
{
    const int third = (h < w ? h : w) / BLOCK, cell = third < CELL ? third : CELL;
    *count = 0;
    if (cell < 1) return FL_NEW(arena, double, 0);
    const int rows = h / cell, columns = w / cell, down = rows - BLOCK + 1, across = columns - BLOCK + 1;
    double *v = FL_NEW(arena, double, (int64_t)down * across * LONG), *cells = FL_NEW(arena, double, (int64_t)rows * columns * BINS);
    if (!v || !cells) return NULL;
    for (int i = 0; i < rows * columns; i++)
        add_cell(w, cell, h, i / columns * cell, i % columns * cell, frame, cells + (int64_t)i * BINS);
    for (int i = 0; i < down * across; i++) fill_block(cells, columns, i / across, i % across, v + (int64_t)i * LONG);
    *count = down * across * LONG;
    return v;
}

/* The vectors of all frames, one behind the other; blocks of a frame without edges are zero. */
static double *of_clip(fl_shape s, const real *map, int *count, fl_arena *arena)
{
    const int64_t pixels = (int64_t)s.h * s.w;
    const double *v = fl_unit_range(s.t * pixels, map, arena);
    double *all = NULL;
    for (int t = 0; v && t < s.t; t++) {
        int length;
        const double *one = fl_hog(s.h, s.w, v + t * pixels, &length, arena);
        if (!all) all = FL_NEW(arena, double, (int64_t)s.t * length);
        if (!one || !all) return NULL;
        for (int i = 0; i < length; i++) all[(int64_t)t * length + i] = one[i];
        *count = s.t * length;
    }
    return all;
}

double fl_hog_similarity(fl_shape s, const real *a, const real *b, fl_arena *arena)
{
    const fl_mark mark = fl_arena_mark(arena);
    int count = 0;
    const double *x = of_clip(s, a, &count, arena), *y = of_clip(s, b, &count, arena);
    const double r = x && y && count ? fl_spearman(count, x, y, arena) : (double)NAN;
    fl_arena_release(arena, mark);
    return r;
}
