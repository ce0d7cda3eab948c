/* test_metrics.c: ranks under all metrics; the table of metrics whole, its errors, bits and memory. */
#include "tests/metric_rig.h"

#include "attribution/metrics/rank.h"
#include "models/model.h"
#include "tensor/par.h"
#include "tensor/rng.h"

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
