/* test_metrics_curves.c: insertion and deletion against their definition written down again; identities; units and substrates. */
#include "tests/metric_rig.h"

#include "attribution/metrics/rank.h"
#include "tensor/rng.h"

/* ---- curves ---- */

/* Clip with the units behind or before a cut shown, by the definition. */
static double seen(const int *order, int cut, bool most)
{
    real x[N] = {0};
    for (int i = 0; i < N; i++)
        if ((i < cut) == most) x[order[i]] = X[order[i]];
    return probability_of(x);
}

static double area(int n, const double *y)
{
    double sum = 0;
    for (int j = 0; j < n; j++) sum += (y[j] + y[j + 1]) / 2 / n;
    return sum;
}

TEST(metrics_curves_follow_their_definition)
{
    static const int order[N] = {5, 3, 0, 7, 4, 1, 6, 2};                                /* of the values below */
    static const real map[N] = {6, 2, R(0.5), 7, 3, 8, 1, 5};
    for (int points = 1; points <= 11; points += 2) {
        double most[12] = {0}, least[12] = {0};
        for (int j = 0; j <= points; j++) {
            most[j] = seen(order, j * N / points, true);
            least[j] = seen(order, j * N / points, false);                               /* of deletion: j units are gone */
        }
        fl_rig r;
        line_up(&r);
        fl_judged j = judge_of(&r, map);
        const fl_metric_options o = TOLD(.points = points);
        CHECK_NEAR(judge(&r, "insertion", &j, o).value, area(points, most), 1e-6);
        CHECK_NEAR(judge(&r, "deletion", &j, o).value, area(points, least), 1e-6);
        double aopc = 0, abpc = 0;
        int first = 0;
        for (int i = 0; i <= points; i++) {
            aopc += (least[0] - least[i]) / (points + 1);
            abpc += (most[points - i] - least[i]) / (points + 1);
        }
        while (most[first] < 0.9 * most[points]) first++;
        CHECK_NEAR(judge(&r, "aopc", &j, o).value, aopc, 1e-6);
        CHECK_NEAR(judge(&r, "abpc", &j, o).value, abpc, 1e-6);
        CHECK_NEAR(judge(&r, "insertion_deletion", &j, o).value, area(points, most) - area(points, least), 1e-6);
        CHECK_NEAR(judge(&r, "minimal_subset", &j, o).value, (double)first / points, 1e-12);
        const fl_measure m = judge(&r, "deletion", &j, o);
        CHECK(m.passes == 0 && m.count == points + 1);                                   /* the curve was there */
        CHECK_NEAR(m.y[0], probability_of(X), 1e-6);                                     /* the ends: the clip, and nothing of it */
        CHECK_NEAR(m.y[points], 0.5, 1e-6);
        rig_down(&r);
    }
}

/* The four curves are two: the same clips in reverse order, bit for bit, ties and uneven cuts included. */
TEST(metrics_insertion_is_deletion_backwards)
{
    static const real maps[2][N] = {{6, 2, R(0.5), 7, 3, 8, 1, 5}, {1, 1, 2, 2, 1, 0, 0, 1}};
    for (int k = 0; k < 2; k++)
        for (int points = 2; points <= 9; points++) {
            fl_rig r;
            line_up(&r);
            fl_judged j = judge_of(&r, maps[k]);
            const fl_metric_options o = TOLD(.points = points);
            const fl_measure a = judge(&r, "insertion", &j, o), b = judge(&r, "deletion_least", &j, o);
            const fl_measure c = judge(&r, "deletion", &j, o), d = judge(&r, "insertion_least", &j, o);
            CHECK(a.value == b.value && c.value == d.value);
            for (int i = 0; i <= points; i++) CHECK(a.y[i] == b.y[points - i] && c.y[i] == d.y[points - i]);
            rig_down(&r);
        }
}

/* By units that are visited in every order (7! of them with the first in front): the effects' own order is the best. */
TEST(metrics_deletion_of_an_additive_score_is_least_for_its_effects)
{
    fl_rig r;
    real a[N];
    effects(a);
    line_up(&r);
    fl_judged j = judge_of(&r, a);
    const double best = judge(&r, "deletion", &j, TOLD(.points = N)).value, worst = judge(&r, "insertion_least", &j,
        TOLD(.points = N)).value;
    CHECK_NEAR(best, worst, 0);
    int order[N];
    for (uint64_t k = 0; k < 3000; k++) {
        double y[N + 1];
        for (int i = 0; i < N; i++) order[i] = i;
        fl_rng rng = {k, 3, 0};
        fl_rng_shuffle(order, N, &rng);
        for (int i = 0; i <= N; i++) y[i] = seen(order, i, false);
        CHECK(area(N, y) >= best - 1e-6);
    }
    rig_down(&r);
}

TEST(metrics_curves_of_a_constant_score)
{
    fl_rig r;
    const double w[2 * N] = {0};
    rig_up(&r, CLIP);
    rig_ready(&r, rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", r.net.input), 2, w, NULL));
    real a[N] = {0};                                     /* a constant map: places in their order */
    fl_judged j = judge_of(&r, a);
    CHECK_NEAR(judge(&r, "insertion", &j, TOLD(.points = 5)).value, 0.5, 1e-7);
    CHECK_NEAR(judge(&r, "aopc", &j, TOLD(.points = 5)).value, 0, 1e-7);
    CHECK(judge(&r, "minimal_subset", &j, TOLD(.points = 5)).value == 0);
    rig_down(&r);
}

TEST(metrics_units)
{
    static const real map[N] = {1, 2, 3, 4, 10, 0, 0, 0};                                /* frames: sums 10 and 10 */
    fl_rig r;
    line_up(&r);
    fl_judged j = judge_of(&r, map);
    real second[N] = {0};
    const fl_measure frames = judge(&r, "insertion", &j, TOLD(.unit = FL_UNIT_FRAME, .points = 2));
    for (int i = 0; i < N / 2; i++) second[i] = X[i];                                    /* a tie: the first frame comes first */
    CHECK_NEAR(frames.y[1], probability_of(second), 1e-6);
    const fl_measure blocks = judge(&r, "insertion", &j, TOLD(.unit = FL_UNIT_BLOCK, .block = 2, .points = 2));
    for (int i = 0; i <= 2; i++) CHECK(blocks.y[i] == frames.y[i]);                      /* blocks as large as a frame */
    const fl_measure voxels = judge(&r, "insertion", &j, TOLD(.unit = FL_UNIT_BLOCK, .block = 1, .points = N));
    const fl_measure same = judge(&r, "insertion", &j, TOLD(.unit = FL_UNIT_VOXEL, .points = N));
    for (int i = 0; i <= N; i++) CHECK(voxels.y[i] == same.y[i]);
    rig_down(&r);
}

/* temporal: the nearest shown frame stands in; nothing shown is zero. */
TEST(metrics_substrate_of_time)
{
    static const real map[N] = {8, 7, 6, 5, 4, 3, 2, 1};
    fl_rig r;
    line_up(&r);
    fl_judged j = judge_of(&r, map);
    const fl_measure m = judge(&r, "insertion", &j, TOLD(.substrate = "temporal", .points = N));
    for (int cut = 0; cut <= N; cut++) {
        real x[N];
        for (int i = 0; i < N; i++) x[i] = i < cut ? X[i] : i - N / 2 >= 0 && i - N / 2 < cut ? X[i - N / 2] : 0;
        CHECK_NEAR(m.y[cut], probability_of(x), 1e-6);
    }
    rig_down(&r);
}
