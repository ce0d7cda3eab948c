/* explain.c: one explanation: fill in the options, look at the clip, let the driver work, weigh the result. */
#include "attribution/baseline.h"
#include "attribution/describe.h"
#include "attribution/explainer.h"
#include "attribution/options.h"
#include "attribution/published.h"
#include "attribution/rulesets.h"

#include "tensor/math.h"

#include <string.h>

/* ---- options ---- */

static double own_sigma(const fl_explain_options *o, fl_shape clip)
{
    if (o->baseline && fl_baselines_have(o->baseline, "temporal_blur") && !fl_baselines_have(o->baseline, "blur")) return 0.25 * clip.t;
    return 0.1 * (clip.h > clip.w ? clip.h : clip.w);
}

/* A network that looks at several frames at once weighs channels over the clip; one that goes through the frames one by one, in each. */
static fl_cam_pooling own_pooling(const fl_graph *g)
{
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (node->op->flags & FL_WEIGHTED && node->n_in > 1 && node->in_shape[1].t > 1) return FL_CAM_GLOBAL;
    }
    return FL_CAM_PER_FRAME;
}

static fl_explain_options fill_in(const fl_run *r, const fl_explain_options *given)
{
    const fl_explain_options *d = &r->method->defaults;
    fl_explain_options o = given ? *given : *d;
    if (o.baseline_clip && !o.baseline) o.baseline = "clip";
    const fl_published *p = o.as_published ? fl_published_find(r->method) : NULL;
    const bool range = o.target.class_index != FL_CLASS_AUTO && o.target.last > o.target.class_index;
    if (o.target.score == FL_SCORE_DEFAULT && !range && !o.target.node) o.target.score = p ? p->score : d->target.score;
    if (p) fl_options_fill(&o, &p->options);
    if (p && !o.rules) o.rules = p->options.rules;
    fl_options_fill(&o, d);
    if (o.pooling == FL_CAM_DEFAULT && fl_method_uses(r->method) & FL_READS(pooling)) o.pooling = own_pooling(r->e->whole_g);
    if (!(o.baseline_sigma > 0)) o.baseline_sigma = own_sigma(&o, r->clip);
    if (!o.rules || !d->rules) o.rules = d->rules;
    return o;
}

static fl_status check(const fl_run *r)
{
    const uint64_t uses = fl_method_uses(r->method);
    fl_error *err = r->g->error;
    if (fl_options_check(&r->o, r->method, err)) return err->status;
    if (r->o.as_published && !(uses & FL_READS(as_published)))
        return fl_error_set(err, FL_USAGE, "%s: published code has no other way of it: leave as_published out", r->method->name);
    const bool compares = r->method->defaults.rules && r->method->defaults.rules->reference;
    if (r->rules && r->rules->reference != compares)
        return fl_error_set(err, FL_USAGE, r->rules->reference ? "rules '%s' compare with a baseline, and %s has none; use them with "
                            "deeplift" : "rules '%s' do not compare with a baseline, as %s does", r->rules->name, r->method->name);
    if (r->method->driver->watches && fl_baselines_count(r->o.baseline) != 1)
        return fl_error_set(err, FL_USAGE, "%s: baseline: expected one, got '%s': what is sampled goes over one clip", r->method->name,
                            r->o.baseline);
    if (uses & FL_READS(lowest) && r->o.lowest > r->o.highest)
        return fl_error_set(err, FL_USAGE, "%s: the lowest value %g is above the highest %g", r->method->name, r->o.lowest,
                            r->o.highest);
    return FL_OK;
}

/* ---- the computation ---- */

/* Norms fold wherever the numbers are the same but for rounding: unless a rule has its say about them, one is the layer, or rounding
 * is what is to be avoided. */
static fl_status choose_graph(fl_run *r)
{
    fl_explainer *e = r->e;
    const bool folds = !r->o.unfolded && (r->rules ? r->rules->fold : !e->whole_g->exact);
    if (fl_explainer_fold(e, folds) || !folds) return r->g->error->status;
    const bool lost = (r->method->level == FL_LEVEL_LAYER && !fl_explainer_survives(e, r->o.layer)) ||
                      (r->o.target.node && !fl_explainer_survives(e, r->o.target.node));
    return lost ? fl_explainer_fold(e, false) : FL_OK;
}

