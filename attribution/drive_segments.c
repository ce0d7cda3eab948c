/* drive_segments.c: values of segments (segments.h) from clips in which some of them are hidden: LOCO, UP, Shapley values,
 * KernelSHAP, LIME. Which are shown: coalitions.h; what the scores say of each: segment_values.c. Every voxel has its segment's value.
 *
 * A hidden segment shows the baseline, or the mean colour that it has (LIME). */
#include "attribution/explainer.h"
#include "attribution/options.h"
#include "attribution/segment_values.h"

#include "tensor/par.h"

#include <math.h>
#include <string.h>

typedef struct job {
    fl_run *r;
    fl_segments seg;
    fl_region *box;              /* around each segment */
    real *hidden;                /* the clip with all segments hidden */
    fl_coalitions design;
    fl_segment_values values;
    bool *on;
    double weight;
    int64_t in_hand;             /* the sample that `on` holds; -1: none */
    int before;                  /* 1 where the first sample hides everything */
} job;

static void need(job *j, int64_t k)
{
    if (j->in_hand == k) return;
    j->in_hand = k;
    if (k < j->before) memset(j->on, 0, (size_t)j->seg.count * sizeof *j->on);
    else j->weight = fl_coalition(&j->design, k - j->before, j->on);
}

static fl_region region(void *user, int64_t k)
{
    const job *j = user;
    return j->box[k];
}

static void fill(void *user, int64_t k, real *clip)
{
    job *j = user;
    const int channels = j->r->clip.c;
    need(j, k);
    FL_EACH(p, fl_shape_pixels(j->r->clip))
        if (!j->on[j->seg.label[p]]) memcpy(clip + p * channels, j->hidden + p * channels, (size_t)channels * sizeof *clip);
}

static void gather(void *user, int64_t k, double score)
{
    job *j = user;
    need(j, k);
    if (k < j->before) fl_segment_values_start(&j->values, score);
    else fl_segment_values_add(&j->values, k - j->before, j->on, j->weight, score);
}

static double error(void *user)
{
    job *j = user;
    fl_segment_values_make(&j->values);
    return fl_sampling_error(j->seg.count, j->values.value, j->values.error);
}

/* ---- before the first sample ---- */

static fl_status cut(job *j)
{
    fl_run *r = j->r;
    fl_segment_options o = fl_segments_default();
    const int side[3] = {r->clip.t, r->clip.h, r->clip.w};
    o.pieces = r->o.pieces;
    o.compactness = r->o.compactness;
    if (r->o.time_spacing > 0) o.spacing[0] = r->o.time_spacing;
    for (int axis = 0; axis < 3 && r->method->variant == FL_SEGMENT_SHAPLEY; axis++) o.cell[axis] = (side[axis] + 1) / 2;
    if (r->o.cell && fl_option_triple("cell", r->o.cell, o.cell, r->g->error)) return r->g->error->status;
    return fl_segments_make(r->o.segments, r->clip, r->x, r->e->card, &o, r->scratch, &j->seg, r->g->error);
}

static void find_boxes(const job *j)
{
    const fl_segments *s = &j->seg;
    for (int i = 0; i < s->count; i++) j->box[i] = (fl_region){{s->t, s->h, s->w}, {0, 0, 0}};
    for (int64_t p = 0; p < (int64_t)s->t * s->h * s->w; p++) {
        const int at[3] = {(int)(p / ((int64_t)s->h * s->w)), (int)(p / s->w % s->h), (int)(p % s->w)};
        fl_region *b = &j->box[s->label[p]];
        for (int axis = 0; axis < 3; axis++) {
            if (at[axis] < b->lo[axis]) b->lo[axis] = at[axis];
            if (at[axis] >= b->hi[axis]) b->hi[axis] = at[axis] + 1;
        }
    }
}

static fl_status hide(job *j)
{
    const fl_run *r = j->r;
    const int channels = r->clip.c;
    const fl_segments *s = &j->seg;
    if (r->o.hide != FL_HIDE_MEAN_COLOUR) {
        memcpy(j->hidden, r->baseline, (size_t)r->voxels * sizeof *j->hidden);
        return FL_OK;
    }
    double *mean = FL_NEW(r->scratch, double, (int64_t)s->count * channels);
    int64_t *size = FL_NEW(r->scratch, int64_t, s->count);
    if (!mean || !size) return fl_run_no_memory(r);
    fl_segments_sizes(s, size);
    for (int64_t i = 0; i < r->voxels; i++) mean[(int64_t)s->label[i / channels] * channels + i % channels] += (double)r->x[i];
    for (int64_t i = 0; i < r->voxels; i++) {
        const int label = s->label[i / channels];
        j->hidden[i] = (real)(mean[(int64_t)label * channels + i % channels] / (double)size[label]);
    }
    return FL_OK;
}

static fl_design design_of(const fl_run *r)
{
    static const fl_design design[] = {
        [FL_SEGMENT_LOCO] = FL_DESIGN_ALL_BUT_ONE, [FL_SEGMENT_UP] = FL_DESIGN_ONE, [FL_SEGMENT_SHAPLEY] = FL_DESIGN_SUBSETS,
        [FL_SEGMENT_ORDERS] = FL_DESIGN_ORDERS, [FL_SEGMENT_KERNEL] = FL_DESIGN_KERNEL, [FL_SEGMENT_LIME] = FL_DESIGN_CHANCE};
    const bool captum = r->method->variant == FL_SEGMENT_KERNEL && r->o.as_published;
    return captum ? FL_DESIGN_SIZES : design[r->method->variant];
}

