/* sampling_rig.h: networks of which everything is known, for methods that change the clip and watch: a linear one, where every method has
 * a closed form, and a small one with interactions, where sets of segments are tried one by one. */
#ifndef FL_SAMPLING_RIG_H
#define FL_SAMPLING_RIG_H

#include "tests/attribution_rig.h"

#include "tensor/math.h"
#include "tensor/rng.h"

/* ---- a linear network: score_c = w_c . x + b_c ---- */

enum { T = 4, H = 6, W = 5, C = 2, PIXELS = T * H * W, VOXELS = PIXELS * C, CLASSES = 2 };
static double weight[CLASSES * VOXELS] __attribute__((unused));                  /* file order */
static real clip[VOXELS] __attribute__((unused));                                /* channels last */

static inline void linear_up(fl_rig *r, int batch)
{
    fl_rng rng = {9, 1, 0};
    for (int i = 0; i < CLASSES * VOXELS; i++) weight[i] = fl_rng_next_below(&rng, 17) / 8.0 - 1;
    for (int i = 0; i < VOXELS; i++) clip[i] = (real)(fl_rng_next_below(&rng, 17) / 8.0 - 1);
    rig_up(r, (fl_shape){batch, C, T, H, W});
    static const double bias[CLASSES] = {3, -1};
    rig_ready(r, rig_linear(r, "fc", fl_node_flatten(r->g, "flat", r->net.input), CLASSES, weight, bias));
}

/* What a voxel adds to the score of class 1, both channels together. */
static inline double effect(int p)
{
    double sum = 0;
    for (int c = 0; c < C; c++) sum += weight[VOXELS + c * PIXELS + p] * (double)clip[p * C + c];
    return sum;
}

static inline double whole_score(void)
{
    double sum = -1;
    for (int p = 0; p < PIXELS; p++) sum += effect(p);
    return sum;
}

#define OF_CLASS_1 .target = {.class_index = 1, .score = FL_SCORE_LOGIT}
static const double NEAR_ZERO = FL_REAL_EPSILON * 400;

static inline void check_map(const char *what, const fl_rig *r, const double *wanted, double tolerance)
{
    for (int p = 0; p < PIXELS; p++)
        for (int c = 0; c < C; c++)
            if (!CHECK_SAY(fabs((double)r->map.data[p * C + c] - wanted[p]) <= tolerance, "%s: voxel %d is %.9g, wanted %.9g", what, p,
                           (double)r->map.data[p * C + c], wanted[p]))
                return;
}

/* ---- interactions ---- */

#define CLASS_0 .target = {.class_index = 0, .score = FL_SCORE_LOGIT}
enum { M = 10, UNITS = 12 };
static real frames_of_one[M] __attribute__((unused));

/* m frames of one pixel: a net with one hidden layer; every frame is a segment. */
static inline void net_up(fl_rig *r, int m, int batch)
{
    double a[M * UNITS], b[UNITS], c[2 * UNITS];
    fl_rng rng = {77, (uint64_t)m, 0};
    for (int i = 0; i < m * UNITS; i++) a[i] = fl_rng_next_normal(&rng);
    for (int i = 0; i < UNITS; i++) b[i] = fl_rng_next_normal(&rng);
    for (int i = 0; i < 2 * UNITS; i++) c[i] = fl_rng_next_normal(&rng);
    for (int i = 0; i < m; i++) frames_of_one[i] = (real)(0.5 + fl_rng_next_uniform(&rng));
    rig_up(r, (fl_shape){batch, 1, m, 1, 1});
    const fl_id h = rig_linear(r, "h", fl_node_flatten(r->g, "flat", r->net.input), UNITS, a, b);
    rig_ready(r, rig_linear(r, "out", fl_node_relu(r->g, "relu", h), 2, c, NULL));
}

#endif
