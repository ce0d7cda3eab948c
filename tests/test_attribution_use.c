/* test_attribution_use.c: how the methods behave around the numbers: tables, baselines, reductions, warnings, errors,
 * progress, memory that runs out; and the pointing game. */
#include "tests/attribution_rig.h"

#include "attribution/baseline.h"
#include "attribution/localise.h"
#include "tensor/math.h"
#include "tensor/rng.h"

#include <stdlib.h>

/* ---- the tables ---- */

TEST(attribution_every_method_is_whole)
{
    int count = 0;
    for (const fl_method *m = fl_method_table; m->name; m++, count++) {
        CHECK_SAY(m->title && m->citation && m->doc && strlen(m->doc) > 20, "%s: title, citation, doc", m->name);
        CHECK_SAY(m->reduction.channels && m->reduction.polarity && m->reduction.upsample, "%s: reduction", m->name);
        const uint64_t uses = fl_method_uses(m);
        CHECK_SAY(!(uses & FL_READS(rule)) || (m->defaults.steps && m->defaults.rule), "%s: steps and rule", m->name);
        CHECK_SAY(!(uses & FL_READS(baseline)) || m->defaults.baseline, "%s: baseline", m->name);
        CHECK_SAY(!(uses & FL_READS(samples)) || m->defaults.samples || m->defaults.segments, "%s: samples", m->name);
        CHECK_SAY(m->law != FL_LAW_COMPLETE || uses & FL_READS_BASELINE, "%s: complete to what?", m->name);
        CHECK_SAY(fl_method_find(m->name) == m, "%s is there twice", m->name);
        CHECK(fl_method_driver(m) && fl_law_name[m->law] && fl_law_formula[m->law]);
    }
    CHECK(count >= 7);
    CHECK(fl_method_find("gradients") == NULL && fl_method_find("") == NULL);
    CHECK(strcmp(fl_method_nearest("gradcam"), "grad_cam") == 0);
    CHECK(strcmp(fl_method_nearest("integrated-gradient"), IG) == 0);
    for (int i = 0; fl_baseline_name[i]; i++) CHECK(fl_baseline_doc[i] && strlen(fl_baseline_doc[i]) > 10);
    CHECK(fl_name_find(fl_channels_name, "l2") == FL_CHANNELS_L2 &&
          fl_name_find(fl_polarity_name, "abs") == FL_POLARITY_ABS);
    CHECK(fl_name_find(fl_upsample_name, "trilinear") == FL_UPSAMPLE_TRILINEAR &&
          fl_name_find(fl_score_name, "margin") == FL_SCORE_MARGIN);
    CHECK(fl_name_find(fl_cam_pooling_name, "per_frame") == FL_CAM_PER_FRAME);
    CHECK(fl_name_find(fl_quadrature_name, "gauss_legendre") == FL_QUADRATURE_GAUSS_LEGENDRE);
    CHECK(fl_name_find(fl_score_name, "nonsense") == -1);
}

/* ---- baselines ---- */

