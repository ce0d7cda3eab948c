/* test_attribution_fold.c: explanations of networks whose norms are folded are those of the network as it was built. */
#include "attribution/explainer.h"
#include "tests/formula.h"
#include "tests/model_rig.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

#ifdef FL_F64
#define FOLDED_BOUND 1e-9
#else
#define FOLDED_BOUND 2e-4
#endif

typedef struct folded_rig { rig r; fl_error error; fl_arena results; fl_explainer *e; real *clip; } folded_rig;

static void folded_up(folded_rig *f, const char *model)
{
    memset(f, 0, sizeof *f);
    rig_up(&f->r, model, &SMALL);
    fl_arena_init(&f->results, &f->error);
    fl_model_fill_formula(f->r.g, fl_model_find(model)->gamma);
    const int64_t voxels = fl_shape_count(fl_graph_shape(f->r.g, f->r.net.input));
    f->clip = FL_NEW(&f->results, real, voxels);
    formula_clip(model, fl_graph_shape(f->r.g, f->r.net.input), f->clip);
    f->e = fl_explainer_new(f->r.g, f->r.net, &fl_model_find(model)->input);
    CHECK_SAY(f->e != NULL, "%s: %s", model, f->r.error.message);
}

static void folded_down(folded_rig *f)
{
    fl_arena_free(&f->r.arena);
    fl_arena_free(&f->results);
}

static void check_method(folded_rig *f, const char *method, fl_explain_options o)
{
    fl_map folded = {0}, whole = {0};
    const fl_method *m = fl_method_find(method);
    o.steps = 3, o.samples = 3;
    fl_status status = fl_explain(f->e, m, f->clip, &o, &f->results, &folded);
    const fl_graph *used = f->e->g;
    o.unfolded = true;
    if (status == FL_OK) status = fl_explain(f->e, m, f->clip, &o, &f->results, &whole);
    if (!CHECK_SAY(status == FL_OK, "%s: %s", method, f->r.error.message)) return;
    CHECK(used != f->e->whole_g && f->e->g == f->e->whole_g);
    const int64_t n = fl_shape_count(whole.shape);
    if (!CHECK(folded.data && whole.data)) return;
    const double off = fl_relative_error(folded.data, whole.data, n);
    CHECK_SAY(off <= FOLDED_BOUND && fl_norm(whole.data, n) > 0, "%s: folding changes the map by %g", method, off);
    CHECK_NEAR(folded.score, whole.score, FOLDED_BOUND * (1 + fabs(whole.score)));
}

TEST(attribution_fold_changes_maps_by_rounding_only)
{
    static const char *const methods[] = {"gradient", "integrated_gradients", "smoothgrad", "grad_cam", "score_cam"};
    folded_rig f;
    folded_up(&f, "r2plus1d_small");
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) check_method(&f, methods[i], (fl_explain_options){.steps = 0});
    folded_down(&f);
}

/* A convolution whose norm went into it is no node of the folded graph, and a layer all the same. */
TEST(attribution_fold_keeps_the_names_of_layers)
{
    folded_rig f;
    fl_map map = {0};
    folded_up(&f, "r2plus1d_small");
    const fl_graph *g = f.e->whole_g;
    const char *norm = NULL, *conv = NULL;
    for (fl_id i = 0; i < g->count; i++)
        if (g->node[i].op->kind == FL_OP_batchnorm) norm = g->node[i].name, conv = g->node[g->node[i].in[0]].name;
    CHECK(norm && conv);
    if (norm && conv) {
        check_method(&f, "grad_cam", (fl_explain_options){.layer = norm});
        CHECK(fl_explain(f.e, fl_method_find("grad_cam"), f.clip, &(fl_explain_options){.layer = conv}, &f.results, &map) == FL_OK);
        CHECK(f.e->g == f.e->whole_g && map.options.layer && strcmp(map.options.layer, conv) == 0);
        CHECK(fl_explain(f.e, fl_method_find("gradient"), f.clip, NULL, &f.results, &map) == FL_OK && f.e->g != f.e->whole_g);
    }
    folded_down(&f);
}
