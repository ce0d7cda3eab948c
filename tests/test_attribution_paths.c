/* test_attribution_paths.c: guided, blurred and expected paths on functions whose answers are known. */
#include "tests/attribution_rig.h"

#include "tensor/blur.h"

#define NEAR (100 * (double)FL_REAL_EPSILON)

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
    fl_rig r;
    rig_quadratic(&r, LINEAR);
    GIVES(&r, "expected_gradients", V(3, 3), WITH(.samples = 7, .baseline = "zero"), 10 * NEAR, 6, 3);
    rig_down(&r);
    rig_quadratic(&r, DEPENDENT);
    GIVES(&r, "expected_gradients", V(3, 3), WITH(.samples = 4000, .baseline = "zero"), 0.02, 54, 27);      /* alpha is stratified */
    CHECK(r.map.noise_sigma == 0);
    rig_explain(&r, "gradient_shap", V(3, 1), WITH(.samples = 10, .baseline = "zero", .seed = 5));
    CHECK_NEAR(r.map.noise_sigma, 0.2, NEAR);
    rig_down(&r);
}