static fl_status plan(fl_run *r)
{
    fl_explainer *e = r->e;
    if (choose_graph(r)) return r->g->error->status;
    r->g = e->g;
    if (fl_target_end(r->g, &e->net, &r->o.target, &r->end)) return r->g->error->status;
    r->wrt = r->method->level == FL_LEVEL_LAYER ? fl_explainer_layer(e, r->o.layer) : e->net.input;
    const bool watches = r->method->driver->watches || r->method->driver->looks_only;
    const fl_demand demand = {.root = watches ? FL_NONE : r->end.node, .wrt = watches ? FL_NONE : r->wrt, .rules = r->rules,
                              .epsilon = r->o.epsilon, .gamma = r->o.gamma, .beta = r->o.beta, .all = r->method->driver->keeps_all};
    if (r->wrt == FL_NONE || fl_explainer_plan(e, &demand)) return r->g->error->status;
    if (r->method->level == FL_LEVEL_LAYER) r->o.layer = r->g->node[r->wrt].name;
    if (demand.all || watches || r->g->carries[r->wrt]) return FL_OK;
    return fl_error_set(r->g->error, FL_USAGE, "%s: the score does not depend on node '%s'", r->method->name,
                        r->g->node[r->wrt].name);
}

/* Per channel: what the options say; black and white, where the card knows them; the clip's own least and largest value. */
static void find_bounds(const fl_run *r)
{
    const fl_card_input *card = r->e->card;
    const bool given = r->o.lowest != 0 || r->o.highest != 0, known = card && r->clip.c <= 3 && card->source == FL_SOURCE_RGB;
    for (int c = 0; c < r->clip.c; c++) {
        real low = r->x[c], high = r->x[c];
        for (int64_t i = c; i < r->voxels; i += r->clip.c) {
            low = r->x[i] < low ? r->x[i] : low;
            high = r->x[i] > high ? r->x[i] : high;
        }
        if (given) {
            low = (real)r->o.lowest;
            high = (real)r->o.highest;
        } else if (known) {
            low = (real)((0 - card->mean[c]) / card->std[c]);
            high = (real)((card->white - card->mean[c]) / card->std[c]);
        }
        r->e->low[c] = low;
        r->e->high[c] = high;
    }
}

/* The network sees the clip in row 0; class, score and confidence follow from it and stay as they are. */
static fl_status look(fl_run *r)
{
    const fl_explainer *e = r->e;
    memcpy(fl_run_row(r, 0), r->x, (size_t)r->voxels * sizeof(real));
    const fl_id named = !r->end.unit ? r->end.node : e->net.logits != FL_NONE ? e->net.logits : e->net.output;
    if (fl_run_forward(r, 1) || fl_target_resolve(&r->o.target, e->classes, fl_explainer_row(e, named, 0), r->g->error))
        return r->g->error->status;
    const int c = r->o.target.class_index;
    r->map->score = fl_run_score(r, 0);
    r->map->logit = e->net.logits == FL_NONE ? (double)NAN : (double)fl_explainer_row(e, e->net.logits, 0)[c];
    r->map->probability = fl_explainer_probability(e, 0, c);
    if (isfinite(r->map->score) && isfinite(r->map->probability)) return FL_OK;
    return fl_error_set(r->g->error, FL_FAILED, "the network's score for class %d is %g: there is nothing to "
                        "explain; do the weights and the clip hold numbers?", c, r->map->score);
}

static fl_status check_map(const fl_run *r)
{
    const fl_map *m = r->map;
    for (int64_t i = 0; i < fl_shape_count(m->shape); i++)
        if (!isfinite(m->data[i]))
            return fl_error_set(r->g->error, FL_FAILED, "%s: value %lld of the map is %g: the signal overflows",
                                r->method->name, (long long)i, (double)m->data[i]);
    return FL_OK;
}

static fl_status weigh_law(fl_run *r)
{
    fl_map *m = r->map;
    const fl_published *p = r->o.as_published ? fl_published_find(r->method) : NULL;
    if (r->method->law != FL_LAW_COMPLETE || (p && p->lawless)) return FL_OK;
    if (fl_run_baseline_score(r)) return r->g->error->status;
    m->sum = fl_sum(m->data, fl_shape_count(m->shape));
    m->wanted = m->score - m->baseline_score;
    m->residual = fabs(m->sum - m->wanted) / (fabs(m->wanted) + 1e-12);
    return FL_OK;
}

