/* check_identities.c: what must be equal whatever the weights are, of the networks for which it must.
 *
 *   all networks         norms folded: the same output; signals are linear in their seed (guided and deconvnet: homogeneous);
 *                        SmoothGrad without noise = gradient; DeepLIFT from the clip to itself = 0; LRP with bias factor 1 keeps all
 *   ReLUs and maxima     LRP-0 = gradient x input, biases and all
 *   ... biases taken out gradient x input = integrated gradients = DeepLIFT = LRP-0, element by element, and sums to the score
 *   ... no sums          deep Taylor is not negative
 *   averages at the end  Grad-CAM and HiResCAM = CAM, but for a factor */
#include "attribution/checker.h"

#include <math.h>
#include <string.h>

static const char GROUP[] = "identities";
static double choose(double f32, double f64) { return FL_REAL_EPSILON > 1e-10 ? f32 : f64; }

/* ---- which networks ---- */

static bool is_piece(const fl_node *node)
{
    return node->op->flags & (FL_LINEAR | FL_STOP) || node->op->kind == FL_OP_relu || node->op->kind == FL_OP_maxpool;
}

/* NULL, or the first node between the input and the logits that is neither linear nor a switch. */
static const char *not_piecewise(const fl_checker *c, bool sums_too)
{
    const fl_graph *g = c->e->g;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (!g->carries[i] || node->role != FL_COMPUTED) continue;
        if (!is_piece(node) || (sums_too && node->op->kind == FL_OP_add))
            return fl_arena_text(c->arena, "node '%s' (%s): this is for networks of weights, ReLUs and maxima%s",
                                 node->name, node->op->name, sums_too ? ", without sums of branches" : "");
    }
    return NULL;
}

static bool is_score(const fl_checker *c) { return c->target.score == FL_SCORE_LOGIT; }

/* ---- comparing maps ---- */

/* DeepLIFT has its own say about norms, so they stay layers: folded, sums round otherwise, and a few switches fall the other way. */
static const fl_explain_options plain = {.seed = 1}, as_layers = {.seed = 1, .unfolded = true};

static void compare(fl_checker *c, const char *name, const real *got, const real *want, int64_t n, double bound, const char *from)
{
    if (!got || !want) return;
    fl_report_figure(c, (fl_finding){.group = GROUP, .name = name, .figure = fl_relative_l2(got, want, n), .bound = bound, .compared = n,
                                     .unit = "values, relative L2", .bound_from = from});
}

static void check_fold(fl_checker *c)
{
    static const char name[] = "norms folded into weights: the same output";
    const int classes = c->e->classes;
    real *whole = FL_NEW(c->arena, real, classes), *folded = FL_NEW(c->arena, real, classes);
    fl_map m;
    if (!whole || !folded || fl_explainer_fold(c->e, true)) return;
    if (!c->e->fold->count) {
        fl_report_skipped(c, GROUP, name, "there are no norms to fold");
        return;
    }
    for (int pass = 0; pass < 2; pass++) {
        const fl_explain_options o = {.unfolded = pass == 0};
        if (!fl_checker_map(c, GROUP, name, "lrp_zplus", o, &m)) return;
        memcpy(fl_graph_value(c->e->g, c->e->net.input), c->clip, (size_t)c->voxels * sizeof(real));
        fl_graph_forward(c->e->g);
        memcpy(pass ? folded : whole, fl_explainer_row(c->e, c->e->g->root, 0), (size_t)classes * sizeof(real));
    }
    compare(c, name, folded, whole, classes, choose(1e-4, 1e-11), "rounding through all layers");
}

static void check_smoothgrad(fl_checker *c)
{
    static const char name[] = "SmoothGrad without noise = gradient";
    fl_map m;
    const real *g = fl_checker_map(c, GROUP, name, "gradient", plain, &m);
    const real *s = fl_checker_map(c, GROUP, name, "smoothgrad",
                                   (fl_explain_options){.samples = 3, .noise = 0, .meant = FL_READS(noise), .seed = 1}, &m);
    compare(c, name, s, g, c->voxels, choose(1e-6, 1e-15), "one rounding of a mean of equal values");
}

