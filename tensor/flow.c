/* flow.c: what the world asks for: checked parameters, grey frames, many pairs side by side. */
#include "tensor/flow.h"

#include "tensor/flow_work.h"
#include "tensor/par.h"

fl_flow_params fl_flow_default(void)
{
    return (fl_flow_params){.tau = 0.25, .lambda = 0.15, .theta = 0.3, .epsilon = 0.01, .step = 0.5, .levels = 5,
                            .warps = 5, .outer = 10, .inner = 30, .median = 5};
}

fl_status fl_flow_check(const fl_flow_params *p, int height, int width, fl_error *err)
{
    const struct { const char *name; double value, low, high; } real_number[] = {
        {"tau", p->tau, 1e-6, 1e3}, {"lambda", p->lambda, 1e-6, 1e6}, {"theta", p->theta, 1e-6, 1e3},
        {"epsilon", p->epsilon, 0, 1e3}, {"step", p->step, 0.1, 0.99}};
    const struct { const char *name; int value, low, high; } whole_number[] = {
        {"levels", p->levels, 1, FL_FLOW_LEVELS}, {"warps", p->warps, 1, 1000}, {"outer", p->outer, 1, 100000},
        {"inner", p->inner, 1, 100000}, {"height", height, 1, FL_FLOW_SIDE}, {"width", width, 1, FL_FLOW_SIDE}};
    for (size_t i = 0; i < sizeof real_number / sizeof *real_number; i++)
        if (!(real_number[i].value >= real_number[i].low && real_number[i].value <= real_number[i].high))
            return fl_error_set(err, FL_USAGE, "optical flow: %s is from %g to %g, got %g", real_number[i].name,
                                real_number[i].low, real_number[i].high, real_number[i].value);
    for (size_t i = 0; i < sizeof whole_number / sizeof *whole_number; i++)
        if (whole_number[i].value < whole_number[i].low || whole_number[i].value > whole_number[i].high)
            return fl_error_set(err, FL_USAGE, "optical flow: %s is from %d to %d, got %d", whole_number[i].name,
                                whole_number[i].low, whole_number[i].high, whole_number[i].value);
    if (p->median != 0 && p->median != 3 && p->median != 5)
        return fl_error_set(err, FL_USAGE, "optical flow: median is 0, 3 or 5, got %d", p->median);
    return FL_OK;
}

void fl_flow_grey(const unsigned char *rgb, int64_t pixels, real *grey)
{
    for (int64_t i = 0; i < pixels; i++, rgb += 3)
        grey[i] = (real)(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]);
}

static int smaller(int a, int b) { return a < b ? a : b; }

/* Pairs run in batches of as many as there are threads, each in its own memory: which pair is computed where changes
 * nothing. */
fl_status fl_flow_pairs(fl_arena *scratch, const real *frames, const int *first, int pairs, int height, int width,
                        const fl_flow_params *p, fl_flow_told *told, void *user, real *flow)
{
    const fl_status status = fl_flow_check(p, height, width, scratch->error);
    if (status != FL_OK) return status;
    const int64_t pixels = (int64_t)height * width, size = fl_flow_work_size(p, height, width);
    const int batch = smaller(pairs, fl_threads());
    const fl_mark mark = fl_arena_mark(scratch);
    real *work = FL_NEW(scratch, real, size * batch);
    bool wanted = true;
    for (int done = 0; work && wanted && done < pairs; done += batch) {
        const int count = smaller(batch, pairs - done);
        FL_PARALLEL(i, count, (double)pixels * 1e4) {
            const real *frame = frames + first[done + i] * pixels;
            fl_flow_pair(p, frame, frame + pixels, height, width, work + i * size, flow + (done + i) * 2 * pixels);
        }
        wanted = !told || told(done + count, pairs, user);
    }
    fl_arena_release(scratch, mark);
    if (!work) return fl_error_set(scratch->error, FL_FAILED, "optical flow: memory ran out");
    return wanted ? FL_OK : fl_error_set(scratch->error, FL_LIMIT, "optical flow: stopped before the last pair");
}

fl_status fl_flow_tvl1(fl_arena *scratch, const real *frame0, const real *frame1, int height, int width,
                       const fl_flow_params *p, real *flow)
{
    const fl_status status = fl_flow_check(p, height, width, scratch->error);
    if (status != FL_OK) return status;
    const fl_mark mark = fl_arena_mark(scratch);
    real *work = FL_NEW(scratch, real, fl_flow_work_size(p, height, width));
    if (work) fl_flow_pair(p, frame0, frame1, height, width, work, flow);
    fl_arena_release(scratch, mark);
    return work ? FL_OK : fl_error_set(scratch->error, FL_FAILED, "optical flow: memory ran out");
}
