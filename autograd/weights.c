/* weights.c: parameters and buffers of a graph, from a bundle and into one.
 *
 * Files hold row-major N,C,T,H,W, a graph holds channels last; a file may leave out axes of length 1. */
#include "autograd/graph.h"

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

static bool fits(const fl_entry *e, fl_shape s)
{
    const int64_t ours[5] = {s.n, s.c, s.t, s.h, s.w};
    int64_t a[FL_MAX_AXES], b[FL_MAX_AXES];
    int na = squeeze(ours, 5, a), nb = squeeze(e->size, e->axes, b);
    return na == nb && memcmp(a, b, (size_t)na * sizeof *a) == 0;
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
    enum { TOGETHER = 1 << 16 };
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

fl_status fl_graph_load(fl_graph *g, const fl_bundle *b)
{
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        if (node->role != FL_PARAM && node->role != FL_BUFFER) continue;
        const fl_entry *e = fl_bundle_find(b, node->name);
        fl_shape_text t;
        if (!e)
            return fl_error_set(g->error, FL_MISFIT,
                                "weights: tensor '%s' of shape %s is missing; the file has %d tensors, "
                                "the first is '%s': do the weights belong to this network?",
                                node->name, fl_shape_print(node->shape, &t), b->count,
                                b->count ? b->entry[0].name : "(none)");
        if (!fits(e, node->shape)) {
            char got[160];
            print_sizes(e, got, sizeof got);
            return fl_error_set(g->error, FL_MISFIT,
                                "weights: tensor '%s': expected shape %s, got %s; do the weights belong "
                                "to this network and number of classes?",
                                node->name, fl_shape_print(node->shape, &t), got);
        }
        if (!fill_from(g->arena, node, e)) return g->error->status;
    }
    g->stale = true;
    return FL_OK;
}

fl_status fl_graph_store(const fl_graph *g, fl_bundle *b)
{
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (node->role != FL_PARAM && node->role != FL_BUFFER) continue;
        const fl_shape s = node->shape;
        real *copy = FL_NEW(b->arena, real, fl_shape_count(s));
        if (!copy) return FL_FAILED;
        fl_to_file_order(s, node->value, copy);
        const bool flat = s.t == 1 && s.h == 1 && s.w == 1;
        const int64_t all[5] = {s.n, s.c, s.t, s.h, s.w}, vector[1] = {s.c};
        fl_status status = flat && s.n == 1 ? fl_bundle_add(b, node->name, 1, vector, copy)
                                            : fl_bundle_add(b, node->name, flat ? 2 : 5, all, copy);
        if (status != FL_OK) return status;
    }
    return FL_OK;
}
