/* baselines.c: a run over several baselines: the mean of what the driver finds with each, and of what the network says to each.
 *
 *   a = (1/n) sum_j a_j,   a_j complete with respect to b_j:   sum a = s(x) - (1/n) sum_j s(b_j) */
#include "attribution/baseline.h"
#include "attribution/explainer.h"

#include <math.h>
#include <string.h>

static fl_status fill(const fl_run *r, uint64_t seed, real *b)
{
    if (strcmp(r->baseline_name, "clip") != 0 || !r->o.baseline_clip)
        return fl_baseline_fill(r->baseline_name, r->clip, r->x, r->e->card, r->o.baseline_sigma, seed, b, r->scratch, r->g->error);
    memcpy(b, r->o.baseline_clip, (size_t)r->voxels * sizeof *b);
    return FL_OK;
}

fl_status fl_baselines_draw(const fl_run *r, int k, real *b) { return fill(r, r->o.seed + (uint64_t)k, b); }

static fl_status with(fl_run *r, int j)
{
    real *b = FL_NEW(r->scratch, real, r->voxels);
    r->baseline = b;
    r->baseline_name = fl_baselines_item(r->o.baseline, j, r->scratch);
    if (!b || !r->baseline_name) return fl_run_no_memory(r);
    if (fill(r, r->o.seed, b)) return r->g->error->status;
    if (j == 0) return r->method->driver->run(r);
    memcpy(fl_run_row(r, 0), r->x, (size_t)r->voxels * sizeof(real));        /* drivers begin where the clip was just seen */
    return fl_run_forward(r, 1) ? r->g->error->status : r->method->driver->run(r);
}

static fl_status score(fl_run *r, double *sum)
{
    fl_map *m = r->map;
    if (r->method->law != FL_LAW_COMPLETE) return FL_OK;
    if (fl_run_baseline_score(r)) return r->g->error->status;
    *sum += m->baseline_score;
    m->baseline_score = (double)NAN;
    return FL_OK;
}

static fl_status average(fl_run *r, int n)
{
    fl_map *m = r->map;
    const int64_t count = fl_shape_count(m->shape);
    double *sum = fl_run_doubles(r, count), scores = 0;
    if (!sum) return r->g->error->status;
    for (int j = 0; j < n; j++) {
        const fl_mark mark = fl_arena_mark(r->scratch);
        if (with(r, j) || score(r, &scores)) return r->g->error->status;
        fl_accumulate(count, 1, m->data, sum);
        fl_arena_release(r->scratch, mark);
    }
    fl_round(count, 1.0 / n, sum, m->data);
    r->baseline = NULL;
    if (r->method->law == FL_LAW_COMPLETE) m->baseline_score = scores / n;
    return FL_OK;
}

fl_status fl_baselines_run(fl_run *r)
{
    if (!(fl_method_uses(r->method) & FL_READS(baseline))) return r->method->driver->run(r);
    const int n = fl_baselines_count(r->o.baseline);
    return n == 1 ? with(r, 0) : average(r, n);
}
