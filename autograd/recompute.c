/* recompute.c: segments of nodes, what each computes again, and the values that this starts from. */
#include "autograd/recompute.h"

#include <string.h>

static bool is_value(const fl_graph *g, fl_id i) { return g->computed[i] && g->node[i].role == FL_COMPUTED; }

static int64_t size_of(const fl_graph *g, const fl_lives *v, fl_id i)
{
    return is_value(g, i) && v->down[i] ? fl_shape_count(g->node[i].shape) : 0;
}

/* The nodes first .. last; `when` is the time at which the walk down comes to the last. */
static void mark_segment(const fl_graph *g, fl_id first, fl_id last, int when, int forever, fl_lives *v)
{
    for (fl_id i = last; i >= first; i--) {
        if (!is_value(g, i) || v->kept[i] || v->last[i] == forever) continue;
        if (v->down[i] >= when) v->again[i] = when;
        if (!v->again[i]) continue;
        for (int k = 0; k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            if (!is_value(g, x)) continue;
            const bool goes = x >= first && !v->kept[x] && v->last[x] != forever && (!v->down[x] || v->down[x] >= when);
            if (goes) v->again[x] = when;
            else v->kept[x] = true;
            if (v->last[x] < when) v->last[x] = when;
        }
    }
}

void fl_recompute_mark(fl_graph *g, int segments, int forever, fl_lives *v)
{
    const size_t n = (size_t)g->count;
    memset(v->again, 0, n * sizeof *v->again);
    memset(v->kept, 0, n * sizeof *v->kept);
    for (fl_id i = 0; i < g->count; i++) g->segment[i] = FL_NONE;
    int64_t all = 0, above = 0;
    for (fl_id i = 0; i < g->count; i++) all += size_of(g, v, i);
    for (fl_id i = g->count - 1, top = i; i >= 0 && all; i--) {
        const int64_t piece = above * segments / all;
        above += size_of(g, v, i);
        if (i > 0 && above * segments / all == piece) continue;
        if (top < g->count - 1) {
            g->segment[top] = i;
            mark_segment(g, i, top, 2 * g->count - 1 - top, forever, v);
        }
        top = i - 1;
    }
}

void fl_recompute_run(fl_graph *g, fl_id top)
{
    if (g->segment[top] == FL_NONE) return;
    for (fl_id i = g->segment[top]; i <= top; i++)
        if (g->again[i]) g->node[i].op->forward(&g->node[i], g->node[i].operand, g->node[i].value);
}
