/* mask_recipes.c: the methods that search for a mask, one row each: parameters, act, terms and step as data (mask.h). */
#include "attribution/mask.h"
#include "attribution/rulesets.h"

#define GROWTH 1.0008668                 /* doubles a weight in 800 iterations */

/* The study's family (Li et al. 2021, arXiv:2109.00222): areas of every frame, of the clip, of the clip in one piece. */
#define STUDY .form = FL_FORM_DISCS, .selects = true, .pyramid = true, .start = 1, .reward = 1, .step = FL_STEP_SGD, .show = FL_SHOW_SUMMED

static const fl_mask_recipe table[FL_MASK_VARIANTS] = {
    [FL_MASK_EP_2D] = {STUDY, .term = {{FL_TERM_AREA_FRAMES, 300, GROWTH, 0}}},
    [FL_MASK_EP_3D] = {STUDY, .term = {{FL_TERM_AREA, 300, GROWTH, 0}}},
    [FL_MASK_STEP] = {STUDY, .term = {{FL_TERM_AREA, 300, GROWTH, 0}, {FL_TERM_CORE, 300, 1, 101}}},
    [FL_MASK_EXTREMAL] = {STUDY, .mirrors = true, .term = {{FL_TERM_AREA_FRAMES, 300, 1.0035, 0}}},

    /* The sums of the paper's 28 x 28 cells, as means: 1e-4 a cell are 0.0784. */
    [FL_MASK_MEANINGFUL] = {.form = FL_FORM_CELLS, .cells = 8, .smoothing = 5, .jitter = 4, .start = 0.5, .reward = 1,
                            .term = {{FL_TERM_SIZE, 0.0784, 1, 0}, {FL_TERM_VARIATION, 0.01, 1, 0}},
                            .step = FL_STEP_ADAM, .show = FL_SHOW_REST},
    [FL_MASK_MEANINGFUL_3D] = {.form = FL_FORM_CELLS, .cells = 8, .smoothing = 5, .jitter = 4, .start = 0.5, .reward = 1,
                               .term = {{FL_TERM_SIZE, 0.0784, 1, 0}, {FL_TERM_VARIATION_TIME, 0.01, 1, 0}},
                               .step = FL_STEP_ADAM, .show = FL_SHOW_REST},

    [FL_MASK_FREEZE] = {.form = FL_FORM_FRAMES, .act = FL_ACT_FREEZE, .selects = true, .reward = 1,
                        .term = {{FL_TERM_SUM, 0.01, 1, 0}, {FL_TERM_SWITCHES, 0.02, 1, 0}}, .step = FL_STEP_ADAM, .show = FL_SHOW_MASK},
    [FL_MASK_REVERSE] = {.form = FL_FORM_FRAMES, .act = FL_ACT_REVERSE, .selects = true, .reward = 1,
                         .term = {{FL_TERM_SUM, 0.01, 1, 0}, {FL_TERM_SWITCHES, 0.02, 1, 0}}, .step = FL_STEP_ADAM, .show = FL_SHOW_MASK},

    [FL_MASK_IGOS] = {.form = FL_FORM_SMOOTH_CELLS, .paths = FL_PATHS_DELETE, .cells = 28, .start = 1, .reward = 1,
                      .term = {{FL_TERM_SIZE, 1, 1, 0}, {FL_TERM_ROUGHNESS, 20, 1, 0}}, .step = FL_STEP_SEARCH, .show = FL_SHOW_REST},
    [FL_MASK_IGOS_PP] = {.form = FL_FORM_SMOOTH_CELLS, .paths = FL_PATHS_BOTH, .cells = 28, .start = 1, .reward = 0.5,
                         .term = {{FL_TERM_SIZE, 1, 1, 0}, {FL_TERM_ROUGHNESS, 10, 1, 0}, {FL_TERM_EDGES, 10, 1, 0}},
                         .step = FL_STEP_SEARCH, .show = FL_SHOW_REST},

    [FL_MASK_FGVIS] = {.form = FL_FORM_VALUES, .start = 1, .reward = 1, .term = {{FL_TERM_SUM, -1e-9, 1, 0}}, .step = FL_STEP_LARGEST,
                       .show = FL_SHOW_REST, .rules = &fl_rules_fgvis},
};

fl_mask_recipe fl_mask_recipe_of(int variant, bool published)
{
    fl_mask_recipe q = table[variant];
    if (!published) return q;
    if (variant == FL_MASK_EP_2D || variant == FL_MASK_EP_3D) {      /* the demo's weights: 100 to a constant 300 */
        q.reward = 100;
        q.term[0].growth = 1;
    }
    return q;
}
