/* probe.c: variants fill the rows of a pass; every row is a clip of its own. */
#include "attribution/probe.h"

#include "attribution/explainer.h"

#include <string.h>

struct fl_probe {
    fl_explainer *e;
    fl_target target;
    fl_end end;
    int64_t voxels;               /* of a clip, channels included */
    real *base;
    double score;                 /* of the base */
    real *y;                      /* of the base: one value per class */
};

static real *row(const fl_probe *p, int i) { return fl_graph_value(p->e->g, p->e->net.input) + i * p->voxels; }
static const real *result(const fl_probe *p, int i) { return fl_explainer_row(p->e, p->end.node, i); }
static void copy(real *to, const real *from, int64_t count) { memcpy(to, from, (size_t)count * sizeof *to); }

double fl_probe_base(const fl_probe *p) { return p->score; }
fl_target fl_probe_target(const fl_probe *p) { return p->target; }
const real *fl_probe_clip(const fl_probe *p) { return p->base; }

static double score_of(const fl_probe *p, const real *y) { return fl_target_score(&p->target, p->end, p->e->classes, y); }

static void look(fl_probe *p)
{
    copy(row(p, 0), p->base, p->voxels);
    fl_graph_forward(p->e->g);
    copy(p->y, result(p, 0), p->e->classes);
}

fl_status fl_probe_rebase(fl_probe *p, const real *clip)
{
    copy(p->base, clip, p->voxels);
    look(p);
    p->score = score_of(p, p->y);
    return FL_OK;
}

fl_probe *fl_probe_open(fl_explainer *e, const fl_target *target, const real *clip, fl_arena *arena)
{
    const fl_demand forward = {.root = FL_NONE, .wrt = FL_NONE};
    if (!fl_graph_ok(e->g) || fl_explainer_fold(e, true)) return NULL;
    fl_probe *p = FL_NEW(arena, fl_probe, 1);
    const int64_t voxels = fl_shape_count(fl_graph_shape(e->g, e->net.input)) / e->batch;
    real *base = FL_NEW(arena, real, voxels), *y = FL_NEW(arena, real, e->classes);
    if (!p || !base || !y) {
        fl_error_set(e->g->error, FL_FAILED, "variants of a clip: %s", arena->error->message);
        return NULL;
    }
    *p = (fl_probe){.e = e, .target = *target, .voxels = voxels, .base = base, .y = y};
    if (fl_target_end(e->g, &e->net, &p->target, &p->end) || fl_explainer_plan(e, &forward)) return NULL;
    copy(p->base, clip, voxels);
    look(p);
    if (fl_target_resolve(&p->target, e->classes, p->y, e->g->error)) return NULL;
    p->score = score_of(p, p->y);
    return p;
}

static bool is_empty(fl_region r) { return r.hi[0] <= r.lo[0] || r.hi[1] <= r.lo[1] || r.hi[2] <= r.lo[2]; }

/* Rows 0 .. rows-1 hold variants from..; true: all were taken. */
static bool take(fl_probe *p, const fl_variants *v, int64_t from, int rows)
{
    for (int i = 0; i < rows; i++) {
        const bool go_on = v->take(v->user, from + i, score_of(p, result(p, i)), result(p, i));
        if (v->cumulative) {
            copy(p->base, row(p, i), p->voxels);
            copy(p->y, result(p, i), p->e->classes);
            p->score = score_of(p, p->y);
        }
        if (go_on) continue;
        fl_error_set(p->e->g->error, FL_LIMIT, "stopped after %lld of %lld variants of the clip",
                     (long long)(from + i + 1 - v->first), (long long)(v->end - v->first));
        return false;
    }
    return true;
}

fl_status fl_probe_score(fl_probe *p, const fl_variants *v)
{
    for (int64_t k = v->first; k < v->end; k += p->e->batch) {
        const int rows = v->end - k < p->e->batch ? (int)(v->end - k) : p->e->batch;
        for (int i = 0; i < rows; i++) {
            copy(row(p, i), v->cumulative && i > 0 ? row(p, i - 1) : p->base, p->voxels);
            if (!v->region || !is_empty(v->region(v->user, k + i))) v->fill(v->user, k + i, row(p, i));
        }
        fl_graph_forward(p->e->g);
        if (!take(p, v, k, rows)) return FL_LIMIT;
    }
    return FL_OK;
}