TEST(attribution_baselines)
{
    enum { T = 3, H = 2, W = 2, C = 2, N = T * H * W * C };
    const fl_shape s = {1, C, T, H, W};
    const fl_card_input card = {.white = 255, .mean = {100, 50, 0}, .std = {2, 4, 1}};
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    real x[N], b[N];
    fl_rng rng = {5, 5, 0};
    for (int i = 0; i < N; i++) x[i] = (real)fl_rng_next_normal(&rng);
    double mean[C] = {0, 0};
    for (int i = 0; i < N; i++) mean[i % C] += (double)x[i] / ((double)N / C);
#define FILL(name, sigma, seed) CHECK(fl_baseline_fill(name, s, x, &card, sigma, seed, b, &arena, &error) == FL_OK)
    FILL("zero", 1, 0);
    for (int i = 0; i < N; i++) CHECK(b[i] == 0);
    FILL("black", 1, 0);
    for (int i = 0; i < N; i++) CHECK(b[i] == (i % C ? R(-12.5) : R(-50.0)));
    FILL("white", 1, 0);
    for (int i = 0; i < N; i++) CHECK(b[i] == (i % C ? R(51.25) : R(77.5)));
    FILL("mean", 1, 0);
    for (int i = 0; i < N; i++) CHECK_NEAR((double)b[i], mean[i % C], 1e-7);
    FILL("frozen", 1, 0);
    for (int i = 0; i < N; i++) CHECK(b[i] == x[i % (N / T)]);
    FILL("reversed", 1, 0);
    for (int i = 0; i < N; i++) CHECK(b[i] == x[(T - 1 - i / (N / T)) * (N / T) + i % (N / T)]);
    FILL("time_mean", 1, 0);
    for (int i = 0; i < N; i++) {
        const int at = i % (N / T);
        CHECK_NEAR((double)b[i], ((double)x[at] + (double)x[at + N / T] + (double)x[at + 2 * (N / T)]) / 3, 1e-7);
    }
    FILL("shuffled", 1, 4);
    bool seen[T] = {false, false, false};
    for (int t = 0; t < T; t++)
        for (int u = 0; u < T; u++) seen[u] = seen[u] || memcmp(b + t * (N / T), x + u * (N / T), sizeof x / T) == 0;
    CHECK(seen[0] && seen[1] && seen[2]);
    FILL("blur", 50, 0); /* far wider than the frame, borders repeated: nearly one value per row and column */
    for (int t = 0; t < T; t++)
        for (int c = 0; c < C; c++) {
            double low = 1e9, high = -1e9, least = 1e9, most = -1e9;
            for (int p = 0; p < H * W; p++) {
                const double v = (double)b[(t * H * W + p) * C + c], u = (double)x[(t * H * W + p) * C + c];
                low = v < low ? v : low, high = v > high ? v : high, least = u < least ? u : least,
                most = u > most ? u : most;
            }
            CHECK(high - low < 0.05 * (most - least) && low > least && high < most);
        }
    FILL("noise", 1, 9);
    real again[N];
    memcpy(again, b, sizeof b);
    FILL("noise", 1, 9);
    CHECK(memcmp(again, b, sizeof b) == 0);
    FILL("noise", 1, 10);
    CHECK(memcmp(again, b, sizeof b) != 0);
#undef FILL
    CHECK(fl_baseline_fill("black", s, x, NULL, 1, 0, b, &arena, &error) == FL_USAGE &&
          strstr(error.message, "card"));
    fl_error_clear(&error);
    CHECK(fl_baseline_fill("blakc", s, x, &card, 1, 0, b, &arena, &error) == FL_USAGE &&
          strstr(error.message, "'black'"));
    fl_arena_free(&arena);
}

/* Mean and deviation of the noise baseline are those of each channel. */
TEST(attribution_noise_baseline_looks_like_the_clip)
{
    enum { N = 2 * 8 * 16 * 16 };
    const fl_shape s = {1, 2, 8, 16, 16};
    static real x[N], b[N];
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    for (int i = 0; i < N; i++) x[i] = (real)(i % 2 ? 5 + 2 * ((i / 2) % 2) : -1 + 0.5 * ((i / 2) % 2));
    CHECK(fl_baseline_fill("noise", s, x, NULL, 1, 1, b, &arena, &error) == FL_OK);
    for (int c = 0; c < 2; c++) {
        double m = 0, v = 0;
        for (int i = c; i < N; i += 2) m += (double)b[i] / ((double)N / 2);
        for (int i = c; i < N; i += 2) v += ((double)b[i] - m) * ((double)b[i] - m) / ((double)N / 2);
        const double want = c ? 6 : -0.75, deviation = c ? 1 : 0.25;
        CHECK_NEAR(m, want, 5 * deviation / sqrt((double)N / 2));
        CHECK_NEAR(sqrt(v), deviation, 5 * deviation / sqrt(N));
    }
    fl_arena_free(&arena);
}

/* ---- from a map to a picture ---- */

