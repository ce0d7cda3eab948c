/* segments.c: the kinds of segments by name, checks, and the numbering of the pieces. */
#include "attribution/segments_parts.h"

#include "attribution/attribution.h"

#include <math.h>

const char *const fl_segments_name[] = {"grid", "frames", "slic", "flow", "tubes", NULL};
const char *const fl_segments_doc[] = {
    "boxes of equal size",
    "every frame is one piece",
    "supervoxels: near in place, time and colour (SLIC)",
    "supervoxels that go along with the optical flow",
    "cells of the first frame, followed through the clip along the optical flow",
    NULL};
static fl_status (*const make[])(const fl_segment_task *) = {fl_segments_grid, fl_segments_frames, fl_segments_slic,
                                                             fl_segments_flow, fl_segments_tubes};

fl_segment_options fl_segments_default(void)
{
    return (fl_segment_options){.cell = {4, 16, 16}, .pieces = 100, .compactness = 10, .spacing = {1, 1, 1}, .rounds = 10};
}

static fl_status refuse(const fl_segment_task *k, const char *what, const char *wanted, double got)
{
    return fl_error_set(k->err, FL_USAGE, "segments: %s: expected %s, got %g", what, wanted, got);
}

static fl_status check(const fl_segment_task *k)
{
    const fl_segment_options *o = k->o;
    for (int axis = 0; axis < 3; axis++) {
        if (o->cell[axis] < (axis > 0)) return refuse(k, "cell", "sizes of 1 and more", o->cell[axis]);
        if (!(o->spacing[axis] > 0 && o->spacing[axis] <= 1e6)) return refuse(k, "spacing", "lengths above 0", o->spacing[axis]);
    }
    if (o->pieces < 1) return refuse(k, "pieces", "1 or more", o->pieces);
    if (!(o->compactness > 0 && o->compactness <= 1e9)) return refuse(k, "compactness", "a number above 0", o->compactness);
    if (!(o->sigma >= 0 && o->sigma <= 1e3)) return refuse(k, "sigma", "0 to 1000", o->sigma);
    if (o->rounds < 1) return refuse(k, "rounds", "1 or more", o->rounds);
    if (fl_shape_pixels(k->s) > INT32_MAX) return refuse(k, "voxels", "at most 2^31 - 1", (double)fl_shape_pixels(k->s));
    return FL_OK;
}

/* 0, 1, 2, ... in the order of first voxels. Numbers are below the number of voxels. */
static fl_status number(const fl_segment_task *k, int *count)
{
    const int64_t voxels = fl_shape_pixels(k->s);
    int32_t *name = fl_segments_scratch(k, voxels, sizeof *name);
    if (!name) return k->err->status;
    *count = 0;
    for (int64_t i = 0; i < voxels; i++) {
        int32_t *known = &name[k->label[i]];
        if (*known == 0) *known = ++*count;
        k->label[i] = *known - 1;
    }
    return FL_OK;
}

fl_status fl_segments_make(const char *kind, fl_shape clip, const real *x, const fl_card_input *card, const fl_segment_options *o,
                           fl_arena *arena, fl_segments *to, fl_error *err)
{
    fl_assert(clip.n == 1);
    fl_segment_task k = {o, clip, x, card, arena, err, NULL};
    const int which = fl_name_find(fl_segments_name, kind);
    *to = (fl_segments){clip.t, clip.h, clip.w, 0, NULL};
    if (which < 0)
        return fl_error_set(err, FL_USAGE, "segments: there are none called '%s'; did you mean '%s'?", kind,
                            fl_name_nearest(fl_segments_name, kind));
    if (check(&k)) return err->status;
    const fl_mark before = fl_arena_mark(arena);
    k.label = fl_segments_scratch(&k, fl_shape_pixels(clip), sizeof *k.label);
    if (!k.label) return err->status;
    const fl_mark mark = fl_arena_mark(arena);
    const fl_status status = make[which](&k) ? err->status : number(&k, &to->count);
    fl_arena_release(arena, status ? before : mark);
    if (!status) to->label = k.label;
    return status;
}

void fl_segments_sizes(const fl_segments *s, int64_t *size)
{
    for (int i = 0; i < s->count; i++) size[i] = 0;
    for (int64_t i = 0; i < (int64_t)s->t * s->h * s->w; i++) size[s->label[i]]++;
}
