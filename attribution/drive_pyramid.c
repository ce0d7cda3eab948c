/* drive_pyramid.c: class feature pyramids (Stergiou et al. 2019, arXiv:1909.07518): which channels of a layer the class is made of,
 * found from the head down, weight by weight.
 *
 *   head      channel k counts when (w_ck - min w) / (max w - min w) >= threshold, over the whole matrix w
 *   below     p_ji = mean of w_ji over its window * mean of A_i over all places, for every channel j that counts; over i:
 *             p_j / sum p_j, scaled to 0..1; channel i counts when its largest is >= threshold
 *   map       m = sum of A_k over the channels of the layer that count
 *
 * Between two weights channels keep their names through maps, norms, pools and sums, and move through joins, parts and vectors.
 * Where sum p_j <= 0 its division would turn the order round: it is left out. Where no channel reaches the threshold the strongest
 * counts. --layer says how far down: behind the head, the default, is depth 1. No gradient, and one pass. */
#include "attribution/explainer.h"

#include "tensor/par.h"

#include <string.h>

typedef struct pyramid {
    fl_run *r;
    bool **counts;                       /* per node: its channels that count, or NULL: none do */
    bool head_done;
} pyramid;

static bool *channels_of(pyramid *p, fl_id i)
{
    if (!p->counts[i]) p->counts[i] = FL_NEW(p->r->scratch, bool, p->r->g->node[i].shape.c);
    return p->counts[i];
}

static double threshold(const pyramid *p) { return p->r->o.threshold; }

/* Marks in `to` those of n strengths that reach the threshold between the least and the largest. */
static void select_strong(const pyramid *p, const double *v, int n, double low, double high, bool *to)
{
    int best = 0;
    bool any = false;
    for (int i = 0; i < n; i++) {
        best = v[i] > v[best] ? i : best;
        const bool reaches = high > low && (v[i] - low) / (high - low) >= threshold(p);
        to[i] |= reaches;
        any |= reaches;
    }
    if (!any) to[best] = true;
}

static void find_range(const double *v, int n, double *low, double *high)
{
    *low = *high = v[0];
    for (int i = 1; i < n; i++) {
        *low = v[i] < *low ? v[i] : *low;
        *high = v[i] > *high ? v[i] : *high;
    }
}

/* Mean over the window of the kernel from input channel i (of its group) to output j. */
static double mean_weight(const fl_node *node, int j, int i)
{
    const fl_shape s = node->in_shape[1];                /* O, I of a group, kernel */
    const real *w = node->operand[1];
    const int64_t window = (int64_t)s.t * s.h * s.w;
    double sum = 0;
    for (int64_t k = 0; k < window; k++) sum += (double)w[((int64_t)j * window + k) * s.c + i];
    return sum / (double)window;
}

static double mean_activation(const fl_node *node, int i)
{
    fl_shape s = node->in_shape[0];
    s.n = 1;
    double sum = 0;
    for (int64_t p = 0; p < fl_shape_pixels(s); p++) sum += (double)node->operand[0][p * s.c + i];
    return sum / (double)fl_shape_pixels(s);
}

static fl_status head(pyramid *p, fl_id id, bool *to)
{
    const fl_node *node = &p->r->g->node[id];
    const int n = node->in_shape[1].c, outputs = node->in_shape[1].n;
    double *row = fl_run_doubles(p->r, n), *own = fl_run_doubles(p->r, n), low = 0, high = 0;
    if (!row || !own) return p->r->g->error->status;
    for (int j = 0; j < outputs; j++) {
        double least, most;
        for (int i = 0; i < n; i++) row[i] = mean_weight(node, j, i);
        find_range(row, n, &least, &most);
        low = j == 0 || least < low ? least : low;
        high = j == 0 || most > high ? most : high;
    }
    for (int j = 0; j < outputs; j++) {
        if (!p->counts[id][j]) continue;
        for (int i = 0; i < n; i++) own[i] = mean_weight(node, j, i);
        select_strong(p, own, n, low, high, to);
    }
    return FL_OK;
}

