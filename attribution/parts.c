/* parts.c: a map made of whole maps of other methods (driver.h, compose): one part, its passes counted in the whole. */
#include "attribution/explainer.h"

#include "tensor/math.h"

typedef struct listener { fl_run *r; int before; } listener;

static bool pass_on(int done, int total, void *user)
{
    const listener *l = user;
    const fl_run *r = l->r;
    return r->o.progress(l->before + done, r->total > l->before + total ? r->total : l->before + total, r->o.user);
}

fl_status fl_run_part(fl_run *r, const char *name, const real *clip, const fl_explain_options *given, fl_map *part)
{
    fl_explain_options o = *given;
    fl_map *m = r->map;
    listener l = {r, r->done};
    o.target = r->o.target;
    o.seed = r->o.seed;
    o.progress = r->o.progress ? pass_on : NULL;
    o.user = &l;
    if (fl_explain(r->e, fl_method_find(name), clip, &o, r->scratch, part)) return r->g->error->status;
    r->done += part->passes;
    m->passes = r->done;
    if (isfinite(m->score)) return FL_OK;
    r->o.target = part->options.target;
    m->score = part->score;
    m->baseline_score = part->baseline_score;
    m->logit = part->logit;
    m->probability = part->probability;
    return FL_OK;
}
