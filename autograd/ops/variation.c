/* variation: how much a mask changes from place to place (total variation; Fong and Vedaldi 2017). Operands: x; if given, edge:
 * N or 1,3,T,H,W: factors of the differences along t, h, w, small where the clip itself has an edge (Khorram 2021).
 *
 *   y = sum over n's values of s^(beta/2),    s = sum over axes a of weight_a edge_a (x(next along a) - x)^2
 *
 * where there is a next one. With q = beta/2 s^(beta/2-1), 0 where s = 0:
 * gx = sum over a of 2 weight_a (q edge_a d_a (before - here)),   gedge_a = q weight_a d_a^2. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/math.h"
#include "tensor/par.h"

#include <string.h>

typedef struct view { fl_shape s; const real *x, *edge; const double *weight; double beta; } view;   /* of one sample */

static view view_of(const fl_node *node, const real *const in[], int64_t n)
{
    const fl_shape s = node->in_shape[0];
    view v = {.s = s, .x = in[0] + n * (fl_shape_count(s) / s.n), .weight = node->attr.variation.weight, .beta = node->attr.variation.beta};
    if (node->n_in > 1) v.edge = in[1] + (node->in_shape[1].n == 1 ? 0 : n) * 3 * s.t * s.h * s.w;
    return v;
}

static int64_t at(fl_shape s, const int p[3], int c) { return (((int64_t)p[0] * s.h + p[1]) * s.w + p[2]) * s.c + c; }

/* Differences to the next value along t, h, w; 0 where there is none. */
static double measure(const view *v, const int p[3], int c, double d[3], double factor[3])
{
    const int size[3] = {v->s.t, v->s.h, v->s.w};
    const int64_t here = at(v->s, p, c), pixel = here / v->s.c;
    double sum = 0;
    for (int a = 0; a < 3; a++) {
        int q[3] = {p[0], p[1], p[2]};
        q[a]++;
        d[a] = q[a] < size[a] ? (double)v->x[at(v->s, q, c)] - (double)v->x[here] : 0;
        factor[a] = v->weight[a] * (v->edge ? (double)v->edge[pixel * 3 + a] : 1.0);
        sum += factor[a] * d[a] * d[a];
    }
    return sum;
}

static double powered(double s, double exponent)
{
    if (exponent == 1) return s;
    return s > 0 ? fl_pow64(s, exponent) : s == 0 ? 0 : (double)NAN;
}

static double slope(double s, double beta) { return beta == 2 ? 1 : s > 0 ? beta / 2 * fl_pow64(s, beta / 2 - 1) : 0; }

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    const double *w = node->attr.variation.weight;
    if (!(node->attr.variation.beta > 0) || w[0] < 0 || w[1] < 0 || w[2] < 0)
        return fl_graph_fail(g, node, "expected beta above 0 and weights of at least 0, got %g and %g, %g, %g", node->attr.variation.beta,
                             w[0], w[1], w[2]);
    if (node->n_in < 2) return fl_shape_vector(x.n, 1);
    const fl_shape e = node->in_shape[1];
    fl_shape_text t;
    if (e.c != 3 || e.t != x.t || e.h != x.h || e.w != x.w || (e.n != 1 && e.n != x.n))
        return fl_graph_fail(g, node, "edge has shape %s: expected three factors per place", fl_shape_print(e, &t));
    return fl_shape_vector(x.n, 1);
}

static size_t scratch(const fl_node *node) { return (size_t)(node->in_shape[0].n * node->in_shape[0].t) * sizeof(double); }

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->in_shape[0];
    double *part = node->work;
    FL_PARALLEL(frame, (int64_t)s.n * s.t, fl_shape_count(s) * 20) {
        const view v = view_of(node, in, frame / s.t);
        double d[3], factor[3], sum = 0;
        for (int h = 0; h < s.h; h++)
            for (int w = 0; w < s.w; w++)
                for (int c = 0; c < s.c; c++)
                    sum += powered(measure(&v, (const int[]){(int)(frame % s.t), h, w}, c, d, factor), v.beta / 2);
        part[frame] = sum;
    }
    for (int n = 0; n < s.n; n++) {
        double sum = 0;
        for (int t = 0; t < s.t; t++) sum += part[n * s.t + t];
        y[n] = (real)sum;
    }
}

