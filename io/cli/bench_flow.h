/* bench_flow.h: how fast optical flow is, on frames of a synthetic clip. */
#ifndef FL_BENCH_FLOW_H
#define FL_BENCH_FLOW_H

#include "io/cli/stopwatch.h"

enum { FL_BENCH_FLOWS = 8 };

/* "WxH" (16 to 512 each): times FL_BENCH_FLOWS flows together, side by side on all threads. bytes: scratch included.
 * */
fl_status fl_flow_time(fl_arena *, const char *size, int repeat, fl_times *, size_t *bytes);

#endif
