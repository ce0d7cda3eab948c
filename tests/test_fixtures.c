/* test_fixtures.c: the methods on thirteen functions small enough to check by hand, F1 to F13, with the numbers that the tests of
 * Captum, DeepExplain, the authors' DeepLIFT, PAIR and innvestigate print, or that follow from their definitions by hand. */
#include "attribution/rulesets.h"
#include "tests/attribution_rig.h"

static const double EXACT = 40 * FL_REAL_EPSILON;
#define STABLE 1e-4                  /* where a rule has a stabiliser of 1e-6, in any precision */

static const double ones[64] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* ---- F1: w x + b ---- */

TEST(fixtures_f1_linear)
{
    static const char *const complete[] = {IG, "guided_ig", "deeplift", "gradient_x_input"};
    static const char *const drawn[] = {"expected_gradients", "gradient_shap", "deeplift_shap"};
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 3));
    rig_ready(&r, rig_linear(&r, "f", r.net.input, 1, (const double[]){2, -1, 0.5}, (const double[]){7}));
    GIVES(&r, "gradient", V(1, 2, 3), CLASS(0), 0, 2, -1, 0.5);
    for (int i = 0; i < 4; i++) {
        GIVES(&r, complete[i], V(1, 2, 3), CLASS(0), 8 * EXACT, 2, -2, 1.5);
        GIVES(&r, complete[i], V(1, 2, 3), CLASS(0, .baseline_clip = V(4, 4, 4)), 8 * EXACT, -6, 2, -0.5);
    }
    for (int rule = FL_QUADRATURE_LEFT; fl_quadrature_name[rule]; rule++)
        GIVES(&r, IG, V(1, 2, 3), CLASS(0, .rule = (fl_quadrature)rule, .steps = 3), 8 * EXACT, 2, -2, 1.5);
    for (int i = 0; i < 3; i++)
        GIVES(&r, drawn[i], V(1, 2, 3), CLASS(0, .baseline_clip = V(4, 4, 4), .samples = 7), 20 * EXACT, -6, 2, -0.5);
    GIVES(&r, "smoothgrad", V(1, 2, 3), CLASS(0, .samples = 5), 0, 2, -1, 0.5);
    GIVES(&r, "smoothgrad_squared", V(1, 2, 3), CLASS(0, .samples = 5), 0, 4, 1, 0.25);
    GIVES(&r, "vargrad", V(1, 2, 3), CLASS(0, .samples = 5), 0, 0, 0, 0);
    rig_down(&r);
}

/* ---- F2 and F3: relu(relu(x1) - 1 - relu(x2)) and relu(relu(x1 - 1) - relu(x2)), the same function ---- */

static void two_relus(fl_rig *r, bool early)
{
    rig_up(r, fl_shape_vector(1, 2));
    const fl_id h = fl_node_relu(r->g, "h", rig_linear(r, "a", r->net.input, 2, (const double[]){1, 0, 0, 1},
                                                       (const double[]){early ? -1 : 0, 0}));
    rig_ready(r, fl_node_relu(r->g, "f", rig_linear(r, "b", h, 1, (const double[]){1, -1}, (const double[]){early ? 0 : -1})));
}

/* What does not depend on how the function is written. */
static void same_for_both(fl_rig *r)
{
    const fl_explain_options middle = CLASS(0, .rule = FL_QUADRATURE_MIDDLE, .steps = 50);      /* the kink lies between two points */
    GIVES(r, "gradient", V(-10, -5), CLASS(0), 0, 0, 0);
    CHECK(r->map.warnings >= 1 && strstr(r->map.warning[0], "zero map"));
    GIVES(r, "gradient", V(3, 1), CLASS(0), 0, 1, -1);
    GIVES(r, "gradient_x_input", V(-10, -5), CLASS(0), 0, 0, 0);
    GIVES(r, "gradient_x_input", V(3, 1), CLASS(0), 0, 3, -1);
    GIVES(r, IG, V(-10, -5), middle, 0, 0, 0);
    GIVES(r, IG, V(3, 1), middle, EXACT, 1.5, -0.5);
    CHECK_NEAR(r->map.sum, 1, EXACT);
    GIVES(r, IG, V(2, 0), CLASS(0, .baseline_clip = V(1, 0)), EXACT, 1, 0);
    GIVES(r, IG, V(3, 0), CLASS(0, .baseline_clip = V(1, 0)), EXACT, 2, 0);
    rig_explain(r, IG, V(3, 1), CLASS(0, .steps = 500, .rule = FL_QUADRATURE_LEFT));
    CHECK(fabs(r->map.sum - 1) < 0.07);
    GIVES(r, "deeplift", V(-10, -5), CLASS(0), 0, 0, 0);
    GIVES(r, "deeplift", V(3, 1), CLASS(0, .baseline_clip = V(3, 1)), 0, 0, 0);
}

