/* runs.h: slices and joins. An array is `outer` x axis x `inner` elements; a slice along the axis is one run of
 * (end - begin) * inner elements per outer index. In memory the axes come in the order N,T,H,W,C. */
#ifndef FL_RUNS_H
#define FL_RUNS_H

#include "autograd/op.h"

typedef struct fl_runs { int64_t outer, length, inner; } fl_runs;

fl_runs fl_runs_along(fl_shape, int axis);

/* `count` runs of `run` elements, each so many steps from the one before: to = from, or zeros where from is NULL; to += from. */
void fl_runs_copy(int64_t count, int64_t run, const real *from, int64_t from_step, real *to, int64_t to_step);
void fl_runs_add (int64_t count, int64_t run, const real *from, int64_t from_step, real *to, int64_t to_step);

#endif
