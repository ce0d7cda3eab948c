/* graph.c: the tape: adding nodes, names, values. */
#include "autograd/graph.h"

#include "autograd/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

fl_graph *fl_graph_new(fl_arena *borrowed)
{
    fl_graph *g = FL_NEW(borrowed, fl_graph, 1);
    if (!g) return NULL;
    g->arena = borrowed;
    g->error = borrowed->error;
    g->root = FL_NONE;
    return g;
}

/* ---- names ---- */

size_t fl_graph_enter(fl_graph *g, const char *format, ...)
{
    if (!g) return 0;
    size_t mark = strlen(g->scope);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(g->scope + mark, sizeof g->scope - mark, format, args);
    va_end(args);
    fl_assert(n >= 0 && mark + (size_t)n + 2 < sizeof g->scope);
    if (n) memcpy(g->scope + mark + n, ".", 2);
    return mark;
}

void fl_graph_leave(fl_graph *g, size_t mark)
{
    if (g) g->scope[mark] = 0;
}

fl_id fl_graph_find(const fl_graph *g, const char *name)
{
    for (int i = 0; i < g->count; i++)
        if (strcmp(g->node[i].name, name) == 0) return i;
    return FL_NONE;
}

fl_shape fl_graph_shape(const fl_graph *g, fl_id id)
{
    return id == FL_NONE ? (fl_shape){1, 1, 1, 1, 1} : g->node[id].shape;
}

const char *fl_node_describe(const fl_graph *g, fl_id id, char *to, size_t size)
{
    const fl_node *node = &g->node[id];
    snprintf(to, size, "node %d '%s' (%s)", id, node->name, node->op->name);
    return to;
}

/* ---- adding a node ---- */

