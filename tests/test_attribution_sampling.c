/* test_attribution_sampling.c: methods that change the clip and watch, on networks whose answer is known: linear ones, where every
 * method has a closed form, and small nets with interactions, where sets of segments are tried one by one. */
#include "attribution/coalitions.h"
#include "tests/attribution_rig.h"
#include "tests/mask_share.h"

#include "tensor/math.h"
#include "tensor/rng.h"

#include <stdlib.h>

/* ---- a linear network: score_c = w_c . x + b_c ---- */

enum { T = 4, H = 6, W = 5, C = 2, PIXELS = T * H * W, VOXELS = PIXELS * C, CLASSES = 2 };
static double weight[CLASSES * VOXELS];                  /* file order */
static real clip[VOXELS];                                /* channels last */

static void linear_up(fl_rig *r, int batch)
{
    fl_rng rng = {9, 1, 0};
    for (int i = 0; i < CLASSES * VOXELS; i++) weight[i] = fl_rng_next_below(&rng, 17) / 8.0 - 1;
    for (int i = 0; i < VOXELS; i++) clip[i] = (real)(fl_rng_next_below(&rng, 17) / 8.0 - 1);
    rig_up(r, (fl_shape){batch, C, T, H, W});
    static const double bias[CLASSES] = {3, -1};
    rig_ready(r, rig_linear(r, "fc", fl_node_flatten(r->g, "flat", r->net.input), CLASSES, weight, bias));
}

/* What a voxel adds to the score of class 1, both channels together. */
static double effect(int p)
{
    double sum = 0;
    for (int c = 0; c < C; c++) sum += weight[VOXELS + c * PIXELS + p] * (double)clip[p * C + c];
    return sum;
}

static double whole_score(void)
{
    double sum = -1;
    for (int p = 0; p < PIXELS; p++) sum += effect(p);
    return sum;
}

#define OF_CLASS_1 .target = {.class_index = 1, .score = FL_SCORE_LOGIT}
static const double NEAR_ZERO = FL_REAL_EPSILON * 400;

static void check_map(const char *what, const fl_rig *r, const double *wanted, double tolerance)
{
    for (int p = 0; p < PIXELS; p++)
        for (int c = 0; c < C; c++)
            if (!CHECK_SAY(fabs((double)r->map.data[p * C + c] - wanted[p]) <= tolerance, "%s: voxel %d is %.9g, wanted %.9g", what, p,
                           (double)r->map.data[p * C + c], wanted[p]))
                return;
}

TEST(attribution_occlusion_of_a_linear_network)
{
    static const struct { const char *window, *stride; int size[3], step[3]; bool sums; } cases[] = {
        {"1", "1", {1, 1, 1}, {1, 1, 1}, false}, {"2,3,2", "1,2,1", {2, 3, 2}, {1, 2, 1}, false},
        {"3,4,4", NULL, {3, 4, 4}, {1, 2, 2}, false}, {"4,6,5", NULL, {4, 6, 5}, {2, 3, 2}, false},
        {"100,6,2", "7,3,2", {4, 6, 2}, {7, 3, 2}, false}, {"2,3,3", "2,2,1", {2, 3, 3}, {2, 2, 1}, true}};
    for (int batch = 1; batch <= 3; batch += 2)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            fl_rig r;
            linear_up(&r, batch);
            rig_explain(&r, "occlusion", clip, WITH(OF_CLASS_1, .window = cases[i].window, .stride = cases[i].stride,
                                                    .published = cases[i].sums));
            double sum[PIXELS] = {0};
            int n[PIXELS] = {0}, windows = 0;
            const int *s = cases[i].size, *d = cases[i].step, side[3] = {T, H, W};
            for (int t = 0; t == 0 || t + s[0] < T + d[0]; t += d[0])          /* the last window is the first that reaches the end */
                for (int y = 0; y == 0 || y + s[1] < H + d[1]; y += d[1])
                    for (int x = 0; x == 0 || x + s[2] < W + d[2]; x += d[2]) {
                        double e = 0;
                        if (cases[i].sums && (t + s[0] > side[0] || y + s[1] > side[1] || x + s[2] > side[2])) continue;
                        windows++;
                        for (int pass = 0; pass < 2; pass++)
                            for (int p = 0; p < PIXELS; p++) {
                                const int at[3] = {p / (H * W), p / W % H, p % W};
                                if (at[0] < t || at[0] >= t + s[0] || at[1] < y || at[1] >= y + s[1] || at[2] < x ||
                                    at[2] >= x + s[2]) continue;
                                if (pass == 0) e += effect(p);
                                else sum[p] += e, n[p]++;
                            }
                    }
            for (int p = 0; p < PIXELS; p++)
                if (!cases[i].sums) sum[p] /= n[p];
            CHECK(r.map.samples == windows && r.map.passes == windows + 2);
            check_map(cases[i].window, &r, sum, NEAR_ZERO);
            for (int p = 0; p < PIXELS; p++) CHECK(r.map.standard_error[p] == 0);
            rig_down(&r);
        }
    fl_rig r;
    linear_up(&r, 1);
    CHECK(fl_explain(r.e, fl_method_find("occlusion"), clip, &WITH(.window = "2,2,2", .stride = "1,3,1"), &r.results, &r.map) == FL_USAGE);
    CHECK_SAY(strstr(r.error.message, "never be hidden") != NULL, "%s", r.error.message);
    static const char *const bad[] = {"", "2,", "2,2", "2,2,2,", "2,2,2,2", "0", "1,0,1", "a", "2 2 2", "-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error_clear(&r.error);
        CHECK_SAY(fl_explain(r.e, fl_method_find("occlusion"), clip, &WITH(.window = bad[i]), &r.results, &r.map) == FL_USAGE, "'%s'",
                  bad[i]);
    }
    rig_down(&r);
}

