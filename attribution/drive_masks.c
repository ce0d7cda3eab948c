/* drive_masks.c: RISE (Petsiuk, Das and Saenko 2018): the mean score over random masks, by what they show.
 *
 *   S_i = 1 / (N p) sum_k s(x M_k + b (1 - M_k)) M_k,i            M_k: grid_mask.h, p its mean
 *   balanced:  S_i = sum_k s_k M_k,i / sum_k M_k,i                the mean score when voxel i is seen: no noise from how often it was
 *   as published (TorchRay): not divided by p
 *
 *   frames       one mask for all frames, grid 1 x 8 x 8                           RISE
 *   volume       grid 4 x 7 x 7; as published, all values together have 1          3D-RISE (REVEX 2024)
 *
 * Standard error: of the mean of s_k M_k,i / p; balanced, of a ratio: sqrt(sum M^2 (s - S)^2) / sum M. */
#include "attribution/sampling.h"
#include "attribution/grid_mask.h"
#include "attribution/options.h"

#include "tensor/par.h"

#include <math.h>

typedef struct job {
    fl_run *r;
    fl_grid_mask masks;
    int64_t pixels, in_hand;     /* which mask is in `mask`; -1: none */
    real *mask;
    double *mean, *squares;      /* of s M / p */
    double *m, *sm, *m2, *sm2, *s2m2;        /* balanced: sums of M, s M, M^2, s M^2, s^2 M^2 */
    int64_t samples;
    double *value, *error;
} job;

static void need(job *j, int64_t k)
{
    if (j->in_hand != k) fl_grid_mask_make(&j->masks, k, j->mask);
    j->in_hand = k;
}

static void fill(void *user, int64_t k, real *clip)
{
    job *j = user;
    const int channels = j->r->clip.c;
    const real *b = j->r->baseline, *mask = j->mask;
    need(j, k);
    FL_EACH(p, j->pixels) {
        const double m = (double)mask[p];
        for (int64_t i = p * channels; i < (p + 1) * channels; i++) clip[i] = (real)(m * (double)clip[i] + (1 - m) * (double)b[i]);
    }
}

static void gather(void *user, int64_t k, double score)
{
    job *j = user;
    const double factor = score / j->masks.keep;
    need(j, k);
    const real *mask = j->mask;
    if (!j->r->o.balanced) {
        FL_EACH(p, j->pixels) fl_running(factor * (double)mask[p], k + 1, &j->mean[p], &j->squares[p]);
    } else {
        FL_EACH(p, j->pixels) {
            const double m = (double)mask[p];
            j->m[p] += m;
            j->sm[p] += score * m;
            j->m2[p] += m * m;
            j->sm2[p] += score * m * m;
            j->s2m2[p] += score * score * m * m;
        }
    }
    j->samples = k + 1;
}

static void weigh(job *j)
{
    const double n = (double)j->samples;
    if (!j->r->o.balanced) {
        const double factor = j->r->o.as_published ? j->masks.keep : 1;
        FL_EACH(p, j->pixels) {
            j->value[p] = factor * j->mean[p];
            j->error[p] = factor * (n > 1 ? sqrt(j->squares[p] / (n * (n - 1))) : fabs(j->mean[p]));
        }
        return;
    }
    FL_EACH(p, j->pixels) {
        const double s = j->m[p] > 0 ? j->sm[p] / j->m[p] : 0, around = j->s2m2[p] - 2 * s * j->sm2[p] + s * s * j->m2[p];
        j->value[p] = s;
        j->error[p] = j->m[p] > 0 && around > 0 ? sqrt(around) / j->m[p] : 0;
    }
}

static double error(void *user)
{
    job *j = user;
    weigh(j);
    return fl_sampling_error(j->pixels, j->value, j->error);
}

/* Voxels' doubles of a name, kept in the state. */
static double *sums(fl_run *r, fl_sampling *s, const char *name, int64_t pixels)
{
    double *p = fl_run_doubles(r, pixels);
    fl_state_add(&s->state, name, p, (size_t)pixels * sizeof *p);
    return p;
}

/* A grid that nobody asked for has no more cells than the clip has places. */
static void fit_grid(const fl_run *r, int cells[3])
{
    const int most[3] = {r->clip.t, r->clip.h, r->clip.w};
    for (int a = 0; a < 3 && r->o.grid == r->method->defaults.grid; a++) cells[a] = cells[a] > most[a] ? most[a] : cells[a];
}

static fl_status run(fl_run *r)
{
    job j = {.r = r, .pixels = fl_shape_pixels(r->clip), .in_hand = -1, .masks = {.clip = r->clip, .keep = r->o.keep, .seed = r->o.seed}};
    fl_sampling s = {.count = r->o.samples, .fill = fill, .gather = gather, .error = error, .check = 64, .user = &j};
    if (fl_option_triple("grid", r->o.grid, j.masks.cells, r->g->error)) return r->g->error->status;
    fit_grid(r, j.masks.cells);
    if (fl_grid_mask_init(&j.masks, r->scratch, r->g->error)) return r->g->error->status;
    if (!(r->o.keep > 0)) return fl_error_set(r->g->error, FL_USAGE, "%s: keep: expected more than 0: nothing would be seen",
                                              r->method->name);
    j.mask = FL_NEW(r->scratch, real, j.pixels);
    j.value = fl_run_doubles(r, j.pixels);
    j.error = fl_run_doubles(r, j.pixels);
    if (r->o.balanced) {
        j.m = sums(r, &s, "m", j.pixels);
        j.sm = sums(r, &s, "sm", j.pixels);
        j.m2 = sums(r, &s, "m2", j.pixels);
        j.sm2 = sums(r, &s, "sm2", j.pixels);
        j.s2m2 = sums(r, &s, "s2m2", j.pixels);
    } else {
        j.mean = sums(r, &s, "mean", j.pixels);
        j.squares = sums(r, &s, "squares", j.pixels);
    }
    if (r->scratch->error->status) return fl_run_no_memory(r);
    if (fl_sampling_begin(&s, r) || fl_sampling_go(&s)) return r->g->error->status;
    j.samples = s.done;
    weigh(&j);
    double sum = 0;
    for (int64_t p = 0; p < j.pixels; p++) sum += j.value[p];
    if (r->method->variant == FL_MASK_VOLUME && r->o.as_published && sum > 0)
        for (int64_t p = 0; p < j.pixels; p++) j.value[p] /= sum, j.error[p] /= sum;
    fl_sampling_finish(&s, j.value, j.error);
    return FL_OK;
}

#define READS (FL_READS(samples) | FL_READS(grid) | FL_READS(keep) | FL_READS(balanced) | FL_READS(tolerance) | FL_READS(as_published) | \
               FL_READS(seed) | FL_READS_BASELINE)
const fl_driver fl_drive_masks = {.name = "masks", .uses = {[FL_MASK_FRAMES] = READS, [FL_MASK_VOLUME] = READS}, .run = run,
                                  .watches = true};
