/* fold.c: copies a graph, with norms folded into the weights in front of them (fold.h). */
#include "autograd/fold.h"

#include "autograd/ops.h"
#include "autograd/source.h"
#include "tensor/par.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X, GAMMA, BETA, MEAN, VAR };

typedef struct fl_folded { const fl_fold *f; fl_id weight, norm, w, b; } fl_folded;    /* two old nodes; two parameters of the new graph */

static bool is_stored(const fl_graph *g, fl_id i)
{
    return g->node[i].role == FL_PARAM || g->node[i].role == FL_BUFFER;
}

static bool all_stored(const fl_graph *g, const fl_node *node)
{
    for (int k = 1; k < node->n_in; k++)
        if (!is_stored(g, node->in[k])) return false;
    return true;
}

/* The weighted node that a norm can be folded into, or FL_NONE. */
static fl_id weight_of(const fl_graph *g, const int *readers, fl_id i)
{
    const fl_node *node = &g->node[i];
    if (node->op->kind != FL_OP_batchnorm || !all_stored(g, node)) return FL_NONE;
    const fl_id w = node->in[X];
    return g->node[w].op->flags & FL_WEIGHTED && readers[w] == 1 && all_stored(g, &g->node[w]) ? w : FL_NONE;
}

/* ---- the weights ---- */

/* Which output channel an element (n,c) of a weight belongs to. */
static int channel_of(const fl_node *node, int n, int c)
{
    if (node->op->kind != FL_OP_deconv) return n;
    return n / (node->in_shape[1].n / node->attr.conv.groups) * node->in_shape[1].c + c;
}

/* Rows first .. first+count-1 of the old weight at `to` become the new one's. */
static void scale_rows(const fl_folded *k, int first, int count, real *to)
{
    const fl_graph *old = k->f->from;
    const fl_node *node = &old->node[k->weight], *norm = &old->node[k->norm];
    const real *gamma = fl_graph_value(old, norm->in[GAMMA]), *var = fl_graph_value(old, norm->in[VAR]);
    const fl_shape s = node->in_shape[1];
    const int64_t pixels = (int64_t)s.t * s.h * s.w;
    const bool by_row = node->op->kind != FL_OP_deconv;             /* one factor, else one per channel */
    for (int n = first; n < first + count; n++) {
        double a = 0;
        for (int c = 0; c < s.c; c++) {
            const int o = channel_of(node, n, c);
            if (!by_row || c == 0) a = (double)gamma[o] / sqrt((double)var[o] + norm->attr.norm.eps);
            for (int64_t p = 0; p < pixels && !by_row; p++) to[p * s.c + c] = (real)((double)to[p * s.c + c] * a);
        }
        for (int64_t i = 0; i < pixels * s.c && by_row; i++) to[i] = (real)((double)to[i] * a);
        to += pixels * s.c;
    }
}

static void folded_rows(const fl_source *from, int first, int count, real *to, real *work)
{
    const fl_folded *k = from->from;
    fl_leaf_rows(k->f->from, k->f->from->node[k->weight].in[1], first, count, to, work);
    scale_rows(k, first, count, to);
}

static void make_weight(const fl_folded *k)
{
    const fl_graph *old = k->f->from;
    const fl_node *node = &old->node[k->weight], *norm = &old->node[k->norm];
    const real *v[5], *b = node->n_in == 3 ? fl_graph_value(old, node->in[2]) : NULL;
    for (int i = GAMMA; i <= VAR; i++) v[i] = fl_graph_value(old, norm->in[i]);
    real *to = k->f->g->node[k->w].value, *bias = fl_graph_value(k->f->g, k->b);
    if (to) (void)fl_graph_value(old, node->in[1]);                /* a weight made on demand is made of one that may be, too */
    const fl_shape s = node->in_shape[1];
    const int64_t row = fl_shape_count(s) / s.n;
    FL_PARALLEL(n, to ? s.n : 0, 30 * fl_shape_count(s)) {         /* where it is made on demand it need not be here */
        fl_leaf_rows(old, node->in[1], (int)n, 1, to + n * row, NULL);
        scale_rows(k, (int)n, 1, to + n * row);
    }
    for (int o = 0; o < norm->shape.c; o++) {
        const double a = (double)v[GAMMA][o] / sqrt((double)v[VAR][o] + norm->attr.norm.eps);
        bias[o] = (real)(((b ? (double)b[o] : 0.0) - (double)v[MEAN][o]) * a + (double)v[BETA][o]);
    }
}

void fl_fold_refresh(fl_fold *f)
{
    if (f->version == f->from->version) return;
    f->version = f->from->version;
    for (int i = 0; i < f->count; i++) make_weight(&f->folded[i]);
    fl_graph_touch(f->g);
}

