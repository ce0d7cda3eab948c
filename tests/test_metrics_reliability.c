/* test_metrics_reliability.c: how much clips agree about methods, by the study and by Krippendorff, worked out by hand. */
#include "tests/metric_rig.h"

#include "attribution/metrics/rank.h"
#include "attribution/metrics/reliability.h"
#include "tensor/rng.h"

/* ---- reliability ---- */

TEST(metrics_reliability_of_three_raters)
{
    /* rankings (0,1,2), (0,1,2), (1,0,2), the random map in front: w = 1, 1, 1/2; rho = 1, 1/2, 1/2 */
    static const double x[9] = {0, 1, 2, 0.1, 0.5, 0.7, 1, 0, 2};
    double minus[9];
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_reliability r;
    fl_arena_init(&arena, &error);
    CHECK(fl_reliability_of(3, 3, x, true, &arena, &r) == FL_OK);
    CHECK_NEAR(r.alpha, 0.75, 1e-14);
    CHECK_NEAR(r.weight, 2.5 / 3, 1e-14);
    for (int i = 0; i < 9; i++) minus[i] = -x[i];
    CHECK(fl_reliability_of(3, 3, minus, false, &arena, &r) == FL_OK);
    CHECK_NEAR(r.alpha, 0.75, 1e-14);                    /* lower is better: the same judges */
    CHECK_NEAR(r.weight, 2.5 / 3, 1e-14);
    /* places: units (0,0,1), (1,1,0), (2,2,2); D_o = (2/2 + 2/2... two of three pairs differ in two units) / 9, D_e = 54/72 */
    CHECK_NEAR(r.krippendorff, 1 - (2 * 4.0 / 2 / 9) / (54.0 / 72), 1e-14);
    CHECK(fl_reliability_of(1, 3, x, true, &arena, &r) == FL_OK && isnan(r.alpha));
    CHECK(arena.used == 0);
    fl_arena_free(&arena);
}

/* Against the sum over all pairs, as it is defined. */
TEST(metrics_reliability_by_its_definition)
{
    enum { CLIPS = 7, METHODS = 5 };
    double x[CLIPS * METHODS], w[CLIPS], above = 0, below = 0;
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_reliability r;
    fl_arena_init(&arena, &error);
    for (int i = 0; i < CLIPS * METHODS; i++) x[i] = fl_rng_below(5, 1, (uint64_t)i, 6);         /* with ties */
    for (int i = 0; i < CLIPS; i++) {
        int worse = 0;
        for (int m = 1; m < METHODS; m++) worse += x[i * METHODS + m] < x[i * METHODS];
        w[i] = (double)(METHODS - 1 - worse) / (METHODS - 1);
    }
    for (int i = 0; i < CLIPS; i++)
        for (int k = i + 1; k < CLIPS; k++) {
            const double rho = fl_spearman(METHODS, x + i * METHODS, x + k * METHODS, &arena);
            above += w[i] * w[k] * (isnan(rho) ? 0 : rho);
            below += w[i] * w[k];
        }
    CHECK(fl_reliability_of(CLIPS, METHODS, x, true, &arena, &r) == FL_OK);
    CHECK_NEAR(r.alpha, above / below, 1e-13);
    fl_arena_free(&arena);
}

/* The example of Krippendorff 2011 (four observers, twelve units): nominal 0.743, interval 0.849, ratio 0.797. */
TEST(metrics_krippendorff_of_his_own_example)
{
    const double o = (double)NAN;
    const double x[4 * 12] = {1, 2, 3, 3, 2, 1, 4, 1, 2, o, o, o, 1, 2, 3, 3, 2, 2, 4, 1, 2, 5, o, 3,
                              o, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, o, 1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, o};
    CHECK_NEAR(fl_krippendorff(4, 12, x, FL_DISTANCE_NOMINAL), 0.743, 0.0005);
    CHECK_NEAR(fl_krippendorff(4, 12, x, FL_DISTANCE_INTERVAL), 0.849, 0.0005);
    CHECK_NEAR(fl_krippendorff(4, 12, x, FL_DISTANCE_RATIO), 0.797, 0.0005);
    CHECK(isnan(fl_krippendorff(2, 2, (const double[]){1, 1, 1, 1}, FL_DISTANCE_NOMINAL)));
}