static fl_status below(pyramid *p, fl_id id, bool *to)
{
    const fl_node *node = &p->r->g->node[id];
    const int n = node->in_shape[1].c, outputs = node->in_shape[1].n, groups = node->in_shape[0].c / n;
    double *activation = fl_run_doubles(p->r, (int64_t)n * groups), *part = fl_run_doubles(p->r, n);
    if (!activation || !part) return p->r->g->error->status;
    for (int i = 0; i < n * groups; i++) activation[i] = mean_activation(node, i);
    for (int j = 0; j < outputs; j++) {
        const int first = j / (outputs / groups) * n;
        double sum = 0, low, high;
        if (!p->counts[id][j]) continue;
        for (int i = 0; i < n; i++) sum += part[i] = mean_weight(node, j, i) * activation[first + i];
        for (int i = 0; i < n && sum > 0; i++) part[i] /= sum;
        find_range(part, n, &low, &high);
        select_strong(p, part, n, low, high, to + first);
    }
    return FL_OK;
}

/* Channel c of node i, as a channel of operand k; -1: it does not come from there. */
static int channel_below(const fl_node *node, int k, int c)
{
    const int own = node->in_shape[k].c;
    if (node->op->kind == FL_OP_concat && node->attr.slice.axis == FL_AXIS_C) {
        for (int i = 0; i < k; i++) c -= node->in_shape[i].c;
        return c >= 0 && c < own ? c : -1;
    }
    if (node->op->kind == FL_OP_slice && node->attr.slice.axis == FL_AXIS_C) return c + node->attr.slice.begin;
    if (node->op->kind == FL_OP_reshape && node->shape.c != own)         /* in file order all places of a channel stand together */
        return (int)(c / (fl_shape_pixels(node->in_shape[0]) / node->in_shape[0].n)) % own;
    return c < own ? c : -1;
}

static fl_status cross(pyramid *p, fl_id id)
{
    const fl_graph *g = p->r->g;
    const fl_node *node = &g->node[id];
    const unsigned flags = node->op->flags;
    if (flags & FL_WEIGHTED) {
        bool *to = channels_of(p, node->in[0]);
        if (!to) return fl_error_set(g->error, FL_FAILED, "%s: %s", p->r->method->name, p->r->scratch->error->message);
        const bool first = !p->head_done;
        p->head_done = true;
        return first ? head(p, id, to) : below(p, id, to);
    }
    if (flags & FL_GATE)
        return fl_error_set(g->error, FL_USAGE, "%s: '%s' is a product of gates, through which no channel has one weight: use a network "
                            "with a convolution or linear head, or grad_cam", p->r->method->name, node->name);
    for (int k = 0; k < (flags & FL_POSITIVE ? node->n_in : 1); k++) {
        bool *to = g->node[node->in[k]].role == FL_PARAM ? NULL : channels_of(p, node->in[k]);
        for (int c = 0; to && c < node->shape.c; c++) {
            const int at = p->counts[id][c] ? channel_below(node, k, c) : -1;
            if (at >= 0) to[at] = true;
        }
    }
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    pyramid p = {.r = r, .counts = FL_NEW(r->scratch, bool *, r->g->count)};
    bool *top = p.counts ? channels_of(&p, r->end.node) : NULL;
    if (!top) return fl_run_no_memory(r);
    const fl_target *t = &r->o.target;
    for (int c = t->class_index; c <= (t->last > t->class_index ? t->last : t->class_index); c++) top[c] = true;
    for (fl_id i = r->end.node; i > r->wrt; i--)
        if (p.counts[i] && r->g->node[i].role == FL_COMPUTED && cross(&p, i)) return r->g->error->status;
    const bool *use = p.counts[r->wrt];
    if (!use || !p.head_done)
        return fl_error_set(r->g->error, FL_USAGE, "%s: there is no weight between node '%s' and the score: choose a layer further down",
                            r->method->name, r->g->node[r->wrt].name);
    fl_shape s = r->g->node[r->wrt].shape;
    s.n = 1;
    const real *a = fl_run_value(r, 0);
    FL_PARALLEL(i, fl_shape_pixels(s), fl_shape_count(s)) {
        double sum = 0;
        for (int k = 0; k < s.c; k++) sum += use[k] ? (double)a[i * s.c + k] : 0;
        r->map->data[i] = (real)sum;
    }
    return FL_OK;
}

const fl_driver fl_drive_pyramid = {.name = "pyramid", .uses = {FL_READS(layer) | FL_READS(threshold)}, .run = run, .keeps_all = true};
