/* localise.c: the pointing games and the energy on the thing (localise.h). */
#include "attribution/localise.h"

#include <math.h>
#include <string.h>

static int64_t frame_size(fl_shape s) { return (int64_t)s.h * s.w; }
static bool counts(const bool *known, int64_t t) { return !known || known[t]; }
static int at_most(int a, int b) { return a < b ? a : b; }
static int at_least(int a, int b) { return a > b ? a : b; }

void fl_truth_add_boxes(fl_shape s, const fl_box *box, unsigned char *mask)
{
    for (int t = 0; t < s.t; t++)
        for (int y = at_least(box[t].y0, 0); y < at_most(box[t].y1, s.h); y++)
            for (int x = at_least(box[t].x0, 0); x < at_most(box[t].x1, s.w); x++) mask[(t * (int64_t)s.h + y) * s.w + x] = 1;
}

/* Each value that is not 0 spreads over its neighbours along a line of n values, step apart. */
static void spread(const unsigned char *from, unsigned char *to, int n, int64_t step, int tolerance)
{
    for (int i = 0, far = -1; i < n; i++) {              /* far: the last place that is covered so far */
        if (!from[i * step]) continue;
        for (int k = at_least(far + 1, i - tolerance); k <= at_most(n - 1, i + tolerance); k++) to[k * step] = 1;
        far = at_most(n - 1, i + tolerance);
    }
}

const unsigned char *fl_truth_enlarge(fl_shape s, const unsigned char *mask, int tolerance, fl_arena *arena)
{
    if (tolerance == 0) return mask;
    unsigned char *across = FL_NEW(arena, unsigned char, fl_shape_pixels(s)), *both = FL_NEW(arena, unsigned char, fl_shape_pixels(s));
    if (!across || !both) return NULL;
    for (int64_t row = 0; row < (int64_t)s.t * s.h; row++) spread(mask + row * s.w, across + row * s.w, s.w, 1, tolerance);
    for (int t = 0; t < s.t; t++)
        for (int x = 0; x < s.w; x++) spread(across + t * frame_size(s) + x, both + t * frame_size(s) + x, s.h, s.w, tolerance);
    return both;
}

int64_t fl_pointing_voxel(fl_shape s, const real *map, const bool *known)
{
    int64_t best = -1;
    for (int64_t i = 0; i < fl_shape_pixels(s); i++)
        if (counts(known, i / frame_size(s)) && (best < 0 || map[i] > map[best])) best = i;
    return best;
}

bool fl_pointing_hit(fl_shape s, const real *map, const fl_truth *truth)
{
    fl_assert(s.n == 1 && s.c == 1);
    const int64_t at = fl_pointing_voxel(s, map, truth->known);
    return at >= 0 && truth->mask[at];
}

double fl_pointing_chance(fl_shape s, const fl_truth *truth)
{
    double on = 0, all = 0;
    for (int64_t i = 0; i < fl_shape_pixels(s); i++) {
        if (!counts(truth->known, i / frame_size(s))) continue;
        on += truth->mask[i] != 0;
        all++;
    }
    return all > 0 ? on / all : (double)NAN;
}

double fl_energy_inside(fl_shape s, const real *map, const fl_truth *truth)
{
    fl_assert(s.n == 1 && s.c == 1);
    double within = 0, all = 0;
    for (int64_t i = 0; i < fl_shape_pixels(s); i++) {
        if (!(map[i] > 0) || !counts(truth->known, i / frame_size(s))) continue;
        all += (double)map[i];
        if (truth->mask[i]) within += (double)map[i];
    }
    return all > 0 ? within / all : (double)NAN;
}

static int64_t voxels_of_thing(fl_shape s, const fl_truth *truth, int t)
{
    int64_t count = 0;
    for (int64_t p = 0; p < frame_size(s); p++) count += truth->mask[t * frame_size(s) + p] != 0;
    return counts(truth->known, t) ? count : 0;
}

fl_pointing fl_pointing_frames(fl_shape s, const real *map, const fl_truth *truth)
{
    const fl_shape one = {1, 1, 1, s.h, s.w};
    fl_pointing p = {0, 0, 0};
    for (int t = 0; t < s.t; t++) {
        const int64_t on = voxels_of_thing(s, truth, t);
        if (!on) continue;
        p.frames++;
        p.hits += truth->mask[t * frame_size(s) + fl_pointing_voxel(one, map + t * frame_size(s), NULL)] != 0;
        p.chance += (double)on / (double)frame_size(s);
    }
    if (p.frames) p.chance /= p.frames;
    return p;
}

fl_pointing fl_pointing_time(fl_shape s, const real *map, const fl_truth *truth)
{
    double most = -(double)INFINITY;
    int known = 0, with = 0;
    fl_pointing p = {0, 0, 0};
    for (int t = 0; t < s.t; t++) {
        double sum = 0;
        if (!counts(truth->known, t)) continue;
        const bool there = truth->moment ? truth->moment[t] : voxels_of_thing(s, truth, t) > 0;
        known++;
        with += there;
        for (int64_t i = 0; i < frame_size(s); i++) sum += (double)map[t * frame_size(s) + i];
        if (sum > most) most = sum, p.hits = there;
    }
    p.frames = known ? 1 : 0;
    p.chance = known ? (double)with / known : 0;
    return p;
}
