/* explainer.c: the session: one graph, planned for what the next method needs, and predictions from it. */
#include "attribution/explainer.h"
#include "attribution/rulesets.h"

#include "tensor/math.h"

#include <string.h>

static bool is_output(const fl_graph *g, fl_id id, int batch)
{
    const fl_shape s = fl_graph_shape(g, id);
    return fl_shape_equal(s, fl_shape_vector(batch, s.c));
}

static bool outputs_fit(const fl_explainer *e)
{
    const fl_id ends[2] = {e->net.logits, e->net.output};
    for (int i = 0; i < 2; i++) {
        if (ends[i] == FL_NONE || is_output(e->g, ends[i], e->batch)) continue;
        fl_shape_text t;
        fl_error_set(e->g->error, FL_USAGE,
                     "explaining needs one score per class and clip (%d,classes,1,1,1); node '%s' has shape %s",
                     e->batch, e->g->node[ends[i]].name, fl_shape_print(fl_graph_shape(e->g, ends[i]), &t));
        return false;
    }
    return true;
}

fl_explainer *fl_explainer_new(fl_graph *g, fl_network net, const fl_card_input *card)
{
    if (!fl_graph_ok(g)) return NULL;
    const fl_id end = net.logits != FL_NONE ? net.logits : net.output;
    if (net.input == FL_NONE || end == FL_NONE) {
        fl_error_set(g->error, FL_USAGE, "explaining needs a network with an input and an output");
        return NULL;
    }
    fl_explainer *e = FL_NEW(g->arena, fl_explainer, 1);
    if (!e) return NULL;
    *e = (fl_explainer){.g = g, .net = net, .card = card, .batch = fl_graph_shape(g, net.input).n,
                        .classes = fl_graph_shape(g, end).c, .whole_g = g, .whole = net};
    if (!outputs_fit(e)) return NULL;
    const int channels = fl_graph_shape(g, net.input).c;
    e->low = FL_NEW(g->arena, real, channels);
    e->high = FL_NEW(g->arena, real, channels);
    return e->low && e->high ? e : NULL;
}

int fl_explainer_classes(const fl_explainer *e) { return e->classes; }

/* ---- plans ---- */

static bool is_there(const fl_explainer *e) { return e->plan && e->plan == e->planned->computed; }
static bool has_plan(const fl_explainer *e) { return is_there(e) && e->planned == e->g; }

/* The memory of the last plan, when nothing was taken behind it. */
static void drop_plan(fl_explainer *e)
{
    if (is_there(e) && e->g->arena->used == e->used) fl_arena_release(e->g->arena, e->before);
    e->plan = NULL;
}

void fl_explainer_rest(fl_explainer *e)
{
    fl_graph *g = e->g;
    if (!has_plan(e) || g->arena->used != e->used) return;           /* something lies behind it */
    drop_plan(e);
    for (fl_id i = 0; i < g->count; i++)
        if (g->node[i].role == FL_COMPUTED) g->node[i].value = g->node[i].signal = NULL;
    fl_arena_trim(g->arena);
}

static fl_id place(const fl_fold *f, fl_id id) { return id == FL_NONE ? FL_NONE : f->place[id]; }
static bool is_lost(const fl_fold *f, fl_id id) { return id != FL_NONE && f->place[id] == FL_NONE; }

fl_status fl_explainer_fold(fl_explainer *e, bool folded)
{
    const fl_network *w = &e->whole;
    e->g = e->whole_g;
    e->net = *w;
    if (!folded) return FL_OK;
    if (!e->fold) {
        drop_plan(e);
        e->fold = fl_fold_new(e->g);
        if (!e->fold) return e->g->error->status;
    }
    const fl_fold *f = e->fold;
    if (!f->count || is_lost(f, w->logits) || is_lost(f, w->output)) return FL_OK;       /* nothing to fold, or an end that is a part */
    fl_fold_refresh(e->fold);
    e->g = f->g;
    e->net = (fl_network){place(f, w->input), place(f, w->logits), place(f, w->output), place(f, w->cam), place(f, w->flow),
                          place(f, w->flow_cam)};
    return FL_OK;
}

bool fl_explainer_survives(const fl_explainer *e, const char *layer)
{
    const fl_id was = layer ? fl_graph_find(e->whole_g, layer) : e->whole.cam;
    fl_assert(e->fold != NULL);
    return was == FL_NONE || e->fold->place[was] != FL_NONE || !e->fold->count;
}

static bool same_demand(const fl_demand *a, const fl_demand *b)
{
    return a->root == b->root && a->wrt == b->wrt && a->rules == b->rules && a->epsilon == b->epsilon && a->gamma == b->gamma &&
           a->beta == b->beta && a->all == b->all && !a->n_keep && !b->n_keep;
}

static double given(double parameter) { return parameter > 0 ? parameter : (double)NAN; }

