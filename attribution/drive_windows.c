/* drive_windows.c: what the score loses when a box of the clip is hidden (Zeiler and Fergus 2013).
 *
 *   e_j = s(x) - s(x with b inside window j)          a_i = mean of e_j over the windows j that cover voxel i
 *
 *   slide        every window of the grid                                       occlusion, averaged as in Captum
 *   moving       windows that follow the optical flow                           AOSA (Uchiyama et al. 2022)
 *   sequential   e_j = 1 - s(...), windows as fractions of the clip             SOS of REVEX (2024)
 *
 * All windows are looked at in an order that covers the clip evenly. Of a stopped run a_i is an estimate, with the standard error
 * of a mean of n out of the N values that there are:  sqrt(spread / n (1 - n/N));  of a whole run it is 0. */
#include "attribution/sampling.h"
#include "attribution/explainer.h"
#include "attribution/options.h"
#include "attribution/segments_parts.h"
#include "attribution/windows.h"

#include "tensor/flow.h"

#include <math.h>
#include <string.h>

typedef struct span { int64_t at, count; } span;

typedef struct job {
    fl_run *r;
    fl_window_grid w;
    fl_region *box;              /* of the window in hand, one per frame */
    span *span;                  /* its rows */
    int *cover, *seen;           /* windows that cover a voxel: all, and those looked at */
    double *mean, *squares;      /* of the effects at each voxel */
    double all[2];               /* the same of all effects */
    int64_t samples;
    double base;
    double *value, *error;
} job;

static fl_region region(void *user, int64_t k)
{
    const job *j = user;
    return fl_window_path(&j->w, fl_window_order(&j->w, k), j->box);
}

/* The voxels of window k as rows of the clip, T,H,W. */
static int find_spans(const job *j, int64_t k)
{
    const fl_region all = region((void *)j, k);
    int n = 0;
    for (const fl_region *b = j->box; b < j->box + (all.hi[0] - all.lo[0]); b++)
        for (int y = b->lo[1]; y < b->hi[1]; y++)
            j->span[n++] = (span){((int64_t)b->lo[0] * j->w.clip.h + y) * j->w.clip.w + b->lo[2], b->hi[2] - b->lo[2]};
    return n;
}

static void fill(void *user, int64_t k, real *clip)
{
    const job *j = user;
    const int c = j->w.clip.c, n = find_spans(j, k);
    for (const span *p = j->span; p < j->span + n; p++)
        memcpy(clip + p->at * c, j->r->baseline + p->at * c, (size_t)(p->count * c) * sizeof *clip);
}

static void gather(void *user, int64_t k, double score)
{
    job *j = user;
    const double effect = j->base - score;
    const int n = find_spans(j, k);
    fl_running(effect, k + 1, &j->all[0], &j->all[1]);
    j->samples = k + 1;
    for (const span *p = j->span; p < j->span + n; p++)
        for (int64_t i = p->at; i < p->at + p->count; i++) fl_running(effect, ++j->seen[i], &j->mean[i], &j->squares[i]);
}

static void count_cover(const job *j)
{
    for (int64_t k = 0; k < j->w.count; k++) {
        const int n = find_spans(j, k);
        for (const span *p = j->span; p < j->span + n; p++)
            for (int64_t i = p->at; i < p->at + p->count; i++) j->cover[i]++;
    }
}

static void weigh(job *j)
{
    const double spread = j->samples > 1 ? j->all[1] / (double)(j->samples - 1) : 0;
    const bool sums = j->w.kind == FL_WINDOWS_FULL;
    for (int64_t i = 0; i < fl_shape_pixels(j->w.clip); i++) {
        const int n = j->seen[i], all = j->cover[i];
        const double factor = sums ? all : 1, own = n > 1 ? j->squares[i] / (n - 1) : spread;
        j->value[i] = n ? factor * j->mean[i] : 0;
        j->error[i] = all ? factor * sqrt(n ? own / n * (1 - (double)n / all) : own) : 0;
    }
}

static double error(void *user)
{
    job *j = user;
    weigh(j);
    return fl_sampling_error(fl_shape_pixels(j->w.clip), j->value, j->error);
}

