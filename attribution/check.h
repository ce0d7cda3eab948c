/* check.h: is everything that an explanation rests on true of this network, with these weights, at this clip?
 *
 * A check is a figure and the bound that it may reach; both come out, one finding after the other, and nothing is judged by eye.
 * What cannot be asked of a network (a four-way identity of one with gates) is a finding as well, skipped, with its reason. */
#ifndef FL_CHECK_H
#define FL_CHECK_H

#include "attribution/attribution.h"
#include "autograd/fault.h"

typedef struct fl_finding {
    const char *group, *name;            /* "ops", "conv: transpose in the network" */
    double figure, bound;                /* passed: figure <= bound */
    int64_t compared;                    /* values, elements, nodes: what `unit` says */
    const char *unit;
    const char *where;                   /* the worst place; "" when there is none */
    const char *bound_from;              /* how the bound comes about */
    const char *skipped;                 /* why there is no figure; else NULL */
    const char *size;                    /* "the clip as 4 x 56 x 56", where a large network was looked at on less (check_smaller.c) */
    bool passed;                         /* true where skipped */
} fl_finding;

typedef struct fl_check_options {
    fl_target target;
    const fl_fault *fault;               /* put into all graphs before anything is checked; NULL: none */
    const char *only;                    /* one of the groups; NULL: all */
    int samples;                         /* elements per node; 0: 64 */
    double large;                        /* multiply-adds from which on a network is large (check_smaller.c); 0: 1.25e9 */
    /* The same network with its weights for clips of this shape (several: n), in the arena. FL_NONE as input: it cannot be built
     * so. NULL: unknown. */
    fl_network (*build)(void *user, fl_shape clips, fl_arena *, fl_graph **);
    void *user;
    void (*found)(const fl_finding *, void *listener);
    void *listener;
} fl_check_options;

extern const char *const fl_check_group_name[];          /* ops network laws identities, up to a NULL; bits are the network's */

/* clip: 1,C,T,H,W channels last, as for fl_explain. Leaves weights and clip as they were, the graph with the fault. scratch: an
 * arena of its own; texts of a finding live as long as the call that brings it. What fails is counted, not an error; an error is
 * memory, or a network without a score. */
fl_status fl_check_run(fl_explainer *, const real *clip, const fl_check_options *, fl_arena *scratch, int *failed);

#endif
