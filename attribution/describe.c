/* describe.c: warnings about a map that would mislead, and its options as text. */
#include "attribution/describe.h"
#include "attribution/baseline.h"
#include "attribution/options.h"
#include "attribution/published.h"

#include "tensor/math.h"

#include <stdio.h>

/* ---- warnings ---- */

typedef struct notes { fl_map *m; fl_arena *arena; fl_error *err; } notes;

/* text NULL: it did not find memory. */
static void warn(const notes *n, const char *text)
{
    fl_assert(n->m->warnings < FL_MAX_WARNINGS);
    if (text) n->m->warning[n->m->warnings++] = text;
    else fl_error_set(n->err, FL_FAILED, "%s: %s", n->m->method->name, n->arena->error->message);
}

static bool is_zero(const fl_map *m)
{
    for (int64_t i = 0; i < fl_shape_count(m->shape); i++)
        if (m->data[i] != 0) return false;
    return true;
}

static bool is_saturated(const fl_map *m) { return m->probability * (1.0 - m->probability) < 1e-3; }

static const char *why_zero(const fl_map *m)
{
    if (m->level == FL_LEVEL_LAYER && !m->options.signed_cam)
        return "zero map: the weighted features speak against the class everywhere, and the ReLU leaves nothing; "
               "the signed map (without ReLU) shows them";
    if (m->options.target.score == FL_SCORE_PROBABILITY && is_saturated(m))
        return "zero map: the softmax is saturated, so the probability does not move; explain the logit";
    return "zero map: no input value moves this score here (ReLUs that are off, or nothing to find a difference in)";
}

/* A law that is exact but for rounding: what rounding was a part of. */
static const char *why_missed(const fl_map *m, fl_arena *arena)
{
    double size = 0;
    for (int64_t i = 0; i < fl_shape_count(m->shape); i++) size += fabs((double)m->data[i]);
    const double gap = m->residual * fabs(m->wanted), scores = fmax(fabs(m->score), fabs(m->baseline_score));
    const char *why = "values overflow";
    if (gap < 1e3 * FL_REAL_EPSILON * scores)
        why = fl_arena_text(arena, "the two scores are nearly equal, and their difference is what is left of " FL_REAL_NAME);
    else if (gap < 1e3 * FL_REAL_EPSILON * size)
        why = fl_arena_text(arena, "its values cancel: sizes sum to %.3g, %.2g times the law's, and rounding in " FL_REAL_NAME
                            " is a part of those; the network magnifies small differences, so read no single value", size,
                            size / fabs(m->wanted));
    return why ? fl_arena_text(arena, "the map misses its law by %.2g %% (%.6g instead of %.6g): %s",
                               100 * m->residual, m->sum, m->wanted, why) : NULL;
}

/* Shares of a whole that are less than nothing: what entered some weight was. */
static double below_zero(const fl_map *m)
{
    double below = 0;
    if (m->method->law != FL_LAW_SUMS_TO_ONE || !m->options.rules || m->options.rules->start != FL_START_ONE) return 0;
    for (int64_t i = 0; i < fl_shape_count(m->shape); i++) below += m->data[i] < 0 ? -(double)m->data[i] : 0;
    return below;
}

