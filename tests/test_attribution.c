/* test_attribution.c: the methods against closed forms on networks small enough to work out by hand. F1 ... F13 are
 * the usual fixtures: linear, two ReLU networks of the same function, one convolution, two quadratics. */
#include "tests/attribution_rig.h"

#include "attribution/explainer.h"
#include "attribution/target.h"
#include "tensor/math.h"
#include "tensor/rng.h"

static const double EXACT = 20 * FL_REAL_EPSILON;

static const fl_quadrature RULES[] = {FL_QUADRATURE_LEFT, FL_QUADRATURE_RIGHT, FL_QUADRATURE_MIDDLE,
                                      FL_QUADRATURE_TRAPEZOID, FL_QUADRATURE_GAUSS_LEGENDRE};
enum { RULE_COUNT = 5 };

/* ---- F1: s_c = w_c . x + b_c on a clip of 2 channels, 2 frames of 2 x 3 ---- */

enum { F1_COUNT = 24, F1_CLASSES = 3 };
static const fl_shape F1_SHAPE = {1, 2, 2, 2, 3};
static double f1_w[F1_CLASSES * F1_COUNT];                                /* file order */
static real f1_x[F1_COUNT], f1_b[F1_COUNT];                               /* channels last */

static double f1_weight(int c, int channel, int t, int h, int w)
{
    return f1_w[c * F1_COUNT + ((channel * F1_SHAPE.t + t) * F1_SHAPE.h + h) * F1_SHAPE.w + w];
}

static void f1_up(fl_rig *r)
{
    static const double bias[F1_CLASSES] = {0.25, -0.5, 1};
    fl_rng rng = {7, 1, 0};
    for (int i = 0; i < F1_CLASSES * F1_COUNT; i++) f1_w[i] = (double)(real)fl_rng_next_normal(&rng);
    for (int i = 0; i < F1_COUNT; i++) f1_x[i] = (real)fl_rng_next_normal(&rng);
    for (int i = 0; i < F1_COUNT; i++) f1_b[i] = (real)fl_rng_next_normal(&rng);
    rig_up(r, F1_SHAPE);
    rig_ready(r, rig_linear(r, "fc", fl_node_flatten(r->g, "flat", r->net.input), F1_CLASSES, f1_w, bias));
}

/* want = scale(i) * sum over classes of seed * w, where scale is 1, x - b, ... per channels-last element */
static void f1_check(const char *what, const real *got, const double seed[F1_CLASSES], const double *factor,
                     double tolerance)
{
    const fl_shape s = F1_SHAPE;
    for (int c = 0; c < s.c; c++)
        for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++) {
                    const int64_t i = fl_at(s, 0, c, t, h, w);
                    double want = 0;
                    for (int k = 0; k < F1_CLASSES; k++) want += seed[k] * f1_weight(k, c, t, h, w);
                    if (factor) want *= factor[i];
                    if (got)
                        CHECK_SAY(fabs((double)got[i] - want) <= tolerance, "%s at %d,%d,%d,%d = %.17g, wanted %.17g",
                                  what, c, t, h, w, (double)got[i], want);
                }
}

TEST(attribution_linear_network_gives_its_weights)
{
    fl_rig r;
    f1_up(&r);
    const double one_hot[] = {0, 1, 0};
    const fl_explain_options o = {.target = {.class_index = 1}};
    f1_check("gradient", rig_explain(&r, "gradient", f1_x, o), one_hot, NULL, 0);
    f1_check("smoothgrad", rig_explain(&r, "smoothgrad", f1_x, o), one_hot, NULL, 0);
    double factor[F1_COUNT];
    for (int i = 0; i < F1_COUNT; i++) factor[i] = (double)f1_x[i];
    f1_check("gradient_x_input", rig_explain(&r, "gradient_x_input", f1_x, o), one_hot, factor, EXACT);
    const real *square = rig_explain(&r, "smoothgrad_squared", f1_x, o);
    const real *gradient = rig_explain(&r, "gradient", f1_x, o);
    for (int i = 0; i < F1_COUNT; i++) CHECK(square[i] == (real)((double)gradient[i] * (double)gradient[i]));
    const real *variance = rig_explain(&r, "vargrad", f1_x, o);
    for (int i = 0; i < F1_COUNT; i++) CHECK(variance[i] == 0);
    CHECK(r.map.warnings == 1 && strstr(r.map.warning[0], "zero map"));
    rig_down(&r);
}

