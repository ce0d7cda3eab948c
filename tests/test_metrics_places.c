/* test_metrics_places.c: metrics of the map alone, and of the map and the place of the thing, by hand; their edges. */
#include "tests/metric_rig.h"

/* ---- the map alone ---- */

static double alone(const char *metric, const real *map, int n)
{
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_measure m;
    fl_arena_init(&arena, &error);
    fl_judged j = {.shape = {1, 3, 1, 1, n}, .map = map, .sum = (double)NAN, .wanted = (double)NAN};
    CHECK(fl_metric_judge(fl_metric_find(metric), &j, NULL, &arena, &m) == FL_OK);
    fl_arena_free(&arena);
    return m.value;
}

TEST(metrics_sparsity)
{
    static const real ramp[4] = {3, -1, 4, -2}, one[4] = {0, 0, -7, 0}, flat[4] = {2, 2, -2, 2}, zero[4] = {0};
    CHECK_NEAR(alone("gini", ramp, 4), 0.25, 1e-12);
    CHECK_NEAR(alone("gini", one, 4), 0.75, 1e-12);
    CHECK_NEAR(alone("gini", flat, 4), 0, 1e-12);
    CHECK(alone("gini", zero, 4) == 0);
    CHECK_NEAR(alone("entropy", flat, 4), fl_log64(4), 1e-12);
    CHECK_NEAR(alone("entropy", one, 4), 0, 1e-12);
    CHECK_NEAR(alone("entropy", ramp, 4), 0.1 * fl_log64(10) + 0.2 * fl_log64(5) + 0.3 * fl_log64(10.0 / 3) + 0.4 * fl_log64(2.5), 1e-12);
    CHECK(isnan(alone("entropy", zero, 4)));
}

/* ---- the thing ---- */

static fl_measure located(const char *metric, const real *map, const fl_truth *truth, fl_metric_options o)
{
    static fl_arena arena;
    static fl_error error;
    fl_measure m;
    fl_arena_free(&arena);
    error = (fl_error){FL_OK, ""};
    fl_arena_init(&arena, &error);
    fl_judged j = {.shape = {1, 1, 3, 2, 3}, .map = map, .sum = (double)NAN, .truth = truth, .wanted = (double)NAN};
    CHECK_SAY(fl_metric_judge(fl_metric_find(metric), &j, &o, &arena, &m) == FL_OK, "%s: %s", metric, error.message);
    return m;
}

TEST(metrics_localisation)
{
    /* 3 frames of 2 x 3. The thing: 2 voxels of frame 0, 1 of frame 1, nothing in frame 2. */
    static const unsigned char mask[18] = {1, 1, 0, 0, 0, 0, /* */ 0, 0, 1, 0, 0, 0};
    static const real map[18] = {9, 2, 1, 0, 0, -3, /* */ 8, 0, 4, 0, 0, 0, /* */ 5, 0, 0, 7, 0, 6};
    const fl_truth truth = {.mask = mask};
    const fl_metric_options none = TOLD(.seed = 0);
    CHECK(located("pointing", map, &truth, none).value == 1);
    CHECK_NEAR(located("pointing", map, &truth, none).chance, 3.0 / 18, 1e-15);
    CHECK_NEAR(located("pointing_frames", map, &truth, none).value, 0.5, 1e-15);         /* frame 0 hits, 1 misses, 2 does not count */
    CHECK_NEAR(located("pointing_frames", map, &truth, none).chance, (2 / 6.0 + 1 / 6.0) / 2, 1e-15);
    CHECK_NEAR(located("pointing_frames", map, &truth, TOLD(.tolerance = 2)).value, 1, 1e-15);
    CHECK(located("pointing_time", map, &truth, none).value == 0);                       /* sums 9, 12, 18 */
    CHECK_NEAR(located("pointing_time", map, &truth, none).chance, 2.0 / 3, 1e-15);
    CHECK(located("pointing_time", map, &(fl_truth){.mask = mask, .moment = (const bool[]){false, false, true}}, none).value == 1);
    CHECK_NEAR(located("energy", map, &truth, none).value, 15.0 / 42, 1e-15);
    /* the three largest are 9, 8, 7: one of them on the thing */
    CHECK_NEAR(located("iou", map, &truth, none).value, 1.0 / 5, 1e-15);
    CHECK_NEAR(located("precision", map, &truth, none).value, 1.0 / 3, 1e-15);
    CHECK_NEAR(located("recall", map, &truth, none).value, 1.0 / 3, 1e-15);
    CHECK_NEAR(located("precision", map, &truth, TOLD(.share = 6.0 / 18)).value, 2.0 / 6, 1e-15);    /* 9 8 7 6 5 4 */
    CHECK_NEAR(located("recall", map, &truth, TOLD(.share = 1)).value, 1, 1e-15);
    CHECK_NEAR(located("iou", map, &truth, TOLD(.share = 1)).value, 3.0 / 18, 1e-15);
    CHECK_NEAR(located("iou_threshold", map, &truth, TOLD(.threshold = 0.5)).value, 1.0 / 7, 1e-15); /* above 4.5: 9 8 7 6 5 */
    /* of 45 pairs: 9 beats 15, 4 beats 11, 2 beats 11 */
    CHECK_NEAR(located("roc_auc", map, &truth, none).value, (15 + 11 + 11) / 45.0, 1e-15);
    CHECK_NEAR(located("average_precision", map, &truth, none).value, (1 / 1.0 + 2 / 6.0 + 3 / 7.0) / 3, 1e-15);
    const fl_measure curve = located("recall", map, &truth, none);
    CHECK(curve.count == 50 && curve.y[49] == 1 && curve.x[49] == 1);
}

TEST(metrics_localisation_at_its_edges)
{
    static const unsigned char mask[18] = {1, 1, 0, 0, 0, 0, /* */ 0, 0, 1, 0, 0, 0}, none[18] = {0};
    static const bool only_first[3] = {true, false, false};
    static const real flat[18] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, zero[18] = {0};
    static const real map[18] = {1, 0, 0, 0, 0, 0, /* */ 8, 0, 4, 0, 0, 0, /* */ 5, 0, 0, 7, 0, 6};
    const fl_truth truth = {.mask = mask}, nowhere = {.mask = none}, first = {.mask = mask, .known = only_first};
    const fl_metric_options o = TOLD(.seed = 0);
    for (const fl_metric *m = fl_metric_table; m->name; m++)
        if (m->needs == FL_NEEDS_TRUTH) CHECK_SAY(isnan(located(m->name, map, &nowhere, o).value) ||
            strcmp(m->name, "pointing_time") == 0, "%s", m->name);
    CHECK_NEAR(located("roc_auc", flat, &truth, o).value, 0.5, 1e-15);                   /* all pairs are ties */
    CHECK_NEAR(located("energy", flat, &truth, o).value, 3.0 / 18, 1e-15);
    CHECK(located("pointing", flat, &truth, o).value == 1);                              /* the first voxel counts */
    CHECK(isnan(located("energy", zero, &truth, o).value) && isnan(located("iou_threshold", zero, &truth, o).value));
    CHECK(located("pointing", map, &truth, o).value == 0 && located("pointing", map, &first, o).value == 1);
    CHECK_NEAR(located("pointing", map, &first, o).chance, 2.0 / 6, 1e-15);
    CHECK_NEAR(located("energy", map, &first, o).value, 1, 1e-15);
    CHECK_NEAR(located("roc_auc", map, &first, o).value, (4 + 4 * 0.5) / 8, 1e-15);
}