fl_status fl_explainer_plan(fl_explainer *e, const fl_demand *d)
{
    fl_graph *g = e->g;
    if (has_plan(e) && same_demand(&e->demand, d)) return FL_OK;
    drop_plan(e);
    e->before = fl_arena_mark(g->arena);
    fl_id *out = FL_NEW(g->arena, fl_id, 3 + d->n_keep);
    int n = 0;
    if (!out) return g->error->status;
    if (e->net.logits != FL_NONE) out[n++] = e->net.logits;
    if (e->net.output != FL_NONE && e->net.output != e->net.logits) out[n++] = e->net.output;
    if (d->wrt != FL_NONE) out[n++] = d->wrt;
    for (int i = 0; i < d->n_keep; i++) out[n++] = d->keep[i];
    const fl_ruleset *rules = d->rules;
    if (rules) rules = fl_ruleset_tune(rules, given(d->epsilon), given(d->gamma), given(d->beta), g->arena);
    if (d->rules && !rules) return g->error->status;
    const bool backward = d->wrt != FL_NONE && !d->all;
    const fl_keep keep = d->all || e->keep_all ? FL_KEEP_ALL : backward ? FL_KEEP_FOR_BACKWARD : FL_KEEP_OUTPUTS;
    const fl_plan plan = {.keep = keep, .parts = e->parts, .out = out, .n_out = n, .root = d->root, .wrt = &d->wrt, .n_wrt = backward,
                          .rules = rules, .low = e->low, .high = e->high, .bounds = fl_graph_shape(g, e->net.input).c};
    if (fl_graph_plan(g, &plan)) return g->error->status;
    e->seed = d->root == FL_NONE ? NULL : FL_NEW(g->arena, real, fl_shape_count(fl_graph_shape(g, d->root)));
    if (g->error->status) return g->error->status;
    e->plan = g->computed;
    e->planned = g;
    e->used = g->arena->used;
    e->demand = *d;
    return FL_OK;
}

static const char *nearest_layer(const fl_explainer *e, const char *name)
{
    const char *best = e->g->node[e->net.input].name;
    for (fl_id i = 0; i < e->g->count; i++) {
        if (e->g->node[i].role != FL_COMPUTED) continue;
        const char *const pair[] = {best, e->g->node[i].name, NULL};
        best = fl_name_nearest(pair, name);
    }
    return best;
}

fl_id fl_explainer_layer(const fl_explainer *e, const char *name)
{
    fl_graph *g = e->g;
    if (!name && e->net.cam == FL_NONE) {
        fl_error_set(g->error, FL_USAGE, "layer: this network names no layer for class activation maps; choose one");
        return FL_NONE;
    }
    const fl_id id = name ? fl_graph_find(g, name) : e->net.cam;
    if (id == FL_NONE) {
        fl_error_set(g->error, FL_USAGE, "layer: there is no node '%s'; did you mean '%s'?", name,
                     nearest_layer(e, name));
        return FL_NONE;
    }
    const fl_node *node = &g->node[id];
    if (node->role == FL_PARAM || node->role == FL_BUFFER || node->shape.n != e->batch) {
        fl_shape_text t;
        fl_error_set(g->error, FL_USAGE,
                     "layer: node '%s' of shape %s does not hold %d clip(s): choose an activation", node->name,
                     fl_shape_print(node->shape, &t), e->batch);
        return FL_NONE;
    }
    return id;
}

double fl_explainer_probability(const fl_explainer *e, int row, int class_index)
{
    fl_target target = {.class_index = class_index, .score = FL_SCORE_PROBABILITY};
    fl_end end;
    fl_target_end(e->g, &e->net, &target, &end);             /* every network has probabilities */
    return fl_target_score(&target, end, e->classes, fl_explainer_row(e, end.node, row));
}

/* Of all classes, with the bits of fl_explainer_probability. The strongest class's log-softmax is minus the logarithm of the sum that
 * divides them all: it is worked out once, not for every class. */
static void predict_probabilities(const fl_explainer *e, double *to)
{
    fl_target target = {.class_index = 0, .score = FL_SCORE_PROBABILITY};
    fl_end end;
    fl_target_end(e->g, &e->net, &target, &end);
    const real *y = fl_explainer_row(e, end.node, 0);
    const int strongest = fl_strongest(e->classes, y, FL_CLASS_AUTO);
    const double top = (double)y[strongest], minus_log_sum = end.probabilities ? 0 : fl_log_softmax(e->classes, y, strongest);
    for (int c = 0; c < e->classes; c++)
        to[c] = end.probabilities ? (double)y[c] : fl_exp64((double)y[c] - top + minus_log_sum);
}

fl_status fl_explainer_predict(fl_explainer *e, const real *clip, double *logits, double *probabilities)
{
    if (fl_explainer_fold(e, !e->whole_g->exact)) return e->whole_g->error->status;
    fl_graph *g = e->g;
    const fl_demand forward = {.root = FL_NONE, .wrt = FL_NONE};
    if (!fl_graph_ok(g) || (!has_plan(e) && fl_explainer_plan(e, &forward))) return g->error->status;
    const int64_t count = fl_shape_count(fl_graph_shape(g, e->net.input)) / e->batch;
    memcpy(fl_graph_value(g, e->net.input), clip, (size_t)count * sizeof(real));
    fl_graph_forward(g);
    for (int c = 0; logits && c < e->classes; c++)
        logits[c] = e->net.logits == FL_NONE ? (double)NAN : (double)fl_explainer_row(e, e->net.logits, 0)[c];
    if (probabilities) predict_probabilities(e, probabilities);
    return FL_OK;
}