TEST(attribution_linear_network_is_complete_under_every_rule)
{
    fl_rig r;
    f1_up(&r);
    const double one_hot[] = {1, 0, 0};
    double factor[F1_COUNT];
    for (int i = 0; i < F1_COUNT; i++) factor[i] = (double)f1_x[i] - (double)f1_b[i];
    for (int k = 0; k < RULE_COUNT; k++)
        for (int steps = 1; steps <= 7; steps += 3) {
            if (RULES[k] == FL_QUADRATURE_TRAPEZOID && steps == 1) continue;
            const real *a = rig_explain(&r, IG, f1_x,
                                        WITH(.rule = RULES[k], .steps = steps, .baseline_clip = f1_b));
            f1_check(fl_quadrature_name[RULES[k]], a, one_hot, factor, 2 * EXACT);
            CHECK_NEAR(r.map.sum, r.map.wanted, 10 * EXACT);
            CHECK(r.map.residual < 20 * EXACT && r.map.passes == steps + 2);
        }
    rig_down(&r);
}

/* All probabilities at once have the bits of each on its own. own: the network returns what are no softmax of its logits. */
static void check_probabilities(const real *z, bool own)
{
    enum { K = 41 };
    double bias[K] = {0}, one[K * K] = {0}, p[K];
    fl_rig r;
    for (int c = 0; c < K; c++) one[c * K + c] = 1;
    rig_up(&r, fl_shape_vector(1, K));
    rig_ready(&r, rig_linear(&r, "fc", r.net.input, K, one, bias));
    if (own) {
        r.net.output = fl_node_sigmoid(r.g, "p", r.net.logits);
        r.e = fl_explainer_new(r.g, r.net, NULL);
    }
    if (CHECK(r.e && fl_explainer_predict(r.e, z, NULL, p) == FL_OK))
        for (int c = 0; c < K; c++) {
            const double alone = fl_explainer_probability(r.e, 0, c);
            const real *y = fl_explainer_row(r.e, r.net.output, 0);
            CHECK_SAY(p[c] == alone || (isnan(p[c]) && isnan(alone)), "class %d: %.17g, alone %.17g", c, p[c], alone);
            if (!own && !isnan(p[c])) CHECK(p[c] == fl_exp64(fl_log_softmax(K, y, c)));
        }
    rig_down(&r);
}

TEST(attribution_probabilities_of_all_classes_are_those_of_each)
{
    static const double size[] = {0, 1e-3, 1, 30, 1e4};
    for (int k = 0; k < 5; k++) {
        fl_rng rng = {11, 2, 0};
        real z[41];
        for (int c = 0; c < 41; c++) z[c] = (real)(size[k] * fl_rng_next_normal(&rng));
        check_probabilities(z, false);
        check_probabilities(z, true);
        z[17] = (real)NAN;
        check_probabilities(z, false);
    }
}

TEST(attribution_targets_differentiate_what_they_say)
{
    fl_rig r;
    f1_up(&r);
    double z[F1_CLASSES], p[F1_CLASSES];
    CHECK(fl_explainer_predict(r.e, f1_x, z, p) == FL_OK && fl_explainer_classes(r.e) == F1_CLASSES);
    const double total = fl_exp64(z[0]) + fl_exp64(z[1]) + fl_exp64(z[2]);
    for (int c = 0; c < F1_CLASSES; c++) CHECK_NEAR(p[c], fl_exp64(z[c]) / total, 1e-14);
    const double margin[] = {1, 0, -1}, probability[] = {-p[2] * p[0], -p[2] * p[1], p[2] * (1 - p[2])},
                 log_probability[] = {-p[0], 1 - p[1], -p[2]};
    f1_check("margin", rig_explain(&r, "gradient", f1_x, WITH(.target = {.class_index = 0, .score = FL_SCORE_MARGIN, .other = 2})),
             margin, NULL, EXACT);
    CHECK_NEAR(r.map.score, z[0] - z[2], 1e-14);
    f1_check("probability", rig_explain(&r, "gradient", f1_x, WITH(.target = {.class_index = 2, .score = FL_SCORE_PROBABILITY})),
             probability, NULL, EXACT);
    CHECK_NEAR(r.map.score, p[2], 1e-14);
    f1_check("log_probability",
             rig_explain(&r, "gradient", f1_x, WITH(.target = {.class_index = 1, .score = FL_SCORE_LOG_PROBABILITY, .other = 0})),
             log_probability, NULL, EXACT);
    CHECK_NEAR(r.map.score, fl_log64(p[1]), 1e-13);
    rig_explain(&r, "gradient", f1_x, WITH(.target = {.class_index = FL_CLASS_AUTO, .score = FL_SCORE_MARGIN, .other = FL_CLASS_AUTO}));
    const fl_target t = r.map.options.target;
    for (int c = 0; c < F1_CLASSES; c++) {
        CHECK(z[c] <= z[t.class_index]);
        if (c != t.class_index) CHECK(z[c] <= z[t.other] && t.other != t.class_index);
    }
    CHECK_NEAR(r.map.logit, z[t.class_index], 0);
    CHECK_NEAR(r.map.probability, p[t.class_index], 1e-14);
    rig_down(&r);
}

