/* metric_rig.h: what the tests of metrics share. The network of most is linear: two logits, 0 and w.x of a clip of 2 frames of 2 x 2; so
 * everything is known. */
#ifndef FL_METRIC_RIG_H
#define FL_METRIC_RIG_H

#include "tests/attribution_rig.h"

#include "attribution/metric.h"
#include "tensor/math.h"

enum { T = 2, H = 2, W = 2, N = T * H * W };
static const fl_shape CLIP = {1, 1, T, H, W};
static const double WEIGHT[N] = {0.5, -1, 2, 0.25, -0.75, 1.5, 1, -0.5};
static const real X[N] = {1, 2, R(-1.0), R(0.5), 3, R(0.25), R(-2.0), 1};

static inline double logit_of(const real *x)
{
    double z = 0;
    for (int i = 0; i < N; i++) z += WEIGHT[i] * (double)x[i];
    return z;
}

static inline double probability_of(const real *x) { return 1 / (1 + fl_exp64(-logit_of(x))); }

static inline void line_up(fl_rig *r)
{
    double w[2 * N] = {0};
    memcpy(w + N, WEIGHT, sizeof WEIGHT);
    rig_up(r, CLIP);
    r->net.cam = r->net.input;
    rig_ready(r, rig_linear(r, "fc", fl_node_flatten(r->g, "flat", r->net.input), 2, w, NULL));
}

/* What w x says of every voxel. */
static inline void effects(real *a)
{
    for (int i = 0; i < N; i++) a[i] = (real)(WEIGHT[i] * (double)X[i]);
}

static inline fl_judged judge_of(fl_rig *r, const real *map)
{
    static const fl_explain_options none = {.steps = 0};
    return (fl_judged){.shape = CLIP, .map = map, .sum = (double)NAN, .explainer = r->e, .clip = X, .target = {.class_index = 1},
                       .wanted = (double)NAN, .method = fl_method_find("gradient_x_input"), .options = &none};
}

static inline fl_measure judge(fl_rig *r, const char *metric, fl_judged *j, fl_metric_options o)
{
    fl_measure m = {.value = (double)NAN};
    const fl_status status = fl_metric_judge(fl_metric_find(metric), j, &o, &r->results, &m);
    CHECK_SAY(status == FL_OK, "%s: %s", metric, r->result_error.message);
    return m;
}

#define TOLD(...) ((fl_metric_options){__VA_ARGS__})

#endif
