/* flow_work.h: one pair of frames with memory that the caller brings, for flow.c and those who time it. */
#ifndef FL_FLOW_WORK_H
#define FL_FLOW_WORK_H

#include "tensor/flow.h"

/* How many reals of work fl_flow_pair needs; the parameters are checked. */
int64_t fl_flow_work_size(const fl_flow_params *, int height, int width);

void fl_flow_pair(const fl_flow_params *, const real *frame0, const real *frame1, int height, int width, real *work,
                  real *flow);

#endif
