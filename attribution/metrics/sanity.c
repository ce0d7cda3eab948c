/* sanity.c: maps of networks that forgot, of other clips, of clips in another order (sanity.h). */
#include "attribution/metrics/sanity.h"

#include "attribution/baseline.h"
#include "tensor/rng.h"

#include <math.h>
#include <string.h>

fl_status fl_sanity_map(const fl_sanity *s, const real *clip, real **map, double *probability)
{
    fl_map m;
    if (fl_explain(s->e, s->method, clip ? clip : s->clip, &s->options, s->arena, &m) != FL_OK) {
        const fl_error *e = s->g->error;
        return e == s->arena->error ? e->status : fl_error_set(s->arena->error, e->status, "%s", e->message);
    }
    *map = fl_map_reduce(&m, NULL, s->arena);
    if (probability) *probability = m.probability;
    return *map ? FL_OK : s->arena->error->status;
}

fl_status fl_sanity_begin(fl_sanity *s, fl_explainer *e, fl_graph *g, const fl_method *method, const fl_explain_options *options,
                          const fl_card_input *card, const real *clip, fl_arena *arena)
{
    fl_map m;
    *s = (fl_sanity){.e = e, .g = g, .method = method, .options = *options, .card = card, .clip = clip, .arena = arena};
    if (fl_explain(e, method, clip, options, arena, &m) != FL_OK) return g->error->status;
    s->options.target = m.options.target;
    s->shape = m.clip;
    s->probability = m.probability;
    s->map = fl_map_reduce(&m, NULL, arena);
    return s->map ? FL_OK : arena->error->status;
}

fl_likeness fl_sanity_alike(const fl_sanity *s, const real *a, const real *b)
{
    const fl_shape maps = {1, 1, s->shape.t, s->shape.h, s->shape.w};
    fl_likeness l;
    for (int i = 0; i < FL_AGREEMENTS; i++) l.of[i] = fl_agreement_table[i].measure(maps, a, b, s->arena);
    return l;
}

/* ---- weights ---- */

int fl_sanity_stage_end(int stage, int stages, int layers) { return (int)((int64_t)(stage + 1) * layers / stages) - 1; }

/* A constant map is like nothing: what is not defined counts as 0. */
static void add(fl_likeness *sum, const fl_likeness *l, int draws)
{
    for (int i = 0; i < FL_AGREEMENTS; i++) sum->of[i] += isnan(l->of[i]) ? 0 : l->of[i] / draws;
}

static fl_status one_stage(const fl_sanity *s, const fl_weight_layers *l, int first, int last, int draws, uint64_t seed, fl_likeness *to)
{
    memset(to, 0, sizeof *to);
    for (int d = 0; d < draws; d++) {
        const fl_mark mark = fl_arena_mark(s->arena);
        real *map;
        fl_weight_layers_forget(s->g, l, first, last, seed + (uint64_t)d);
        const fl_status status = fl_sanity_map(s, NULL, &map, NULL);
        if (status != FL_OK) return status;
        const fl_likeness alike = fl_sanity_alike(s, s->map, map);
        add(to, &alike, draws);
        fl_arena_release(s->arena, mark);
    }
    return FL_OK;
}

fl_status fl_sanity_weights(const fl_sanity *s, const fl_weight_layers *l, bool cascading, int stages, int draws, uint64_t seed,
                            fl_likeness *likeness)
{
    fl_bundle own;
    const fl_mark mark = fl_arena_mark(s->arena);
    fl_bundle_init(&own, s->arena);
    fl_status status = fl_graph_store(s->g, &own);
    for (int i = 0; i < stages && status == FL_OK; i++) {
        const int first = cascading || i == 0 ? 0 : fl_sanity_stage_end(i - 1, stages, l->count) + 1;
        status = one_stage(s, l, first, fl_sanity_stage_end(i, stages, l->count), draws, seed, &likeness[i]);
        if (status == FL_OK) status = fl_graph_load_found(s->g, &own);
    }
    fl_arena_release(s->arena, mark);
    return status;
}

