/* ruleset_tune.c: a rule set with other parameters; what there is to change in it. */
#include "attribution/rulesets.h"

#include <math.h>

enum { MOST_RULES = 64 };

int fl_ruleset_rules(const fl_ruleset *set, const fl_rule **rule, int room)
{
    int n = 0;
    for (const fl_rule_row *m = set->match; m->rule; m++) {
        bool known = false;
        for (int i = 0; i < n; i++) known |= rule[i] == m->rule;
        if (!known && n < room) rule[n++] = m->rule;
    }
    return n;
}

static bool tunes_epsilon(const fl_rule *r) { return r->tuned; }

static bool tunes_gamma(const fl_rule *r)
{
    for (int t = 0; t < r->n_terms; t++)
        if (r->term[t].w == FL_LEAN_POSITIVE || r->term[t].w == FL_LEAN_NEGATIVE) return true;
    return false;
}

/* alpha is the coefficient of group 0, -beta that of group 1; the contrast of excitation has no alpha. */
static bool tunes_beta(const fl_rule *r)
{
    double alpha = 0, beta = 0;
    for (int t = 0; t < r->n_terms; t++) *(r->term[t].group ? &beta : &alpha) = r->term[t].coefficient;
    return beta < 0 && alpha == 1 - beta;
}

static bool any(const fl_ruleset *set, bool (*tunes)(const fl_rule *))
{
    for (const fl_rule_row *m = set->match; m->rule; m++)
        if (tunes(m->rule)) return true;
    return false;
}

static bool reads_bounds(const fl_rule *r)
{
    for (int t = 0; t < r->n_terms; t++)
        if (r->term[t].x == FL_LOWEST || r->term[t].x == FL_HIGHEST) return true;
    return false;
}

bool fl_ruleset_has_epsilon(const fl_ruleset *set) { return any(set, tunes_epsilon); }
bool fl_ruleset_has_gamma(const fl_ruleset *set) { return any(set, tunes_gamma); }
bool fl_ruleset_has_beta(const fl_ruleset *set) { return any(set, tunes_beta); }
bool fl_ruleset_bounded(const fl_ruleset *set) { return any(set, reads_bounds); }

static void tune(fl_rule *r, double epsilon, double gamma, double beta)
{
    const bool parted = tunes_beta(r);
    if (!isnan(epsilon) && tunes_epsilon(r)) r->epsilon = epsilon;
    if (!isnan(gamma) && tunes_gamma(r)) r->gamma = gamma;
    for (int t = 0; t < r->n_terms && parted && !isnan(beta); t++) r->term[t].coefficient = r->term[t].group ? -beta : 1 + beta;
}

const fl_ruleset *fl_ruleset_tune(const fl_ruleset *set, double epsilon, double gamma, double beta, fl_arena *arena)
{
    if (isnan(epsilon) && isnan(gamma) && isnan(beta)) return set;
    const fl_rule *old[MOST_RULES];
    int rows = 0;
    while (set->match[rows].rule) rows++;
    const int n = fl_ruleset_rules(set, old, MOST_RULES);
    fl_ruleset *copy = FL_NEW(arena, fl_ruleset, 1);
    fl_rule_row *match = FL_NEW(arena, fl_rule_row, rows + 1);
    fl_rule *rule = FL_NEW(arena, fl_rule, n);
    if (!copy || !match || !rule) return NULL;
    for (int i = 0; i < n; i++) {
        rule[i] = *old[i];
        tune(&rule[i], epsilon, gamma, beta);
    }
    for (int k = 0; k < rows; k++) {
        match[k] = set->match[k];
        for (int i = 0; i < n; i++)
            if (match[k].rule == old[i]) match[k].rule = &rule[i];
    }
    *copy = *set;
    copy->match = match;
    return copy;
}
