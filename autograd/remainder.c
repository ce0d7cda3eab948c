/* remainder.c: which nodes of an exact graph have remainders, and how they come about (remainder.h). */
#include "autograd/remainder.h"

#include <string.h>

static bool moves(const fl_op *op) { return op->flags & FL_ROUTE && op->flags & FL_LINEAR; }

/* Whether operands have remainders: some of them; all. */
static bool some_have(const fl_graph *g, const fl_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (g->node[node->in[k]].has_rest) return true;
    return false;
}

static bool all_have(const fl_graph *g, const fl_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (!g->node[node->in[k]].has_rest) return false;
    return node->n_in > 0;
}

/* What computes always has one; what chooses when its operand has. */
static bool has_rest(const fl_graph *g, const fl_node *node)
{
    if (node->role != FL_COMPUTED) return false;
    if (node->op->forward_rest) return node->op->flags & FL_LINEAR || some_have(g, node);
    return moves(node->op) && all_have(g, node);
}

fl_status fl_remainder_mark(fl_graph *g)
{
    if (!g->exact || g->root == FL_NONE || sizeof(real) == sizeof(double)) return FL_OK;
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        node->has_rest = g->computed[i] && has_rest(g, node);
        if (!node->has_rest) continue;
        node->noted = !g->rules && g->carries[i] && node->op->notes && node->op->notes(node) > 0 && g->carries[node->in[0]];
        node->operand_rest = FL_NEW(g->arena, const real *, node->n_in);
        if (!node->operand_rest) return g->error->status;
    }
    return FL_OK;
}

void fl_remainder_forward(const fl_node *node)
{
    if (node->op->forward_rest) {
        node->op->forward_rest(node, node->operand, node->operand_rest, node->value, node->rest, node->notes);
        return;
    }
    node->op->forward(node, node->operand, node->value);
    if (moves(node->op)) node->op->forward(node, node->operand_rest, node->rest);
    else memset(node->rest, 0, (size_t)fl_shape_count(node->shape) * sizeof *node->rest);       /* hold.h put another op there */
}
