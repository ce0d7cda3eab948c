/* test_metrics.c: every metric against numbers worked out by hand, or against its definition written down again; identities; edges.
 *
 * The network of most tests is linear: two logits, 0 and w.x of a clip of 2 frames of 2 x 2; so everything is known. */
#include "tests/attribution_rig.h"

#include "attribution/metric.h"
#include "attribution/metrics/rank.h"
#include "attribution/metrics/reliability.h"
#include "autograd/ops.h"
#include "models/model.h"
#include "tensor/math.h"
#include "tensor/par.h"
#include "tensor/rng.h"

enum { T = 2, H = 2, W = 2, N = T * H * W };
static const fl_shape CLIP = {1, 1, T, H, W};
static const double WEIGHT[N] = {0.5, -1, 2, 0.25, -0.75, 1.5, 1, -0.5};
static const real X[N] = {1, 2, R(-1.0), R(0.5), 3, R(0.25), R(-2.0), 1};

static double logit_of(const real *x)
{
    double z = 0;
    for (int i = 0; i < N; i++) z += WEIGHT[i] * (double)x[i];
    return z;
}

static double probability_of(const real *x) { return 1 / (1 + fl_exp64(-logit_of(x))); }

static void line_up(fl_rig *r)
{
    double w[2 * N] = {0};
    memcpy(w + N, WEIGHT, sizeof WEIGHT);
    rig_up(r, CLIP);
    r->net.cam = r->net.input;
    rig_ready(r, rig_linear(r, "fc", fl_node_flatten(r->g, "flat", r->net.input), 2, w, NULL));
}

/* What w x says of every voxel. */
static void effects(real *a)
{
    for (int i = 0; i < N; i++) a[i] = (real)(WEIGHT[i] * (double)X[i]);
}

static fl_judged judge_of(fl_rig *r, const real *map)
{
    static const fl_explain_options none = {.steps = 0};
    return (fl_judged){.shape = CLIP, .map = map, .sum = (double)NAN, .explainer = r->e, .clip = X, .target = {.class_index = 1},
                       .wanted = (double)NAN, .method = fl_method_find("gradient_x_input"), .options = &none};
}

static fl_measure judge(fl_rig *r, const char *metric, fl_judged *j, fl_metric_options o)
{
    fl_measure m = {.value = (double)NAN};
    const fl_status status = fl_metric_judge(fl_metric_find(metric), j, &o, &r->results, &m);
    CHECK_SAY(status == FL_OK, "%s: %s", metric, r->result_error.message);
    return m;
}

#define TOLD(...) ((fl_metric_options){__VA_ARGS__})

/* ---- ranks ---- */

static double spearman(int n, const double *a, const double *b)
{
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    const double r = fl_spearman(n, a, b, &arena);
    fl_arena_free(&arena);
    return r;
}

TEST(metrics_order_is_stable_and_ranks_are_shared)
{
    const double v[7] = {2, 5, 2, -1, 5, 2, 0};
    int order[7], scratch[7];
    double rank[7];
    static const int want[7] = {1, 4, 0, 2, 5, 6, 3};
    static const double ranks[7] = {4, 6.5, 4, 1, 6.5, 4, 2};
    fl_order_descending(7, v, order, scratch);
    fl_ranks(7, v, order, rank);
    for (int i = 0; i < 7; i++) CHECK(order[i] == want[i] && rank[i] == ranks[i]);
    for (int n = 1; n < 40; n++) {                        /* any length: sorted, and each place once */
        double u[40];
        int o[40], s[40], seen[40] = {0};
        for (int i = 0; i < n; i++) u[i] = fl_rng_below(1, (uint64_t)n, (uint64_t)i, 9);
        fl_order_descending(n, u, o, s);
        for (int i = 0; i < n; i++) seen[o[i]]++;
        for (int i = 0; i < n; i++) CHECK(seen[i] == 1 && (i == 0 || u[o[i - 1]] > u[o[i]] || (u[o[i - 1]] == u[o[i]] && o[i - 1] < o[i])));
    }
}

