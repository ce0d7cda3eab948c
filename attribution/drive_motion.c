/* drive_motion.c: relevance parted into what frames show and what happens between them (Hiley et al. 2019, Discriminating Spatial and
 * Temporal Relevance in Deep Taylor Decompositions for Explainable Activity Recognition).
 *
 *   spatial    S_t = R_t( x_t x_t .. x_t )      the relevance of frame t in a clip that shows nothing but frame t
 *   temporal   R_t( x ) - S_t                   what frame t has in the clip and cannot have by itself
 *
 * R: any rule set that shares a score (--rules); the class is that of the clip itself. T and T + 1 walks. */
#include "attribution/driver.h"

#include "tensor/par.h"

#include <string.h>

static void freeze(const fl_run *r, int64_t frame, int t, real *to)
{
    for (int i = 0; i < r->clip.t; i++) memcpy(to + i * frame, r->x + t * frame, (size_t)frame * sizeof *to);
}

static fl_status compose(fl_run *r)
{
    const int64_t frame = r->voxels / r->clip.t;
    const double sign = r->method->variant == FL_MOTION_TEMPORAL ? -1 : 1;
    real *still = FL_NEW(r->scratch, real, r->voxels);
    fl_map whole, part;
    if (!still) return fl_run_no_memory(r);
    r->total = 2 * (r->clip.t + 1);
    if (fl_run_part(r, "deep_taylor", r->x, &r->o, &whole)) return r->g->error->status;      /* settles class and score */
    for (int t = 0; t < r->clip.t; t++) {
        const fl_mark mark = fl_arena_mark(r->scratch);
        freeze(r, frame, t, still);
        if (fl_run_part(r, "deep_taylor", still, &r->o, &part)) return r->g->error->status;
        for (int64_t i = t * frame; i < (t + 1) * frame; i++)
            r->map->data[i] = (real)(sign * (double)part.data[i] + (sign < 0 ? (double)whole.data[i] : 0));
        fl_arena_release(r->scratch, mark);
    }
    return FL_OK;
}

const fl_driver fl_drive_motion = {.name = "motion", .uses = {0}, .compose = compose};
