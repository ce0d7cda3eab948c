/* fuse.c: which nodes of a plan go in one pass, and which share a buffer (fuse.h). */
#include "autograd/fuse.h"

#include <string.h>

static bool is(const fl_node *node, fl_op_kind kind) { return node->op->kind == kind; }

static bool is_plain_sum(const fl_node *node)
{
    return fl_fuse_hands_on(node, 0) && fl_fuse_hands_on(node, 1) && node->in[0] != node->in[1];
}

bool fl_fuse_hands_on(const fl_node *node, int k)
{
    return is(node, FL_OP_add) && node->n_in == 2 && fl_shape_equal(node->shape, node->in_shape[k]);
}

bool fl_fuse_adds(const fl_graph *g, fl_id i)
{
    const fl_rule *rule = fl_graph_rule(g, i);
    return g->node[i].op->vjp_add && (!rule || rule->kind == FL_RULE_GRADIENT);
}

/* ---- up ---- */

typedef struct chains { fl_graph *g; const bool *kept; int *readers; } chains;

/* A value that only the next node of its chain wants. */
static bool is_inner(const chains *c, fl_id i) { return c->readers[i] == 1 && !c->kept[i]; }

static bool can_finish(const chains *c, fl_id i)
{
    const fl_node *node = &c->g->node[i];
    return node->op->finished && c->g->computed[i] && node->head == FL_NONE && is_inner(c, i);
}

/* The operand of a sum that can add the other one to itself, because that is there already; or FL_NONE. */
static fl_id carrier_of(const chains *c, fl_id sum)
{
    const fl_node *node = &c->g->node[sum];
    if (!is_plain_sum(node)) return FL_NONE;
    const fl_id later = node->in[0] > node->in[1] ? node->in[0] : node->in[1];
    return can_finish(c, later) ? later : FL_NONE;
}

static void join(const chains *c, fl_id carrier, fl_id sum, fl_id relu)
{
    fl_node *node = &c->g->node[carrier];
    node->head = relu != FL_NONE ? relu : sum;
    if (sum != FL_NONE) node->beside = c->g->node[sum].in[0] == carrier ? c->g->node[sum].in[1] : c->g->node[sum].in[0];
    if (sum != FL_NONE) c->g->node[sum].into = carrier;
    if (relu != FL_NONE) c->g->node[relu].into = carrier;
}

static void find_chains(const chains *c)
{
    fl_graph *g = c->g;
    for (fl_id i = 0; i < g->count; i++) {
        if (!g->computed[i] || !is(&g->node[i], FL_OP_relu)) continue;
        const fl_id x = g->node[i].in[0], carrier = carrier_of(c, x);
        if (can_finish(c, x)) join(c, x, FL_NONE, i);
        else if (is_inner(c, x) && carrier != FL_NONE) join(c, carrier, x, i);
    }
    for (fl_id i = 0; i < g->count; i++) {
        const fl_id carrier = g->computed[i] && g->node[i].into == FL_NONE ? carrier_of(c, i) : FL_NONE;
        if (carrier != FL_NONE) join(c, carrier, i, FL_NONE);
    }
}

fl_status fl_fuse_up(fl_graph *g, const bool *kept)
{
    const chains c = {g, kept, FL_NEW(g->arena, int, g->count + 1)};
    if (!c.readers) return g->error->status;
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; g->computed[i] && k < g->node[i].n_in; k++) c.readers[g->node[i].in[k]]++;
    find_chains(&c);
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        node->noted = g->carries[i] && node->op->notes && node->op->notes(node) > 0 && g->carries[node->in[0]];
    }
    return FL_OK;
}

/* ---- down ---- */

static bool in_place(const fl_node *node) { return node->noted ? is(node, FL_OP_relu) : (node->op->flags & FL_MAP) != 0; }

/* Both operands of a sum may lie in its signal's place if one, a weight, is done with it before anything comes to the other. */
static bool both_fit(const fl_graph *g, const fl_node *node, const bool *wanted, const fl_id *second)
{
    const fl_id x = node->in[0] > node->in[1] ? node->in[0] : node->in[1], q = node->in[0] + node->in[1] - x;
    return node->n_in == 2 && g->node[x].op->flags & FL_WEIGHTED && !wanted[x] && g->arrivals[x] == 1 &&
           (g->arrivals[q] == 1 || second[q] < x);
}

