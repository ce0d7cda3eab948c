/* forward.c: the walk up. */
#include "autograd/graph.h"

#include "autograd/remainder.h"
#include "tensor/par.h"

#include <string.h>

/* With all that goes in the same pass. */
static void forward(fl_graph *g, const fl_node *node)
{
    if (node->has_rest) {
        fl_remainder_forward(node);
        return;
    }
    if (node->head == FL_NONE) {
        if (node->notes) node->op->note(node, node->operand, node->value, node->notes);
        else node->op->forward(node, node->operand, node->value);
        return;
    }
    const fl_node *head = &g->node[node->head];
    const fl_finish f = {.add = node->beside == FL_NONE ? NULL : g->node[node->beside].value,
                         .relu = head->op->kind == FL_OP_relu, .sign = head->notes};
    node->op->finished(node, 0, node->operand[0], &f, head->value);
}

void fl_graph_forward(fl_graph *g)
{
    fl_assert(fl_threads() <= g->threads);               /* the plan was made for fewer */
    fl_graph_pack(g);
    g->fresh = true;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (!g->computed[i] || node->role != FL_COMPUTED || node->into != FL_NONE) continue;
        forward(g, node);
        if (g->watch && g->watch->value) g->watch->value(g, i, g->watch->user);
    }
}

void fl_graph_forward_above(fl_graph *g, fl_id from, bool *changed)
{
    fl_assert(g->keeps_all && g->computed[from]);
    if (g->node[from].has_rest) memset(g->node[from].rest, 0, (size_t)fl_shape_count(g->node[from].shape) * sizeof(real));
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        changed[i] = i == from;
        for (int k = 0; k < node->n_in; k++) changed[i] |= changed[node->in[k]];
        changed[i] &= g->computed[i];
        if (changed[i] && i != from) forward(g, node);
    }
}