/* d y / d x at one place: as the one that is compared with its next, and as the next of three others. */
static double pull(const view *v, const int p[3], int c)
{
    double d[3], factor[3], sum = 0;
    double q = slope(measure(v, p, c, d, factor), v->beta);
    for (int a = 0; a < 3; a++) sum -= 2 * q * factor[a] * d[a];
    for (int a = 0; a < 3; a++) {
        int before[3] = {p[0], p[1], p[2]};
        if (before[a]-- == 0) continue;
        q = slope(measure(v, before, c, d, factor), v->beta);
        sum += 2 * q * factor[a] * d[a];
    }
    return sum;
}

static void x_signal(const fl_node *node, const real *const in[], const real *gy, real *gx)
{
    const fl_shape s = node->in_shape[0];
    FL_PARALLEL(frame, (int64_t)s.n * s.t, fl_shape_count(s) * 80) {
        const view v = view_of(node, in, frame / s.t);
        real *to = gx + frame * s.h * s.w * s.c;
        for (int h = 0; h < s.h; h++)
            for (int w = 0; w < s.w; w++)
                for (int c = 0; c < s.c; c++)
                    *to++ = (real)((double)gy[frame / s.t] * pull(&v, (const int[]){(int)(frame % s.t), h, w}, c));
    }
}

static void edge_signal(const fl_node *node, const real *const in[], const real *gy, real *ge)
{
    const fl_shape s = node->in_shape[0], e = node->in_shape[1];
    const int64_t pixels = (int64_t)s.t * s.h * s.w;
    FL_PARALLEL(p, e.n * pixels, fl_shape_count(s) * 30) {
        const int place[3] = {(int)(p % pixels / s.w / s.h), (int)(p % pixels / s.w % s.h), (int)(p % s.w)};
        double sum[3] = {0, 0, 0}, d[3], factor[3];
        for (int n = 0; n < s.n; n++) {
            if (e.n > 1 && n != p / pixels) continue;
            const view v = view_of(node, in, n);
            for (int c = 0; c < s.c; c++) {
                const double q = slope(measure(&v, place, c, d, factor), v.beta) * (double)gy[n];
                for (int a = 0; a < 3; a++) sum[a] += q * v.weight[a] * d[a] * d[a];
            }
        }
        for (int a = 0; a < 3; a++) ge[p * 3 + a] = (real)sum[a];
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    if (k == 0) x_signal(node, in, gy, gx);
    else edge_signal(node, in, gy, gx);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; double beta, weight[3]; int edges; } list[] = {
        {{2, 1, 3, 2, 3}, 2, {1, 0.5, 2}, 0}, {{2, 2, 1, 3, 2}, 3, {0, 1, 1}, 0}, {{2, 1, 2, 3, 2}, 1.5, {0.3, 1, 1}, 1}};
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    fl_shape e = list[which].x;
    const fl_id x = fl_example_operand(g, rng, "x", e);
    if (!list[which].edges) return fl_node_variation(g, "y", x, FL_NONE, list[which].beta, list[which].weight);
    e.n = list[which].edges;
    e.c = 3;
    const fl_id edge = fl_example_operand(g, rng, "edge", e);
    for (int64_t i = 0; fl_graph_ok(g) && i < fl_shape_count(e); i++) fl_graph_value(g, edge)[i] = (real)(0.2 + fl_rng_next_uniform(rng));
    return fl_node_variation(g, "y", x, edge, list[which].beta, list[which].weight);
}

const fl_op fl_op_variation = {
    .name = "variation", .doc = "total variation: powers of differences between neighbours", .file = "autograd/ops/variation.c",
    .kind = FL_OP_variation, .flags = FL_ALL | FL_READS_IN, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example, .scratch = scratch,
};

fl_id fl_node_variation(fl_graph *g, const char *name, fl_id x, fl_id edge, double beta, const double weight[3])
{
    fl_attr attr = {.variation = {beta, {weight[0], weight[1], weight[2]}}};
    return fl_graph_add(g, &fl_op_variation, name, &attr, edge == FL_NONE ? 1 : 2, (const fl_id[]){x, edge});
}