/* From every frame to the next. */
static fl_status find_flow(job *j)
{
    fl_run *r = j->r;
    const int pairs = r->clip.t - 1;
    const fl_segment_task task = {NULL, r->clip, r->x, r->e->card, r->scratch, r->g->error, NULL};
    const fl_flow_params params = fl_flow_default();
    real *flow = fl_segments_scratch(&task, (int64_t)r->clip.t * r->clip.h * r->clip.w * 2, sizeof *flow);
    int *first = fl_segments_scratch(&task, r->clip.t, sizeof *first);
    const fl_mark mark = fl_arena_mark(r->scratch);
    const real *grey = first ? fl_segments_grey(&task, false) : NULL;
    if (!flow || !first || !grey) return r->g->error->status;
    for (int i = 0; i < pairs; i++) first[i] = i;
    if (pairs && fl_flow_pairs(r->scratch, grey, first, pairs, r->clip.h, r->clip.w, &params, NULL, NULL, flow))
        return fl_run_no_memory(r);
    fl_arena_release(r->scratch, mark);
    j->w.flow = flow;
    return FL_OK;
}

static fl_status place(job *j)
{
    fl_run *r = j->r;
    fl_window_grid *w = &j->w;
    const int side[3] = {r->clip.t, r->clip.h, r->clip.w}, variant = r->method->variant;
    fl_error *err = r->g->error;
    w->clip = r->clip;
    w->kind = variant == FL_WINDOW_SEQUENTIAL ? FL_WINDOWS_FRACTIONS : variant == FL_WINDOW_SLIDE && r->o.as_published ? FL_WINDOWS_FULL
        : FL_WINDOWS_SLIDE;
    if (variant == FL_WINDOW_SEQUENTIAL ? fl_option_triple("grid", r->o.grid, w->size, err)
                                        : fl_option_triple("window", r->o.window, w->size, err))
        return err->status;
    for (int axis = 0; axis < 3; axis++) w->stride[axis] = w->size[axis] > 1 ? w->size[axis] / 2 : 1;
    if (r->o.stride && fl_option_triple("window-stride", r->o.stride, w->stride, err)) return err->status;
    for (int axis = 0; axis < 3 && w->kind != FL_WINDOWS_FRACTIONS; axis++)
        if (w->stride[axis] > w->size[axis] && w->size[axis] < side[axis])
            return fl_error_set(err, FL_USAGE,
                                "%s: window-stride: expected at most the window's %d, got %d: some voxels would never be hidden",
                                r->method->name, w->size[axis], w->stride[axis]);
    fl_window_grid_count(w);
    return variant == FL_WINDOW_MOVING ? find_flow(j) : FL_OK;
}

static fl_status run(fl_run *r)
{
    const int64_t pixels = fl_shape_pixels(r->clip);
    job j = {.r = r};
    if (place(&j)) return r->g->error->status;
    j.box = FL_NEW(r->scratch, fl_region, r->clip.t);
    j.span = FL_NEW(r->scratch, span, (int64_t)r->clip.t * r->clip.h);
    j.cover = FL_NEW(r->scratch, int, pixels);
    j.seen = FL_NEW(r->scratch, int, pixels);
    j.mean = fl_run_doubles(r, pixels);
    j.squares = fl_run_doubles(r, pixels);
    j.value = fl_run_doubles(r, pixels);
    j.error = fl_run_doubles(r, pixels);
    if (!j.box || !j.span || !j.cover || !j.seen || r->g->error->status)
        return fl_run_no_memory(r);
    count_cover(&j);
    fl_sampling s = {.count = j.w.count, .region = region, .fill = fill, .gather = gather, .error = error, .check = 64, .user = &j};
    if (fl_sampling_begin(&s, r)) return r->g->error->status;
    j.base = r->method->variant == FL_WINDOW_SEQUENTIAL ? 1 : s.base;
    fl_state_add(&s.state, "seen", j.seen, (size_t)pixels * sizeof *j.seen);
    fl_state_add(&s.state, "mean", j.mean, (size_t)pixels * sizeof *j.mean);
    fl_state_add(&s.state, "squares", j.squares, (size_t)pixels * sizeof *j.squares);
    fl_state_add(&s.state, "all", j.all, sizeof j.all);
    if (fl_sampling_go(&s)) return r->g->error->status;
    j.samples = s.done;
    weigh(&j);
    fl_sampling_finish(&s, j.value, j.error);
    return FL_OK;
}

#define READS (FL_READS(stride) | FL_READS(tolerance) | FL_READS_BASELINE)
const fl_driver fl_drive_windows = {
    .name = "windows",
    .uses = {[FL_WINDOW_SLIDE] = READS | FL_READS(window) | FL_READS(as_published), [FL_WINDOW_MOVING] = READS | FL_READS(window),
             [FL_WINDOW_SEQUENTIAL] = READS | FL_READS(grid)},
    .run = run,
    .watches = true
};
