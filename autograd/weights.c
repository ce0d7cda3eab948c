/* weights.c: parameters and buffers of a graph, from a bundle and into one.
 *
 * Files hold row-major N,C,T,H,W, a graph holds channels last; a file may leave out axes of length 1. */
#include "autograd/graph.h"
#include "autograd/source.h"

#include <stdio.h>
#include <string.h>

/* Sizes without the axes of length 1: O,I,1,3,3 here is O,I,3,3 in a file of a 2-D network. */
static int squeeze(const int64_t *size, int axes, int64_t out[FL_MAX_AXES])
{
    int n = 0;
    for (int i = 0; i < axes; i++)
        if (size[i] != 1) out[n++] = size[i];
    return n;
}

fl_fit_of_entry fl_entry_fit(const fl_entry *e, fl_shape s)
{
    const int64_t ours[5] = {s.n, s.c, s.t, s.h, s.w};
    int64_t a[FL_MAX_AXES], b[FL_MAX_AXES];
    int na = squeeze(ours, 5, a), nb = squeeze(e->size, e->axes, b);
    if (na == nb && memcmp(a, b, (size_t)na * sizeof *a) == 0) return FL_ENTRY_FITS;
    const bool matrix = na >= 2 && nb >= 2 && na != nb && (na == 2 || nb == 2);
    return matrix && a[0] == b[0] && fl_entry_count(e) == fl_shape_count(s) ? FL_ENTRY_RESHAPED : FL_ENTRY_MISFIT;
}

static void print_sizes(const fl_entry *e, char *to, size_t size)
{
    size_t n = 0;
    to[0] = 0;
    for (int i = 0; i < e->axes && n < size; i++)
        n += (size_t)snprintf(to + n, size - n, "%s%lld", i ? "," : "", (long long)e->size[i]);
}

/* File order to channels last, some rows of the first axis at a time: no second copy of a large tensor. Where every
 * row is a vector both orders are the same. */
static bool fill_from(fl_arena *a, const fl_node *node, const fl_entry *e)
{
    /* few enough to be turned by one thread: waking others takes longer */
    enum { TOGETHER = 1 << 15 };
    const fl_shape s = node->shape;
    const int64_t row = fl_shape_count(s) / s.n;
    if (s.t == 1 && s.h == 1 && s.w == 1) {
        fl_entry_read(e, 0, row * s.n, node->value);
        return true;
    }
    const int64_t most = row < TOGETHER ? TOGETHER / row : 1;
    const int rows = most < s.n ? (int)most : s.n;
    const fl_mark mark = fl_arena_mark(a);
    real *part = FL_NEW(a, real, rows * row);
    for (int n = 0, k; part && n < s.n; n += k) {
        k = s.n - n < rows ? s.n - n : rows;
        fl_entry_read(e, n * row, k * row, part);
        fl_from_file_order((fl_shape){k, s.c, s.t, s.h, s.w}, part, node->value + n * row);
    }
    fl_arena_release(a, mark);
    return part != NULL;
}

/* Some rows of an entry, turned: for parameters that take their values when they are asked for them. */
static void entry_rows(const fl_source *from, int first, int count, real *to, real *work)
{
    const fl_shape s = from->g->node[from->node].shape;
    const int64_t plane = (int64_t)s.t * s.h * s.w, row = plane * s.c;
    fl_entry_read(from->from, first * row, count * row, plane > 1 ? work : to);
    for (int n = 0; n < count && plane > 1; n++, work += row, to += row)
        fl_turn_row(s.c, plane, work, to);
}

static fl_status load_node(fl_graph *g, fl_id id, const fl_entry *e)
{
    const fl_node *node = &g->node[id];
    if (fl_entry_fit(e, node->shape) == FL_ENTRY_MISFIT) {
        char got[160];
        fl_shape_text t;
        print_sizes(e, got, sizeof got);
        return fl_error_set(g->error, FL_MISFIT, "weights: tensor '%s': expected shape %s, got %s; do the weights "
                            "belong to this network and number of classes?", node->name,
                                fl_shape_print(node->shape, &t), got);
    }
    if (fl_graph_attach(g, id, (fl_source){.rows = entry_rows, .from = e})) return FL_OK;
    return fill_from(g->arena, node, e) ? FL_OK : g->error->status;
}

/* Whether files hold it. */
static bool is_stored(const fl_node *node, const char *begin)
{
    return (node->role == FL_PARAM || node->role == FL_BUFFER) && strncmp(node->name, begin, strlen(begin)) == 0;
}

static fl_status load_found(fl_graph *g, const char *begin, const fl_bundle *b)
{
    fl_graph_touch(g);
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        const fl_entry *e = is_stored(node, begin) ? fl_bundle_find(b, node->name) : NULL;
        if (e && load_node(g, i, e) != FL_OK) return g->error->status;
    }
    return FL_OK;
}

fl_status fl_graph_load_found(fl_graph *g, const fl_bundle *b) { return load_found(g, "", b); }

fl_status fl_graph_load(fl_graph *g, const fl_bundle *b) { return fl_graph_load_part(g, "", b); }

fl_status fl_graph_load_part(fl_graph *g, const char *begin, const fl_bundle *b)
{
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        fl_shape_text t;
        if (!is_stored(node, begin) || fl_bundle_find(b, node->name)) continue;
        return fl_error_set(g->error, FL_MISFIT, "weights: tensor '%s' of shape %s is missing; the file has %d "
                            "tensors, the first is '%s': do the weights belong to this network?", node->name,
                            fl_shape_print(node->shape, &t), b->count, b->count ? b->entry[0].name : "(none)");
    }
    return load_found(g, begin, b);
}

fl_status fl_graph_store(const fl_graph *g, fl_bundle *b) { return fl_graph_store_part(g, "", b); }

fl_status fl_graph_store_part(const fl_graph *g, const char *begin, fl_bundle *b)
{
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (!is_stored(node, begin)) continue;
        const fl_shape s = node->shape;
        real *copy = FL_NEW(b->arena, real, fl_shape_count(s));
        if (!copy) return FL_FAILED;
        fl_to_file_order(s, fl_graph_value(g, i), copy);
        const bool flat = s.t == 1 && s.h == 1 && s.w == 1;
        const int64_t all[5] = {s.n, s.c, s.t, s.h, s.w}, vector[1] = {s.c};
        fl_status status = flat && s.n == 1 ? fl_bundle_add(b, node->name, 1, vector, copy)
                                            : fl_bundle_add(b, node->name, flat ? 2 : 5, all, copy);
        if (status != FL_OK) return status;
    }
    return FL_OK;
}