/* Mean over 2 frames of softmax(W x_t), no logits of the clip: dp_c/dx_t = sum_j p_c,t ([j=c] - p_j,t) W_j / 2 */
TEST(attribution_network_that_returns_probabilities)
{
    static const double w[] = {1, -0.5, 0.25, 2, -1, 0.75};                /* 3 classes, 2 features */
    const real x[] = {R(0.5), R(-1.0), R(1.5), R(0.25)};                   /* frame by frame */
    fl_rig r;
    rig_up(&r, (fl_shape){1, 2, 2, 1, 1});
    fl_id z = fl_node_conv(r.g, "z", r.net.input, rig_param(&r, "w", fl_shape_vector(3, 2), w), FL_NONE,
                           fl_window_cube(1, 1, 1, 1, 1, 1), 1);
    r.net.output = fl_node_mean(r.g, "p", fl_node_softmax(r.g, "softmax", z), 1u << FL_AXIS_T);
    r.e = fl_explainer_new(r.g, r.net, NULL);
    const real *a = rig_explain(&r, "gradient", x, WITH(.target = {.class_index = 2}));
    CHECK(r.map.options.target.score == FL_SCORE_PROBABILITY && isnan(r.map.logit));
    double mean = 0;
    for (int t = 0; t < 2; t++) {
        double e[3], total = 0;
        for (int c = 0; c < 3; c++)
            total += e[c] = fl_exp64(w[2 * c] * (double)x[2 * t] + w[2 * c + 1] * (double)x[2 * t + 1]);
        mean += e[2] / total / 2;
        for (int i = 0; i < 2; i++) {
            double want = 0;
            for (int j = 0; j < 3; j++) want += 0.5 * e[2] / total * ((j == 2) - e[j] / total) * w[2 * j + i];
            CHECK_NEAR((double)a[2 * t + i], want, EXACT);
        }
    }
    CHECK_NEAR(r.map.score, mean, EXACT);
    const real *l = rig_explain(&r, "gradient", x, WITH(.target = {.class_index = 2, .score = FL_SCORE_LOG_PROBABILITY}));
    for (int i = 0; i < 4; i++) CHECK_NEAR((double)l[i], (double)a[i] / mean, 2 * EXACT);
    CHECK(fl_explain(r.e, fl_method_find("gradient"), x, &WITH(.target = {.class_index = 0, .score = FL_SCORE_LOGIT, .other = 0}),
                     &r.results, &r.map) == FL_USAGE && strstr(r.error.message, "has no logits"));
    rig_down(&r);
}

/* ---- polynomials ---- */

static fl_id square(fl_rig *r, const char *name, fl_id x) { return fl_node_mul(r->g, name, x, x); }