static void check_deeplift_of_nothing(fl_checker *c)
{
    static const char name[] = "DeepLIFT from the clip to itself = 0";
    fl_map m;
    const real *a = fl_checker_map(c, GROUP, name, "deeplift", (fl_explain_options){.baseline_clip = c->clip}, &m);
    double most = 0;
    for (int64_t i = 0; a && i < c->voxels; i++) most = fmax(most, fabs((double)a[i]));
    if (a)
        fl_report_figure(c, (fl_finding){.group = GROUP, .name = name, .figure = most, .compared = c->voxels, .unit = "values, largest",
                                         .bound_from = "differences of equal numbers"});
}

/* Of the nodes that share with bias factor 1; what leaves towards constants (first states, what a shift drops) is not theirs. */
static void check_bias_factor(fl_checker *c)
{
    static const char name[] = "LRP with bias factor 1: no node keeps anything";
    fl_map m;
    if (fl_explainer_fold(c->e, true)) return;
    fl_checker_audit(c->e, true);
    const real *map = fl_checker_map(c, GROUP, name, "lrp_lstm_conserving", plain, &m);
    fl_checker_audit(c->e, false);
    if (!map) return;
    const fl_graph *g = c->e->g;
    double worst = 0;
    const char *where = "";
    int nodes = 0;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_rule *rule = g->carries[i] ? fl_graph_rule(g, i) : NULL;
        bool all = rule && rule->spread;
        for (int k = 0; all && k < (g->node[i].op->flags & FL_WEIGHTED ? 1 : g->node[i].n_in); k++) all = g->carries[g->node[i].in[k]];
        if (!all) continue;
        const fl_ledger l = fl_graph_ledger(g, i);
        const double kept = fabs(l.arrived - l.handed_on) / fmax(l.size, 1e-30);
        nodes++;
        if (kept > worst || isnan(kept)) worst = kept, where = g->node[i].name;
    }
    fl_report_figure(c, (fl_finding){.group = GROUP, .name = name, .figure = worst, .bound = choose(1e-4, 1e-10),
                                     .compared = nodes, .unit = "nodes, kept part", .where = where,
                                     .bound_from = "rounding, over the sizes that were summed"});
}

/* ---- networks of pieces ---- */

static void check_lrp_zero(fl_checker *c)
{
    static const char name[] = "LRP-0 = gradient x input, with biases";
    fl_map m;
    const real *g = fl_checker_map(c, GROUP, name, "gradient_x_input", plain, &m);
    const char *why = is_score(c) ? not_piecewise(c, false) : "the score is no logit";
    if (!g) return;
    if (why) {
        fl_report_skipped(c, GROUP, name, why);
        return;
    }
    compare(c, name, fl_checker_map(c, GROUP, name, "lrp_zero", plain, &m), g, c->voxels, choose(1e-2, 1e-8),
            "relevance over sums that are nearly 0: rounding as a part of the smallest sums");
}

static void check_deep_taylor(fl_checker *c)
{
    static const char name[] = "deep Taylor is not negative";
    fl_map m;
    const real *a = fl_checker_map(c, GROUP, name, "deep_taylor_unbounded", plain, &m);
    const char *why = not_piecewise(c, true);
    double low = 0, high = 1e-30;
    if (!a) return;
    if (why) {
        fl_report_skipped(c, GROUP, name, why);
        return;
    }
    for (int64_t i = 0; i < c->voxels; i++) low = fmin(low, (double)a[i]), high = fmax(high, (double)a[i]);
    fl_report_figure(c, (fl_finding){.group = GROUP, .name = name, .figure = -low / high, .compared = c->voxels,
                                     .unit = "values, least over largest", .bound_from = "products of what is not negative"});
}

/* ---- without biases ---- */

/* Biases of weights; shifts and means of norms. */
static bool is_offset(const fl_graph *g, fl_id leaf)
{
    for (fl_id i = leaf + 1; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        for (int k = 2; k < node->n_in && k < 4; k++)
            if (node->in[k] == leaf && (node->op->flags & FL_WEIGHTED || node->op->kind == FL_OP_batchnorm)) return true;
    }
    return false;
}

