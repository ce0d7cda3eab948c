/* rules_walk.c: the executor: what a rule (rule.h) makes of the signal R of a node.
 *
 *   share      z = sum of sign f(x part, w part, b part), s = R / stabilise(z), R_in = sum of coefficient x part f'(s, w part)
 *   maps       pass R;  guided vjp(max(R,0));  deconvnet max(R,0)
 *   gates      carrier: R to the operand that is gated, 0 to the gate
 *   routes     their vjp: every R goes where its value came from
 *
 * f and f' are the op's own forward and vjp with substituted operands. Rules that compare with a reference:
 * rules_differences.c. */
#include "autograd/rules.h"

#include "autograd/reduce.h"
#include "tensor/par.h"

#include <math.h>
#include <string.h>

static bool is_share(const fl_rule *rule) { return rule->kind == FL_RULE_SHARE; }

/* ---- share ---- */

static fl_when when_of(const fl_rule *rule, int group)
{
    for (int t = 0; t < rule->n_terms; t++)
        if (rule->term[t].group == group) return rule->term[t].when;
    return FL_ALWAYS;
}

static inline bool passes(fl_when when, const real *y, int64_t i)
{
    return when == FL_ALWAYS || (when == FL_Y_POSITIVE ? y[i] > 0 : y[i] < 0);
}

static real *quotients(fl_rules *r, const fl_node *node, const fl_rule *rule, int group)
{
    const int64_t count = fl_shape_count(node->shape);
    const real *y = node->value, *R_ = node->signal, epsilon = (real)rule->epsilon;
    const fl_when when = when_of(rule, group);
    real *s = fl_rule_room(r, count);
    const int64_t mark = r->used;
    fl_rule_sum(r, node, rule, group, s, fl_rule_room(r, count));
    r->used = mark;
    FL_EACH(i, count) s[i] = passes(when, y, i) ? fl_quotient(R_[i], s[i], epsilon) : 0;
    return s;
}

/* What bias and stabiliser keep of R, per operand value that meets in an output: R - s * (z - bias), over their number. */
static real *kept(fl_rules *r, const fl_node *node, const fl_rule *rule, const real *s)
{
    const int64_t count = fl_shape_count(node->shape);
    const bool weighted = (node->op->flags & FL_WEIGHTED) != 0;
    fl_assert(s != NULL);
    fl_rule plain = *rule;
    for (int t = 0; t < plain.n_terms; t++) plain.term[t].b = FL_NONE_OF;
    real *a = fl_rule_room(r, count);
    const int64_t mark = r->used;
    real *number = fl_rule_room(r, count);
    fl_rule_sum(r, node, &plain, 0, a, number);
    const fl_term ones = {FL_ONES, weighted ? FL_ONES : FL_ALL_OF, FL_NONE_OF, 0, 1, 1, FL_ALWAYS};
    node->op->forward(node, fl_rule_substitute(r, node, rule, &ones).in, number);
    const real *R_ = node->signal;
    FL_EACH(i, count) a[i] = number[i] > 0 ? (R_[i] - s[i] * a[i]) / number[i] : 0;
    r->used = mark;
    return a;
}

static fl_rule_at enter_share(fl_rules *r, const fl_node *node, const fl_rule *rule)
{
    fl_rule_at q = {{NULL, NULL}, NULL};
    for (int group = 0; group < fl_rule_groups(rule); group++) q.s[group] = quotients(r, node, rule, group);
    if (rule->spread) q.kept = kept(r, node, rule, q.s[0]);
    return q;
}

static void add_term(fl_rules *r, const fl_node *node, const fl_rule *rule, const fl_term *term, int k, const real *s, real *gx)
{
    const int64_t count = fl_shape_count(node->in_shape[k]), mark = r->used;
    const fl_operands o = fl_rule_substitute(r, node, rule, term);
    const real factor = (real)(term->coefficient * o.scale), *x = o.in[k];
    if (factor != 0) {
        real *back = fl_rule_room(r, count);
        node->op->vjp(node, k, o.in, node->value, s, back);
        if (term->x == FL_ONES) FL_EACH(i, count) gx[i] += factor * back[i];
        else FL_EACH(i, count) gx[i] += factor * x[i] * back[i];
    }
    r->used = mark;
}

static void share(fl_rules *r, const fl_node *node, const fl_rule *rule, const fl_rule_at *q, int k, real *gx)
{
    memset(gx, 0, (size_t)fl_shape_count(node->in_shape[k]) * sizeof *gx);
    for (int t = 0; t < rule->n_terms; t++) add_term(r, node, rule, &rule->term[t], k, q->s[rule->term[t].group], gx);
    if (!q->kept) return;
    const fl_part w = node->op->flags & FL_WEIGHTED ? FL_ONES : FL_ALL_OF;
    add_term(r, node, rule, &(fl_term){FL_ONES, w, FL_NONE_OF, 0, 1, 1, FL_ALWAYS}, k, q->kept, gx);
}

/* ---- maps and gates ---- */

static real *clamp(fl_rules *r, const fl_node *node)
{
    const int64_t count = fl_shape_count(node->shape);
    real *to = fl_rule_room(r, count);
    const real *R_ = node->signal;
    FL_EACH(i, count) to[i] = R_[i] > 0 ? R_[i] : 0;
    return to;
}

