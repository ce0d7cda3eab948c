/* pyramid: a clip between its copies: level 0 shows nothing, the last one is the clip (Fong, Patrick and Vedaldi 2019).
 * Operands: levels, 1 or N of them: L x C channels, the levels of a pixel one after the other; mask N,1,T,H,W.
 *
 *   u = (L-1) m within 0 .. L-1,  k = floor(u),  f = u - k:      y_c = (1-f) level_k,c + f level_(k+1),c
 *
 * gm = (L-1) sum over c of (level_(k+1) - level_k) gy, 0 at m = 1 and outside 0 .. 1;  glevel_k = (1-f) gy, glevel_(k+1) = f gy. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/par.h"

#include <string.h>

typedef struct place { int k, next; real f; bool moves; } place;     /* moves: y follows m */

static place place_of(int levels, real m)
{
    const real u = m * (real)(levels - 1);
    if (!(u > 0)) return (place){0, u < 0 || levels == 1 ? 0 : 1, u < 0 ? 0 : u, u == 0};
    if (u >= (real)(levels - 1)) return (place){levels - 1, levels - 1, 0, false};
    return (place){(int)u, (int)u + 1, u - (real)(int)u, true};
}

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0], m = node->in_shape[1];
    const int levels = node->attr.pyramid.levels;
    fl_shape_text a, b;
    if (levels < 2 || x.c % levels || m.c != 1 || x.t != m.t || x.h != m.h || x.w != m.w || (x.n != 1 && x.n != m.n))
        return fl_graph_fail(g, node, "levels of shape %s (%d of them) do not go with a mask of shape %s", fl_shape_print(x, &a), levels,
                             fl_shape_print(m, &b));
    return (fl_shape){m.n, x.c / levels, m.t, m.h, m.w};
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->shape;
    const int levels = node->attr.pyramid.levels, width = levels * s.c;
    const int64_t pixels = (int64_t)s.t * s.h * s.w;
    const bool shared = node->in_shape[0].n == 1;
    FL_PARALLEL(row, (int64_t)s.n * s.t * s.h, fl_shape_count(s) * 6) {
        for (int64_t p = row * s.w; p < (row + 1) * s.w; p++) {
            const place a = place_of(levels, in[1][p]);
            const real *x = in[0] + (shared ? p % pixels : p) * width, *low = x + a.k * s.c, *high = x + a.next * s.c;
            for (int c = 0; c < s.c; c++) y[p * s.c + c] = (1 - a.f) * low[c] + a.f * high[c];
        }
    }
}

static void mask_signal(const fl_node *node, const real *const in[], const real *gy, real *gm)
{
    const fl_shape s = node->shape;
    const int levels = node->attr.pyramid.levels, width = levels * s.c;
    const int64_t pixels = (int64_t)s.t * s.h * s.w;
    const bool shared = node->in_shape[0].n == 1;
    FL_PARALLEL(row, (int64_t)s.n * s.t * s.h, fl_shape_count(s) * 6) {
        for (int64_t p = row * s.w; p < (row + 1) * s.w; p++) {
            const place a = place_of(levels, in[1][p]);
            const real *x = in[0] + (shared ? p % pixels : p) * width, *low = x + a.k * s.c, *high = x + a.next * s.c;
            real sum = 0;
            for (int c = 0; c < s.c; c++) sum += (high[c] - low[c]) * gy[p * s.c + c];
            gm[p] = a.moves ? (real)(levels - 1) * sum : 0;
        }
    }
}

static void level_signal(const fl_node *node, const real *const in[], const real *gy, real *gx)
{
    const fl_shape s = node->shape;
    const int levels = node->attr.pyramid.levels, width = levels * s.c;
    const int64_t pixels = (int64_t)s.t * s.h * s.w;
    const int clips = node->in_shape[0].n, masks = s.n / clips;
    memset(gx, 0, (size_t)fl_shape_count(node->in_shape[0]) * sizeof *gx);
    FL_PARALLEL(p, clips * pixels, fl_shape_count(s) * 6) {
        for (int n = 0; n < masks; n++) {
            const place a = place_of(levels, in[1][n * pixels + p]);
            const real *g = gy + (n * pixels + p) * s.c;
            for (int c = 0; c < s.c; c++) {
                gx[p * width + a.k * s.c + c] += (1 - a.f) * g[c];
                gx[p * width + a.next * s.c + c] += a.f * g[c];
            }
        }
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    if (k == 1) mask_signal(node, in, gy, gx);
    else level_signal(node, in, gy, gx);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; int levels, masks; } list[] = {{{2, 6, 2, 3, 2}, 3, 2}, {{1, 4, 1, 2, 3}, 4, 3}};
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    const fl_shape x = list[which].x;
    const fl_id levels = fl_example_operand(g, rng, "levels", x);
    const fl_id mask = fl_example_operand(g, rng, "mask", (fl_shape){list[which].masks, 1, x.t, x.h, x.w});
    for (int64_t i = 0; fl_graph_ok(g) && i < fl_shape_count(fl_graph_shape(g, mask)); i++)      /* off the kinks */
        fl_graph_value(g, mask)[i] = (real)((0.25 + 0.5 * fl_rng_next_uniform(rng) + (double)(i % (list[which].levels - 1))) /
                                            (list[which].levels - 1));
    return fl_node_pyramid(g, "y", levels, mask, list[which].levels);
}

const fl_op fl_op_pyramid = {
    .name = "pyramid", .doc = "a clip between its copies, from nothing to sharp, as the mask says", .file = "autograd/ops/pyramid.c",
    .kind = FL_OP_pyramid, .flags = FL_ALL | FL_READS_IN, .arity = 2,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_pyramid(fl_graph *g, const char *name, fl_id levels, fl_id mask, int count)
{
    fl_attr attr = {.pyramid = {count}};
    return fl_graph_add(g, &fl_op_pyramid, name, &attr, 2, (const fl_id[]){levels, mask});
}