TEST(fixtures_f2_relu_of_a_relu)
{
    fl_rig r;
    two_relus(&r, false);
    same_for_both(&r);
    GIVES(&r, "deeplift", V(3, 1), CLASS(0), EXACT, 1.5, -0.5);
    rig_explain(&r, "gradient_shap", V(3, 1), CLASS(0, .samples = 2000, .baseline = "zero"));
    double sum = 0;
    for (int i = 0; i < 2; i++) sum += (double)r.map.data[i];
    CHECK_NEAR(sum, 1, 0.1);
    rig_down(&r);
}

TEST(fixtures_f3_the_same_function)
{
    fl_rig r;
    two_relus(&r, true);
    same_for_both(&r);
    GIVES(&r, "deeplift", V(3, 1), CLASS(0), EXACT, 2, -1);      /* rescale is not implementation invariant */
    GIVES(&r, "lrp_epsilon", V(-10, -5), CLASS(0, .epsilon = 1e-9), 0, 0, 0);
    GIVES(&r, "lrp_epsilon", V(3, 1), CLASS(0, .epsilon = 1e-9), 3 * STABLE, 3, -1);
    rig_down(&r);
}

/* ---- F4: 3 -> 4 relu -> 2, all weights 1 ---- */

static fl_id multi_layer(fl_rig *r, fl_id x)
{
    const fl_id h = fl_node_relu(r->g, "relu", rig_linear(r, "h", x, 4, ones, (const double[]){-10, 1, 1, 1}));
    return rig_linear(r, "out", h, 2, ones, (const double[]){-1, 1});
}

TEST(fixtures_f4_multi_layer)
{
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 3));
    rig_ready(&r, multi_layer(&r, rig_linear(&r, "identity", r.net.input, 3, (const double[]){1, 0, 0, 0, 1, 0, 0, 0, 1}, NULL)));
    GIVES(&r, "grad_cam", V(0, 100, 0), CLASS(0, .layer = "identity.y"), 0, 400);
    GIVES(&r, "gradient", V(0, 100, 0), CLASS(0), 0, 4, 4, 4);
    GIVES(&r, "ablation_cam", V(0, 100, 0), CLASS(0, .layer = "identity.y", .signed_cam = true), 100 * EXACT,
          100 * (392.0 - 2) / 392);
    rig_down(&r);
    /* On x and 3x, added: the biases absorb -8. Captum's functional sum gives the relevance to both and misses by 104. */
    rig_up(&r, fl_shape_vector(1, 6));
    const fl_id a = fl_node_slice(r.g, "a", r.net.input, FL_AXIS_C, 0, 3), b = fl_node_slice(r.g, "b", r.net.input, FL_AXIS_C, 3, 6);
    rig_ready(&r, multi_layer(&r, fl_node_add(r.g, "sum", a, b)));
    GIVES(&r, "lrp_zero", V(1, 2, 3, 3, 6, 9), CLASS(0), 96 * EXACT, 4, 8, 12, 12, 24, 36);
    CHECK_NEAR(r.map.score, 88, 0);
    CHECK_NEAR(r.map.absorbed, -8, 96 * EXACT);
    CHECK(r.map.residual < EXACT);
    rig_down(&r);
}

/* ---- F5: one convolution on the picture 0 .. 15 ---- */

