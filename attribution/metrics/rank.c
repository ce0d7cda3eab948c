/* rank.c: a stable merge sort, ranks with ties shared, Pearson and Spearman (rank.h). */
#include "attribution/metrics/rank.h"

#include <math.h>
#include <string.h>

/* Two sorted runs from[low .. middle) and from[middle .. high) become one in to; of equal values the left run's come first. */
static void merge(const double *value, const int *from, int *to, int low, int middle, int high)
{
    for (int i = low, j = middle, k = low; k < high; k++)
        to[k] = i < middle && (j >= high || value[from[i]] >= value[from[j]]) ? from[i++] : from[j++];
}

void fl_order_descending(int n, const double *value, int *order, int *scratch)
{
    int *from = order, *to = scratch;
    for (int i = 0; i < n; i++) order[i] = i;
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t low = 0; low < n; low += 2 * run)
            merge(value, from, to, (int)low, (int)(low + run < n ? low + run : n), (int)(low + 2 * run < n ? low + 2 * run : n));
        int *const swap = from;
        from = to;
        to = swap;
    }
    if (from != order) memcpy(order, from, (size_t)n * sizeof *order);
}

void fl_ranks(int n, const double *value, const int *order, double *rank)
{
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && value[order[end]] == value[order[i]];) end++;
        for (int k = i; k < end; k++) rank[order[k]] = n - (i + end - 1) / 2.0;      /* place 0 has rank n */
    }
}

double fl_pearson(int64_t n, const double *a, const double *b)
{
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    bool varies_a = false, varies_b = false;
    for (int64_t i = 0; i < n; i++) {
        ma += a[i] / (double)n;
        mb += b[i] / (double)n;
        varies_a = varies_a || a[i] != a[0];
        varies_b = varies_b || b[i] != b[0];
    }
    for (int64_t i = 0; i < n; i++) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    const double scale = sqrt(aa) * sqrt(bb);
    return varies_a && varies_b && scale > 0 ? ab / scale : (double)NAN;
}

double fl_spearman(int n, const double *a, const double *b, fl_arena *arena)
{
    const fl_mark mark = fl_arena_mark(arena);
    double *ra = FL_NEW(arena, double, n), *rb = FL_NEW(arena, double, n), rho = (double)NAN;
    int *order = FL_NEW(arena, int, n), *scratch = FL_NEW(arena, int, n);
    if (ra && rb && order && scratch) {
        fl_order_descending(n, a, order, scratch);
        fl_ranks(n, a, order, ra);
        fl_order_descending(n, b, order, scratch);
        fl_ranks(n, b, order, rb);
        rho = fl_pearson(n, ra, rb);
    }
    fl_arena_release(arena, mark);
    return rho;
}
