/* stopwatch.h: the same work several times, and what a time is then: the best and the median. */
#ifndef FL_STOPWATCH_H
#define FL_STOPWATCH_H

#include "tensor/arena.h"

typedef struct fl_times { double best, median; } fl_times;      /* seconds */

/* Runs work once to warm up, then repeat times (1 or more) under the clock. FL_FAILED for memory. */
fl_status fl_time_work(fl_arena *, void (*work)(void *), void *user, int repeat, fl_times *);

#endif
