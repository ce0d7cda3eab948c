/* chain.c: lesson: one pixel's gradient by the chain rule downwards, upwards, and by asking the network twice.
 *
 *   ds/dx = product of the slopes along a way, summed over all ways          (s(x + h v) - s(x - h v)) / 2h -> <ds/dx, v> */
#include "io/cli/lesson/lecture.h"

#include "attribution/trace.h"

#include <math.h>

/* Whether every way from the input to the score passes node i. */
static bool is_gate(const fl_traced *t, fl_id i)
{
    const fl_graph *g = t->g;
    for (fl_id j = i + 1; j <= g->root; j++)
        for (int k = 0; t->trail.met[j].on_tape && k < g->node[j].n_in; k++)
            if (g->node[j].in[k] < i && t->trail.met[g->node[j].in[k]].on_tape) return false;
    return t->trail.met[i].on_tape;
}

static void show_way(fl_lecture *l, const fl_traced *t)
{
    double slopes = 1;
    fl_lecture_say(l, "The tape is walked down from the score. At every node the signal that arrived is multiplied with the slope of the "
                   "node. Of the many ways from the score to one pixel (frame %d, row %d, column %d, channel %d) this is the strongest:",
                   t->place[1], t->place[2], t->place[3], t->place[0]);
    fl_lecture_show(l, "%-14s %-10s %12s %12s %14s", "node", "op", "value", "slope", "slopes so far");
    for (int i = 0; i < t->trail.steps; i++) {
        const fl_step *s = &t->trail.step[i];
        const fl_node *n = &t->g->node[s->node];
        if (s->operand >= 0) slopes *= s->slope;
        if (s->operand >= 0) fl_lecture_show(l, "%-14s %-10s %12.5g %12.5g %14.5g", n->name, n->op->name, s->value, s->slope, slopes);
        else fl_lecture_show(l, "%-14s %-10s %12.5g", n->name, n->op->name, s->value);
    }
    fl_lecture_say(l, "This way alone gives %.5g. All ways together give %.5g: a pixel reaches the score by %lld values of the last layer "
                   "with places.", slopes, t->signal,
                   (long long)(l->s.net.cam == FL_NONE ? 0 : t->trail.met[l->s.net.cam].reached));
}

/* Upwards: how much every value changes with the pixel. At a node that every way passes, the products
 * with what came down make up the whole. */
static void meet(fl_lecture *l, const fl_traced *t)
{
    double worst = t->signal, sizes = fabs(t->signal);
    fl_lecture_say(l, "Now upwards: how much does every value change with the pixel? That is known without any signal from "
                   "above. Where both meet, the sum of (signal from above) x (change from below) is the pixel's gradient: at "
                   "every layer the same number.");
    fl_lecture_show(l, "%-14s %16s %24s", "node", "values reached", "sum of signal x change");
    for (fl_id i = t->g->root; i >= 0; i--) {
        const fl_met *m = &t->trail.met[i];
        if (!is_gate(t, i)) continue;
        fl_lecture_show(l, "%-14s %16lld %24.*g", t->g->node[i].name, (long long)m->reached, fl_lecture_digits(), m->through);
        if (fabs(m->through - t->signal) > fabs(worst - t->signal)) worst = m->through;
    }
    fl_lecture_same(l, "the worst of these sums = what backward handed to the pixel", worst, t->signal,
                    (fl_lecture_fine() ? 1e-10 : 1e-3) * sizes, "rounding of signals that cancel: thousands of ways of either sign");
}

/* Along v, as long as the clip's own gradient tells: the way on which the score changes most, so that rounding hides least. */
static void ask(fl_lecture *l, const fl_traced *t)
{
    const int64_t n = fl_lecture_voxels(l);
    const real *x = l->s.input.values, *g = fl_graph_signal(t->g, t->input);
    real *v = fl_lecture_copy(l, g), *moved = fl_lecture_copy(l, x);
    const double length = v ? fl_norm(v, n) : 0;
    double before[2] = {(double)NAN, (double)NAN}, best = (double)NAN, closest = (double)INFINITY;
    if (!v || !moved || length <= 0) return;
    fl_scale(v, (real)(1 / length), n);
    const double slope = fl_dot(g, v, n);
    fl_lecture_say(l, "Last, without any chain rule: move the clip by h along a direction v, ask the network what it says on either side, "
                   "and divide. v is the gradient's own direction, of length 1; the gradient promises a slope of %.*g.",
                   fl_lecture_digits(), slope);
    fl_lecture_show(l, "%12s %18s %18s %16s %10s", "h", "s(x + h v)", "s(x - h v)", "quotient", "off by");
    for (int k = 0; k < (fl_lecture_fine() ? 12 : 9); k++) {
        const double h = ldexp(1, -2 * k);
        double s[2];
        for (int side = 0; side < 2; side++) {
            for (int64_t i = 0; i < n; i++) moved[i] = (real)((double)x[i] + (side ? -h : h) * (double)v[i]);
            s[side] = fl_lecture_score(l, moved);
        }
        const double quotient = (s[0] - s[1]) / (2 * h);
        fl_lecture_show(l, "%12.4g %18.*g %18.*g %16.*g %10.1e", h, fl_lecture_digits(), s[0], fl_lecture_digits(), s[1],
                        fl_lecture_digits(), quotient, fabs(quotient / slope - 1));
        const double apart = fabs(quotient - before[0]) + fabs(before[0] - before[1]);
        if (apart < closest) closest = apart, best = before[0];
        before[1] = before[0];
        before[0] = quotient;
    }
    fl_lecture_say(l, "Too long a step crosses corners of ReLUs, too short a one drowns in rounding. The quotient that agrees best with "
                   "both of its neighbours is taken; the choice does not look at the gradient.");
    fl_lecture_same(l, "quotient = gradient along v", best, slope, 10 * sqrt(FL_REAL_EPSILON) * fabs(slope),
                    "a difference keeps about half of the digits of " FL_REAL_NAME "; ten times that");
}

static fl_status give(fl_lecture *l)
{
    static const int strongest[4] = {-1, -1, -1, -1};
    const fl_explain_options o = {.target = {.class_index = l->best, .other = FL_CLASS_AUTO}};
    fl_traced t;
    if (fl_trace(l->s.explainer, fl_method_find("gradient"), l->s.input.values, &o, strongest, l->cli->arena, &t) != FL_OK)
        return l->cli->error->status;
    show_way(l, &t);
    meet(l, &t);
    ask(l, &t);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_chain = {
    "chain", "one pixel's gradient: walked down, walked up, and not walked at all",
    "A network is a list of nodes, and each knows its own slope. The chain rule multiplies slopes along a way and adds up all ways. "
    "Backward does that for all pixels at once in a single walk down, because ways that meet go on together.",
    "ds/dx = sum over all ways of the product of the slopes along the way\n"
    "(s(x + h v) - s(x - h v)) / 2h  ->  <ds/dx, v>",
    "autograd/backward.c for the walk down, autograd/follow.c for the way up, autograd/gradcheck.c for differences",
    "trace --model c3d_small -o walk.html",
    "The score's own rounding is about 1e-7 of it in float32. Which h would you choose before you have seen the table, and what does "
    "the same lesson of the float64 build (make F64=1) show?", give};
