/* curves.c: insertion, deletion, and what is read off their curves.
 *
 * Units are shown one after the other, the most important first: y_j = p_c(the e_j most important units, the rest hidden), with e_j =
 * floor(j V / n), j = 0 .. n; or hidden one after the other: p_c(all but the e_j most important). Petsiuk et al. 2018
 * (arXiv:1806.07421), Samek et al. 2017 (arXiv:1509.06321); for video Li et al. 2021 (arXiv:2109.00222).
 *
 *   insertion              area of the first          MoRF   higher is better
 *   deletion               area of the second         MoRF   lower
 *   insertion_least        the least important first  LeRF   lower: it sees the clips of deletion, in reverse order
 *   deletion_least                                    LeRF   higher: those of insertion, in reverse order
 *   insertion_deletion     insertion - deletion
 *   aopc                   1/(n+1) sum_j (y_0 - y_j) of deletion
 *   abpc                   1/(n+1) sum_j (y_j of deletion_least - y_j of deletion)
 *   minimal_subset         the smallest j/n at which insertion has reached threshold * p_c(clip)
 *
 * area = (sum_j y_j - y_0/2 - y_n/2) / n. The least-first order is the most-first one backwards, equal units included, and its
 * cuts are the others' complements: so there are two curves, and the identities above hold bit for bit. A constant map has the order
 * of its places: its curves are defined, and say nothing. */
#include "attribution/metrics/trial.h"

#include <math.h>
#include <string.h>

enum { INSERTION, DELETION, INSERTION_LEAST, DELETION_LEAST, DIFFERENCE, AOPC, ABPC, MINIMAL };

/* Pairs of curves that are there already. */
struct fl_judged_cache {
    const real *map;
    fl_metric_options o;
    double *most, *least;                /* or NULL */
    fl_judged_cache *next;
};

double fl_curve_area(int points, const double *y)
{
    double sum = -(y[0] + y[points]) / 2;
    for (int j = 0; j <= points; j++) sum += y[j];
    return sum / points;
}

typedef struct reveal {
    fl_units units;
    fl_substrate substrate;
    int points, *place;                  /* of each unit in the order */
    bool most, *shown;
} reveal;

/* Variant j: units before the cut are shown, or units behind it. */
static void make(void *user, int j, real *row)
{
    const reveal *r = user;
    const int from_top = r->most ? j : r->points - j;
    const int cut = (int)((int64_t)from_top * r->units.count / r->points), voxels = (int)fl_shape_pixels(r->substrate.shape);
    for (int i = 0; i < voxels; i++) r->shown[i] = (r->place[r->units.of[i]] < cut) == r->most;
    fl_substrate_apply(&r->substrate, r->shown, NULL, row);
}

static fl_status compute(fl_trial *t, bool most, double **y)
{
    reveal r = {.points = t->o.points, .most = most, .shown = FL_NEW(t->scratch, bool, t->voxels)};
    *y = FL_NEW(t->results, double, t->o.points + 1);
    if (!*y || !r.shown || fl_trial_units(t, &r.units) || fl_trial_substrate(t, &r.substrate)) return t->error->status;
    r.place = FL_NEW(t->scratch, int, r.units.count);
    if (!r.place) return t->error->status;
    for (int i = 0; i < r.units.count; i++) r.place[r.units.order[i]] = i;
    return fl_trial_passes(t, &(fl_passes){.of = FL_READ_PROBABILITY, .count = t->o.points + 1, .fill = make, .user = &r}, *y, NULL);
}

static bool same(const fl_metric_options *a, const fl_metric_options *b)
{
    return a->unit == b->unit && a->block == b->block && a->pieces == b->pieces && a->unit_value == b->unit_value &&
           strcmp(a->substrate, b->substrate) == 0 && a->points == b->points && a->seed == b->seed;
}

static fl_judged_cache *entry(fl_trial *t)
{
    fl_judged *j = t->judged;
    for (fl_judged_cache *c = j->cache; c; c = c->next)
        if (c->map == j->map && same(&c->o, &t->o)) return c;
    fl_judged_cache *c = FL_NEW(t->results, fl_judged_cache, 1);
    if (!c) return NULL;
    *c = (fl_judged_cache){.map = j->map, .o = t->o, .next = j->cache};
    return j->cache = c;
}

fl_status fl_trial_reveal(fl_trial *t, bool most, bool least, fl_reveal *r)
{
    fl_judged_cache *c = entry(t);
    if (!c) return t->error->status;
    if (most && !c->most && compute(t, true, &c->most) != FL_OK) return c->most = NULL, t->error->status;
    if (least && !c->least && compute(t, false, &c->least) != FL_OK) return c->least = NULL, t->error->status;
    *r = (fl_reveal){t->o.points, c->most, c->least};
    return FL_OK;
}

/* The curve as it is shown: forwards or backwards. */
static fl_status keep_curve(fl_trial *t, fl_measure *m, const double *y, bool backwards, const char *x_name)
{
    const int n = t->o.points;
    double *x = FL_NEW(t->results, double, n + 1), *copy = FL_NEW(t->results, double, n + 1);
    if (!x || !copy) return t->error->status;
    for (int j = 0; j <= n; j++) {
        x[j] = (double)j / n;
        copy[j] = y[backwards ? n - j : j];
    }
    m->count = n + 1;
    m->x = x;
    m->y = copy;
    m->x_name = x_name;
    m->y_name = "probability";
    return FL_OK;
}

static double minimal(const fl_reveal *r, double threshold)
{
    int j = 0;
    while (r->most_first[j] < threshold * r->most_first[r->points]) j++;
    return (double)j / r->points;
}

fl_status fl_score_curve(fl_trial *t, fl_measure *m)
{
    const int which = t->metric->variant, n = t->o.points;
    const bool most = which != DELETION && which != INSERTION_LEAST && which != AOPC;
    const bool least = which != INSERTION && which != DELETION_LEAST && which != MINIMAL;
    fl_reveal r;
    if (fl_trial_reveal(t, most, least, &r) != FL_OK) return t->error->status;
    const double *a = r.most_first, *b = r.least_first;
    fl_assert((a || !most) && (b || !least) && (a || b));
    switch (which) {
    case INSERTION:
    case DELETION_LEAST:  m->value = fl_curve_area(n, a); break;
    case DELETION:
    case INSERTION_LEAST: m->value = fl_curve_area(n, b); break;
    case DIFFERENCE:      m->value = fl_curve_area(n, a) - fl_curve_area(n, b); break;
    case MINIMAL:         m->value = minimal(&r, t->o.threshold); break;
    default:              m->value = 0;
    }
    for (int j = 0; j <= n && which == AOPC; j++) m->value += (b[n] - b[j]) / (n + 1);
    for (int j = 0; j <= n && which == ABPC; j++) m->value += (a[j] - b[j]) / (n + 1);
    if (which == DIFFERENCE || which == ABPC) return FL_OK;
    const bool hides = which == DELETION || which == DELETION_LEAST || which == AOPC;
    return keep_curve(t, m, most ? a : b, hides, hides ? "part hidden" : "part shown");
}
