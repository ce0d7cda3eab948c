/* attribution.h: which parts of the clip made the network say that.
 *
 *     fl_explainer *e = fl_explainer_new(graph, net, &model->input);          once per network
 *     fl_map map;
 *     fl_explain(e, fl_method_find("integrated_gradients"), clip,
 *                &(fl_explain_options){.target = {.class_index = 3}, .steps = 25}, &results, &map);
 *     real *drawn = fl_map_reduce(&map, NULL, &results);                      one value per voxel, T,H,W
 *
 * A method is a row of methods.def; a driver is one shape of computation (drive_*.c). Steps and samples are summed as
 * they come, in double and in their order: memory does not grow with their number, and a graph built for n clips
 * runs n of them per pass with the same bits as one by one. Every ..._name is a list by value that ends with NULL. */
#ifndef FL_ATTRIBUTION_H
#define FL_ATTRIBUTION_H

#include "attribution/quadrature.h"
#include "attribution/state.h"
#include "models/model.h"

/* ---- what is explained ---- */

enum { FL_CLASS_AUTO = -1 };             /* the class with the highest score at the clip itself; fixed there once */

typedef enum fl_score {                  /* z: logits, p = softmax(z) */
    FL_SCORE_DEFAULT,                    /* the logit; the probability where a network has no logits */
    FL_SCORE_LOGIT,                      /* z_c */
    FL_SCORE_PROBABILITY,                /* p_c: as the study does; its gradient vanishes where p_c is near 0 or 1 */
    FL_SCORE_LOG_PROBABILITY,            /* log p_c */
    FL_SCORE_MARGIN                      /* z_c - z_other: why this and not that */
} fl_score;
extern const char *const fl_score_name[];

typedef struct fl_target {
    int class_index;                     /* or FL_CLASS_AUTO */
    fl_score score;
    int other;                           /* margin: a class, or FL_CLASS_AUTO: the strongest other one at the clip */
    int last;                            /* above class_index: the mean over classes class_index .. last (frames of a summary) */
    const char *node;                    /* instead: a unit of any node; score default or logit, and class_index only names the class */
    int unit[4];                         /* c,t,h,w of it; t, h and w of -1: the mean over them */
} fl_target;

/* ---- options: 0 or NULL takes the method's default ---- */

typedef enum fl_cam_pooling { FL_CAM_DEFAULT, FL_CAM_GLOBAL, FL_CAM_PER_FRAME } fl_cam_pooling;
extern const char *const fl_cam_pooling_name[];

typedef enum fl_upsample {               /* how a layer's map becomes T,H,W; input maps have that size already */
    FL_UPSAMPLE_DEFAULT, FL_UPSAMPLE_BILINEAR, FL_UPSAMPLE_NEAREST, FL_UPSAMPLE_TRILINEAR
} fl_upsample;                           /* bilinear: in H,W, nearest in T: no value moves to another frame */
extern const char *const fl_upsample_name[];

typedef enum fl_hide { FL_HIDE_DEFAULT, FL_HIDE_BASELINE, FL_HIDE_MEAN_COLOUR } fl_hide;      /* what a hidden segment shows */
extern const char *const fl_hide_name[];

typedef enum fl_goal { FL_GOAL_DEFAULT, FL_GOAL_PRESERVE, FL_GOAL_DELETE, FL_GOAL_DUAL } fl_goal;
extern const char *const fl_goal_name[];

typedef enum fl_core_shape { FL_CORE_DEFAULT, FL_CORE_ELLIPSOID, FL_CORE_CYLINDER } fl_core_shape;
extern const char *const fl_core_shape_name[];

extern const char *const fl_baseline_name[];         /* zero black white mean blur noise frozen reversed ... */
extern const char *const fl_baseline_doc[];          /* what each one is */

typedef struct fl_explain_options {      /* NOLINT(clang-analyzer-optin.performance.Padding): in the order of options.def */
    fl_target target;

    /* What options.def lists: steps, rule, baseline, samples, noise, layer ... */
#define FL_INT(field, name, value, least, most, help) int field;
#define FL_REAL(field, name, value, least, most, help) double field;
#define FL_FLAG(field, name, help) bool field;
#define FL_TEXT(field, name, value, help) const char *field;
#define FL_WORD(field, name, value, list, help) const char *field;
#define FL_WORDS(field, name, value, list, help) const char *field;
#define FL_CHOICE(field, name, value, type, list, help) type field;
#include "attribution/options.def"
    uint64_t meant;                      /* bits FL_READS(field) of options whose 0 is meant, and no call for the default */

    uint64_t seed;                       /* of noise, of masks, and of the baselines that draw */
    const real *baseline_clip;           /* the baseline "clip": the caller's, shaped like the input; alone unless a list names it */
    const fl_ruleset *rules;             /* of methods that have some; borrowed as long as the explainer is used */
    const fl_bundle *masker;             /* weights of a masking network (models/masker.h), for methods that ask one; borrowed */
    const char *masker_name;             /* of it, for results */

    /* Called after every pass with the number of clips done and to do. Returning false stops: methods that gather samples or
     * improve a mask give what they have (fl_map.partial), the others FL_LIMIT and no map. */
    bool (*progress)(int done, int total, void *user);
    void *user;
    const fl_keeper *keeper;             /* of states, for methods that can go on after an interruption; or NULL */
} fl_explain_options;

