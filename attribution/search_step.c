/* search_step.c: one iteration of a search for masks: what the rows of the pass are, what they weigh, the way down, the step. */
#include "attribution/search.h"

#include "tensor/math.h"
#include "tensor/par.h"

/* ---- what a row of the pass is ---- */

/* Row r of a pass without paths: mask r keeps, or what is left of it; with goal dual first all that keep, then all that delete. */
static bool deletes(const fl_search *s, int row)
{
    return s->o->goal == FL_GOAL_DELETE || (s->o->goal == FL_GOAL_DUAL && row >= s->m.sets);
}

void fl_search_set_row(fl_search *s, int row)
{
    const bool one_changes = s->q.act != FL_ACT_BASELINE;            /* freeze and reverse: a mask of 1 is what changes */
    const bool inverse = s->q.selects && deletes(s, row) != one_changes;
    fl_graph_value(s->m.g, s->m.coefficient[0])[row] = inverse ? -1 : 1;
    fl_graph_value(s->m.g, s->m.offset)[row] = inverse;
}

/* ---- weights ---- */

static void grow_weights(fl_search *s)
{
    for (int i = 0; i < s->m.terms; i++) s->weight[i] *= s->q.term[i].growth;
}

/* ---- one iteration ---- */

/* Draws of this iteration; values and the signal of the parameters. */
static fl_status descend(fl_search *s)
{
    fl_masks *m = &s->m;
    const double jitter = s->q.jitter * (double)s->r->clip.w / 224;
    fl_graph_value(m->g, m->draw)[0] = s->ties_by_place ? -1 : (real)s->t;
    for (int row = 0; row < m->rows; row++) fl_search_noise(s, row, (uint64_t)s->t * (uint64_t)m->rows + (uint64_t)row);
    if (m->how != FL_NONE) {
        real *how = fl_graph_value(m->g, m->how);
        for (int a = 0; a < 2; a++) {
            const double u = fl_rng_uniform(s->o->seed, FL_STREAM_JITTER, 2 * (uint64_t)s->t + (uint64_t)a);
            how[a] = (real)floor((2 * jitter + 1) * u - jitter);
        }
        how[2] = s->q.mirrors && s->t % 2 == 0;
    }
    if (fl_search_pass(s, m->rows)) return s->r->g->error->status;
    double energy = fl_search_terms(s);
    for (int row = 0; row < m->rows; row++) {
        const bool smaller = s->q.selects ? deletes(s, row) : s->o->goal != FL_GOAL_PRESERVE;
        energy += fl_search_loss(s, row, smaller ? 1 : -1, s->q.reward);
    }
    s->energy = energy;
    fl_graph_backward(m->g, m->seed);
    return FL_OK;
}

/* FGVis goes on until the network decides for another class. */
static bool decided_otherwise(const fl_search *s)
{
    return s->q.step == FL_STEP_LARGEST &&
           fl_strongest(s->m.classes, fl_masks_output(&s->m, 0), FL_CLASS_AUTO) != s->o->target.class_index;
}

/* False when there is nowhere to go. */
static bool take_step(fl_search *s)
{
    real *p = fl_graph_value(s->m.g, s->m.cells);
    const real *g = fl_graph_signal(s->m.g, s->m.cells);
    if (s->q.step == FL_STEP_LARGEST) {
        real low, high;
        fl_min_max(g, s->count, &low, &high);
        const double largest = -(double)low > (double)high ? -(double)low : (double)high;
        if (!(largest > 0)) return false;
        FL_EACH(i, s->count) p[i] = (real)((double)p[i] - s->o->rate * (double)g[i] / largest);
    } else {
        fl_optimiser_begin(&s->optimiser);
        fl_optimiser_update(&s->optimiser, s->count, p, g, s->moment[0], s->moment[1], 0);
    }
    fl_search_clamp(s);
    return true;
}

fl_status fl_search_iterate(fl_search *s, bool *more)
{
    if (s->q.step == FL_STEP_SEARCH) return fl_search_along(s, more);
    if (descend(s)) return s->r->g->error->status;
    if (s->o->as_published) fl_search_keep_masks(s);
    *more = !decided_otherwise(s) && take_step(s);
    grow_weights(s);
    s->t++;
    return FL_OK;
}
