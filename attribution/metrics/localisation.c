/* localisation.c: does the map lie on the thing? Against masks, or boxes made into masks (localise.h).
 *
 *   pointing           1 if the largest value of the clip lies on the thing (enlarged by tolerance), else 0. Zhang et al. 2016,
 *                      arXiv:1608.00507. Here over space and time at once: the right moment counts too
 *   pointing_frames    the same in each frame that shows the thing: hits / frames. Li et al. 2021, arXiv:2109.00222
 *   pointing_time      1 if it happens in the frame with the largest sum, else 0 (theirs). Without a word on when: where the thing is
 *   energy             sum of the positive values on the thing / sum of all positive values. Wang et al. 2020, arXiv:1910.01279
 *   iou                |F and M| / |F or M|        M the mask; F the share of the voxels with the largest values, or, where no share is
 *   precision          |F and M| / |F|             given, as many as M has (then precision = recall, the relevance rank accuracy of
 *   recall             |F and M| / |M|             Arras et al. 2022, arXiv:2003.07258). Curves: over shares of 1/50, 2/50 .. 1
 *   iou_threshold      the same with F = {a >= threshold * max a}, as Grad-CAM's boxes are made (arXiv:1610.02391: 0.15)
 *   roc_auc            how often a voxel of the thing has a larger value than one beside it, equal values counting half
 *   average_precision  mean over the thing's voxels of the precision at their place; of equal values the first
 *
 * Frames of which nothing is known are left out everywhere. Not defined: no frame shows the thing, or nothing else is there. */
#include "attribution/metrics/rank.h"
#include "attribution/metrics/trial.h"

#include <math.h>

enum { ONE, FRAMES, TIME };
enum { IOU, PRECISION, RECALL, AT_THRESHOLD };
enum { ROC, AVERAGE_PRECISION };
enum { AREAS = 50 };

/* Values and mask of the voxels in known frames, from the largest value to the smallest. */
typedef struct field { int count, on; const double *value; const unsigned char *mask; const int *order; } field;

static fl_status open_field(fl_trial *t, field *f)
{
    const fl_truth *truth = t->judged->truth;
    double *value = fl_trial_map(t);
    unsigned char *mask = FL_NEW(t->scratch, unsigned char, t->voxels);
    int *order = FL_NEW(t->scratch, int, t->voxels), *scratch = FL_NEW(t->scratch, int, t->voxels);
    const int pixels = t->map_shape.h * t->map_shape.w;
    if (!value || !mask || !order || !scratch) return t->error->status;
    *f = (field){0, 0, value, mask, order};
    for (int i = 0; i < t->voxels; i++) {
        if (truth->known && !truth->known[i / pixels]) continue;
        value[f->count] = value[i];
        mask[f->count++] = truth->mask[i] != 0;
        f->on += truth->mask[i] != 0;
    }
    fl_order_descending(f->count, value, order, scratch);
    return FL_OK;
}

static fl_status no_thing(fl_measure *m) { return fl_trial_undefined(m, "no frame shows the thing"); }

fl_status fl_score_pointing(fl_trial *t, fl_measure *m)
{
    const fl_truth *given = t->judged->truth;
    const fl_truth truth = {fl_truth_enlarge(t->map_shape, given->mask, t->o.tolerance, t->scratch), given->known, given->moment};
    if (!truth.mask) return t->error->status;
    m->chance = fl_pointing_chance(t->map_shape, &truth);
    if (!(m->chance > 0)) return no_thing(m);
    if (t->metric->variant == ONE) {
        m->value = fl_pointing_hit(t->map_shape, t->judged->map, &truth);
        return FL_OK;
    }
    const fl_pointing p = t->metric->variant == FRAMES ? fl_pointing_frames(t->map_shape, t->judged->map, &truth)
                                                       : fl_pointing_time(t->map_shape, t->judged->map, &truth);
    m->value = (double)p.hits / p.frames;
    m->chance = p.chance;
    return FL_OK;
}

fl_status fl_score_energy(fl_trial *t, fl_measure *m)
{
    m->chance = fl_pointing_chance(t->map_shape, t->judged->truth);
    if (!(m->chance > 0)) return no_thing(m);
    m->value = fl_energy_inside(t->map_shape, t->judged->map, t->judged->truth);
    return isnan(m->value) ? fl_trial_undefined(m, "no value is positive") : FL_OK;
}

static double of_found(int which, int both, int found, int on)
{
    if (which == PRECISION) return found ? (double)both / found : (double)NAN;
    if (which == RECALL) return (double)both / on;
    return (double)both / (found + on - both);
}

static int both_of(const field *f, int found)
{
    int both = 0;
    for (int i = 0; i < found; i++) both += f->mask[f->order[i]];
    return both;
}

static fl_status curve_of_areas(fl_trial *t, const field *f, int which, fl_measure *m)
{
    double *x = FL_NEW(t->results, double, AREAS), *y = FL_NEW(t->results, double, AREAS);
    if (!x || !y) return t->error->status;
    for (int k = 0; k < AREAS; k++) {
        const int found = (int)((int64_t)(k + 1) * f->count / AREAS);
        x[k] = (k + 1.0) / AREAS;
        y[k] = of_found(which, both_of(f, found), found, f->on);
    }
    m->count = AREAS;
    m->x = x;
    m->y = y;
    m->x_name = "share of the voxels";
    m->y_name = t->metric->name;
    return FL_OK;
}

static int found_of(const fl_trial *t, const field *f)
{
    if (t->metric->variant != AT_THRESHOLD) return t->o.share > 0 ? (int)(t->o.share * f->count + 0.5) : f->on;
    const double least = t->o.threshold * f->value[f->order[0]];
    int found = 0;
    while (found < f->count && f->value[f->order[found]] >= least) found++;
    return found;
}

fl_status fl_score_overlap(fl_trial *t, fl_measure *m)
{
    field f;
    if (open_field(t, &f) != FL_OK) return t->error->status;
    if (!f.on) return no_thing(m);
    if (t->metric->variant == AT_THRESHOLD && !(f.value[f.order[0]] > 0)) return fl_trial_undefined(m, "no value is positive");
    const int found = found_of(t, &f);
    m->value = of_found(t->metric->variant, both_of(&f, found), found, f.on);
    if (isnan(m->value)) return fl_trial_undefined(m, "the share is less than one voxel");
    return t->metric->variant == AT_THRESHOLD ? FL_OK : curve_of_areas(t, &f, t->metric->variant, m);
}

/* (sum of the thing's ranks - on (on + 1) / 2) / (on * off): Mann and Whitney's U. */
static double roc(const field *f, double *rank)
{
    double sum = 0;
    fl_ranks(f->count, f->value, f->order, rank);
    for (int i = 0; i < f->count; i++) sum += f->mask[i] ? rank[i] : 0;
    return (sum - 0.5 * f->on * (f->on + 1.0)) / f->on / (f->count - f->on);
}

fl_status fl_score_ranking(fl_trial *t, fl_measure *m)
{
    field f = {0, 0, NULL, NULL, NULL};
    double *rank = fl_trial_doubles(t, t->voxels);
    if (!rank || open_field(t, &f) != FL_OK) return t->error->status;
    if (!f.on) return no_thing(m);
    if (t->metric->variant == ROC) {
        if (f.on == f.count) return fl_trial_undefined(m, "the thing is everywhere");
        m->chance = 0.5;
        m->value = roc(&f, rank);
        return FL_OK;
    }
    m->value = 0;
    for (int i = 0, both = 0; i < f.count; i++)
        if (f.mask[f.order[i]]) m->value += (double)++both / (i + 1) / f.on;
    return FL_OK;
}
