/* trace.h: how a method's signal comes down to one value of the clip: the map, and one element followed (autograd/follow.h). */
#ifndef FL_TRACE_H
#define FL_TRACE_H

#include "attribution/attribution.h"
#include "autograd/follow.h"

typedef struct fl_traced {
    fl_map map;                          /* of the method, as fl_explain makes it */
    const fl_graph *g;                   /* the graph that it ran on; the explainer's, with the plan, values and signals of the trace */
    fl_id input;
    int place[4];                        /* c,t,h,w */
    int64_t element;                     /* the same, as it lies in memory */
    double value, signal;                /* of the clip, of the walk down; the map says what the method makes of them */
    fl_trail trail;
} fl_traced;

/* Methods of one walk down to the input: gradients and rules. place: c,t,h,w; t < 0: where the map is strongest; c < 0: the
 * channel that is strongest there. FL_USAGE: a place outside the clip, or another kind of method. The explainer keeps every value
 * and signal from now on until it is asked for something else. Trail and map live in results. */
fl_status fl_trace(fl_explainer *, const fl_method *, const real *clip, const fl_explain_options *, const int place[4], fl_arena *results,
                   fl_traced *);

bool fl_trace_possible(const fl_method *);

#endif