/* Whether a value comes out of an op that makes fractions, moved about at most. */
static bool is_fraction(const fl_graph *g, fl_id i)
{
    const fl_node *node = &g->node[i];
    while (node->op->flags & FL_ROUTE && node->n_in == 1) node = &g->node[node->in[0]];
    return (node->op->flags & FL_FRACTION) != 0;
}

/* The last operand that carries a signal and is no gate; the last that carries one, when all are gates. */
static int carrier(const fl_graph *g, const fl_node *node)
{
    int best = -1, any = -1;
    for (int k = 0; k < node->n_in; k++) {
        if (!g->carries[node->in[k]]) continue;
        any = k;
        if (!is_fraction(g, node->in[k])) best = k;
    }
    return best >= 0 ? best : any;
}

static void gate(const fl_graph *g, const fl_node *node, int k, real *gx)
{
    const fl_shape x = node->in_shape[k];
    if (carrier(g, node) != k) memset(gx, 0, (size_t)fl_shape_count(x) * sizeof *gx);
    else if (fl_shape_equal(x, node->shape)) memcpy(gx, node->signal, (size_t)fl_shape_count(x) * sizeof *gx);
    else fl_sum_axes(node->shape, node->signal, x, gx, 1);
}

/* ---- the walk ---- */

void fl_rules_begin(fl_graph *g)
{
    memset(g->rules->arrived, 0, (size_t)g->count * sizeof(double));
    memset(g->rules->handed_on, 0, (size_t)g->count * sizeof(double));
    fl_rules_pack(g, true);
    fl_rules_fill_shadows(g);
}

static void enter(fl_graph *g, fl_id i)
{
    fl_rules *r = g->rules;
    const fl_node *node = &g->node[i];
    const fl_rule *rule = r->rule[i];
    r->used = 0;
    r->arrived[i] = fl_sum(node->signal, fl_shape_count(node->shape));
    if (!fl_rules_cross(g, i)) r->handed_on[i] = r->arrived[i];      /* it was wanted here and ends here */
    if (!rule) return;
    if (is_share(rule)) r->at = enter_share(r, node, rule);
    if (rule->kind == FL_RULE_JOINT) r->at.s[0] = fl_rule_enter_joint(r, g, node, rule);
    if (rule->kind == FL_RULE_GUIDED || rule->kind == FL_RULE_DECONVNET) r->at.s[0] = clamp(r, node);
    if (rule->kind == FL_RULE_REVEAL_CANCEL) fl_rules_enter_reveal(g, i);
}

void fl_rules_enter(fl_graph *g, fl_id i)
{
    enter(g, i);
    if (!g->rules->due) return;
    const int64_t mark = g->rules->used;
    fl_rules_audit(g, i);
    g->rules->used = mark;
}

static void apply(fl_graph *g, fl_id i, int k, real *gx)
{
    fl_rules *r = g->rules;
    const fl_node *node = &g->node[i];
    const fl_rule *rule = r->rule[i];
    const size_t bytes = (size_t)fl_shape_count(node->in_shape[k]) * sizeof *gx;
    switch (rule->kind) {
    case FL_RULE_SHARE:         share(r, node, rule, &r->at, k, gx); break;
    case FL_RULE_PASS:          memcpy(gx, node->signal, bytes); break;
    case FL_RULE_BLOCK:         memset(gx, 0, bytes); break;
    case FL_RULE_GUIDED:        node->op->vjp(node, k, node->operand, node->value, r->at.s[0], gx); break;
    case FL_RULE_DECONVNET:     memcpy(gx, r->at.s[0], bytes); break;
    case FL_RULE_CARRIER:       gate(g, node, k, gx); break;
    case FL_RULE_JOINT:         fl_rule_joint(r, g, node, r->at.s[0], k, gx); break;
    case FL_RULE_RESCALE:       fl_rule_rescale(g, i, gx); break;
    case FL_RULE_BOUNDED:       fl_rule_bounded(g, i, gx); break;
    case FL_RULE_CENTRED:       fl_rule_centred(g, i, gx); break;
    case FL_RULE_PRODUCT:       fl_rule_product(g, i, k, gx); break;
    case FL_RULE_SWITCHES:      fl_rule_switches(g, i, gx); break;
    case FL_RULE_REVEAL_CANCEL: fl_rule_reveal(g, i, gx); break;
    default:               node->op->vjp(node, k, node->operand, node->value, node->signal, gx); break;
    }
}

/* What node i has handed on. */
static void book(fl_rules *r, fl_id i, const real *values, int64_t count)
{
    r->handed_on[i] += fl_sum(values, count);
    if (r->due) r->size[i] += fl_sum_sizes(values, count);
}

void fl_rules_down(fl_graph *g, fl_id i, int k, real *gx)
{
    fl_rules *r = g->rules;
    const fl_node *node = &g->node[i];
    const int64_t mark = r->used;
    if (r->rule[i]) apply(g, i, k, gx);
    else node->op->vjp(node, k, node->operand, node->value, node->signal, gx);
    r->used = mark;
    book(r, i, gx, fl_shape_count(node->in_shape[k]));
}

void fl_rules_add(fl_graph *g, fl_id i, real *gx)
{
    const fl_node *node = &g->node[i];
    node->op->vjp_add(node, node->signal, gx);
    book(g->rules, i, node->signal, fl_shape_count(node->shape));
}
