/* attribution_rig.h: what the tests of attribution/ share: a graph, an explainer on it, and an arena for maps. */
#ifndef FL_ATTRIBUTION_RIG_H
#define FL_ATTRIBUTION_RIG_H

#include "attribution/attribution.h"
#include "autograd/ops.h"
#include "models/masker.h"
#include "models/model.h"
#include "tests/formula.h"
#include "tests/test.h"

#include <string.h>

#define DEFAULTS  ((fl_explain_options){.steps = 0})
#define WITH(...) ((fl_explain_options){__VA_ARGS__})
#define IG        "integrated_gradients"

typedef struct fl_rig {
    fl_error error, result_error;
    fl_arena arena, results;
    fl_graph *g;
    fl_network net;
    fl_explainer *e;
    fl_map map;
} fl_rig;

static inline void rig_up(fl_rig *r, fl_shape input)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    fl_arena_init(&r->results, &r->result_error);
    r->g = fl_graph_new(&r->arena);
    r->net = fl_network_none;
    r->net.input = fl_node_input(r->g, "x", input);
}

static inline void rig_down(fl_rig *r)
{
    fl_arena_free(&r->results);
    fl_arena_free(&r->arena);
}

/* A parameter with values in file order. */
static inline fl_id rig_param(fl_rig *r, const char *name, fl_shape s, const double *values)
{
    fl_id id = fl_node_param(r->g, name, s);
    for (int n = 0, i = 0; n < s.n; n++)
        for (int c = 0; c < s.c; c++)
            for (int t = 0; t < s.t; t++)
                for (int h = 0; h < s.h; h++)
                    for (int w = 0; w < s.w; w++, i++)
                        fl_graph_value(r->g, id)[fl_at(s, n, c, t, h, w)] = (real)values[i];
    return id;
}

/* y = W x + b, W given row by row; bias may be NULL. */
static inline fl_id rig_linear(fl_rig *r, const char *name, fl_id x, int outputs, const double *w, const double *b)
{
    const size_t mark = fl_graph_enter(r->g, "%s", name);
    const int inputs = fl_graph_shape(r->g, x).c;
    const fl_id weight = rig_param(r, "w", fl_shape_vector(outputs, inputs), w);
    const fl_id bias = b ? rig_param(r, "b", fl_shape_vector(1, outputs), b) : FL_NONE;
    const fl_id y = fl_node_linear(r->g, "y", x, weight, bias);
    fl_graph_leave(r->g, mark);
    return y;
}

static inline void rig_ready(fl_rig *r, fl_id logits)
{
    r->net.logits = r->net.output = logits;
    r->e = fl_explainer_new(r->g, r->net, NULL);
    CHECK_SAY(r->e != NULL, "no explainer: %s", r->error.message);
}

/* An untrained masking network of the rig's network, in its arena of results; NULL without a layer to read. */
static inline const fl_bundle *rig_masker(fl_rig *r)
{
    fl_id feature[FL_MASKER_FEATURES], input[FL_MASKER_FEATURES];
    fl_bundle *b = FL_NEW(&r->results, fl_bundle, 1);
    fl_graph *g = fl_graph_new(&r->results);
    const int count = fl_masker_features(r->g, r->net, feature);
    fl_shape clip = fl_graph_shape(r->g, r->net.input);
    clip.n = 1;
    for (int k = 0; k < count; k++) {
        fl_shape s = fl_graph_shape(r->g, feature[k]);
        s.n = 1;
        input[k] = fl_node_input(g, (const char *const[]){"f0", "f1", "f2", "f3"}[k], s);
    }
    if (!count) return NULL;
    fl_masker_build(g, count, input, clip, fl_graph_shape(r->g, r->net.logits).c);
    fl_model_fill_random(g, 1);
    fl_bundle_init(b, &r->results);
    return fl_graph_store(g, b) == FL_OK ? b : NULL;
}

/* The map of a method; NULL and a failed check when it does not come. */
static inline const real *rig_explain(fl_rig *r, const char *method, const real *x, fl_explain_options o)
{
    const fl_method *m = fl_method_find(method);
    if (fl_method_uses(m) & FL_READS(masker) && !o.masker) o.masker = rig_masker(r);
    const fl_status status = fl_explain(r->e, m, x, &o, &r->results, &r->map);
    CHECK_SAY(status == FL_OK, "%s: %s", method, r->error.message);
    return r->map.data;
}

static inline void check_values(const char *what, const real *got, const double *want, int n, double tolerance)
{
    for (int i = 0; got && i < n; i++)
        CHECK_SAY(fabs((double)got[i] - want[i]) <= tolerance, "%s[%d] = %.17g, wanted %.17g within %g", what, i,
                  (double)got[i], want[i], tolerance);
}

/* 2 x1 + x2, (2 x1 + x2)^2, 2 x1^2 + x2^2. */
typedef enum quadratic { LINEAR, DEPENDENT, INDEPENDENT } quadratic;

static inline void rig_quadratic(fl_rig *r, quadratic which)
{
    rig_up(r, fl_shape_vector(1, 2));
    const fl_id x = r->net.input, squares = which == INDEPENDENT ? fl_node_mul(r->g, "squares", x, x) : x;
    const fl_id sum = rig_linear(r, "sum", squares, 1, (const double[]){2, 1}, NULL);
    rig_ready(r, which == DEPENDENT ? fl_node_mul(r->g, "square", sum, sum) : sum);
}

#define V(...) ((const real[]){__VA_ARGS__})

/* The map of a method equals these numbers. */
#define GIVES(r, method, x, o, tolerance, ...)                                                                    \
    do {                                                                                                          \
        const double want_[] = {__VA_ARGS__};                                                                     \
        check_values(method, rig_explain(r, method, x, o), want_, (int)(sizeof want_ / sizeof *want_), tolerance); \
    } while (0)
#define CLASS(c, ...) WITH(.target = {.class_index = c}, __VA_ARGS__)

/* A network of the house with formula weights, and a clip of its size in r->results. */
static inline bool rig_network(fl_rig *r, const char *name, const fl_model_options *o, real **clip)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    fl_arena_init(&r->results, &r->result_error);
    r->g = fl_graph_new(&r->arena);
    const fl_model *m = fl_model_find(name);
    r->net = fl_model_build(r->g, m, o);
    fl_model_fill_formula(r->g, m->gamma);
    r->e = fl_explainer_new(r->g, r->net, &m->input);
    if (!CHECK_SAY(r->e != NULL, "%s: %s", name, r->error.message)) return false;
    *clip = FL_NEW(&r->results, real, fl_shape_count(fl_graph_shape(r->g, r->net.input)));
    formula_clip(name, fl_graph_shape(r->g, r->net.input), *clip);
    return true;
}

#endif
