/* freeze: time stands still where the mask says so (Manttari 2020). Operands: x, 1 or N clips; mask N,1,T,1,1.
 *
 *   y_0 = x_0,    y_t = (1 - m_t) x_t + m_t y_(t-1)
 *
 * A sweep back in time: r_t = gy_t + m_(t+1) r_(t+1);   gx_t = (1 - m_t) r_t, gx_0 = r_0;   gm_t = sum of (y_(t-1) - x_t) r_t, gm_0 = 0. */
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

static int64_t frame_of(const fl_node *node) { return (int64_t)node->shape.h * node->shape.w * node->shape.c; }

static size_t scratch(const fl_node *node)               /* rows x masks: parts of the mask's signal */
{
    return (size_t)node->shape.h * (size_t)node->shape.n * (size_t)node->shape.t * sizeof(double);
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->shape;
    const int64_t frame = frame_of(node), width = frame / s.h;
    const bool shared = node->in_shape[0].n == 1;
    FL_PARALLEL(item, (int64_t)s.n * s.h, fl_shape_count(s) * 3) {
        const int64_t n = item / s.h, from = item % s.h * width;
        const real *x = in[0] + (shared ? 0 : n * s.t * frame) + from;
        real *to = y + n * s.t * frame + from;
        for (int t = 0; t < s.t; t++)
            for (int64_t i = 0; i < width; i++) {
                const real m = in[1][n * s.t + t];
                to[t * frame + i] = t ? (1 - m) * x[t * frame + i] + m * to[(t - 1) * frame + i] : x[i];
            }
    }
}

static void x_signal(const fl_node *node, const real *const in[], const real *gy, real *gx)
{
    const fl_shape s = node->shape;
    const int64_t frame = frame_of(node), width = frame / s.h;
    const bool shared = node->in_shape[0].n == 1;
    memset(gx, 0, (size_t)fl_shape_count(node->in_shape[0]) * sizeof *gx);
    FL_PARALLEL(h, s.h, fl_shape_count(s) * 4) {
        for (int n = 0; n < s.n; n++)
            for (int64_t i = h * width; i < (h + 1) * width; i++) {
                real r = 0;
                for (int t = s.t - 1; t >= 0; t--) {
                    const real m = in[1][n * s.t + t];
                    r += gy[(n * s.t + t) * frame + i];
                    gx[((shared ? 0 : n * s.t) + t) * frame + i] += t ? (1 - m) * r : r;
                    r *= m;
                }
            }
    }
}

static void mask_signal(const fl_node *node, const real *const in[], const real *y, const real *gy, real *gm)
{
    const fl_shape s = node->shape;
    const int64_t frame = frame_of(node), width = frame / s.h, frames = (int64_t)s.n * s.t;
    const bool shared = node->in_shape[0].n == 1;
    double *part = node->work;
    FL_PARALLEL(h, s.h, fl_shape_count(s) * 6) {
        for (int64_t f = 0; f < frames; f++) part[h * frames + f] = 0;
        for (int n = 0; n < s.n; n++)
            for (int64_t i = h * width; i < (h + 1) * width; i++) {
                double r = 0;
                for (int64_t t = s.t - 1; t > 0; t--) {
                    const int64_t f = n * s.t + t;
                    r += (double)gy[f * frame + i];
                    part[h * frames + f] += r * ((double)y[(f - 1) * frame + i] - (double)in[0][((shared ? 0 : n * s.t) + t) * frame + i]);
                    r *= (double)in[1][f];
                }
            }
    }
    for (int64_t f = 0; f < frames; f++) {
        double sum = 0;
        for (int h = 0; h < s.h; h++) sum += part[h * frames + f];
        gm[f] = (real)sum;
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    if (k == 0) x_signal(node, in, gy, gx);
    else mask_signal(node, in, y, gy, gx);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; int masks; } list[] = {{{2, 2, 4, 2, 3}, 2}, {{1, 1, 3, 3, 2}, 3}};
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    const fl_id x = fl_example_operand(g, rng, "x", list[which].x);
    return fl_node_freeze(g, "y", x, fl_example_operand(g, rng, "mask", (fl_shape){list[which].masks, 1, list[which].x.t, 1, 1}));
}

const fl_op fl_op_freeze = {
    .name = "freeze", .doc = "frames that stay as the one before, as the mask says", .file = "autograd/ops/freeze.c",
    .kind = FL_OP_freeze, .flags = FL_ALL | FL_READS_IN | FL_READS_OUT, .arity = 2,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example, .scratch = scratch,
};

fl_id fl_node_freeze(fl_graph *g, const char *name, fl_id x, fl_id mask)
{
    return fl_graph_add(g, &fl_op_freeze, name, NULL, 2, (const fl_id[]){x, mask});
}
