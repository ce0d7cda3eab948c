/* rules_terms.c: an op's operands with the parts that a term names in their place, and sums of such terms: z of a group. */
#include "autograd/rules.h"

#include "tensor/par.h"

#include <string.h>

real *fl_rule_room(fl_rules *r, int64_t count)
{
    real *p = r->work + r->used;
    r->used += (count + 15) / 16 * 16;
    fl_assert(r->used <= r->room);
    return p;
}

const real *fl_rule_weight(const fl_node *node, fl_part part, double gamma)
{
    if (part == FL_ALL_OF) return node->operand[1];
    for (int v = 0; v < node->n_variants; v++)
        if (node->variant[v].part == (int)part && (!fl_part_leans(part) || node->variant[v].gamma == gamma))
            return node->variant[v].packed[0];
    fl_assert(!"the plan packed this part");
    return NULL;
}

static const real *x_part(fl_rules *r, const fl_node *node, int k, fl_part part)
{
    const real *x = node->operand[k];
    if (part == FL_ALL_OF) return x;
    const int64_t count = fl_shape_count(node->in_shape[k]);
    const int c = node->in_shape[k].c;
    real *to = fl_rule_room(r, count);
    const real *bound = part == FL_LOWEST ? r->low : r->high;
    if (part == FL_LOWEST || part == FL_HIGHEST) FL_EACH(i, count) to[i] = bound[i % c];
    else FL_EACH(i, count) to[i] = fl_part_of(part, x[i], 0);
    return to;
}

/* NULL: no bias. */
static const real *bias_part(fl_rules *r, const fl_node *node, fl_part part, double gamma)
{
    if (node->n_in < 3 || part == FL_NONE_OF) return NULL;
    const int64_t count = fl_shape_count(node->in_shape[2]);
    real *to = fl_rule_room(r, count);
    for (int64_t i = 0; i < count; i++) to[i] = fl_part_of(part, node->operand[2][i], (real)gamma);
    return to;
}

/* The factor of an op without a weight, whose factors are never negative. */
static double scale_of(fl_part w, double gamma)
{
    return w == FL_NEGATIVE_OF || w == FL_NONE_OF ? 0.0 : w == FL_LEAN_POSITIVE ? 1.0 + gamma : 1.0;
}

/* From here to the end of the term's use, the room it takes is in use. */
fl_operands fl_rule_substitute(fl_rules *r, const fl_node *node, const fl_rule *rule, const fl_term *term)
{
    const unsigned flags = node->op->flags;
    for (int k = 0; k < node->n_in; k++)
        r->operand[k] = k == 0 || flags & FL_POSITIVE ? x_part(r, node, k, term->x) : node->operand[k];
    if (!(flags & FL_WEIGHTED)) return (fl_operands){r->operand, scale_of(term->w, rule->gamma)};
    r->operand[1] = fl_rule_weight(node, term->w, rule->gamma);
    if (node->n_in == 3) r->operand[2] = bias_part(r, node, term->b, rule->gamma);
    return (fl_operands){r->operand, 1.0};
}

void fl_rule_sum(fl_rules *r, const fl_node *node, const fl_rule *rule, int group, real *to, real *part)
{
    const int64_t count = fl_shape_count(node->shape);
    memset(to, 0, (size_t)count * sizeof *to);
    for (int t = 0; t < rule->n_terms; t++) {
        const fl_term *term = &rule->term[t];
        const int64_t mark = r->used;
        if (term->group != group) continue;
        const fl_operands o = fl_rule_substitute(r, node, rule, term);
        const real factor = (real)(term->sign * o.scale);
        if (factor != 0) {
            node->op->forward(node, o.in, part);
            FL_EACH(i, count) to[i] += factor * part[i];
        }
        r->used = mark;
    }
}

int fl_rule_groups(const fl_rule *rule)
{
    int n = 0;
    for (int t = 0; t < rule->n_terms; t++)
        if (rule->term[t].group >= n) n = rule->term[t].group + 1;
    return n;
}
