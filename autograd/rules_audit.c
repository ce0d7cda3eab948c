/* rules_audit.c: by forward passes alone, what a node must hand on. The walk down uses transposes; both must agree, node by node.
 *
 *   share      sum over groups and outputs of  s * sum over terms of coefficient f(x part, w part, no bias)
 *   joint, spread, carrier, maximum    all that arrives, but for what has nothing to be shared by
 *   pass       all that arrives, to every operand;   block   nothing
 *   no rule    <f(1), R> where f is linear with factors that are never negative
 *   others     the rule promises no sum: NAN */
#include "autograd/rules.h"

#include "tensor/par.h"

#include <math.h>

static bool unruled_sum(const fl_graph *g, fl_id i)
{
    const unsigned flags = g->node[i].op->flags;
    return g->carries[i] && !g->rules->rule[i] && flags & FL_LINEAR && flags & FL_POSITIVE;
}

bool fl_rules_plan_audit(fl_graph *g)
{
    fl_rules *r = g->rules;
    int64_t most = 1;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (!unruled_sum(g, i)) continue;
        if (fl_shape_count(node->shape) > most) most = fl_shape_count(node->shape);
        for (int k = 0; k < node->n_in; k++)
            if (fl_shape_count(node->in_shape[k]) > most) most = fl_shape_count(node->in_shape[k]);
    }
    r->due = FL_NEW(g->arena, double, g->count);
    r->size = FL_NEW(g->arena, double, g->count);
    r->ones = FL_NEW(g->arena, real, most);
    r->whole = FL_NEW(g->arena, real, most);
    if (!r->due || !r->size || !r->ones || !r->whole) return false;
    FL_EACH(i, most) r->ones[i] = 1;
    return true;
}

static bool all_carry(const fl_graph *g, const fl_node *node)
{
    const bool operands = (node->op->flags & FL_POSITIVE) != 0;
    for (int k = 0; k < (operands ? node->n_in : 1); k++)
        if (!g->carries[node->in[k]]) return false;
    return true;
}

/* An affine op without a weight (a norm) has its offset in every forward: what it makes of nothing is nobody's share. */
static double offset_of_share(fl_rules *r, const fl_node *node, const fl_rule *rule)
{
    if (node->op->flags & (FL_WEIGHTED | FL_POSITIVE)) return 0;
    const int64_t count = fl_shape_count(node->shape), inputs = fl_shape_count(node->in_shape[0]);
    real *zero = fl_rule_room(r, inputs), *offset = fl_rule_room(r, count);
    double sum = 0;
    FL_EACH(i, inputs) zero[i] = 0;
    for (int k = 0; k < node->n_in; k++) r->operand[k] = k ? node->operand[k] : zero;
    node->op->forward(node, r->operand, offset);
    for (int t = 0; t < rule->n_terms; t++) sum += rule->term[t].coefficient * fl_dot(r->at.s[rule->term[t].group], offset, count);
    return sum;
}

static double due_of_share(fl_graph *g, const fl_node *node, const fl_rule *rule, double *size)
{
    fl_rules *r = g->rules;
    const int64_t count = fl_shape_count(node->shape);
    fl_rule plain = *rule;
    double due = 0;
    if (!all_carry(g, node)) return (double)NAN;
    if (rule->spread) return r->arrived[node - g->node];
    for (int t = 0; t < plain.n_terms; t++) {
        plain.term[t].b = FL_NONE_OF;
        plain.term[t].sign = rule->term[t].coefficient;
    }
    real *a = fl_rule_room(r, count), *part = fl_rule_room(r, count);
    for (int group = 0; group < fl_rule_groups(rule); group++) {
        const real *s = r->at.s[group];
        fl_rule_sum(r, node, &plain, group, a, part);
        due += fl_dot(s, a, count);
        for (int64_t i = 0; i < count; i++) *size += fabs((double)s[i] * (double)a[i]);
    }
    return due - offset_of_share(r, node, rule);
}

/* What has a quotient. */
static double due_of_joint(const fl_rules *r, const fl_node *node, const fl_rule *rule)
{
    double due = 0;
    if (rule->epsilon > 0) return (double)NAN;
    for (int64_t i = 0; i < fl_shape_count(node->shape); i++) due += r->at.s[0][i] != 0 ? (double)node->signal[i] : 0;
    return due;
}

static double due_of_unruled(fl_graph *g, const fl_node *node)
{
    fl_rules *r = g->rules;
    const fl_id i = (fl_id)(node - g->node);
    if (node->op->flags & FL_ROUTE && !(node->op->flags & FL_LINEAR)) return r->arrived[i];
    if (!unruled_sum(g, i) || !all_carry(g, node)) return (double)NAN;
    for (int k = 0; k < node->n_in; k++) r->operand[k] = r->ones;
    node->op->forward(node, r->operand, r->whole);
    return fl_dot(r->whole, node->signal, fl_shape_count(node->shape));
}

static int carried(const fl_graph *g, const fl_node *node)
{
    int n = 0;
    for (int k = 0; k < node->n_in; k++) n += g->carries[node->in[k]];
    return n;
}

void fl_rules_audit(fl_graph *g, fl_id i)
{
    fl_rules *r = g->rules;
    const fl_node *node = &g->node[i];
    const fl_rule *rule = r->rule[i];
    double size = fl_sum_sizes(node->signal, fl_shape_count(node->shape)), due = (double)NAN;
    if (!fl_rules_cross(g, i)) due = r->handed_on[i];
    else if (!rule) due = due_of_unruled(g, node);
    else if (rule->kind == FL_RULE_SHARE) due = due_of_share(g, node, rule, &size);
    else if (rule->kind == FL_RULE_PASS) due = r->arrived[i] * carried(g, node);
    else if (rule->kind == FL_RULE_BLOCK) due = 0;
    else if (rule->kind == FL_RULE_CARRIER) due = carried(g, node) ? r->arrived[i] : 0;
    else if (rule->kind == FL_RULE_JOINT) due = due_of_joint(r, node, rule);
    r->due[i] = due;
    r->size[i] = size;
}
