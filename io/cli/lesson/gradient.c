/* gradient.c: lesson: what a gradient does not say: a unit that is satisfied, the part that biases have in a score, and how fast it turns.
 *
 *   f(x) = 1 - relu(1 - x)              s(x) = <x, ds/dx> + sum over biases b of <b, ds/db>, where the network is straight */
#include "io/cli/lesson/lecture.h"

#include "autograd/graph.h"
#include "autograd/ops.h"

#include <math.h>
#include <string.h>

/* ---- a unit that is satisfied ---- */

static fl_id unit(fl_graph *g, const char *name, fl_id x)
{
    const size_t mark = fl_graph_enter(g, "%s", name);
    const fl_id w = fl_node_param(g, "weight", fl_shape_vector(1, 1)), b = fl_node_param(g, "bias", fl_shape_vector(1, 1));
    fl_graph_leave(g, mark);
    if (!fl_graph_ok(g)) return FL_NONE;
    *fl_graph_value(g, w) = -1;
    *fl_graph_value(g, b) = 1;
    return fl_node_linear(g, name, x, w, b);
}

static void look(fl_lecture *l, fl_explainer *e, double at)
{
    const fl_explain_options path = {.steps = 64, .rule = FL_QUADRATURE_MIDDLE};
    const real x = (real)at;
    fl_map gradient, integrated;
    if (fl_explain(e, fl_method_find("gradient"), &x, NULL, l->cli->arena, &gradient) != FL_OK ||
        fl_explain(e, fl_method_find("integrated_gradients"), &x, &path, l->cli->arena, &integrated) != FL_OK) return;
    const double slope = (double)gradient.data[0], share = (double)integrated.data[0], won = gradient.score - integrated.baseline_score;
    fl_lecture_show(l, "%6.2f %8.4f %10.4f %14.4f %22.4f", at, gradient.score, slope, slope * at, share);
    if (at < 2) return;
    fl_lecture_small(l, "at x = 2 the gradient is 0: by it, x does not matter", slope, 0, "the ReLU is shut: exactly 0");
    fl_lecture_same(l, "and yet x has made the whole score: integrated gradients = f(2) - f(0)", share, won, at / 64,
                    "the corner at 1 may fall inside one step of 64");
}

static void saturate(fl_lecture *l)
{
    fl_arena a;
    fl_network net = fl_network_none;
    fl_arena_init_beside(&a, l->cli->arena);
    fl_graph *g = fl_graph_new(&a);
    if (g) {
        net.input = fl_node_input(g, "x", fl_shape_vector(1, 1));
        net.logits = net.output = unit(g, "score", fl_node_relu(g, "relu", unit(g, "inside", net.input)));
    }
    fl_explainer *e = g ? fl_explainer_new(g, net, NULL) : NULL;
    fl_lecture_say(l, "The smallest network that has enough at some point: f(x) = 1 - relu(1 - x). "
                   "From x = 1 on, more of x changes nothing.");
    fl_lecture_show(l, "%6s %8s %10s %14s %22s", "x", "f(x)", "gradient", "gradient x x", "integrated gradients");
    for (int k = -1; e && k <= 1; k++) look(l, e, ldexp(1, k));
    fl_arena_free(&a);
}

/* ---- what biases give ---- */

static int find_biases(const fl_graph *g, fl_id *to)
{
    int n = 0;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (node->role != FL_COMPUTED || !g->carries[i]) continue;
        const int first = 2, last = node->op->kind == FL_OP_batchnorm ? 3 : node->op->flags & FL_WEIGHTED ? 2 : 1;
        for (int k = first; k <= last && k < node->n_in; k++) {
            bool known = false;
            for (int j = 0; j < n; j++) known = known || to[j] == node->in[k];
            if (!known) to[n++] = node->in[k];
        }
    }
    return n;
}

