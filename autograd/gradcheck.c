/* gradcheck.c: five-point differences at falling steps against the signals of one backward. */
#include "autograd/gradcheck.h"

#include "autograd/hold.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#ifdef FL_F64
enum { LEVELS = 15 };
static const double FIRST_STEP = 0x1p-4, KINK = 1e-7, FLOOR = 1e-4;
#else
enum { LEVELS = 10 };
static const double FIRST_STEP = 0x1p-2, KINK = 3e-3, FLOOR = 1e-2;
#endif
enum { DIRECTIONS = 3, TRIES = 12 };

typedef struct checker {
    fl_graph *g;
    const fl_id *wrt;
    int n_wrt;
    double step;
    int64_t *offset;           /* of leaf k in the arrays below; offset[n_wrt] is their length */
    real *point, *gradient;    /* all leaves, one behind the other */
    real *seed, *root, *v;     /* root(x); v: the direction, all leaves */
    double noise;              /* rounding error of s */
    int levels;
    bool smooth;               /* held: once steps are too small they stay so */
} checker;

typedef struct estimate { double value, asymmetry, doubt; } estimate;

static real *leaf(const checker *c, int k) { return fl_graph_value(c->g, c->wrt[k]); }
static int64_t length(const checker *c, int k) { return c->offset[k + 1] - c->offset[k]; }

/* s at the point that the leaves hold now */
static double score(const checker *c)
{
    const real *y = fl_graph_value(c->g, c->g->root);
    const int64_t n = fl_shape_count(fl_graph_shape(c->g, c->g->root));
    double sum = 0;
    fl_graph_touch(c->g);
    fl_graph_forward(c->g);
    for (int64_t i = 0; i < n; i++) sum += (double)c->seed[i] * ((double)y[i] - (double)c->root[i]);
    return sum;
}

/* One element of leaf k, or (element < 0) all leaves along v. */
static double score_at(const checker *c, int k, int64_t element, double t)
{
    if (element >= 0) {
        const real x = c->point[c->offset[k] + element];
        leaf(c, k)[element] = (real)((double)x + t);
        const double s = score(c);
        leaf(c, k)[element] = x;
        return s;
    }
    for (int j = 0; j < c->n_wrt; j++)
        for (int64_t i = 0; i < length(c, j); i++)
            leaf(c, j)[i] = (real)((double)c->point[c->offset[j] + i] + t * (double)c->v[c->offset[j] + i]);
    const double s = score(c);
    for (int j = 0; j < c->n_wrt; j++)
        memcpy(leaf(c, j), c->point + c->offset[j], (size_t)length(c, j) * sizeof(real));
    return s;
}

/* From s at -2h, -h, h, 2h (s(0) = 0): the central difference, and how far the two one-sided ones are apart. */
static estimate five_points(double h, const double far[2], const double near[2])
{
    const double forward = (4 * near[1] - far[1]) / (2 * h), backward = -(4 * near[0] - far[0]) / (2 * h);
    return (estimate){.value = (far[0] - 8 * near[0] + 8 * near[1] - far[1]) / (12 * h),
                      .asymmetry = fabs(forward - backward)};
}

enum { PATIENCE = 2 };

static estimate differentiate(const checker *c, int k, int64_t element)
{
    int worse_since = 0;
    estimate best = {.value = NAN, .doubt = INFINITY}, last = {0};
    double h = c->step, far[2] = {score_at(c, k, element, -2 * h), score_at(c, k, element, 2 * h)};
    for (int level = 0; level < c->levels && !(c->smooth && worse_since == PATIENCE); level++, h /= 2) {
        const double near[2] = {score_at(c, k, element, -h), score_at(c, k, element, h)};
        const estimate now = five_points(h, far, near);
        estimate both = {.value = now.value,
                         .asymmetry = fmax(now.asymmetry, last.asymmetry)}; /* many kinks may cancel once */
        both.doubt = fabs(now.value - last.value) + both.asymmetry + c->noise / h;
        const bool better = level > 0 && both.doubt < best.doubt;    /* never with a NaN */
        worse_since = better || level == 0 ? 0 : worse_since + 1;
        if (better) best = both;
        last = now;
        memcpy(far, near, sizeof far);
    }
    return best;
}

static bool worse(double error, double than) { return !isnan(than) && !(error <= than); } /* NaN is worst, for good */

static bool on_kink(estimate e, double scale) { return e.asymmetry > KINK * fmax(scale, fabs(e.value)); }

static void describe(const checker *c, int k, int64_t i, double got, double want, char *to, size_t size)
{
    const fl_node *node = &c->g->node[c->wrt[k]];
    const fl_shape s = node->shape;
    const int64_t pixel = i / s.c;
    snprintf(to, size, "%.64s[%d,%d,%d,%d,%d]: difference %.10g, gradient %.10g", node->name,
             (int)(pixel / s.w / s.h / s.t), (int)(i % s.c), (int)(pixel / s.w / s.h % s.t), (int)(pixel / s.w % s.h),
             (int)(pixel % s.w), got, want);
}

static double largest(const real *x, int64_t n)
{
    real low, high;
    fl_min_max(x, n, &low, &high);
    return fmax(fabs((double)low), fabs((double)high));
}