static const real PIXELS[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void one_conv(fl_rig *r, bool plus_one)
{
    static const fl_window k3 = {{1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    double fc[32];
    for (int i = 0; i < 32; i++) fc[i] = i % 8 < 5 ? 1 : -1;
    rig_up(r, (fl_shape){1, 1, 1, 4, 4});
    fl_id x = r->net.input;
    if (plus_one) x = fl_node_add(r->g, "both", x, rig_param(r, "x2", (fl_shape){1, 1, 1, 4, 4}, ones));
    x = fl_node_conv(r->g, "conv1", x, rig_param(r, "w", (fl_shape){2, 1, 1, 3, 3}, ones),
                     rig_param(r, "b", fl_shape_vector(1, 2), (const double[]){-50, -75}), k3, 1);
    r->net.cam = fl_node_relu(r->g, "relu1", x);
    rig_ready(r, fl_node_relu(r->g, "relu2", rig_linear(r, "fc", fl_node_flatten(r->g, "flat", r->net.cam), 4, fc, NULL)));
}

TEST(fixtures_f5_one_convolution)
{
    fl_rig r;
    one_conv(&r, false);
    GIVES(&r, "gradient", PIXELS, CLASS(0), 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0);
    CHECK(r.map.score == 54);
    GIVES(&r, "gradient_x_input", PIXELS, CLASS(0), 0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0);
    GIVES(&r, "guided_backprop", PIXELS, CLASS(0), 0, 0, 1, 1, 1, 1, 3, 3, 2, 1, 3, 3, 2, 1, 2, 2, 1);
    GIVES(&r, "deconvnet", PIXELS, CLASS(0), 0, 2, 3, 3, 1, 3, 5, 5, 2, 3, 5, 5, 2, 1, 2, 2, 1);
    GIVES(&r, "lrp_epsilon", PIXELS, CLASS(0), 54 * STABLE, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0);
    CHECK_NEAR(r.map.sum, 54, 54 * STABLE);
    CHECK_NEAR(r.map.absorbed, 0, 54 * STABLE);              /* the active biases -150 and +150 cancel */
    GIVES(&r, "grad_cam", PIXELS, CLASS(0, .layer = "conv1"), 0, 11.25, 13.5, 20.25, 22.5);
    GIVES(&r, "grad_cam", PIXELS, CLASS(0), 0, 0, 4, 28, 32.5);
    CHECK(strcmp(r.map.options.layer, "relu1") == 0 && r.map.level == FL_LEVEL_LAYER);
    CHECK(fl_shape_equal(r.map.shape, (fl_shape){1, 1, 1, 2, 2}));
    GIVES(&r, "grad_cam", PIXELS, CLASS(0, .pooling = FL_CAM_PER_FRAME), 0, 0, 4, 28, 32.5);      /* there is one frame */
    GIVES(&r, "grad_cam", PIXELS, CLASS(0, .layer = "x"), 0, 0, .5625, 1.125, 1.6875, 2.25, 2.8125, 3.375, 3.9375, 4.5, 5.0625, 5.625,
          6.1875, 6.75, 7.3125, 7.875, 8.4375);
    GIVES(&r, "guided_grad_cam", PIXELS, CLASS(0, .enlarge = FL_UPSAMPLE_NEAREST), 0, 0, 0, 4, 4, 0, 0, 12, 8, 28, 84, 97.5, 65, 28, 56,
          65, 32.5);
    CHECK(r.map.score == 54 && strcmp(r.map.options.layer, "relu1") == 0);
    rig_down(&r);
}

TEST(fixtures_f5_with_a_second_input)
{
    fl_rig r;
    one_conv(&r, true);
    CHECK(rig_explain(&r, "gradient", PIXELS, CLASS(0)) && r.map.score == 67);
    GIVES(&r, "guided_backprop", PIXELS, CLASS(0), 0, 1, 2, 2, 1, 2, 4, 4, 2, 2, 4, 4, 2, 1, 2, 2, 1);
    GIVES(&r, "deconvnet", PIXELS, CLASS(0), 0, 2, 3, 3, 1, 3, 5, 5, 2, 3, 5, 5, 2, 1, 2, 2, 1);
    GIVES(&r, "grad_cam", PIXELS, CLASS(0, .layer = "conv1"), 0, 14.5, 19, 32.5, 37);
    GIVES(&r, "guided_grad_cam", PIXELS, CLASS(0, .layer = "conv1", .enlarge = FL_UPSAMPLE_NEAREST), 0, 14.5, 29, 38, 19, 29, 58, 76, 38,
          65, 130, 148, 74, 32.5, 65, 74, 37);
    rig_down(&r);
}

/* ---- F6, Captum's SimpleLRP, and the rules on it ---- */

static void simple_lrp(fl_rig *r, double first)
{
    const double w[9] = {first, 2, 2, 2, 2, 2, 2, 2, 2}, v[3] = {3, 3, 3};
    rig_up(r, fl_shape_vector(1, 3));
    rig_ready(r, rig_linear(r, "two", fl_node_relu(r->g, "relu", rig_linear(r, "one", r->net.input, 3, w, NULL)), 1, v, NULL));
}

TEST(fixtures_f6_simple_lrp)
{
    fl_rig r;
    simple_lrp(&r, 2);
    GIVES(&r, "lrp_epsilon", V(1, 2, 3), CLASS(0), 108 * STABLE, 18, 36, 54);
    CHECK(r.map.score == 108);
    GIVES(&r, "lrp_epsilon", V(3, 6, 9), CLASS(0), 300 * STABLE, 54, 108, 162);
    GIVES(&r, "gradient_x_input", V(1, 2, 3), CLASS(0), 0, 18, 36, 54);
    GIVES(&r, "lrp_flat", V(1, 2, 3), CLASS(0), 108 * STABLE, 36, 36, 36);
    rig_down(&r);
    simple_lrp(&r, -2);
    GIVES(&r, "lrp_gamma", V(1, 2, 3), CLASS(0, .gamma = 1), 96 * STABLE, 28.0 / 3, 104.0 / 3, 52);
    GIVES(&r, "lrp_gamma_positive", V(1, 2, 3), CLASS(0, .gamma = 1), 96 * STABLE, 28.0 / 3, 104.0 / 3, 52);
    GIVES(&r, "lrp_zplus", V(1, 2, 3), CLASS(0), 96 * STABLE, 12, 33.6, 50.4);
    static const char text[] = "ruleset mine\nstart value\nrule one pass\nrule e share\nepsilon 1e-9\nterm x w b\n"
                               "match node one.* -> one\nmatch flag linear -> e\nmatch flag map -> one\n";
    const fl_ruleset *pass_one = fl_ruleset_parse(text, "mine", &r.results);
    GIVES(&r, "lrp_epsilon", V(1, 2, 3), CLASS(0, .rules = pass_one), 96 * STABLE, 24, 36, 36);
    rig_down(&r);
}

/* ---- DeepLIFT: F7 to F9, F11 ---- */

TEST(fixtures_f7_two_relus)                              /* 2 relu(x1) + 2 relu(x2 - 1.5) */
{
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    const fl_id h = fl_node_relu(r.g, "h", rig_linear(&r, "a", r.net.input, 2, (const double[]){1, 0, 0, 1}, (const double[]){0, -1.5}));
    rig_ready(&r, rig_linear(&r, "b", h, 1, (const double[]){2, 2}, NULL));
    GIVES(&r, "deeplift", V(1, 2), CLASS(0), EXACT, 2, 1);
    CHECK(r.map.residual < EXACT);
    rig_down(&r);
}

TEST(fixtures_f8_maximum_pool)
{
    static const fl_window four = {{1, 1, 4}, {1, 1, 4}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    fl_rig r;
    rig_up(&r, (fl_shape){1, 1, 1, 1, 4});
    rig_ready(&r, fl_node_maxpool(r.g, "pool", r.net.input, four, false));
    GIVES(&r, "deeplift", V(1, 1, 1, 1), CLASS(0, .baseline_clip = V(1, 2, 3, 9)), EXACT, 0, 0, 0, -8);
    GIVES(&r, "deeplift", V(1, 1, 1, 1), CLASS(0, .baseline_clip = V(4, 8, 6, 7)), EXACT, 0, -7, 0, 0);
    CHECK(r.map.residual < EXACT);
    rig_down(&r);
}

TEST(fixtures_f9_dense)
{
    static const char *const both[] = {"deeplift", "deeplift_reveal_cancel"};
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 4));
    rig_ready(&r, fl_node_relu(r.g, "y", rig_linear(&r, "w", r.net.input, 2, (const double[]){1, 2, 3, 4, -1, -2, -3, -4},
                                                    (const double[]){-1, 1})));
    for (int i = 0; i < 2; i++) {
        GIVES(&r, both[i], V(1, 1, 1, 1), CLASS(0), 4 * EXACT, 0.9, 1.8, 2.7, 3.6);
        GIVES(&r, both[i], V(1, 1, 1, 1), CLASS(1), 4 * EXACT, -0.1, -0.2, -0.3, -0.4);
        GIVES(&r, both[i], V(2, 2, 2, 2), CLASS(0), 8 * EXACT, 1.9, 3.8, 5.7, 7.6);
        GIVES(&r, both[i], V(2, 2, 2, 2), CLASS(1), 4 * EXACT, -0.1, -0.2, -0.3, -0.4);
    }
    GIVES(&r, "gradient", V(1, 1, 1, 1), CLASS(0), 0, 1, 2, 3, 4);
    GIVES(&r, "gradient", V(1, 1, 1, 1), CLASS(1), 0, 0, 0, 0, 0);
    rig_down(&r);
}

/* ---- F10: excitation, and a class that nothing excites ---- */

TEST(fixtures_f10_excitation)
{
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    const fl_id h = fl_node_relu(r.g, "h", rig_linear(&r, "one", r.net.input, 2, (const double[]){1, -1, 2, 1}, NULL));
    rig_ready(&r, rig_linear(&r, "two", h, 3, (const double[]){1, 1, -1, 2, -1, -1}, NULL));
    GIVES(&r, "lrp_excitation", V(1, 2), CLASS(0), STABLE, 0.5, 0.5);
    GIVES(&r, "excitation", V(1, 2), CLASS(0, .layer = "h"), EXACT, 1);
    CHECK(r.map.level == FL_LEVEL_LAYER && r.map.residual < EXACT && fabs(r.map.absorbed) < EXACT);
    GIVES(&r, "excitation", V(1, 2), CLASS(2, .layer = "x"), 0, 0);          /* starved: nothing arrives, and it is said */
    CHECK(r.map.absorbed == 1 && r.map.warnings >= 2);
    GIVES(&r, "contrastive_excitation", V(1, 2), CLASS(0, .layer = "x", .signed_cam = true), EXACT, 1);   /* no negative weight */
    rig_down(&r);
    /* The inputs as places: (0.5, 0.5). */
    rig_up(&r, (fl_shape){1, 1, 1, 1, 2});
    const fl_id flat = fl_node_flatten(r.g, "flat", r.net.input);
    const fl_id hidden = fl_node_relu(r.g, "h", rig_linear(&r, "one", flat, 2, (const double[]){1, -1, 2, 1}, NULL));
    rig_ready(&r, rig_linear(&r, "two", hidden, 2, (const double[]){1, 1, -1, 2}, NULL));
    GIVES(&r, "excitation", V(1, 2), CLASS(0, .layer = "x"), EXACT, 0.5, 0.5);
    rig_down(&r);
}

TEST(fixtures_f11_minimum)                               /* x1 - relu(x1 - x2) */
{
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    const fl_id x1 = rig_linear(&r, "x1", r.net.input, 1, (const double[]){1, 0}, NULL);
    const fl_id d = fl_node_relu(r.g, "d", rig_linear(&r, "x1-x2", r.net.input, 1, (const double[]){1, -1}, NULL));
    rig_ready(&r, fl_node_add(r.g, "y", x1, rig_linear(&r, "minus", d, 1, (const double[]){-1}, NULL)));
    GIVES(&r, "deeplift", V(3, 1), CLASS(0), EXACT, 0, 1);
    GIVES(&r, "gradient_x_input", V(3, 1), CLASS(0), EXACT, 0, 1);
    GIVES(&r, "deeplift_reveal_cancel", V(3, 1), CLASS(0), EXACT, 0.5, 0.5);
    GIVES(&r, "deeplift_reveal_cancel", V(2, 5), CLASS(0), EXACT, 1, 1);
    rig_down(&r);
}

/* ---- F12 and F13: (2 x1 + x2)^2 and 2 x1^2 + x2^2; and 2 x1 + x2, where PAIR begins ---- */

#define GUIDED(...) CLASS(0, PATH_(__VA_ARGS__, .seed = 0))
#define PATH_(s, f, d, ...) .steps = s, .fraction = f, .max_distance = d, __VA_ARGS__

TEST(fixtures_f12_dependent_squares)
{
    fl_rig r;
    rig_quadratic(&r, LINEAR);
    GIVES(&r, "guided_ig", V(10, 5), GUIDED(10, 0.1, 0.5, .baseline_clip = V(-1, -3)), 40 * EXACT, 22, 8);
    GIVES(&r, "guided_ig", V(10, 5), GUIDED(10, 0.1, 0.5), 40 * EXACT, 20, 5);
    CHECK(r.map.residual < 10 * EXACT);
    rig_down(&r);
    rig_quadratic(&r, DEPENDENT);
    GIVES(&r, IG, V(3, 3), CLASS(0), 80 * EXACT, 54, 27);
    GIVES(&r, "deeplift", V(1, 3), CLASS(0), 25 * EXACT, 10, 15);
    GIVES(&r, "deeplift", V(1, 3), CLASS(0, .baseline_clip = V(1, 1)), 25 * EXACT, 0, 16);
    GIVES(&r, "guided_ig", V(3, 3), GUIDED(1000, 0.1, 0, .meant = FL_READS(max_distance)), 0.54, 54, 27);
    GIVES(&r, "guided_ig", V(3, 3), GUIDED(1000, 1, 0.02), 0.54, 54, 27);
    GIVES(&r, "guided_ig", V(3, 3), GUIDED(1000, 0.1, 1), 0.72, 72, 9);
    const real *a = rig_explain(&r, "guided_ig", V(3, 3), GUIDED(1000, 0.1, 0.2));
    CHECK(fabs(r.map.sum - 81) < 0.1 && (double)a[0] > 55 && (double)a[0] < 71 && (double)a[1] > 10 && (double)a[1] < 26);
    rig_down(&r);
}

/* One step, a value at a time: as many rounds as there are values, and the path still ends at the clip. */
TEST(fixtures_guided_path_reaches_the_clip)
{
    enum { N = 200 };
    double w[N], want = 0;
    real x[N];
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, N));
    for (int i = 0; i < N; i++) {
        w[i] = 0.1 + i % 37;
        x[i] = (real)(1 + i % 5);
        want += w[i] * (double)x[i];
    }
    rig_ready(&r, rig_linear(&r, "fc", r.net.input, 1, w, NULL));
    rig_explain(&r, "guided_ig", x, GUIDED(1, 0.001, 1));
    CHECK_NEAR(r.map.sum, want, 10 * EXACT * want);
    rig_down(&r);
}

