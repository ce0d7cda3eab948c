/* drive_regions.c: XRAI (Kapishnikov et al. 2019, arXiv:1906.02825) in three dimensions: regions instead of voxels.
 *
 *   a = integrated gradients, averaged over the baselines, summed over channels; candidates: the pieces of SLIC (segments.h) at
 *   several sizes; again and again the candidate whose voxels that no region has yet have the largest mean of a becomes a region, and
 *   these voxels get that mean; candidates with fewer than 50 such voxels are dropped; what is left at the end gets its own mean
 *
 * The sum of the map is the sum of a. Sizes and SLIC-zero with sigma 0.8 are the study's; there the maps are clipped at a percentile
 * before they are averaged, which the paper does not do. A region's value stands in all channels, in equal parts. */
#include "attribution/explainer.h"
#include "attribution/segments.h"

#include "tensor/par.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 6, FEWEST = 50 };
static const int PIECES[LEVELS] = {10, 20, 50, 60, 80, 100};

typedef struct regions {
    int64_t voxels;
    double *a;                           /* per voxel, channels summed */
    fl_segments level[LEVELS];
    int first[LEVELS + 1];               /* candidate numbers */
    double *sum;                         /* of a over the voxels of a candidate that no region has */
    int64_t *left;                       /* their number */
    bool *covered, *out;                 /* of voxels; of candidates: used or dropped */
} regions;

static fl_status cut(fl_run *r, regions *q)
{
    fl_segment_options o = fl_segments_default();
    o.zero = o.stretch_frames = true;
    o.sigma = 0.8;
    for (int l = 0; l < LEVELS; l++) {
        o.pieces = PIECES[l];
        if (fl_segments_make("slic", r->clip, r->x, r->e->card, &o, r->scratch, &q->level[l], r->g->error)) return r->g->error->status;
        q->first[l + 1] = q->first[l] + q->level[l].count;
    }
    const int n = q->first[LEVELS];
    q->sum = fl_run_doubles(r, n);
    q->left = FL_NEW(r->scratch, int64_t, n);
    q->out = FL_NEW(r->scratch, bool, n);
    q->covered = FL_NEW(r->scratch, bool, q->voxels);
    if (!q->sum || !q->left || !q->out || !q->covered) return fl_run_no_memory(r);
    for (int l = 0; l < LEVELS; l++)
        for (int64_t i = 0; i < q->voxels; i++) {
            q->sum[q->first[l] + q->level[l].label[i]] += q->a[i];
            q->left[q->first[l] + q->level[l].label[i]]++;
        }
    return FL_OK;
}

/* The candidate with the largest mean, of equals the first; -1: none is left. */
static int best(const regions *q)
{
    int at = -1;
    double most = 0;
    for (int k = 0; k < q->first[LEVELS]; k++) {
        if (q->left[k] < FEWEST) q->out[k] = true;
        if (q->out[k]) continue;
        const double mean = q->sum[k] / (double)q->left[k];
        if (at >= 0 && mean <= most) continue;
        at = k;
        most = mean;
    }
    return at;
}

static void spread(regions *q, int64_t i, double value, int channels, real *map)
{
    for (int l = 0; l < LEVELS; l++) {
        q->sum[q->first[l] + q->level[l].label[i]] -= q->a[i];
        q->left[q->first[l] + q->level[l].label[i]]--;
    }
    q->covered[i] = true;
    for (int c = 0; c < channels; c++) map[i * channels + c] = (real)(value / channels);
}

static void take(regions *q, int k, int channels, real *map)
{
    int l = 0;
    while (k >= q->first[l + 1]) l++;
    const double mean = q->sum[k] / (double)q->left[k];
    q->out[k] = true;
    for (int64_t i = 0; i < q->voxels; i++)
        if (!q->covered[i] && q->level[l].label[i] == k - q->first[l]) spread(q, i, mean, channels, map);
}

static void take_rest(regions *q, int channels, real *map)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < q->voxels; i++) {
        sum += q->covered[i] ? 0 : q->a[i];
        n += !q->covered[i];
    }
    for (int64_t i = 0; i < q->voxels; i++)
        if (!q->covered[i]) spread(q, i, sum / (double)n, channels, map);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* a from its least value to its 99.9th percentile (linear between order statistics) becomes 0..1. */
static void cut_at_percentile(double *a, double *sorted, int64_t n)
{
    memcpy(sorted, a, (size_t)n * sizeof *a);
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    const double place = 0.999 * (double)(n - 1), low = sorted[0];
    const int64_t at = (int64_t)place, next = at + 1 < n ? at + 1 : at;
    const double high = sorted[at] + (place - (double)at) * (sorted[next] - sorted[at]);
    for (int64_t i = 0; i < n; i++) {
        const double v = high > low ? (a[i] - low) / (high - low) : 0;
        a[i] = v > 1 ? 1 : v;
    }
}

/* The study's: mean of |.| over channels from constant clips of the least and the largest value, each cut, then averaged. */
static fl_status look_as_published(fl_run *r, regions *q)
{
    const int channels = r->clip.c;
    fl_explain_options o = r->o;
    real end[2], *b = FL_NEW(r->scratch, real, r->voxels);
    double *one = fl_run_doubles(r, q->voxels), *sorted = fl_run_doubles(r, q->voxels);
    if (!b || !one || !sorted) return fl_run_no_memory(r);
    fl_min_max(r->x, r->voxels, &end[0], &end[1]);
    o.as_published = false;
    o.baseline = "clip";
    o.baseline_clip = b;
    for (int k = 0; k < 2; k++) {
        fl_map ig;
        for (int64_t i = 0; i < r->voxels; i++) b[i] = end[k];
        if (fl_run_part(r, "integrated_gradients", r->x, &o, &ig)) return r->g->error->status;
        memset(one, 0, (size_t)q->voxels * sizeof *one);
        for (int64_t i = 0; i < r->voxels; i++) one[i / channels] += fabs((double)ig.data[i]) / channels;
        cut_at_percentile(one, sorted, q->voxels);
        for (int64_t i = 0; i < q->voxels; i++) q->a[i] += one[i] / 2;
    }
    return FL_OK;
}

static fl_status look(fl_run *r, regions *q)
{
    fl_map ig;
    q->a = fl_run_doubles(r, q->voxels);
    if (!q->a) return r->g->error->status;
    if (r->o.as_published) return look_as_published(r, q);
    if (fl_run_part(r, "integrated_gradients", r->x, &r->o, &ig)) return r->g->error->status;
    for (int64_t i = 0; i < r->voxels; i++) q->a[i / r->clip.c] += (double)ig.data[i];
    return FL_OK;
}

static fl_status compose(fl_run *r)
{
    regions q = {.voxels = r->voxels / r->clip.c};
    const int channels = r->clip.c;
    if (look(r, &q)) return r->g->error->status;
    if (cut(r, &q)) return r->g->error->status;
    for (int k; (k = best(&q)) >= 0;) take(&q, k, channels, r->map->data);
    take_rest(&q, channels, r->map->data);
    return FL_OK;
}

const fl_driver fl_drive_regions = {
    .name = "regions", .uses = {FL_READS(steps) | FL_READS(rule) | FL_READS_BASELINE}, .compose = compose};
