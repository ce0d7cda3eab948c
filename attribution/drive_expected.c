/* drive_expected.c: integrated gradients from many baselines at once, one point of each path (Erion et al. 2021; Lundberg's GradientSHAP).
 *
 *   a_i = (1/n) sum_k (x_i - b_k,i) ds/dx_i ( b_k + alpha_k (x + sigma e_k - b_k) ),    alpha_k = (k + u_k) / n,   u_k uniform
 *
 * b_k: the named baseline, drawn anew for every k where it is random; e_k normal, sigma = noise (max x - min x), 0 for expected
 * gradients. Stratified alpha: one in each n-th of the way. In expectation the sum of a is s(x) - mean s(b). */
#include "attribution/baseline.h"
#include "attribution/explainer.h"

#include "tensor/par.h"

enum { STREAM_ALPHA = 0x43000000, STREAM_NOISE = 0x44000000 };

/* Row <- b + alpha (x + sigma e - b) */
static void place(const fl_run *r, int k, const real *b, real *row)
{
    const double alpha = ((double)k + fl_rng_uniform(r->o.seed, STREAM_ALPHA, (uint64_t)k)) / r->o.samples, sigma = r->map->noise_sigma;
    FL_EACH(i, r->voxels) {
        const double e = sigma > 0 ? sigma * fl_rng_normal(r->o.seed, STREAM_NOISE + (uint64_t)k, (uint64_t)i) : 0;
        row[i] = (real)((double)b[i] + alpha * ((double)r->x[i] + e - (double)b[i]));
    }
}

static fl_status run(fl_run *r)
{
    real low, high, *b = FL_NEW(r->scratch, real, r->batch * r->voxels);
    double *sum = fl_run_doubles(r, r->voxels);
    if (!b || !sum) return r->g->error->status ? r->g->error->status : fl_run_no_memory(r);
    fl_min_max(r->x, r->voxels, &low, &high);
    r->map->noise_sigma = r->o.noise > 0 ? r->o.noise * ((double)high - (double)low) : 0;
    for (int k = 0; k < r->o.samples; k += r->batch) {
        const int rows = r->o.samples - k < r->batch ? r->o.samples - k : r->batch;
        for (int row = 0; row < rows; row++) {
            if (fl_baselines_draw(r, k + row, b + row * r->voxels) != FL_OK) return r->g->error->status;
            place(r, k + row, b + row * r->voxels, fl_run_row(r, row));
        }
        if (fl_run_forward(r, rows)) return r->g->error->status;
        fl_run_backward(r, rows);
        for (int row = 0; row < rows; row++) {
            const real *g = fl_run_signal(r, row), *from = b + row * r->voxels;
            FL_EACH(i, r->voxels) sum[i] += ((double)r->x[i] - (double)from[i]) * (double)g[i];
        }
    }
    fl_round(r->voxels, 1.0 / r->o.samples, sum, r->map->data);
    return FL_OK;
}

const fl_driver fl_drive_expected = {
    .name = "expected", .uses = {FL_READS(samples) | FL_READS(noise) | FL_READS(seed) | FL_READS_BASELINE}, .run = run
};
