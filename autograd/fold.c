/* fold.c: copies a graph, with norms folded into the weights in front of them and stacks in place of their parts (fold.h). */
#include "autograd/fold.h"

#include "autograd/ops.h"
#include "autograd/source.h"
#include "tensor/par.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { X, GAMMA, BETA, MEAN, VAR };

/* Two old nodes, norm FL_NONE where weight begins a stack; two parameters of the new graph, b FL_NONE where the old have none. */
typedef struct fl_folded { const fl_fold *f; fl_id weight, norm, w, b; } fl_folded;

/* The weighted node that a norm can be folded into, or FL_NONE. */
static fl_id weight_of(const fl_graph *g, const int *readers, fl_id i)
{
    const fl_node *node = &g->node[i];
    if (node->op->kind != FL_OP_batchnorm || !fl_all_stored(g, node)) return FL_NONE;
    const fl_id w = node->in[X];
    return g->node[w].op->flags & FL_WEIGHTED && readers[w] == 1 && fl_all_stored(g, &g->node[w]) ? w : FL_NONE;
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

/* Rows of the new weight: of its parts, one behind the other. */
static void rows_of(const fl_folded *k, int first, int count, real *to, real *work)
{
    const fl_graph *old = k->f->from;
    const fl_shape s = old->node[k->weight].in_shape[1];
    for (fl_id i = k->weight; count > 0; i = k->f->stack.next[i], first -= s.n) {
        if (first >= s.n) continue;
        const int here = count < s.n - first ? count : s.n - first;
        fl_leaf_rows(old, old->node[i].in[1], first, here, to, work);
        if (k->norm != FL_NONE) scale_rows(k, first, here, to);
        to += here * (fl_shape_count(s) / s.n), count -= here, first += here;
    }
}

static void folded_rows(const fl_source *from, int first, int count, real *to, real *work) { rows_of(from->from, first, count, to, work); }

static void fold_bias(const fl_folded *k, real *bias)
{
    const fl_graph *old = k->f->from;
    const fl_node *node = &old->node[k->weight], *norm = &old->node[k->norm];
    const real *v[5], *b = node->n_in == 3 ? fl_graph_value(old, node->in[2]) : NULL;
    for (int i = GAMMA; i <= VAR; i++) v[i] = fl_graph_value(old, norm->in[i]);
    for (int o = 0; o < norm->shape.c; o++) {
        const double a = (double)v[GAMMA][o] / sqrt((double)v[VAR][o] + norm->attr.norm.eps);
        bias[o] = (real)(((b ? (double)b[o] : 0.0) - (double)v[MEAN][o]) * a + (double)v[BETA][o]);
    }
}

static void make_bias(const fl_folded *k, real *bias)
{
    const fl_graph *old = k->f->from;
    if (k->norm != FL_NONE) fold_bias(k, bias);
    for (fl_id i = k->norm == FL_NONE ? k->weight : FL_NONE; i != FL_NONE; i = k->f->stack.next[i], bias += old->node[k->weight].shape.c)
        memcpy(bias, fl_graph_value(old, old->node[i].in[2]), (size_t)old->node[i].shape.c * sizeof(real));
}

static void make_weight(const fl_folded *k)
{
    const fl_graph *old = k->f->from;
    const fl_node *made = &k->f->g->node[k->w];
    for (fl_id i = made->value ? k->weight : FL_NONE; i != FL_NONE; i = k->f->stack.next[i])
        (void)fl_graph_value(old, old->node[i].in[1]);             /* a weight made on demand is made of one that may be, too */
    const fl_shape s = made->shape;
    if (made->value) {                                             /* where it is made on demand it need not be here */
        FL_PARALLEL(n, s.n, 30 * fl_shape_count(s)) rows_of(k, (int)n, 1, made->value + n * (fl_shape_count(s) / s.n), NULL);
    }
    if (k->b != FL_NONE) make_bias(k, fl_graph_value(k->f->g, k->b));
}

void fl_fold_refresh(fl_fold *f)
{
    if (f->version == f->from->version) return;
    f->version = f->from->version;
    for (int i = 0; i < f->count; i++) make_weight(&f->folded[i]);
    fl_graph_touch(f->g);
}

static bool same_operands(const fl_node *a, const fl_node *b)
{
    return a->op == b->op && a->n_in == b->n_in && memcmp(a->in + 1, b->in + 1, (size_t)(a->n_in - 1) * sizeof(fl_id)) == 0;
}

static bool same_weights(const fl_fold *f, fl_id a, fl_id b)
{
    while (a != FL_NONE && b != FL_NONE && same_operands(&f->from->node[a], &f->from->node[b])) a = f->stack.next[a], b = f->stack.next[b];
    return a == FL_NONE && b == FL_NONE;
}

static bool same_norm(const fl_fold *f, fl_id a, fl_id b)
{
    if (a == FL_NONE || b == FL_NONE) return a == b;
    const fl_node *p = &f->from->node[a], *q = &f->from->node[b];
    return same_operands(p, q) && p->attr.norm.eps == q->attr.norm.eps;
}

/* The same weights once more, in another step of time: the same new weight. */
static const fl_folded *same_folded(const fl_fold *f, fl_id weight, fl_id norm)
{
    for (int i = 0; i < f->count; i++)
        if (same_weights(f, f->folded[i].weight, weight) && same_norm(f, f->folded[i].norm, norm)) return &f->folded[i];
    return NULL;
}

/* parts: how many weights lie one behind the other. */
static fl_id fold(fl_fold *f, fl_id weight, fl_id norm, int parts, const char *name)
{
    const fl_node *node = &f->from->node[weight];
    fl_folded k = {f, weight, norm, FL_NONE, FL_NONE};
    const fl_folded *same = same_folded(f, weight, norm);
    if (same) {
        k = *same;
    } else {
        fl_shape s = node->in_shape[1];
        s.n *= parts;
        const size_t mark = fl_graph_enter(f->g, "%s", name);
        k.w = fl_node_param(f->g, "folded_weight", s);
        if (norm != FL_NONE || node->n_in == 3) k.b = fl_node_param(f->g, "folded_bias", fl_shape_vector(1, parts * node->shape.c));
        fl_graph_leave(f->g, mark);
        f->folded[f->count++] = k;
        if (fl_graph_ok(f->g)) fl_graph_attach(f->g, k.w, (fl_source){.rows = folded_rows, .from = &f->folded[f->count - 1]});
    }
    return fl_graph_add(f->g, node->op, name, &node->attr, k.b == FL_NONE ? 2 : 3, (const fl_id[]){f->place[node->in[0]], k.w, k.b});
}

/* ---- stacks ---- */

/* What has been done to these wholes already, for another part. */
static fl_id done_before(const fl_graph *g, const fl_node *node, const fl_id *in)
{
    for (fl_id i = g->count - 1; i > in[0]; i--) {
        const fl_node *done = &g->node[i];
        if (done->op != node->op || done->n_in != node->n_in || memcmp(done->in, in, (size_t)node->n_in * sizeof(fl_id)) != 0) continue;
        if (done->attr.slice.axis == node->attr.slice.axis && done->attr.slice.begin == node->attr.slice.begin &&
            done->attr.slice.end == node->attr.slice.end) return i;
    }
    return FL_NONE;
}

/* The whole of convolutions whose first one, by weights, is `first`. */
static fl_id whole_of_stack(fl_fold *f, fl_id first)
{
    const size_t mark = fl_graph_enter(f->g, "%s", f->from->node[first].name);
    if (f->whole[first] == FL_NONE) f->whole[first] = fold(f, first, FL_NONE, f->stack.parts[first], "stack");
    fl_graph_leave(f->g, mark);
    return f->whole[first];
}

/* The whole that old node i is a part of. */
static fl_id whole(fl_fold *f, fl_id i)
{
    const fl_node *node = &f->from->node[i];
    if (f->stack.first[i] != FL_NONE) return whole_of_stack(f, f->stack.first[i]);
    const fl_id in[2] = {f->whole[node->in[0]], f->whole[node->in[node->n_in - 1]]}, done = done_before(f->g, node, in);
    if (done != FL_NONE) return done;
    const size_t mark = fl_graph_enter(f->g, "%s", node->name);
    const fl_id made = fl_graph_add(f->g, node->op, "stack", &node->attr, node->n_in, in);
    fl_graph_leave(f->g, mark);
    return made;
}

/* FL_NONE where nobody reads it but other parts. */
static fl_id cut(const fl_fold *f, fl_id i)
{
    const fl_node *node = &f->from->node[i];
    const int channels = node->shape.c, part = f->stack.part[i];
    if (f->stack.inner[i]) return FL_NONE;
    return fl_node_slice(f->g, node->name, f->whole[i], FL_AXIS_C, part * channels, (part + 1) * channels);
}

/* ---- the copy ---- */

static fl_id copy(const fl_fold *f, const fl_node *node, fl_id *in)
{
    for (int k = 0; k < node->n_in; k++) in[k] = f->place[node->in[k]];
    return fl_graph_add(f->g, node->op, node->name, &node->attr, node->n_in, in);
}

static void lose_leaves(const fl_node *node, bool *gone)
{
    for (int k = 1; k < node->n_in; k++) gone[node->in[k]] = true;
}

static bool keeps_leaves(const fl_fold *f, const int *readers, const bool *gone, fl_id i)
{
    return !gone[i] && weight_of(f->from, readers, i) == FL_NONE && f->stack.first[i] == FL_NONE;
}

/* readers: how many operands each node is. gone: of weights with a norm behind them, and of leaves that only such nodes and stacks read. */
static bool look(fl_fold *f, int *readers, bool *gone)
{
    const fl_graph *g = f->from;
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; k < g->node[i].n_in; k++) readers[g->node[i].in[k]]++;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_id w = weight_of(g, readers, i);
        if (w == FL_NONE) continue;
        gone[w] = true;
        lose_leaves(&g->node[i], gone);
        lose_leaves(&g->node[w], gone);
    }
    if (!fl_stack_find(&f->stack, g, gone)) return false;
    for (fl_id i = 0; i < g->count; i++)
        if (f->stack.first[i] != FL_NONE) lose_leaves(&g->node[i], gone);
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; keeps_leaves(f, readers, gone, i) && k < g->node[i].n_in; k++) gone[g->node[i].in[k]] = false;
    return true;
}