typedef struct offsets { real **kept; fl_graph *g; } offsets;

/* Takes them out (into o), or puts them back. */
static bool move_offsets(fl_checker *c, offsets *o, bool out)
{
    fl_graph *g = o->g = c->e->whole_g;
    if (out && !(o->kept = FL_NEW(c->arena, real *, g->count))) return false;
    for (fl_id i = 0; i < g->count; i++) {
        const size_t bytes = (size_t)fl_shape_count(g->node[i].shape) * sizeof(real);
        if (out && g->node[i].role != FL_COMPUTED && is_offset(g, i)) {
            o->kept[i] = FL_NEW(c->arena, real, fl_shape_count(g->node[i].shape));
            if (!o->kept[i]) return false;
            memcpy(o->kept[i], g->node[i].value, bytes);
            memset(g->node[i].value, 0, bytes);
        } else if (!out && o->kept[i]) {
            memcpy(g->node[i].value, o->kept[i], bytes);
        }
    }
    fl_graph_touch(g);
    return true;
}

static void compare_four(fl_checker *c)
{
    static const char *const name[] = {"biases taken out: sum of gradient x input = score",
                                       "biases taken out: integrated gradients = gradient x input",
                                       "biases taken out: DeepLIFT = gradient x input",
                                       "biases taken out: LRP-0 = gradient x input"};
    fl_map m;
    const real *g = fl_checker_map(c, GROUP, name[0], "gradient_x_input", plain, &m);
    if (!g) return;
    double sum = 0, all = 0;
    for (int64_t i = 0; i < c->voxels; i++) sum += (double)g[i], all += fabs((double)g[i]);
    fl_report_figure(c, (fl_finding){.group = GROUP, .name = name[0], .figure = fabs(sum - m.score) / fmax(fabs(m.score), 0.01 * all),
                                     .bound = choose(1e-4, 1e-11), .compared = c->voxels, .unit = "values",
                                     .bound_from = "rounding through all layers"});
    const fl_explain_options ig = {.steps = 2, .rule = FL_QUADRATURE_GAUSS_LEGENDRE, .baseline = "zero"}, zero = {.baseline = "zero"};
    compare(c, name[1], fl_checker_map(c, GROUP, name[1], "integrated_gradients", ig, &m), g, c->voxels, choose(1e-3, 1e-10),
            "rounding, and switches that it turns");
    const real *lift = fl_checker_map(c, GROUP, name[2], "deeplift", zero, &m);
    compare(c, name[2], lift, fl_checker_map(c, GROUP, name[2], "gradient_x_input", as_layers, &m), c->voxels, choose(1e-3, 1e-6),
            "slopes over differences below 1e-7 are taken in the middle");
    compare(c, name[3], fl_checker_map(c, GROUP, name[3], "lrp_zero", plain, &m), g, c->voxels, choose(1e-2, 1e-8),
            "relevance over sums that are nearly 0: rounding as a part of the smallest sums");
}

static void check_four_ways(fl_checker *c)
{
    static const char name[] = "biases taken out: four methods agree";
    fl_map m;
    offsets o = {0};
    if (!fl_checker_map(c, GROUP, name, "gradient_x_input", plain, &m)) return;
    const char *why = is_score(c) ? not_piecewise(c, false) : "the score is no logit";
    if (why) {
        fl_report_skipped(c, GROUP, name, why);
        return;
    }
    if (move_offsets(c, &o, true)) compare_four(c);
    if (o.kept) move_offsets(c, &o, false);
}

/* ---- CAM ---- */

/* 1 - cosine */
static double angle(const real *a, const real *b, int64_t n)
{
    const double both = fl_norm(a, n) * fl_norm(b, n);
    return both > 0 ? fabs(1 - fl_dot(a, b, n) / both) : 0;
}

