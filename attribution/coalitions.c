/* coalitions.c: samples by their number: combinations are counted off, the rest is drawn. */
#include "attribution/coalitions.h"

#include "tensor/rng.h"

#include <string.h>

static const uint64_t STREAM = UINT64_C(0xC0A11) << 40;          /* + number of the order or sample */

static double choose(int n, int k)
{
    double c = 1;
    if (k < 0 || k > n) return 0;
    for (int i = 1; i <= k; i++) c = c * (n - k + i) / i;
    return c;
}

/* A pair of sizes s, m-s counts twice; the middle one of an even m once. */
static bool has_partner(int m, int s) { return 2 * s != m; }
static double subsets_of(int m, int s) { return choose(m, s) * (has_partner(m, s) ? 2 : 1); }

/* Whole sizes as long as the samples suffice for them, by what the next size would get of those that are left. */
static void plan_kernel(fl_coalitions *c, int64_t samples)
{
    const int m = c->m;
    double sum = 0, left = 1;
    c->sizes = m / 2;
    for (int s = 1; s <= c->sizes; s++) sum += c->size_weight[s - 1] = (has_partner(m, s) ? 2.0 : 1.0) * (m - 1) / ((double)s * (m - s));
    for (int s = 1; s <= c->sizes; s++) c->size_weight[s - 1] /= sum;
    if (samples == 0) samples = 2 * (int64_t)m + 2048;
    for (c->whole = 0; c->whole < c->sizes; c->whole++) {
        const double subsets = subsets_of(m, c->whole + 1), weight = c->size_weight[c->whole];
        if ((double)(samples - c->fixed) * weight / left < subsets * (1 - 1e-8)) break;
        c->fixed += (int64_t)subsets;
        left -= weight;
    }
    c->left = c->whole < c->sizes ? left : 0;
    c->count = c->whole < c->sizes ? samples : c->fixed;
}

static void plan_sizes(fl_coalitions *c)
{
    double sum = 0;
    c->sizes = c->m - 1;
    for (int s = 1; s <= c->sizes; s++) sum += c->size_weight[s - 1] = (c->m - 1) / ((double)s * (c->m - s));
    for (int s = 1; s <= c->sizes; s++) c->size_weight[s - 1] /= sum;
    c->left = 1;
}

fl_status fl_coalitions_init(fl_coalitions *c, fl_design design, int m, int64_t samples, uint64_t seed, fl_arena *arena, fl_error *err)
{
    *c = (fl_coalitions){.design = design, .m = m, .seed = seed, .count = samples};
    c->size_weight = FL_NEW(arena, double, m);
    c->order = FL_NEW(arena, int, m);
    if (!c->size_weight || !c->order) return fl_error_set(err, FL_FAILED, "samples of segments: %s", arena->error->message);
    switch (design) {
    case FL_DESIGN_ALL_BUT_ONE:
    case FL_DESIGN_ONE: c->count = m; break;
    case FL_DESIGN_SUBSETS:
        if (m > FL_MOST_SUBSETS)
            return fl_error_set(err, FL_USAGE, "all subsets of %d segments would take 2^%d passes: expected at most %d segments; take "
                                "larger ones (--cell), or shapley_sampled or kernel_shap", m, m, FL_MOST_SUBSETS);
        c->count = INT64_C(1) << m;
        break;
    case FL_DESIGN_ORDERS: c->count = samples * (m - 1); break;
    case FL_DESIGN_KERNEL: plan_kernel(c, samples); break;
    case FL_DESIGN_SIZES: plan_sizes(c); break;
    case FL_DESIGN_CHANCE: break;
    }
    return FL_OK;
}

/* The q-th subset of s of m segments, those with low numbers first. */
static void count_off(int m, int s, double q, bool *on)
{
    memset(on, 0, (size_t)m * sizeof *on);
    for (int i = 0; i < m && s > 0; i++) {
        const double with = choose(m - 1 - i, s - 1);
        on[i] = q < with;
        if (on[i]) s--;
        else q -= with;
    }
}

/* Any subset of s of m segments. */
static void draw(const fl_coalitions *c, int s, fl_rng *rng, bool *on)
{
    memset(on, 0, (size_t)c->m * sizeof *on);
    for (int i = 0; i < c->m; i++) c->order[i] = i;
    for (int i = 0; i < s; i++) {
        const int at = i + fl_rng_next_below(rng, c->m - i), chosen = c->order[at];
        c->order[at] = c->order[i];
        on[chosen] = true;
    }
}

/* One of sizes first .. last by its weight. */
static int draw_size(const fl_coalitions *c, int first, double total, fl_rng *rng)
{
    double u = fl_rng_next_uniform(rng) * total;
    int s = first;
    while (s < c->sizes && u >= c->size_weight[s - 1]) u -= c->size_weight[s++ - 1];
    return s;
}

static void complement(int m, bool *on)
{
    for (int i = 0; i < m; i++) on[i] = !on[i];
}

static double kernel(const fl_coalitions *c, int64_t k, bool *on)
{
    int64_t at = k;
    for (int s = 1; s <= c->whole; s++) {
        const int64_t subsets = (int64_t)subsets_of(c->m, s);
        const bool pairs = has_partner(c->m, s);
        if (at >= subsets) {
            at -= subsets;
            continue;
        }
        count_off(c->m, s, (double)(pairs ? at / 2 : at), on);
        if (pairs && at % 2) complement(c->m, on);
        return c->size_weight[s - 1] / (double)subsets;
    }
    fl_rng rng = {c->seed, STREAM + (uint64_t)(at / 2), 0};
    draw(c, draw_size(c, c->whole + 1, c->left, &rng), &rng, on);
    if (at % 2) complement(c->m, on);
    return c->left / (double)(c->count - c->fixed);
}

double fl_coalition(const fl_coalitions *c, int64_t k, bool *on)
{
    const int m = c->m;
    fl_rng rng = {c->seed, STREAM + (uint64_t)k, 0};
    switch (c->design) {
    case FL_DESIGN_ALL_BUT_ONE:
    case FL_DESIGN_ONE:
        for (int i = 0; i < m; i++) on[i] = (i == k) == (c->design == FL_DESIGN_ONE);
        return 1;
    case FL_DESIGN_SUBSETS:
        for (int i = 0; i < m; i++) on[i] = k >> i & 1;
        return 1;
    case FL_DESIGN_ORDERS:
        rng.stream = STREAM + (uint64_t)(k / (m - 1));
        for (int i = 0; i < m; i++) c->order[i] = i;
        fl_rng_shuffle(c->order, m, &rng);
        for (int i = 0; i < m; i++) on[c->order[i]] = i <= k % (m - 1);
        return 1;
    case FL_DESIGN_KERNEL: return kernel(c, k, on);
    case FL_DESIGN_SIZES:
        draw(c, draw_size(c, 1, 1, &rng), &rng, on);
        return 1;
    case FL_DESIGN_CHANCE:
        for (int i = 0; i < m; i++) on[i] = k == 0 || fl_rng_next_uniform(&rng) < 0.5;
        return 1;
    }
    return 1;
}
