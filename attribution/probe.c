/* probe.c: variants go through the network as whole clips, by the graph's own plan or several at a time, or as boxes of what they
 * change (autograd/cone.h). */
#include "attribution/probe.h"

#include "attribution/explainer.h"
#include "autograd/cone.h"

#include <string.h>

enum { MOST_TOGETHER = 16, BYTES_TOGETHER = 256 << 20 };     /* variants of a pass, and their buffers: more is no faster */
enum { BYTES_ALONE = 4 << 20 };      /* values of one clip: above, a pass of its own, fused as the plan is,
                                        is faster than several together */

struct fl_probe {
    fl_explainer *e;
    fl_graph *g;
    fl_target target;
    fl_end end;
    fl_arena *arena;
    fl_shape shape;               /* of a clip */
    int64_t voxels;
    fl_cone *cone;
    fl_id *keep;
    const bool *plan;             /* of the graph: the probe ends with it */
    bool parts;                   /* the plan keeps what lies around boxes */
    bool fresh;                   /* values of the graph are those of the base */
    bool alone;                   /* whole clips take the plan's own pass, one for each row of the graph */
    real *clip;                   /* the base, save while a variant is written */
    real *y;                      /* of the base: one value per class */
    double score;
    fl_region last;               /* box for which `together` was found */
    int together;
};

static void copy(real *to, const real *from, int64_t count) { memcpy(to, from, (size_t)count * sizeof *to); }

double fl_probe_base(const fl_probe *p) { return p->score; }
fl_target fl_probe_target(const fl_probe *p) { return p->target; }
const real *fl_probe_clip(const fl_probe *p) { return p->clip; }

static double score_of(const fl_probe *p, const real *y) { return fl_target_score(&p->target, p->end, p->e->classes, y); }

static void keep_result(fl_probe *p, const real *y)
{
    copy(p->y, y, p->e->classes);
    p->score = score_of(p, p->y);
}

/* The base through the network, where the graph's values are not its. Other clips of the graph's batch are of no account. */
static void run_base(fl_probe *p)
{
    copy(fl_graph_value(p->g, p->e->net.input), p->clip, p->voxels);
    fl_graph_forward(p->g);
    p->fresh = true;
}

static fl_status plan(fl_probe *p, bool parts)
{
    p->parts = parts;
    p->fresh = false;
    p->together = 0;
    const int n = fl_cone_keep(p->cone, parts, p->keep);
    const fl_demand demand = {.root = FL_NONE, .wrt = FL_NONE, .keep = p->keep, .n_keep = n};
    if (fl_explainer_plan(p->e, &demand)) return p->g->error->status;
    p->plan = p->e->plan;
    return FL_OK;
}

void fl_probe_rebase(fl_probe *p, const real *clip)
{
    copy(p->clip, clip, p->voxels);
    run_base(p);
    keep_result(p, fl_graph_value(p->g, p->end.node));
}

fl_probe *fl_probe_open(fl_explainer *e, const fl_target *target, const real *clip, fl_arena *arena)
{
    if (!fl_graph_ok(e->g) || fl_explainer_fold(e, !e->whole_g->exact)) return NULL;
    fl_shape shape = fl_graph_shape(e->g, e->net.input);
    shape.n = 1;
    const int64_t voxels = fl_shape_count(shape);
    fl_probe *p = FL_NEW(arena, fl_probe, 1);
    real *own = FL_NEW(arena, real, voxels), *y = FL_NEW(arena, real, e->classes);
    fl_id *keep = FL_NEW(arena, fl_id, e->g->count);
    if (!p || !own || !y || !keep) {
        fl_error_set(e->g->error, FL_FAILED, "variants of a clip: %s", arena->error->message);
        return NULL;
    }
    *p = (fl_probe){.e = e, .g = e->g, .target = *target, .arena = arena, .shape = shape, .voxels = voxels, .clip = own, .y = y,
                    .keep = keep};
    if (target->node) {
        fl_error_set(p->g->error, FL_USAGE, "target node: methods that change the clip and watch look at classes; a unit needs one that "
                     "walks back, such as gradient or lrp_epsilon");
        return NULL;
    }
    if (fl_target_end(p->g, &e->net, &p->target, &p->end)) return NULL;
    p->cone = fl_cone_new(p->g, e->net.input, p->end.node, arena);
    if (!p->cone || plan(p, false)) return NULL;
    copy(p->clip, clip, voxels);
    run_base(p);
    const real *result = fl_graph_value(p->g, p->end.node);
    if (fl_target_resolve(&p->target, e->classes, result, p->g->error)) return NULL;
    keep_result(p, result);
    return p;
}

