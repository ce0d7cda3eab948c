/* drive_score_cam.c: Score-CAM (Wang 2020): what the network still says when it sees only where a channel is active.
 *
 *   U_k = A_k enlarged to the clip,  H_k = (U_k - min) / (max - min) over the whole clip,  S_k = probability of the class at x H_k
 *   m = relu( sum_k S_k A_k )
 *
 * One pass for each channel of the layer that is not constant; no gradient. x is in network space: masked places show the mean
 * of the data set. S_k is taken as it is: no softmax over channels, no baseline (as the study does). */
#include "attribution/explainer.h"

#include "tensor/par.h"
#include "tensor/resample.h"

#include <string.h>

/* Row <- clip * H_k. False when the channel is constant. */
static bool mask_clip(fl_run *r, fl_shape s, const real *a, int k, real *small, real *wide, real *full, int row)
{
    const fl_shape plane = {1, 1, s.t, s.h, s.w}, between = {1, 1, s.t, r->clip.h, r->clip.w};
    const fl_shape clip = {1, 1, r->clip.t, r->clip.h, r->clip.w};
    const int64_t pixels = fl_shape_pixels(clip);
    real low, high;
    for (int64_t p = 0; p < fl_shape_pixels(plane); p++) small[p] = a[p * s.c + k];
    fl_resize(plane, small, between, wide, FL_RESIZE_LINEAR, false);
    fl_resize(between, wide, clip, full, FL_RESIZE_NEAREST, false);
    fl_min_max(full, pixels, &low, &high);
    if (!(high > low)) return false;
    const double factor = 1.0 / ((double)high - (double)low);
    real *to = fl_run_row(r, row);
    const int channels = r->clip.c;
    FL_PARALLEL(p, pixels, 4 * r->voxels) {
        const double h = ((double)full[p] - (double)low) * factor;
        for (int c = 0; c < channels; c++) to[p * channels + c] = (real)(h * (double)r->x[p * channels + c]);
    }
    return true;
}

static fl_status score_batch(fl_run *r, int rows, const int *channel, double *score)
{
    if (rows == 0) return FL_OK;
    if (fl_run_forward(r, rows) != FL_OK) return r->g->error->status;
    for (int row = 0; row < rows; row++) score[channel[row]] = fl_explainer_probability(r->e, row, r->o.target.class_index);
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    fl_shape s = r->g->node[r->wrt].shape;
    s.n = 1;
    const int64_t places = fl_shape_pixels(s), wide_count = (int64_t)s.t * r->clip.h * r->clip.w, pixels = fl_shape_pixels(r->clip);
    real *a = FL_NEW(r->scratch, real, fl_shape_count(s)), *small = FL_NEW(r->scratch, real, places);
    real *wide = FL_NEW(r->scratch, real, wide_count), *full = FL_NEW(r->scratch, real, pixels);
    int *channel = FL_NEW(r->scratch, int, r->batch);
    double *score = fl_run_doubles(r, s.c);
    if (!a || !small || !wide || !full || !channel || !score)
        return fl_run_no_memory(r);
    memcpy(a, fl_run_value(r, 0), (size_t)fl_shape_count(s) * sizeof *a);
    r->total += s.c;
    int rows = 0;
    for (int k = 0; k < s.c; k++) {
        if (mask_clip(r, s, a, k, small, wide, full, rows)) channel[rows++] = k;
        else r->total--;
        if (rows < r->batch && k < s.c - 1) continue;
        if (score_batch(r, rows, channel, score) != FL_OK) return r->g->error->status;
        rows = 0;
    }
    fl_run_weigh_channels(r, s, a, score, places, r->o.signed_cam);
    return FL_OK;
}

const fl_driver fl_drive_score_cam = {.name = "score_cam", .uses = {FL_READS(layer) | FL_READS(signed_cam)}, .run = run};
