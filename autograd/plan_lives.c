/* plan_lives.c: which nodes a plan computes, which carry a signal, and when each value is read for the last time (plan.c: the clock). */
#include "autograd/planner.h"
#include "autograd/rules.h"

#include <string.h>

static bool stops(const fl_node *node) { return (node->op->flags & FL_STOP) != 0; }

/* computed: ancestors of what is read or differentiated. carries: on a path from something wanted up to the root. */
void fl_planner_mark(fl_planner *p)
{
    fl_graph *g = p->g;
    for (int i = 0; i < p->plan->n_out; i++) g->computed[p->plan->out[i]] = p->wanted[p->plan->out[i]] = true;
    if (g->root != FL_NONE) {
        g->computed[g->root] = p->wanted[g->root] = true;
        for (int i = 0; i < p->plan->n_wrt; i++) g->carries[p->plan->wrt[i]] = true;
        for (fl_id i = 0; i <= g->root; i++)
            for (int k = 0; k < g->node[i].n_in && !stops(&g->node[i]); k++) g->carries[i] |= g->carries[g->node[i].in[k]];
        bool *above = p->wanted + g->count;              /* ancestors of the root that its signal reaches */
        above[g->root] = true;
        for (fl_id i = g->root; i >= 0; i--)
            for (int k = 0; above[i] && k < g->node[i].n_in && !stops(&g->node[i]); k++) above[g->node[i].in[k]] = true;
        for (fl_id i = 0; i < g->count; i++) g->carries[i] &= above[i];
    }
    for (fl_id i = g->count - 1; i >= 0; i--)
        for (int k = 0; g->computed[i] && k < g->node[i].n_in; k++) g->computed[g->node[i].in[k]] = true;
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        node->spared = 0;
        for (int k = 0; k < node->n_in && k < FL_SPARED; k++)
            if (!g->carries[i] || !g->carries[node->in[k]]) node->spared |= 1u << k;
    }
}

/* Whether the backward walk reads the value of operand k at node i. */
static bool vjp_reads(const fl_graph *g, fl_id i, int k)
{
    const fl_node *node = &g->node[i];
    if (!g->carries[i] || (k == 0 && node->noted)) return false;
    if (g->rules && g->rules->rule[i]) return k == 1 && node->op->flags & FL_WEIGHTED ? true : (fl_rules_reads(g, i) & FL_READS_IN) != 0;
    if (!(node->op->flags & FL_WEIGHTED)) return (node->op->flags & FL_READS_IN) != 0;
    return k == 1 ? g->carries[node->in[0]] : k == 0 && g->carries[node->in[1]];
}

static bool result_is_read(const fl_graph *g, fl_id i)
{
    const unsigned reads = g->rules && g->rules->rule[i] ? fl_rules_reads(g, i) : g->node[i].op->flags;
    return (reads & FL_READS_OUT) != 0 && !g->node[i].noted;
}

static void later(int *use, int time)
{
    if (*use < time) *use = time;
}

/* Readers come in ascending order, so the last of them on the way up is the first on the way down. */
void fl_planner_find_uses(fl_planner *p)
{
    fl_graph *g = p->g;
    const fl_lives *v = &p->life;
    const size_t bytes = (size_t)g->count * sizeof(int);
    memset(v->last, 0, bytes), memset(v->up, 0, bytes), memset(v->down, 0, bytes), memset(v->again, 0, bytes);
    memset(p->rest_use, 0, bytes);
    for (fl_id i = 0; i < g->count; i++) {
        const int now = fl_fuse_time(g, i), back = fl_backward_time(g, i);
        if (!g->computed[i]) continue;
        later(&v->last[i], now), later(&v->up[i], now);
        for (int k = 0; k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            later(&v->last[x], now), later(&v->up[x], now);
            if (g->node[i].has_rest) later(&p->rest_use[x], now);
            if (!vjp_reads(g, i, k)) continue;
            later(&v->last[x], back);
            v->down[x] = back;
        }
        if (g->carries[i] && result_is_read(g, i)) v->last[i] = v->down[i] = back;
        if (p->wanted[i] || p->plan->keep == FL_KEEP_ALL) p->life.last[i] = FL_FOREVER;
        p->rest_use[i] = p->plan->keep == FL_KEEP_ALL ? FL_FOREVER : now;
    }
}