static void check_cam(fl_checker *c)
{
    static const char *const name[] = {"Grad-CAM = CAM, but for a factor", "HiResCAM = CAM, but for a factor"};
    const fl_explain_options o = {.signed_cam = true};
    fl_map m;
    const real *cam = fl_checker_map(c, GROUP, name[0], "cam", plain, &m);
    const real *other[2] = {cam ? fl_checker_map(c, GROUP, name[0], "grad_cam", o, &m) : NULL,
                            cam ? fl_checker_map(c, GROUP, name[1], "hires_cam", plain, &m) : NULL};
    for (int i = 0; i < 2 && cam; i++)
        if (other[i])
            fl_report_figure(c, (fl_finding){.group = GROUP, .name = name[i], .figure = angle(other[i], cam, fl_shape_count(m.shape)),
                                             .bound = choose(1e-6, 1e-13), .compared = fl_shape_count(m.shape),
                                             .unit = "values, 1 - cosine", .bound_from = "rounding"});
}

/* ---- seeds ---- */

/* The signal at the input, or at the layer that the method reads, of a seed, in the plan that the map has left. */
static real *signal_of(fl_checker *c, const real *seed)
{
    fl_graph *g = c->e->g;
    const int64_t n = fl_shape_count(fl_graph_shape(g, c->e->demand.wrt));
    real *to = FL_NEW(c->arena, real, n);
    if (!to) return NULL;
    memcpy(fl_graph_value(g, c->e->net.input), c->clip, (size_t)c->voxels * sizeof(real));
    fl_graph_forward(g);
    fl_graph_backward(g, seed);
    memcpy(to, fl_graph_signal(g, c->e->demand.wrt), (size_t)n * sizeof *to);
    return to;
}

/* f(a + 2b) = f(a) + 2 f(b); where rules look at the sign of signals only f(2a) = 2 f(a), which is then exact. */
static void check_linear(fl_checker *c, const char *method, bool homogeneous)
{
    const fl_mark mark = fl_arena_mark(c->arena);
    const char *name = fl_arena_text(c->arena, "%s: signals are %s their seed", method, homogeneous ? "as large as" : "linear in");
    fl_map m;
    if (fl_checker_map(c, GROUP, name, method, plain, &m)) {
        const int64_t n = fl_shape_count(fl_graph_shape(c->e->g, c->e->g->root));
        const int64_t k = fl_shape_count(fl_graph_shape(c->e->g, c->e->demand.wrt));
        real *a = FL_NEW(c->arena, real, n), *b = FL_NEW(c->arena, real, n), *both = FL_NEW(c->arena, real, n);
        if (a && b && both) {
            fl_rng_fill_normal(21, 0, 0, a, n);
            fl_rng_fill_normal(21, 1, 0, b, n);
            for (int64_t i = 0; i < n; i++) both[i] = homogeneous ? 2 * a[i] : a[i] + 2 * b[i];
            real *fa = signal_of(c, a), *fb = homogeneous ? fa : signal_of(c, b), *got = signal_of(c, both);
            for (int64_t i = 0; fa && fb && i < k; i++) fa[i] = homogeneous ? 2 * fa[i] : fa[i] + 2 * fb[i];
            compare(c, name, got, fb ? fa : NULL, k, homogeneous ? 0 : choose(1e-4, 1e-12),
                    homogeneous ? "powers of two are exact" : "rounding");
        }
    }
    fl_arena_release(c->arena, mark);
}

fl_status fl_check_identities(fl_checker *c)
{
    static void (*const each[])(fl_checker *) = {check_fold, check_smoothgrad, check_deeplift_of_nothing, check_bias_factor,
                                                 check_lrp_zero, check_four_ways, check_deep_taylor, check_cam};
    static const struct { const char *method; bool homogeneous; } seeds[] = {
        {"lrp_epsilon_plus", false}, {"lrp_alpha2_beta1", false}, {"lrp_gamma", false}, {"excitation", false}, {"deeplift", false},
        {"guided_backprop", true}, {"deconvnet", true}};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        const fl_mark mark = fl_arena_mark(c->arena);
        each[i](c);
        fl_arena_release(c->arena, mark);
        if (c->e->g->error->status || c->arena->error->status) return FL_FAILED;
    }
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        check_linear(c, seeds[i].method, seeds[i].homogeneous);
        if (c->e->g->error->status || c->arena->error->status) return FL_FAILED;
    }
    return FL_OK;
}
