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

static fl_status no_memory(const fl_run *r)
{
    return fl_error_set(r->g->error, FL_FAILED, "%s: %s", r->method->name, r->scratch->error->message);
}

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
    if (!q->sum || !q->left || !q->out || !q->covered) return no_memory(r);
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

static fl_status compose(fl_run *r)
{
    regions q = {.voxels = r->voxels / r->clip.c};
    const int channels = r->clip.c;
    fl_map ig;
    if (fl_run_part(r, "integrated_gradients", r->x, &r->o, &ig)) return r->g->error->status;
    q.a = fl_run_doubles(r, q.voxels);
    if (!q.a) return r->g->error->status;
    for (int64_t i = 0; i < r->voxels; i++) q.a[i / channels] += (double)ig.data[i];
    if (cut(r, &q)) return r->g->error->status;
    for (int k; (k = best(&q)) >= 0;) take(&q, k, channels, r->map->data);
    take_rest(&q, channels, r->map->data);
    return FL_OK;
}

const fl_driver fl_drive_regions = {
    .name = "regions", .uses = {FL_READS(steps) | FL_READS(rule) | FL_READS_BASELINE}, .compose = compose};
