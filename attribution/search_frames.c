/* search_frames.c: where the search for a mask over frames begins (Manttari et al. 2020): all frames but the first and the last i
 * are frozen (or reversed), with the largest i at which at least 0.9 of what the full mask takes from the score is still taken.
 *
 *   (s - s_i) / (s - s_all) >= 0.9,    i = 1 .. T/2 - 1;   as published: the first i that fails
 *
 * Where the full mask takes nothing away there is nothing to keep, and all frames but the ends begin switched on. Parameters are 5 and
 * -5, which a sigmoid turns into 0.993 and 0.007. */
#include "attribution/search.h"

#include <math.h>

static fl_status score_of(fl_search *s, int trimmed, double *score)
{
    real *p = fl_graph_value(s->m.g, s->m.cells);
    const int frames = (int)s->count;
    for (int t = 0; t < frames; t++) p[t] = t >= trimmed && t < frames - trimmed ? 5 : -5;
    if (fl_search_pass(s, 1)) return s->r->g->error->status;
    *score = fl_target_score(&s->o->target, s->r->end, s->m.classes, fl_masks_output(&s->m, 0));
    return FL_OK;
}

fl_status fl_search_begin_frames(fl_search *s)
{
    const int frames = (int)s->count;
    double all = 0, score = 0;
    int best = frames > 2 ? 1 : 0;
    if (score_of(s, 0, &all)) return s->r->g->error->status;
    const double taken = s->r->map->score - all;
    for (int i = 1; i < frames / 2 && fabs(taken) > 1e-6; i++) {
        if (score_of(s, i, &score)) return s->r->g->error->status;
        const bool holds = (s->r->map->score - score) / taken >= 0.9;
        if (holds || s->o->as_published) best = i;
        if (!holds) break;
    }
    return score_of(s, best, &score);
}
