/* test_attribution_rise.c: RISE against its expectation, and whether standard errors are what values spread. */
#include "tests/sampling_rig.h"
#include "tests/mask_share.h"

/* ---- RISE ---- */

enum { GH = 3, GW = 2, KEEP_TENTHS = 4 };

/* E[M_i M_j] = p^2 + p (1-p) mean over offsets of sum over cells of share_i share_j, one factor per axis; frames are alike. */
static double moment(int i, int j)
{
    const double p = KEEP_TENTHS / 10.0;
    double rows = 0, columns = 0;
    for (int s = 0; s < H / GH; s++)
        for (int c = 0; c < GH; c++) rows += mask_share(i / W % H, s, GH, H, c) * mask_share(j / W % H, s, GH, H, c) / ((double)H / GH);
    const int cell = (W + GW - 1) / GW;
    for (int s = 0; s < cell; s++)
        for (int c = 0; c < GW; c++) columns += mask_share(i % W, s, GW, W, c) * mask_share(j % W, s, GW, W, c) / cell;
    return p * p + p * (1 - p) * rows * columns;
}

TEST(attribution_rise_converges_to_its_expectation)
{
    static double wanted[2][PIXELS];
    fl_rig r;
    linear_up(&r, 4);
    const double p = KEEP_TENTHS / 10.0;
    for (int i = 0; i < PIXELS; i++) {
        double sum = -p;                                                 /* the bias -1, times E[M_i] */
        for (int j = 0; j < PIXELS; j++) sum += effect(j) * moment(i, j);
        wanted[0][i] = sum / p;
    }
    double last = 0;
    for (int level = 0; level < 3; level++) {
        const int n = 300 << 2 * level;
        double far = 0, outside = 0, error = 0;
        for (uint64_t seed = 0; seed < 4; seed++) {
            const fl_mark mark = fl_arena_mark(&r.results);
            const real *map = rig_explain(&r, "rise", clip, WITH(OF_CLASS_1, .samples = n, .grid = "1,3,2", .keep = p, .seed = seed));
            for (int i = 0; map && i < PIXELS; i++) {
                const double d = fabs((double)map[i * C] - wanted[0][i]), se = (double)r.map.standard_error[i];
                far += d * d;
                error += se * se;
                outside = fmax(outside, d / se);
            }
            fl_arena_release(&r.results, mark);
        }
        CHECK_SAY(outside < 4.5, "%d masks: %g standard errors off", n, outside);
        CHECK_SAY(level == 0 || far < 0.6 * last, "%d masks: %g after %g", n, far, last);
        last = far;
        CHECK_SAY(far < 3 * error && error < 9 * far, "%d masks: off by %g, standard errors say %g", n, sqrt(far), sqrt(error));
    }
    /* as published: not divided by p */
    const real *map = rig_explain(&r, "rise", clip, WITH(OF_CLASS_1, .samples = 20, .grid = "1,3,2", .keep = p));
    double kept[PIXELS];
    for (int i = 0; i < PIXELS; i++) kept[i] = p * (double)map[i * C];
    rig_explain(&r, "rise", clip, WITH(OF_CLASS_1, .samples = 20, .grid = "1,3,2", .keep = p, .as_published = true));
    check_map("published", &r, kept, NEAR_ZERO);
    map = rig_explain(&r, "rise_3d", clip, WITH(OF_CLASS_1, .samples = 50, .grid = "2,3,2", .baseline = "zero", .as_published = true));
    double all = 0;
    for (int i = 0; i < PIXELS; i++) all += (double)map[i * C];
    CHECK(fabs(all - 1) < 1e-4 || all <= 0);
    rig_down(&r);
}

/* A score that never changes: RISE shows the mean mask, balanced RISE the score itself, with no error. */
TEST(attribution_rise_of_a_constant_score)
{
    fl_rig r;
    static const double none[2 * VOXELS] = {0}, bias[2] = {0.75, 0};
    linear_up(&r, 1);
    rig_down(&r);
    rig_up(&r, (fl_shape){1, C, T, H, W});
    rig_ready(&r, rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", r.net.input), 2, none, bias));
    const real *map = rig_explain(&r, "rise", clip, WITH(CLASS_0, .samples = 400, .keep = 0.5, .grid = "1,3,2"));
    for (int p = 0; map && p < PIXELS; p++) CHECK_NEAR((double)map[p * C], 0.75, 5 * (double)r.map.standard_error[p]);
    map = rig_explain(&r, "rise", clip, WITH(CLASS_0, .samples = 30, .keep = 0.5, .grid = "1,3,2", .balanced = true));
    for (int p = 0; map && p < PIXELS; p++) {
        CHECK_NEAR((double)map[p * C], 0.75, 1e-6);
        CHECK_NEAR((double)r.map.standard_error[p], 0, 1e-7);
    }
    rig_down(&r);
}

/* ---- standard errors ---- */

/* Over many seeds: the spread of the values is what the standard errors say, on average over the voxels. */
TEST(attribution_standard_errors_are_calibrated)
{
    enum { SEEDS = 60 };
    static const struct { const char *method; fl_explain_options o; double low, high; } cases[] = {
        {"rise", {CLASS_0, .samples = 80, .keep = 0.4, .grid = "4,1,1"}, 0.8, 1.25},
        {"rise", {CLASS_0, .samples = 80, .keep = 0.4, .grid = "4,1,1", .balanced = true}, 0.8, 1.25},
        {"rise_3d", {CLASS_0, .samples = 60, .grid = "8,1,1", .baseline = "zero"}, 0.8, 1.25},
        {"shapley_sampled", {CLASS_0, .samples = 12, .segments = "frames"}, 0.8, 1.25},
        {"kernel_shap", {CLASS_0, .samples = 120, .segments = "frames"}, 0.75, 1.35},
        {"lime", {CLASS_0, .samples = 150, .segments = "frames", .hide = FL_HIDE_BASELINE}, 0.75, 1.35}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_rig r;
        double mean[M] = {0}, squares[M] = {0}, said = 0, spread = 0;
        net_up(&r, M, 4);
        for (int seed = 0; seed < SEEDS; seed++) {
            const fl_mark mark = fl_arena_mark(&r.results);
            fl_explain_options o = cases[i].o;
            o.seed = (uint64_t)seed + 100;
            const real *map = rig_explain(&r, cases[i].method, frames_of_one, o);
            for (int p = 0; map && p < M; p++) {
                const double d = (double)map[p] - mean[p];
                mean[p] += d / (seed + 1);
                squares[p] += d * ((double)map[p] - mean[p]);
                said += (double)r.map.standard_error[p] * (double)r.map.standard_error[p] / SEEDS;
            }
            fl_arena_release(&r.results, mark);
        }
        for (int p = 0; p < M; p++) spread += squares[p] / (SEEDS - 1);
        const double ratio = sqrt(said / spread);
        CHECK_SAY(ratio > cases[i].low && ratio < cases[i].high, "%s (case %zu): standard errors are %g of what they should be",
                  cases[i].method, i, ratio);
        rig_down(&r);
    }
}
