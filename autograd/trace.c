/* trace.c: the tape as text, one node a line.
 *
 *   index  op  name  shape N,C,T,H,W  fb  bytes  operands
 *
 * f: forward computes the node; b: backward carries a signal through it (both are the plan's, '-' before one is
 * made). Leaves show what they are (input, param, buffer). bytes: of the value, wherever the plan puts it. */
#include "autograd/graph.h"

#include <stdio.h>
#include <string.h>

typedef struct text { char *to; size_t size, length; } text;     /* to NULL: only counts */

static void print(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(t->to ? t->to + t->length : NULL, t->to ? t->size - t->length : 0, format, args);
    va_end(args);
    if (n > 0) t->length += (size_t)n;
}

static const char *kind(const fl_node *node)
{
    static const char *const leaf[] = {[FL_INPUT] = "input", [FL_PARAM] = "param", [FL_BUFFER] = "buffer"};
    return node->role == FL_COMPUTED ? node->op->name : leaf[node->role];
}

static void print_node(text *t, const fl_graph *g, fl_id i, int name_width)
{
    const fl_node *node = &g->node[i];
    fl_shape_text shape;
    print(t, "%5d  %-13s  %-*s  %-18s  %c%c  %11lld ", i, kind(node), name_width, node->name,
          fl_shape_print(node->shape, &shape), g->computed && g->computed[i] ? 'f' : '-',
          g->carries && g->carries[i] ? 'b' : '-', (long long)fl_shape_count(node->shape) * (long long)sizeof(real));
    for (int k = 0; k < node->n_in; k++) print(t, " %d", node->in[k]);
    print(t, "\n");
}

static void print_all(text *t, const fl_graph *g)
{
    int width = 4;
    for (fl_id i = 0; i < g->count; i++) {
        const int n = (int)strlen(g->node[i].name);
        if (n > width) width = n;
    }
    print(t, "%5s  %-13s  %-*s  %-18s  %s  %11s  %s\n", "index", "op", width, "name", "N,C,T,H,W", "fb", "bytes",
          "operands");
    for (fl_id i = 0; i < g->count; i++) print_node(t, g, i, width);
    print(t, "%d nodes; bytes: parameters and inputs %zu, values and signals %zu, packed weights %zu, scratch %zu\n",
          g->count, g->bytes_params, g->bytes_values, g->bytes_packed, g->bytes_scratch);
}

char *fl_graph_print(const fl_graph *g, fl_arena *arena)
{
    text t = {NULL, 0, 0};
    print_all(&t, g);
    t.size = t.length + 1;
    t.length = 0;
    t.to = FL_NEW(arena, char, t.size);
    if (t.to) print_all(&t, g);
    return t.to;
}
