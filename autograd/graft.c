/* graft.c: copies a network behind another node (graft.h). */
#include "autograd/graft.h"

#include "autograd/ops.h"

#include <string.h>

typedef struct graft {
    fl_graph *g;
    const fl_graph *from;
    int now, was;                /* samples of the input */
    fl_id *place;                /* per old node: the new one */
    bool *needed, *moves;        /* an ancestor of the end; follows from an input */
} graft;

/* n 0: does not come to whole samples. */
static fl_shape scaled(const graft *q, fl_shape s)
{
    s.n = s.n % q->was ? 0 : s.n / q->was * q->now;
    return s;
}

/* Another input: its first samples, again and again. */
static fl_id repeat(const graft *q, const fl_node *leaf)
{
    const fl_id id = fl_node_input(q->g, leaf->name, scaled(q, leaf->shape));
    if (id == FL_NONE) return id;
    const int64_t each = fl_shape_count(leaf->shape) / leaf->shape.n;
    for (int n = 0; n < fl_graph_shape(q->g, id).n; n++)
        memcpy(fl_graph_value(q->g, id) + n * each, leaf->value + n % leaf->shape.n * each, (size_t)each * sizeof *leaf->value);
    return id;
}

static fl_id copy(const graft *q, fl_id i, fl_id *in)
{
    const fl_node *node = &q->from->node[i];
    const bool changes = q->moves[i] && q->now != q->was;
    if (node->role != FL_COMPUTED) return node->role == FL_INPUT && changes ? repeat(q, node) : fl_graph_borrow(q->g, q->from, i);
    fl_attr attr = node->attr;
    if (node->op->kind == FL_OP_reshape && changes) attr.reshape.to = scaled(q, attr.reshape.to);
    for (int k = 0; k < node->n_in; k++) in[k] = q->place[node->in[k]];
    const fl_id id = fl_graph_add(q->g, node->op, node->name, &attr, node->n_in, in);
    if (id == FL_NONE || fl_shape_equal(fl_graph_shape(q->g, id), changes ? scaled(q, node->shape) : node->shape)) return id;
    fl_graph_fail(q->g, node, "does not keep the samples of a batch apart");
    return FL_NONE;
}

fl_id fl_graft(fl_graph *g, const fl_graph *from, fl_id input, fl_id end, fl_id x)
{
    if (!fl_graph_ok(g) || x == FL_NONE) return FL_NONE;
    const size_t n = (size_t)from->count;
    const fl_shape was = fl_graph_shape(from, input), is = fl_graph_shape(g, x);
    int most = 1;
    for (fl_id i = 0; i < from->count; i++) most = from->node[i].n_in > most ? from->node[i].n_in : most;
    graft q = {.g = g, .from = from, .now = is.n, .was = was.n, .place = FL_NEW(g->arena, fl_id, n),
               .needed = FL_NEW(g->arena, bool, n), .moves = FL_NEW(g->arena, bool, n)};
    fl_id *in = FL_NEW(g->arena, fl_id, most);
    if (!q.place || !q.needed || !q.moves || !in) return FL_NONE;
    fl_assert(fl_shape_equal(scaled(&q, was), is));
    q.needed[end] = true;
    for (fl_id i = end; i >= 0; i--)
        for (int k = 0; q.needed[i] && i != input && k < from->node[i].n_in; k++) q.needed[from->node[i].in[k]] = true;
    for (fl_id i = 0; i <= end; i++) {
        q.moves[i] = from->node[i].role == FL_INPUT;
        for (int k = 0; k < from->node[i].n_in; k++) q.moves[i] |= q.moves[from->node[i].in[k]];
        if (i == input) q.place[i] = x;
        else if (q.needed[i]) q.place[i] = copy(&q, i, in);
        if (!fl_graph_ok(g)) return FL_NONE;
    }
    return q.place[end];
}