fl_shape fl_graph_fail(fl_graph *g, const fl_node *node, const char *format, ...)
{
    char why[FL_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    fl_error_set(g->error, FL_MISFIT, "node '%s' (%s): %s", node->name, node->op->name, why);
    return (fl_shape){0, 0, 0, 0, 0};
}

static bool room_for_one(fl_graph *g)
{
    if (g->count < g->room) return true;
    int room = g->room ? 2 * g->room : 64;
    fl_node *more = FL_NEW(g->arena, fl_node, room);
    if (!more) return false;
    if (g->count) memcpy(more, g->node, (size_t)g->count * sizeof *more);
    g->node = more;
    g->room = room;
    return true;
}

/* Copies name, operands and their shapes into the arena. False after a failure. */
static bool fill_node(fl_graph *g, fl_node *node, const char *name, int n_in, const fl_id *in)
{
    node->name = fl_arena_text(g->arena, "%s%s", g->scope, name);
    for (int k = 0; node->name && k < n_in; k++)
        if (in[k] == FL_NONE) { /* no builder failed, or we were not here: a name that was not found? */
            fl_graph_fail(g, node, "operand %d does not exist", k);
            return false;
        }
    fl_id *ids = FL_NEW(g->arena, fl_id, n_in);
    fl_shape *shapes = FL_NEW(g->arena, fl_shape, n_in);
    node->operand = FL_NEW(g->arena, const real *, n_in);
    if (!node->name || !ids || !shapes || !node->operand) return false;
    for (int k = 0; k < n_in; k++) {
        fl_assert(in[k] >= 0 && in[k] < g->count);
        ids[k] = in[k];
        shapes[k] = g->node[in[k]].shape;
    }
    node->n_in = n_in;
    node->in = ids;
    node->in_shape = shapes;
    return true;
}

static fl_id append(fl_graph *g, fl_node node)
{
    if (fl_graph_find(g, node.name) != FL_NONE) {
        fl_error_set(g->error, FL_MISFIT, "node '%s' (%s): a node of that name exists already", node.name,
                     node.op->name);
        return FL_NONE;
    }
    if (!room_for_one(g)) return FL_NONE;
    g->node[g->count] = node;
    return g->count++;
}

fl_id fl_graph_add(fl_graph *g, const fl_op *op, const char *name, const fl_attr *attr, int n_in, const fl_id *in)
{
    if (!fl_graph_ok(g)) return FL_NONE;
    fl_node node = {.op = op, .role = FL_COMPUTED, .into = FL_NONE, .head = FL_NONE, .beside = FL_NONE};
    if (attr) node.attr = *attr;
    if (!fill_node(g, &node, name, n_in, in)) return FL_NONE;
    node.shape = op->infer(g, &node);
    if (!fl_graph_ok(g)) return FL_NONE;
    if (!fl_shape_valid(node.shape)) {
        fl_shape_text t;
        fl_graph_fail(g, &node, "the result would have shape %s", fl_shape_print(node.shape, &t));
        return FL_NONE;
    }
    return append(g, node);
}

fl_id fl_graph_add_leaf(fl_graph *g, const fl_op *op, const char *name, fl_shape shape, fl_role role)
{
    if (!fl_graph_ok(g)) return FL_NONE;
    fl_node node = {.op = op, .role = role, .shape = shape, .into = FL_NONE, .head = FL_NONE, .beside = FL_NONE};
    if (!fill_node(g, &node, name, 0, NULL)) return FL_NONE;
    if (!fl_shape_valid(shape)) {
        fl_shape_text t;
        fl_graph_fail(g, &node, "every axis must be at least 1, got %s", fl_shape_print(shape, &t));
        return FL_NONE;
    }
    const bool later = g->on_demand && role == FL_PARAM && fl_shape_count(shape) >= FL_ON_DEMAND_LEAST;
    real *values = later ? fl_arena_sleep(g->arena, (size_t)fl_shape_count(shape) * sizeof(real))
                         : FL_NEW(g->arena, real, fl_shape_count(shape));
    if (later) node.room = values, node.source = FL_NEW(g->arena, fl_source, 1);
    else node.value = values;
    if (!values || (later && !node.source)) return FL_NONE;
    g->bytes_params += (size_t)fl_shape_count(shape) * sizeof(real);
    return append(g, node);
}

static void borrowed_rows(const fl_source *from, int first, int count, real *to, real *work)
{
    fl_leaf_rows(from->from, from->node, first, count, to, work);
}

fl_id fl_graph_borrow(fl_graph *g, const fl_graph *from, fl_id id)
{
    if (!fl_graph_ok(g)) return FL_NONE;
    const fl_node *leaf = &from->node[id];
    fl_node node = {.op = leaf->op, .role = leaf->role, .shape = leaf->shape, .value = leaf->value, .into = FL_NONE, .head = FL_NONE,
                    .beside = FL_NONE};
    if (!leaf->value) {
        node.source = FL_NEW(g->arena, fl_source, 1);
        if (!node.source) return FL_NONE;
        *node.source = (fl_source){.rows = borrowed_rows, .from = from, .g = from, .node = id};
    }
    return fill_node(g, &node, leaf->name, 0, NULL) ? append(g, node) : FL_NONE;
}

bool fl_node_for_vjp(const fl_node *node, int k, fl_arena *a, fl_node *copy)
{
    *copy = *node;
    copy->spared = k < FL_SPARED ? ~(1u << k) : ~0u;
    if (!node->op->scratch) return true;
    copy->work = FL_NEW(a, char, node->op->scratch(copy));
    return copy->work != NULL;
}

/* ---- values ---- */

real *fl_graph_value(const fl_graph *g, fl_id id)
{
    return g->node[id].value || g->node[id].role == FL_COMPUTED ? g->node[id].value : fl_leaf_values(g, id);
}

real *fl_graph_signal(const fl_graph *g, fl_id id) { return g->node[id].signal; }

void fl_graph_touch(fl_graph *g)
{
    g->stale = true;
    g->version++;
}

void fl_graph_set(fl_graph *g, fl_id id, const real *values)
{
    fl_node *node = &g->node[id];
    fl_assert(node->role != FL_COMPUTED);
    memcpy(fl_graph_value(g, id), values, (size_t)fl_shape_count(node->shape) * sizeof(real));
    if (node->role != FL_INPUT) fl_graph_touch(g);
}

size_t fl_graph_bytes(const fl_graph *g)
{
    return g->bytes_params + g->bytes_values + g->bytes_packed + g->bytes_scratch + g->bytes_rules;
}