/* Sets of segments on an additive score: LOCO, UP, Shapley values, KernelSHAP and LIME without ridge all give each segment's effect. */
TEST(attribution_segments_of_a_linear_network)
{
    static const char *const methods[] = {"loco", "up", "shapley_exact", "shapley_sampled", "kernel_shap", "lime"};
    double wanted[PIXELS] = {0}, cell[8] = {0};
    fl_rig r;
    for (int m = 0; m < 6; m++) {
        linear_up(&r, 1 + 2 * (m % 2));
        memset(cell, 0, sizeof cell);
        for (int p = 0; p < PIXELS; p++) cell[p / (H * W) / 2 * 4 + p / W % H / 3 * 2 + p % W / 3] += effect(p);
        for (int p = 0; p < PIXELS; p++) wanted[p] = cell[p / (H * W) / 2 * 4 + p / W % H / 3 * 2 + p % W / 3];
        rig_explain(&r, methods[m], clip, WITH(OF_CLASS_1, .segments = "grid", .cell = "2,3,3", .hide = FL_HIDE_BASELINE,
                                               .meant = FL_READS(ridge)));
        check_map(methods[m], &r, wanted, 20 * NEAR_ZERO);
        CHECK(r.map.segments == 8);
        if (r.map.method->law == FL_LAW_SHARES) {
            CHECK_NEAR(r.map.sum, whole_score() + 1, NEAR_ZERO);
            CHECK_NEAR(r.map.wanted, whole_score() + 1, NEAR_ZERO);
            CHECK_NEAR(r.map.residual, 0, 1e-12);
        }
        rig_down(&r);
    }
}

/* ---- interactions: Captum's fixture F4, and nets of random weights against brute force ---- */

/* h = relu(x1 + x2 + x3 + [-10,1,1,1]), score = sum h - 1. Three frames of one pixel. */
static void f4_up(fl_rig *r)
{
    static const double ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, hidden[4] = {-10, 1, 1, 1}, out[2] = {-1, 1};
    rig_up(r, (fl_shape){1, 1, 3, 1, 1});
    const fl_id h = rig_linear(r, "h", fl_node_flatten(r->g, "flat", r->net.input), 4, ones, hidden);
    rig_ready(r, rig_linear(r, "out", fl_node_relu(r->g, "relu", h), 2, ones, out));
}