/* ---- passes ---- */

static int least(int64_t a, int64_t b) { return (int)(a < b ? a : b); }

static int length(fl_region r, int axis) { return r.hi[axis] - r.lo[axis]; }

/* Buffers of one variant tell how many fit. */
static fl_status find_together(fl_probe *p, fl_region box)
{
    bool known = p->together > 0;
    for (int i = 0; i < 3; i++) known = known && length(box, i) == length(p->last, i);
    if (known) return FL_OK;
    if (fl_cone_begin(p->cone, 1, &box)) return p->g->error->status;
    const double fit = (double)BYTES_TOGETHER / (double)(fl_cone_bytes(p->cone) + 1);
    p->together = fit < 1 ? 1 : fit > MOST_TOGETHER ? MOST_TOGETHER : (int)fit;
    p->last = box;
    return FL_OK;
}

/* False: told to stop. */
static bool hand_out(fl_probe *p, const fl_variants *v, int64_t k, const real *y)
{
    if (v->take(v->user, k, score_of(p, y), y)) return true;
    fl_error_set(p->g->error, FL_LIMIT, "stopped after %lld of %lld variants of the clip", (long long)(k + 1 - v->first),
                 (long long)(v->end - v->first));
    return false;
}

static fl_region region_of(const fl_probe *p, const fl_variants *v, int64_t k)
{
    return fl_region_common(v->region(v->user, k), fl_region_whole(p->shape));
}

static real *clip_of(const fl_probe *p, int i)
{
    const int batch = p->e->batch;
    return (p->alone ? fl_graph_value(p->g, p->e->net.input) : fl_cone_input(p->cone, i / batch)) + i % batch * p->voxels;
}

static const real *result_of(const fl_probe *p, int i)
{
    const int batch = p->e->batch;
    return (p->alone ? fl_graph_value(p->g, p->end.node) : fl_cone_result(p->cone, i / batch)) + i % batch * p->e->classes;
}

static void run_clips(fl_probe *p)
{
    if (p->alone) fl_graph_forward(p->g);
    else fl_cone_run(p->cone, false);
    p->fresh &= !p->alone;
}

/* Variants k .. k+count-1 as whole clips: each of the graph's rows takes one. */
static bool pass_of_clips(fl_probe *p, const fl_variants *v, int64_t k, int count)
{
    const int batch = p->e->batch, rows = (count + batch - 1) / batch * batch;
    for (int i = 0; i < rows; i++) {
        const bool same = i >= count || (v->region && fl_region_empty(region_of(p, v, k + i)));
        copy(clip_of(p, i), v->cumulative && i > 0 ? clip_of(p, i - 1) : p->clip, p->voxels);
        if (!same) v->fill(v->user, k + i, clip_of(p, i));
    }
    run_clips(p);
    for (int i = 0; i < count; i++) {
        const real *y = result_of(p, i);
        const bool go_on = hand_out(p, v, k + i, y);
        if (v->cumulative && (!go_on || i == count - 1)) {
            copy(p->clip, clip_of(p, i), p->voxels);
            keep_result(p, y);
            p->fresh = false;
        }
        if (!go_on) return false;
    }
    return true;
}

