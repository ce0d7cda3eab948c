/* agreement.c: the table of similarities, and those that need no picture (agreement.h). */
#include "attribution/metrics/agreement.h"
#include "attribution/metrics/rank.h"

#include <math.h>

static double *in_double(int64_t n, const real *a, bool size_only, fl_arena *arena)
{
    double *v = FL_NEW(arena, double, n);
    for (int64_t i = 0; v && i < n; i++) v[i] = size_only ? fabs((double)a[i]) : (double)a[i];
    return v;
}

static double correlate(fl_shape s, const real *a, const real *b, bool size_only, bool ranks, fl_arena *arena)
{
    const int64_t n = fl_shape_pixels(s);
    const fl_mark mark = fl_arena_mark(arena);
    const double *x = in_double(n, a, size_only, arena), *y = in_double(n, b, size_only, arena);
    double r = (double)NAN;
    if (x && y) r = ranks ? fl_spearman((int)n, x, y, arena) : fl_pearson(n, x, y);
    fl_arena_release(arena, mark);
    return r;
}

static double spearman(fl_shape s, const real *a, const real *b, fl_arena *arena) { return correlate(s, a, b, false, true, arena); }
static double spearman_abs(fl_shape s, const real *a, const real *b, fl_arena *arena) { return correlate(s, a, b, true, true, arena); }
static double pearson(fl_shape s, const real *a, const real *b, fl_arena *arena) { return correlate(s, a, b, false, false, arena); }

/* Positions of the values from large to small; NULL: memory. */
static int *ordered(int64_t n, const real *a, fl_arena *arena)
{
    int *order = FL_NEW(arena, int, n), *scratch = FL_NEW(arena, int, n);
    const double *v = in_double(n, a, false, arena);
    if (order && scratch && v) fl_order_descending((int)n, v, order, scratch);
    return scratch && v ? order : NULL;
}

double fl_top_overlap(int64_t n, const real *a, const real *b, int64_t k, fl_arena *arena)
{
    const fl_mark mark = fl_arena_mark(arena);
    const int *oa = ordered(n, a, arena), *ob = ordered(n, b, arena);
    bool *in_a = FL_NEW(arena, bool, n);
    double both = 0;
    for (int64_t i = 0; oa && in_a && i < k; i++) in_a[oa[i]] = true;
    for (int64_t i = 0; ob && in_a && i < k; i++) both += in_a[ob[i]];
    const bool ok = oa && ob && in_a && k > 0;
    fl_arena_release(arena, mark);
    return ok ? both / (double)k : (double)NAN;
}

static double overlap(fl_shape s, const real *a, const real *b, fl_arena *arena)
{
    const int64_t n = fl_shape_pixels(s);
    real low, high, least, most;
    fl_min_max(a, n, &low, &high);
    fl_min_max(b, n, &least, &most);
    return high > low && most > least ? fl_top_overlap(n, a, b, (n + 9) / 10, arena) : (double)NAN;
}

const fl_agreement fl_agreement_table[] = {
    {"spearman", "rank correlation of the values", spearman},
    {"spearman_abs", "rank correlation of |values|", spearman_abs},
    {"pearson", "linear correlation of the values", pearson},
    {"ssim", "structural similarity, mean over frames", fl_ssim},
    {"hog", "rank correlation of the histograms of oriented gradients", fl_hog_similarity},
    {"overlap", "share that the top tenths of the voxels have in common", overlap},
    {NULL, NULL, NULL}};
_Static_assert(sizeof fl_agreement_table / sizeof *fl_agreement_table == FL_AGREEMENTS + 1, "FL_AGREEMENTS counts the rows");

/* Ranks of both from 0 to 1, equal values sharing theirs. */
static double *unit_ranks(int64_t n, const real *a, fl_arena *arena)
{
    double *rank = FL_NEW(arena, double, n);
    const double *v = in_double(n, a, false, arena);
    const int *order = ordered(n, a, arena);
    if (!rank || !v || !order) return NULL;
    fl_ranks((int)n, v, order, rank);
    for (int64_t i = 0; i < n; i++) rank[i] = n > 1 ? (rank[i] - 1) / (double)(n - 1) : 0;
    return rank;
}

real *fl_rank_difference(int64_t n, const real *a, const real *b, fl_arena *arena)
{
    real *difference = FL_NEW(arena, real, n);
    const fl_mark mark = fl_arena_mark(arena);
    const double *ra = unit_ranks(n, a, arena), *rb = unit_ranks(n, b, arena);
    const bool ok = difference && ra && rb;
    for (int64_t i = 0; ok && i < n; i++) difference[i] = (real)(rb[i] - ra[i]);
    fl_arena_release(arena, mark);
    return ok ? difference : NULL;
}

int64_t fl_largest_disagreement(int64_t n, const real *a, const real *b, double *difference, fl_arena *arena)
{
    const fl_mark mark = fl_arena_mark(arena);
    const real *d = fl_rank_difference(n, a, b, arena);
    int64_t most = 0;
    for (int64_t i = 1; d && i < n; i++)
        if (fabs((double)d[i]) > fabs((double)d[most])) most = i;
    *difference = d ? (double)d[most] : (double)NAN;
    fl_arena_release(arena, mark);
    return most;
}
