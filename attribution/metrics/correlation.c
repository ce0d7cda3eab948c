/* correlation.c: do important places matter? Correlation of what the map says with what hiding does.
 *
 *   faithfulness_correlation   Pearson, over units i hidden one at a time, of value(i) and p(x) - p(x without i). With units = frames
 *                              this is the study's (Li et al. 2021, arXiv:2109.00222); Bhatt et al. 2020, arXiv:2005.00631
 *   sensitivity_n              mean over n of Pearson, over random sets S of n units, of sum_{i in S} a_i and f(x) - f(x without S);
 *                              a: what each place adds to the score f. n on a logarithmic grid from 1 to 0.8 of all. Ancona et al.
 *                              2018, arXiv:1711.06104, section 5
 *
 * Where a unit's value or all differences are constant a correlation is not defined; sensitivity_n leaves such an n out. When there
 * are more units than trials, as many as trials are drawn, without repetition. */
#include "attribution/metrics/rank.h"
#include "attribution/metrics/trial.h"

#include "tensor/math.h"
#include "tensor/rng.h"

#include <string.h>

enum { SIZES = 6, STREAM_UNITS = 0x46000000, STREAM_SUBSETS = 0x46000001 };

typedef struct hiding {
    fl_units units;
    fl_substrate substrate;
    int size;                            /* sensitivity_n: units in a set */
    uint64_t seed;
    bool *out, *shown;                   /* per unit, per voxel */
    int *deck;
} hiding;

static void apply(const hiding *h, const fl_region *where, real *clip)
{
    for (int64_t i = 0; i < fl_shape_pixels(h->substrate.shape); i++) h->shown[i] = !h->out[h->units.of[i]];
    fl_substrate_apply(&h->substrate, h->shown, where, clip);
}

static bool prepare(fl_trial *t, hiding *h)
{
    *h = (hiding){.seed = t->o.seed};
    if (fl_trial_units(t, &h->units) || fl_trial_substrate(t, &h->substrate)) return false;
    h->out = FL_NEW(t->scratch, bool, h->units.count);
    h->deck = FL_NEW(t->scratch, int, h->units.count);
    h->shown = FL_NEW(t->scratch, bool, t->voxels);
    return h->out && h->deck && h->shown;
}

/* count different units of all, in random order, at the front of the deck. */
static void draw(const hiding *h, int count, uint64_t stream)
{
    const int n = h->units.count;
    for (int i = 0; i < n; i++) h->deck[i] = i;
    for (int i = 0; i < count; i++) {
        const int j = i + fl_rng_below(h->seed, stream, (uint64_t)i, n - i), swap = h->deck[i];
        h->deck[i] = h->deck[j];
        h->deck[j] = swap;
    }
}

/* The box around unit k of the deck: nothing beyond it changes. */
static fl_region around_one(void *user, int k)
{
    const hiding *h = user;
    const fl_shape s = h->substrate.shape;
    fl_region r = {{s.t, s.h, s.w}, {0, 0, 0}};
    for (int i = 0; i < (int)fl_shape_pixels(s); i++) {
        const int at[3] = {i / (s.h * s.w), i / s.w % s.h, i % s.w};
        for (int a = 0; a < 3 && h->units.of[i] == h->deck[k]; a++) {
            r.lo[a] = at[a] < r.lo[a] ? at[a] : r.lo[a];
            r.hi[a] = at[a] >= r.hi[a] ? at[a] + 1 : r.hi[a];
        }
    }
    return r;
}

static void hide_one(void *user, int k, real *clip)
{
    const hiding *h = user;
    const fl_region where = around_one(user, k);
    memset(h->out, 0, (size_t)h->units.count * sizeof *h->out);
    h->out[h->deck[k]] = true;
    apply(h, &where, clip);
}

fl_status fl_score_faithfulness(fl_trial *t, fl_measure *m)
{
    hiding h;
    if (!prepare(t, &h)) return t->error->status;
    const int n = h.units.count < t->o.trials ? h.units.count : t->o.trials;
    double *drop = fl_trial_doubles(t, n), *value = fl_trial_doubles(t, n), whole;
    if (!drop || !value) return t->error->status;
    for (int i = 0; i < h.units.count; i++) h.deck[i] = i;
    if (n < h.units.count) draw(&h, n, STREAM_UNITS);
    if (fl_trial_passes(t, &(fl_passes){FL_READ_PROBABILITY, n, around_one, hide_one, &h}, drop, &whole)) return t->error->status;
    for (int i = 0; i < n; i++) {
        value[i] = h.units.value[h.deck[i]];
        drop[i] = whole - drop[i];
    }
    m->value = fl_pearson(n, value, drop);
    return isnan(m->value) ? fl_trial_undefined(m, "all units are equally important, or none changes the probability") : FL_OK;
}

/* ---- sensitivity-n ---- */

static uint64_t stream_of(const hiding *h, int k) { return ((uint64_t)h->size << 32) + STREAM_SUBSETS + ((uint64_t)k << 1); }

/* Variant k hides set k of h->size units. */
static void hide_set(void *user, int k, real *clip)
{
    const hiding *h = user;
    memset(h->out, 0, (size_t)h->units.count * sizeof *h->out);
    draw(h, h->size, stream_of(h, k));
    for (int i = 0; i < h->size; i++) h->out[h->deck[i]] = true;
    apply(h, NULL, clip);
}

static fl_status correlation_of_size(fl_trial *t, hiding *h, const double *adds, double *correlation)
{
    const fl_mark mark = fl_arena_mark(t->scratch);
    const int n = t->o.trials;
    double *f = fl_trial_doubles(t, n), *sum = fl_trial_doubles(t, n), whole;
    if (!f || !sum || fl_trial_passes(t, &(fl_passes){FL_READ_SCORE, n, NULL, hide_set, h}, f, &whole)) return t->error->status;
    for (int k = 0; k < n; k++) {
        draw(h, h->size, stream_of(h, k));
        for (int i = 0; i < h->size; i++) sum[k] += adds[h->deck[i]];
        f[k] = whole - f[k];
    }
    *correlation = fl_pearson(n, sum, f);
    fl_arena_release(t->scratch, mark);
    return FL_OK;
}

fl_status fl_score_sensitivity_n(fl_trial *t, fl_measure *m)
{
    hiding h;
    const double *a = fl_trial_signed(t);
    double *x = FL_NEW(t->results, double, SIZES), *y = FL_NEW(t->results, double, SIZES), total = 0;
    if (!a || !x || !y || !prepare(t, &h)) return t->error->status;
    double *adds = fl_trial_doubles(t, h.units.count);
    if (!adds) return t->error->status;
    for (int i = 0; i < t->voxels; i++) adds[h.units.of[i]] += a[i];
    const double most = 0.8 * h.units.count;
    int counted = 0, last = 0;
    for (int k = 0; k < SIZES; k++) {
        h.size = most > 1 ? (int)(fl_exp64(fl_log64(most) * k / (SIZES - 1)) + 0.5) : 1;
        if (h.size <= last || h.size > h.units.count) continue;
        last = h.size;
        double r = (double)NAN;
        const fl_status status = correlation_of_size(t, &h, adds, &r);
        if (status != FL_OK) return status;
        if (isnan(r)) continue;
        x[counted] = h.size;
        y[counted++] = r;
        total += r;
    }
    m->count = counted;
    m->x = x;
    m->y = y;
    m->x_name = "units hidden";
    m->y_name = "correlation";
    m->value = counted ? total / counted : (double)NAN;
    return counted ? FL_OK : fl_trial_undefined(m, "nothing that is hidden changes the score, or the map says so");
}
