/* backward.c: the walk down: every node's rule (rules_walk.c), or its vjp, turns its signal into those of its operands.
 *
 * A node's signal is complete when the walk reaches it, because all its consumers have larger indices.
 * The first consumer to arrive writes the signal, later ones are added in the order of the walk. */
#include "autograd/fuse.h"
#include "autograd/recompute.h"
#include "autograd/rules.h"

#include "tensor/par.h"

#include <string.h>

/* A signal that is handed on as it is, or through a weight: what was there is added and a gate is closed in the same pass. */
static void send_finished(fl_graph *g, const fl_node *node, int k, const fl_finish *f)
{
    const fl_node *x = &g->node[node->in[k]];
    const bool finishes = f->add || f->gate;
    if (!fl_fuse_hands_on(node, k)) node->op->finished(node, 1, node->signal, finishes ? f : NULL, x->signal);
    else if (finishes || x->signal != node->signal) fl_finish_all(f, node->signal, fl_shape_count(x->shape), x->signal);
}

/* What touches a part of gx alone is added there. */
static bool add_in_place(fl_graph *g, fl_id i, real *gx)
{
    const fl_node *node = &g->node[i];
    if (!fl_fuse_adds(g, i)) return false;
    if (g->rules) fl_rules_add(g, i, gx);
    else node->op->vjp_add(node, node->signal, gx);
    return true;
}

static void send(fl_graph *g, const fl_node *node, int k)
{
    const fl_id i = (fl_id)(node - g->node), x = node->in[k];
    const fl_node *to = &g->node[x];
    const bool first = g->arrived[x]++ == 0, last = g->arrived[x] == g->arrivals[x];
    if (!g->parts && (fl_fuse_hands_on(node, k) || (k == 0 && node->op->finished))) {
        const fl_finish f = {.add = first ? NULL : to->signal, .gate = last && to->early ? to->notes : NULL};
        send_finished(g, node, k, &f);
        return;
    }
    if (node->early) return;                               /* it arrived gated, in the operand's own place */
    if (!first && add_in_place(g, i, to->signal)) return;
    real *gx = first ? to->signal : g->spill;
    if (g->rules) fl_rules_down(g, i, k, gx);
    else if (node->notes) node->op->vjp_by_notes(node, node->notes, node->signal, gx);
    else node->op->vjp(node, k, node->operand, node->value, node->signal, gx);
    if (!first) fl_add_into(to->signal, gx, fl_shape_count(to->shape));
}

static void pass_down(fl_graph *g, const fl_node *node)
{
    if (g->rules) fl_rules_enter(g, (fl_id)(node - g->node));
    for (int k = 0; k < node->n_in; k++)
        if (g->carries[node->in[k]]) send(g, node, k);
}

static void walk(fl_graph *g, fl_id from, fl_id to)
{
    for (fl_id i = from; i >= to; i--) {
        if (g->segment) fl_recompute_run(g, i);
        if (!g->carries[i]) continue;
        if (g->watch && g->watch->signal) g->watch->signal(g, i, g->watch->user);
        if (g->node[i].n_in) pass_down(g, &g->node[i]);
    }
}

void fl_graph_backward_to(fl_graph *g, const real *seed, fl_id last)
{
    fl_assert(g->root != FL_NONE && g->fresh && fl_threads() <= g->threads);
    g->fresh = g->keeps_all;
    memset(g->arrived, 0, (size_t)g->count * sizeof *g->arrived);
    fl_node *root = &g->node[g->root];
    if (!g->carries[g->root]) return;
    memcpy(root->signal, seed, (size_t)fl_shape_count(root->shape) * sizeof(real));
    if (g->rules) fl_rules_begin(g);
    walk(g, g->root, last + 1);
}

void fl_graph_backward(fl_graph *g, const real *seed) { fl_graph_backward_to(g, seed, FL_NONE); }

/* ---- in two parts ---- */

/* Its transpose needs no values, and leaves samples where they are. */
static bool is_linear(const fl_graph *g, const fl_node *node)
{
    const fl_op_kind kind = node->op->kind;
    if (kind != FL_OP_conv && kind != FL_OP_batchnorm && kind != FL_OP_pad && kind != FL_OP_shift) return false;
    for (int k = 1; k < node->n_in; k++)
        if (g->carries[node->in[k]]) return false;
    return true;
}

/* open: signals that are still to come to nodes at or below i from above it. */
fl_id fl_graph_linear_end(const fl_graph *g, fl_id from)
{
    int open = g->arrivals[from];
    fl_id end = from;
    if (g->rules || g->exact || g->keeps_all || g->watch) return from;
    for (fl_id i = from + 1; i <= g->root; i++) {
        const fl_node *node = &g->node[i];
        if (!g->carries[i]) continue;
        if (!is_linear(g, node)) break;
        for (int k = 0; k < node->n_in; k++) open -= g->carries[node->in[k]];
        if (open == 0) end = i;
        open += g->arrivals[i];
    }
    return end;
}

void fl_graph_backward_from(fl_graph *g, fl_id first)
{
    memset(g->arrived, 0, (size_t)first * sizeof *g->arrived);
    walk(g, first, 0);
}
