/* sampling.h: what all methods share that change the clip many times, watch the score, and add up what they saw.
 *
 *     fl_sampling s = {.count = n, .fill = change, .gather = add, .user = me};          a driver, in its run
 *     if (fl_sampling_begin(&s, r)) ...                                                 s.base is the clip's own score
 *     fl_state_add(&s.state, "sum", sum, count * sizeof *sum);                          what gather changes
 *     if (fl_sampling_go(&s)) ...                                                       s.done samples are in, n unless stopped
 *
 * Sample k is a function of (seed, k), so that it can be made again: when it is filled in, and when it is added up. Samples
 * are added in their order, whatever the batch: memory does not grow with their number, and a run that was stopped and goes on
 * (state.h) ends in the same bits. */
#ifndef FL_SAMPLING_H
#define FL_SAMPLING_H

#include "attribution/driver.h"
#include "attribution/probe.h"

typedef struct fl_sampling {
    int64_t count;                                       /* samples in all */
    fl_region (*region)(void *user, int64_t k);          /* where sample k differs from the clip; NULL: anywhere */
    void   (*fill)(void *user, int64_t k, real *clip);   /* clip holds the clip; changes it */
    void   (*gather)(void *user, int64_t k, double score);
    /* Largest standard error now, relative to the largest value; asked after every `check` samples when there is a tolerance. */
    double (*error)(void *user);
    int    check;
    void *user;

    fl_run *run;                 /* filled in by begin */
    double base;                 /* score of the clip */
    fl_state state;
    int64_t done;                /* samples gathered */
    fl_probe *probe;
    bool settled;                /* the tolerance is reached */
} fl_sampling;

fl_status fl_sampling_begin(fl_sampling *, fl_run *);
fl_status fl_sampling_go(fl_sampling *);

/* The result: one value and its standard error for every voxel T,H,W. Channels share the value. */
void fl_sampling_finish(const fl_sampling *, const double *value, const double *error);

/* Largest error over largest |value|; 0 when all errors are 0, infinite when only the values are. */
double fl_sampling_error(int64_t n, const double *value, const double *error);

/* Running mean and sum of squared distances from it (Welford 1962): n counts the new value in. */
static inline void fl_running(double x, int64_t n, double *mean, double *squares)
{
    const double before = x - *mean;
    *mean += before / (double)n;
    *squares += before * (x - *mean);
}

#endif
