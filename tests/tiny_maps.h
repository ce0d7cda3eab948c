/* tiny_maps.h: which method, told what, makes which reference array on the network `tiny` (class 0, formula weights, formula clip).
 * Captum 0.8, zennit 0.5.1, TorchRay 1.0 and definitions made them, in float32.
 * In the first arrays of LRP norms are layers of their own. */
#ifndef FL_TINY_MAPS_H
#define FL_TINY_MAPS_H

#include "attribution/rulesets.h"
#include "tests/attribution_rig.h"

enum { TINY_CLIP = 3 * 8 * 24 * 24 };
static const fl_shape TINY_SHAPE = {1, 3, 8, 24, 24};

typedef struct tiny_map { const char *array, *method; fl_explain_options o; double tolerance; } tiny_map;

/* One of the 50 Gauss-Legendre points lies within 1e-7 of a kink: there float32 and float64 stand on different sides, and one part in
 * fifty of one unit's gradient changes, 1.2e-4 of the map. Moving the clip by 1e-7 makes the float64 map jump by that amount; moving it
 * by 1e-9 does not. Occlusion differences cancel: the score has some ten units, and a window moves it by thousandths. */
#define BESIDE_A_KINK (FL_REAL_EPSILON < 1e-10 ? 1.3e-4 : 2e-6)
#define LOGIT_OF_0    .target = {.class_index = 0, .score = FL_SCORE_LOGIT}

static const tiny_map tiny_maps[] = {
    {"gradient", "gradient", {.steps = 0}, 2e-6},
    {"input_x_gradient", "gradient_x_input", {.steps = 0}, 2e-6},
    {"ig_gausslegendre_50", "integrated_gradients", {.steps = 0}, BESIDE_A_KINK},
    {"ig_riemann_middle_25", "integrated_gradients", {.steps = 25, .rule = FL_QUADRATURE_MIDDLE}, 2e-6},
    {"ig_riemann_left_25", "integrated_gradients", {.steps = 25, .rule = FL_QUADRATURE_LEFT}, 2e-6},
    {"gradcam_relus2_raw", "grad_cam", {.signed_cam = true}, 2e-6},
    {"occlusion_2x6x6_s2x6x6", "occlusion", {LOGIT_OF_0, .window = "2,6,6", .stride = "2,6,6"}, 3e-5},
    {"occlusion_3x8x8_s1x4x4", "occlusion", {LOGIT_OF_0, .window = "3,8,8", .stride = "1,4,4"}, 3e-5},
    {"shapley_exact_8_segments", "shapley_exact", {LOGIT_OF_0}, 2e-6},
    {"shapley_exact_8_segments", "kernel_shap", {LOGIT_OF_0, .cell = "4,12,12"}, 2e-6},
    {"guided_backprop", "guided_backprop", {.steps = 0}, 2e-6},
    {"deconvnet", "deconvnet", {.steps = 0}, 2e-6},
    {"deeplift_rescale", "deeplift", {.rules = &fl_rules_deeplift_pools_by_gradient}, 2e-6},
    {"lrp_epsilon_plus", "lrp_epsilon_plus", {.unfolded = true}, 2e-6},
    {"lrp_epsilon_plus_flat", "lrp_epsilon_plus_flat", {.unfolded = true}, 2e-6},
    {"lrp_epsilon_alpha2_beta1", "lrp_epsilon_alpha2_beta1", {.unfolded = true}, 2e-6},
    {"lrp_epsilon_gamma_box", "lrp_epsilon_gamma_box", {.unfolded = true, .lowest = -3, .highest = 3}, 2e-6},
    {"lrp_epsilon_all", "lrp_epsilon", {.unfolded = true}, 2e-6},
    {"folded_lrp_epsilon_plus_flat", "lrp_epsilon_plus_flat", {.steps = 0}, 2e-6},
    {"folded_lrp_epsilon_gamma_box", "lrp_epsilon_gamma_box", {.lowest = -3, .highest = 3}, 2e-6},
    {"folded_lrp_alpha2_beta1", "lrp_epsilon_alpha2_beta1", {.steps = 0}, 2e-6},
    {"folded_excitation_zennit", "lrp_excitation", {.steps = 0}, 2e-6},
    {"ebp_at_relus2_sum", "excitation", {.unfolded = true}, 2e-6}};
enum { TINY_MAPS = sizeof tiny_maps / sizeof *tiny_maps };

static inline bool tiny_up(fl_rig *r, int batch)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    fl_arena_init(&r->results, &r->result_error);
    r->g = fl_graph_new(&r->arena);
    const fl_model *m = fl_model_find("tiny");
    r->net = fl_model_build(r->g, m, &(fl_model_options){.n = batch});
    fl_model_fill_formula(r->g, m->gamma);
    r->e = fl_explainer_new(r->g, r->net, &m->input);
    return CHECK_SAY(r->e != NULL, "%s", r->error.message);
}

/* Of sets of segments: one value per segment, the corners of the eight blocks. */
static inline fl_shape tiny_values(const fl_rig *r, const real *map, real corner[8], const real **values)
{
    *values = map;
    if (!r->map.segments || !map) return r->map.shape;
    for (int k = 0; k < 8; k++) corner[k] = map[fl_at(TINY_SHAPE, 0, 0, k / 4 * 4, k / 2 % 2 * 12, k % 2 * 12)];
    *values = corner;
    return fl_shape_vector(1, 8);
}

#endif