/* Clips that will go through the network: known before the first one does. */
static int count_passes(const fl_run *r)
{
    const uint64_t uses = fl_method_uses(r->method);
    const int baselines = uses & FL_READS(baseline) ? fl_baselines_count(r->o.baseline) : 1;
    const int samples = uses & FL_READS(samples) ? r->o.samples : 0, compared = r->rules && r->rules->reference ? 2 : 0;
    const int each = compared && samples ? compared * samples : samples + compared;
    const bool weighs = r->method->law == FL_LAW_COMPLETE && !compared;
    return baselines + baselines * ((uses & FL_READS(steps) ? r->o.steps : 0) + each + weighs);
}

static fl_status compute(fl_run *r)
{
    r->total = count_passes(r);
    if (r->rules) find_bounds(r);
    if (look(r) || fl_baselines_run(r) || check_map(r) || weigh_law(r))
        return r->g->error->status;
    r->map->passes = r->done;
    return FL_OK;
}

static fl_shape map_shape(const fl_run *r)
{
    fl_shape s = fl_graph_shape(r->g, r->wrt);
    s.n = 1;
    if (r->method->level != FL_LEVEL_INPUT) s.c = 1;
    return s;
}

static fl_status compose(fl_run *r)
{
    fl_map *m = r->map;
    m->score = (double)NAN;
    m->shape = r->clip;
    m->data = FL_NEW(r->scratch, real, r->voxels);
    if (!m->data) return fl_run_no_memory(r);
    const fl_mark mark = fl_arena_mark(r->scratch);
    const fl_status status = r->method->driver->compose(r) || check_map(r) || weigh_law(r) ? r->g->error->status : FL_OK;
    fl_arena_release(r->scratch, mark);
    m->options = r->o;
    return status ? status : fl_map_warn(m, false, r->scratch, r->g->error);
}

static fl_status run(fl_run *r)
{
    if (check(r)) return r->g->error->status;
    if (r->method->driver->compose) return compose(r);
    if (plan(r)) return r->g->error->status;
    fl_map *m = r->map;
    m->shape = map_shape(r);
    m->data = FL_NEW(r->scratch, real, fl_shape_count(m->shape));
    if (m->data && r->method->driver->watches) m->standard_error = FL_NEW(r->scratch, real, fl_shape_pixels(r->clip));
    if (r->scratch->error->status) return fl_run_no_memory(r);
    const fl_mark mark = fl_arena_mark(r->scratch);
    const fl_status status = compute(r);
    const bool baseline_is_clip = r->baseline && memcmp(r->baseline, r->x, (size_t)r->voxels * sizeof(real)) == 0;
    fl_arena_release(r->scratch, mark);
    m->options = r->o;
    return status ? status : fl_map_warn(m, baseline_is_clip, r->scratch, r->g->error);
}

fl_status fl_explain(fl_explainer *e, const fl_method *method, const real *clip, const fl_explain_options *options,
                     fl_arena *results, fl_map *map)
{
    *map = (fl_map){.method = method, .level = method->level, .baseline_score = (double)NAN, .sum = (double)NAN,
                    .wanted = (double)NAN, .residual = (double)NAN, .absorbed = (double)NAN};
    fl_run r = {.e = e, .g = e->g, .method = method, .batch = e->batch, .x = clip, .scratch = results, .map = map,
                .clip = fl_graph_shape(e->g, e->net.input)};
    r.clip.n = 1;
    r.voxels = fl_shape_count(r.clip);
    r.o = fill_in(&r, options);
    r.rules = r.o.rules;
    map->clip = r.clip;
    const fl_mark mark = fl_arena_mark(results);
    const fl_status status = fl_graph_ok(e->g) ? run(&r) : e->g->error->status;
    if (status == FL_OK) return FL_OK;
    if (results != e->g->arena) fl_arena_release(results, mark);        /* the plan may lie above the mark */
    *map = (fl_map){0};
    return status;
}