/* ---- methods ---- */

/* Like the input; T',H',W' of a layer; one value per voxel of the clip, for all of its channels. */
typedef enum fl_level { FL_LEVEL_INPUT, FL_LEVEL_LAYER, FL_LEVEL_VOXEL } fl_level;

typedef enum fl_law {                    /* what the sum of a map, or of its segments, is: fl_law_formula */
    FL_LAW_NONE,
    FL_LAW_COMPLETE,                     /* the difference to the baseline's score */
    FL_LAW_CONSERVES,                    /* the score, but for what biases and stabilisers absorbed */
    FL_LAW_SUMS_TO_ONE,                  /* 1, but for what was absorbed where nothing excites */
    FL_LAW_SHARES                        /* the values of its segments: the difference to the score with all of them hidden */
} fl_law;

typedef enum fl_channels {               /* how the channels of a voxel become one value */
    FL_CHANNELS_DEFAULT, FL_CHANNELS_SUM, FL_CHANNELS_MEAN, FL_CHANNELS_ABS_SUM, FL_CHANNELS_MEAN_ABS,
    FL_CHANNELS_MAX_ABS, FL_CHANNELS_L2
} fl_channels;                           /* abs_sum: sum of |a|;  max_abs: largest |a|;  l2: sqrt of the sum of a^2 */
extern const char *const fl_channels_name[];

typedef enum fl_polarity {               /* applied to every channel before they are reduced, as the study does */
    FL_POLARITY_DEFAULT, FL_POLARITY_BOTH, FL_POLARITY_POSITIVE, FL_POLARITY_NEGATIVE, FL_POLARITY_ABS
} fl_polarity;                           /* a, max(a,0), max(-a,0), |a| */
extern const char *const fl_polarity_name[];

typedef struct fl_reduction { fl_channels channels; fl_polarity polarity; fl_upsample upsample; } fl_reduction;

typedef struct fl_driver fl_driver;      /* driver.h */

typedef struct fl_method {
    const char *name, *title, *citation;
    const char *doc;                     /* what a value of its map means, in one or two sentences */
    const fl_driver *driver;
    int variant;                         /* which of the computations of its driver: an enum of driver.h */
    fl_level level;
    fl_law law;
    fl_reduction reduction;              /* how its map is drawn unless told otherwise; no DEFAULT in it */
    fl_explain_options defaults;
} fl_method;

extern const fl_method fl_method_table[];            /* in the order of methods.def; the last row has no name */
const fl_method *fl_method_find(const char *name);   /* NULL when there is none of that name */
const char *fl_method_nearest(const char *name);     /* the most similar name, for a message */

/* Which options a method reads: bits, for help, and to refuse an option that would do nothing. */
typedef enum fl_option_number_of {
#define FL_INT(field, name, value, least, most, help) FL_OPTION_##field,
#define FL_REAL(field, name, value, least, most, help) FL_OPTION_##field,
#define FL_FLAG(field, name, help) FL_OPTION_##field,
#define FL_TEXT(field, name, value, help) FL_OPTION_##field,
#define FL_WORD(field, name, value, list, help) FL_OPTION_##field,
#define FL_WORDS(field, name, value, list, help) FL_OPTION_##field,
#define FL_CHOICE(field, name, value, type, list, help) FL_OPTION_##field,
#include "attribution/options.def"
    FL_OPTIONS,
    FL_OPTION_seed = FL_OPTIONS,         /* not in the table: every command has it */
    FL_OPTION_rules,                     /* a name or a file, which only io can read */
    FL_OPTION_masker                     /* a file, likewise */
} fl_option_number_of;
#define FL_READS(field) (UINT64_C(1) << FL_OPTION_##field)
#define FL_READS_BASELINE (FL_READS(baseline) | FL_READS(baseline_sigma))
uint64_t fl_method_uses(const fl_method *);
const char *fl_method_driver(const fl_method *);     /* name of its driver */


