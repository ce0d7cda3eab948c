/* planner.h: a plan while it is made, as the files plan*.c share it. Internal to these. */
#ifndef FL_PLANNER_H
#define FL_PLANNER_H

#include "autograd/fuse.h"
#include "autograd/recompute.h"
#include "autograd/slab.h"

enum { FL_FOREVER = 1 << 30 };

typedef struct fl_planner {
    fl_graph *g;
    const fl_plan *plan;
    bool *wanted;              /* fl_plan.out and the root: values that survive */
    bool *signals;             /* fl_plan.wrt: signals that survive */
    real **notes;              /* of each node, or NULL */
    real **work;               /* of each node: scratch of its own, where it lies among values and signals (fl_planner_own_work) */
    fl_homes home;
    bool *passing;             /* parameters that are packed whenever they are used */
    fl_lives life;             /* of the value of each node */
    int *rest_use;             /* last use of its remainder */
    bool settled;              /* fl_packings_settle */
    fl_buffer *list, **room;
    int count;
    int64_t slab;              /* its length, in reals */
} fl_planner;

static inline int fl_backward_time(const fl_graph *g, fl_id i) { return 2 * g->count - 1 - i; }

/* plan_lives.c: what is computed and what carries a signal; until when values and remainders are read. */
void fl_planner_mark(fl_planner *);
void fl_planner_find_uses(fl_planner *);

/* plan_place.c: finds the place of every buffer, and counts the bytes; the length of the slab in reals, -1 without memory. Then pointers
 * into it, and scratch. False: memory. */
int64_t fl_planner_place(fl_planner *);
bool    fl_planner_hand_out(fl_planner *, real *slab);
bool    fl_planner_scratch(fl_graph *);
bool    fl_planner_own_work(const fl_graph *);            /* whether each node's scratch is a buffer among the values */

/* plan_fit.c: places everything within the arena's limit; the bytes of all. FL_LIMIT says what would do. */
fl_status fl_planner_fit(fl_planner *, size_t *bytes);

#endif
