/* stopwatch.c: best and median of repeated runs. */
#include "io/cli/stopwatch.h"

#include "tensor/peak.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

fl_status fl_time_work(fl_arena *arena, void (*work)(void *), void *user, int repeat, fl_times *times)
{
    fl_mark mark = fl_arena_mark(arena);
    double *seconds = FL_NEW(arena, double, repeat);
    if (!seconds) return FL_FAILED;
    work(user);
    for (int i = 0; i < repeat; i++) {
        const double start = fl_clock();
        work(user);
        seconds[i] = fl_clock() - start;
    }
    qsort(seconds, (size_t)repeat, sizeof *seconds, ascending);
    times->best = seconds[0];
    times->median = (seconds[(repeat - 1) / 2] + seconds[repeat / 2]) / 2;
    fl_arena_release(arena, mark);
    return FL_OK;
}
