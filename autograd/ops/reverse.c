/* reverse: time runs backwards where the mask says so (Manttari 2020). Operands: x, 1 or N clips; mask N,1,T,1,1. In every run of
 * frames a .. b whose mask lies above `above`, frame a+u and its mirror image b-u trade places, as far as m = m_(a+u) says:
 *
 *   y_(a+u) = (1-m) x_(a+u) + m x_(b-u),    y_(b-u) = (1-m) x_(b-u) + m x_(a+u),    u = 0 .. (b-a+1)/2 - 1
 *
 * the frame in the middle, and all others, stay. The second half of a run has the gradient 0; which frames make a run has none. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/par.h"

#include <string.h>

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0], m = node->in_shape[1];
    fl_shape_text a, b;
    if (!fl_shape_equal(m, (fl_shape){m.n, 1, x.t, 1, 1}) || (x.n != 1 && x.n != m.n))
        return fl_graph_fail(g, node, "expected one value of the mask for each frame of %s, got shape %s", fl_shape_print(x, &a),
                             fl_shape_print(m, &b));
    return (fl_shape){m.n, x.c, x.t, x.h, x.w};
}

/* Frame that trades with t, or t itself; *first: whose mask decides. */
static int partner(const fl_node *node, const real *mask, int t, int *first)
{
    const int frames = node->shape.t;
    int a = t, b = t;
    *first = t;
    if (!((double)mask[t] > node->attr.reverse.above)) return t;
    while (a > 0 && (double)mask[a - 1] > node->attr.reverse.above) a--;
    while (b + 1 < frames && (double)mask[b + 1] > node->attr.reverse.above) b++;
    const int other = a + b - t;
    *first = t < other ? t : other;
    return other;
}

static int64_t frame_of(const fl_node *node) { return (int64_t)node->shape.h * node->shape.w * node->shape.c; }

static const real *clip_of(const fl_node *node, const real *const in[], int64_t n)
{
    return in[0] + (node->in_shape[0].n == 1 ? 0 : n * node->shape.t * frame_of(node));
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->shape;
    const int64_t frame = frame_of(node);
    FL_PARALLEL(item, (int64_t)s.n * s.t, fl_shape_count(s) * 3) {
        const int64_t n = item / s.t;
        const real *mask = in[1] + n * s.t;
        int t = (int)(item % s.t), first;
        const int other = partner(node, mask, t, &first);
        const real *x = clip_of(node, in, n) + t * frame, *z = clip_of(node, in, n) + other * frame, m = mask[first];
        for (int64_t i = 0; i < frame; i++) y[item * frame + i] = other == t ? x[i] : (1 - m) * x[i] + m * z[i];
    }
}

static void x_signal(const fl_node *node, const real *const in[], const real *gy, real *gx)
{
    const fl_shape s = node->shape;
    const int64_t frame = frame_of(node);
    const bool shared = node->in_shape[0].n == 1;
    memset(gx, 0, (size_t)fl_shape_count(node->in_shape[0]) * sizeof *gx);
    FL_PARALLEL(t, s.t, fl_shape_count(s) * 3) {
        for (int64_t n = 0; n < s.n; n++) {
            const real *mask = in[1] + n * s.t;
            int first;
            const int other = partner(node, mask, (int)t, &first);
            const real *g = gy + (n * s.t + t) * frame, *o = gy + (n * s.t + other) * frame, m = mask[first];
            real *to = gx + ((shared ? 0 : n * s.t) + t) * frame;
            for (int64_t i = 0; i < frame; i++) to[i] += other == t ? g[i] : (1 - m) * g[i] + m * o[i];
        }
    }
}

static void mask_signal(const fl_node *node, const real *const in[], const real *gy, real *gm)
{
    const fl_shape s = node->shape;
    const int64_t frame = frame_of(node);
    FL_PARALLEL(item, (int64_t)s.n * s.t, fl_shape_count(s) * 4) {
        const int64_t n = item / s.t;
        int t = (int)(item % s.t), first;
        const int other = partner(node, in[1] + n * s.t, t, &first);
        const real *x = clip_of(node, in, n) + t * frame, *z = clip_of(node, in, n) + other * frame;
        const real *g = gy + item * frame, *o = gy + (n * s.t + other) * frame;
        double sum = 0;
        for (int64_t i = 0; i < frame && first == t && other != t; i++)
            sum += ((double)z[i] - (double)x[i]) * ((double)g[i] - (double)o[i]);
        gm[item] = (real)sum;
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    if (k == 0) x_signal(node, in, gy, gx);
    else mask_signal(node, in, gy, gx);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const real mask[2][12] = {{R(0.9), R(0.6), R(0.3), 0, R(0.7), R(0.2), 0, R(0.4), R(0.5), R(0.6), R(0.7), R(0.8)},
                                     {R(0.05), R(0.2), R(0.9), R(0.8), R(0.3), R(0.01)}};
    static const struct { fl_shape x; int masks; } list[] = {{{2, 2, 6, 2, 1}, 2}, {{1, 1, 3, 2, 2}, 2}};
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    const fl_id x = fl_example_operand(g, rng, "x", list[which].x);
    const fl_id m = fl_example_operand(g, rng, "mask", (fl_shape){list[which].masks, 1, list[which].x.t, 1, 1});
    for (int64_t i = 0; fl_graph_ok(g) && i < fl_shape_count(fl_graph_shape(g, m)); i++) fl_graph_value(g, m)[i] = mask[which][i];
    return fl_node_reverse(g, "y", x, m, 0.1);
}

const fl_op fl_op_reverse = {
    .name = "reverse", .doc = "runs of frames played backwards, as the mask says", .file = "autograd/ops/reverse.c",
    .kind = FL_OP_reverse, .flags = FL_ALL | FL_READS_IN, .arity = 2,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_reverse(fl_graph *g, const char *name, fl_id x, fl_id mask, double above)
{
    fl_attr attr = {.reverse = {above}};
    return fl_graph_add(g, &fl_op_reverse, name, &attr, 2, (const fl_id[]){x, mask});
}