static void check_elements(const checker *c, int k, int samples, fl_rng *rng, fl_gradcheck *result)
{
    const int64_t n = length(c, k);
    const real *gradient = c->gradient + c->offset[k];
    const double most = largest(c->gradient, c->offset[c->n_wrt]);
    const double scale = fmax(fmax(largest(gradient, n), FLOOR * most), 1e-30);
    for (int64_t j = 0; j < samples && j < n; j++) {
        const int64_t i = samples >= n ? j : (int64_t)(fl_rng_next_uniform(rng) * (double)n);
        const estimate e = differentiate(c, k, i);
        if (on_kink(e, scale)) {
            result->kinks++;
            continue;
        }
        const double error = fabs(e.value - (double)gradient[i]) / scale;
        result->checked++;
        if (!worse(error, result->worst)) continue;
        result->worst = error;
        describe(c, k, i, e.value, (double)gradient[i], result->where, sizeof result->where);
    }
}

/* v: random normal times the size of the leaf. Returns the size that <gradient, v> should have. */
static double draw_direction(const checker *c, fl_rng *rng)
{
    double square = 0;
    for (int k = 0; k < c->n_wrt; k++) {
        const int64_t at = c->offset[k], n = length(c, k);
        const double rms = fl_norm(c->point + at, n) / sqrt((double)n), size = rms > 0 ? rms : 1;
        for (int64_t i = 0; i < n; i++) c->v[at + i] = (real)(size * fl_rng_next_normal(rng));
        square += size * size * fl_dot(c->gradient + at, c->gradient + at, n);
    }
    return fmax(sqrt(square), 1e-30);
}

static void check_directions(const checker *c, int wanted, fl_rng *rng, fl_gradcheck *result)
{
    for (int try = 0; try < TRIES && result->directions < wanted; try++) {
        const double scale = draw_direction(c, rng);
        const estimate e = differentiate(c, 0, -1);
        if (on_kink(e, scale)) continue;
        const double error = fabs(e.value - fl_dot(c->gradient, c->v, c->offset[c->n_wrt])) / scale;
        result->directions++;
        result->doubt = fmax(result->doubt, e.doubt / scale);
        if (worse(error, result->directional)) result->directional = error;
    }
}

static bool allocate(checker *c, int64_t root_count)
{
    fl_arena *a = c->g->arena;
    c->offset = FL_NEW(a, int64_t, c->n_wrt + 1);
    for (int k = 0; c->offset && k < c->n_wrt; k++) {
        fl_assert(c->g->node[c->wrt[k]].role != FL_COMPUTED);
        c->offset[k + 1] = c->offset[k] + fl_shape_count(fl_graph_shape(c->g, c->wrt[k]));
    }
    const int64_t n = c->offset ? c->offset[c->n_wrt] : 0;
    c->point = FL_NEW(a, real, n);
    c->gradient = FL_NEW(a, real, n);
    c->v = FL_NEW(a, real, n);
    c->seed = FL_NEW(a, real, root_count);
    c->root = FL_NEW(a, real, root_count);
    return c->offset && c->point && c->gradient && c->v && c->seed && c->root;
}

/* Forward and backward at the point. */
static void walk(const checker *c)
{
    fl_graph_touch(c->g);
    fl_graph_forward(c->g);
    fl_graph_backward(c->g, c->seed);
}

fl_status fl_gradcheck_run(fl_graph *g, const fl_id *wrt, int n_wrt, const fl_gradcheck_options *options,
                           fl_gradcheck *result)
{
    memset(result, 0, sizeof *result);
    if (!fl_graph_ok(g)) return g ? g->error->status : FL_FAILED;
    fl_assert(g->root != FL_NONE && n_wrt > 0);
    const fl_mark mark = fl_arena_mark(g->arena);
    const int64_t root_count = fl_shape_count(fl_graph_shape(g, g->root));
    checker c = {.g = g, .wrt = wrt, .n_wrt = n_wrt, .step = options->step > 0 ? options->step : FIRST_STEP,
                 .levels = options->levels > 0 ? options->levels : LEVELS, .smooth = options->hold};
    if (!allocate(&c, root_count)) return g->error->status;
    fl_rng rng = {options->seed, 0, 0};
    for (int64_t i = 0; i < root_count; i++) c.seed[i] = (real)fl_rng_next_normal(&rng);
    walk(&c);
    for (int k = 0; k < n_wrt; k++) {
        memcpy(c.point + c.offset[k], leaf(&c, k), (size_t)length(&c, k) * sizeof(real));
        memcpy(c.gradient + c.offset[k], fl_graph_signal(g, wrt[k]), (size_t)length(&c, k) * sizeof(real));
    }
    memcpy(c.root, fl_graph_value(g, g->root), (size_t)root_count * sizeof(real));
    c.noise = FL_REAL_EPSILON * fl_norm(c.seed, root_count) * fl_norm(c.root, root_count) / sqrt((double)root_count);
    fl_hold *hold = options->hold ? fl_hold_new(g, g->arena) : NULL;
    if (options->hold && !hold) return g->error->status;
    for (int k = 0; k < n_wrt && !options->no_elements; k++)
        check_elements(&c, k, options->samples > 0 ? options->samples : 16, &rng, result);
    check_directions(&c, options->directions > 0 ? options->directions : DIRECTIONS, &rng, result);
    if (hold) fl_hold_end(hold);
    walk(&c);
    fl_arena_release(g->arena, mark);
    return FL_OK;
}