static fl_status score_clips(fl_probe *p, const fl_variants *v)
{
    const fl_region all = fl_region_whole(p->shape);
    const int batch = p->e->batch;
    fl_region box[MOST_TOGETHER];
    for (int i = 0; i < MOST_TOGETHER; i++) box[i] = all;
    p->alone = !p->parts && p->g->bytes_values / (size_t)batch > BYTES_ALONE;
    if (!p->alone && find_together(p, all)) return p->g->error->status;
    for (int64_t k = v->first; k < v->end;) {
        const int count = least(v->end - k, (int64_t)batch * (p->alone ? 1 : p->together));
        if (!p->alone && fl_cone_begin(p->cone, (count + batch - 1) / batch, box)) return p->g->error->status;
        if (!pass_of_clips(p, v, k, count)) return FL_LIMIT;
        k += count;
    }
    return FL_OK;
}

static void copy_box(const fl_probe *p, fl_region r, const real *from, real *to, bool packed)
{
    const int64_t run = (int64_t)length(r, 2) * p->shape.c;
    for (int t = r.lo[0]; t < r.hi[0]; t++)
        for (int h = r.lo[1]; h < r.hi[1]; h++) {
            const int64_t at = fl_at(p->shape, 0, 0, t, h, r.lo[2]);
            copy(packed ? to : to + at, from + at, run);
            if (packed) to += run;
        }
}

static bool pass_of_boxes(fl_probe *p, const fl_variants *v, int64_t k, int count, const fl_region *box)
{
    for (int i = 0; i < count; i++) {
        if (!fl_region_empty(box[i])) v->fill(v->user, k + i, p->clip);
        copy_box(p, fl_cone_box(p->cone, i), p->clip, fl_cone_input(p->cone, i), true);
        if (!v->cumulative && !fl_region_empty(box[i])) copy_box(p, box[i], fl_graph_value(p->g, p->e->net.input), p->clip, false);
    }
    fl_cone_run(p->cone, v->cumulative);
    if (v->cumulative) keep_result(p, fl_cone_result(p->cone, 0));
    for (int i = 0; i < count; i++)
        if (!hand_out(p, v, k + i, fl_cone_result(p->cone, i))) return false;
    return true;
}

/* How many go together follows from the first box: the others are not much larger. */
static bool alike(fl_region a, fl_region b)
{
    for (int i = 0; i < 3; i++)
        if (length(a, i) > 2 * length(b, i) || length(b, i) > 2 * length(a, i)) return false;
    return true;
}

static fl_status score_boxes(fl_probe *p, const fl_variants *v)
{
    if (!p->parts && plan(p, true)) return p->g->error->status;
    if (!p->fresh) run_base(p);
    fl_cone_exact(p->cone, v->cumulative);               /* what becomes the base has no rounding of its own */
    p->together = 0;
    fl_region box[MOST_TOGETHER + 1];
    int known = 0;                                       /* boxes of variants from k on */
    for (int64_t k = v->first; k < v->end;) {
        if (!known) box[known++] = region_of(p, v, k);
        if (find_together(p, box[0])) return p->g->error->status;
        const int most = v->cumulative ? 1 : least(v->end - k, p->together);
        int count = 1;
        while (count < most) {
            if (known == count) box[known++] = region_of(p, v, k + count);
            if (!alike(box[0], box[count])) break;
            count++;
        }
        if (fl_cone_begin(p->cone, count, box)) return p->g->error->status;
        if (!pass_of_boxes(p, v, k, count, box)) return FL_LIMIT;
        memmove(box, box + count, (size_t)(known - count) * sizeof *box);
        known -= count;
        k += count;
    }
    return FL_OK;
}

fl_status fl_probe_score(fl_probe *p, const fl_variants *v)
{
    fl_assert(p->plan == p->e->plan);                    /* the explainer was used for something else */
    return v->region && p->e->batch == 1 ? score_boxes(p, v) : score_clips(p, v);
}
