/* flow_input.c: which flows, computed or read, at which size, and as which values. */
#include "io/flow_input.h"

#include "io/flow_colour.h"
#include "tensor/resample.h"

#include <math.h>
#include <string.h>

int fl_flow_stack(const fl_card_input *card) { return card->flow.stack > 0 ? card->flow.stack : 1; }
double fl_flow_bound(const fl_card_input *card) { return card->flow.bound > 0 ? card->flow.bound : 20; }

/* ---- which flows ---- */

typedef struct choice {
    int total;                       /* flows that there are */
    int *place;                      /* of each: where it lies among those that are wanted; -1: not wanted */
    int *wanted;                     /* their numbers, ascending */
    int count;
} choice;

static int smaller(int a, int b) { return a < b ? a : b; }

/* The k-th flow of the stack that belongs to a frame. */
static int flow_of(const choice *c, int frame, int k, int stack)
{
    const int last = c->total - 1;
    int start = smaller(frame, c->total - stack);
    if (start < 0) start = 0;
    return smaller(start + k, last);
}

static fl_status count_flows(const fl_flow_job *job, choice *c, fl_error *err)
{
    *c = (choice){.total = job->file ? job->file->flows : job->clip->frames - 1};
    if (c->total < 1)
        return fl_error_set(err, FL_USAGE, "%s: optical flow needs 2 frames at least, got 1", job->clip->source);
    if (job->file && job->clip && c->total != job->clip->frames && c->total != job->clip->frames - 1)
        return fl_error_set(err, FL_USAGE, "%s: %d flows do not belong to the %d frames of %s; expected %d (or as "
                            "many as frames)", job->file->source, c->total, job->clip->frames, job->clip->source,
                            job->clip->frames - 1);
    return FL_OK;
}

static fl_status choose(fl_arena *a, const int *frame, int frames, int stack, choice *c)
{
    c->place = FL_NEW(a, int, c->total);
    c->wanted = FL_NEW(a, int, c->total);
    if (!c->place || !c->wanted) return fl_error_set(a->error, FL_FAILED, "optical flow: memory ran out");
    for (int t = 0; t < frames; t++)
        for (int k = 0; k < stack; k++) c->place[flow_of(c, frame[t], k, stack)] = 1;
    for (int i = 0; i < c->total; i++) {
        const bool wanted = c->place[i] == 1;
        c->place[i] = wanted ? c->count : -1;
        if (wanted) c->wanted[c->count++] = i;
    }
    return FL_OK;
}

/* ---- their values: count, H, W, 2 at the resized size ---- */

static void scale(real *uv, int64_t pixels, real x, real y)
{
    for (int64_t i = 0; i < pixels; i++) {
        uv[2 * i] *= x;
        uv[2 * i + 1] *= y;
    }
}

static void take_from_file(const fl_flow_file *file, const fl_fitting *f, const choice *c, real *uv)
{
    const fl_shape before = {1, 2, 1, file->height, file->width};
    const fl_shape after = {1, 2, 1, f->resized_height, f->resized_width};
    for (int i = 0; i < c->count; i++) {
        const real *from = file->uv + c->wanted[i] * fl_shape_count(before);
        fl_resize(before, from, after, uv + i * fl_shape_count(after), FL_RESIZE_LINEAR, false);
    }
    scale(uv, c->count * fl_shape_pixels(after), (real)f->scale_x, (real)f->scale_y);
}

/* The frames at both ends of each wanted flow, grey and resized, one after the other; first: the place of its first.
 * */
static fl_status grey_frames(fl_arena *a, const fl_clip *clip, const fl_fitting *f, const choice *c, real **grey,
                             int *first)
{
    const fl_shape before = {1, 1, 1, clip->height, clip->width};
    const fl_shape after = {1, 1, 1, f->resized_height, f->resized_width};
    const int64_t pixels = fl_shape_count(before);
    int frames = 0;
    for (int i = 0; i < c->count; i++) frames += i > 0 && c->wanted[i] == c->wanted[i - 1] + 1 ? 1 : 2;
    *grey = FL_NEW(a, real, frames * fl_shape_count(after));
    real *full = FL_NEW(a, real, pixels);
    if (!*grey || !full) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", clip->source);
    for (int i = 0, done = 0; i < c->count; i++) {
        const bool follows = i > 0 && c->wanted[i] == c->wanted[i - 1] + 1;
        for (int end = follows; end < 2; end++, done++) {
            fl_flow_grey(clip->rgb + (c->wanted[i] + end) * pixels * 3, pixels, full);
            fl_resize(before, full, after, *grey + done * fl_shape_count(after), FL_RESIZE_LINEAR, false);
        }
        first[i] = done - 2;
    }
    return FL_OK;
}

static fl_status compute(fl_arena *a, const fl_flow_job *job, const fl_fitting *f, const choice *c, real *uv)
{
    const fl_flow_params usual = fl_flow_default();
    const fl_mark mark = fl_arena_mark(a);
    real *grey = NULL;
    int *first = FL_NEW(a, int, c->count);
    fl_status status = first ? grey_frames(a, job->clip, f, c, &grey, first) : a->error->status;
    if (status == FL_OK)
        status = fl_flow_pairs(a, grey, first, c->count, f->resized_height, f->resized_width,
                               job->params ? job->params : &usual, job->told, job->user, uv);
    fl_arena_release(a, mark);
    return status;
}

static fl_status fitting_of(const fl_flow_job *job, const fl_card_input *card, fl_fitting *f, fl_error *err)
{
    const int height = job->file ? job->file->height : job->clip->height;
    const int width = job->file ? job->file->width : job->clip->width;
    return fl_fitting_of(card, height, width, f, err);
}

