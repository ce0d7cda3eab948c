/* test_attribution_shapley.c: Shapley values, KernelSHAP, LIME and their kin where segments interact: Captum's fixtures, and sets of
 * segments tried one by one. */
#include "tests/sampling_rig.h"

#include "attribution/coalitions.h"

#include <stdlib.h>

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