/* ---- time ---- */

static const char *const orders[FL_TEMPORAL] = {"reversed", "shuffled", "frozen"};

/* The map's frames where the clip's frames were, of a clip whose frame t is frame from[t]. Of a frozen clip there is nothing to put
 * back: all frames come from the first. */
static void put_back(fl_shape s, const int *from, const real *map, real *to)
{
    const int64_t pixels = (int64_t)s.h * s.w;
    for (int t = 0; t < s.t; t++) memcpy(to + from[t] * pixels, map + t * pixels, (size_t)pixels * sizeof(real));
}

/* Which frame of the clip stands at t, read off a clip that is 0, 1, 2 .. in every value of a frame. */
static fl_status order_of(const fl_sanity *s, const char *name, int *from)
{
    const fl_shape one = {1, 1, s->shape.t, 1, 1};
    real *count = FL_NEW(s->arena, real, one.t), *moved = FL_NEW(s->arena, real, one.t);
    if (!count || !moved) return s->arena->error->status;
    for (int t = 0; t < one.t; t++) count[t] = (real)t;
    const fl_status status = fl_baseline_fill(name, one, count, NULL, 1, s->options.seed, moved, s->arena, s->arena->error);
    for (int t = 0; t < one.t; t++) from[t] = (int)moved[t];
    return status;
}

static fl_status in_order(const fl_sanity *s, const char *name, fl_temporal *out)
{
    const int64_t values = fl_shape_count(s->shape), voxels = fl_shape_pixels(s->shape);
    real *clip = FL_NEW(s->arena, real, values), *back = FL_NEW(s->arena, real, voxels), *map = NULL;
    int *from = FL_NEW(s->arena, int, s->shape.t);
    *out = (fl_temporal){.name = name, .importance = FL_NEW(s->arena, real, s->shape.t)};
    if (!clip || !back || !from || !out->importance || order_of(s, name, from) != FL_OK ||
        fl_baseline_fill(name, s->shape, s->clip, s->card, 1, s->options.seed, clip, s->arena, s->arena->error) != FL_OK ||
        fl_sanity_map(s, clip, &map, &out->probability) != FL_OK || !map)
        return s->arena->error->status;
    put_back(s->shape, from, map, back);
    out->to_map = fl_sanity_alike(s, s->map, map);
    out->followed = fl_sanity_alike(s, s->map, back);
    fl_frame_importance(s->shape.t, voxels / s->shape.t, map, out->importance);
    return FL_OK;
}

static fl_status frame_alone(const fl_sanity *s, int t, real *clip, double *classes, double *alone)
{
    const int64_t frame = fl_shape_count(s->shape) / s->shape.t;
    for (int i = 0; i < s->shape.t; i++) memcpy(clip + i * frame, s->clip + t * frame, (size_t)frame * sizeof(real));
    const fl_status status = fl_explainer_predict(s->e, clip, NULL, classes);
    *alone = classes[s->options.target.class_index];
    return status;
}

fl_status fl_sanity_time(const fl_sanity *s, fl_temporal out[FL_TEMPORAL], double *alone, real *importance)
{
    real *clip = FL_NEW(s->arena, real, fl_shape_count(s->shape));
    double *classes = FL_NEW(s->arena, double, fl_explainer_classes(s->e));
    if (!clip || !classes) return s->arena->error->status;
    for (int i = 0; i < FL_TEMPORAL; i++)
        if (in_order(s, orders[i], &out[i]) != FL_OK) return s->arena->error->status;
    for (int t = 0; t < s->shape.t; t++) {
        const fl_status status = frame_alone(s, t, clip, classes, &alone[t]);
        if (status != FL_OK) return status;
    }
    fl_frame_importance(s->shape.t, (int64_t)s->shape.h * s->shape.w, s->map, importance);
    return FL_OK;
}