/* The place of name in a list that ends with NULL (any ..._name of this header), or -1. */
int fl_name_find(const char *const *list, const char *name);
const char *fl_name_nearest(const char *const *list, const char *name);

/* ---- the result ---- */

enum { FL_MAX_WARNINGS = 8 };

typedef struct fl_map {
    const fl_method *method;
    fl_explain_options options;          /* as used: every default filled in, class and other resolved */
    fl_level level;
    fl_shape shape;                      /* 1,C,T,H,W of the input, or 1,1,T',H',W', or 1,1,T,H,W */
    real *data;                          /* channels last, signed, as the method defines it; never NaN or infinite */
    fl_shape clip;                       /* of the input, n = 1 */

    double score;                        /* what is explained, at the clip */
    double baseline_score;               /* at the baseline; NAN where the law does not ask for it */
    double logit, probability;           /* of the class at the clip; logit NAN where the network has none */
    double noise_sigma;                  /* absolute, in network units; 0 without noise */

    double sum, wanted, residual;        /* the law: both sides, |sum + absorbed - wanted| / (|wanted| + 1e-12); else NAN */
    double absorbed;                     /* what biases and stabilisers kept, by the ledger; NAN where nothing is shared */
    size_t bytes;                        /* that a graph of the method's own took, besides the explainer's and the caller's memory */
    int passes;                          /* clips run forward, most of them backward too */
    bool partial;                        /* stopped before the end: the map of what had been done by then */
    bool settled;                        /* no more samples because the tolerance was reached */

    real *standard_error;                /* T,H,W of the clip, of each voxel's value; NULL where a method samples nothing */
    double error_mean, error_most;       /* of these */
    int samples;                         /* gathered */
    int segments;                        /* pieces that were shown or hidden; 0: none */
    const char *warning[FL_MAX_WARNINGS];
    int warnings;
} fl_map;

extern const char *const fl_law_name[];              /* by value: "none", "complete", ... */
extern const char *const fl_law_formula[];           /* "", "sum of the map = score(clip) - score(baseline)" */

/* The options that this map depends on, as text: steps "25", rule "left" ... In the arena; NULL: memory ran out. */
typedef struct fl_setting { const char *name, *value; } fl_setting;
const fl_setting *fl_map_settings(const fl_map *, fl_arena *, int *count);

/* ---- running ---- */

typedef struct fl_explainer fl_explainer;

/* Borrows graph and card; lives in the graph's arena. The graph has its weights, its input has n >= 1 clips. card may
 * be NULL: then the baselines black and white are refused. NULL with the graph's error set: memory, or a network
 * without outputs. The graph is planned anew whenever a method needs another root or layer; if nothing else was taken
 * from the graph's arena in between, the memory of the old plan is used again. So keep results in another arena. */
fl_explainer *fl_explainer_new(fl_graph *, fl_network, const fl_card_input *card);

/* One forward pass: what the network says about a clip (1,C,T,H,W, channels last). classes values each; either may be
 * NULL. Logits are NAN where a network has none. */
fl_status fl_explainer_predict(fl_explainer *, const real *clip, double *logits, double *probabilities);
int fl_explainer_classes(const fl_explainer *);

/* Gives the memory of the last plan back, where nothing was taken from the graph's arena behind it: maps are there, pictures come
 * next. Whoever runs the network again plans again. */
void fl_explainer_rest(fl_explainer *);

/* clip: 1,C,T,H,W channels last, in network space; not changed. The map and its texts live in results; scratch is
 * taken from there too and given back. Errors go to the graph's error: FL_USAGE (class, baseline, layer, steps),
 * FL_FAILED (memory, scores that are not finite), FL_LIMIT (stopped by progress, or the arena's limit). On an error *map is zeroed. */
fl_status fl_explain(fl_explainer *, const fl_method *, const real *clip, const fl_explain_options *,
                     fl_arena *results, fl_map *map);

/* ---- from a map to a picture (reduce.c) ---- */

/* One value per voxel of the clip, T,H,W: channels reduced, layer maps enlarged. how, or any member of it, NULL or
 * 0: the method's own. In the arena; NULL when memory ran out. */
real *fl_map_reduce(const fl_map *, const fl_reduction *how, fl_arena *);
fl_reduction fl_map_reduction(const fl_map *, const fl_reduction *how);      /* what that does, with no DEFAULT */

/* Importance of each frame: the sum of |value| over it. map: T,H,W; per_frame: T values. */
void fl_frame_importance(int frames, int64_t pixels, const real *map, real *per_frame);

#endif