TEST(metrics_correlations)
{
    const double a[] = {0, 1, 0, 1}, b[] = {1, 2, 1, 0}, c[] = {-1, 1, 1}, d[] = {0, 0, 2}, e[] = {1, 2, 3, 4}, flat[] = {3, 3, 3, 3};
    CHECK_NEAR(fl_pearson(4, a, b), 0, 1e-15);
    CHECK_NEAR(spearman(4, a, b), 0, 1e-15);
    CHECK_NEAR(fl_pearson(3, c, d), 0.5, 1e-15);
    CHECK_NEAR(spearman(3, c, d), 0.5, 1e-15);
    double cube[4], minus[4];
    for (int i = 0; i < 4; i++) cube[i] = e[i] * e[i] * e[i], minus[i] = -3 * e[i];
    CHECK_NEAR(spearman(4, e, cube), 1, 1e-15);
    CHECK_NEAR(spearman(4, e, minus), -1, 1e-15);
    CHECK(isnan(spearman(4, e, flat)) && isnan(fl_pearson(4, flat, e)));
}

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

/* ---- the table, errors, bits ---- */

TEST(metrics_every_metric_is_whole)
{
    int count = 0;
    for (const fl_metric *m = fl_metric_table; m->name; m++, count++) {
        CHECK_SAY(m->title && m->citation && m->doc && strlen(m->doc) > 20 && m->score, "%s: title, citation, doc, score", m->name);
        CHECK_SAY(fl_metric_find(m->name) == m, "%s is there twice", m->name);
        CHECK_SAY(!(m->needs & FL_NEEDS_METHOD) || m->needs & FL_NEEDS_NETWORK, "%s", m->name);
    }
    CHECK(count == 28 && !fl_metric_find("inseration") && strcmp(fl_metric_nearest("inseration"), "insertion") == 0);
}

TEST(metrics_refuse_what_makes_no_sense)
{
    static const struct { const char *metric; fl_metric_options o; const char *part; } cases[] = {
        {"insertion", {.points = -1}, "curve-points: expected 1"}, {"insertion", {.substrate = "balck"}, "did you mean 'black'"},
        {"insertion", {.substrate = "black"}, "card"}, {"iou", {.share = 2}, "expected 0 to 1"},
        {"infidelity", {.trials = 1}, "expected 2"}, {"pointing", {.tolerance = -3}, "expected 0"}};
    static const unsigned char mask[N] = {1};
    const fl_truth truth = {.mask = mask};
    fl_rig r;
    fl_measure m;
    line_up(&r);
    real map[N] = {1, 2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_judged j = judge_of(&r, map);
        j.truth = &truth;
        CHECK(fl_metric_judge(fl_metric_find(cases[i].metric), &j, &cases[i].o, &r.results, &m) == FL_USAGE);
        CHECK_SAY(strstr(r.result_error.message, cases[i].part) != NULL, "wanted \"%s\", got \"%s\"", cases[i].part,
            r.result_error.message);
        fl_error_clear(&r.result_error);
        fl_error_clear(&r.error);
    }
    fl_judged j = judge_of(&r, map);
    CHECK(fl_metric_judge(fl_metric_find("energy"), &j, NULL, &r.results, &m) == FL_USAGE);
    fl_error_clear(&r.result_error);
    j.explainer = NULL;
    CHECK(fl_metric_judge(fl_metric_find("deletion"), &j, NULL, &r.results, &m) == FL_USAGE);
    fl_error_clear(&r.result_error);
    map[3] = (real)NAN;
    CHECK(fl_metric_judge(fl_metric_find("gini"), &j, NULL, &r.results, &m) == FL_FAILED);
    rig_down(&r);
}

static bool stop(int done, int total, void *user)
{
    (void)total;
    return done < *(int *)user;
}

TEST(metrics_stop_when_told)
{
    fl_rig r;
    real map[N] = {1, 2};
    int after = 3;
    fl_measure m;
    line_up(&r);
    fl_judged j = judge_of(&r, map);
    j.progress = stop;
    j.user = &after;
    CHECK(fl_metric_judge(fl_metric_find("insertion"), &j, NULL, &r.results, &m) == FL_LIMIT);
    fl_error_clear(&r.result_error);
    fl_error_clear(&r.error);
    j.progress = NULL;
    CHECK(judge(&r, "insertion", &j, TOLD(.points = 3)).count == 4);
    rig_down(&r);
}

static fl_shape tiny_clip;
static real tiny_values[3 * 8 * 24 * 24];

