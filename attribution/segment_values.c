/* segment_values.c: the estimators. z: which of the m segments are shown, f(z): the score, 0: none, 1: all.
 *
 *   loco      f(1) - f(all but i)                                                      Lei et al. 2018
 *   up        f(only i) - f(0)
 *   shapley   sum over S without i of |S|! (m-1-|S|)! / m! (f(S + i) - f(S)):  every f(S) counts (s-1)! (m-s)! / m! for its members
 *             and -s! (m-1-s)! / m! for the others, so that one pass over the subsets and m sums are enough
 *   orders    mean over random orders of f(those up to i) - f(those before i)
 *   kernel    minimise sum w(z) (f(z) - f(0) - sum_i b_i z_i)^2  subject to  sum_i b_i = f(1) - f(0):  the last b is eliminated
 *   lime      minimise sum w(z) (f(z) - b - sum_i b_i z_i)^2 + ridge sum_i b_i^2,   w = sqrt(exp(-d^2 / width^2)),  d = 1 - sqrt(|z| / m)
 *   kernel as published (Captum): no constraint, f(0) and f(1) are two more rows of weight 10^6; b is free
 *
 * Where b is free, rows hold f(z) - f(1): only b is another, and of scores that never change the b_i are 0 instead of what rounding leaves.
 *
 * Standard errors: orders: of a mean. Regressions: samples go to 16 groups in turn; without each group once, b_(g), and
 * error^2 = 15/16 sum_g (b_(g) - mean)^2 (the jackknife). What is counted in full has none. */
#include "attribution/segment_values.h"

#include "attribution/least_squares.h"
#include "tensor/math.h"

#include <string.h>

static bool is_regression(const fl_segment_values *v) { return v->variant == FL_SEGMENT_KERNEL || v->variant == FL_SEGMENT_LIME; }
static bool is_constrained(const fl_segment_values *v) { return v->variant == FL_SEGMENT_KERNEL && !v->published; }

static double *kept(fl_run *r, fl_state *state, const char *name, int64_t count)
{
    double *p = fl_run_doubles(r, count);
    fl_state_add(state, name, p, (size_t)count * sizeof *p);
    return p;
}

fl_status fl_segment_values_init(fl_segment_values *v, fl_run *r, fl_state *state)
{
    v->value = fl_run_doubles(r, v->m);
    v->error = fl_run_doubles(r, v->m);
    v->step = kept(r, state, "step", v->m);
    v->sum = kept(r, state, "sum", v->m);
    v->squares = kept(r, state, "squares", v->m);
    fl_state_add(state, "last", &v->last, sizeof v->last);
    fl_state_add(state, "hidden", &v->hidden, sizeof v->hidden);
    fl_state_add(state, "taken", &v->done, sizeof v->done);
    if (!is_regression(v)) return r->g->error->status;
    if (v->m > FL_MOST_REGRESSED)
        return fl_error_set(r->g->error, FL_USAGE, "%s: expected at most %d segments, got %d; take larger ones (--cell, --pieces)",
                            r->method->name, FL_MOST_REGRESSED, v->m);
    v->n = is_constrained(v) ? v->m - 1 : v->m + 1;
    const int64_t size = fl_squares_size(v->n);
    v->fixed = kept(r, state, "fixed", size);
    v->group = kept(r, state, "groups", size * FL_VALUE_GROUPS);
    fl_state_add(state, "weight", v->weight, sizeof v->weight);
    v->row = fl_run_doubles(r, v->n + 1);
    v->scratch = fl_run_doubles(r, size);
    v->total = fl_run_doubles(r, size);
    return r->g->error->status;
}

/* ---- taking samples ---- */

/* s! (m-1-s)! / m!, which is 1 / (m C(m-1,s)) */
static double shapley_weight(int m, int s)
{
    double c = m;
    for (int i = 1; i <= s; i++) c = c * (m - 1 - s + i) / i;
    return 1 / c;
}

static void add_subset(fl_segment_values *v, const bool *on, double score)
{
    int s = 0;
    for (int i = 0; i < v->m; i++) s += on[i];
    const double in = s > 0 ? shapley_weight(v->m, s - 1) * score : 0, out = s < v->m ? shapley_weight(v->m, s) * score : 0;
    for (int i = 0; i < v->m; i++) v->sum[i] += on[i] ? in : -out;
}

/* The first i+1 of an order are on. With the last but one the last is known too: all of them are the clip. */
static void add_in_order(fl_segment_values *v, int64_t k, double score)
{
    const int i = (int)(k % (v->m - 1)), *order = v->design->order;
    v->step[order[i]] = score - (i == 0 ? v->hidden : v->last);
    v->last = score;
    if (i < v->m - 2) return;
    v->step[order[v->m - 1]] = v->clip - score;
    for (int j = 0; j < v->m; j++) fl_running(v->step[j], k / (v->m - 1) + 1, &v->sum[j], &v->squares[j]);
}

/* on NULL: all of them, or none */
static double shown(const bool *on, bool all, int i) { return on ? on[i] : all; }

static void add_row(fl_segment_values *v, double *to, double weight, const bool *on, bool all, double score)
{
    const int m = v->m;
    const bool constrained = is_constrained(v);
    const double last = constrained ? shown(on, all, m - 1) : 0;
    for (int i = 0; i < v->n; i++) v->row[i] = (i < m ? shown(on, all, i) : 1) - last;
    v->row[v->n] = constrained ? score - v->hidden - last * (v->clip - v->hidden) : score - v->clip;
    fl_squares_add(v->n, to, weight, v->row);
}