/* The same weight and norm once more, in another step of time: the same new weight. */
static const fl_folded *same_folded(const fl_fold *f, const fl_folded *k)
{
    const fl_graph *g = f->from;
    for (int i = 0; i < f->count; i++) {
        const fl_node *a = &g->node[f->folded[i].weight], *b = &g->node[k->weight];
        const fl_node *p = &g->node[f->folded[i].norm], *q = &g->node[k->norm];
        if (a->op == b->op && a->n_in == b->n_in && memcmp(a->in + 1, b->in + 1, (size_t)(a->n_in - 1) * sizeof(fl_id)) == 0 &&
            memcmp(p->in + 1, q->in + 1, 4 * sizeof(fl_id)) == 0 && p->attr.norm.eps == q->attr.norm.eps)
            return &f->folded[i];
    }
    return NULL;
}

static fl_id fold(fl_fold *f, fl_id weight, fl_id norm)
{
    const fl_node *node = &f->from->node[weight];
    const char *name = f->from->node[norm].name;
    fl_folded k = {f, weight, norm, FL_NONE, FL_NONE};
    const fl_folded *same = same_folded(f, &k);
    if (same) {
        k = *same;
    } else {
        const size_t mark = fl_graph_enter(f->g, "%s", name);
        k.w = fl_node_param(f->g, "folded_weight", node->in_shape[1]);
        k.b = fl_node_param(f->g, "folded_bias", fl_shape_vector(1, node->shape.c));
        fl_graph_leave(f->g, mark);
        f->folded[f->count++] = k;
        if (fl_graph_ok(f->g)) fl_graph_attach(f->g, k.w, (fl_source){.rows = folded_rows, .from = &f->folded[f->count - 1]});
    }
    return fl_graph_add(f->g, node->op, name, &node->attr, 3, (const fl_id[]){f->place[node->in[0]], k.w, k.b});
}

/* ---- the copy ---- */

static fl_id copy(const fl_fold *f, const fl_node *node, fl_id *in)
{
    for (int k = 0; k < node->n_in; k++) in[k] = f->place[node->in[k]];
    return fl_graph_add(f->g, node->op, node->name, &node->attr, node->n_in, in);
}

/* readers: how many operands each node is. gone: of weights with a norm behind them, and of leaves that only such nodes read. */
static void look(const fl_graph *g, int *readers, bool *gone)
{
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; k < g->node[i].n_in; k++) readers[g->node[i].in[k]]++;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_id w = weight_of(g, readers, i);
        if (w == FL_NONE) continue;
        gone[w] = true;
        for (int k = 1; k < g->node[i].n_in; k++) gone[g->node[i].in[k]] = true;
        for (int k = 1; k < g->node[w].n_in; k++) gone[g->node[w].in[k]] = true;
    }
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; !gone[i] && weight_of(g, readers, i) == FL_NONE && k < g->node[i].n_in; k++) gone[g->node[i].in[k]] = false;
}

fl_fold *fl_fold_new(fl_graph *from)
{
    if (!fl_graph_ok(from)) return NULL;
    const size_t n = (size_t)from->count + 1;
    int most = 1;
    fl_fold *f = FL_NEW(from->arena, fl_fold, 1);
    fl_graph *g = fl_graph_new(from->arena);
    if (g) g->exact = from->exact, g->on_demand = from->on_demand;
    fl_id *place = FL_NEW(from->arena, fl_id, n);
    fl_folded *folded = FL_NEW(from->arena, fl_folded, n);
    int *readers = FL_NEW(from->arena, int, n);
    bool *gone = FL_NEW(from->arena, bool, n);
    for (fl_id i = 0; i < from->count; i++) most = from->node[i].n_in > most ? from->node[i].n_in : most;
    fl_id *in = FL_NEW(from->arena, fl_id, most);
    if (!f || !g || !place || !folded || !readers || !gone || !in) return NULL;
    *f = (fl_fold){.from = from, .g = g, .place = place, .folded = folded, .version = from->version - 1};
    look(from, readers, gone);
    for (fl_id i = 0; i < from->count; i++) {
        const fl_node *node = &from->node[i];
        const fl_id w = weight_of(from, readers, i);
        place[i] = gone[i] ? FL_NONE : node->role != FL_COMPUTED ? fl_graph_borrow(g, from, i)
                 : w != FL_NONE ? fold(f, w, i) : copy(f, node, in);
        if (!fl_graph_ok(g)) return NULL;
    }
    fl_fold_refresh(f);
    return f;
}