static void account(fl_lecture *l)
{
    const fl_graph *g = l->s.graph;
    fl_id *leaf = FL_NEW(l->cli->arena, fl_id, 2 * g->count + 1);
    if (!leaf || fl_lecture_walk(l, &l->s.net.input, 1) != FL_OK) return;
    leaf[0] = l->s.net.input;
    const int n = 1 + find_biases(g, leaf + 1);
    double given[2] = {0, 0}, sizes = 0;
    const bool straight = fl_lecture_is_straight(l);
    if (fl_lecture_walk(l, leaf, n) != FL_OK) return;
    for (int i = 0; i < n; i++) {
        const int64_t count = fl_shape_count(g->node[leaf[i]].shape);
        const real *value = fl_graph_value(g, leaf[i]), *slope = fl_graph_signal(g, leaf[i]);
        given[i > 0] += fl_dot(value, slope, count);
        for (int64_t k = 0; k < count; k++) sizes += fabs((double)value[k] * (double)slope[k]);
    }
    fl_lecture_say(l, "Now the trained network. Gradient x input is often read as what each value adds to the score. Added up:");
    fl_lecture_show(l, "%-48s %14.*g", "gradient x input, all values of the clip", fl_lecture_digits(), given[0]);
    fl_lecture_show(l, "%-48s %14.*g", "gradient x bias, all biases and means of norms", fl_lecture_digits(), given[1]);
    fl_lecture_show(l, "%-48s %14.*g", "the score", fl_lecture_digits(), l->score);
    if (!straight) {
        fl_lecture_say(l, "This network bends (gates, sigmoids, products), so the two need not make up the score.");
        return;
    }
    fl_lecture_same(l, "a network of ReLUs is straight near the clip: input's part + biases' part = score", given[0] + given[1], l->score,
                    64 * FL_REAL_EPSILON * sizes, "rounding of summands of either sign; 64 times that of one");
}

/* ---- a neighbour ---- */

static void turn(fl_lecture *l)
{
    const int64_t n = fl_lecture_voxels(l);
    real *near = fl_lecture_copy(l, l->s.input.values), low, high;
    fl_map own, other;
    if (!near || fl_lecture_map(l, "gradient", l->s.input.values, NULL, &own) != FL_OK) return;
    fl_min_max(near, n, &low, &high);
    double moved = 0, turned = 0;
    fl_lecture_say(l, "And how long does a gradient hold? The same clip with a little noise, which nobody would see:");
    fl_lecture_show(l, "%16s %14s %14s %28s", "noise, of range", "score", "it moved by", "gradient moved, of its length");
    for (int k = 0; k < 4; k++) {
        const double part = 0.0025 * (1 << k);
        fl_rng_fill_normal(l->cli->seed, 3, 0, near, n);
        for (int64_t i = 0; i < n; i++) near[i] = (real)((double)l->s.input.values[i] + part * (double)(high - low) * (double)near[i]);
        if (fl_lecture_map(l, "gradient", near, NULL, &other) != FL_OK) return;
        moved = fabs(other.score / own.score - 1);
        turned = fl_relative_error(other.data, own.data, n);
        fl_lecture_show(l, "%15.2f%% %14.6g %13.2f%% %27.1f%%", 100 * part, other.score, 100 * moved, 100 * turned);
    }
    fl_lecture_less(l, "under the same noise the score moves less than the gradient", moved, turned,
                    "many ReLUs sit near their corner: each that flips changes the slope at once and the value hardly");
}

static fl_status give(fl_lecture *l)
{
    saturate(l);
    account(l);
    turn(l);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_gradient = {
    "gradient", "why a gradient is not yet an explanation",
    "A gradient says what a small change would do, not what is there. Where a network has seen enough it is flat, and the gradient is 0 "
    "just because the evidence is overwhelming. And a slope is true of one point: next to it there is another one.",
    "f(x) = 1 - relu(1 - x)\n"
    "s(x) = <x, ds/dx> + sum over biases of <b, ds/db>      for a network of ReLUs",
    "attribution/drive_backward.c for both maps, attribution/drive_noise.c for the mean over neighbours (SmoothGrad)",
    "explain footlight-demo/clip.ppm --model c3d_small --method gradient,gradient_x_input,smoothgrad -o maps",
    "In c3d_small grey is 0, white 2 and black -2. What does gradient x input say about a grey actor in front of a white wall? What would "
    "it say if black were 0?", give};
