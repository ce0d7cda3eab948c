/* metrics.c: the table of metrics; one judgement from options to measure. */
#include "attribution/metrics/trial.h"

#include "models/nearest.h"

#include <math.h>
#include <string.h>

#define FL_READS_UNITS \
    (FL_METRIC_READS(unit) | FL_METRIC_READS(block) | FL_METRIC_READS(pieces) | FL_METRIC_READS(unit_value))
#define FL_READS_CURVE (FL_READS_UNITS | FL_METRIC_READS(substrate) | FL_METRIC_READS(points))
#define FL_CURVE \
    {.unit = FL_UNIT_VOXEL, .unit_value = FL_UNIT_MEAN, .substrate = "zero", .points = 128, .pieces = 256}

const fl_metric fl_metric_table[] = {
#include "attribution/metrics.def"
    {.name = NULL}
};

const fl_metric *fl_metric_find(const char *name)
{
    for (const fl_metric *m = fl_metric_table; m->name; m++)
        if (strcmp(m->name, name) == 0) return m;
    return NULL;
}

const char *fl_metric_nearest(const char *name)
{
    const char *best = fl_metric_table->name;
    for (const fl_metric *m = fl_metric_table; m->name; m++)
        if (fl_word_distance(m->name, name) < fl_word_distance(best, name)) best = m->name;
    return best;
}

/* ---- options ---- */

static fl_metric_options fill_in(const fl_metric *m, const fl_judged *j, const fl_metric_options *given)
{
    const fl_metric_options *d = &m->defaults;
    fl_metric_options o = given ? *given : *d;
#define FL_INT(field, text, value, least, most, help) if (!o.field) o.field = d->field;
#define FL_REAL(field, text, value, least, most, help) if (!(o.field != 0)) o.field = d->field;
#define FL_WORD(field, text, value, list, help) if (!o.field) o.field = d->field;
#define FL_CHOICE(field, text, value, type, list, help) if (!o.field) o.field = d->field;
#include "attribution/metric_options.def"
    if (!o.block) o.block = j->shape.h >= 16 ? j->shape.h / 16 : 1;
    return o;
}

static bool in_range(const fl_trial *t, const char *option, double value, double least, double most)
{
    if (value >= least && value <= most) return true;
    fl_error_set(t->error, FL_USAGE, "%s: %s: expected %g to %g, got %g", t->metric->name, option, least, most, value);
    return false;
}

static bool is_one_of(const fl_trial *t, const char *option, const char *value, const char *const *list)
{
    if (fl_name_find(list, value) >= 0) return true;
    fl_error_set(t->error, FL_USAGE, "%s: %s: there is none called '%s'; did you mean '%s'?", t->metric->name, option, value,
                 fl_name_nearest(list, value));
    return false;
}

/* An option that the metric does not read may hold anything; 0 is none. */
static fl_status check_options(const fl_trial *t)
{
    const fl_metric *m = t->metric;
    const fl_metric_options *o = &t->o;
    bool ok = true;
#define FL_IN_RANGE(field, text, least, most) \
    if (m->reads & FL_METRIC_READS(field) && (double)o->field != 0) ok = ok && in_range(t, text, (double)o->field, least, most);
#define FL_INT(field, text, value, least, most, help) FL_IN_RANGE(field, text, least, most)
#define FL_REAL(field, text, value, least, most, help) FL_IN_RANGE(field, text, least, most)
#define FL_WORD(field, text, value, list, help) \
    if (m->reads & FL_METRIC_READS(field)) ok = ok && is_one_of(t, text, o->field, list);
#include "attribution/metric_options.def"
#undef FL_IN_RANGE
    return ok ? FL_OK : t->error->status;
}

static fl_status check(const fl_trial *t)
{
    const fl_judged *j = t->judged;
    const unsigned needs = t->metric->needs;
    const char *name = t->metric->name;
    if (needs & FL_NEEDS_NETWORK && (!j->explainer || !j->clip))
        return fl_error_set(t->error, FL_USAGE, "%s: asks the network, and there is none", name);
    if (needs & FL_NEEDS_TRUTH && !j->truth)
        return fl_error_set(t->error, FL_USAGE, "%s: needs to know where the thing is: boxes or masks", name);
    if (needs & FL_NEEDS_METHOD && !j->copy_map && !(j->method && j->options))
        return fl_error_set(t->error, FL_USAGE, "%s: explains again: it needs the method, or the maps of noisy copies", name);
    for (int i = 0; i < t->voxels; i++)
        if (!isfinite(j->map[i]))
            return fl_error_set(t->error, FL_FAILED, "%s: value %d of the map is %g: expected finite numbers", name, i, (double)j->map[i]);
    return check_options(t);
}

fl_status fl_metric_judge(const fl_metric *metric, fl_judged *j, const fl_metric_options *given, fl_arena *results, fl_measure *m)
{
    fl_arena scratch;
    fl_arena_init_beside(&scratch, results);
    fl_trial t = {.metric = metric, .o = fill_in(metric, j, given), .judged = j, .map_shape = {1, 1, j->shape.t, j->shape.h, j->shape.w},
                  .results = results, .scratch = &scratch, .error = results->error};
    t.voxels = (int)fl_shape_pixels(t.map_shape);
    *m = (fl_measure){.metric = metric, .options = t.o, .value = (double)NAN, .error = (double)NAN, .chance = (double)NAN};
    fl_status status = check(&t);
    if (status == FL_OK) status = metric->score(&t, m);
    m->passes = t.passes;
    m->bytes = scratch.peak;
    fl_arena_free(&scratch);
    return status;
}