TEST(attribution_sampling_fixtures_of_captum)
{
    #define CLASS_0 .target = {.class_index = 0, .score = FL_SCORE_LOGIT}
    static const real big[3] = {20, 50, 30}, small[3] = {2, 10, 3}, tens[3] = {10, 10, 10}, fours[3] = {4, 4, 4};
    static const struct { const char *method; const real *x; fl_explain_options o; double wanted[3]; } cases[] = {
        {"occlusion", big, {CLASS_0, .window = "1"}, {80, 200, 120}},
        {"occlusion", big, {CLASS_0, .window = "2,1,1", .stride = "1,1,1", .baseline_clip = tens}, {200, 220, 240}},
        {"occlusion", big, {CLASS_0, .window = "2,1,1", .stride = "2,1,1"}, {280, 280, 120}},
        {"occlusion", small, {CLASS_0, .window = "1"}, {8, 35, 12}},
        {"kernel_shap", big, {CLASS_0, .segments = "frames"}, {230.0 / 3, 590.0 / 3, 350.0 / 3}},
        {"kernel_shap", big, {CLASS_0, .cell = "2,1,1"}, {275, 275, 115}},
        {"kernel_shap", big, {CLASS_0, .cell = "2,1,1", .baseline_clip = fours}, {248, 248, 104}},
        {"kernel_shap", small, {CLASS_0, .segments = "frames"}, {7, 32.5, 10.5}},
        {"kernel_shap", small, {CLASS_0, .cell = "2,1,1"}, {39.5, 39.5, 10.5}},
        {"shapley_exact", big, {CLASS_0, .segments = "frames"}, {230.0 / 3, 590.0 / 3, 350.0 / 3}},
        {"shapley_exact", small, {CLASS_0, .segments = "frames"}, {7, 32.5, 10.5}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_rig r;
        f4_up(&r);
        check_values(cases[i].method, rig_explain(&r, cases[i].method, cases[i].x, cases[i].o), cases[i].wanted, 3, 1e-4);
        rig_down(&r);
    }
}

enum { M = 10, UNITS = 12 };
static real frames_of_one[M];

/* m frames of one pixel: a net with one hidden layer; every frame is a segment. */
static void net_up(fl_rig *r, int m, int batch)
{
    double a[M * UNITS], b[UNITS], c[2 * UNITS];
    fl_rng rng = {77, (uint64_t)m, 0};
    for (int i = 0; i < m * UNITS; i++) a[i] = fl_rng_next_normal(&rng);
    for (int i = 0; i < UNITS; i++) b[i] = fl_rng_next_normal(&rng);
    for (int i = 0; i < 2 * UNITS; i++) c[i] = fl_rng_next_normal(&rng);
    for (int i = 0; i < m; i++) frames_of_one[i] = (real)(0.5 + fl_rng_next_uniform(&rng));
    rig_up(r, (fl_shape){batch, 1, m, 1, 1});
    const fl_id h = rig_linear(r, "h", fl_node_flatten(r->g, "flat", r->net.input), UNITS, a, b);
    rig_ready(r, rig_linear(r, "out", fl_node_relu(r->g, "relu", h), 2, c, NULL));
}

/* Score 0 of the clip that shows the frames of a set. */
static double score_of(fl_rig *r, int m, int set)
{
    real x[M];
    double z[2] = {0, 0};
    for (int i = 0; i < m; i++) x[i] = set >> i & 1 ? frames_of_one[i] : 0;
    CHECK(fl_explainer_predict(r->e, x, z, NULL) == FL_OK);
    return z[0];
}

/* Shapley's definition: every order, by the number of orders that a set stands in. */
static void brute_shapley(const double *f, int m, double *phi)
{
    double factorial[M + 1] = {1};
    for (int i = 1; i <= m; i++) factorial[i] = factorial[i - 1] * i;
    for (int i = 0; i < m; i++) {
        phi[i] = 0;
        for (int set = 0; set < 1 << m; set++) {
            if (set >> i & 1) continue;
            int s = 0;
            for (int j = 0; j < m; j++) s += set >> j & 1;
            phi[i] += factorial[s] * factorial[m - 1 - s] / factorial[m] * (f[set | 1 << i] - f[set]);
        }
    }
}

static double off(const real *a, const double *b, int m)
{
    double sum = 0;
    for (int i = 0; i < m; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(sum);
}

TEST(attribution_shapley_like_brute_force)
{
    static double f[1 << M];
    for (int m = 2; m <= M; m++) {
        fl_rig r;
        double phi[M];
        net_up(&r, m, 1 + m % 3);
        for (int set = 0; set < 1 << m; set++) f[set] = score_of(&r, m, set);
        brute_shapley(f, m, phi);
        static const char *const exact[] = {"shapley_exact", "kernel_shap"};
        for (int k = 0; k < 2; k++) {
            const real *map = rig_explain(&r, exact[k], frames_of_one, WITH(CLASS_0, .segments = "frames"));
            check_values(exact[k], map, phi, m, 1e-6);
            CHECK(r.map.samples == (1 << m) - (k ? 1 : -1) && r.map.error_most == 0);
            CHECK_NEAR(r.map.residual, 0, 1e-12);
        }
        /* LOCO and UP by their definitions */
        double one[M];
        for (int i = 0; i < m; i++) one[i] = f[(1 << m) - 1] - f[((1 << m) - 1) & ~(1 << i)];
        check_values("loco", rig_explain(&r, "loco", frames_of_one, WITH(CLASS_0, .segments = "frames")), one, m, 1e-6);
        for (int i = 0; i < m; i++) one[i] = f[1 << i] - f[0];
        check_values("up", rig_explain(&r, "up", frames_of_one, WITH(CLASS_0, .segments = "frames")), one, m, 1e-6);
        rig_down(&r);
    }
}

/* More samples, less error, about as one over the root; the standard error says how much. */
TEST(attribution_kernel_shap_and_orders_converge)
{
    static double f[1 << M];
    static const char *const methods[] = {"kernel_shap", "shapley_sampled", "kernel_shap"};
    static const int few[] = {60, 10, 200}, segments[] = {8, 8, 10};
    for (int k = 0; k < 3; k++) {
        const int m = segments[k];
        fl_rig r;
        double phi[M], mean[3] = {0, 0, 0};
        net_up(&r, m, 4);
        for (int set = 0; set < 1 << m; set++) f[set] = score_of(&r, m, set);
        brute_shapley(f, m, phi);
        for (int level = 0; level < 3; level++)
            for (uint64_t seed = 0; seed < 12; seed++) {
                const fl_mark mark = fl_arena_mark(&r.results);
                const int n = k ? few[k] << 2 * level : (int[]){60, 150, 254}[level];
                const real *map = rig_explain(&r, methods[k], frames_of_one, WITH(CLASS_0, .segments = "frames", .samples = n,
                                                                                  .seed = seed));
                mean[level] += off(map, phi, m) / 12;
                CHECK_NEAR(r.map.sum, f[(1 << m) - 1] - f[0], 1e-9);
                fl_arena_release(&r.results, mark);
            }
        CHECK_SAY(mean[1] < 0.75 * mean[0] && mean[2] < 0.75 * mean[1], "%s: %g %g %g", methods[k], mean[0], mean[1], mean[2]);
        if (k != 1) CHECK_NEAR(mean[2], 0, 1e-5);                        /* all subsets by then */
        rig_down(&r);
    }
}

/* LIME: the same samples, their scores one by one, and another solver. */
TEST(attribution_lime_like_an_independent_solve)
{
    enum { SEGMENTS = 6, N = 80 };
    for (int with_ridge = 0; with_ridge < 2; with_ridge++) {
        fl_rig r;
        fl_coalitions c;
        bool on[SEGMENTS];
        double a[SEGMENTS + 1][SEGMENTS + 2] = {{0}}, wanted[SEGMENTS];
        net_up(&r, SEGMENTS, 3);
        const real *map = rig_explain(&r, "lime", frames_of_one,
                                      WITH(CLASS_0, .segments = "frames", .samples = N, .hide = FL_HIDE_BASELINE, .seed = 5,
                                           .ridge = with_ridge, .meant = FL_READS(ridge)));
        CHECK(fl_coalitions_init(&c, FL_DESIGN_CHANCE, SEGMENTS, N, 5, &r.results, &r.error) == FL_OK);
        for (int k = 0; k < N; k++) {
            int set = 0, shown = 0;
            double row[SEGMENTS + 2];
            fl_coalition(&c, k, on);
            for (int i = 0; i < SEGMENTS; i++) set |= on[i] << i, shown += on[i], row[i] = on[i];
            row[SEGMENTS] = 1;
            row[SEGMENTS + 1] = score_of(&r, SEGMENTS, set);
            const double d = 1 - sqrt((double)shown / SEGMENTS), w = sqrt(exp(-d * d / (0.25 * 0.25)));
            for (int i = 0; i <= SEGMENTS; i++)
                for (int j = 0; j <= SEGMENTS + 1; j++) a[i][j] += w * row[i] * row[j];
        }
        for (int i = 0; i < SEGMENTS && with_ridge; i++) a[i][i] += 1;
        for (int i = 0; i <= SEGMENTS; i++)                              /* Gauss-Jordan; the matrix is positive definite */
            for (int k = 0; k <= SEGMENTS; k++) {
                const double by = a[k][i] / a[i][i];
                for (int j = 0; j <= SEGMENTS + 1 && k != i; j++) a[k][j] -= by * a[i][j];
            }
        for (int i = 0; i < SEGMENTS; i++) wanted[i] = a[i][SEGMENTS + 1] / a[i][i];
        check_values("lime", map, wanted, SEGMENTS, 1e-5);
        rig_down(&r);
    }
}

/* A hidden segment shows its mean colour: constant segments are never hidden at all. */
TEST(attribution_lime_hides_by_mean_colour)
{
    fl_rig r;
    linear_up(&r, 1);
    static real flat[VOXELS];
    for (int p = 0; p < PIXELS; p++)
        for (int c = 0; c < C; c++) flat[p * C + c] = (real)(p / (H * W) + c);      /* NOLINT(bugprone-integer-division): the frame */
    const real *map = rig_explain(&r, "lime", flat, WITH(OF_CLASS_1, .segments = "frames", .samples = 40));
    for (int i = 0; map && i < VOXELS; i++) CHECK_NEAR((double)map[i], 0, NEAR_ZERO);
    rig_down(&r);
}

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
    rig_explain(&r, "rise", clip, WITH(OF_CLASS_1, .samples = 20, .grid = "1,3,2", .keep = p, .published = true));
    check_map("published", &r, kept, NEAR_ZERO);
    map = rig_explain(&r, "rise_3d", clip, WITH(OF_CLASS_1, .samples = 50, .grid = "2,3,2", .baseline = "zero", .published = true));
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

/* ---- stopping ---- */

static bool enough(int done, int total, void *user)
{
    (void)total;
    return done < *(const int *)user;
}

/* A stopped occlusion is near the whole one, as near as its standard errors say; the whole one has none. */
TEST(attribution_stopped_occlusion)
{
    fl_rig r;
    linear_up(&r, 2);
    static double whole[PIXELS];
    rig_explain(&r, "occlusion", clip, WITH(OF_CLASS_1, .window = "2,2,2", .stride = "1,1,1"));
    for (int p = 0; p < PIXELS; p++) whole[p] = (double)r.map.data[p * C];
    const int all = r.map.samples;
    for (int part = 1; part < 4; part++) {
        int stop = 2 + all * part / 4;
        rig_explain(&r, "occlusion", clip, WITH(OF_CLASS_1, .window = "2,2,2", .stride = "1,1,1", .progress = enough, .user = &stop));
        CHECK(r.map.partial && r.map.samples == all * part / 4 && r.error.status == FL_OK);
        double far = 0, said = 0;
        for (int p = 0; p < PIXELS; p++) {
            const double d = (double)r.map.data[p * C] - whole[p], se = (double)r.map.standard_error[p];
            far += d * d;
            said += se * se;
        }
        CHECK_SAY(sqrt(far / said) > 0.5 && sqrt(far / said) < 1.6, "%d of %d windows: off by %g of what is said", r.map.samples, all,
                  sqrt(far / said));
    }
    rig_down(&r);
}

TEST(attribution_tolerance_stops)
{
    static const char *const methods[] = {"rise", "kernel_shap", "shapley_sampled", "lime"};
    for (int k = 0; k < 4; k++) {
        int samples[2];
        uint64_t hash[2];
        for (int b = 0; b < 2; b++) {
            fl_rig r;
            net_up(&r, M, 1 + 3 * b);
            const fl_explain_options o = WITH(CLASS_0, .samples = 20000, .grid = "5,1,1", .keep = 0.5, .segments = "frames",
                                              .tolerance = 0.08, .seed = 3);
            fl_explain_options now = o;
            if (k == 1) now.samples = 900;
            rig_explain(&r, methods[k], frames_of_one, now);
            CHECK_SAY(r.map.settled && !r.map.partial && r.map.samples < now.samples * (k == 2 ? M : 1), "%s: %d samples", methods[k],
                      r.map.samples);
            double most = 0;
            for (int p = 0; p < M; p++) most = fmax(most, fabs((double)r.map.data[p]));
            CHECK_SAY(r.map.error_most <= 0.08 * most * 1.0001, "%s: %g of %g", methods[k], r.map.error_most, most);
            samples[b] = r.map.samples;
            hash[b] = fl_hash(r.map.data, M * sizeof(real));
            rig_down(&r);
        }
        CHECK(samples[0] == samples[1] && hash[0] == hash[1]);           /* clips per pass do not matter */
    }
}

/* ---- going on ---- */

typedef struct memory { unsigned char bytes[1 << 20]; size_t size; char belongs[2048]; int saves; } memory;

static bool always(void *user) { (void)user; return true; }

static fl_status save(void *user, const fl_state *s)
{
    memory *m = user;
    m->size = 0;
    m->saves++;
    snprintf(m->belongs, sizeof m->belongs, "%s", s->belongs);
    for (int i = 0; i < s->parts; i++) {
        if (!CHECK(m->size + s->part[i].size <= sizeof m->bytes)) return FL_FAILED;
        if (s->part[i].size) memcpy(m->bytes + m->size, s->part[i].data, s->part[i].size);
        m->size += s->part[i].size;
    }
    return FL_OK;
}

static fl_status load(void *user, const fl_state *s, bool *found)
{
    memory *m = user;
    size_t at = 0;
    *found = m->size > 0;
    if (!*found) return FL_OK;
    CHECK_SAY(strcmp(m->belongs, s->belongs) == 0, "%s\nis not\n%s", m->belongs, s->belongs);
    for (int i = 0; i < s->parts; i++) {
        if (s->part[i].size) memcpy(s->part[i].data, m->bytes + at, s->part[i].size);
        at += s->part[i].size;
    }
    CHECK(at == m->size);
    return FL_OK;
}

/* Every sampling method, stopped again and again with other numbers of clips per pass: the bits of a run that nothing stopped. */
TEST(attribution_sampling_goes_on_to_the_same_bits)
{
    static const char *const methods[] = {"occlusion", "aosa", "sos", "rise", "rise_3d", "lime", "kernel_shap", "shapley_exact",
                                          "shapley_sampled",
                                          "loco", "up", "smoothgrad", "vargrad"};
    for (size_t k = 0; k < sizeof methods / sizeof *methods; k++)
        for (int kind = 0; kind < 2; kind++) {
            static memory mem;
            mem.size = 0;
            mem.saves = 0;
            const fl_keeper keeper = {"me\n", always, save, load, &mem};
            fl_explain_options o = WITH(OF_CLASS_1, .window = "2,3,3", .samples = 40, .grid = "2,3,2", .cell = "2,3,3", .pieces = 12,
                                        .seed = 8,
                                        .balanced = kind, .published = kind);
            uint64_t whole = 0, whole_error = 0;
            int passes = 0, stops = 0;
            if (strcmp(methods[k], "kernel_shap") == 0 && kind == 0) o.samples = 120;        /* some whole sizes, and some drawn */
            for (int round = -1; round < 40; round++) {
                fl_rig r;
                int stop = 3 + 4 * (round + 1) + (round + 1) * (round + 1);
                linear_up(&r, 1 + (round + 1) % 4);
                o.keeper = round < 0 ? NULL : &keeper;
                o.progress = round < 0 ? NULL : enough;
                o.user = &stop;
                fl_map map;
                const fl_status status = fl_explain(r.e, fl_method_find(methods[k]), clip, &o, &r.results, &map);
                const bool over = status == FL_OK && !map.partial;
                CHECK_SAY(status == FL_OK || status == FL_LIMIT, "%s: %s", methods[k], r.error.message);
                const uint64_t hash = over ? fl_hash(map.data, VOXELS * sizeof(real)) : 0;
                const uint64_t error = over && map.standard_error ? fl_hash(map.standard_error, PIXELS * sizeof(real)) : 0;
                if (round < 0) {
                    whole = hash;
                    whole_error = error;
                    passes = map.passes;
                    CHECK(over);
                } else if (over) {
                    CHECK_SAY(hash == whole && error == whole_error, "%s: other bits after %d stops", methods[k], stops);
                    CHECK_SAY(map.passes == passes, "%s: %d passes, %d without stops", methods[k], map.passes, passes);
                }
                stops += round >= 0 && !over;
                rig_down(&r);
                if (over && round >= 0) break;
            }
            CHECK_SAY(stops > 0 && stops < 40 && mem.saves > stops, "%s: %d stops", methods[k], stops);
        }
}

/* ---- memory ---- */

static size_t peak_of(const char *method, int samples, size_t *graph)
{
    fl_rig r;
    net_up(&r, M, 2);
    rig_explain(&r, method, frames_of_one, WITH(CLASS_0, .samples = samples, .grid = "5,1,1", .segments = "frames"));
    const size_t peak = r.results.peak;
    *graph = r.arena.peak;
    rig_down(&r);
    return peak;
}

TEST(attribution_sampling_memory_is_flat)
{
    static const char *const methods[] = {"rise", "rise_3d", "lime", "kernel_shap", "shapley_sampled"};
    for (int k = 0; k < 5; k++) {
        size_t few, many;
        CHECK_SAY(peak_of(methods[k], 400, &few) == peak_of(methods[k], 1900, &many) && few == many, "%s: memory grows with samples",
                  methods[k]);
    }
}

TEST(attribution_sampling_survives_every_failed_allocation)
{
    static const char *const methods[] = {"occlusion", "aosa", "sos", "rise", "lime", "kernel_shap", "shapley_exact", "loco"};
    for (int k = 0; k < 8; k++) {
        bool done = false;
        for (long n = 1; !done && n < 400; n++) {
            fl_rig r;
            linear_up(&r, 1);
            fl_arena_fail_at(n);
            const fl_status status = fl_explain(r.e, fl_method_find(methods[k]), clip,
                                                &WITH(OF_CLASS_1, .window = "4,6,5", .samples = 4, .grid = "1,2,2",
                                                      .stride = k == 2 ? "1" : NULL,
                                                      .segments = "grid", .cell = "2,6,5", .balanced = k == 3), &r.results, &r.map);
            done = fl_arena_count() < n;
            fl_arena_fail_at(0);
            CHECK_SAY(done ? status == FL_OK : r.map.data == NULL && r.error.status == FL_FAILED && r.error.message[0],
                      "%s, allocation %ld: status %d, %s", methods[k], n, (int)status, r.error.message);
            rig_down(&r);
        }
        CHECK(done);
    }
}

TEST(attribution_sampling_says_what_is_wrong)
{
    static const struct { const char *method; fl_explain_options o; const char *says; } cases[] = {
        {"shapley_exact", {.cell = "1"}, "2^120"}, {"loco", {.cell = "9"}, "at least 2 segments"}, {"rise", {.grid = "1,7,2"}, "6 rows"},
        {"rise", {.grid = "x"}, "grid: expected"}, {"rise", {.keep = 1.5}, "keep"}, {"rise", {.grid = "1,2,2", .meant = FL_READS(keep)},
                                                                                     "nothing would be seen"},
        {"kernel_shap", {.segments = "cubes"}, "there are none called 'cubes'"}, {"lime", {.kernel_width = -1}, "kernel-width"},
        {"occlusion", {.window = "1", .stride = "0"}, "window-stride"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_rig r;
        linear_up(&r, 1);
        CHECK_SAY(fl_explain(r.e, fl_method_find(cases[i].method), clip, &cases[i].o, &r.results, &r.map) == FL_USAGE &&
                      strstr(r.error.message, cases[i].says), "%s, case %zu: %s", cases[i].method, i, r.error.message);
        rig_down(&r);
    }
    fl_rig r;                                            /* too few samples to tell the segments apart: a warning, and a map */
    linear_up(&r, 1);
    rig_explain(&r, "kernel_shap", clip, WITH(OF_CLASS_1, .cell = "2,3,3", .samples = 4));
    CHECK(r.map.warnings > 0 && strstr(r.map.warning[0], "left open"));
    rig_down(&r);
}
