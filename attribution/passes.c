/* passes.c: what a driver does with the network (driver.h): passes up and down, whose rows are clips and whose end is the target. */
#include "attribution/explainer.h"

#include "tensor/math.h"

#include <string.h>

real *fl_run_row(const fl_run *r, int row) { return fl_graph_value(r->g, r->e->net.input) + row * r->voxels; }
const real *fl_run_value(const fl_run *r, int row) { return fl_explainer_row(r->e, r->wrt, row); }

const real *fl_run_signal(const fl_run *r, int row)
{
    return fl_graph_signal(r->g, r->wrt) + row * (fl_shape_count(fl_graph_shape(r->g, r->wrt)) / r->batch);
}

fl_status fl_run_forward(fl_run *r, int rows)
{
    fl_graph_forward(r->g);
    return fl_run_count(r, rows);
}

fl_status fl_run_count(fl_run *r, int rows)
{
    r->done += rows;
    if (!r->o.progress || r->o.progress(r->done, r->total, r->o.user)) return FL_OK;
    r->told_to_stop = true;
    return fl_error_set(r->g->error, FL_LIMIT,
                        "%s: stopped after %d of %d passes, and has no map before the last: more time, or fewer passes",
                        r->method->name, r->done, r->total);
}

static real *seed_of(fl_run *r, int row) { return r->e->seed + (int64_t)row * r->end.count; }

static void clear_seeds(fl_run *r)               /* rows beyond are not asked */
{
    memset(r->e->seed, 0, (size_t)r->batch * (size_t)r->end.count * sizeof(real));
}

void fl_run_backward_to(fl_run *r, int rows, fl_id last)
{
    clear_seeds(r);
    for (int row = 0; row < rows; row++)
        fl_target_seed(&r->o.target, r->end, r->e->classes, fl_explainer_row(r->e, r->end.node, row), seed_of(r, row));
    fl_graph_backward_to(r->g, r->e->seed, last);
}

void fl_run_backward(fl_run *r, int rows) { fl_run_backward_to(r, rows, FL_NONE); }

double fl_run_start(fl_run *r)
{
    clear_seeds(r);
    const real *y = fl_explainer_row(r->e, r->end.node, 0);
    double sum = 0;
    if (r->rules->start == FL_START_GRADIENT) {
        fl_target_seed(&r->o.target, r->end, r->e->classes, y, r->e->seed);
        sum = fl_sum(r->e->seed, r->end.count);
    } else sum = fl_target_start(&r->o.target, r->rules->start, r->end, r->e->classes, y, r->e->seed);
    fl_graph_backward(r->g, r->e->seed);
    return sum;
}

void fl_run_compare(fl_run *r, const real *y0)
{
    clear_seeds(r);
    fl_target_multipliers(&r->o.target, r->end, r->e->classes, fl_explainer_row(r->e, r->end.node, 0), y0, r->e->seed);
    fl_graph_backward(r->g, r->e->seed);
}

double fl_run_score(const fl_run *r, int row)
{
    return fl_target_score(&r->o.target, r->end, r->e->classes, fl_explainer_row(r->e, r->end.node, row));
}

fl_status fl_run_no_memory(const fl_run *r)
{
    return fl_error_set(r->g->error, r->scratch->error->status, "%s: %s", r->method->name, r->scratch->error->message);
}

double *fl_run_doubles(fl_run *r, int64_t count)
{
    double *p = FL_NEW(r->scratch, double, count);
    if (!p) fl_run_no_memory(r);
    return p;
}

fl_status fl_run_baseline_score(fl_run *r)
{
    if (!isnan(r->map->baseline_score)) return FL_OK;
    memcpy(fl_run_row(r, 0), r->baseline, (size_t)r->voxels * sizeof(real));
    if (fl_run_forward(r, 1)) return r->g->error->status;
    r->map->baseline_score = fl_run_score(r, 0);
    return FL_OK;
}
