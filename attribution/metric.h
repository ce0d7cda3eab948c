/* metric.h: how good is a map? A metric is a row of metrics.def; it judges one map of one clip.
 *
 *     fl_judged j = {.explainer = e, .clip = values, .shape = clip, .map = drawn, .signed_map = signed_, .target = target, ...};
 *     fl_measure m;
 *     fl_metric_judge(fl_metric_find("insertion"), &j, &(fl_metric_options){.points = 64}, &results, &m);      m.value
 *
 * Whoever made the map: a method of ours, or another program (a .npy of T,H,W or C,T,H,W). What a metric needs beyond the map it
 * says in `needs`. The class is fixed once, at the clip. Bits depend on neither threads nor batch, memory not on the number of
 * samples. */
#ifndef FL_METRIC_H
#define FL_METRIC_H

#include "attribution/attribution.h"
#include "attribution/localise.h"

/* ---- what is judged ---- */

typedef struct fl_judged_cache fl_judged_cache;      /* curves that several metrics read */

typedef struct fl_judged {
    fl_shape shape;                      /* 1,C,T,H,W of the clip */
    const real *map;                     /* T,H,W: importance, as it is drawn; larger is more */
    const real *signed_map;              /* T,H,W: what each place adds to the score; NULL: map */
    double sum;                          /* of the raw map; NAN: of signed_map */
    const fl_truth *truth;               /* or NULL */

    /* For metrics that ask the network; NULL: they are refused. */
    fl_explainer *explainer;
    const real *clip;                    /* 1,C,T,H,W channels last, in network space */
    fl_target target;                    /* class and score that the map explains, resolved */
    double wanted;                       /* what sum should be, where the method's law says it; NAN: score(clip) - score(substrate) */

    /* For metrics that explain again: the method, or the maps that someone else made of the same noisy copies (fl_noisy_copy):
     * copy_map(user, k) gives as many values as `raw` has; NULL is a failure that left its error. */
    const fl_method *method;
    const fl_explain_options *options;
    const real *raw;                     /* the map that the copies' are compared with; NULL: map */
    int64_t raw_count;
    const real *(*copy_map)(void *user, int copy);
    void *copy_user;

    bool (*progress)(int done, int total, void *user);      /* as in fl_explain_options; may be NULL */
    void *user;
    fl_judged_cache *cache;              /* begin with NULL; filled by fl_metric_judge, in its arena */
} fl_judged;

/* ---- options: 0 or NULL takes the metric's default ---- */

typedef enum fl_unit { FL_UNIT_DEFAULT, FL_UNIT_VOXEL, FL_UNIT_BLOCK, FL_UNIT_PIECE, FL_UNIT_SUPERVOXEL, FL_UNIT_FRAME } fl_unit;
typedef enum fl_unit_value { FL_UNIT_VALUE_DEFAULT, FL_UNIT_MEAN, FL_UNIT_SUM } fl_unit_value;
extern const char *const fl_unit_name[], *const fl_unit_value_name[];
extern const char *const fl_substrate_name[];        /* temporal, and every baseline */

typedef struct fl_metric_options {
#define FL_INT(field, name, value, least, most, help) int field;
#define FL_REAL(field, name, value, least, most, help) double field;
#define FL_WORD(field, name, value, list, help) const char *field;
#define FL_CHOICE(field, name, value, type, list, help) type field;
#include "attribution/metric_options.def"
    uint64_t seed;
} fl_metric_options;

enum fl_metric_option_number {
#define FL_INT(field, name, value, least, most, help) FL_METRIC_OPTION_##field,
#define FL_REAL(field, name, value, least, most, help) FL_METRIC_OPTION_##field,
#define FL_WORD(field, name, value, list, help) FL_METRIC_OPTION_##field,
#define FL_CHOICE(field, name, value, type, list, help) FL_METRIC_OPTION_##field,
#include "attribution/metric_options.def"
    FL_METRIC_OPTIONS
};
#define FL_METRIC_READS(field) (1u << FL_METRIC_OPTION_##field)

/* ---- metrics ---- */

typedef enum fl_better { FL_BETTER_HIGHER, FL_BETTER_LOWER, FL_BETTER_NEITHER } fl_better;

enum { FL_NEEDS_NETWORK = 1, FL_NEEDS_TRUTH = 2, FL_NEEDS_METHOD = 4 };       /* method, or maps of the noisy copies */

typedef struct fl_measure fl_measure;
typedef struct fl_trial fl_trial;        /* metrics/trial.h: what a score function works with */

typedef struct fl_metric {
    const char *name, *title, *citation;
    const char *doc;                     /* what its value means, in one or two sentences */
    fl_better better;
    unsigned needs, reads;               /* reads: bits of the options that it reads */
    int variant;                         /* which of the computations of its file */
    fl_status (*score)(fl_trial *, fl_measure *);
    fl_metric_options defaults;
} fl_metric;

extern const fl_metric fl_metric_table[];            /* in the order of metrics.def; the last row has no name */
const fl_metric *fl_metric_find(const char *name);
const char *fl_metric_nearest(const char *name);

struct fl_measure {
    const fl_metric *metric;
    fl_metric_options options;           /* as used */
    double value;                        /* NAN: not defined for this map, and note says why */
    double error;                        /* standard error over random trials; NAN: nothing is drawn */
    double chance;                       /* what a random map would get, where that is known exactly; else NAN */
    const char *note;                    /* or NULL */
    int count;                           /* points of the curve; 0: none */
    const double *x, *y;
    const char *x_name, *y_name;
    int passes;                          /* clips that went through the network for it */
    size_t bytes;                        /* scratch that it took */
};

/* results: for the measure, its curve, and what the next metric can use again. Errors go to its error: FL_USAGE (what the metric needs is
 * not there, an option out of range), FL_FAILED (memory, scores that are not finite), FL_LIMIT (stopped). */
fl_status fl_metric_judge(const fl_metric *, fl_judged *, const fl_metric_options *, fl_arena *results, fl_measure *);

/* Copy k of a clip for max_sensitivity: clip + u, u uniform within radius times the clip's range, a function of (seed, k, place in
 * file order). */
void fl_noisy_copy(fl_shape, const real *clip, double radius, uint64_t seed, int k, real *copy);

#endif
