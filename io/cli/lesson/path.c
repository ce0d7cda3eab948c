/* path.c: lesson: integrated gradients: many slopes on the way from nothing to the clip, and the law of their sum.
 *
 *   a = (x - b) * mean over the way of ds/dx( b + alpha (x - b) )               sum of a = s(x) - s(b) */
#include "io/cli/lesson/lecture.h"

#include <math.h>
#include <string.h>

/* The score on the way, and what one gradient there would promise for all of it. */
static void show_way(fl_lecture *l, real *point)
{
    const int64_t n = fl_lecture_voxels(l);
    double first = 1;
    fl_map m;
    fl_lecture_say(l, "The way from b = 0, a grey clip, to the clip x. At every point of it one gradient, times x, "
                   "promises a different score:");
    fl_lecture_show(l, "%8s %14s %18s %20s", "alpha", "s(alpha x)", "<ds/dx there, x>", "length of ds/dx");
    for (int k = 0; k <= 4; k++) {
        for (int64_t i = 0; i < n; i++) point[i] = (real)(k / 4.0 * (double)l->s.input.values[i]);
        if (fl_lecture_map(l, "gradient", point, NULL, &m) != FL_OK) return;
        fl_lecture_show(l, "%8.2f %14.6f %18.6f %20.6f", k / 4.0, m.score, fl_dot(m.data, l->s.input.values, n), fl_norm(m.data, n));
        if (k == 0) first = fl_norm(m.data, n);
    }
    if (first == 0)
        fl_lecture_say(l, "At b itself the gradient is 0 in every value: grey shuts every way from the clip to the score. By that gradient "
                       "alone nothing in the clip could matter.");
}

static void count_steps(fl_lecture *l)
{
    double first = (double)NAN, last = (double)NAN;
    fl_map m = {.sum = 0};
    fl_lecture_say(l, "Their mean is the truth: what is walked up in small steps is the difference of height. The more steps, the closer:");
    fl_lecture_show(l, "%8s %16s %20s %14s", "steps", "sum of the map", "s(x) - s(b)", "off by");
    for (int steps = 1; steps <= 64; steps *= 4) {
        const fl_explain_options o = {.steps = steps, .rule = FL_QUADRATURE_MIDDLE, .baseline = "zero"};
        if (fl_lecture_map(l, "integrated_gradients", l->s.input.values, &o, &m) != FL_OK) return;
        last = fabs(m.sum - m.wanted);
        if (steps == 1) first = last;
        fl_lecture_show(l, "%8d %16.*g %20.*g %13.2f%%", steps, fl_lecture_digits(), m.sum, fl_lecture_digits(), m.wanted,
                        100 * last / fabs(m.wanted));
    }
    const double sizes = fl_sum_sizes(m.data, fl_shape_count(m.shape));
    fl_lecture_same(l, "the map of 64 steps adds up to s(x) - s(b)", m.sum, m.wanted, 0.05 * fmax(fabs(m.wanted), 0.01 * sizes),
                    "a path of finitely many steps across the corners of ReLUs: a twentieth, as in footlight check");
    fl_lecture_less(l, "64 steps are closer than one", last, first,
                    "steps shrink, and with them what a corner inside one of them can spoil");
}

/* Eight gradients, one after the other, and nothing of the method. */
static void by_hand(fl_lecture *l, real *point)
{
    enum { STEPS = 8 };
    const int64_t n = fl_lecture_voxels(l);
    const real *x = l->s.input.values;
    double *sum = FL_NEW(l->cli->arena, double, n), off = 0, all = 0;
    const fl_explain_options o = {.steps = STEPS, .rule = FL_QUADRATURE_MIDDLE, .baseline = "zero"};
    fl_map m;
    if (!sum) return;
    for (int k = 0; k < STEPS; k++) {
        for (int64_t i = 0; i < n; i++) point[i] = (real)((k + 0.5) / STEPS * (double)x[i]);
        if (fl_lecture_map(l, "gradient", point, NULL, &m) != FL_OK) return;
        for (int64_t i = 0; i < n; i++) sum[i] += (double)x[i] * (double)m.data[i] / STEPS;
    }
    if (fl_lecture_map(l, "integrated_gradients", x, &o, &m) != FL_OK) return;
    for (int64_t i = 0; i < n; i++) {
        off += (sum[i] - (double)m.data[i]) * (sum[i] - (double)m.data[i]);
        all += sum[i] * sum[i];
    }
    fl_lecture_say(l, "By hand: %d gradients in the middles of %d steps, added up, times x, value by value, beside the map of the "
                   "method (length %.5g).", STEPS, STEPS, sqrt(all));
    fl_lecture_small(l, "both maps are one: length of their difference", sqrt(off), (fl_lecture_fine() ? 1e-10 : 1e-4) * sqrt(all),
                    "rounding: the method adds signals up behind the first convolution and goes through that only once");
}

static fl_status give(fl_lecture *l)
{
    real *point = fl_lecture_copy(l, l->s.input.values);
    if (!point) return l->cli->error->status;
    show_way(l, point);
    count_steps(l);
    by_hand(l, point);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_path = {
    "path", "integrated gradients: the sum of many slopes is a difference of heights",
    "One gradient is true of one point, so take many, on the straight way from a clip that shows nothing to the clip itself. Their mean, "
    "times the way, gives every value a share, and the shares add up to the difference of the two scores. No value is counted twice and "
    "nothing is left over.",
    "a_i = (x_i - b_i) * integral over alpha from 0 to 1 of  ds/dx_i( b + alpha (x - b) )\n"
    "sum of a = s(x) - s(b)",
    "attribution/drive_path.c for the walk, attribution/quadrature.h for where to stop on it, attribution/baselines.c",
    "explain footlight-demo/clip.ppm --model c3d_small --method integrated_gradients --baseline zero,black,blur -o paths",
    "The sum is right for any b. So what does the choice of b change, and which b would hide an actor that is grey?", give};