static double closeness(const fl_segment_values *v, const bool *on)
{
    int s = 0;
    for (int i = 0; i < v->m; i++) s += on[i];
    const double d = 1 - sqrt((double)s / v->m), in = d / v->kernel_width;
    return fl_exp64(-0.5 * in * in);
}

static void add_to_regression(fl_segment_values *v, int64_t k, const bool *on, double weight, double score)
{
    const int64_t drawn = k - v->design->fixed;
    const int group = (int)(v->variant == FL_SEGMENT_KERNEL ? drawn / 2 % FL_VALUE_GROUPS : drawn % FL_VALUE_GROUPS);
    if (v->variant == FL_SEGMENT_LIME) weight *= closeness(v, on);
    add_row(v, drawn < 0 ? v->fixed : v->group + group * fl_squares_size(v->n), weight, on, false, score);
    if (drawn >= 0) v->weight[group] += weight;
}

void fl_segment_values_start(fl_segment_values *v, double hidden)
{
    v->hidden = hidden;
    if (v->variant != FL_SEGMENT_KERNEL || !v->published) return;
    add_row(v, v->fixed, 1e6, NULL, false, hidden);
    add_row(v, v->fixed, 1e6, NULL, true, v->clip);
}

void fl_segment_values_add(fl_segment_values *v, int64_t k, const bool *on, double weight, double score)
{
    v->done = k + 1;
    switch (v->variant) {
    case FL_SEGMENT_LOCO:    v->sum[k] = v->clip - score; break;
    case FL_SEGMENT_UP:      v->sum[k] = score - v->hidden; break;
    case FL_SEGMENT_SHAPLEY: add_subset(v, on, score); break;
    case FL_SEGMENT_ORDERS:  add_in_order(v, k, score); break;
    default:                 add_to_regression(v, k, on, weight, score);
    }
}

/* ---- values ---- */

/* Sums of all rows that count, but for one group (-1: none left out); what is drawn keeps its weight. */
static void gather_sums(fl_segment_values *v, int without, double all_weight)
{
    const int64_t size = fl_squares_size(v->n), drawn = v->done - v->design->fixed;
    const double planned = is_constrained(v) && drawn > 0 ? (double)(v->design->count - v->design->fixed) / (double)drawn : 1;
    const double factor = planned * (without < 0 ? 1 : all_weight / (all_weight - v->weight[without]));
    memset(v->total, 0, (size_t)size * sizeof *v->total);
    for (int g = 0; g < FL_VALUE_GROUPS; g++)
        for (int64_t i = 0; i < size && g != without; i++) v->total[i] += v->group[g * size + i];
    for (int64_t i = 0; i < size; i++) v->total[i] = factor * v->total[i] + v->fixed[i];
}

static void solve(fl_segment_values *v, int without, double all_weight, double *value)
{
    const bool lime = v->variant == FL_SEGMENT_LIME;
    double *b = v->row, sum = 0;
    gather_sums(v, without, all_weight);
    if (!fl_squares_solve(v->n, v->total, lime ? v->ridge : 0, lime ? v->m : 0, b, v->scratch)) v->open = true;
    for (int i = 0; i < v->m && i < v->n; i++) sum += value[i] = b[i];
    if (is_constrained(v)) value[v->m - 1] = v->clip - v->hidden - sum;
}

/* step and sum serve as scratch: a regression has no other use for them, and their bytes in a state do not matter. */
static void regress(fl_segment_values *v)
{
    double all = 0, *one = v->step, *mean = v->sum, *squares = v->squares;
    int groups = 0;
    for (int g = 0; g < FL_VALUE_GROUPS; g++) all += v->weight[g];
    memset(mean, 0, (size_t)v->m * sizeof *mean);
    memset(squares, 0, (size_t)v->m * sizeof *squares);
    for (int g = 0; g < FL_VALUE_GROUPS && all > 0; g++) {
        if (!(v->weight[g] > 0 && v->weight[g] < all)) continue;
        solve(v, g, all, one);
        groups++;
        for (int i = 0; i < v->m; i++) fl_running(one[i], groups, &mean[i], &squares[i]);
    }
    v->open = false;
    solve(v, -1, all, v->value);
    for (int i = 0; i < v->m; i++)
        v->error[i] = groups > 1 ? sqrt(squares[i] * (groups - 1) / groups) : all > 0 ? fabs(v->value[i]) : 0;
}

/* Of those that were not reached nothing is known but how far the others are from 0. */
static void one_by_one(fl_segment_values *v)
{
    double far = 0;
    for (int64_t i = 0; i < v->done; i++) far += v->sum[i] * v->sum[i];
    for (int i = 0; i < v->m; i++) {
        v->value[i] = v->sum[i];
        v->error[i] = i < v->done || v->done == 0 ? 0 : sqrt(far / (double)v->done);
    }
}

void fl_segment_values_make(fl_segment_values *v)
{
    const int64_t complete = v->done / (v->m > 1 ? v->m - 1 : 1);
    const double orders = (double)complete;
    if (is_regression(v)) {
        regress(v);
        return;
    }
    if (v->variant == FL_SEGMENT_LOCO || v->variant == FL_SEGMENT_UP) {
        one_by_one(v);
        return;
    }
    for (int i = 0; i < v->m; i++) {
        v->value[i] = v->sum[i];
        v->error[i] = v->variant == FL_SEGMENT_SHAPLEY ? 0 : orders > 1 ? sqrt(v->squares[i] / (orders * (orders - 1))) : fabs(v->sum[i]);
    }
}
