/* test_models.c: the networks against reference numbers, and what must hold for every one of them.
 *
 * golden/tiny.json, tiny_output.npy, tiny_gradient.npy: PyTorch 1.13 on the reference definition of `tiny`, formula
 * parameters, formula clip, class 0 (the networks/tiny.* of the reference numbers). */
#include "autograd/gradcheck.h"
#include "io/json.h"
#include "io/npy.h"
#include "models/model.h"
#include "tensor/par.h"
#include "tests/formula.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

typedef struct rig {                 /* an arena, a graph on it, a network in it */
    fl_error error;
    fl_arena arena;
    fl_graph *g;
    fl_network net;
} rig;

static void rig_up(rig *r, const char *model, const fl_model_options *options)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    r->g = fl_graph_new(&r->arena);
    r->net = fl_model_build(r->g, fl_model_find(model), options);
}

static void rig_plan(rig *r, fl_keep keep)
{
    fl_graph_plan(r->g, &(fl_plan){.keep = keep, .out = &r->net.logits, .n_out = 1, .root = r->net.logits, .wrt = &r->net.input, .n_wrt = 1});
}

static const fl_json_value *read_json(fl_arena *a, const char *path)
{
    fl_bytes file;
    return fl_file_read(a, path, 1 << 20, &file) == FL_OK ? fl_json_parse(a, path, file.data, file.size) : NULL;
}

static double number(const fl_json_value *v, const char *key)
{
    const fl_json_value *x = fl_json_get(v, key);
    return x ? x->number : NAN;
}

/* sum, l2, min, max of one node against the file; errors are relative to the l2 norm (a sum may nearly cancel). */
static void check_statistics(const fl_graph *g, fl_id id, const fl_json_value *want, double tolerance)
{
    const fl_node *node = &g->node[id];
    const int64_t n = fl_shape_count(node->shape);
    real min, max;
    fl_min_max(node->value, n, &min, &max);
    const double l2 = number(want, "l2");
    CHECK_NEAR(fl_norm(node->value, n), l2, tolerance * l2);
    CHECK_NEAR(fl_sum(node->value, n), number(want, "sum"), tolerance * l2 * sqrt((double)n));
    CHECK_NEAR((double)min, number(want, "min"), tolerance * l2);
    CHECK_NEAR((double)max, number(want, "max"), tolerance * l2);
}

static void check_array(fl_arena *a, const char *path, fl_shape s, const real *got, double tolerance)
{
    fl_npy header;
    const real *want = fl_npy_read(a, path, &header);
    real *ours = FL_NEW(a, real, fl_shape_count(s));
    if (!CHECK_SAY(want && ours, "%s: %s", path, a->error->message)) return;
    CHECK(header.count == fl_shape_count(s));
    fl_to_file_order(s, got, ours);
    const double error = fl_relative_error(ours, want, header.count);
    CHECK_SAY(error <= tolerance, "%s: relative error %.3g, wanted <= %g", path, error, tolerance);
}

/* 1e-5 in float32; the float64 build meets the values, which PyTorch rounded to float32, within 1e-6. */
TEST(models_tiny_matches_pytorch)
{
    const double tolerance = sizeof(real) == 8 ? 1e-6 : 1e-5;
    rig r;
    rig_up(&r, "tiny", &(fl_model_options){.n = 1});
    rig_plan(&r, FL_KEEP_ALL);
    fl_model_fill_formula(r.g, 1);
    formula_clip("tiny", fl_graph_shape(r.g, r.net.input), fl_graph_value(r.g, r.net.input));
    fl_graph_forward(r.g);
    const real seed[5] = {1, 0, 0, 0, 0};
    fl_graph_backward(r.g, seed);
    if (CHECK_SAY(fl_graph_ok(r.g), "%s", r.error.message)) {
        check_array(&r.arena, "tests/golden/tiny_output.npy", fl_graph_shape(r.g, r.net.logits), fl_graph_value(r.g, r.net.logits), tolerance);
        check_array(&r.arena, "tests/golden/tiny_gradient.npy", fl_graph_shape(r.g, r.net.input), fl_graph_signal(r.g, r.net.input), tolerance);
        const fl_json_value *layers = fl_json_get(read_json(&r.arena, "tests/golden/tiny.json"), "layers");
        int compared = 0;
        for (const fl_json_value *v = layers ? layers->first : NULL; v; v = v->next, compared++) {
            fl_id id = fl_graph_find(r.g, v->key);
            if (CHECK_SAY(id != FL_NONE, "no node '%s'", v->key)) check_statistics(r.g, id, v, tolerance);
        }
        CHECK(compared == 11);
    }
    fl_arena_free(&r.arena);
}
