/* checker.h: what the files of checks share. */
#ifndef FL_CHECKER_H
#define FL_CHECKER_H

#include "attribution/check.h"
#include "attribution/explainer.h"

enum { FL_CHECK_THREADS = 16 };          /* the most that bits are compared over; of large networks 2 */

typedef struct fl_checker {
    fl_explainer *e;
    const fl_check_options *o;
    const real *clip;
    int64_t voxels;
    fl_target target;                    /* resolved */
    fl_arena *arena;                     /* texts and scratch */
    double macs;                         /* multiply-adds of one pass */
    const char *size;                    /* for findings: NULL, or the size that is looked at instead of the clip's */
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

double fl_checker_macs(const fl_graph *);
static inline bool fl_checker_is_large(const fl_checker *c) { return c->macs > c->o->large; }
static inline int fl_checker_threads(const fl_checker *c) { return fl_checker_is_large(c) ? 2 : FL_CHECK_THREADS; }

/* Puts the fault into the explainer's graph, and into the one with its norms folded; plans are made anew. How many nodes it struck;
 * -1: memory. */
int fl_checker_strike(fl_explainer *, const fl_fault *);

/* The score's gradient with respect to the input, with room for fl_checker_threads: what the next two need. */
fl_status fl_check_plan(fl_checker *);
fl_status fl_check_ops(fl_checker *);            /* check_ops.c: every op of the network, on examples and in its place */
fl_status fl_check_network(fl_checker *);        /* check_network.c: directional differences; bits over threads and batches */
fl_status fl_check_laws(fl_checker *);           /* check_laws.c: sums of maps, ledgers node by node */
fl_status fl_check_identities(fl_checker *);     /* check_identities.c: methods that must agree; signals that must be linear */

/* Runs these checks, of a large network on a smaller clip. */
fl_status fl_check_smaller(fl_checker *, fl_status (*run)(fl_checker *));

#endif