static real *values_of(fl_arena *a, const fl_flow_job *job, const fl_fitting *f, const choice *c)
{
    real *uv = FL_NEW(a, real, 2 * (int64_t)c->count * f->resized_height * f->resized_width);
    if (!uv) return NULL;
    if (job->file) take_from_file(job->file, f, c, uv);
    else if (compute(a, job, f, c, uv) != FL_OK) return NULL;
    return uv;
}

real *fl_flow_field(fl_arena *a, const fl_card_input *card, const fl_flow_job *job, int *flows, fl_fitting *f)
{
    choice c;
    if (count_flows(job, &c, a->error) != FL_OK || fitting_of(job, card, f, a->error) != FL_OK) return NULL;
    int *all = FL_NEW(a, int, c.total);
    if (!all) return NULL;
    for (int i = 0; i < c.total; i++) all[i] = i;
    *flows = c.total;
    return choose(a, all, c.total, 1, &c) == FL_OK ? values_of(a, job, f, &c) : NULL;
}

/* ---- the network's tensor ---- */

/* One flow, cropped, as channels first and first + 1 of the pixels of one frame of the input. */
static void normalise(const fl_card_input *card, const fl_fitting *f, const real *uv, const double mean[2],
                      real *input, int channels)
{
    const double bound = fl_flow_bound(card);
    for (int y = 0; y < f->height; y++) {
        const real *from = uv + 2 * ((int64_t)(y + f->crop_y) * f->resized_width + f->crop_x);
        for (int x = 0; x < f->width; x++, from += 2, input += channels)
            for (int k = 0; k < 2; k++) {
                const double moved = (double)from[k] - mean[k];
                double place = (fmin(fmax(moved, -bound), bound) + bound) / (2 * bound);
                if (card->flow.quantise) place = floor(255 * place + 0.5) / 255;
                input[k] = (real)((card->white * place - card->mean[k]) / card->std[k]);
            }
    }
}

static void fill(const fl_card_input *card, const fl_fitting *f, const choice *c, const real *uv, const int *frame,
                 int frames, real *input)
{
    const int stack = fl_flow_stack(card);
    const int64_t whole = (int64_t)f->resized_height * f->resized_width, seen = (int64_t)f->height * f->width;
    for (int t = 0; t < frames; t++)
        for (int k = 0; k < stack; k++) {
            const real *flow = uv + 2 * whole * c->place[flow_of(c, frame[t], k, stack)];
            double mean[2] = {0, 0};
            for (int64_t i = 0; card->flow.subtract_mean && i < 2 * whole; i++)
                mean[i % 2] += (double)flow[i] / (double)whole;
            normalise(card, f, flow, mean, input + 2 * (t * seen * stack + k), 2 * stack);
        }
}

/* The first flow of each frame's stack in colours, all on one scale. */
static void paint(const fl_fitting *f, const choice *c, const real *uv, const int *frame, int frames, int stack,
                  unsigned char *rgb)
{
    const int64_t whole = (int64_t)f->resized_height * f->resized_width;
    const double limit = fl_flow_limit(uv, whole * c->count);
    for (int t = 0; t < frames; t++) {
        const real *flow = uv + 2 * whole * c->place[flow_of(c, frame[t], 0, stack)];
        for (int y = 0; y < f->height; y++, rgb += 3 * f->width) {
            const int64_t row = (int64_t)(y + f->crop_y) * f->resized_width + f->crop_x;
            fl_flow_colours(flow + 2 * row, f->width, limit, rgb);
        }
    }
}

static fl_status build(fl_arena *a, const fl_card_input *card, const fl_flow_job *job, const fl_fitting *f,
                       const int *frame, int count, real *input, unsigned char *colours)
{
    choice c;
    const int stack = fl_flow_stack(card);
    if (count_flows(job, &c, a->error) != FL_OK || choose(a, frame, count, stack, &c) != FL_OK)
        return a->error->status;
    const real *uv = values_of(a, job, f, &c);
    if (!uv) return fl_error_set(a->error, FL_FAILED, "optical flow: memory ran out");
    fill(card, f, &c, uv, frame, count, input);
    if (colours) paint(f, &c, uv, frame, count, stack, colours);
    return FL_OK;
}

fl_status fl_flow_input(fl_arena *a, const fl_card_input *card, const fl_flow_job *job, const int *frame, int count,
                        fl_network_clip *out)
{
    fl_assert(card->source == FL_SOURCE_FLOW && (job->clip || job->file));
    fl_fitting f;
    unsigned char *colours = NULL;
    memset(out, 0, sizeof *out);
    if (fitting_of(job, card, &f, a->error) != FL_OK) return a->error->status;
    out->fitting = f;
    if (job->clip && fl_fitting_of(card, job->clip->height, job->clip->width, &out->fitting, a->error) != FL_OK)
        return a->error->status;
    if (!job->clip) colours = FL_NEW(a, unsigned char, 3 * (int64_t)count * f.height * f.width);
    out->shown = job->clip ? fl_preprocess_shown(a, card, job->clip, frame, count) : colours;
    out->input = fl_tensor_new(a, (fl_shape){1, 2 * fl_flow_stack(card), count, f.height, f.width});
    if (!out->input.data || !out->shown) return fl_error_set(a->error, FL_FAILED, "optical flow: memory ran out");
    const fl_mark mark = fl_arena_mark(a);
    const fl_status status = build(a, card, job, &f, frame, count, out->input.data, colours);
    fl_arena_release(a, mark);
    return status;
}