TEST(fixtures_f13_independent_squares)
{
    fl_rig r;
    rig_quadratic(&r, INDEPENDENT);
    GIVES(&r, IG, V(3, 3), CLASS(0), 40 * EXACT, 18, 9);
    GIVES(&r, "deeplift", V(3, 2), CLASS(0), 25 * EXACT, 18, 4);
    GIVES(&r, "guided_ig", V(3, 3), GUIDED(1000, 0.1, 0.4), 0.18, 18, 9);
    GIVES(&r, "guided_ig", V(0, 0), GUIDED(1000, 0.1, 0.4, .baseline_clip = V(3, 3)), 0.18, -18, -9);
    rig_down(&r);
}

/* x1^3 + x2^3: its gradient is of degree 2, for which two points of Gauss and Legendre are exact, and one is not. */
TEST(fixtures_cubic)
{
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    const fl_id x = r.net.input, cube = fl_node_mul(r.g, "cube", fl_node_mul(r.g, "square", x, x), x);
    rig_ready(&r, rig_linear(&r, "fc", cube, 1, ones, NULL));
    GIVES(&r, IG, V(2, -1.5), CLASS(0, .steps = 2, .baseline_clip = V(0.5, 1)), 10 * EXACT, 8 - 0.125, -3.375 - 1);
    rig_explain(&r, IG, V(2, -1.5), CLASS(0, .steps = 1, .baseline_clip = V(0.5, 1)));
    CHECK(r.map.residual > 0.1 && r.map.warnings >= 1);          /* one point is not enough, and it is said */
    rig_down(&r);
}
