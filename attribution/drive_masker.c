/* drive_masker.c: a network that was trained to mask (models/masker.h) says in one pass which part of the clip shows the class:
 * real-time image saliency (Dabkowski and Gal 2017, arXiv:1705.07857).
 *
 *   map[t,h,w] = mask of the features that the classifier has of the clip, asked for the class
 *
 * The classifier's own pass, which every explanation begins with, is the one pass; the masker only reads its features. */
#include "attribution/explainer.h"
#include "models/masker.h"

#include <string.h>

static fl_status check(const fl_run *r)
{
    fl_error *err = r->g->error;
    const char *name = r->method->name;
    if (!r->o.masker)
        return fl_error_set(err, FL_USAGE, "%s: needs a masking network that was trained for this one: footlight train --masker --model "
                            "NAME -o FILE, then --masker FILE", name);
    if (r->end.unit || (r->o.target.class_index != FL_CLASS_AUTO && r->o.target.last > r->o.target.class_index))
        return fl_error_set(err, FL_USAGE, "%s: a masker was trained for single classes: expected one of them as the target", name);
    return FL_OK;
}

/* The features become inputs: the masker stands alone behind them. */
static fl_masker build(const fl_run *r, fl_graph *g, int count, const fl_id *feature, fl_id *input)
{
    for (int k = 0; k < count; k++) {
        char name[16] = {'f', 'e', 'a', 't', 'u', 'r', 'e', (char)('0' + k), 0};
        fl_shape s = fl_graph_shape(r->g, feature[k]);
        s.n = 1;
        input[k] = fl_node_input(g, name, s);
    }
    return fl_masker_build(g, count, input, r->clip, r->e->classes);
}

static fl_status look(const fl_run *r, fl_arena *own)
{
    fl_id feature[FL_MASKER_FEATURES], input[FL_MASKER_FEATURES];
    const int count = fl_masker_features(r->g, r->e->net, feature);
    fl_graph *g = fl_graph_new(own);
    if (!count) return r->g->error->status;
    if (!g) return own->error->status;
    const fl_masker m = build(r, g, count, feature, input);
    if (!fl_graph_ok(g) || fl_graph_load(g, r->o.masker)) return own->error->status;
    if (fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_OUTPUTS, .out = &m.mask, .n_out = 1})) return own->error->status;
    for (int k = 0; k < count; k++) fl_graph_set(g, input[k], fl_explainer_row(r->e, feature[k], 0));
    fl_graph_value(g, m.target)[r->o.target.class_index] = 1;
    *fl_graph_value(g, m.confidence) = (real)r->o.confidence;
    fl_graph_forward(g);
    memcpy(r->map->data, fl_graph_value(g, m.mask), (size_t)fl_shape_count(r->map->shape) * sizeof(real));
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    fl_error error = {0};
    fl_arena own;
    if (check(r)) return r->g->error->status;
    fl_arena_init_beside(&own, r->g->arena);
    own.error = &error;
    fl_status status = look(r, &own);
    r->map->bytes = own.peak;
    if (error.status) status = fl_error_set(r->g->error, error.status, "%s: %s", r->method->name, error.message);
    fl_arena_free(&own);
    return status;
}

const fl_driver fl_drive_masker = {
    .name = "masker", .uses = {FL_READS(masker) | FL_READS(confidence)}, .run = run, .keeps_all = true
};
