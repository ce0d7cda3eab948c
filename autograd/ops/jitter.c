/* jitter: the same move for all frames: rows dy down and columns dx to the left, the border repeated, then mirrored. Operand
 * how: N or 1,3,1,1,1: dy, dx, and more than 1/2 to mirror; all rounded.
 *
 *   y(h, w) = x(h + dy, w' + dx) within the frame,    w' = w, or W-1 - w mirrored
 *
 * gx: every value of gy goes where its value came from. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/math.h"
#include "tensor/par.h"

#include <string.h>

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0], how = node->in_shape[1];
    fl_shape_text t;
    if (!fl_shape_equal(how, fl_shape_vector(how.n, 3)) || (how.n != 1 && how.n != x.n))
        return fl_graph_fail(g, node, "expected three numbers for all samples or for each, got shape %s", fl_shape_print(how, &t));
    return x;
}

/* A move: rows dy down, columns dx to the left, at most the whole frame; mirrored then. Columns first .. last-1 come from within the
 * frame, the others from its border. */
typedef struct move { int dy, dx, first, last; bool mirrored; } move;

static int limited(double i, int most) { return !(i > -most) ? -most : i > most ? most : (int)i; }
static int within(int i, int n) { return i < 0 ? 0 : i > n - 1 ? n - 1 : i; }

static move move_of(const fl_node *node, const real *how, int64_t frame)
{
    const fl_shape s = node->shape;
    how += node->in_shape[1].n == 1 ? 0 : frame / s.t * 3;
    const int dy = limited(floor((double)how[0] + 0.5), s.h), dx = limited(floor((double)how[1] + 0.5), s.w);
    return (move){dy, dx, dx < 0 ? -dx : 0, dx > 0 ? s.w - dx : s.w, how[2] > R(0.5)};
}

/* Column w of the result, or before it is mirrored, comes from here. */
static int64_t source(const move *m, fl_shape s, int w) { return (int64_t)within((m->mirrored ? s.w - 1 - w : w) + m->dx, s.w) * s.c; }

/* So many columns from there on come from neighbours. */
static int run_of(const move *m, int w) { return !m->mirrored && w >= m->first && w < m->last ? m->last - w : 1; }

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->shape;
    FL_PARALLEL(frame, (int64_t)s.n * s.t, fl_shape_count(s) * 2) {
        const move m = move_of(node, in[1], frame);
        for (int h = 0; h < s.h; h++) {
            const real *x = in[0] + (frame * s.h + within(h + m.dy, s.h)) * s.w * s.c;
            real *to = y + (frame * s.h + h) * s.w * s.c;
            for (int w = 0, run; w < s.w; w += run) {
                run = run_of(&m, w);
                memcpy(to + (int64_t)w * s.c, x + source(&m, s, w), (size_t)run * (size_t)s.c * sizeof *to);
            }
        }
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const fl_shape s = node->shape;
    memset(gx, 0, (size_t)fl_shape_count(node->in_shape[k]) * sizeof *gx);
    if (k == 1) return;
    FL_PARALLEL(frame, (int64_t)s.n * s.t, fl_shape_count(s) * 2) {
        const move m = move_of(node, in[1], frame);
        for (int h = 0; h < s.h; h++) {
            const real *g = gy + (frame * s.h + h) * s.w * s.c;
            real *to = gx + (frame * s.h + within(h + m.dy, s.h)) * s.w * s.c;
            for (int w = 0, run; w < s.w; w += run) {
                const real *from = g + (int64_t)w * s.c;
                real *here = to + source(&m, s, w);
                run = run_of(&m, w);
                for (int64_t i = 0; i < (int64_t)run * s.c; i++) here[i] += from[i];
            }
        }
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; int moves; real how[3]; } list[] = {{{2, 2, 2, 3, 4}, 1, {1, R(-2.0), 1}},
                                                                          {{2, 1, 1, 4, 3}, 2, {R(-1.2), 1, 0}}};
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    const fl_id x = fl_example_operand(g, rng, "x", list[which].x);
    const fl_id how = fl_example_operand(g, rng, "how", fl_shape_vector(list[which].moves, 3));
    for (int i = 0; fl_graph_ok(g) && i < 3 * list[which].moves; i++) fl_graph_value(g, how)[i] = list[which].how[i % 3];
    return fl_node_jitter(g, "y", x, how);
}

const fl_op fl_op_jitter = {
    .name = "jitter", .doc = "all frames moved and mirrored alike, the border repeated", .file = "autograd/ops/jitter.c",
    .kind = FL_OP_jitter, .flags = FL_ALL | FL_READS_IN, .arity = 2,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_jitter(fl_graph *g, const char *name, fl_id x, fl_id how)
{
    return fl_graph_add(g, &fl_op_jitter, name, NULL, 2, (const fl_id[]){x, how});
}