TEST(attribution_channels_and_polarity)
{
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    real a[] = {1, -2, 4, 0, -3, 0};                     /* 2 voxels of 3 channels */
    const fl_map m = {
        .method = fl_method_find("gradient_x_input"), .shape = {1, 3, 1, 1, 2}, .clip = {1, 3, 1, 1, 2}, .data = a};
    static const struct { fl_channels channels; fl_polarity polarity; double first, second; } cases[] = {
        {FL_CHANNELS_DEFAULT, FL_POLARITY_DEFAULT, 3, -3},
        {FL_CHANNELS_SUM, FL_POLARITY_BOTH, 3, -3}, {FL_CHANNELS_SUM, FL_POLARITY_POSITIVE, 5, 0},
        {FL_CHANNELS_SUM, FL_POLARITY_NEGATIVE, 2, 3}, {FL_CHANNELS_SUM, FL_POLARITY_ABS, 7, 3},
        {FL_CHANNELS_MEAN, FL_POLARITY_BOTH, 1, -1}, {FL_CHANNELS_MEAN, FL_POLARITY_ABS, 7.0 / 3, 1},
        {FL_CHANNELS_ABS_SUM, FL_POLARITY_BOTH, 7, 3}, {FL_CHANNELS_MEAN_ABS, FL_POLARITY_BOTH, 7.0 / 3, 1},
        {FL_CHANNELS_MAX_ABS, FL_POLARITY_BOTH, 4, 3}, {FL_CHANNELS_MAX_ABS, FL_POLARITY_NEGATIVE, 2, 3},
        {FL_CHANNELS_L2, FL_POLARITY_BOTH, 4.5825756949558398, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fl_reduction how = {cases[i].channels, cases[i].polarity, FL_UPSAMPLE_DEFAULT};
        const real *y = fl_map_reduce(&m, &how, &arena);
        CHECK_NEAR((double)y[0], cases[i].first, 4 * FL_REAL_EPSILON);
        CHECK_NEAR((double)y[1], cases[i].second, 4 * FL_REAL_EPSILON);
    }
    fl_arena_free(&arena);
}

TEST(attribution_layer_maps_are_enlarged)
{
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    real a[] = {0, 4, 8, 8};                             /* 2 frames of 1 x 2 */
    const fl_map m = {.method = fl_method_find("grad_cam"),
                      .level = FL_LEVEL_LAYER,
                      .shape = {1, 1, 2, 1, 2},
                      .clip = {1, 3, 4, 2, 4},
                      .data = a};
    static const double space[] = {0, 1, 3, 4}, flat[] = {0, 0, 4, 4}, time[] = {0, 0.25, 0.75, 1};
    const real *bilinear = fl_map_reduce(&m, NULL, &arena);
    const real *nearest = fl_map_reduce(&m, &(fl_reduction){.upsample = FL_UPSAMPLE_NEAREST}, &arena);
    const real *trilinear = fl_map_reduce(&m, &(fl_reduction){.upsample = FL_UPSAMPLE_TRILINEAR}, &arena);
    for (int t = 0; t < 4; t++)
        for (int h = 0; h < 2; h++)
            for (int w = 0; w < 4; w++) {
                const int i = (t * 2 + h) * 4 + w;
                CHECK_NEAR((double)bilinear[i], t < 2 ? space[w] : 8, 1e-6);
                CHECK_NEAR((double)nearest[i], t < 2 ? flat[w] : 8, 0);
                CHECK_NEAR((double)trilinear[i], (1 - time[t]) * space[w] + time[t] * 8, 1e-6);
            }
    real per_frame[4];
    a[1] = -4;
    fl_frame_importance(4, 8, fl_map_reduce(&m, NULL, &arena), per_frame);
    CHECK(per_frame[0] == 16 && per_frame[1] == 16 && per_frame[2] == 64 && per_frame[3] == 64);
    fl_arena_free(&arena);
}

/* ---- warnings, settings, errors ---- */

/* Two logits 0 and `gain` times the mean of 2 frames of 2 x 2. */
static void line_up(fl_rig *r, double gain)
{
    const double w[] = {0, gain};
    rig_up(r, (fl_shape){1, 1, 2, 2, 2});
    r->net.cam = fl_node_relu(r->g, "relu", r->net.input);
    rig_ready(r, rig_linear(r, "fc", fl_node_global_average(r->g, "mean", r->net.cam), 2, w, NULL));
}

static bool warns(const fl_map *m, const char *part)
{
    for (int i = 0; i < m->warnings; i++)
        if (strstr(m->warning[i], part)) return true;
    return false;
}

static const real ONES[8] = {1, 1, 1, 1, 1, 1, 1, 1}, RAMP[8] = {1, 2, 3, 4, 5, 6, 7, 8};

TEST(attribution_warnings)
{
    fl_rig r;
    line_up(&r, 20);
    rig_explain(&r, "gradient", ONES, WITH(.target = {.class_index = 1, .score = FL_SCORE_PROBABILITY, .other = 0}));
    CHECK(warns(&r.map, "saturated softmax") && !warns(&r.map, "zero map") && !warns(&r.map, "only"));
    rig_explain(&r, "gradient", ONES, WITH(.target = {.class_index = 1, .score = FL_SCORE_LOGIT, .other = 0}));
    CHECK(r.map.warnings == 0);
    rig_explain(&r, "gradient", ONES, WITH(.target = {.class_index = 0, .score = FL_SCORE_LOGIT, .other = 0}));
    CHECK(warns(&r.map, "only 2.06e-09") && warns(&r.map, "zero map"));
    rig_down(&r);
    line_up(&r, 2000);                                   /* so far gone that nothing is left of the gradient */
    const real *a = rig_explain(&r, "gradient", ONES, WITH(.target = {.class_index = 1, .score = FL_SCORE_PROBABILITY, .other = 0}));
    CHECK(a && a[0] == 0 && warns(&r.map, "zero map: the softmax is saturated"));
    rig_down(&r);
    line_up(&r, -1);
    rig_explain(&r, "grad_cam", ONES, WITH(.target = {.class_index = 1}));
    CHECK(warns(&r.map, "against the class everywhere"));
    rig_explain(&r, "grad_cam", ONES, WITH(.target = {.class_index = 1}, .signed_cam = true));
    CHECK(r.map.warnings == 0 && r.map.data[0] == R(-0.125));
    rig_explain(&r, IG, ONES, WITH(.target = {.class_index = 1}, .baseline = "frozen"));
    CHECK(warns(&r.map, "equals the clip") && warns(&r.map, "zero map"));
    rig_explain(&r, IG, ONES, WITH(.target = {.class_index = 1, .score = FL_SCORE_PROBABILITY}, .baseline = "frozen"));
    CHECK(warns(&r.map, "zero map") && !warns(&r.map, "saturated"));
    rig_explain(&r, IG, RAMP, WITH(.target = {.class_index = 1, .score = FL_SCORE_PROBABILITY}, .steps = 1));
    CHECK(warns(&r.map, "misses its sum") && warns(&r.map, "more steps or the rule gauss_legendre"));
    rig_explain(&r, "blur_ig", RAMP, WITH(.target = {.class_index = 1, .score = FL_SCORE_PROBABILITY}, .steps = 1));
    CHECK(warns(&r.map, "misses its sum") && warns(&r.map, "more steps") && !warns(&r.map, "gauss_legendre"));      /* it has no rule */
    rig_down(&r);
}

static const char *setting(const fl_setting *s, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(s[i].name, name) == 0) return s[i].value;
    return "(none)";
}

