/* source.c: weights that are made when they are wanted (source.h). */
#include "autograd/source.h"

#include "autograd/graph.h"
#include "tensor/par.h"

#include <string.h>

bool fl_graph_attach(fl_graph *g, fl_id id, fl_source from)
{
    fl_node *node = &g->node[id];
    if (node->value || !node->source) return false;
    *node->source = from;
    node->source->g = g;
    node->source->node = id;
    return true;
}

void fl_leaf_rows(const fl_graph *g, fl_id id, int first, int count, real *to, real *work)
{
    const fl_node *node = &g->node[id];
    const int64_t row = fl_shape_count(node->shape) / node->shape.n;
    if (node->value) memcpy(to, node->value + first * row, (size_t)(count * row) * sizeof *to);
    else if (node->source && node->source->rows) node->source->rows(node->source, first, count, to, work);
    else memset(to, 0, (size_t)(count * row) * sizeof *to);
}

size_t fl_leaf_missing(const fl_graph *g, fl_id id)
{
    const fl_node *node = &g->node[id];
    if (node->value) return 0;
    if (!node->room) return node->source ? fl_leaf_missing(node->source->from, node->source->node) : 0;
    return (size_t)fl_shape_count(node->shape) * sizeof(real);
}

real *fl_leaf_values(const fl_graph *g, fl_id id)
{
    fl_node *node = &g->node[id];
    if (node->value) return node->value;
    if (!node->room) return node->value = node->source ? fl_leaf_values(node->source->from, node->source->node) : NULL;   /* borrowed */
    const fl_shape s = node->shape;
    const int64_t row = fl_shape_count(s) / s.n;
    const fl_mark mark = fl_arena_mark(g->arena);
    fl_arena_wake(g->arena, (size_t)fl_shape_count(s) * sizeof(real));
    real *work = FL_NEW(g->arena, real, fl_threads() * row);
    FL_PARALLEL(n, work ? s.n : 0, 8.0 * (double)fl_shape_count(s)) {
        fl_leaf_rows(g, id, (int)n, 1, node->room + n * row, work + fl_thread() * row);
    }
    fl_arena_release(g->arena, mark);
    return node->value = node->room;
}
