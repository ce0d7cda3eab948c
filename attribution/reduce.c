/* reduce.c: from a raw map to one value per voxel of the clip, and per frame. Scaling for display is io's. */
#include "attribution/published.h"

#include "tensor/par.h"
#include "tensor/resample.h"

#include <math.h>

static double polar(fl_polarity p, double a)
{
    switch (p) {
    case FL_POLARITY_POSITIVE: return a > 0 ? a : 0.0;
    case FL_POLARITY_NEGATIVE: return a < 0 ? -a : 0.0;
    case FL_POLARITY_ABS:      return fabs(a);
    default:                   return a;
    }
}

static double reduce_voxel(fl_reduction how, const real *a, int channels)
{
    double sum = 0, abs_sum = 0, square = 0, most = 0;
    for (int c = 0; c < channels; c++) {
        const double v = polar(how.polarity, (double)a[c]), size = fabs(v);
        sum += v;
        abs_sum += size;
        square += v * v;
        if (size > most) most = size;
    }
    switch (how.channels) {
    case FL_CHANNELS_MEAN:     return sum / channels;
    case FL_CHANNELS_ABS_SUM:  return abs_sum;
    case FL_CHANNELS_MEAN_ABS: return abs_sum / channels;
    case FL_CHANNELS_MAX_ABS:  return most;
    case FL_CHANNELS_L2:       return sqrt(square);
    default:                   return sum;
    }
}

fl_reduction fl_map_reduction(const fl_map *m, const fl_reduction *how)
{
    fl_reduction r = m->method->reduction;
    const fl_published *p = m->options.as_published ? fl_published_find(m->method) : NULL;
    if (p) r = (fl_reduction){p->reduction.channels, p->reduction.polarity, r.upsample};
    if (how && how->channels) r.channels = how->channels;
    if (how && how->polarity) r.polarity = how->polarity;
    if (how && how->upsample) r.upsample = how->upsample;
    return r;
}

/* In space first, at the layer's few frames; then frames are repeated. Nothing changes when the sizes agree. */
static bool enlarge(fl_upsample how, fl_shape in, const real *x, fl_shape out, real *y, fl_arena *arena)
{
    fl_shape wide = out;
    if (how != FL_UPSAMPLE_TRILINEAR) wide.t = in.t;
    real *step = FL_NEW(arena, real, fl_shape_count(wide));
    if (!step) return false;
    fl_resize(in, x, wide, step, how == FL_UPSAMPLE_NEAREST ? FL_RESIZE_NEAREST : FL_RESIZE_LINEAR, false);
    fl_resize(wide, step, out, y, FL_RESIZE_NEAREST, false);
    return true;
}

real *fl_map_reduce(const fl_map *m, const fl_reduction *given, fl_arena *arena)
{
    const fl_reduction how = fl_map_reduction(m, given);
    const fl_shape small = {1, 1, m->shape.t, m->shape.h, m->shape.w}, full = {1, 1, m->clip.t, m->clip.h, m->clip.w};
    real *y = FL_NEW(arena, real, fl_shape_count(full));
    const fl_mark mark = fl_arena_mark(arena);
    real *reduced = FL_NEW(arena, real, fl_shape_count(small));
    bool ok = y && reduced;
    if (ok) {
        FL_PARALLEL(p, fl_shape_pixels(small), 8 * fl_shape_count(m->shape))
            reduced[p] = (real)reduce_voxel(how, m->data + p * m->shape.c, m->shape.c);
        ok = enlarge(how.upsample, small, reduced, full, y, arena);
    }
    fl_arena_release(arena, mark);
    return ok ? y : NULL;
}

void fl_frame_importance(int frames, int64_t pixels, const real *map, real *per_frame)
{
    for (int t = 0; t < frames; t++) {
        double sum = 0;
        for (int64_t p = 0; p < pixels; p++) sum += fabs((double)map[t * pixels + p]);
        per_frame[t] = (real)sum;
    }
}
