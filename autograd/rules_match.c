/* rules_match.c: which rule each node has, and whether it can work there. */
#include "autograd/rules.h"

#include <string.h>

const char *const fl_rule_kind_name[] = {"gradient", "share", "pass", "block", "guided", "deconvnet", "carrier", "rescale",
                                         "product", "switches", "reveal_cancel", "joint", "centred", "bounded", NULL};
const char *const fl_place_name[] = {"anywhere", "first", "top", "before_map", "after_weight", "sum_of_weights", "in_sum", "dense", NULL};
const char *const fl_when_name[] = {"always", "y>0", "y<0", NULL};
const char *const fl_start_name[] = {"gradient", "value", "positive", "one", NULL};
const char *const fl_flag_name[] = {"linear", "weighted", "map", "gate", "route", "all", NULL};

/* A star takes as little as it can; where that fails later on, the last one takes a letter more. */
bool fl_name_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *taken = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            taken = name;
        } else if (*pattern && (*pattern == '?' || *pattern == *name)) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return !*pattern;
}

/* ---- places ---- */

typedef struct view {                    /* of the nodes that carry a signal */
    const fl_graph *g;
    bool *below, *above;                 /* a weight lies between the node and the input; between it and the root */
    int *consumers;
    fl_id *consumer;                     /* one of them */
    bool *sums;                          /* a weighted node, or such nodes moved about or added up */
    bool *elsewhere;                     /* something else than a sum of weights reads it */
} view;

static bool weighted(const fl_node *node) { return (node->op->flags & FL_WEIGHTED) != 0; }

/* v->sums, from the operands up. */
static bool is_weighted_sum(const view *v, fl_id i)
{
    const fl_node *node = &v->g->node[i];
    bool any = weighted(node);
    for (int k = 0; k < node->n_in && node->op->flags & FL_POSITIVE; k++) any |= v->g->carries[node->in[k]] && v->sums[node->in[k]];
    return any;
}

static bool adds_weights(const view *v, fl_id i)
{
    return v->sums[i] && !weighted(&v->g->node[i]) && !(v->g->node[i].op->flags & FL_ROUTE);
}

static bool look_around(view *v, fl_graph *g)
{
    const size_t n = (size_t)g->count + 1;
    v->g = g;
    v->below = FL_NEW(g->arena, bool, n);
    v->above = FL_NEW(g->arena, bool, n);
    v->consumers = FL_NEW(g->arena, int, n);
    v->consumer = FL_NEW(g->arena, fl_id, n);
    v->sums = FL_NEW(g->arena, bool, n);
    v->elsewhere = FL_NEW(g->arena, bool, n);
    if (!v->below || !v->above || !v->consumers || !v->consumer || !v->sums || !v->elsewhere) return false;
    for (fl_id i = 0; i < g->count; i++) v->sums[i] = is_weighted_sum(v, i);
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; g->computed[i] && k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            v->below[i] |= g->carries[x] && g->carries[i] && (v->below[x] || weighted(&g->node[x]));
            v->consumers[x]++;
            v->consumer[x] = i;
        }
    for (fl_id i = g->count - 1; i >= 0; i--)
        for (int k = 0; g->carries[i] && k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            v->above[x] |= v->above[i] || weighted(&g->node[i]);
            v->elsewhere[x] |= g->node[i].op->flags & FL_ROUTE ? v->elsewhere[i] || i == g->root : !adds_weights(v, i);
        }
    return true;
}

static bool is_at(const view *v, fl_id i, fl_place place)
{
    const fl_graph *g = v->g;
    const fl_node *node = &g->node[i];
    switch (place) {
    case FL_AT_FIRST:      return !v->below[i];
    case FL_AT_TOP:        return !v->above[i];
    case FL_BEFORE_MAP: return v->consumers[i] == 1 && i != g->root && g->node[v->consumer[i]].op->flags & FL_MAP;
    case FL_AFTER_WEIGHT:
        return node->n_in > 0 && weighted(&g->node[node->in[0]]) && v->consumers[node->in[0]] == 1 && node->in[0] != g->root;
    case FL_SUM_OF_WEIGHTS: return adds_weights(v, i);
    case FL_IN_SUM:     return weighted(node) && i != g->root && !v->elsewhere[i];
    case FL_DENSE:      return weighted(node) && node->attr.conv.dense;
    default:            return true;
    }
}

static const fl_rule *find_rule(const view *v, const fl_ruleset *set, fl_id i)
{
    const fl_node *node = &v->g->node[i];
    for (const fl_rule_row *m = set->match; m->rule; m++) {
        if ((node->op->flags & m->flags) != m->flags || (m->op && strcmp(m->op, node->op->name) != 0)) continue;
        if ((m->node && !fl_name_matches(m->node, node->name)) || !is_at(v, i, m->place)) continue;
        return m->rule->kind == FL_RULE_GRADIENT ? NULL : m->rule;
    }
    return NULL;
}

/* ---- whether it can work there ---- */

static const char *share_misfit(const fl_graph *g, const fl_node *node, const fl_rule *rule)
{
    const fl_rules *r = g->rules;
    const unsigned flags = node->op->flags;
    if (!(flags & FL_LINEAR)) return "the op is not linear";
    if (rule->spread && !(flags & (FL_WEIGHTED | FL_POSITIVE))) return "there is no telling which operands are alike";
    for (int t = 0; t < rule->n_terms; t++) {
        const fl_term *term = &rule->term[t];
        if (term->x == FL_LOWEST || term->x == FL_HIGHEST) {
            if (!(flags & FL_WEIGHTED)) return "bounds are for ops with a weight";
            if (!r->low || !r->high) return "no bounds were given";
            if (r->bounds != node->in_shape[0].c) return "the bounds are for another number of channels";
        }
        if (flags & FL_WEIGHTED) continue;
        if (term->w == FL_SQUARE_OF || term->w == FL_ONES) return "the op has no weight to be replaced";
        if (!(flags & FL_POSITIVE) && (term->w != FL_ALL_OF || term->b != FL_ALL_OF))
            return "the op's factors cannot be parted; fold it into a weight, or give it the rule pass";
    }
    return NULL;
}