TEST(attribution_settings_are_what_was_used)
{
    fl_rig r;
    int n;
    line_up(&r, 2);
    rig_explain(&r, IG, RAMP, WITH(.target = {.class_index = FL_CLASS_AUTO}, .baseline = "blur", .seed = 4));
    const fl_setting *s = fl_map_settings(&r.map, &r.results, &n);
    CHECK(strcmp(setting(s, n, "class"), "1") == 0 && strcmp(setting(s, n, "score"), "logit") == 0);
    CHECK(strcmp(setting(s, n, "steps"), "50") == 0 && strcmp(setting(s, n, "rule"), "gauss_legendre") == 0);
    CHECK(strcmp(setting(s, n, "baseline"), "blur") == 0 && strcmp(setting(s, n, "baseline-sigma"), "0.2") == 0);
    CHECK(strcmp(setting(s, n, "samples"), "(none)") == 0 && strcmp(setting(s, n, "layer"), "(none)") == 0);
    CHECK(strcmp(setting(s, n, "seed"), "(none)") == 0);
    rig_explain(&r, IG, RAMP, WITH(.baseline = "noise", .seed = 4));
    s = fl_map_settings(&r.map, &r.results, &n);
    CHECK(strcmp(setting(s, n, "seed"), "4") == 0 && strcmp(setting(s, n, "baseline-sigma"), "(none)") == 0);
    rig_explain(&r, "vargrad", RAMP, WITH(.seed = 4));
    s = fl_map_settings(&r.map, &r.results, &n);
    CHECK(strcmp(setting(s, n, "samples"), "25") == 0 && strcmp(setting(s, n, "noise"), "0.15") == 0);
    CHECK(strcmp(setting(s, n, "seed"), "4") == 0 && strcmp(setting(s, n, "biased"), "no") == 0);
    rig_explain(&r, "grad_cam", RAMP, WITH(.pooling = FL_CAM_PER_FRAME));
    s = fl_map_settings(&r.map, &r.results, &n);
    CHECK(strcmp(setting(s, n, "layer"), "relu") == 0 && strcmp(setting(s, n, "pooling"), "per_frame") == 0);
    rig_down(&r);
}