static fl_id placed(fl_fold *f, const int *readers, fl_id i, fl_id *in)
{
    const fl_node *node = &f->from->node[i];
    const fl_id w = weight_of(f->from, readers, i);
    if (node->role != FL_COMPUTED) return fl_graph_borrow(f->g, f->from, i);
    if (w != FL_NONE) return fold(f, w, i, 1, node->name);
    if (!fl_stack_is_part(&f->stack, i)) return copy(f, node, in);
    f->whole[i] = whole(f, i);
    return cut(f, i);
}

fl_fold *fl_fold_new(fl_graph *from)
{
    if (!fl_graph_ok(from)) return NULL;
    const size_t n = (size_t)from->count + 1;
    int most = 1;
    fl_fold *f = FL_NEW(from->arena, fl_fold, 1);
    fl_graph *g = fl_graph_new(from->arena);
    if (g) g->exact = from->exact, g->on_demand = from->on_demand;
    fl_id *place = FL_NEW(from->arena, fl_id, n), *wholes = FL_NEW(from->arena, fl_id, n);
    fl_folded *folded = FL_NEW(from->arena, fl_folded, n);
    int *readers = FL_NEW(from->arena, int, n);
    bool *gone = FL_NEW(from->arena, bool, n);
    for (fl_id i = 0; i < from->count; i++) most = from->node[i].n_in > most ? from->node[i].n_in : most;
    fl_id *in = FL_NEW(from->arena, fl_id, most);
    if (!f || !g || !place || !wholes || !folded || !readers || !gone || !in) return NULL;
    *f = (fl_fold){.from = from, .g = g, .place = place, .whole = wholes, .folded = folded, .version = from->version - 1};
    for (fl_id i = 0; i < from->count; i++) wholes[i] = FL_NONE;
    if (!look(f, readers, gone)) return NULL;
    for (fl_id i = 0; i < from->count; i++) {
        place[i] = gone[i] ? FL_NONE : placed(f, readers, i, in);
        if (!fl_graph_ok(g)) return NULL;
    }
    fl_fold_refresh(f);
    return f;
}
