/* test_attribution_composed.c: methods that ask other methods, or the network without a gradient: regions, ablation, pyramids of
 * channels, motion; baselines in lists. */
#include "tests/attribution_rig.h"

#include "attribution/segments.h"
#include "tensor/par.h"

#include <stdlib.h>

static const double NEAR = 100 * FL_REAL_EPSILON;

enum { T = 4, SIDE = 16, VOXELS = 2 * T * SIDE * SIDE, CHANNELS = 5, OUT = 3 };
static const fl_shape SHAPE = {1, 2, T, SIDE, SIDE};
static real clip[VOXELS];

static fl_id random_param(fl_rig *r, const char *name, fl_shape s, uint64_t stream)
{
    const fl_id id = fl_node_param(r->g, name, s);
    fl_rng_fill_normal(11, stream, 0, fl_graph_value(r->g, id), fl_shape_count(s));
    return id;
}

/* conv 3x3x3 -> relu (cam) -> mean -> linear -> relu -> linear: a head that is not linear. */
static void small_net(fl_rig *r, int batch)
{
    rig_up(r, (fl_shape){batch, 2, T, SIDE, SIDE});
    const fl_id w = random_param(r, "w", (fl_shape){CHANNELS, 2, 3, 3, 3}, 1);
    r->net.cam = fl_node_relu(r->g, "cam", fl_node_conv(r->g, "conv", r->net.input, w, FL_NONE, fl_window_cube(3, 3, 3, 1, 1, 1), 1));
    fl_id x = fl_node_global_average(r->g, "mean", r->net.cam);
    x = fl_node_relu(r->g, "h", fl_node_linear(r->g, "fc1", x, random_param(r, "w1", fl_shape_vector(6, CHANNELS), 2),
                                               random_param(r, "b1", fl_shape_vector(1, 6), 3)));
    rig_ready(r, fl_node_linear(r->g, "fc2", x, random_param(r, "w2", fl_shape_vector(OUT, 6), 4), FL_NONE));
    fl_rng_fill_normal(12, 0, 0, clip, VOXELS);
}

/* The head by hand, in double, from the means of the channels. */
static double head(const fl_rig *r, const double *mean, int c)
{
    const real *w1 = fl_graph_value(r->g, fl_graph_find(r->g, "w1")), *b1 = fl_graph_value(r->g, fl_graph_find(r->g, "b1"));
    const real *w2 = fl_graph_value(r->g, fl_graph_find(r->g, "w2"));
    double score = 0;
    for (int j = 0; j < 6; j++) {
        double h = (double)b1[j];
        for (int k = 0; k < CHANNELS; k++) h += (double)w1[j * CHANNELS + k] * mean[k];
        score += (double)w2[c * 6 + j] * fmax(h, 0);
    }
    return score;
}

TEST(attribution_ablation_cam_takes_channels_away)
{
    for (int batch = 1; batch <= 3; batch += 2) {
        fl_rig r;
        small_net(&r, batch);
        rig_explain(&r, "hires_cam", clip, CLASS(1));            /* the layer's values stay until the next pass */
        const int64_t places = T * SIDE * SIDE;
        real *a = malloc((size_t)(places * CHANNELS) * sizeof *a);
        double mean[CHANNELS] = {0}, weight[CHANNELS];
        if (!a) exit(1);
        memcpy(a, fl_graph_value(r.g, r.net.cam), (size_t)(places * CHANNELS) * sizeof *a);
        for (int64_t i = 0; i < places * CHANNELS; i++) mean[i % CHANNELS] += (double)a[i] / (double)places;
        const double score = head(&r, mean, 1);
        for (int k = 0; k < CHANNELS; k++) {
            const double was = mean[k];
            mean[k] = 0;
            weight[k] = (score - head(&r, mean, 1)) / fabs(score);
            mean[k] = was;
        }
        const real *m = rig_explain(&r, "ablation_cam", clip, CLASS(1, .signed_cam = true));
        CHECK_NEAR(r.map.score, score, NEAR * (1 + fabs(score)));
        CHECK(r.map.passes == 1 + CHANNELS);
        double worst = 0;
        for (int64_t p = 0; p < places && m; p++) {
            double want = 0;
            for (int k = 0; k < CHANNELS; k++) want += weight[k] * (double)a[p * CHANNELS + k];
            worst = fmax(worst, fabs(want - (double)m[p]) / (1 + fabs(want)));
        }
        CHECK_SAY(worst < 10 * NEAR, "batch %d: off by %g", batch, worst);
        CHECK(fl_explain(r.e, fl_method_find("ablation_cam"), clip, &CLASS(1, .layer = "fc1.w"), &r.results, &r.map) == FL_USAGE);
        free(a);
        rig_down(&r);
    }
}

