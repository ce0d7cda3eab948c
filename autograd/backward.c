/* backward.c: the walk down: every node's rule (rules.c), or its vjp, turns its signal into those of its operands.
 *
 * A node's signal is complete when the walk reaches it, because all its consumers have larger indices.
 * The first consumer to arrive writes the signal, later ones are added in the order of the walk. */
#include "autograd/graph.h"
#include "autograd/rules.h"

#include "tensor/par.h"

#include <string.h>

static void pass_down(fl_graph *g, const fl_node *node)
{
    bool *const arrived = g->arrived;
    const fl_id i = (fl_id)(node - g->node);
    if (g->rules) fl_rules_enter(g, i);
    for (int k = 0; k < node->n_in; k++) {
        const fl_id x = node->in[k];
        if (!g->carries[x]) continue;
        real *gx = arrived[x] ? g->spill : g->node[x].signal;
        if (g->rules) fl_rules_down(g, i, k, gx);
        else node->op->vjp(node, k, node->operand, node->value, node->signal, gx);
        if (arrived[x]) fl_add_into(g->node[x].signal, gx, fl_shape_count(g->node[x].shape));
        arrived[x] = true;
    }
}

void fl_graph_backward(fl_graph *g, const real *seed)
{
    fl_assert(g->root != FL_NONE && g->fresh && fl_threads() <= g->threads);
    g->fresh = g->keeps_all;
    memset(g->arrived, 0, (size_t)g->count * sizeof *g->arrived);
    fl_node *root = &g->node[g->root];
    if (!g->carries[g->root]) return;
    memcpy(root->signal, seed, (size_t)fl_shape_count(root->shape) * sizeof(real));
    g->arrived[g->root] = true;
    if (g->rules) fl_rules_begin(g);
    for (fl_id i = g->root; i >= 0; i--) {
        if (!g->carries[i]) continue;
        if (g->watch && g->watch->signal) g->watch->signal(g, i, g->watch->user);
        if (g->node[i].n_in) pass_down(g, &g->node[i]);
    }
}
