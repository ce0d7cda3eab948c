/* describe.c: warnings about a map that would mislead, and its options as text. */
#include "attribution/describe.h"

#include "tensor/math.h"

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

static const char *why_zero(const fl_map *m)
{
    if (m->level == FL_LEVEL_LAYER && !m->options.signed_cam)
        return "zero map: the weighted features speak against the class everywhere, and the ReLU leaves nothing; "
               "the signed map (without ReLU) shows them";
    if (m->options.target.score == FL_SCORE_PROBABILITY)
        return "zero map: the softmax is saturated, so the probability does not move; explain the logit";
    return "zero map: no input value moves this score here (ReLUs that are off, or nothing to find a difference in)";
}

fl_status fl_map_warn(fl_map *m, bool baseline_is_clip, fl_arena *arena, fl_error *err)
{
    const notes n = {m, arena, err};
    const double p = m->probability;
    if (is_zero(m)) warn(&n, why_zero(m));
    if (m->options.target.score == FL_SCORE_PROBABILITY && p * (1.0 - p) < 1e-3)
        warn(&n, fl_arena_text(arena, "saturated softmax: the probability %.6g is so near to %d that its gradient is "
                               "%.1e of the logit's; explain the logit", p, p > 0.5, p * (1.0 - p)));
    if (p < 0.05)
        warn(&n, fl_arena_text(arena, "the network gives class %d a probability of only %.3g: the map explains a "
                               "score that it does not decide by", m->options.target.class_index, p));
    if (m->residual > 0.05 && m->options.rules)
        warn(&n, fl_arena_text(arena, "the map misses its law by %.2g %% (%.6g instead of %.6g): values overflow, or cancel", 
                               100.0 * m->residual, m->sum, m->wanted));
    else if (m->residual > 0.05)
        warn(&n, fl_arena_text(arena, "the map misses its sum by %.2g %% (%.6g instead of %.6g): take more steps or "
                               "the rule gauss_legendre", 100.0 * m->residual, m->sum, m->wanted));
    if (fabs(m->absorbed) > 0.5 * fabs(m->wanted))
        warn(&n, fl_arena_text(arena, "biases and stabilisers keep %.3g of %.3g: the map shows the rest, %.3g", m->absorbed, m->wanted,
                               m->sum));
    if (m->options.noise > 0 && m->noise_sigma == 0 && fl_method_uses(m->method) & FL_USES_NOISE)
        warn(&n, "no noise: all values of the clip are equal, and the noise is relative to their range");
    if (baseline_is_clip)
        warn(&n, "the baseline equals the clip: there is no difference to explain");
    return err->status;
}

/* ---- options as text ---- */

enum { MAX_SETTINGS = 24 };

typedef struct list { fl_arena *arena; fl_setting *item; int count; } list;

static void add(list *l, const char *name, const char *value) { l->item[l->count++] = (fl_setting){name, value}; }

static void add_number(list *l, const char *name, double value)
{
    add(l, name, fl_arena_text(l->arena, "%.12g", value));
}

static void add_seed(list *l, uint64_t seed)
{
    add(l, "seed", fl_arena_text(l->arena, "%llu", (unsigned long long)seed));
}

static void add_target(list *l, const fl_target *t)
{
    add_number(l, "class", t->class_index);
    if (t->last > t->class_index) add_number(l, "last_class", t->last);
    add(l, "score", fl_score_name[t->score]);
    if (t->score == FL_SCORE_MARGIN) add_number(l, "other", t->other);
}

const fl_setting *fl_map_settings(const fl_map *m, fl_arena *arena, int *count)
{
    list l = {arena, FL_NEW(arena, fl_setting, MAX_SETTINGS), 0};
    *count = 0;
    if (!l.item) return NULL;
    const fl_explain_options *o = &m->options;
    const unsigned uses = fl_method_uses(m->method);
    add_target(&l, &o->target);
    if (uses & FL_USES_STEPS) add_number(&l, "steps", o->steps);
    if (uses & FL_USES_SIGMA) add_number(&l, "sigma", o->baseline_sigma);
    if (uses & FL_USES_PATH) {
        add_number(&l, "steps", o->steps);
        add(&l, "rule", fl_quadrature_name[o->rule]);
    }
    if (uses & FL_USES_BASELINE) {
        add(&l, "baseline", o->baseline);
        if (fl_name_find((const char *const[]){"blur", NULL}, o->baseline) >= 0)
            add_number(&l, "baseline sigma", o->baseline_sigma);
        if (fl_name_find((const char *const[]){"noise", "shuffled", NULL}, o->baseline) >= 0) add_seed(&l, o->seed);
    }
    if (uses & FL_USES_NOISE) {
        add_number(&l, "samples", o->samples);
        add_number(&l, "noise", o->noise > 0 ? o->noise : 0.0);
        add_seed(&l, o->seed);
    }
    if (uses & FL_USES_BIASED) add(&l, "variance", o->biased ? "biased" : "unbiased");
    if (uses & FL_USES_LAYER) add(&l, "layer", o->layer);
    if (uses & FL_USES_POOLING) add(&l, "pooling", fl_cam_pooling_name[o->pooling]);
    if (uses & FL_USES_SIGN) add(&l, "relu", o->signed_cam ? "no" : "yes");
    if (uses & FL_USES_RULES) {
        add(&l, "rules", o->rules->name);
        if (o->rules->fold) add(&l, "norms", o->unfolded ? "as they are" : "folded into weights");
    }
    if (uses & FL_USES_EPSILON && o->epsilon > 0) add_number(&l, "epsilon", o->epsilon);
    if (uses & FL_USES_GAMMA && o->gamma > 0) add_number(&l, "gamma", o->gamma);
    if (uses & FL_USES_BETA && o->beta > 0) add_number(&l, "beta", o->beta);
    if (uses & FL_USES_BOUNDS && (o->lowest != 0 || o->highest != 0)) {
        add_number(&l, "lowest", o->lowest);
        add_number(&l, "highest", o->highest);
    }
    for (int i = 0; i < l.count; i++)
        if (!l.item[i].value) return NULL;
    *count = l.count;
    return l.item;
}