TEST(attribution_refuses_what_makes_no_sense)
{
    static const struct { const char *method; fl_explain_options o; const char *part; } cases[] = {
        {"gradient", {.target = {.class_index = 2}}, "classes 0 to 1, got 2"},
        {"gradient", {.target = {.class_index = -2}}, "classes 0 to 1, got -2"},
        {"gradient", {.target = {.class_index = 1, .score = FL_SCORE_MARGIN, .other = 1}}, "against itself"},
        {"gradient", {.target = {.class_index = 1, .score = FL_SCORE_MARGIN, .other = 9}}, "other class"},
        {IG, {.steps = -3}, "steps: expected 1 to"},
        {IG, {.steps = 1, .rule = FL_QUADRATURE_TRAPEZOID}, "at least 2"},
        {IG, {.baseline = "balck"}, "did you mean 'black'"},
        {IG, {.baseline = "black"}, "card"},
        {"smoothgrad", {.samples = -1}, "samples: expected 1 to"},
        {"vargrad", {.samples = 1}, "at least 2"},
        {"grad_cam", {.layer = "rleu"}, "did you mean 'relu'"},
        {"grad_cam", {.layer = "fc.w"}, "choose an activation"}};
    fl_rig r;
    line_up(&r, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t used = r.results.used;
        CHECK(fl_explain(r.e, fl_method_find(cases[i].method), RAMP, &cases[i].o, &r.results, &r.map) == FL_USAGE);
        CHECK_SAY(strstr(r.error.message, cases[i].part) != NULL, "wanted \"%s\", got \"%s\"", cases[i].part,
                  r.error.message);
        CHECK(r.map.data == NULL && r.results.used == used);
        fl_error_clear(&r.error);
        rig_explain(&r, "gradient", RAMP, DEFAULTS);          /* and goes on as if nothing had been */
    }
    real broken[8];
    memcpy(broken, RAMP, sizeof broken);
    broken[5] = (real)NAN;
    CHECK(fl_explain(r.e, fl_method_find("gradient"), broken, &WITH(.target = {.class_index = 1}), &r.results,
                     &r.map) == FL_FAILED);
    CHECK(strstr(r.error.message, "nothing to explain") != NULL);
    fl_error_clear(&r.error);
    r.net.cam = FL_NONE;
    r.e = fl_explainer_new(r.g, r.net, NULL);
    CHECK(fl_explain(r.e, fl_method_find("grad_cam"), RAMP, NULL, &r.results, &r.map) == FL_USAGE &&
          strstr(r.error.message, "names no layer"));
    fl_error_clear(&r.error);
    r.net.output = r.net.logits = r.net.input;
    CHECK(fl_explainer_new(r.g, r.net, NULL) == NULL && strstr(r.error.message, "one score per class") != NULL);
    rig_down(&r);
}

