/* test_attribution_cam.c: the CAM family against its formulas, on a layer whose gradient differs from place to place. */
#include "tests/attribution_rig.h"

#include "tensor/resample.h"

#ifdef FL_F64
#define NEAR 1e-11
#else
#define NEAR 2e-5
#endif

enum { K = 4, CLASSES = 3, CLASS = 1, T = 3, H = 4, W = 5, PLACES = T * H * W };

/* conv -> ReLU (the layer) -> a second conv -> ReLU -> linear over everything: G is not constant. head: mean and linear instead. */
static void build(fl_rig *r, real *x, bool head)
{
    const fl_shape s = {1, 2, T, H, W};
    fl_rng rng = {11, 0, 0};
    double fc[CLASSES * K], wide[CLASSES * 2 * PLACES], bias[CLASSES];
    rig_up(r, s);
    for (int i = 0; i < 2 * PLACES; i++) x[i] = (real)fl_rng_next_normal(&rng);
    for (int i = 0; i < CLASSES; i++) bias[i] = (double)(real)fl_rng_next_normal(&rng);
    for (int i = 0; i < CLASSES * K; i++) fc[i] = (double)(real)fl_rng_next_normal(&rng);
    for (int i = 0; i < CLASSES * 2 * PLACES; i++) wide[i] = (double)(real)fl_rng_next_normal(&rng);
    const fl_id w = fl_example_operand(r->g, &rng, "w", (fl_shape){K, 2, 3, 3, 3});
    r->net.cam = fl_node_relu(r->g, "relu", fl_node_conv(r->g, "conv", r->net.input, w, FL_NONE, fl_window_cube(3, 3, 3, 1, 1, 1), 1));
    if (head) {
        rig_ready(r, rig_linear(r, "fc", fl_node_global_average(r->g, "mean", r->net.cam), CLASSES, fc, bias));
        return;
    }
    const fl_id v = fl_example_operand(r->g, &rng, "v", (fl_shape){2, K, 1, 3, 3});
    const fl_id y = fl_node_relu(r->g, "relu2", fl_node_conv(r->g, "conv2", r->net.cam, v, FL_NONE, fl_window_cube(1, 3, 3, 1, 1, 1), 1));
    rig_ready(r, rig_linear(r, "fc", fl_node_flatten(r->g, "flat", y), CLASSES, wide, bias));
}

typedef struct truth { double a[PLACES][K], g[PLACES][K]; } truth;

/* A and G by the graph itself, asked directly. */
static void ask(fl_rig *r, const real *x, truth *t)
{
    real seed[CLASSES] = {0};
    seed[CLASS] = 1;
    fl_graph_plan(r->g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &r->net.logits, .n_out = 1, .root = r->net.logits,
                                   .wrt = &r->net.cam, .n_wrt = 1});
    fl_graph_set(r->g, r->net.input, x);
    fl_graph_forward(r->g);
    fl_graph_backward(r->g, seed);
    for (int p = 0; p < PLACES; p++)
        for (int k = 0; k < K; k++) {
            t->a[p][k] = (double)fl_graph_value(r->g, r->net.cam)[p * K + k];
            t->g[p][k] = (double)fl_graph_signal(r->g, r->net.cam)[p * K + k];
        }
}

static double relu(double v) { return v > 0 ? v : 0; }

typedef enum kind { MEAN, NORMALISED, PLUS_PLUS } kind;

static double weight(const truth *t, kind which, int k, int first, int count)
{
    double a = 0, g = 0, ga = 0, plus = 0;
    for (int p = first; p < first + count; p++) {
        a += t->a[p][k];
        g += t->g[p][k];
        ga += t->g[p][k] * t->a[p][k];
    }
    for (int p = first; p < first + count; p++) {
        const double d = t->g[p][k];
        if (d != 0 && 2 * d * d + a * d * d * d != 0) plus += d * d / (2 * d * d + a * d * d * d) * relu(d);
    }
    return which == MEAN ? g / count : which == NORMALISED ? ga / (a + 1e-7) : plus;
}

static void check_weighted(fl_rig *r, const real *x, const truth *t, const char *method, kind which, bool per_frame)
{
    const fl_target target = {.class_index = CLASS};
    const real *m = rig_explain(r, method, x, WITH(.target = target, .pooling = per_frame ? FL_CAM_PER_FRAME : FL_CAM_GLOBAL));
    for (int p = 0; p < PLACES; p++) {
        const int first = per_frame ? p / (H * W) * H * W : 0, count = per_frame ? H * W : PLACES;
        double sum = 0;
        for (int k = 0; k < K; k++) sum += weight(t, which, k, first, count) * t->a[p][k];
        CHECK_SAY(fabs((double)m[p] - relu(sum)) <= NEAR * (1 + fabs(sum)),
                  "%s, place %d: %g, wanted %g", method, p, (double)m[p], relu(sum));
    }
}

