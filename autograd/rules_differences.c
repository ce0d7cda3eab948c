/* rules_differences.c: rules whose signal m is a multiplier of differences to a reference, d = here - there (Shrikumar 2017):
 * the contributions m dx of all inputs of a node make up the contributions m dy of its outputs.
 *
 *   rescale         m_x = m dy / dx, the slope between where dx is nearly 0
 *   centred         y = softmax(x): u = x less the mean of its channels, y(u) = y(x); m_u = m dy / du, one by one, m_x = m_u less their
 *                   mean; where du is nearly 0, the vjp
 *   bounded         the vjp of m where y lies between 0 and y0, else 0: no difference, but no evidence that the reference lacks
 *   product         y = u v:  m_u = m (v + v0) / 2,  m_v = m (u + u0) / 2
 *   switches        y = max x, top = max(y, y0): m (top - y0) goes to the winner here, m (y - top) to the winner there; both / dx
 *   reveal_cancel   y = phi(z), z = w x + b: the positive and the negative part of dz, P and N, each as the mean of coming first
 *                   and second: dP = [phi(z0+P) - phi(z0) + phi(z0+P+N) - phi(z0+N)] / 2, dN alike; m+ = m dP/P, m- = m dN/N;
 *                   m_x = w+ m+ + w- m- where dx > 0, w- m+ + w+ m- where dx < 0, their mean where dx = 0 */
#include "autograd/rules.h"

#include "tensor/par.h"

#include <math.h>
#include <string.h>

/* Differences below this are rounding. */
static inline bool nearly_zero(real d, real x)
{
    const real size = fabs((double)x) > 1 ? (real)fabs((double)x) : 1;
    return fabs((double)d) <= 1e-7 * (double)size;
}

void fl_rule_rescale(fl_graph *g, fl_id i, real *gx)
{
    const fl_node *node = &g->node[i];
    const int64_t count = fl_shape_count(node->shape);
    const real *x = node->operand[0], *x0 = g->node[node->in[0]].reference, *y = node->value, *y0 = node->reference;
    const real *m = node->signal;
    real *xm = fl_rule_room(g->rules, count), *ym = fl_rule_room(g->rules, count);
    FL_EACH(k, count) xm[k] = (x[k] + x0[k]) / 2;
    node->op->forward(node, (const real *const[]){xm}, ym);
    FL_EACH(k, count) {
        const real d = x[k] - x0[k];
        gx[k] = m[k] * (nearly_zero(d, x[k]) ? node->op->deriv(node, xm[k], ym[k]) : (y[k] - y0[k]) / d);
    }
}

/* Channels of one place. rest: what the vjp is for. */
static void centred(int n, const real *x, const real *x0, const real *y, const real *y0, const real *m, real *gx, real *rest)
{
    double mean = 0, sum = 0;
    for (int c = 0; c < n; c++) mean += ((double)x[c] - (double)x0[c]) / n;
    for (int c = 0; c < n; c++) {
        const real d = (real)((double)x[c] - (double)x0[c] - mean);
        const bool none = nearly_zero(d, x[c]);
        rest[c] = none ? m[c] : 0;
        gx[c] = none ? 0 : m[c] * (y[c] - y0[c]) / d;
        sum += (double)gx[c];
    }
    for (int c = 0; c < n; c++) gx[c] -= (real)(sum / n);
}

void fl_rule_centred(fl_graph *g, fl_id i, real *gx)
{
    const fl_node *node = &g->node[i];
    const int64_t count = fl_shape_count(node->shape);
    const int n = node->shape.c;
    const real *x = node->operand[0], *x0 = g->node[node->in[0]].reference;
    real *rest = fl_rule_room(g->rules, count), *slopes = fl_rule_room(g->rules, count);
    for (int64_t at = 0; at < count; at += n)
        centred(n, x + at, x0 + at, node->value + at, node->reference + at, node->signal + at, gx + at, rest + at);
    node->op->vjp(node, 0, node->operand, node->value, rest, slopes);
    FL_EACH(k, count) gx[k] += slopes[k];
}

void fl_rule_bounded(fl_graph *g, fl_id i, real *gx)
{
    const fl_node *node = &g->node[i];
    const int64_t count = fl_shape_count(node->shape);
    const real *y = node->value, *y0 = node->reference, *R_ = node->signal;
    real *within = fl_rule_room(g->rules, count);
    FL_EACH(k, count) within[k] = y[k] >= (y0[k] < 0 ? y0[k] : 0) && y[k] <= (y0[k] > 0 ? y0[k] : 0) ? R_[k] : 0;
    node->op->vjp(node, 0, node->operand, y, within, gx);
}

void fl_rule_product(fl_graph *g, fl_id i, int k, real *gx)
{
    fl_rules *r = g->rules;
    const fl_node *node = &g->node[i];
    for (int j = 0; j < node->n_in; j++) {
        const int64_t count = fl_shape_count(node->in_shape[j]);
        const real *v = node->operand[j], *v0 = g->node[node->in[j]].reference;
        real *mean = fl_rule_room(r, count);
        FL_EACH(e, count) mean[e] = (v[e] + v0[e]) / 2;
        r->operand[j] = mean;
    }
    node->op->vjp(node, k, r->operand, node->value, node->signal, gx);
}