/* A layer above the score, or beside it. */
TEST(attribution_layer_must_lead_to_the_score)
{
    fl_rig r;
    const double w[] = {1, 2};
    rig_up(&r, (fl_shape){1, 1, 2, 2, 2});
    fl_node_tanh(r.g, "beside", r.net.input);
    rig_ready(&r, rig_linear(&r, "fc", fl_node_global_average(r.g, "mean", r.net.input), 2, w, NULL));
    CHECK(fl_explain(r.e, fl_method_find("grad_cam"), RAMP, &WITH(.layer = "beside"), &r.results, &r.map) ==
          FL_USAGE);
    CHECK(strstr(r.error.message, "does not depend on node 'beside'") != NULL);
    rig_down(&r);
}

typedef struct watch { int calls, done, total, stop_at; } watch;

static bool watched(int done, int total, void *user)
{
    watch *w = user;
    w->calls++;
    CHECK(done > w->done && done <= total && (w->total == 0 || w->total == total));
    w->done = done;
    w->total = total;
    return w->stop_at == 0 || done < w->stop_at;
}

TEST(attribution_progress_and_stopping)
{
    static const struct { const char *method; int total; } cases[] = {
        {"gradient", 1}, {IG, 8}, {"smoothgrad", 5}, {"grad_cam", 1}};
    fl_rig r;
    line_up(&r, 2);
    for (int i = 0; i < 4; i++) {
        watch w = {0, 0, 0, 0};
        rig_explain(&r, cases[i].method, RAMP, WITH(.steps = 6, .samples = 4, .progress = watched, .user = &w));
        CHECK(w.done == cases[i].total && w.calls == w.done && r.map.passes == w.done);
        CHECK(w.total == cases[i].total);
    }
    /* samples that were gathered make a map: that of so many */
    real two[4];
    watch w = {0, 0, 0, 3};
    const real *part = rig_explain(&r, "smoothgrad", RAMP, WITH(.samples = 4, .progress = watched, .user = &w));
    CHECK(w.calls == 3 && r.map.partial && r.map.passes == 3);
    memcpy(two, part, sizeof two);
    const real *same = rig_explain(&r, "smoothgrad", RAMP, WITH(.samples = 2));
    CHECK(!r.map.partial && memcmp(same, two, sizeof two) == 0);
    w = (watch){0, 0, 0, 3};
    CHECK(fl_explain(r.e, fl_method_find(IG), RAMP, &WITH(.steps = 6, .progress = watched, .user = &w), &r.results, &r.map) == FL_LIMIT &&
          w.calls == 3 && r.map.data == NULL);
    CHECK(strstr(r.error.message, "stopped after 3 of 8") != NULL);
    rig_down(&r);
}

/* Every allocation fails once: an error each time, never a crash, never a map. */
TEST(attribution_survives_every_failed_allocation)
{
    static const char *const methods[] = {"gradient_x_input", IG, "vargrad", "grad_cam",
                                          "lrp_epsilon_alpha2_beta1", "deeplift_reveal_cancel", "lrp_lstm_conserving"};
    for (int m = 0; m < 7; m++) {
        bool done = false;
        for (long k = 1; !done && k < 200; k++) {
            fl_rig r;
            line_up(&r, 2);
            fl_arena_fail_at(k);
            const fl_status status =
                fl_explain(r.e, fl_method_find(methods[m]), RAMP, &WITH(.baseline = "blur", .steps = 2, .samples = 2, .epsilon = 0.5),
                           &r.results, &r.map);
            const real *drawn = status == FL_OK ? fl_map_reduce(&r.map, NULL, &r.results) : NULL;
            done = fl_arena_count() < k;
            fl_arena_fail_at(0);
            CHECK_SAY(done
                          ? drawn != NULL
                          : drawn == NULL && (status == FL_OK || (r.map.data == NULL && r.error.status == FL_FAILED)),
                      "%s, allocation %ld: status %d", methods[m], k, (int)status);
            rig_down(&r);
        }
        CHECK(done);
    }
}

/* ---- the pointing game ---- */