/* Smooth network: halving the step halves the error of left and right and quarters that of trapezoid and middle. */
TEST(attribution_quadrature_converges_at_its_order)
{
    static const double w1[] = {1, -2, 0.5, 1.5, 1, -1}, w2[] = {1, 2, -1};
    const real x[] = {R(0.8), R(-0.6)};
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    rig_ready(&r, rig_linear(&r, "fc2", fl_node_tanh(r.g, "tanh", rig_linear(&r, "fc1", r.net.input, 3, w1, NULL)), 1,
                             w2, NULL));
    static const struct { fl_quadrature rule; double ratio; int from, to; } cases[] = {
        {FL_QUADRATURE_LEFT, 2, 32, 64}, {FL_QUADRATURE_RIGHT, 2, 32, 64}, {FL_QUADRATURE_MIDDLE, 4, 8, 16},
        {FL_QUADRATURE_TRAPEZOID, 4, 9, 17}};
    for (int i = 0; i < 4; i++) {
        rig_explain(&r, IG, x, WITH(.rule = cases[i].rule, .steps = cases[i].from));
        const double coarse = r.map.sum - r.map.wanted;
        rig_explain(&r, IG, x, WITH(.rule = cases[i].rule, .steps = cases[i].to));
        CHECK_NEAR(coarse / (r.map.sum - r.map.wanted), cases[i].ratio, 0.1 * cases[i].ratio);
    }
    rig_explain(&r, IG, x, WITH(.rule = FL_QUADRATURE_GAUSS_LEGENDRE, .steps = 20));
    CHECK(r.map.residual < 10 * EXACT);
    rig_down(&r);
}

/* ---- noise: f = sum x^2 has the gradient 2 (x + sigma e), so every moment is one of the noise ---- */

TEST(attribution_noise_is_counted_in_file_order)
{
    enum { N = 12, SAMPLES = 9 };
    const fl_shape s = {1, 2, 3, 2, 1};
    const double one[N] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    real x[N];
    for (int i = 0; i < N; i++) x[i] = (real)(0.25 * i - 1);
    fl_rig r;
    rig_up(&r, s);
    rig_ready(&r,
              rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", square(&r, "square", r.net.input)), 1, one, NULL));
    const fl_explain_options o = {.samples = SAMPLES, .noise = 0.2, .seed = 5};
    const double sigma = 0.2 * (0.25 * (N - 1));
    const real *mean = rig_explain(&r, "smoothgrad", x, o), *squares = rig_explain(&r, "smoothgrad_squared", x, o),
               *variance = rig_explain(&r, "vargrad", x, o);
    CHECK_NEAR(r.map.noise_sigma, sigma, 1e-7);
    const real *biased =
        rig_explain(&r, "vargrad", x, WITH(.samples = SAMPLES, .noise = 0.2, .seed = 5, .biased = true));
    uint64_t file_index = 0;
    for (int c = 0; c < s.c; c++)
        for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++, file_index++) {
                const int64_t i = fl_at(s, 0, c, t, h, 0);
                double sum = 0, sum2 = 0;
                for (uint64_t k = 0; k < SAMPLES; k++) {
                    const double g = 2 * ((double)x[i] + sigma * fl_rng_normal(5, k, file_index));
                    sum += g / SAMPLES;
                    sum2 += g * g / SAMPLES;
                }
                CHECK_NEAR((double)mean[i], sum, EXACT);
                CHECK_NEAR((double)squares[i], sum2, 4 * EXACT);
                CHECK_NEAR((double)biased[i], sum2 - sum * sum, 4 * EXACT);
                CHECK_NEAR((double)variance[i], (sum2 - sum * sum) * SAMPLES / (SAMPLES - 1), 4 * EXACT);
            }
    rig_down(&r);
}

TEST(attribution_without_noise_every_sample_is_the_gradient)
{
    static const double w1[] = {1, -2, 0.5, 1.5, 1, -1}, w2[] = {1, 2, -1};
    const real x[] = {R(0.8), R(-0.6)}, flat[] = {R(0.7), R(0.7)};
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    rig_ready(&r, rig_linear(&r, "fc2", fl_node_tanh(r.g, "tanh", rig_linear(&r, "fc1", r.net.input, 3, w1, NULL)), 1,
                             w2, NULL));
    const real *g = rig_explain(&r, "gradient", x, DEFAULTS);
    const real *s = rig_explain(&r, "smoothgrad", x, WITH(.meant = FL_READS(noise)));
    CHECK(s[0] == g[0] && s[1] == g[1] && r.map.noise_sigma == 0);
    const real *other = rig_explain(&r, "smoothgrad", x, WITH(.seed = 1)),
               *same = rig_explain(&r, "smoothgrad", x, WITH(.seed = 1)),
               *zero = rig_explain(&r, "smoothgrad", x, WITH(.seed = 0));
    CHECK(memcmp(other, same, 2 * sizeof(real)) == 0 && memcmp(other, zero, 2 * sizeof(real)) != 0);
    g = rig_explain(&r, "gradient", flat, DEFAULTS);
    s = rig_explain(&r, "smoothgrad", flat, DEFAULTS);          /* no range: the noise has no size */
    CHECK(s[0] == g[0] && s[1] == g[1] && r.map.warnings >= 1 &&
          strstr(r.map.warning[r.map.warnings - 1], "no noise"));
    rig_down(&r);
}