void fl_rule_switches(fl_graph *g, fl_id i, real *gx)
{
    const fl_node *node = &g->node[i];
    const int64_t results = fl_shape_count(node->shape), count = fl_shape_count(node->in_shape[0]);
    const real *x = node->operand[0], *x0 = g->node[node->in[0]].reference, *y = node->value, *y0 = node->reference;
    const real *m = node->signal;
    real *part = fl_rule_room(g->rules, results), *there = fl_rule_room(g->rules, count);
    FL_EACH(k, results) part[k] = m[k] * (y[k] > y0[k] ? 0 : y[k] - y0[k]);
    node->op->vjp(node, 0, (const real *const[]){x0}, y0, part, there);
    FL_EACH(k, results) part[k] = m[k] * (y[k] > y0[k] ? y[k] - y0[k] : 0);
    node->op->vjp(node, 0, node->operand, y, part, gx);
    FL_EACH(k, count) there[k] += gx[k];
    node->op->vjp(node, 0, node->operand, y, m, gx);          /* what holds where x stays as it was */
    FL_EACH(k, count) if (!nearly_zero(x[k] - x0[k], x[k])) gx[k] = there[k] / (x[k] - x0[k]);
}

/* ---- reveal-cancel ---- */

static const fl_node *map_behind(const fl_graph *g, fl_id i)
{
    fl_id next = i + 1;
    while (g->node[next].n_in < 1 || g->node[next].in[0] != i) next++;
    return &g->node[next];
}

/* Positive (want 1) or negative (-1) part of dx, else 0. */
static void part_of_difference(fl_graph *g, const fl_node *node, int want, real *to)
{
    const real *x = node->operand[0], *x0 = g->node[node->in[0]].reference;
    FL_EACH(k, fl_shape_count(node->in_shape[0])) {
        const real d = x[k] - x0[k];
        to[k] = (want > 0) == (d > 0) ? d : 0;
    }
}

/* f(dx+, w one) + f(dx-, w other), without bias */
static void contributions(fl_graph *g, const fl_node *node, fl_part one, fl_part other, real *sum, real *part, real *dx)
{
    const int64_t count = fl_shape_count(node->shape);
    part_of_difference(g, node, 1, dx);
    node->op->forward(node, (const real *const[]){dx, fl_rule_weight(node, one, 0), NULL}, sum);
    part_of_difference(g, node, -1, dx);
    node->op->forward(node, (const real *const[]){dx, fl_rule_weight(node, other, 0), NULL}, part);
    FL_EACH(k, count) sum[k] += part[k];
}

static void phi(const fl_node *map, int64_t count, const real *z0, const real *a, const real *b, real *z, real *y)
{
    FL_EACH(k, count) z[k] = z0[k] + (a ? a[k] : 0) + (b ? b[k] : 0);
    map->op->forward(map, (const real *const[]){z}, y);
}

void fl_rules_enter_reveal(fl_graph *g, fl_id i)
{
    fl_rules *r = g->rules;
    const fl_node *node = &g->node[i], *map = map_behind(g, i);
    const int64_t count = fl_shape_count(node->shape);
    real *P = fl_rule_room(r, count), *N = fl_rule_room(r, count), *none = fl_rule_room(r, count), *yp = fl_rule_room(r, count),
         *yn = fl_rule_room(r, count), *all = fl_rule_room(r, count), *z = fl_rule_room(r, count);
    real *dx = fl_rule_room(r, fl_shape_count(node->in_shape[0]));
    contributions(g, node, FL_POSITIVE_OF, FL_NEGATIVE_OF, P, z, dx);
    contributions(g, node, FL_NEGATIVE_OF, FL_POSITIVE_OF, N, z, dx);
    phi(map, count, node->reference, P, NULL, z, yp);
    phi(map, count, node->reference, N, NULL, z, yn);
    phi(map, count, node->reference, P, N, z, all);
    phi(map, count, node->reference, NULL, NULL, z, none);
    const real *m = node->signal;
    FL_EACH(k, count) {
        const real dp = (yp[k] - none[k] + all[k] - yn[k]) / 2, dn = (yn[k] - none[k] + all[k] - yp[k]) / 2;
        const real slope = map->op->deriv(map, z[k], none[k]);
        P[k] = m[k] * (nearly_zero(P[k], z[k]) ? slope : dp / P[k]);
        N[k] = m[k] * (nearly_zero(N[k], z[k]) ? slope : dn / N[k]);
    }
    r->at.s[0] = P;
    r->at.s[1] = N;
}

void fl_rule_reveal(fl_graph *g, fl_id i, real *gx)
{
    fl_rules *r = g->rules;
    const fl_node *node = &g->node[i];
    const int64_t count = fl_shape_count(node->in_shape[0]);
    const real *P = r->at.s[0], *N = r->at.s[1], *x = node->operand[0], *x0 = g->node[node->in[0]].reference;
    const real *const up[3] = {x, fl_rule_weight(node, FL_POSITIVE_OF, 0), NULL},
               *const down[3] = {x, fl_rule_weight(node, FL_NEGATIVE_OF, 0), NULL};
    real *part = fl_rule_room(r, count), *fall = fl_rule_room(r, count);
    node->op->vjp(node, 0, up, NULL, P, gx);
    node->op->vjp(node, 0, down, NULL, N, part);
    FL_EACH(k, count) gx[k] += part[k];
    node->op->vjp(node, 0, down, NULL, P, fall);
    node->op->vjp(node, 0, up, NULL, N, part);
    FL_EACH(k, count) {
        const real d = x[k] - x0[k], falling = fall[k] + part[k];
        gx[k] = d > 0 ? gx[k] : d < 0 ? falling : (gx[k] + falling) / 2;
    }
}