static fl_status prepare(job *j)
{
    fl_run *r = j->r;
    enum { CAPTUM = 25 };
    const fl_design design = design_of(r);
    const int64_t samples = design == FL_DESIGN_SIZES && r->o.samples == 0 ? CAPTUM : r->o.samples;
    if (cut(j)) return r->g->error->status;
    const int m = j->seg.count;
    if (m < 2) return fl_error_set(r->g->error, FL_USAGE, "%s: expected at least 2 segments, got %d; take smaller ones (--cell, --pieces)",
                                   r->method->name, m);
    j->box = FL_NEW(r->scratch, fl_region, m);
    j->on = FL_NEW(r->scratch, bool, m);
    j->hidden = FL_NEW(r->scratch, real, r->voxels);
    if (!j->box || !j->on || !j->hidden)
        return fl_run_no_memory(r);
    find_boxes(j);
    if (hide(j)) return r->g->error->status;
    return fl_coalitions_init(&j->design, design, m, samples, r->o.seed, r->scratch, r->g->error);
}

/* ---- after the last ---- */

static fl_status check_enough(const job *j)
{
    const fl_run *r = j->r;
    const bool shapley = r->method->variant == FL_SEGMENT_SHAPLEY;
    if (shapley ? j->values.done == j->design.count : r->method->variant != FL_SEGMENT_ORDERS || j->values.done >= j->seg.count - 1)
        return FL_OK;
    return fl_error_set(r->g->error, FL_LIMIT, "%s: stopped after %lld of %lld samples, and there are no values before the %s",
                        r->method->name, (long long)j->values.done, (long long)j->design.count,
                        shapley ? "last" : "first order is complete");
}

static void weigh_shares(const job *j)
{
    fl_map *m = j->r->map;
    const int variant = m->method->variant;
    if (variant != FL_SEGMENT_LOCO && variant != FL_SEGMENT_LIME) m->baseline_score = j->values.hidden;
    if (m->method->law != FL_LAW_SHARES) return;
    m->sum = 0;
    for (int i = 0; i < j->seg.count; i++) m->sum += j->values.value[i];
    m->wanted = j->values.clip - j->values.hidden;
    m->residual = fabs(m->sum - m->wanted) / (fabs(m->wanted) + 1e-12);
}

static fl_status finish(job *j, const fl_sampling *s)
{
    fl_run *r = j->r;
    const int64_t pixels = fl_shape_pixels(r->clip);
    double *value = fl_run_doubles(r, pixels), *off = fl_run_doubles(r, pixels);
    if (!value || !off || check_enough(j)) return r->g->error->status;
    fl_segment_values_make(&j->values);
    for (int64_t p = 0; p < pixels; p++) {
        value[p] = j->values.value[j->seg.label[p]];
        off[p] = j->values.error[j->seg.label[p]];
    }
    fl_sampling_finish(s, value, off);
    r->map->segments = j->seg.count;
    weigh_shares(j);
    if (j->values.open)
        r->map->warning[r->map->warnings++] = "fewer different samples than segments: some values are left open, and the nearest to 0 are "
                                              "shown; take more samples or larger segments";
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    const int variant = r->method->variant;
    job j = {.r = r, .in_hand = -1, .before = variant != FL_SEGMENT_LOCO && variant != FL_SEGMENT_LIME};
    if (prepare(&j)) return r->g->error->status;
    fl_sampling s = {.count = j.before + j.design.count, .region = variant == FL_SEGMENT_LOCO ? region : NULL, .fill = fill,
                     .gather = gather,
                     .error = variant == FL_SEGMENT_ORDERS || variant == FL_SEGMENT_KERNEL || variant == FL_SEGMENT_LIME ? error : NULL,
                     .check = 256, .user = &j};
    j.values = (fl_segment_values){.variant = variant, .m = j.seg.count, .published = r->o.as_published, .ridge = r->o.ridge,
                                   .kernel_width = r->o.kernel_width, .design = &j.design};
    if (fl_sampling_begin(&s, r)) return r->g->error->status;
    j.values.clip = s.base;
    if (fl_segment_values_init(&j.values, r, &s.state) || fl_sampling_go(&s)) return r->g->error->status;
    return finish(&j, &s);
}

#define PIECES (FL_READS(segments) | FL_READS(cell) | FL_READS(pieces) | FL_READS(compactness) | FL_READS(time_spacing) | FL_READS(hide) | \
                FL_READS_BASELINE)
#define DRAWN  (FL_READS(samples) | FL_READS(seed) | FL_READS(tolerance))
const fl_driver fl_drive_segments = {
    .name = "segments",
    .uses = {[FL_SEGMENT_LOCO] = PIECES, [FL_SEGMENT_UP] = PIECES, [FL_SEGMENT_SHAPLEY] = PIECES, [FL_SEGMENT_ORDERS] = PIECES | DRAWN,
             [FL_SEGMENT_KERNEL] = PIECES | DRAWN | FL_READS(as_published),
             [FL_SEGMENT_LIME] = PIECES | DRAWN | FL_READS(ridge) | FL_READS(kernel_width)},
    .run = run,
    .watches = true
};
