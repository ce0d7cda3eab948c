/* checker.h: what the files of checks share. */
#ifndef FL_CHECKER_H
#define FL_CHECKER_H

#include "attribution/check.h"
#include "attribution/explainer.h"

enum { FL_CHECK_THREADS = 16 };          /* the most that bits are compared over */

typedef struct fl_checker {
    fl_explainer *e;
    const fl_check_options *o;
    const real *clip;
    int64_t voxels;
    fl_target target;                    /* resolved */
    fl_arena *arena;                     /* texts and scratch */
    int failed;
} fl_checker;

/* Says what was found; texts are the arena's or static. */
void fl_report_figure(fl_checker *, fl_finding);
void fl_report_skipped(fl_checker *, const char *group, const char *name, const char *why);

/* A map in the checker's arena; NULL: it did not come, and the finding of that name says why, unless memory ran out. */
const real *fl_checker_map(fl_checker *, const char *group, const char *name, const char *method, fl_explain_options, fl_map *);

/* Plans that are made from now on book what is due (fl_graph.audit). */
void fl_checker_audit(const fl_explainer *, bool on);

/* |a - b| / |b|, Euclidean. */
double fl_relative_l2(const real *a, const real *b, int64_t n);

/* The score's gradient with respect to the input, with room for FL_CHECK_THREADS: what the next two need. */
fl_status fl_check_plan(fl_checker *);
fl_status fl_check_ops(fl_checker *);            /* check_ops.c: every op of the network, on examples and in its place */
fl_status fl_check_network(fl_checker *);        /* check_network.c: directional differences; bits over threads and batches */
fl_status fl_check_laws(fl_checker *);           /* check_laws.c: sums of maps, ledgers node by node */
fl_status fl_check_identities(fl_checker *);     /* check_identities.c: methods that must agree; signals that must be linear */

#endif
