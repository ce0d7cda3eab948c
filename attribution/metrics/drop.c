/* drop.c: what is left of the class when the network sees the clip through its map. Chattopadhay et al. 2018, arXiv:1710.11063.
 *
 *   E = S x + (1 - S) b       S = (a - min a) / (max a - min a) of a = max(map, 0), b the substrate
 *   average_drop   max(0, p(x) - p(E)) / p(x)        (a share, not percent; the mean over clips is the paper's)
 *   increase       1 if p(E) > p(x), else 0
 *
 * A map without positive values has no S: not defined. */
#include "attribution/metrics/trial.h"

#include <math.h>

enum { DROP, INCREASE };

typedef struct veil { fl_substrate substrate; const double *part; } veil;

static void see_through(void *user, int k, real *clip)
{
    const veil *v = user;
    (void)k;
    for (int64_t i = 0; i < fl_shape_count(v->substrate.shape); i++) {
        const double s = v->part[i / v->substrate.shape.c];
        clip[i] = (real)(s * (double)v->substrate.clip[i] + (1 - s) * (double)v->substrate.hidden[i]);
    }
}

/* S, or NULL where there is none (no error), or without memory. */
static double *part_of_map(fl_trial *t)
{
    double *a = fl_trial_map(t), low = (double)INFINITY, high = 0;
    for (int i = 0; a && i < t->voxels; i++) {
        a[i] = a[i] > 0 ? a[i] : 0;
        low = a[i] < low ? a[i] : low;
        high = a[i] > high ? a[i] : high;
    }
    for (int i = 0; a && high > low && i < t->voxels; i++) a[i] = (a[i] - low) / (high - low);
    return high > low ? a : NULL;
}

fl_status fl_score_drop(fl_trial *t, fl_measure *m)
{
    double whole, veiled;
    veil v = {.part = part_of_map(t)};
    if (t->error->status) return t->error->status;
    if (!v.part) return fl_trial_undefined(m, "no positive value, or all equal: nothing to see the clip through");
    if (fl_trial_substrate(t, &v.substrate) ||
        fl_trial_passes(t, &(fl_passes){.of = FL_READ_PROBABILITY, .count = 1, .fill = see_through, .user = &v}, &veiled, &whole))
        return t->error->status;
    if (t->metric->variant == INCREASE) m->value = veiled > whole;
    else if (whole > 0) m->value = veiled < whole ? (whole - veiled) / whole : 0;
    else return fl_trial_undefined(m, "the probability of the class is 0 at the clip itself");
    return FL_OK;
}