/* What depends on the changed node is computed again, and what lies beside it is not touched. */
TEST(attribution_ablation_recomputes_what_is_above)
{
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    const fl_id a = rig_linear(&r, "a", r.net.input, 2, (const double[]){1, 2, 3, 4}, NULL), b = fl_node_relu(r.g, "b", r.net.input);
    const fl_id y = fl_node_add(r.g, "y", a, b);
    bool changed[16];
    CHECK(fl_graph_plan(r.g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &y, .n_out = 1}) == FL_OK);
    fl_graph_set(r.g, r.net.input, V(1, -1));
    fl_graph_forward(r.g);
    fl_graph_value(r.g, a)[0] = 10;
    fl_graph_forward_above(r.g, a, changed);
    CHECK(fl_graph_value(r.g, y)[0] == 11 && fl_graph_value(r.g, y)[1] == -1 && fl_graph_value(r.g, a)[0] == 10);
    CHECK(changed[a] && changed[y] && !changed[b] && !changed[r.net.input]);
    rig_down(&r);
}

/* ---- class feature pyramids ---- */

static void head_only(fl_rig *r)                         /* mean -> linear */
{
    rig_up(r, (fl_shape){1, 3, 1, 1, 2});
    r->net.cam = fl_node_relu(r->g, "cam", r->net.input);
    rig_ready(r, rig_linear(r, "fc", fl_node_global_average(r->g, "mean", r->net.cam), 2, (const double[]){4, 1, -1, 2, 0, 3}, NULL));
}

TEST(attribution_pyramid_selects_by_the_head)
{
    const real *x = V(1, 10, 100, 2, 20, 200);               /* two places, three channels each */
    fl_rig r;
    head_only(&r);
    /* (w + 1) / 5 of class 0: 1, 0.4, 0; of class 1: 0.6, 0.2, 0.8 */
    GIVES(&r, "class_feature_pyramids", x, CLASS(0), 0, 1, 2);
    GIVES(&r, "class_feature_pyramids", x, CLASS(0, .threshold = 0.3), 0, 11, 22);
    GIVES(&r, "class_feature_pyramids", x, CLASS(0, .meant = FL_READS(threshold)), 0, 111, 222);
    GIVES(&r, "class_feature_pyramids", x, CLASS(1, .threshold = 0.5), 0, 101, 202);
    GIVES(&r, "class_feature_pyramids", x, CLASS(0, .threshold = 1), 0, 1, 2);       /* the largest of all is its own */
    GIVES(&r, "class_feature_pyramids", x, CLASS(1, .threshold = 1), 0, 100, 200);   /* none reaches it: the strongest */
    rig_down(&r);
}