fl_status fl_map_warn(fl_map *m, bool baseline_is_clip, fl_arena *arena, fl_error *err)
{
    const notes n = {m, arena, err};
    const double p = m->probability;
    if (is_zero(m)) warn(&n, why_zero(m));
    if (m->options.target.score == FL_SCORE_PROBABILITY && is_saturated(m) && !m->standard_error)
        warn(&n, fl_arena_text(arena, "saturated softmax: the probability %.6g is so near to %d that its gradient is "
                               "%.1e of the logit's; explain the logit", p, p > 0.5, p * (1.0 - p)));
    const fl_target *target = &m->options.target;
    if (p < 0.05 && !target->node && target->last <= target->class_index)
        warn(&n, fl_arena_text(arena, "the network gives class %d a probability of only %.3g: the map explains a "
                               "score that it does not decide by", target->class_index, p));
    if (m->residual > 0.01 && m->options.rules) warn(&n, why_missed(m, arena));
    else if (m->residual > 0.05)
        warn(&n, fl_arena_text(arena, "the map misses its sum by %.2g %% (%.6g instead of %.6g): take more steps%s",
                               100.0 * m->residual, m->sum, m->wanted,
                               fl_method_uses(m->method) & FL_READS(rule) ? " or the rule gauss_legendre" : ""));
    if (fabs(m->absorbed) > 0.5 * fabs(m->wanted))
        warn(&n, fl_arena_text(arena, "biases and stabilisers keep %.3g of %.3g: the map shows the rest, %.3g", m->absorbed, m->wanted,
                               m->sum));
    const fl_published *study = m->options.as_published ? fl_published_find(m->method) : NULL;
    if (study && study->lawless) warn(&n, "as published, its values do not sum to what the method's do: there is no law to check");
    if (below_zero(m) > 0.01)
        warn(&n, fl_arena_text(arena, "values below 0 sum to %.3g of 1: what enters some weights is negative, as behind a tanh or a norm, "
                               "and the rule takes it to be positive; excitation_recurrent takes any sign", -below_zero(m)));
    if (m->options.noise > 0 && m->noise_sigma == 0 && fl_method_uses(m->method) & FL_READS(noise))
        warn(&n, "no noise: all values of the clip are equal, and the noise is relative to their range");
    if (baseline_is_clip)
        warn(&n, "the baseline equals the clip: there is no difference to explain");
    return err->status;
}

/* ---- options as text ---- */

enum { BESIDES = 9 };                    /* settings that are no rows of options.def */

typedef struct list { fl_arena *arena; fl_setting *item; int count; } list;

static void add(list *l, const char *name, const char *value) { l->item[l->count++] = (fl_setting){name, value}; }

static void add_number(list *l, const char *name, int value) { add(l, name, fl_arena_text(l->arena, "%d", value)); }

static void add_target(list *l, const fl_target *t)
{
    add_number(l, "class", t->class_index);
    if (t->node) {
        char place[64] = "";
        if (t->unit[1] >= 0) snprintf(place, sizeof place, ",%d,%d,%d", t->unit[1], t->unit[2], t->unit[3]);
        add(l, "target_node", fl_arena_text(l->arena, "%s:%d%s", t->node, t->unit[0], place));
    }
    if (t->last > t->class_index) add_number(l, "last_class", t->last);
    add(l, "score", fl_score_name[t->score]);
    if (t->score == FL_SCORE_MARGIN) add_number(l, "other", t->other);
}

/* Some baselines are drawn, one is blurred: the others do not depend on the seed, on sigma. */
static bool is_baseline(const fl_map *m, const char *one, const char *other)
{
    const char *names = m->options.baseline;
    return fl_method_uses(m->method) & FL_READS(baseline) && (fl_baselines_have(names, one) || fl_baselines_have(names, other));
}

static bool add_option(list *l, const fl_map *m, int i)
{
    const char *value;
    const uint64_t uses = fl_method_uses(m->method);
    if (!(uses >> i & 1)) return true;
    if (i == FL_OPTION_baseline_sigma && uses & FL_READS(baseline) && !is_baseline(m, "blur", "temporal_blur")) return true;
    if (!fl_option_print(&m->options, &fl_option_rows[i], l->arena, &value)) return false;
    const fl_published *study = i == FL_OPTION_as_published ? fl_published_find(m->method) : NULL;
    if (i == FL_OPTION_as_published && !m->options.as_published) return true;
    if (value) add(l, fl_option_rows[i].name, study ? study->doc : value);
    return true;
}

const fl_setting *fl_map_settings(const fl_map *m, fl_arena *arena, int *count)
{
    list l = {arena, FL_NEW(arena, fl_setting, FL_OPTIONS + BESIDES), 0};
    *count = 0;
    if (!l.item) return NULL;
    const fl_explain_options *o = &m->options;
    const uint64_t uses = fl_method_uses(m->method);
    add_target(&l, &o->target);
    if (uses & FL_READS(rules)) add(&l, "rules", o->rules->name);
    if (uses & FL_READS(masker)) add(&l, "masker", o->masker_name ? o->masker_name : "the caller's");
    for (int i = 0; i < FL_OPTIONS; i++)
        if (!add_option(&l, m, i)) return NULL;
    if (uses & FL_READS(seed) || is_baseline(m, "noise", "shuffled"))
        add(&l, "seed", fl_arena_text(arena, "%llu", (unsigned long long)o->seed));
    for (int i = 0; i < l.count; i++)
        if (!l.item[i].value) return NULL;
    *count = l.count;
    return l.item;
}