/* second[x]: the consumer that arrives after the first one. */
static void share(fl_graph *g, fl_id i, const bool *wanted, const fl_id *first, const fl_id *second, fl_id *home)
{
    const fl_node *node = &g->node[i];
    if (wanted[i]) return;
    if (in_place(node)) {
        const fl_id x = node->in[0];
        if (g->carries[x] && first[x] == i) home[x] = home[i];
        return;
    }
    if (!is_plain_sum(node)) return;
    int taken = 0;
    for (int pick = 0; pick < 2; pick++) {                /* the later operand first */
        const fl_id x = (node->in[0] > node->in[1]) == (pick == 0) ? node->in[0] : node->in[1];
        if (!g->carries[x] || first[x] != i) continue;
        if (taken && !both_fit(g, node, wanted, second)) continue;
        home[x] = home[i];
        taken++;
    }
}

void fl_fuse_down(fl_graph *g, const bool *wanted, fl_homes *h)
{
    fl_id *const first = h->value, *const second = g->arrived;       /* both are free until later */
    for (fl_id i = 0; i < g->count; i++) {
        h->signal[i] = i;
        first[i] = second[i] = FL_NONE;
        g->arrivals[i] = 0;
    }
    for (fl_id i = g->root; i >= 0; i--)
        for (int k = 0; g->carries[i] && k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            if (!g->carries[x]) continue;
            if (g->arrivals[x] == 0) first[x] = i;
            if (g->arrivals[x] == 1) second[x] = i;
            g->arrivals[x]++;
        }
    if (g->parts) return;
    for (fl_id i = g->root; i >= 0; i--)
        if (g->carries[i]) share(g, i, wanted, first, second, h->signal);
    for (fl_id i = 0; i <= g->root; i++) {                 /* upwards: the last one to arrive at a ReLU stands lowest */
        const fl_node *node = &g->node[i];
        for (int k = 0; g->carries[i] && k < node->n_in; k++) {
            fl_node *x = &g->node[node->in[k]];
            const bool only = (k == 0 && node->op->finished) || (fl_fuse_hands_on(node, k) && node->in[0] != node->in[1]);
            if (!g->carries[node->in[k]] || !x->noted || !is(x, FL_OP_relu) || second[node->in[k]] == g->count) continue;
            const bool pooled = node->noted && is(node, FL_OP_maxpool) && g->arrivals[node->in[k]] == 1;
            x->early = (only || pooled) && h->signal[x->in[0]] == h->signal[node->in[k]];
            g->node[i].shut = x->early && pooled;
            x->noted = !node->shut;
            second[node->in[k]] = g->count;                /* decided */
        }
    }
}

/* ---- values ---- */

/* The operand whose place the value of node i may take, if it is read no more; FL_NONE. */
static fl_id replaces(const fl_graph *g, fl_id i)
{
    const fl_node *node = &g->node[i];
    if (node->into != FL_NONE) return g->node[node->into].head == i ? g->node[node->into].beside : FL_NONE;
    if (node->head != FL_NONE || node->n_in == 0) return FL_NONE;
    return node->op->flags & FL_MAP || is_plain_sum(node) || is(node, FL_OP_batchnorm) ? node->in[0] : FL_NONE;
}

void fl_fuse_values(const fl_graph *g, const bool *kept, const int *last_use, fl_homes *h)
{
    for (fl_id i = 0; i < g->count; i++) {
        h->value[i] = i;
        if (g->parts || !g->computed[i] || g->node[i].role != FL_COMPUTED) continue;
        const fl_id x = replaces(g, i);
        if (x == FL_NONE || g->node[x].role != FL_COMPUTED || kept[x] || last_use[x] != fl_fuse_time(g, i)) continue;
        if (g->node[i].into != FL_NONE && g->node[g->node[i].into].in[0] == x) continue;     /* it is what the weight reads */
        h->value[i] = h->value[x];
    }
}
