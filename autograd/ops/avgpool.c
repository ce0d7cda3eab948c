/* avgpool: y[n,c,t,h,w] = sum over the window of x / size.
 *
 * size: the taps inside x and its padding (count_pad), or inside x alone; ceil mode's overhang never counts.
 * gx: gy / size, to every input of the window. */
#include "autograd/ops.h"
#include "autograd/pool.h"
#include "tensor/par.h"

#include <string.h>

typedef struct window { fl_span t, h, w; } window;

static int taps(fl_span s) { return s.last - s.first; }

static double share(const fl_node *node, const window *at)
{
    const int inside = taps(at->t) * taps(at->h) * taps(at->w), all = at->t.padded * at->h.padded * at->w.padded;
    const int size = node->attr.pool.count_pad ? all : inside;
    return size > 0 ? 1.0 / size : 0;
}

/* Adds factor * x of the window to y (forward), or factor * gy to gx of the window (transpose), channels
 * c0 .. c1-1. */
static void accumulate(fl_shape s, const real *x, real *gx, int n, const window *at, real factor, real *y,
                       const real *gy, int c0, int c1)
{
    for (int i = at->t.first; i < at->t.last; i++)
        for (int j = at->h.first; j < at->h.last; j++)
            for (int k = at->w.first; k < at->w.last; k++) {
                const int64_t p = fl_at(s, n, 0, at->t.begin + i * at->t.step, at->h.begin + j * at->h.step,
                                        at->w.begin + k * at->w.step);
                if (x)
                    for (int c = c0; c < c1; c++) y[c] += factor * x[p + c];
                else
                    for (int c = c0; c < c1; c++) gx[p + c] += factor * gy[c];
            }
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->shape;
    memset(y, 0, (size_t)fl_shape_count(s) * sizeof(real));
    FL_PARALLEL(row, (int64_t)s.n * s.t * s.h, fl_shape_count(s) * 9) {
        const int h = (int)(row % s.h), t = (int)(row / s.h % s.t), n = (int)(row / s.h / s.t);
        for (int w = 0; w < s.w; w++) {
            const window at = {fl_pool_span(node, 0, t), fl_pool_span(node, 1, h), fl_pool_span(node, 2, w)};
            accumulate(node->in_shape[0], in[0], NULL, n, &at, (real)share(node, &at), y + (row * s.w + w) * s.c,
                       NULL, 0, s.c);
        }
    }
}

/* Windows may overlap: the items are samples and groups of channels, and each writes into its own part of gx. */
static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)y, (void)in;
    enum { GROUP = 16 };
    const fl_shape s = node->shape, from = node->in_shape[0];
    const int groups = (s.c + GROUP - 1) / GROUP;
    memset(gx, 0, (size_t)fl_shape_count(from) * sizeof(real));
    FL_PARALLEL(item, (int64_t)s.n * groups, fl_shape_count(s) * 9) {
        const int n = (int)(item / groups), c0 = (int)(item % groups) * GROUP,
                  c1 = c0 + GROUP < s.c ? c0 + GROUP : s.c;
        for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++) {
                    const window at = {fl_pool_span(node, 0, t), fl_pool_span(node, 1, h), fl_pool_span(node, 2, w)};
                    accumulate(from, NULL, gx, n, &at, (real)share(node, &at), NULL, gy + fl_at(s, n, 0, t, h, w), c0,
                               c1);
                }
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; fl_window win; bool ceil, count_pad; } list[] = {
        {{2, 3, 4, 6, 5}, {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}}, false, true},
        {{1, 17, 3, 7, 6}, {{3, 3, 3}, {1, 2, 2}, {1, 1, 1}, {1, 1, 1}, {1, 0, 1}}, true, true},
        {{1, 2, 5, 5, 4}, {{1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, true, false},
        {{1, 2, 3, 3, 4}, {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {1, 1, 0}, {1, 0, 1}}, true, true},
        /* every window sees padding alone */
        {{1, 2, 1, 3, 3}, {{2, 2, 1}, {1, 1, 1}, {2, 1, 1}, {1, 0, 0}, {1, 0, 0}}, false, false},
    };
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    return fl_node_avgpool(g, "y", fl_example_operand(g, rng, "x", list[which].x), list[which].win, list[which].ceil,
                           list[which].count_pad);
}

const fl_op fl_op_avgpool = {
    .name = "avgpool", .doc = "mean over windows", .file = "autograd/ops/avgpool.c",
    .kind = FL_OP_avgpool, .flags = FL_LINEAR | FL_POSITIVE, .arity = 1,
    .infer = fl_pool_infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_avgpool(fl_graph *g, const char *name, fl_id x, fl_window win, bool ceil, bool count_pad)
{
    fl_attr attr = {.pool = {win, ceil, count_pad}};
    return fl_graph_add(g, &fl_op_avgpool, name, &attr, 1, &x);
}
