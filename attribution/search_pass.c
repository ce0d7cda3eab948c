/* search_pass.c: what the searches for masks have in common: a pass, its noise, what terms and losses weigh, the masks as they are now. */
#include "attribution/search.h"

#include "tensor/par.h"

#include <string.h>

void fl_search_noise(fl_search *s, int row, uint64_t number)
{
    if (s->m.noise == FL_NONE) return;
    real *to = fl_graph_value(s->m.g, s->m.noise) + row * s->r->voxels;
    fl_add_noise(s->r->clip, s->zero, s->r->map->noise_sigma, s->o->seed, number, to);
}

/* A pass after which somebody says stop is not lost: its step is taken. */
fl_status fl_search_pass(fl_search *s, int rows)
{
    fl_graph_forward(s->m.g);
    const fl_status status = fl_run_count(s->r, rows);
    return s->r->told_to_stop ? FL_OK : status;
}

static double weight_now(const fl_search *s, int term)
{
    return s->t >= s->q.term[term].from ? s->weight[term] : 0;
}

double fl_search_terms(fl_search *s)
{
    double sum = 0;
    for (int i = 0; i < s->m.terms; i++)
        for (int k = 0; k < s->m.sets; k++) {
            fl_masks_weigh(&s->m, i, k, weight_now(s, i));
            sum += weight_now(s, i) * fl_masks_term(&s->m, i, k);
        }
    return sum;
}

double fl_search_loss(fl_search *s, int row, int sign, double weight)
{
    const int classes = s->m.classes;
    return weight * fl_mask_loss(&s->o->target, s->r->end, classes, fl_masks_output(&s->m, row), sign, weight, s->m.seed + row * classes);
}

void fl_search_clamp(const fl_search *s)
{
    real *p = fl_graph_value(s->m.g, s->m.cells);
    if (s->q.form == FL_FORM_FRAMES) return;
    FL_EACH(i, s->count) p[i] = p[i] < 0 ? 0 : p[i] > 1 ? 1 : p[i];
}

void fl_search_keep_masks(fl_search *s)
{
    const int64_t each = s->voxels;
    const real *mask = fl_graph_value(s->m.g, s->m.mask);
    real *to = s->found + (int64_t)s->first * each;
    if (s->q.form != FL_FORM_FRAMES) {
        memcpy(to, mask, (size_t)(each * s->m.sets) * sizeof *to);
        return;
    }
    const int64_t frame = (int64_t)s->r->clip.h * s->r->clip.w;
    FL_EACH(i, each) to[i] = mask[i / frame];
}