/* ---- networks without biases ---- */

/* conv, relu, max pool, linear, no bias: s(a x) = a s(x), so gradient x input = integrated gradients, of sum s. */
TEST(attribution_homogeneous_network)
{
    const fl_shape s = {1, 2, 3, 6, 5};
    fl_rig r;
    fl_rng rng = {3, 3, 0};
    rig_up(&r, s);
    real x[180];
    for (int i = 0; i < 180; i++) x[i] = (real)fl_rng_next_normal(&rng);
    const fl_id w = fl_example_operand(r.g, &rng, "w", (fl_shape){4, 2, 3, 3, 3});
    fl_id y = fl_node_relu(r.g, "relu",
                           fl_node_conv(r.g, "conv", r.net.input, w, FL_NONE, fl_window_cube(3, 3, 3, 1, 1, 1), 1));
    y = fl_node_maxpool(r.g, "pool", y, (fl_window){{1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}}, false);
    y = fl_node_flatten(r.g, "flat", y);
    rig_ready(&r, fl_node_linear(r.g, "fc", y,
                                 fl_example_operand(r.g, &rng, "fc_w", fl_shape_vector(2, fl_graph_shape(r.g, y).c)),
                                 FL_NONE));
    const real *product = rig_explain(&r, "gradient_x_input", x, WITH(.target = {.class_index = 1}));
    const double score = r.map.score;
    CHECK_NEAR(fl_sum(product, 180), score, 100 * EXACT * fabs(score));
    const fl_quadrature rules[] = {FL_QUADRATURE_RIGHT, FL_QUADRATURE_MIDDLE, FL_QUADRATURE_GAUSS_LEGENDRE};
    for (int k = 0; k < 3; k++) {
        const real *ig = rig_explain(&r, IG, x, WITH(.target = {.class_index = 1}, .rule = rules[k], .steps = 4));
        CHECK(fl_relative_error(ig, product, 180) < 10 * EXACT);
        CHECK(r.map.residual < 100 * EXACT);
    }
    rig_down(&r);
}

/* Global average and linear head: Grad-CAM is CAM / Z, and its sum is s - bias. */
TEST(attribution_grad_cam_is_cam_behind_a_global_average)
{
    enum { K = 5, CLASSES = 3, CLASS = 1 };
    const fl_shape s = {1, 2, 4, 5, 3};
    const double bias[CLASSES] = {1, 2, 3};
    fl_rig r;
    fl_rng rng = {11, 3, 0};
    rig_up(&r, s);
    real x[120];
    double fc[CLASSES * K];
    for (int i = 0; i < 120; i++) x[i] = (real)fl_rng_next_normal(&rng);
    for (int i = 0; i < CLASSES * K; i++) fc[i] = (double)(real)fl_rng_next_normal(&rng);
    const fl_id w = fl_example_operand(r.g, &rng, "w", (fl_shape){K, 2, 3, 3, 3});
    r.net.cam = fl_node_relu(r.g, "relu",
                             fl_node_conv(r.g, "conv", r.net.input, w, FL_NONE, fl_window_cube(3, 3, 3, 2, 1, 1), 1));
    rig_ready(&r, rig_linear(&r, "fc", fl_node_global_average(r.g, "mean", r.net.cam), CLASSES, fc, bias));
    const fl_shape layer = fl_graph_shape(r.g, r.net.cam);
    const int64_t z = fl_shape_pixels(layer);
    for (int k = FL_CAM_GLOBAL; k <= FL_CAM_PER_FRAME; k++) {              /* one gradient everywhere: both agree */
        const fl_cam_pooling pooling = (fl_cam_pooling)k;
        const fl_target target = {.class_index = CLASS};
        const real *m = rig_explain(&r, "grad_cam", x,
                                    WITH(.target = target, .signed_cam = true, .pooling = pooling));
        const real *a = fl_graph_value(r.g, r.net.cam);
        CHECK_NEAR(fl_sum(m, z), r.map.score - bias[CLASS], 20 * EXACT);
        bool negative = false;
        for (int64_t p = 0; p < z; p++) {
            double cam = 0;
            for (int i = 0; i < K; i++) cam += fc[CLASS * K + i] * (double)a[p * K + i];
            CHECK_NEAR((double)m[p], cam / (double)z, EXACT);
            negative = negative || m[p] < 0;
        }
        CHECK(negative);
        const real *positive = rig_explain(&r, "grad_cam", x, WITH(.target = target, .pooling = pooling));
        for (int64_t p = 0; p < z; p++) CHECK(positive[p] == (m[p] > 0 ? m[p] : 0));
    }
    rig_down(&r);
}

