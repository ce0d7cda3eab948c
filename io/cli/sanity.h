/* sanity.h: what footlight sanity finds out, and how it is shown (sanity_print.c). */
#ifndef FL_CLI_SANITY_H
#define FL_CLI_SANITY_H

#include "attribution/baseline.h"
#include "attribution/metrics/sanity.h"
#include "io/cli/method_options.h"

enum { FL_SANITY_WEIGHTS = 1, FL_SANITY_LABELS = 2, FL_SANITY_INPUT = 4, FL_SANITY_TIME = 8 };     /* bits */
extern const char *const fl_sanity_check_name[];

typedef enum fl_outcome { FL_PASSES, FL_FAILS, FL_UNDECIDED } fl_outcome;
typedef struct fl_verdict {
    const char *check;
    double value;                        /* rank correlation of |values| */
    fl_outcome outcome;
    const char *text;
} fl_verdict;
enum { FL_MAX_VERDICTS = 8 };

typedef struct fl_sanity_done {          /* of one method; what was not checked is empty */
    fl_sanity sanity;
    fl_likeness *weights[2];             /* cascading, independent: per stage */
    fl_likeness labels, input;
    fl_temporal time[FL_TEMPORAL];
    double *alone;                       /* per frame: probability of the class when all frames are this one */
    real *importance;                    /* per frame, of the clip's map */
    fl_verdict verdict[FL_MAX_VERDICTS];
    int verdicts;
} fl_sanity_done;

typedef struct fl_sanity_labels {        /* a network that learned wrong labels */
    fl_bundle weights;                   /* in cli->arena, by the network's own names */
    double known;                        /* share of its clips that it knows by heart; NAN: from a file, which does not say */
    int steps;                           /* batches that it took */
} fl_sanity_labels;

typedef struct fl_sanity_run {
    fl_session session;
    fl_method_list methods;
    fl_explain_options explain;
    fl_weight_layers layers;
    unsigned checks;
    fl_sanity_labels labels;             /* when they are checked */
    int stages;
    double alike;
    fl_sanity_done *done;                /* per method */
} fl_sanity_run;

/* sanity_judge.c: verdicts; of a map that should be another one, when the upper half of the layers forgets or anything else does; of one
 * whose frames came in another order. */
void fl_sanity_judge(fl_sanity_done *, const char *check, double value, fl_outcome, const char *text);
void fl_sanity_judge_half(fl_sanity_done *, const fl_likeness *);
void fl_sanity_judge_other(const fl_sanity_run *, fl_sanity_done *, const char *check, const fl_likeness *, const char *fine,
                           const char *bad);
void fl_sanity_judge_order(const fl_sanity_run *, fl_sanity_done *, const fl_temporal *);
double fl_sanity_rank(const fl_likeness *);                                  /* spearman_abs; 0 where it is not defined */
const char *fl_sanity_network(const fl_sanity_done *, fl_arena *);           /* what the network makes of time, as a sentence */

extern const fl_option_group fl_sanity_label_options;
fl_status fl_sanity_labels_open(fl_cli *, fl_sanity_run *);                  /* by --label-weights, or learned now */
bool      fl_sanity_labels_known(const fl_sanity_labels *);                  /* well enough for maps to be compared */
fl_status fl_sanity_labels_map(const fl_sanity_labels *, const fl_sanity *, real **map);     /* leaves the network as it was */

void fl_sanity_print(fl_cli *, const fl_sanity_run *);
void fl_sanity_write(fl_json *, const fl_cli *, const fl_sanity_run *);
fl_status fl_sanity_save(fl_cli *, const fl_sanity_run *, const char *folder);        /* the folder is there */

#endif
