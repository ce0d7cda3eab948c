/* driver.h: what the drivers share. A driver is one shape of computation; it gets a run whose network has already
 * seen the clip (row 0), writes clips into rows, lets the graph pass over them, and leaves the map in map->data. */
#ifndef FL_DRIVER_H
#define FL_DRIVER_H

#include "attribution/attribution.h"
#include "attribution/target.h"

typedef struct fl_run {
    fl_explainer *e;
    fl_graph *g;
    const fl_method *method;
    fl_explain_options o;         /* filled in */
    fl_end end;
    const fl_ruleset *rules;      /* or NULL */
    fl_id wrt;                    /* whose signal is read: the input, or the layer */
    int batch;                    /* rows per pass */
    fl_shape clip;                /* n = 1 */
    int64_t voxels;               /* of a clip, channels included */
    const real *x;                /* the clip */
    const real *baseline;         /* for methods that use one, else NULL */
    const char *baseline_name;    /* of options.baseline the one at hand */
    fl_arena *scratch;            /* given back when the driver returns */
    int done, total;              /* clips, for the progress callback */
    bool told_to_stop;            /* by it */
    fl_map *map;
} fl_run;

enum { FL_MAX_VARIANTS = 16 };

struct fl_driver {
    const char *name;
    uint64_t uses[FL_MAX_VARIANTS];          /* options that each variant reads: FL_READS(...) */
    fl_status (*run)(fl_run *);
    fl_status (*compose)(fl_run *);          /* instead of run: makes an input-level map of whole maps of other methods (fl_run_part) */
    bool keeps_all;                          /* walks up only: every value stays (fl_graph_forward_above), there are no signals */
    bool watches;                            /* only changes the clip and looks at the score: no way down is planned,
                                                errors are estimated */
    bool looks_only;                         /* the network's own graph runs forward only: the driver has one of its own */
};

extern const fl_driver fl_drive_random, fl_drive_backward, fl_drive_path, fl_drive_noise, fl_drive_cam,
                       fl_drive_eigen, fl_drive_score_cam, fl_drive_expected, fl_drive_blur_path, fl_drive_guided_path,
                       fl_drive_rules, fl_drive_ablation, fl_drive_pyramid, fl_drive_guided_cam, fl_drive_motion, fl_drive_regions,
                       fl_drive_windows, fl_drive_masks, fl_drive_segments, fl_drive_optimise, fl_drive_masker;

/* The variants: which of its computations a driver does. */
enum { FL_BACKWARD_PLAIN, FL_BACKWARD_TIMES_INPUT };
enum { FL_PATH_STRAIGHT };
enum { FL_NOISE_MEAN, FL_NOISE_MEAN_SQUARE, FL_NOISE_VARIANCE };
enum { FL_CAM_MEAN_GRADIENT, FL_CAM_NORMALISED, FL_CAM_PLUS_PLUS, FL_CAM_PRODUCT, FL_CAM_POSITIVE, FL_CAM_HEAD };
enum { FL_MOTION_SPATIAL, FL_MOTION_TEMPORAL };
enum { FL_WINDOW_SLIDE, FL_WINDOW_MOVING, FL_WINDOW_SEQUENTIAL };
enum { FL_MASK_FRAMES, FL_MASK_VOLUME };
enum { FL_SEGMENT_LOCO, FL_SEGMENT_UP, FL_SEGMENT_SHAPLEY, FL_SEGMENT_ORDERS, FL_SEGMENT_KERNEL, FL_SEGMENT_LIME };
enum { FL_MASK_EP_2D, FL_MASK_EP_3D, FL_MASK_STEP, FL_MASK_EXTREMAL, FL_MASK_MEANINGFUL, FL_MASK_MEANINGFUL_3D, FL_MASK_FREEZE,
       FL_MASK_REVERSE, FL_MASK_IGOS, FL_MASK_IGOS_PP, FL_MASK_FGVIS, FL_MASK_VARIANTS };
enum { FL_RULES_SIGNAL, FL_RULES_DIFFERENCE, FL_RULES_CLAMPED, FL_RULES_EXPECTED };

/* ---- passes ---- */

real *fl_run_row(const fl_run *, int row);                  /* where clip `row` of the next pass is written */
fl_status fl_run_forward(fl_run *, int rows);               /* the first `rows` rows count; FL_LIMIT: told to stop */
fl_status fl_run_count(fl_run *, int rows);                 /* for passes made elsewhere: counts them, may say stop */
void fl_run_backward(fl_run *, int rows);                   /* seeds rows by the target, after a forward of them */
void fl_run_backward_to(fl_run *, int rows, fl_id last);    /* the same until the signal of `last` is complete (gather.h) */
double fl_run_start(fl_run *);                              /* the same for row 0 alone, as the rules begin; the sum of the seed */
void fl_run_compare(fl_run *, const real *y0);              /* the same for rules that compare; y0: the end's values at the reference */
double fl_run_score(const fl_run *, int row);               /* after a forward */
fl_status fl_run_baseline_score(fl_run *);                  /* fills map->baseline_score by a pass over the baseline, unless it is known */
const real *fl_run_signal(const fl_run *, int row);         /* after a backward: of run->wrt */
const real *fl_run_value(const fl_run *, int row);          /* of run->wrt */

/* The map of a layer: m = sum over k of weight_k A_k, at least 0 unless asked otherwise. a: 1,K,T,H,W; weight: K values for every run of
 * `pooled` places (channels.c). */
void fl_run_weigh_channels(fl_run *, fl_shape, const real *a, const double *weight, int64_t pooled, bool keep_negative);

/* Scratch, or NULL with the error recorded. */
double *fl_run_doubles(fl_run *, int64_t count);
fl_status fl_run_no_memory(const fl_run *);                 /* scratch ran out, or into its limit: the error, in the method's name */

/* ---- stopping early, and going on later (state.h) ---- */

/* Fills in whom the state belongs to, and its parts as an earlier run left them; nothing happens when there is none. Counts
 * the passes along. FL_USAGE: there is a state of another computation. */
fl_status fl_run_resume(fl_run *, fl_state *);
fl_status fl_run_keep(fl_run *, const fl_state *);          /* between two steps: saves when it is time, or after a stop */
/* After a pass: whether somebody said stop. Then that error is gone, and the driver makes the map of what it has; with more to do
 * the map is called partial. */
bool fl_run_cut(fl_run *, bool more_to_do);

/* One more method on a clip like the run's, for drivers that compose: with the run's target and progress, and these options else. The
 * first one settles class and score. The map lives in scratch. */
fl_status fl_run_part(fl_run *, const char *method, const real *clip, const fl_explain_options *, fl_map *);

/* ---- arithmetic on clips, in double, one rounding at the end; y may be one of the inputs ---- */

void fl_mix(int64_t n, double alpha, const real *from, const real *to, real *y);       /* (1-alpha) from + alpha to */
void fl_accumulate(int64_t n, double weight, const real *g, double *sum);              /* sum += weight g */
void fl_round(int64_t n, double factor, const double *sum, real *y);                   /* y = factor sum */
void fl_times_difference(int64_t n, const real *x, const real *b, const double *g, real *y);   /* y = (x-b) g */

/* y = x + sigma e_k, e_k normal: at voxel i, in file order, fl_rng_normal(seed, k, i), whatever else there is. */
void fl_add_noise(fl_shape clip, const real *x, double sigma, uint64_t seed, uint64_t k, real *y);

#endif
