/* units.c: places that are shown or hidden together: voxels, blocks of a frame, supervoxels, their pieces in every frame, frames.
 *
 * A block is a square of a frame; those at the right and lower edge are cut. Supervoxels are those of SLIC-zero on the blurred clip
 * (segments.h; deviation 1, as in the study); a piece is the part of one in one frame. A unit's importance is the mean of its voxels, or
 * their sum (--unit-value sum: larger pieces come first, as in the study). */
#include "attribution/explainer.h"
#include "attribution/metrics/rank.h"
#include "attribution/metrics/trial.h"
#include "attribution/segments.h"

const char *const fl_unit_name[] = {"default", "voxel", "block", "piece", "supervoxel", "frame", NULL};
const char *const fl_unit_value_name[] = {"default", "mean", "sum", NULL};

typedef struct places { fl_shape s; int *of, count; } places;

static void voxels(places *p)
{
    p->count = (int)fl_shape_pixels(p->s);
    for (int i = 0; i < p->count; i++) p->of[i] = i;
}

static void frames(places *p)
{
    p->count = p->s.t;
    for (int i = 0; i < (int)fl_shape_pixels(p->s); i++) p->of[i] = i / (p->s.h * p->s.w);
}

static void blocks(places *p, int side)
{
    const int down = (p->s.h + side - 1) / side, across = (p->s.w + side - 1) / side;
    p->count = p->s.t * down * across;
    for (int i = 0; i < (int)fl_shape_pixels(p->s); i++) {
        const int x = i % p->s.w, y = i / p->s.w % p->s.h, t = i / (p->s.w * p->s.h);
        p->of[i] = (t * down + y / side) * across + x / side;
    }
}

/* Pieces are numbered by frame, then by supervoxel; those that a frame does not have are left out. */
static void cut_by_frames(places *p, int supervoxels, int *number)
{
    const int pixels = p->s.h * p->s.w;
    p->count = 0;
    for (int t = 0; t < p->s.t; t++) {
        int *of = p->of + t * pixels;
        for (int k = 0; k < supervoxels; k++) number[k] = -1;
        for (int i = 0; i < pixels; i++) number[of[i]] = 0;
        for (int k = 0; k < supervoxels; k++)
            if (number[k] == 0) number[k] = p->count++;
        for (int i = 0; i < pixels; i++) of[i] = number[of[i]];
    }
}

static fl_status supervoxels(fl_trial *t, places *p)
{
    const fl_judged *j = t->judged;
    fl_segment_options o = fl_segments_default();
    fl_segments s;
    o.pieces = t->o.pieces;
    o.sigma = 1;
    o.zero = true;
    if (fl_segments_make("slic", j->shape, j->clip, j->explainer->card, &o, t->scratch, &s, t->error)) return t->error->status;
    int *number = FL_NEW(t->scratch, int, s.count);
    if (!number) return t->error->status;
    for (int i = 0; i < t->voxels; i++) p->of[i] = s.label[i];
    p->count = s.count;
    if (t->o.unit == FL_UNIT_PIECE) cut_by_frames(p, s.count, number);
    return FL_OK;
}

static fl_status find(fl_trial *t, places *p)
{
    switch (t->o.unit) {
    case FL_UNIT_FRAME: frames(p); return FL_OK;
    case FL_UNIT_BLOCK: blocks(p, t->o.block); return FL_OK;
    case FL_UNIT_PIECE:
    case FL_UNIT_SUPERVOXEL: return supervoxels(t, p);
    default: voxels(p); return FL_OK;
    }
}

fl_status fl_trial_units(fl_trial *t, fl_units *u)
{
    places p = {t->map_shape, FL_NEW(t->scratch, int, t->voxels), 0};
    const double *map = fl_trial_map(t);
    if (!p.of || !map || find(t, &p) != FL_OK) return t->error->status;
    int *size = FL_NEW(t->scratch, int, p.count), *order = FL_NEW(t->scratch, int, p.count), *merge = FL_NEW(t->scratch, int, p.count);
    double *value = FL_NEW(t->scratch, double, p.count);
    if (!size || !order || !merge || !value) return t->error->status;
    for (int i = 0; i < t->voxels; i++) {
        size[p.of[i]]++;
        value[p.of[i]] += map[i];
    }
    for (int k = 0; k < p.count && t->o.unit_value != FL_UNIT_SUM; k++) value[k] /= size[k] ? size[k] : 1;
    fl_order_descending(p.count, value, order, merge);
    *u = (fl_units){p.count, p.of, size, value, order};
    return FL_OK;
}
