/* maxpool: y[n,c,t,h,w] = max over the window of x; padding counts as minus infinity.
 *
 * gx: gy goes to the first maximum in the order t,h,w of the window. A window that sees no input gives 0, one that
 * sees a NaN gives NaN. */
#include "autograd/ops.h"
#include "autograd/pool.h"
#include "tensor/par.h"

#include <math.h>
#include <string.h>

typedef struct window { fl_span t, h, w; } window;

static bool beats(real x, real y) { return x > y || isnan(x); }

/* The place of the largest element of channel c in a window, or -1. */
static int64_t winner(fl_shape s, const real *x, int n, int c, const window *at)
{
    int64_t best = -1;
    for (int i = at->t.first; i < at->t.last; i++)
        for (int j = at->h.first; j < at->h.last; j++)
            for (int k = at->w.first; k < at->w.last; k++) {
                const int64_t p = fl_at(s, n, c, at->t.begin + i * at->t.step, at->h.begin + j * at->h.step,
                                        at->w.begin + k * at->w.step);
                if (best < 0 || beats(x[p], x[best])) best = p;
            }
    return best;
}

/* One row of results: all channels of a window at once, so that the inner loop runs along memory. */
static void forward_pixel(fl_shape s, const real *x, int n, const window *at, real *y)
{
    bool first = true;
    for (int i = at->t.first; i < at->t.last; i++)
        for (int j = at->h.first; j < at->h.last; j++)
            for (int k = at->w.first; k < at->w.last; k++) {
                const real *from = x + fl_at(s, n, 0, at->t.begin + i * at->t.step, at->h.begin + j * at->h.step,
                                             at->w.begin + k * at->w.step);
                if (first) memcpy(y, from, (size_t)s.c * sizeof(real));
                else
                    for (int c = 0; c < s.c; c++) y[c] = beats(from[c], y[c]) ? from[c] : y[c];
                first = false;
            }
    if (first) memset(y, 0, (size_t)s.c * sizeof(real));
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->shape;
    FL_PARALLEL(row, (int64_t)s.n * s.t * s.h, fl_shape_count(s) * 9) {
        const int h = (int)(row % s.h), t = (int)(row / s.h % s.t), n = (int)(row / s.h / s.t);
        window at = {.t = fl_pool_span(node, 0, t), .h = fl_pool_span(node, 1, h)};
        for (int w = 0; w < s.w; w++) {
            at.w = fl_pool_span(node, 2, w);
            forward_pixel(node->in_shape[0], in[0], n, &at, y + (row * s.w + w) * s.c);
        }
    }
}

/* Windows may overlap: the items are samples and groups of channels, and each writes into its own part of gx. */
static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)y;
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
                    for (int c = c0; c < c1; c++) {
                        const int64_t p = winner(from, in[0], n, c, &at);
                        if (p >= 0) gx[p] += gy[fl_at(s, n, c, t, h, w)];
                    }
                }
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; fl_window win; bool ceil; } list[] = {
        {{2, 3, 4, 6, 5}, {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}}, false},
        /* overlapping, padded, ceil */
        {{1, 17, 3, 7, 6}, {{3, 3, 3}, {1, 2, 2}, {1, 1, 1}, {1, 1, 1}, {1, 0, 1}}, true},
        {{1, 2, 5, 5, 5}, {{2, 1, 2}, {1, 1, 3}, {2, 1, 3}, {1, 0, 1}, {0, 0, 2}}, false},     /* dilated */
        /* ceil: a window all in padding is none */
        {{1, 2, 3, 3, 4}, {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {1, 1, 0}, {1, 0, 1}}, true},
        /* every window sees padding alone */
        {{1, 2, 1, 3, 3}, {{2, 2, 1}, {1, 1, 1}, {2, 1, 1}, {1, 0, 0}, {1, 0, 0}}, false},
    };
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    return fl_node_maxpool(g, "y", fl_example_operand(g, rng, "x", list[which].x), list[which].win, list[which].ceil);
}

const fl_op fl_op_maxpool = {
    .name = "maxpool", .doc = "maximum over windows", .file = "autograd/ops/maxpool.c",
    .kind = FL_OP_maxpool, .flags = FL_ROUTE | FL_READS_IN, .arity = 1,
    .infer = fl_pool_infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_maxpool(fl_graph *g, const char *name, fl_id x, fl_window win, bool ceil)
{
    fl_attr attr = {.pool = {win, ceil, false}};
    return fl_graph_add(g, &fl_op_maxpool, name, &attr, 1, &x);
}
