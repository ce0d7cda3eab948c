/* bench_flow.c: TV-L1 as networks call it: many neighbouring frames at once. How many rounds it needs depends on the
 * frames, so they are always the same: a star that moves over noise. */
#include "io/cli/bench_flow.h"

#include "models/synth.h"
#include "tensor/flow.h"

#include <stdio.h>

typedef struct job {
    fl_arena *arena;
    fl_flow_params params;
    int height, width, first[FL_BENCH_FLOWS];
    const real *frames;
    real *flow;
} job;

static void run_job(void *user)
{
    const job *j = user;
    fl_flow_pairs(j->arena, j->frames, j->first, FL_BENCH_FLOWS, j->height, j->width, &j->params, NULL, NULL,
                  j->flow);
}

fl_status fl_flow_time(fl_arena *arena, const char *size, int repeat, fl_times *times, size_t *bytes)
{
    job j = {.arena = arena, .params = fl_flow_default()};
    fl_synth_options o = fl_synth_default(0);
    fl_synth_truth *truth = FL_NEW(arena, fl_synth_truth, 1);
    char end;
    if (sscanf(size, "%9dx%9d%c", &j.width, &j.height, &end) != 2)
        return fl_error_set(arena->error, FL_USAGE, "--flow: expected width and height like 320x240, got '%s'", size);
    o.frames = FL_BENCH_FLOWS + 1;
    o.height = j.height;
    o.width = j.width;
    if (!truth || fl_synth_check(&o, arena->error) != FL_OK) return arena->error->status;
    const int64_t pixels = (int64_t)j.height * j.width;
    unsigned char *rgb = FL_NEW(arena, unsigned char, 3 * o.frames * pixels);
    real *grey = FL_NEW(arena, real, o.frames * pixels);
    j.flow = FL_NEW(arena, real, 2 * FL_BENCH_FLOWS * pixels);
    if (!rgb || !grey || !j.flow) return arena->error->status;
    fl_synth_clip(&o, 0, rgb, NULL, truth);
    fl_flow_grey(rgb, o.frames * pixels, grey);
    j.frames = grey;
    for (int i = 0; i < FL_BENCH_FLOWS; i++) j.first[i] = i;
    fl_status status = fl_time_work(arena, run_job, &j, repeat, times);
    *bytes = arena->peak;
    return arena->error->status != FL_OK ? arena->error->status : status;
}
