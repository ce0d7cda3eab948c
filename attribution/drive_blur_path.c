/* drive_blur_path.c: integrated gradients along a path of blurs instead of a straight line (Xu, Venugopalan and Sundararajan 2020).
 *
 *   x_sigma = G_sigma * x,  sigma from sigma_max to 0, every frame by itself;   with sigma_i = sigma_max (i / m)^2
 *   a = sum_(i<m) (x_(sigma_i) - x_(sigma_(i+1))) grad s( x_(sigma_(i + 1/2)) )
 *
 * The steps are short where the clip is sharp, as there most of it changes (the square root spacing of the paper's code). Its derivative by
 * sigma is taken over the whole step, so that nothing of the way is lost: the sum of a tends to s(x) - s(x_(sigma_max)), and is exact for a
 * linear network at any m. Outside the frame is zero, half width 4 sigma. */
#include "attribution/driver.h"

#include "tensor/blur.h"
#include "tensor/par.h"

#include <string.h>

static double sigma_at(const fl_run *r, double i)
{
    if (r->o.as_published) return r->o.baseline_sigma * i / r->o.steps;
    return r->o.baseline_sigma * (i / r->o.steps) * (i / r->o.steps);
}

static fl_blur blur_of(double sigma) { return fl_blur_frames(sigma, FL_BORDER_ZERO); }

static void blurred(const fl_run *r, double sigma, real *y, void *work)
{
    const fl_blur b = blur_of(sigma);
    if (sigma > 0) fl_blur_forward(r->clip, &b, r->x, y, work);
    else memcpy(y, r->x, (size_t)r->voxels * sizeof *y);
}

/* The study's: sum of (sigma_(i+1) - sigma_i) (x_(sigma_i + 0.01) - x_(sigma_i)) / 0.01 grad s(x_(sigma_i)), of the other sign. */
static fl_status step_as_published(fl_run *r, int i, real *near, real *far, void *work, double *sum)
{
    const double slope = 0.01, sigma = sigma_at(r, i), factor = (sigma_at(r, i + 1) - sigma) / slope;
    blurred(r, sigma, near, work);
    blurred(r, sigma + slope, far, work);
    memcpy(fl_run_row(r, 0), near, (size_t)r->voxels * sizeof *near);
    if (fl_run_forward(r, 1)) return r->g->error->status;
    fl_run_backward(r, 1);
    const real *g = fl_run_signal(r, 0);
    FL_EACH(k, r->voxels) sum[k] += factor * ((double)far[k] - (double)near[k]) * (double)g[k];
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    const fl_blur widest = blur_of(r->o.baseline_sigma + 1);
    real *near = FL_NEW(r->scratch, real, r->voxels), *far = FL_NEW(r->scratch, real, r->voxels);
    void *work = FL_NEW(r->scratch, char, fl_blur_scratch(r->clip, &widest));
    double *sum = fl_run_doubles(r, r->voxels);
    if (!near || !far || !work || !sum) return fl_run_no_memory(r);
    blurred(r, 0, near, work);
    for (int i = 0; i < r->o.steps && r->o.as_published; i++)
        if (step_as_published(r, i, near, far, work, sum)) return r->g->error->status;
    for (int i = 0; i < r->o.steps && !r->o.as_published; i++) {
        blurred(r, sigma_at(r, i + 0.5), fl_run_row(r, 0), work);
        if (fl_run_forward(r, 1)) return r->g->error->status;
        fl_run_backward(r, 1);
        blurred(r, sigma_at(r, i + 1), far, work);
        const real *g = fl_run_signal(r, 0);
        FL_EACH(k, r->voxels) sum[k] += ((double)near[k] - (double)far[k]) * (double)g[k];
        real *swap = near;
        near = far;
        far = swap;
    }
    fl_round(r->voxels, 1, sum, r->map->data);
    if (r->o.as_published) blurred(r, r->o.baseline_sigma, near, work);
    r->baseline = near;                                  /* the clip at sigma_max, for the law */
    r->o.baseline = "blur to zero";
    return FL_OK;
}

const fl_driver fl_drive_blur_path = {.name = "blur_path", .uses = {FL_READS(steps) | FL_READS(baseline_sigma)}, .run = run};
