/* drive_path.c: gradients along a path from a baseline to the clip (Sundararajan, Taly and Yan 2017).
 *
 *   a_i = (x_i - b_i) sum_k w_k  ds/dx_i (b + alpha_k (x - b))          alpha, w: quadrature.h
 *
 * Complete: the sum of a tends to s(x) - s(b). Points are taken in ascending order, batch of them per pass. */
#include "attribution/gather.h"

static fl_status walk(fl_run *r, const double *alpha, const double *weight, const fl_gather *q)
{
    for (int k = 0; k < r->o.steps; k += r->batch) {
        const int rows = r->o.steps - k < r->batch ? r->o.steps - k : r->batch;
        for (int row = 0; row < rows; row++) fl_mix(r->voxels, alpha[k + row], r->baseline, r->x, fl_run_row(r, row));
        if (fl_run_forward(r, rows)) return r->g->error->status;
        fl_gather_backward(q, rows);
        for (int row = 0; row < rows; row++) fl_accumulate(q->count, weight[k + row], fl_gather_signal(q, row), q->sum);
    }
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    const int n = r->o.steps;
    double *alpha = fl_run_doubles(r, n), *weight = fl_run_doubles(r, n);
    fl_gather q;
    if (!alpha || !weight || fl_gather_begin(&q, r)) return r->g->error->status;
    if (fl_quadrature_fill(r->o.rule, n, alpha, weight, r->g->error) || walk(r, alpha, weight, &q)) return r->g->error->status;
    fl_gather_finish(&q);
    fl_times_difference(r->voxels, r->x, r->baseline, q.sum, r->map->data);
    return FL_OK;
}

const fl_driver fl_drive_path = {
    .name = "path",
    .uses = {[FL_PATH_STRAIGHT] = FL_READS(steps) | FL_READS(rule) | FL_READS_BASELINE},
    .run = run
};
