/* segments_flow.c: pieces that go along with what moves: every voxel is followed back along the optical flow (TV-L1, tensor/flow.h)
 * to a first frame,
 *
 *   at_0(p) = p,     at_t(p) = at_{t-1}(p + b_t(p)),     b_t: flow from frame t to frame t-1
 *
 * (between pixels by linear interpolation, kept inside the picture), and counts as if it were there: SLIC with these places gives
 * supervoxels that follow objects; the cells of a grid there give tubes. */
#include "attribution/segments_parts.h"

#include "tensor/flow.h"
#include "tensor/par.h"

#include <math.h>

real *fl_segments_grey(const fl_segment_task *k, bool backwards)
{
    const int64_t frame = (int64_t)k->s.h * k->s.w;
    const int channels = k->s.c;
    const real *p = fl_segments_picture(k, false);
    real *grey = p ? fl_segments_scratch(k, fl_shape_pixels(k->s), sizeof *grey) : NULL;
    if (!grey) return NULL;
    for (int64_t i = 0; i < fl_shape_pixels(k->s); i++) {
        static const double luma[3] = {0.299, 0.587, 0.114};
        double sum = 0;
        for (int c = 0; c < channels; c++) sum += (channels == 3 ? luma[c] : 1.0 / channels) * (double)p[i * channels + c];
        grey[backwards ? (k->s.t - 1 - i / frame) * frame + i % frame : i] = (real)(255 * sum);
    }
    return grey;
}

static double inside(double x, int size) { return x < 0 ? 0 : x > size - 1 ? size - 1 : x; }

/* The pair at (y, x) of a field H,W,2. */
static void between(const fl_segment_task *k, const real *field, double y, double x, real *to)
{
    const int h = k->s.h, w = k->s.w;
    y = inside(y, h);
    x = inside(x, w);
    const int y0 = (int)y, x0 = (int)x, y1 = y0 + 1 < h ? y0 + 1 : y0, x1 = x0 + 1 < w ? x0 + 1 : x0;
    const double b = y - y0, a = x - x0;
    for (int c = 0; c < 2; c++) {
        const double top = (1 - a) * (double)field[((int64_t)y0 * w + x0) * 2 + c] + a * (double)field[((int64_t)y0 * w + x1) * 2 + c];
        const double low = (1 - a) * (double)field[((int64_t)y1 * w + x0) * 2 + c] + a * (double)field[((int64_t)y1 * w + x1) * 2 + c];
        to[c] = (real)((1 - b) * top + b * low);
    }
}

/* flow: H,W,2 (u, v) back to the frame before, whose places are `before`; NULL: a first frame. */
static void step_back(const fl_segment_task *k, const real *flow, const real *before, real *at)
{
    FL_PARALLEL(y, k->s.h, (int64_t)k->s.h * k->s.w * 20) {
        for (int x = 0; x < k->s.w; x++) {
            const int64_t i = (y * k->s.w + x) * 2;
            if (before) between(k, before, (double)y + (double)flow[i + 1], x + (double)flow[i], at + i);
            else {
                at[i] = (real)y;
                at[i + 1] = (real)x;
            }
        }
    }
}

real *fl_segments_paths(const fl_segment_task *k, int frames)
{
    const int t = k->s.t;
    const int64_t field = (int64_t)k->s.h * k->s.w * 2;
    const fl_flow_params params = fl_flow_default();
    real *grey = fl_segments_grey(k, true), *at = grey ? fl_segments_scratch(k, t * field, sizeof *at) : NULL;
    real *flow = at ? fl_segments_scratch(k, t * field, sizeof *flow) : NULL;
    int *first = flow ? fl_segments_scratch(k, t, sizeof *first) : NULL;
    if (!first) return NULL;
    int pairs = 0;
    for (int i = 0; i < t; i++)
        if (i % frames) first[pairs++] = t - 1 - i;
    if (pairs && fl_flow_pairs(k->scratch, grey, first, pairs, k->s.h, k->s.w, &params, NULL, NULL, flow)) {
        fl_error_set(k->err, k->scratch->error->status, "segments: %s", k->scratch->error->message);
        return NULL;
    }
    for (int i = 0, pair = 0; i < t; i++) {
        const bool begins = i % frames == 0;
        step_back(k, flow + pair * field, begins ? NULL : at + (i - 1) * field, at + i * field);
        pair += !begins;
    }
    return at;
}

fl_status fl_segments_flow(const fl_segment_task *k)
{
    const real *at = fl_segments_paths(k, k->s.t);
    return at ? fl_slic(k, at) : k->err->status;
}