/* A head that reads the last frame only: per-frame weights differ from global ones by the number of frames. */
TEST(attribution_grad_cam_pools_per_frame)
{
    const double fc[] = {2, -1};
    const real x[] = {1, 2, 3, 4, 5, 6, 7, 8};                             /* 2 frames of 1 x 2, 2 channels */
    fl_rig r;
    rig_up(&r, (fl_shape){1, 2, 2, 1, 2});
    r.net.cam = fl_node_relu(r.g, "relu", r.net.input);
    const fl_id last = fl_node_slice(r.g, "last", r.net.cam, FL_AXIS_T, 1, 2);
    rig_ready(&r, rig_linear(&r, "fc", fl_node_global_average(r.g, "mean", last), 1, fc, NULL));
    check_values("global", rig_explain(&r, "grad_cam", x, WITH(.pooling = FL_CAM_GLOBAL)), (const double[]){0, .5, 1, 1.5}, 4, EXACT);
    check_values("per frame", rig_explain(&r, "grad_cam", x, WITH(.pooling = FL_CAM_PER_FRAME)),
                 (const double[]){0, 0, 2, 3}, 4, EXACT);
    check_values("its own", rig_explain(&r, "grad_cam", x, DEFAULTS), (const double[]){0, 0, 2, 3}, 4, EXACT);   /* frame by frame */
    CHECK(r.map.options.pooling == FL_CAM_PER_FRAME);
    rig_down(&r);
}

/* Where a convolution sees several frames, channels are weighed over the clip. */
TEST(attribution_grad_cam_pools_as_the_network_looks)
{
    static const struct { const char *name; fl_cam_pooling pooling; } list[] = {
        {"tiny", FL_CAM_GLOBAL}, {"r2plus1d_small", FL_CAM_GLOBAL}, {"i3d_small", FL_CAM_GLOBAL}, {"c3d_small", FL_CAM_GLOBAL},
        {"tsm_small", FL_CAM_PER_FRAME}, {"cnn_lstm_small", FL_CAM_PER_FRAME}, {"convlstm_small", FL_CAM_PER_FRAME}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        fl_rig r;
        real *x;
        if (!rig_network(&r, list[i].name, &(fl_model_options){.n = 1}, &x)) return;
        rig_explain(&r, "grad_cam", x, DEFAULTS);
        CHECK_SAY(r.map.options.pooling == list[i].pooling, "%s: %s", list[i].name, fl_cam_pooling_name[r.map.options.pooling]);
        rig_down(&r);
    }
}

/* A range of classes: the mean of their scores, so the mean of their rows. */
TEST(attribution_explains_a_range_of_classes)
{
    const double w[] = {1, 2, 3, 5, -1, 4, 9, 0};
    const real x[] = {2, -3};
    fl_rig r;
    rig_up(&r, (fl_shape){1, 2, 1, 1, 1});
    rig_ready(&r, rig_linear(&r, "fc", r.net.input, 4, w, NULL));
    const fl_target range = {.class_index = 1, .last = 3}, one = {.class_index = 1};
    check_values("mean of rows 1 to 3", rig_explain(&r, "gradient", x, WITH(.target = range)), (const double[]){11.0 / 3, 3}, 2, EXACT);
    CHECK_NEAR(r.map.score, (2 * 3 - 3 * 5 + 2 * -1 - 3 * 4 + 2 * 9) / 3.0, EXACT);
    check_values("row 1", rig_explain(&r, "gradient", x, WITH(.target = one)), (const double[]){3, 5}, 2, EXACT);
    fl_map map;
    const fl_explain_options past = WITH(.target = {.class_index = 1, .last = 4}),
                             kind = WITH(.target = {.class_index = 1, .last = 3, .score = FL_SCORE_MARGIN});
    CHECK(fl_explain(r.e, fl_method_find("gradient"), x, &past, &r.results, &map) == FL_USAGE && strstr(r.error.message, "0 to 3"));
    fl_error_clear(&r.error);
    CHECK(fl_explain(r.e, fl_method_find("gradient"), x, &kind, &r.results, &map) == FL_USAGE && strstr(r.error.message, "range"));
    rig_down(&r);
}