TEST(attribution_pyramid_goes_down_through_weights)
{
    /* 4 channels -> conv 1x1x1 with 2 outputs -> joined with 1 more channel -> mean -> linear */
    static const fl_window one = {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    fl_rig r;
    rig_up(&r, (fl_shape){1, 4, 1, 1, 1});
    const fl_id low = fl_node_relu(r.g, "low", r.net.input);
    const fl_id w = rig_param(&r, "w", (fl_shape){2, 4, 1, 1, 1}, (const double[]){1, 1, 1, 1, 8, 0, 2, -1});
    const fl_id conv = fl_node_relu(r.g, "conv", fl_node_conv(r.g, "z", low, w, FL_NONE, one, 1));
    const fl_id both[] = {conv, fl_node_slice(r.g, "some", low, FL_AXIS_C, 3, 4)};
    r.net.cam = fl_node_concat(r.g, "join", FL_AXIS_C, 2, both);
    rig_ready(&r, rig_linear(&r, "fc", fl_node_global_average(r.g, "mean", r.net.cam), 2, (const double[]){0, 4, 0, 3, 0, 4}, NULL));
    /* class 0 is of channel 1, whose parts are 8 * 1, 0 * 2, 2 * 3, -1 * 4 = 8 0 6 -4, over 10, from -0.4 to 0.8: 1, 1/3, 5/6, 0 */
    GIVES(&r, "class_feature_pyramids", V(1, 2, 3, 4), CLASS(0, .layer = "low"), 0, 1 + 3);
    GIVES(&r, "class_feature_pyramids", V(1, 2, 3, 4), CLASS(0, .layer = "low", .threshold = 0.3), 0, 1 + 2 + 3);
    /* class 1 is of channels 0 (parts 1 2 3 4: 0 1/3 2/3 1) and 2, which is channel 3 below */
    GIVES(&r, "class_feature_pyramids", V(1, 2, 3, 4), CLASS(1, .layer = "low", .threshold = 0.7), 0, 4);
    GIVES(&r, "class_feature_pyramids", V(1, 2, 3, 4), CLASS(1, .layer = "low"), 0, 3 + 4);
    rig_down(&r);
}

/* ---- regions ---- */

TEST(attribution_xrai_gives_regions_their_mean)
{
    fl_rig r;
    rig_up(&r, SHAPE);
    double w[VOXELS];
    /* One class that is the sum over a box of voxels, which is also of another colour. */
    int i = 0;
    for (int c = 0; c < 2; c++)
        for (int t = 0; t < T; t++)
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < SIDE; x++, i++) {
                    const bool inside = x >= 8 && y >= 8;
                    w[i] = inside;
                    clip[fl_at(SHAPE, 0, c, t, y, x)] = (real)(inside ? 1 + c : -0.5);
                }
    rig_ready(&r, rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", r.net.input), 1, w, NULL));
    const real *m = rig_explain(&r, "xrai", clip, CLASS(0, .baseline = "zero", .steps = 2));
    CHECK(m && r.map.level == FL_LEVEL_INPUT && fl_shape_equal(r.map.shape, SHAPE) && r.map.passes == 4);
    CHECK(r.map.residual < 10 * NEAR && isfinite(r.map.wanted));
    int wrong = 0;
    for (int64_t p = 0; p < VOXELS / 2 && m; p++) {
        const int x = (int)(p % SIDE), y = (int)(p / SIDE % SIDE);
        const bool inside = x >= 10 && y >= 10, outside = x < 6 || y < 6;        /* between them edges are softened */
        const double value = (double)m[2 * p] + (double)m[2 * p + 1];
        wrong += (inside && fabs(value - 3) > 0.8) || (outside && fabs(value) > 0.8) || m[2 * p] != m[2 * p + 1];
    }
    CHECK_SAY(wrong <= 10, "%d of %d voxels are far from their region's mean", wrong, VOXELS / 2);
    rig_down(&r);
}

/* Few values, and the sum of integrated gradients. */
TEST(attribution_xrai_keeps_the_sum)
{
    fl_rig r;
    small_net(&r, 1);
    const real *m = rig_explain(&r, "xrai", clip, CLASS(0, .baseline = "zero,mean", .steps = 20));
    const double sum = r.map.sum, wanted = r.map.wanted;
    int values = 0;
    for (int64_t p = 0; m && p < VOXELS / 2; p++) {
        bool seen = false;
        for (int64_t q = 0; q < p && !seen; q++) seen = m[2 * q] == m[2 * p];
        values += !seen;
    }
    CHECK_SAY(values > 3 && values < 350, "%d different values", values);
    rig_explain(&r, IG, clip, CLASS(0, .baseline = "zero,mean", .steps = 20));
    CHECK_NEAR(sum, r.map.sum, 1e3 * NEAR * (1 + fabs(sum)));
    CHECK(wanted == r.map.wanted);
    rig_down(&r);
}

/* ---- motion ---- */

TEST(attribution_motion_parts_relevance)
{
    static real whole[VOXELS], spatial[VOXELS];
    static const char *const rules[] = {"deep_taylor", "lrp_epsilon"};
    for (int which = 0; which < 2; which++) {
        const fl_ruleset *set = fl_method_find(rules[which])->defaults.rules;
        fl_rig r;
        small_net(&r, 1);
        const fl_explain_options o = CLASS(FL_CLASS_AUTO, .rules = set, .lowest = -5, .highest = 5);
        const real *m = rig_explain(&r, rules[which], clip, o);
        if (m) memcpy(whole, m, sizeof whole);
        m = rig_explain(&r, "spatial_relevance", clip, o);
        CHECK(r.map.passes == T + 1);
        if (m) memcpy(spatial, m, sizeof spatial);
        m = rig_explain(&r, "temporal_relevance", clip, o);
        double worst = 0, all = 0;
        for (int i = 0; m && i < VOXELS; i++) {
            worst = fmax(worst, fabs((double)m[i] + (double)spatial[i] - (double)whole[i]));
            all = fmax(all, fabs((double)m[i]));
        }
        CHECK_SAY(worst < NEAR * (1 + all) && all > 0, "%s: off by %g of %g", rules[which], worst, all);
        for (int i = VOXELS / T; i < VOXELS; i++) clip[i] = clip[i - VOXELS / T];          /* nothing moves */
        m = rig_explain(&r, "temporal_relevance", clip, o);
        for (int i = 0; m && i < VOXELS; i++) CHECK(m[i] == 0);
        rig_down(&r);
    }
}

/* ---- baselines ---- */

TEST(attribution_lists_of_baselines_are_averaged)
{
    static const char *const methods[] = {IG, "deeplift", "guided_ig", "gradient_x_input"};
    static double mean[VOXELS];
    for (int k = 0; k < 4; k++) {
        fl_rig r;
        small_net(&r, 2);
        double score = 0;
        memset(mean, 0, sizeof mean);
        static const char *const one[] = {"zero", "temporal_blur", "mean"};
        for (int j = 0; j < 3; j++) {
            const real *m = rig_explain(&r, methods[k], clip, CLASS(0, .baseline = one[j], .steps = 9));
            for (int i = 0; m && i < VOXELS; i++) mean[i] += (double)m[i] / 3;
            score += r.map.baseline_score / 3;
        }
        const real *m = rig_explain(&r, methods[k], clip, CLASS(0, .baseline = "zero,temporal_blur,mean", .steps = 9));
        double worst = 0;
        for (int i = 0; m && i < VOXELS; i++) worst = fmax(worst, fabs((double)m[i] - mean[i]));
        CHECK_SAY(worst < NEAR, "%s: off by %g", methods[k], worst);
        if (k < 2) CHECK(fabs(r.map.baseline_score - score) < NEAR * (1 + fabs(score)));
        if (k < 2) CHECK_NEAR(r.map.residual, k ? 0 : 0.03, k ? 1e3 * NEAR : 0.03);
        CHECK(strcmp(r.map.options.baseline, "zero,temporal_blur,mean") == 0);
        rig_down(&r);
    }
}

TEST(attribution_deeplift_shap_is_the_mean_over_draws)
{
    static double mean[VOXELS];
    fl_rig r;
    small_net(&r, 1);
    double score = 0;
    memset(mean, 0, sizeof mean);
    for (int k = 0; k < 4; k++) {
        const real *m = rig_explain(&r, "deeplift", clip, CLASS(1, .baseline = "noise", .seed = 20 + (uint64_t)k));
        for (int i = 0; m && i < VOXELS; i++) mean[i] += (double)m[i] / 4;
        score += r.map.baseline_score / 4;
    }
    const real *m = rig_explain(&r, "deeplift_shap", clip, CLASS(1, .samples = 4, .seed = 20));
    double worst = 0;
    for (int i = 0; m && i < VOXELS; i++) worst = fmax(worst, fabs((double)m[i] - mean[i]));
    CHECK_SAY(worst < NEAR, "off by %g", worst);
    CHECK_NEAR(r.map.baseline_score, score, NEAR * (1 + fabs(score)));
    CHECK(r.map.residual < 1e3 * NEAR && r.map.passes == 1 + 8);
    rig_down(&r);
}

TEST(attribution_baseline_clip_has_a_name)
{
    static real other[VOXELS];
    fl_rig r;
    small_net(&r, 1);
    fl_rng_fill_normal(13, 0, 0, other, VOXELS);
    rig_explain(&r, IG, clip, CLASS(0, .baseline_clip = other));
    CHECK(strcmp(r.map.options.baseline, "clip") == 0 && r.map.residual < 0.05);
    const double alone = r.map.baseline_score;
    rig_explain(&r, IG, clip, CLASS(0, .baseline = "zero"));
    const double zero = r.map.baseline_score;
    rig_explain(&r, IG, clip, CLASS(0, .baseline_clip = other, .baseline = "clip,zero"));
    CHECK_NEAR(r.map.baseline_score, 0.5 * (alone + zero), NEAR * (1 + fabs(alone)));
    CHECK(fl_explain(r.e, fl_method_find(IG), clip, &CLASS(0, .baseline = "clip"), &r.results, &r.map) == FL_USAGE);
    CHECK(strstr(r.error.message, "--baseline-clip"));
    rig_down(&r);
}

/* ---- as the study's code has it ---- */

/* The same map as with these options said one by one. */
static void published_is(fl_rig *r, const char *method, fl_explain_options same)
{
    static real kept[VOXELS];
    const real *m = rig_explain(r, method, clip, CLASS(1, .as_published = true));
    CHECK(r->map.options.target.score == FL_SCORE_PROBABILITY && r->map.options.as_published);
    const int64_t count = m ? fl_shape_count(r->map.shape) : 0;
    if (m) memcpy(kept, m, (size_t)count * sizeof *kept);
    same.target = (fl_target){.class_index = 1, .score = FL_SCORE_PROBABILITY};
    const real *again = rig_explain(r, method, clip, same);
    CHECK_SAY(m && again && fl_shape_count(r->map.shape) == count && memcmp(kept, again, (size_t)count * sizeof *kept) == 0,
              "%s as published: another map", method);
}

TEST(attribution_as_published)
{
    fl_rig r;
    small_net(&r, 1);
    published_is(&r, "gradient", DEFAULTS);
    published_is(&r, "grad_cam", WITH(.pooling = FL_CAM_PER_FRAME));
    published_is(&r, "smoothgrad", DEFAULTS);
    published_is(&r, "guided_backprop", DEFAULTS);
    CHECK(fl_map_reduction(&r.map, NULL).channels == FL_CHANNELS_MEAN_ABS);
    rig_explain(&r, "guided_backprop", clip, CLASS(1, .as_published = true));
    CHECK(fl_map_reduction(&r.map, NULL).channels == FL_CHANNELS_MAX_ABS);
    rig_explain(&r, "gradient", clip, CLASS(1, .as_published = true));
    int count = 0;
    bool said = false;
    const fl_setting *s = fl_map_settings(&r.map, &r.results, &count);
    for (int i = 0; i < count; i++) said |= strcmp(s[i].name, "as-published") == 0 && strstr(s[i].value, "probability");
    CHECK(said && fl_map_reduction(&r.map, NULL).channels == FL_CHANNELS_MEAN_ABS);
    /* The black of Kinetics is a colour, and these clips have two channels; said otherwise it works. */
    CHECK(fl_explain(r.e, fl_method_find(IG), clip, &CLASS(1, .as_published = true), &r.results, &r.map) == FL_USAGE);
    fl_error_clear(&r.error);
    rig_explain(&r, IG, clip, CLASS(1, .as_published = true, .baseline = "zero"));
    CHECK(r.map.options.steps == 25 && r.map.options.rule == FL_QUADRATURE_LEFT);
    CHECK(fl_explain(r.e, fl_method_find("layer_cam"), clip, &CLASS(1, .as_published = true), &r.results, &r.map) == FL_USAGE);
    fl_error_clear(&r.error);
    rig_down(&r);
}

/* Blur-IG without its minus sign: close to the negative of the right one when steps are many and short. */
TEST(attribution_blur_ig_as_published_has_the_other_sign)
{
    fl_rig r;
    rig_up(&r, SHAPE);
    double w[VOXELS];
    for (int i = 0; i < VOXELS; i++) w[i] = fl_rng_normal(3, 9, (uint64_t)i);
    rig_ready(&r, rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", r.net.input), 1, w, NULL));
    fl_rng_fill_normal(12, 0, 0, clip, VOXELS);
    fl_explain_options o = WITH(.target = {.score = FL_SCORE_LOGIT}, .steps = 400, .baseline_sigma = 2);
    const real *m = rig_explain(&r, "blur_ig", clip, o);
    static real right[VOXELS];
    if (m) memcpy(right, m, sizeof right);
    o.as_published = true;
    m = rig_explain(&r, "blur_ig", clip, o);
    double product = 0, a = 0, b = 0;
    for (int i = 0; m && i < VOXELS; i++) {
        product += (double)m[i] * (double)right[i];
        a += (double)m[i] * (double)m[i];
        b += (double)right[i] * (double)right[i];
    }
    CHECK_SAY(product / sqrt(a * b) < -0.9, "cosine %g", product / sqrt(a * b));
    CHECK(isnan(r.map.residual) && r.map.warnings >= 1);         /* and there is no law that it could keep */
    rig_down(&r);
}

TEST(attribution_xrai_as_published_is_between_0_and_1)
{
    fl_rig r;
    small_net(&r, 1);
    const real *m = rig_explain(&r, "xrai", clip, CLASS(1, .as_published = true));
    for (int64_t p = 0; m && p < VOXELS / 2; p++) CHECK(m[2 * p] >= 0 && m[2 * p] <= 0.5);
    CHECK(r.map.passes == 2 * (1 + 25 + 1) && r.map.options.steps == 25);
    rig_down(&r);
}
