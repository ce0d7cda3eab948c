/* substrate.c: what hidden places show: a baseline of the whole clip (baseline.h), or, for "temporal", the same place at another
 * time.
 *
 * temporal: a hidden voxel takes the value of the nearest frame in which its place is shown; of two equally near ones the earlier.
 * Where no frame shows the place: zero in network space. So nothing appears that the clip does not hold, and edges of the mask make
 * no edges in still scenes; what a hidden moment showed is gone only where the picture moves. */
#include "attribution/baseline.h"
#include "attribution/explainer.h"
#include "attribution/metrics/trial.h"

#include "tensor/par.h"

#include <string.h>

const char *const fl_substrate_name[] = {"temporal", "zero",   "black",    "white",    "mean",      "blur",
                                         "noise",    "frozen", "reversed", "shuffled", "time_mean", NULL};

fl_status fl_trial_substrate(fl_trial *t, fl_substrate *s)
{
    const fl_judged *j = t->judged;
    real *hidden = FL_NEW(t->scratch, real, fl_shape_count(j->shape));
    *s = (fl_substrate){j->shape, j->clip, hidden, strcmp(t->o.substrate, "temporal") == 0};
    if (!hidden) return t->error->status;
    const double sigma = 0.1 * (j->shape.h > j->shape.w ? j->shape.h : j->shape.w);
    return fl_baseline_fill(s->temporal ? "zero" : t->o.substrate, j->shape, j->clip, j->explainer->card, sigma, t->o.seed, hidden,
                            t->scratch, t->error);
}

/* The frame that place p of frame t shows; -1: none does. */
static int nearest_shown(const bool *shown, int frames, int64_t pixels, int t, int64_t p)
{
    for (int d = 0; d < frames; d++) {
        if (t - d >= 0 && shown[(t - d) * pixels + p]) return t - d;
        if (t + d < frames && shown[(t + d) * pixels + p]) return t + d;
    }
    return -1;
}

void fl_substrate_apply(const fl_substrate *s, const bool *shown, const fl_region *where, real *clip)
{
    const int64_t pixels = (int64_t)s->shape.h * s->shape.w;
    const size_t bytes = (size_t)s->shape.c * sizeof(real);
    const fl_region all = {{0, 0, 0}, {s->shape.t, s->shape.h, s->shape.w}}, r = where ? *where : all;
    const int rows = r.hi[1] - r.lo[1], lines = (r.hi[0] - r.lo[0]) * rows;
    FL_PARALLEL(i, lines, 2.0 * lines * (r.hi[2] - r.lo[2]) * s->shape.c) {
        const int t = r.lo[0] + (int)i / rows, y = r.lo[1] + (int)i % rows;
        for (int64_t p = (int64_t)y * s->shape.w + r.lo[2]; p < (int64_t)y * s->shape.w + r.hi[2]; p++) {
            const int64_t at = (t * pixels + p) * s->shape.c;
            const int from = shown[t * pixels + p] ? t : s->temporal ? nearest_shown(shown, s->shape.t, pixels, t, p) : -1;
            memcpy(clip + at, from < 0 ? s->hidden + at : s->clip + (from * pixels + p) * s->shape.c, bytes);
        }
    }
}