static void all_metrics(int batch, int threads, double *value)
{
    const fl_model *tiny = fl_model_find("tiny");
    static unsigned char mask[8 * 24 * 24];
    fl_rig r;
    memset(&r, 0, sizeof r);
    fl_threads_set(threads);
    fl_arena_init(&r.arena, &r.error);
    fl_arena_init(&r.results, &r.result_error);
    r.g = fl_graph_new(&r.arena);
    r.net = fl_model_build(r.g, tiny, &(fl_model_options){.n = batch});
    fl_model_fill_formula(r.g, 1);
    r.e = fl_explainer_new(r.g, r.net, &tiny->input);
    tiny_clip = fl_graph_shape(r.g, r.net.input);
    tiny_clip.n = 1;
    fl_rng_fill_normal(4, 4, 0, tiny_values, fl_shape_count(tiny_clip));
    mask[300] = mask[301] = 1;
    const fl_truth truth = {.mask = mask};
    const fl_explain_options o = {.target = {.class_index = 2}};
    rig_explain(&r, "gradient_x_input", tiny_values, o);
    const real *map = fl_map_reduce(&r.map, NULL, &r.results);
    fl_judged j = {.shape = tiny_clip, .map = map, .sum = (double)NAN, .truth = &truth, .explainer = r.e, .clip = tiny_values,
                   .target = {.class_index = 2}, .wanted = (double)NAN, .method = r.map.method, .options = &o, .raw = r.map.data,
                   .raw_count = fl_shape_count(r.map.shape)};
    static const fl_metric_options told[3] = {{.points = 7, .trials = 9}, {.points = 5, .trials = 5, .unit = FL_UNIT_PIECE, .pieces = 12,
        .substrate = "temporal"}, {.points = 4, .trials = 4, .unit = FL_UNIT_BLOCK, .unit_value = FL_UNIT_SUM, .substrate = "noise"}};
    for (int k = 0; k < 3; k++)
        for (const fl_metric *m = fl_metric_table; m->name; m++) *value++ = judge(&r, m->name, &j, told[k]).value;
    rig_down(&r);
    fl_threads_set(0);
}

TEST(metrics_same_bits)
{
    enum { MOST = 3 * 64 };
    double one[MOST] = {0}, other[MOST] = {0};
    static const struct { int batch, threads; } ways[] = {{1, 3}, {4, 1}, {5, 2}};
    all_metrics(1, 1, one);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        all_metrics(ways[i].batch, ways[i].threads, other);
        CHECK_SAY(memcmp(one, other, sizeof one) == 0, "other bits with %d clips per pass and %d threads", ways[i].batch, ways[i].threads);
    }
    int known = 0;
    for (int i = 0; i < MOST; i++) known += one[i] != 0 && !isnan(one[i]);
    CHECK_SAY(known > 50, "only %d of them are something", known);
}

/* Two numbers per sample are kept, and no more: beyond what one pass takes together. */
TEST(metrics_memory_is_flat)
{
    static const char *const metrics[] = {"insertion", "deletion", "faithfulness_correlation", "sensitivity_n", "infidelity",
        "max_sensitivity"};
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        size_t bytes[2];
        for (int k = 0; k < 2; k++) {
            fl_rig r;
            real a[N];
            const int n = k ? 1200 : 300;
            effects(a);
            line_up(&r);
            fl_judged j = judge_of(&r, a);
            const fl_measure m = judge(&r, metrics[i], &j, TOLD(.points = n, .trials = n));
            CHECK(m.bytes > 0 && (strcmp(metrics[i], "faithfulness_correlation") == 0 || m.passes >= n));
            bytes[k] = m.bytes;
            rig_down(&r);
        }
        CHECK_SAY(bytes[1] <= bytes[0] + 900 * 2 * sizeof(double) + 4096, "%s: %zu bytes, %zu for a quarter", metrics[i], bytes[1],
            bytes[0]);
    }
}

/* No allocation that fails goes unnoticed, and none crashes. */
TEST(metrics_memory_runs_out)
{
    static const char *const metrics[] = {"insertion", "sensitivity_n", "infidelity", "max_sensitivity", "completeness", "gini"};
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        bool done = false;
        for (long k = 1; k < 400 && !done; k++) {
            fl_rig r;
            real a[N];
            fl_measure m;
            effects(a);
            line_up(&r);
            fl_judged j = judge_of(&r, a);
            fl_arena_fail_at(k);
            const fl_status status = fl_metric_judge(fl_metric_find(metrics[i]), &j, &TOLD(.points = 3, .trials = 3), &r.results, &m);
            done = fl_arena_count() < k;
            fl_arena_fail_at(0);
            CHECK_SAY(done ? status == FL_OK : status != FL_OK, "%s, allocation %ld: status %d", metrics[i], k, (int)status);
            rig_down(&r);
        }
        CHECK(done);
    }
}