/* A unit of any node, or the mean of a channel: as if the network ended there. */
TEST(attribution_explains_units_of_nodes)
{
    static const fl_window k3 = {{1, 1, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}, {0, 0, 1}};
    const real *x = V(1, 2, 3, 4);
    fl_rig r;
    rig_up(&r, (fl_shape){2, 1, 1, 1, 4});
    const fl_id w = rig_param(&r, "w", (fl_shape){2, 1, 1, 1, 3}, (const double[]){1, 2, 3, -1, -1, -1});
    const fl_id conv = fl_node_conv(r.g, "conv", r.net.input, w, FL_NONE, k3, 1);
    rig_ready(&r, rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", fl_node_relu(r.g, "relu", conv)), 2,
                             (const double[]){1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}, NULL));
    const fl_explain_options one = WITH(.target = {.node = "conv", .unit = {0, 0, 0, 2}});
    GIVES(&r, "gradient", x, one, 0, 0, 1, 2, 3);
    CHECK(r.map.score == 2 + 6 + 12);
    GIVES(&r, "gradient_x_input", x, one, 0, 0, 2, 6, 12);
    GIVES(&r, "lrp_zero", x, one, 20 * EXACT, 0, 2, 6, 12);
    CHECK(r.map.residual < EXACT && r.map.wanted == 20);
    GIVES(&r, IG, x, one, 20 * EXACT, 0, 2, 6, 12);
    CHECK(r.map.residual < 2 * EXACT);
    const fl_explain_options mean = WITH(.target = {.node = "conv", .unit = {1, -1, -1, -1}});
    GIVES(&r, "gradient", x, mean, EXACT, -0.5, -0.75, -0.75, -0.5);
    CHECK_NEAR(r.map.score, -(3 + 6 + 9 + 7) / 4.0, EXACT);
    GIVES(&r, "grad_cam", x, WITH(.target = {.node = "relu", .unit = {0, -1, -1, -1}}, .layer = "conv"), 10 * EXACT,
          8 / 4.0, 14 / 4.0, 20 / 4.0, 11 / 4.0);
    int count = 0;
    const fl_setting *setting = fl_map_settings(&r.map, &r.results, &count);
    bool said = false;
    for (int i = 0; i < count; i++) said |= strcmp(setting[i].name, "target_node") == 0 && strcmp(setting[i].value, "relu:0") == 0;
    CHECK(said);
    static const struct { fl_target t; const char *says; } bad[] = {
        {{.node = "cnov", .unit = {0}}, "'cnov'"}, {{.node = "w", .unit = {0}}, "'w'"}, {{.node = "conv", .unit = {2}}, "0 to 1"},
        {{.node = "conv", .unit = {0, 0, 0, 4}}, "column"}, {{.node = "conv", .unit = {-1}}, "channel"},
        {{.node = "conv", .unit = {0}, .score = FL_SCORE_PROBABILITY}, "probability"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error_clear(&r.error);
        CHECK(fl_explain(r.e, fl_method_find("gradient"), x, &WITH(.target = bad[i].t), &r.results, &r.map) == FL_USAGE);
        CHECK_SAY(strstr(r.error.message, bad[i].says) != NULL, "%s", r.error.message);
    }
    fl_error_clear(&r.error);
    CHECK(fl_explain(r.e, fl_method_find("grad_cam"), x, &WITH(.target = bad[0].t, .layer = "relu"), &r.results, &r.map) == FL_USAGE);
    rig_down(&r);
}
