/* judge.h: one map of one clip before several metrics; maps that other programs made. */
#ifndef FL_CLI_JUDGE_H
#define FL_CLI_JUDGE_H

#include "io/cli/boxes.h"
#include "io/cli/method_options.h"
#include "io/cli/metric_options.h"

typedef struct fl_judging {
    const fl_session *session;           /* whose input is the clip */
    fl_metric_list metrics;
    fl_metric_options options;
    const fl_truth *truth;               /* or NULL */
    const fl_explain_options *explain;   /* how the map was made, for metrics that make it again */
    const fl_map *copies;                /* maps of the noisy copies, from a file; NULL: none */
    int copy_count;
    bool silent;                         /* no progress: the caller shows its own */
} fl_judging;

/* measure: one per metric; all in cli->arena, the curves too. seconds: per metric, added to; may be NULL. Shows progress. */
fl_status fl_judge_map(fl_cli *, const fl_judging *, const fl_map *, fl_measure *measure, double *seconds);

/* A map from a .npy: T,H,W or C,T,H,W of the clip's size, or T',H',W' of a layer, which is enlarged as maps of layers are. With count:
 * N of them, N in front. The maps' method is a row that stands for the file. FL_UNREADABLE: another shape, or values that are
 * not finite. */
fl_status fl_foreign_map(fl_cli *, const char *path, const fl_session *, fl_map *);
fl_status fl_foreign_maps(fl_cli *, const char *path, const fl_session *, fl_map **, int *count);

#endif