TEST(attribution_cam_family_follows_its_formulas)
{
    fl_rig r;
    truth t;
    real x[2 * PLACES];
    build(&r, x, false);
    ask(&r, x, &t);
    for (int per_frame = 0; per_frame < 2; per_frame++) {
        check_weighted(&r, x, &t, "grad_cam", MEAN, per_frame);
        check_weighted(&r, x, &t, "xgrad_cam", NORMALISED, per_frame);
        check_weighted(&r, x, &t, "grad_cam_plus_plus", PLUS_PLUS, per_frame);
    }
    const fl_target target = {.class_index = CLASS};
    const real *hires = rig_explain(&r, "hires_cam", x, WITH(.target = target));
    const real *layer = rig_explain(&r, "layer_cam", x, WITH(.target = target));
    const real *la = rig_explain(&r, "linear_approximation", x, WITH(.target = target));
    double total = 0, bias = 0;
    for (int p = 0; p < PLACES; p++) {
        double product = 0, positive = 0;
        for (int k = 0; k < K; k++) {
            product += t.g[p][k] * t.a[p][k];
            positive += relu(t.g[p][k]) * t.a[p][k];
        }
        total += (double)hires[p];
        CHECK_NEAR((double)hires[p], product, NEAR * 10);
        CHECK_NEAR((double)layer[p], relu(positive), NEAR * 10);
        CHECK(la[p] == hires[p]);
    }
    bias = (double)fl_graph_value(r.g, fl_graph_find(r.g, "fc.b"))[CLASS];
    CHECK_NEAR(total, r.map.score - bias, NEAR * 100);                     /* behind it: piecewise linear, without a bias of its own */
    rig_down(&r);
}

/* CAM is the logit without its bias, spread over the places; without such a head it is refused. */
TEST(attribution_cam_needs_and_uses_a_linear_head)
{
    fl_rig r;
    real x[2 * PLACES];
    const fl_target target = {.class_index = CLASS};
    build(&r, x, true);
    const real *m = rig_explain(&r, "cam", x, WITH(.target = target));
    const double bias = (double)fl_graph_value(r.g, fl_graph_find(r.g, "fc.b"))[CLASS];
    double sum = 0;
    for (int p = 0; p < PLACES; p++) sum += (double)m[p];
    CHECK_NEAR(sum / PLACES, r.map.score - bias, NEAR * 10);
    const real *grad_cam = rig_explain(&r, "grad_cam", x, WITH(.target = target, .signed_cam = true));
    for (int p = 0; p < PLACES; p++) CHECK_NEAR((double)m[p], PLACES * (double)grad_cam[p], NEAR * 100);
    const real *tube = rig_explain(&r, "saliency_tubes", x, WITH(.target = target));
    for (int p = 0; p < PLACES; p++) CHECK(tube[p] == m[p]);
    rig_down(&r);
    build(&r, x, false);
    fl_map map;
    CHECK(fl_explain(r.e, fl_method_find("cam"), x, &DEFAULTS, &r.results, &map) == FL_USAGE && strstr(r.error.message, "linear layer"));
    rig_down(&r);
}

TEST(attribution_eigen_cam_is_the_first_direction)
{
    fl_rig r;
    truth t;
    real x[2 * PLACES];
    build(&r, x, false);
    ask(&r, x, &t);
    const real *m = rig_explain(&r, "eigen_cam", x, DEFAULTS);
    double v[K] = {0}, length = 0, most = 0, sum = 0, captured = 0;
    for (int p = 0; p < PLACES; p++) {
        sum += (double)m[p];
        captured += (double)m[p] * (double)m[p];
        for (int k = 0; k < K; k++) v[k] += (double)m[p] * t.a[p][k];          /* A'm = s^2 v1 */
    }
    for (int k = 0; k < K; k++) length += v[k] * v[k];
    for (int p = 0; p < PLACES; p++) {
        double back = 0;
        for (int k = 0; k < K; k++) back += t.a[p][k] * v[k] / sqrt(length);
        CHECK_NEAR((double)m[p], back, NEAR * 10);
    }
    fl_rng rng = {3, 0, 0};
    for (int trial = 0; trial < 200; trial++) {                              /* no other direction has more of A */
        double u[K], norm = 0, energy = 0;
        for (int k = 0; k < K; k++) {
            u[k] = fl_rng_next_normal(&rng);
            norm += u[k] * u[k];
        }
        for (int p = 0; p < PLACES; p++) {
            double along = 0;
            for (int k = 0; k < K; k++) along += t.a[p][k] * u[k] / sqrt(norm);
            energy += along * along;
        }
        most = fmax(most, energy);
    }
    CHECK(sum > 0 && captured >= most && captured < 1.5 * most);
    rig_down(&r);
}

/* Brute force: one prediction per channel. */
TEST(attribution_score_cam_asks_the_network)
{
    fl_rig r;
    truth t;
    real x[2 * PLACES], masked[2 * PLACES];
    double p[CLASSES], score[K] = {0};
    const fl_target target = {.class_index = CLASS};
    build(&r, x, false);
    ask(&r, x, &t);
    for (int k = 0; k < K; k++) {
        double low = t.a[0][k], high = low;
        for (int i = 0; i < PLACES; i++) {
            low = fmin(low, t.a[i][k]);
            high = fmax(high, t.a[i][k]);
        }
        for (int i = 0; i < 2 * PLACES; i++) masked[i] = (real)((double)x[i] * (t.a[i / 2][k] - low) / (high - low));
        if (high > low && fl_explainer_predict(r.e, masked, NULL, p) == FL_OK) score[k] = p[CLASS];
    }
    const real *m = rig_explain(&r, "score_cam", x, WITH(.target = target));
    for (int i = 0; i < PLACES; i++) {
        double want = 0;
        for (int k = 0; k < K; k++) want += score[k] * t.a[i][k];
        CHECK_NEAR((double)m[i], relu(want), NEAR * 10);
    }
    CHECK(r.map.passes == K + 1);
    rig_down(&r);
}