static const char *misfit(const view *v, fl_id i, const fl_rule *rule)
{
    const fl_graph *g = v->g;
    const fl_node *node = &g->node[i];
    const unsigned flags = node->op->flags;
    for (int k = 1; k < node->n_in && flags & FL_WEIGHTED; k++)
        if (g->carries[node->in[k]]) return "a signal of the weight itself is wanted, and rules are for activations";
    const bool compares = rule->kind == FL_RULE_RESCALE || rule->kind == FL_RULE_PRODUCT || rule->kind == FL_RULE_SWITCHES ||
                          rule->kind == FL_RULE_REVEAL_CANCEL || rule->kind == FL_RULE_BOUNDED || rule->kind == FL_RULE_CENTRED;
    if (compares && !g->rules->set->reference) return "the rule set has no reference";
    switch (rule->kind) {
    case FL_RULE_SHARE: return share_misfit(g, node, rule);
    case FL_RULE_PASS:
        for (int k = 0; k < node->n_in; k++)
            if (g->carries[node->in[k]] && !fl_shape_equal(node->in_shape[k], node->shape))
                return "an operand has another shape than the result";
        return NULL;
    case FL_RULE_GUIDED:
    case FL_RULE_DECONVNET:
    case FL_RULE_BOUNDED:
    case FL_RULE_RESCALE:       return flags & FL_MAP ? NULL : "the op does not work element by element";
    case FL_RULE_CARRIER:
    case FL_RULE_PRODUCT:       return flags & FL_GATE ? NULL : "the op is not a product";
    case FL_RULE_SWITCHES:      return flags & FL_ROUTE && node->n_in == 1 ? NULL : "the op does not choose among its values";
    case FL_RULE_CENTRED:
        return node->n_in == 1 && fl_shape_equal(node->in_shape[0], node->shape) ? NULL : "the op does not weigh channels";
    case FL_RULE_JOINT:         return flags & FL_POSITIVE ? NULL : "the op is not a sum";
    case FL_RULE_REVEAL_CANCEL: return flags & FL_WEIGHTED && is_at(v, i, FL_BEFORE_MAP) ? NULL : "no map follows, or more than it";
    default:               return NULL;
    }
}

bool fl_rules_cross(const fl_graph *g, fl_id i)
{
    for (int k = 0; g->carries[i] && k < g->node[i].n_in; k++)
        if (g->carries[g->node[i].in[k]]) return true;
    return false;
}

fl_status fl_rules_match(fl_graph *g, const fl_plan *plan)
{
    view v = {0};
    g->rules = NULL;
    if (!plan->rules || g->root == FL_NONE) return FL_OK;
    fl_rules *r = g->rules = FL_NEW(g->arena, fl_rules, 1);
    if (!r) return g->error->status;
    *r = (fl_rules){.set = plan->rules, .low = plan->low, .high = plan->high, .bounds = plan->bounds};
    r->rule = FL_NEW(g->arena, const fl_rule *, g->count + 1);
    if (!r->rule || !look_around(&v, g)) return g->error->status;
    for (fl_id i = 0; i < g->count; i++) {
        if (!fl_rules_cross(g, i)) continue;
        const fl_rule *rule = r->rule[i] = find_rule(&v, plan->rules, i);
        const char *why = rule ? misfit(&v, i, rule) : NULL;
        char where[FL_MESSAGE_SIZE];
        if (why)
            return fl_error_set(g->error, FL_USAGE, "rules '%s': rule '%s' cannot be used at %s: %s", plan->rules->name,
                                rule->name, fl_node_describe(g, i, where, sizeof where), why);
    }
    return FL_OK;
}

const fl_rule *fl_graph_rule(const fl_graph *g, fl_id i) { return g->rules ? g->rules->rule[i] : NULL; }

unsigned fl_rules_reads(const fl_graph *g, fl_id i)
{
    const fl_rule *rule = g->rules->rule[i];
    unsigned reads = 0;
    switch (rule->kind) {
    case FL_RULE_SHARE:
        for (int t = 0; t < rule->n_terms; t++)
            reads |= (rule->term[t].when ? FL_READS_OUT : 0) | (rule->term[t].x == FL_ONES ? 0 : FL_READS_IN);
        return reads;
    case FL_RULE_GUIDED:  return g->node[i].op->flags & (FL_READS_IN | FL_READS_OUT);
    case FL_RULE_BOUNDED: return (g->node[i].op->flags & FL_READS_IN) | FL_READS_OUT;
    case FL_RULE_RESCALE:
    case FL_RULE_CENTRED:
    case FL_RULE_SWITCHES:
    case FL_RULE_REVEAL_CANCEL: return FL_READS_IN | FL_READS_OUT;
    case FL_RULE_PRODUCT:
    case FL_RULE_JOINT:   return FL_READS_IN;
    default:         return 0;
    }
}

bool fl_rules_use_weight(const fl_graph *g, fl_id i)
{
    const fl_rule *rule = g->rules ? g->rules->rule[i] : NULL;
    if (!rule) return true;
    for (int t = 0; t < rule->n_terms; t++)
        if (rule->term[t].w == FL_ALL_OF) return true;
    return rule->kind == FL_RULE_GUIDED;
}
