/* reliability.c: weighted rank agreement and Krippendorff's alpha (reliability.h). */
#include "attribution/metrics/reliability.h"
#include "attribution/metrics/rank.h"

#include <math.h>

static double distance(fl_distance kind, double a, double b)
{
    if (kind == FL_DISTANCE_NOMINAL) return a != b;
    if (kind == FL_DISTANCE_INTERVAL) return (a - b) * (a - b);
    return a + b != 0 ? (a - b) / (a + b) * ((a - b) / (a + b)) : 0;
}

/* Values of a unit that can be paired: those of units with at least two. */
static int rated(int raters, int units, const double *value, int unit)
{
    int count = 0;
    for (int i = 0; i < raters; i++) count += !isnan(value[(int64_t)i * units + unit]);
    return count > 1 ? count : 0;
}

/* The sum of distances from one value to all of a unit. */
static double to_unit(int raters, int units, const double *value, int unit, double from, fl_distance kind)
{
    double sum = 0;
    for (int i = 0; i < raters; i++) {
        const double v = value[(int64_t)i * units + unit];
        if (!isnan(v)) sum += distance(kind, from, v);
    }
    return sum;
}

double fl_krippendorff(int raters, int units, const double *value, fl_distance kind)
{
    double observed = 0, expected = 0, n = 0;
    for (int u = 0; u < units; u++) n += rated(raters, units, value, u);
    for (int u = 0; u < units; u++) {
        const int m = rated(raters, units, value, u);
        for (int i = 0; m && i < raters; i++) {
            const double v = value[(int64_t)i * units + u];
            if (isnan(v)) continue;
            observed += to_unit(raters, units, value, u, v, kind) / (m - 1) / n;
            for (int other = 0; other < units; other++)
                if (rated(raters, units, value, other)) expected += to_unit(raters, units, value, other, v, kind) / (n * (n - 1));
        }
    }
    return expected > 0 ? 1 - observed / expected : (double)NAN;
}

/* Places 0 (worst) to M-1 of the values of one clip; of equal values the first has the lower place. */
static void places(int methods, const double *value, bool higher_is_better, double *place)
{
    for (int m = 0; m < methods; m++) {
        int below = 0;
        for (int k = 0; k < methods; k++) {
            const bool worse = higher_is_better ? value[k] < value[m] : value[k] > value[m];
            below += worse || (k < m && value[k] == value[m]);
        }
        place[m] = below;
    }
}

/* Ranks with ties shared, centred, of length 1; zeros where all are equal. */
static void centred_ranks(int methods, const double *value, int *order, int *scratch, double *z)
{
    double square = 0;
    fl_order_descending(methods, value, order, scratch);
    fl_ranks(methods, value, order, z);
    for (int m = 0; m < methods; m++) {
        z[m] -= (methods + 1) / 2.0;
        square += z[m] * z[m];
    }
    for (int m = 0; m < methods && square > 0; m++) z[m] /= sqrt(square);
}

fl_status fl_reliability_of(int clips, int methods, const double *value, bool higher_is_better, fl_arena *arena, fl_reliability *r)
{
    const fl_mark mark = fl_arena_mark(arena);
    double *place = FL_NEW(arena, double, (int64_t)clips * methods), *z = FL_NEW(arena, double, methods);
    double *sum = FL_NEW(arena, double, methods), weights = 0, squares = 0, own = 0, all = 0;
    int *order = FL_NEW(arena, int, methods), *scratch = FL_NEW(arena, int, methods);
    *r = (fl_reliability){(double)NAN, (double)NAN, (double)NAN};
    const bool ok = place && z && sum && order && scratch;
    for (int i = 0; ok && i < clips && methods > 1; i++) {
        const double *v = value + (int64_t)i * methods;
        places(methods, v, higher_is_better, place + (int64_t)i * methods);
        centred_ranks(methods, v, order, scratch, z);
        const double w = (methods - 1 - place[(int64_t)i * methods]) / (methods - 1);
        weights += w;
        squares += w * w;
        for (int m = 0; m < methods; m++) {
            sum[m] += w * z[m];
            own += w * w * z[m] * z[m];
        }
    }
    if (ok && methods > 1 && clips > 1) {
        for (int m = 0; m < methods; m++) all += sum[m] * sum[m];
        const double pairs = (weights * weights - squares) / 2;
        r->alpha = pairs > 1e-12 ? (all - own) / 2 / pairs : (double)NAN;
        r->weight = weights / clips;
        r->krippendorff = fl_krippendorff(clips, methods, place, FL_DISTANCE_NOMINAL);
    }
    fl_arena_release(arena, mark);
    return ok ? FL_OK : arena->error->status;
}
