/* sums.c: what is told by the map's values alone, and by their sum.
 *
 *   completeness   |sum a - wanted| / (|wanted| + 1e-12)      wanted: f(clip) - f(baseline), or what the method's own law says
 *                  (the score for LRP, 1 for excitation). Sundararajan et al. 2017, arXiv:1703.01365
 *   gini           sum_i (2i - n - 1) |a|_(i) / (n sum |a|), |a|_(1) <= ... <= |a|_(n): 0 all equal, (n-1)/n one voxel. Chalasani et
 *                  al. 2020, arXiv:1810.06583
 *   entropy        - sum p log p of p = |a| / sum |a|, in nats: log n all equal, 0 one voxel. Bhatt et al. 2020, arXiv:2005.00631
 *
 * A zero map: gini 0, entropy not defined. */
#include "attribution/metrics/rank.h"
#include "attribution/metrics/trial.h"

#include "tensor/math.h"

#include <string.h>

static double *sizes(fl_trial *t, double *total)
{
    double *a = fl_trial_map(t);
    *total = 0;
    for (int i = 0; a && i < t->voxels; i++) {
        a[i] = fabs(a[i]);
        *total += a[i];
    }
    return a;
}

fl_status fl_score_gini(fl_trial *t, fl_measure *m)
{
    double total, sum = 0;
    const double *a = sizes(t, &total);
    int *order = FL_NEW(t->scratch, int, t->voxels), *scratch = FL_NEW(t->scratch, int, t->voxels);
    if (!a || !order || !scratch) return t->error->status;
    fl_order_descending(t->voxels, a, order, scratch);
    for (int i = 0; i < t->voxels; i++) sum += (t->voxels - 1 - 2.0 * i) * a[order[i]];        /* place 0 has i = n */
    m->value = total > 0 ? sum / (t->voxels * total) : 0;
    return FL_OK;
}

fl_status fl_score_entropy(fl_trial *t, fl_measure *m)
{
    double total;
    const double *a = sizes(t, &total);
    if (!a) return t->error->status;
    if (!(total > 0)) return fl_trial_undefined(m, "zero map");
    m->value = 0;
    for (int i = 0; i < t->voxels; i++)
        if (a[i] > 0) m->value -= a[i] / total * fl_log64(a[i] / total);
    return FL_OK;
}

static void hide_all(void *user, int k, real *clip)
{
    const fl_substrate *s = user;
    (void)k;
    memcpy(clip, s->hidden, (size_t)fl_shape_count(s->shape) * sizeof(real));
}

fl_status fl_score_completeness(fl_trial *t, fl_measure *m)
{
    const fl_judged *j = t->judged;
    double whole, empty, sum = j->sum, wanted = j->wanted;
    const double *a = fl_trial_signed(t);
    fl_substrate s;
    if (!a) return t->error->status;
    if (isnan(sum)) {
        sum = 0;
        for (int i = 0; i < t->voxels; i++) sum += a[i];
    }
    if (isnan(wanted)) {
        if (fl_trial_substrate(t, &s) || fl_trial_passes(t, &(fl_passes){FL_READ_SCORE, 1, NULL, hide_all, &s}, &empty, &whole))
            return t->error->status;
        wanted = whole - empty;
    }
    m->value = fabs(sum - wanted) / (fabs(wanted) + 1e-12);
    return FL_OK;
}
