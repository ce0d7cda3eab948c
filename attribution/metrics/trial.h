/* trial.h: what the score functions of metrics work with: the map in double, its units, the network on many variants of the clip. */
#ifndef FL_TRIAL_H
#define FL_TRIAL_H

#include "attribution/metric.h"
#include "attribution/probe.h"

struct fl_trial {
    const fl_metric *metric;
    fl_metric_options o;             /* filled in */
    fl_judged *judged;
    fl_shape map_shape;              /* 1,1,T,H,W */
    int voxels;                      /* T H W */
    fl_arena *results;               /* for what the measure keeps */
    fl_arena *scratch;               /* the same one; given back when the score function returns */
    fl_error *error;
    int passes;
};

/* The importance of every voxel, in double; NULL: memory. */
double *fl_trial_map(fl_trial *);
/* What every voxel adds to the score. */
double *fl_trial_signed(fl_trial *);

/* The measure is not defined, and why. */
fl_status fl_trial_undefined(fl_measure *, const char *why);

/* An array in results, or in scratch, of count doubles; NULL with the error set. */
double *fl_trial_doubles(fl_trial *, int64_t count);

/* ---- units: places that are shown or hidden together (units.c) ---- */

typedef struct fl_units {
    int count;
    const int *of;                   /* T,H,W: the unit of every voxel */
    const int *size;                 /* voxels of every unit */
    const double *value;             /* importance of every unit */
    const int *order;                /* from the most important to the least; of equal ones the first */
} fl_units;

/* As the options say; in scratch. */
fl_status fl_trial_units(fl_trial *, fl_units *);

/* ---- the network (passes.c) ---- */

typedef enum fl_reading { FL_READ_PROBABILITY, FL_READ_SCORE } fl_reading;     /* of the class; what the map explains */

/* Variants 0 .. count-1 of the clip. fill gets the clip and changes it; where region is given, nowhere else. */
typedef struct fl_passes {
    fl_reading of;
    int count;
    fl_region (*region)(void *user, int k);
    void (*fill)(void *user, int k, real *clip);
    void *user;
} fl_passes;

/* The error of the explainer's graph becomes the trial's; its status. */
fl_status fl_trial_hand_on(fl_trial *);

/* score: of every variant. base: of the clip itself; may be NULL. */
fl_status fl_trial_passes(fl_trial *, const fl_passes *, double *score, double *base);

/* ---- what hidden places show (substrate.c) ---- */

typedef struct fl_substrate {
    fl_shape shape;
    const real *clip, *hidden;       /* hidden: the clip with nothing shown */
    bool temporal;                   /* hidden voxels show the nearest frame that is shown there; hidden where none is */
} fl_substrate;

fl_status fl_trial_substrate(fl_trial *, fl_substrate *);      /* in scratch */

/* A variant: shown (T,H,W) says which voxels keep the clip's values. Only the region is written; NULL: all. */
void fl_substrate_apply(const fl_substrate *, const bool *shown, const fl_region *, real *clip);

/* ---- curves (curves.c): share of units shown -> probability ---- */

typedef struct fl_reveal {
    int points;                      /* y: points + 1 values */
    const double *most_first;        /* y[j]: the floor(j V / points) most important units are shown, nothing else */
    const double *least_first;       /* y[j]: all are shown but for the floor((points - j) V / points) most important */
} fl_reveal;

/* Both curves, or NULL for the one that is not asked for; computed once for a map and the same options. */
fl_status fl_trial_reveal(fl_trial *, bool most, bool least, fl_reveal *);

/* The trapezoid's area of points + 1 values over the unit interval. */
double fl_curve_area(int points, const double *y);

/* ---- the score functions, as metrics.def names them ---- */

fl_status fl_score_curve(fl_trial *, fl_measure *), fl_score_drop(fl_trial *, fl_measure *),
    fl_score_faithfulness(fl_trial *, fl_measure *), fl_score_sensitivity_n(fl_trial *, fl_measure *),
    fl_score_infidelity(fl_trial *, fl_measure *), fl_score_sensitivity(fl_trial *, fl_measure *),
    fl_score_completeness(fl_trial *, fl_measure *), fl_score_gini(fl_trial *, fl_measure *), fl_score_entropy(fl_trial *, fl_measure *),
    fl_score_pointing(fl_trial *, fl_measure *), fl_score_energy(fl_trial *, fl_measure *), fl_score_overlap(fl_trial *, fl_measure *),
    fl_score_ranking(fl_trial *, fl_measure *);

#endif