TEST(attribution_pointing_game)
{
    const fl_shape s = {1, 1, 3, 4, 5};
    real map[60] = {0};
    unsigned char mask[60] = {0};
    const fl_box box[3] = {{0, 0, 0, 0}, {1, 2, 3, 4}, {4, 0, 5, 1}};
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_truth_add_boxes(s, box, mask);
    const fl_truth truth = {.mask = mask}, wide = {.mask = fl_truth_enlarge(s, mask, 1, &arena)};
    CHECK(fl_pointing_voxel(s, map, NULL) == 0 && !fl_pointing_hit(s, map, &truth));       /* frame 0 has no box */
    CHECK(!fl_pointing_hit(s, map, &(fl_truth){.mask = fl_truth_enlarge(s, mask, 3, &arena)}));
    map[20 + 2 * 5 + 1] = 2; /* t 1, y 2, x 1: the box's corner */
    CHECK(fl_pointing_hit(s, map, &truth));
    map[20 + 3 * 5 + 3] = 2; /* a tie: the first counts */
    CHECK(fl_pointing_voxel(s, map, NULL) == 31 && fl_pointing_hit(s, map, &truth));
    map[20 + 3 * 5 + 3] = 3; /* x 3 is just outside */
    CHECK(!fl_pointing_hit(s, map, &truth) && fl_pointing_hit(s, map, &wide));
    map[40 + 4] = 4;
    CHECK(fl_pointing_hit(s, map, &truth));
    CHECK_NEAR(fl_pointing_chance(s, &truth), 5.0 / 60, 1e-15);
    CHECK_NEAR(fl_pointing_chance(s, &wide), (12.0 + 4) / 60, 1e-15);
    CHECK_NEAR(fl_energy_inside(s, map, &truth), 6.0 / 9, 1e-15);
    map[0] = -100; /* speaks against: no energy */
    CHECK_NEAR(fl_energy_inside(s, map, &truth), 6.0 / 9, 1e-15);
    for (int i = 0; i < 60; i++) map[i] = 1;
    CHECK_NEAR(fl_energy_inside(s, map, &truth), fl_pointing_chance(s, &truth), 1e-15);
    for (int i = 0; i < 60; i++) map[i] = -1;
    CHECK(isnan(fl_energy_inside(s, map, &truth)));
    fl_arena_free(&arena);
}

/* A grown mask against its definition: a pixel of the mask within the tolerance in both directions, in the same frame. */
TEST(attribution_truth_grows_by_squares)
{
    enum { T = 2, H = 7, W = 9, N = T * H * W };
    const fl_shape s = {1, 1, T, H, W};
    fl_error error = {FL_OK, ""};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    for (int tolerance = 0; tolerance < 10; tolerance++) {
        unsigned char mask[N];
        for (int i = 0; i < N; i++) mask[i] = fl_rng_below(3, (uint64_t)tolerance, (uint64_t)i, 15) == 0;
        const unsigned char *wide = fl_truth_enlarge(s, mask, tolerance, &arena);
        for (int i = 0; i < N; i++) {
            bool near = false;
            for (int k = i / (H * W) * H * W; k < (i / (H * W) + 1) * H * W; k++)
                near = near || (mask[k] && abs(k % W - i % W) <= tolerance && abs(k / W % H - i / W % H) <= tolerance);
            CHECK((wide[i] != 0) == near);
        }
    }
    fl_arena_free(&arena);
}

/* The hit rate of random maps is the boxes' share, within five standard deviations. */
TEST(attribution_random_maps_hit_by_chance)
{
    enum { TRIES = 4000 };
    const fl_shape s = {1, 1, 3, 4, 5};
    const fl_box box[3] = {{0, 0, 2, 3}, {1, 2, 3, 4}, {4, 0, 5, 1}};
    unsigned char mask[60] = {0};
    fl_truth_add_boxes(s, box, mask);
    const fl_truth truth = {.mask = mask};
    const double chance = fl_pointing_chance(s, &truth);
    int hits = 0;
    real map[60];
    for (uint64_t k = 0; k < TRIES; k++) {
        fl_rng_fill_normal(1, k, 0, map, 60);
        hits += fl_pointing_hit(s, map, &truth);
    }
    CHECK_NEAR((double)hits / TRIES, chance, 5 * sqrt(chance * (1 - chance) / TRIES));
}
