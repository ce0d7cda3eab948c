/* rules_joint.c: sums of weighted sums, shared as one: every operand stands for its own z, and the sum's z is its forward of those. */
#include "autograd/rules.h"

#include "tensor/par.h"

#include <string.h>

/* Operand k of a joint sum as its z; what carries no signal counts as nothing. */
static const real *joint_operand(fl_rules *r, const fl_graph *g, const fl_node *node, int k)
{
    const fl_id x = node->in[k];
    if (r->shadow[x]) return r->shadow[x];
    if (g->carries[x]) return node->operand[k];
    real *zero = fl_rule_room(r, fl_shape_count(node->in_shape[k]));
    memset(zero, 0, (size_t)fl_shape_count(node->in_shape[k]) * sizeof *zero);
    return zero;
}

void fl_rules_fill_shadows(fl_graph *g)
{
    fl_rules *r = g->rules;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (!r->shadow[i]) continue;
        r->used = 0;
        if (r->rule[i] && r->rule[i]->kind == FL_RULE_SHARE && node->op->flags & FL_WEIGHTED) {
            fl_rule_sum(r, node, r->rule[i], 0, r->shadow[i], fl_rule_room(r, fl_shape_count(node->shape)));
            continue;
        }
        for (int k = 0; k < node->n_in; k++) r->operand[k] = joint_operand(r, g, node, k);
        node->op->forward(node, r->operand, r->shadow[i]);
    }
}

real *fl_rule_enter_joint(fl_rules *r, const fl_graph *g, const fl_node *node, const fl_rule *rule)
{
    const int64_t count = fl_shape_count(node->shape);
    real *s = fl_rule_room(r, count);
    const int64_t mark = r->used;
    for (int k = 0; k < node->n_in; k++) r->operand[k] = joint_operand(r, g, node, k);
    node->op->forward(node, r->operand, s);
    FL_EACH(i, count) s[i] = fl_quotient(node->signal[i], s[i], (real)rule->epsilon);
    r->used = mark;
    return s;
}

void fl_rule_joint(fl_rules *r, const fl_graph *g, const fl_node *node, const real *s, int k, real *gx)
{
    const int64_t mark = r->used;
    const real *x = joint_operand(r, g, node, k);
    node->op->vjp(node, k, node->operand, node->value, s, gx);
    FL_EACH(i, fl_shape_count(node->in_shape[k])) gx[i] *= x[i];
    r->used = mark;
}
