/* passes.c: the network on many variants of one clip (probe.h). One score per variant is kept. */
#include "attribution/explainer.h"
#include "attribution/metrics/trial.h"

#include <math.h>

typedef struct reading { fl_trial *t; const fl_passes *p; double *score; } reading;

static fl_region region(void *user, int64_t k) { return ((const reading *)user)->p->region(((const reading *)user)->p->user, (int)k); }
static void fill(void *user, int64_t k, real *clip) { ((const reading *)user)->p->fill(((const reading *)user)->p->user, (int)k, clip); }

static bool take(void *user, int64_t k, double score, const real *y)
{
    const reading *r = user;
    fl_trial *t = r->t;
    (void)y;
    r->score[k] = score;
    t->passes++;
    if (!isfinite(score)) {
        fl_error_set(t->error, FL_FAILED, "%s: the network's score is %g for a variant of the clip", t->metric->name, score);
        return false;
    }
    return !t->judged->progress || t->judged->progress((int)k + 1, r->p->count, t->judged->user);
}

fl_status fl_trial_hand_on(fl_trial *t)
{
    const fl_error *e = t->judged->explainer->g->error;
    return e == t->error ? e->status : fl_error_set(t->error, e->status, "%s", e->message);
}

fl_status fl_trial_passes(fl_trial *t, const fl_passes *p, double *score, double *base)
{
    fl_target target = t->judged->target;
    const fl_mark mark = fl_arena_mark(t->scratch);
    if (p->of == FL_READ_PROBABILITY) target.score = FL_SCORE_PROBABILITY;
    fl_probe *probe = fl_probe_open(t->judged->explainer, &target, t->judged->clip, t->scratch);
    if (!probe) return fl_trial_hand_on(t);
    t->passes++;
    if (base) *base = fl_probe_base(probe);
    reading r = {t, p, score};
    const fl_variants v = {.end = p->count, .region = p->region ? region : NULL, .fill = fill, .take = take, .user = &r};
    const fl_status status = fl_probe_score(probe, &v);
    fl_arena_release(t->scratch, mark);
    return status == FL_OK ? FL_OK : fl_trial_hand_on(t);
}
