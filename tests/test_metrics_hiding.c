/* test_metrics_hiding.c: what hiding parts of a clip says of a map: drops, faithfulness, sensitivity, infidelity, by hand. */
#include "tests/metric_rig.h"

#include "attribution/metrics/rank.h"
#include "tensor/rng.h"

/* ---- what hiding does ---- */

TEST(metrics_average_drop)
{
    static const real map[N] = {3, -5, 1, 0, 2, 3, 0, R(1.5)};
    fl_rig r;
    line_up(&r);
    real seen_through[N];
    for (int i = 0; i < N; i++) seen_through[i] = (real)((map[i] > 0 ? (double)map[i] / 3 : 0) * (double)X[i]);
    fl_judged j = judge_of(&r, map);
    const double p = probability_of(X), q = probability_of(seen_through);
    CHECK(q > p);                                        /* these weights: seen through the map it is more certain */
    CHECK_NEAR(judge(&r, "average_drop", &j, TOLD(.seed = 0)).value, 0, 0);
    CHECK(judge(&r, "increase", &j, TOLD(.seed = 0)).value == 1);
    j.target.class_index = 0;
    CHECK_NEAR(judge(&r, "average_drop", &j, TOLD(.seed = 0)).value, ((1 - p) - (1 - q)) / (1 - p), 1e-6);
    CHECK(judge(&r, "increase", &j, TOLD(.seed = 0)).value == 0);
    real none[N] = {0};
    j.map = none;
    const fl_measure m = judge(&r, "average_drop", &j, TOLD(.seed = 0));
    CHECK(isnan(m.value) && m.note);
    rig_down(&r);
}

TEST(metrics_faithfulness_correlation)
{
    fl_rig r;
    static const real map[N] = {1, 2, 3, 4, 9, 7, 5, 3};
    line_up(&r);
    fl_judged j = judge_of(&r, map);
    double value[N], drop[N];
    for (int i = 0; i < N; i++) {
        real x[N];
        memcpy(x, X, sizeof x);
        x[i] = 0;
        value[i] = (double)map[i];
        drop[i] = probability_of(X) - probability_of(x);
    }
    CHECK_NEAR(judge(&r, "faithfulness_correlation", &j, TOLD(.unit = FL_UNIT_VOXEL)).value, fl_pearson(N, value, drop), 1e-5);
    const fl_measure frames = judge(&r, "faithfulness_correlation", &j, TOLD(.seed = 0));     /* two frames: one line */
    CHECK_NEAR(fabs(frames.value), 1, 1e-6);
    CHECK(frames.passes == 3);
    real flat[N] = {0};
    j.map = flat;
    CHECK(isnan(judge(&r, "faithfulness_correlation", &j, TOLD(.seed = 0)).value));
    rig_down(&r);
}

/* A linear score and the effects of its values: everything is foretold. */
TEST(metrics_linear_score_is_foretold)
{
    fl_rig r;
    real a[N];
    effects(a);
    line_up(&r);
    fl_judged j = judge_of(&r, a);
    const fl_measure s = judge(&r, "sensitivity_n", &j, TOLD(.unit = FL_UNIT_VOXEL, .trials = 20));
    CHECK_NEAR(s.value, 1, 1e-6);
    CHECK(s.count >= 4 && s.x[0] == 1 && s.x[s.count - 1] == 6);                         /* 0.8 of 8 */
    CHECK_NEAR(judge(&r, "infidelity", &j, TOLD(.trials = 30)).value, 0, 1e-10);
    CHECK_NEAR(judge(&r, "completeness", &j, TOLD(.seed = 0)).value, 0, 1e-6);
    j.method = fl_method_find("gradient");
    const real *gradient = rig_explain(&r, "gradient", X, WITH(.target = {.class_index = 1}));
    j.raw = gradient;
    j.raw_count = N;
    CHECK(judge(&r, "max_sensitivity", &j, TOLD(.trials = 5)).value == 0);
    rig_down(&r);
}

/* Twice the effects: beta takes the factor away; half of them are missing from the sum. */
TEST(metrics_infidelity_and_its_scale)
{
    fl_rig r;
    real a[N], twice[N], zero[N] = {0};
    effects(a);
    for (int i = 0; i < N; i++) twice[i] = 2 * a[i];
    line_up(&r);
    fl_judged j = judge_of(&r, twice), none = judge_of(&r, zero);
    const fl_measure plain = judge(&r, "infidelity", &j, TOLD(.trials = 40)), zeros = judge(&r, "infidelity", &none, TOLD(.trials = 40));
    CHECK_NEAR(plain.value, zeros.value, 1e-6 * zeros.value);                            /* (2d - d)^2 = (0 - d)^2 */
    CHECK(zeros.value > 0.1 && zeros.error > 0);
    CHECK_NEAR(judge(&r, "infidelity_scaled", &j, TOLD(.trials = 40)).value, 0, 1e-10);
    CHECK_NEAR(judge(&r, "infidelity_scaled", &none, TOLD(.trials = 40)).value, zeros.value, 1e-12);
    CHECK_NEAR(judge(&r, "completeness", &j, TOLD(.seed = 0)).value, 1, 1e-6);
    CHECK_NEAR(judge(&r, "completeness", &none, TOLD(.seed = 0)).value, 1, 1e-6);
    j.sum = 6;
    j.wanted = 4;                                        /* a law of the method's own */
    CHECK_NEAR(judge(&r, "completeness", &j, TOLD(.seed = 0)).value, 0.5, 1e-9);
    rig_down(&r);
}

/* gradient x input changes by w u: the largest |w u_k| / |w x| over the copies. */
static const real *made_elsewhere(void *user, int k)
{
    static real a[N];
    real copy[N];
    (void)user;
    fl_noisy_copy(CLIP, X, 0.02, 0, k, copy);
    for (int i = 0; i < N; i++) a[i] = (real)(WEIGHT[i] * (double)copy[i]);
    return a;
}

TEST(metrics_max_sensitivity)
{
    fl_rig r;
    real a[N];
    double most = 0;
    effects(a);
    line_up(&r);
    for (int k = 0; k < 6; k++) {
        real copy[N];
        double change = 0, norm = 0;
        fl_noisy_copy(CLIP, X, 0.02, 0, k, copy);
        for (int i = 0; i < N; i++) {
            CHECK(fabs((double)copy[i] - (double)X[i]) <= 0.02 * 5 + 1e-6);              /* values from -2 to 3 */
            change += WEIGHT[i] * WEIGHT[i] * ((double)copy[i] - (double)X[i]) * ((double)copy[i] - (double)X[i]);
            norm += (double)a[i] * (double)a[i];
        }
        most = sqrt(change / norm) > most ? sqrt(change / norm) : most;
    }
    fl_judged j = judge_of(&r, a);
    const double ours = judge(&r, "max_sensitivity", &j, TOLD(.trials = 6)).value;
    CHECK(most > 0.001);
    CHECK_NEAR(ours, most, 1e-5);
    j.method = NULL;                                     /* the same from maps that someone else made of the copies */
    j.copy_map = made_elsewhere;
    CHECK_NEAR(judge(&r, "max_sensitivity", &j, TOLD(.trials = 6)).value, ours, 1e-6);
    rig_down(&r);
}
