/* segment_values.h: from the scores of clips that show some of their segments to one value per segment. */
#ifndef FL_SEGMENT_VALUES_H
#define FL_SEGMENT_VALUES_H

#include "attribution/coalitions.h"
#include "attribution/sampling.h"
#include "attribution/segments.h"

enum { FL_VALUE_GROUPS = 16, FL_MOST_REGRESSED = 1024 };

typedef struct fl_segment_values {
    int variant, m;
    bool published;
    double ridge, kernel_width;
    double clip, hidden;         /* scores of the whole clip and of nothing */
    double *value, *error;       /* m each; filled in by fl_segment_values_make */
    int64_t done;                /* samples of the design */
    bool open;                   /* the samples leave some value open */
    const fl_coalitions *design;

    double *sum, *squares;       /* m each: running means (orders) or sums (shapley); sums of squared distances */
    double *step, last;          /* orders: what each segment added in this order; score of the sample before */
    int n;                       /* regression: unknowns */
    double *fixed, *group;       /* its sums: of what is no chance; of every group of samples */
    double weight[FL_VALUE_GROUPS];
    double *row, *scratch, *total;
} fl_segment_values;

/* Memory of the run's scratch; what changes from sample to sample goes into the state. */
fl_status fl_segment_values_init(fl_segment_values *, fl_run *, fl_state *);

void fl_segment_values_start(fl_segment_values *, double hidden);                       /* the score with all segments hidden */
void fl_segment_values_add(fl_segment_values *, int64_t k, const bool *on, double weight, double score);    /* sample k of the design */
void fl_segment_values_make(fl_segment_values *);

#endif
