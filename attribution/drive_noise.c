/* drive_noise.c: moments of the gradient over noisy copies of the clip.
 *
 *   g_k = ds/dx at x + sigma e_k,    e_k normal,    sigma = noise * (max x - min x),    k = 0 .. n-1
 *
 *   mean             sum g_k / n                               SmoothGrad (Smilkov et al. 2017)
 *   mean_square      sum g_k^2 / n                             SmoothGrad-squared (Hooker et al. 2019)
 *   variance         sum (g_k - mean)^2 / (n-1), or / n        VarGrad (Adebayo et al. 2018); by Welford's recurrence
 *
 * The mean alone is linear in the g_k, and is taken where that costs least (gather.h).
 *
 * e_k at voxel i is fl_rng_normal(seed, k, i), i counted in file order: it depends on nothing else. */
#include "attribution/gather.h"

#include "tensor/par.h"

/* One item per frame of a channel, so that i runs along the file. */
void fl_add_noise(fl_shape s, const real *x, double sigma, uint64_t seed, uint64_t k, real *y)
{
    const int64_t frame = (int64_t)s.h * s.w;
    FL_PARALLEL(item, (int64_t)s.c * s.t, fl_shape_count(s) * 100) {
        const int64_t c = item / s.t, t = item % s.t;
        for (int64_t run = 0; run < frame; run += FL_RNG_RUN) {
            const int n = frame - run < FL_RNG_RUN ? (int)(frame - run) : FL_RNG_RUN;
            double e[FL_RNG_RUN];
            fl_rng_normals(seed, k, (uint64_t)(item * frame + run), e, n);
            for (int p = 0; p < n; p++) {
                const int64_t at = (t * frame + run + p) * s.c + c;
                y[at] = (real)((double)x[at] + sigma * e[p]);
            }
        }
    }
}

/* Running means, so that equal gradients have exactly their own value as mean, and no variance. k counts from 0. */
static void gather(const fl_run *r, int k, int64_t count, const real *g, double *mean, double *squares)
{
    fl_assert((mean || r->method->variant == FL_NOISE_MEAN_SQUARE) && (squares || r->method->variant == FL_NOISE_MEAN));
    switch (r->method->variant) {
    case FL_NOISE_MEAN:
        FL_EACH(i, count) mean[i] += ((double)g[i] - mean[i]) / (k + 1);
        break;
    case FL_NOISE_MEAN_SQUARE:
        FL_EACH(i, count) squares[i] += ((double)g[i] * (double)g[i] - squares[i]) / (k + 1);
        break;
    default:                                             /* squares: sum of squared distances from the mean */
        FL_EACH(i, count) {
            const double before = (double)g[i] - mean[i];
            mean[i] += before / (k + 1);
            squares[i] += before * ((double)g[i] - mean[i]);
        }
    }
}

/* *done: samples gathered, fewer than all when somebody said stop; the last pass is not lost then. */
static fl_status sample(fl_run *r, const fl_gather *q, double *mean, double *squares, int *done)
{
    const int64_t count = squares ? r->voxels : q->count;
    const double sigma = r->map->noise_sigma;
    fl_state state = {0};
    fl_state_add(&state, "done", done, sizeof *done);
    if (mean) fl_state_add(&state, "mean", mean, (size_t)count * sizeof *mean);
    if (squares) fl_state_add(&state, "squares", squares, (size_t)r->voxels * sizeof *squares);
    if (fl_run_resume(r, &state)) return r->g->error->status;
    while (*done < r->o.samples && !r->told_to_stop) {
        const int k = *done, rows = r->o.samples - k < r->batch ? r->o.samples - k : r->batch;
        for (int row = 0; row < rows; row++) fl_add_noise(r->clip, r->x, sigma, r->o.seed, (uint64_t)k + (uint64_t)row, fl_run_row(r, row));
        if (fl_run_forward(r, rows) && !r->told_to_stop) return r->g->error->status;
        if (squares) fl_run_backward(r, rows);
        else fl_gather_backward(q, rows);
        for (int row = 0; row < rows; row++)
            gather(r, k + row, count, squares ? fl_run_signal(r, row) : fl_gather_signal(q, row), mean, squares);
        *done += rows;
        fl_run_cut(r, *done < r->o.samples);
        if (fl_run_keep(r, &state)) return r->g->error->status;
    }
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    const int variant = r->method->variant;
    int n = r->o.samples;
    const bool unbiased = variant == FL_NOISE_VARIANCE && !r->o.biased;
    if (unbiased && n < 2)
        return fl_error_set(r->g->error, FL_USAGE, "samples: the unbiased variance needs at least 2, got %d", n);
    real low, high;
    fl_min_max(r->x, r->voxels, &low, &high);
    r->map->noise_sigma = r->o.noise > 0 ? r->o.noise * ((double)high - (double)low) : 0.0;
    fl_gather q = {.run = r};
    double *squares = variant == FL_NOISE_MEAN ? NULL : fl_run_doubles(r, r->voxels), *mean = NULL;
    if (variant == FL_NOISE_MEAN && fl_gather_begin(&q, r) == FL_OK) mean = q.sum;
    if (variant == FL_NOISE_VARIANCE) mean = fl_run_doubles(r, r->voxels);
    n = 0;
    if (r->g->error->status || sample(r, &q, mean, squares, &n)) return r->g->error->status;
    if (variant == FL_NOISE_MEAN) fl_gather_finish(&q);
    if (unbiased && n < 2) return fl_error_set(r->g->error, FL_LIMIT, "%s: stopped after one sample: no variance yet", r->method->name);
    const double factor = variant == FL_NOISE_VARIANCE ? 1.0 / (unbiased ? n - 1 : n) : 1.0;
    fl_round(r->voxels, factor, variant == FL_NOISE_MEAN ? mean : squares, r->map->data);
    return FL_OK;
}

const fl_driver fl_drive_noise = {
    .name = "noise",
    .uses = {[FL_NOISE_MEAN] = FL_READS(samples) | FL_READS(noise) | FL_READS(seed),
             [FL_NOISE_MEAN_SQUARE] = FL_READS(samples) | FL_READS(noise) | FL_READS(seed),
             [FL_NOISE_VARIANCE] = FL_READS(samples) | FL_READS(noise) | FL_READS(seed) | FL_READS(biased)},
    .run = run
};
