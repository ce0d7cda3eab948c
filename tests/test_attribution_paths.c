/* test_attribution_paths.c: guided, blurred and expected paths on functions whose answers are known. */
#include "tests/attribution_rig.h"

#include "tensor/blur.h"

#define NEAR (100 * (double)FL_REAL_EPSILON)

/* f = 2 x1 + x2 (linear), (2 x1 + x2)^2 (F12), 2 x1^2 + x2^2 (F13), on two values. */
typedef enum shape { LINEAR, DEPENDENT, INDEPENDENT } shape;

static void build(fl_rig *r, shape which)
{
    const double row[] = {2, 1}, scale[] = {2, 1}, ones[] = {1};
    rig_up(r, (fl_shape){1, 2, 1, 1, 1});
    const fl_id x = r->net.input;
    fl_id y = which == INDEPENDENT ? fl_node_mul(r->g, "square", x, x) : x;
    y = rig_linear(r, "fc", y, 1, which == INDEPENDENT ? scale : row, NULL);
    if (which == DEPENDENT) y = fl_node_mul(r->g, "square", y, y);
    rig_ready(r, rig_linear(r, "out", y, 1, ones, NULL));
}

static void check(fl_rig *r, const char *method, const real x[2], fl_explain_options o, double a, double b, double tolerance)
{
    const real *m = rig_explain(r, method, x, o);
    if (!m) return;
    CHECK_SAY(fabs((double)m[0] - a) <= tolerance && fabs((double)m[1] - b) <= tolerance, "%s: %g, %g; wanted %g, %g within %g", method,
              (double)m[0], (double)m[1], a, b, tolerance);
}

TEST(attribution_guided_ig_on_functions_of_two_values)
{
    const real ten_five[2] = {10, 5}, b[2] = {-1, -3}, three[2] = {3, 3};
    fl_rig r;
    build(&r, LINEAR);
    check(&r, "guided_ig", ten_five, WITH(.steps = 10), 20, 5, 20 * NEAR);
    check(&r, "guided_ig", ten_five, WITH(.steps = 10, .baseline_clip = b), 22, 8, 20 * NEAR);
    CHECK(r.map.residual < NEAR);
    rig_down(&r);
    build(&r, INDEPENDENT);
    check(&r, "guided_ig", three, WITH(.steps = 1000), 18, 9, 0.2);
    rig_down(&r);
    build(&r, DEPENDENT);
    check(&r, "guided_ig", three, WITH(.steps = 1000), 54, 27, 3);        /* within max_distance of the straight line */
    CHECK_NEAR(r.map.sum, 81, 0.2);
    rig_down(&r);
}

/* Linear: w (x - x_blurred) whatever the number of steps; complete on a curved one. */
TEST(attribution_blur_ig_is_exact_for_linear_networks)
{
    enum { SIDE = 6, COUNT = SIDE * SIDE };
    double w[COUNT];
    real x[COUNT], blurred[COUNT];
    fl_rng rng = {9, 0, 0};
    fl_rig r;
    rig_up(&r, (fl_shape){1, 1, 1, SIDE, SIDE});
    for (int i = 0; i < COUNT; i++) {
        w[i] = (double)(real)fl_rng_next_normal(&rng);
        x[i] = (real)fl_rng_next_normal(&rng);
    }
    rig_ready(&r, rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", r.net.input), 1, w, NULL));
    const fl_blur blur = fl_blur_frames(3, FL_BORDER_ZERO);
    void *work = FL_NEW(&r.results, char, fl_blur_scratch(fl_graph_shape(r.g, r.net.input), &blur));
    fl_blur_forward(fl_graph_shape(r.g, r.net.input), &blur, x, blurred, work);
    for (int steps = 1; steps <= 7; steps += 3) {
        const real *m = rig_explain(&r, "blur_ig", x, WITH(.steps = steps, .baseline_sigma = 3));
        for (int i = 0; i < COUNT; i++) CHECK_NEAR((double)m[i], w[i] * ((double)x[i] - (double)blurred[i]), NEAR);
        CHECK(r.map.residual < NEAR * 10);
    }
    rig_down(&r);
}

/* Linear: w (x - mean of the drawn baselines); one baseline and many samples: integrated gradients. */
TEST(attribution_expected_gradients_average_baselines)
{
    const real three[2] = {3, 3};
    fl_rig r;
    build(&r, LINEAR);
    check(&r, "expected_gradients", three, WITH(.samples = 7, .baseline = "zero"), 6, 3, 10 * NEAR);
    rig_down(&r);
    build(&r, DEPENDENT);
    check(&r, "expected_gradients", three, WITH(.samples = 4000, .baseline = "zero"), 54, 27, 0.02);      /* alpha is stratified */
    CHECK(r.map.noise_sigma == 0);
    rig_explain(&r, "gradient_shap", (const real[2]){3, 1}, WITH(.samples = 10, .baseline = "zero", .seed = 5));
    CHECK_NEAR(r.map.noise_sigma, 0.2, NEAR);
    rig_down(&r);
}
