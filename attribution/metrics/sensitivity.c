/* sensitivity.c: how much the map changes when the clip hardly does. Yeh et al. 2019, arXiv:1901.09392, definition 2.
 *
 *   max_sensitivity = max_k |a(x + u_k) - a(x)| / |a(x)|       u_k uniform within radius times (largest - smallest value of x)
 *
 * Euclidean norms of the raw maps; a zero map counts as norm 1. The class stays that of the clip. A lower bound of the maximum over
 * all u: with more trials it can only grow. */
#include "attribution/metrics/trial.h"

#include "tensor/rng.h"

#include <math.h>

enum { STREAM = 0x53000000 };

void fl_noisy_copy(fl_shape s, const real *clip, double radius, uint64_t seed, int k, real *copy)
{
    real low, high;
    fl_min_max(clip, fl_shape_count(s), &low, &high);
    const double width = radius * ((double)high - (double)low);
    const int64_t pixels = fl_shape_pixels(s);
    for (int64_t i = 0; i < fl_shape_count(s); i++) {
        const uint64_t place = (uint64_t)(i % s.c * pixels + i / s.c);
        copy[i] = (real)((double)clip[i] + width * (2 * fl_rng_uniform(seed, STREAM + (uint64_t)k, place) - 1));
    }
}

/* The map of copy k, made here or by someone else; NULL with the error set. */
static const real *map_of_copy(fl_trial *t, real *copy, int k)
{
    const fl_judged *j = t->judged;
    fl_map map;
    if (j->copy_map) return j->copy_map(j->copy_user, k);
    fl_noisy_copy(j->shape, j->clip, t->o.radius, t->o.seed, k, copy);
    fl_explain_options o = *j->options;
    o.target = j->target;
    o.progress = NULL;
    if (fl_explain(j->explainer, j->method, copy, &o, t->scratch, &map) != FL_OK) return fl_trial_hand_on(t), NULL;
    t->passes += map.passes;
    return map.data;
}

fl_status fl_score_sensitivity(fl_trial *t, fl_measure *m)
{
    const fl_judged *j = t->judged;
    const real *raw = j->raw ? j->raw : j->map;
    const int64_t n = j->raw ? j->raw_count : t->voxels;
    const double norm = fl_norm(raw, n);
    real *copy = FL_NEW(t->scratch, real, fl_shape_count(j->shape));
    if (!copy) return t->error->status;
    m->value = 0;
    for (int k = 0; k < t->o.trials; k++) {
        const fl_mark mark = fl_arena_mark(t->scratch);
        const real *a = map_of_copy(t, copy, k);
        double square = 0;
        if (!a) return fl_error_set(t->error, FL_FAILED, "max_sensitivity: no map of copy %d", k);
        for (int64_t i = 0; i < n; i++) square += ((double)a[i] - (double)raw[i]) * ((double)a[i] - (double)raw[i]);
        const double change = sqrt(square) / (norm > 0 ? norm : 1);
        m->value = change > m->value ? change : m->value;
        fl_arena_release(t->scratch, mark);
        if (j->progress && !j->progress(k + 1, t->o.trials, j->user))
            return fl_error_set(t->error, FL_LIMIT, "max_sensitivity: stopped after %d of %d copies", k + 1, t->o.trials);
    }
    return FL_OK;
}
