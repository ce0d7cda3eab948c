/* opcheck.c: the three figures of opcheck.h. */
#include "autograd/opcheck.h"

#include "autograd/naive.h"

#include <math.h>
#include <string.h>

static void judge(fl_opcheck *found, int64_t at, double error, double got, double wanted)
{
    found->checked++;
    if (isnan(found->worst) || error <= found->worst) return;        /* a NaN is worst, for good */
    *found = (fl_opcheck){error, found->checked, found->kinks, at, got, wanted};
}

static int64_t drawn(int64_t j, int64_t count, int64_t samples, fl_rng *rng)
{
    return samples >= count ? j : (int64_t)(fl_rng_next_uniform(rng) * (double)count);
}

/* ---- values ---- */

static double largest(const real *x, int64_t n)
{
    real low, high;
    fl_min_max(x, n, &low, &high);
    return fmax(fmax(fabs((double)low), fabs((double)high)), 1e-30);
}

bool fl_opcheck_value(const fl_node *node, const real *const in[], const real *y, int64_t samples, uint64_t seed, fl_opcheck *found)
{
    const int64_t count = fl_shape_count(node->shape);
    const double most = largest(y, count);
    fl_rng rng = {seed, 1, 0};
    *found = (fl_opcheck){.worst = 0};
    for (int64_t j = 0; j < count && j < samples; j++) {
        const int64_t i = drawn(j, count, samples, &rng);
        const double want = fl_naive_at(node, in, i);
        judge(found, i, fabs((double)y[i] - want) / fmax(most, fabs(want)), (double)y[i], want);
    }
    return true;
}

/* Products that meet in one element of the result. */
static double terms(const fl_node *node)
{
    if (node->op->flags & FL_WEIGHTED) return (double)fl_shape_count(node->in_shape[1]) / node->in_shape[1].n;
    const double x = node->n_in ? (double)fl_shape_count(node->in_shape[0]) : 1, y = (double)fl_shape_count(node->shape);
    return x > y ? x / y : node->op->flags & FL_ALL ? node->in_shape[0].c : 1;
}

double fl_opcheck_bound(const fl_node *node)
{
    const double units = FL_REAL_EPSILON > 1e-10 ? 8 : 64;           /* in float64 the definition rounds as well */
    return units * FL_REAL_EPSILON * (1 + sqrt(terms(node)));
}

/* ---- transposes ---- */

bool fl_opcheck_affine(const fl_node *node, int k) { return fl_naive_ops[node->op->kind]->affine >> (k < 31 ? k : 30) & 1; }

typedef struct bench { real *moved, *gx, *gy, *y0, *y1; } bench;

static bool set_up(bench *b, int64_t count, int64_t results, fl_arena *a)
{
    *b = (bench){FL_NEW(a, real, count), FL_NEW(a, real, count), FL_NEW(a, real, results), FL_NEW(a, real, results),
                 FL_NEW(a, real, results)};
    if (!b->moved || !b->gx || !b->gy || !b->y0 || !b->y1) return false;
    for (int64_t i = 0; i < count; i++) b->gx[i] = (real)NAN;         /* what is not written shows itself */
    return true;
}

/* Of mean 0 and variance 1, and five times as fast as a normal number: large nodes have a hundred million elements. */
static double scatter(fl_rng *rng) { return 3.4641016151377544 * (fl_rng_next_uniform(rng) - 0.5); }

/* v is as large as the operand is. */
static void move(const real *x, int64_t count, fl_rng *rng, real *moved)
{
    const double rms = fl_norm(x, count) / sqrt((double)count), size = rms > 0 ? rms : 1;
    for (int64_t i = 0; i < count; i++) moved[i] = (real)((double)x[i] + size * scatter(rng));
}

static double dot_difference(const real *g, const real *a, const real *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)g[i] * ((double)a[i] - (double)b[i]);
    return sum;
}

/* Jv = f(x + v) - f(x), exact but for rounding, where f is affine in operand k. */
static void transpose(const fl_node *node, const real *const in[], int k, uint64_t seed, const bench *b, const real **moved,
                      fl_opcheck *found)
{
    const int64_t count = fl_shape_count(node->in_shape[k]), results = fl_shape_count(node->shape);
    fl_rng rng = {seed, (uint64_t)k, 0};
    move(in[k], count, &rng, b->moved);
    for (int64_t i = 0; i < results; i++) b->gy[i] = (real)scatter(&rng);
    node->op->forward(node, in, b->y0);
    node->op->vjp(node, k, in, b->y0, b->gy, b->gx);
    memcpy((void *)moved, in, (size_t)node->n_in * sizeof *in);
    moved[k] = b->moved;
    node->op->forward(node, moved, b->y1);
    const double left = dot_difference(b->gy, b->y1, b->y0, results), right = dot_difference(b->gx, b->moved, in[k], count);
    double size = 0;                                                 /* what rounding errors are proportional to */
    for (int64_t i = 0; i < results; i++) {
        const double d = (double)b->y1[i] - (double)b->y0[i], y = (double)b->y0[i];
        size += fmax(d * d, y * y);
    }
    judge(found, k, fabs(left - right) / fmax(sqrt(size) * fl_norm(b->gy, results), 1e-30), right, left);
}

bool fl_opcheck_adjoint(const fl_node *node, const real *const in[], int k, uint64_t seed, fl_arena *a, fl_opcheck *found)
{
    const fl_mark mark = fl_arena_mark(a);
    const real **moved = FL_NEW(a, const real *, node->n_in);
    fl_node alone;
    bench b;
    *found = (fl_opcheck){.worst = 0};
    const bool room = moved && fl_node_for_vjp(node, k, a, &alone) &&
                      set_up(&b, fl_shape_count(node->in_shape[k]), fl_shape_count(node->shape), a);
    if (room) transpose(&alone, in, k, seed, &b, moved, found);
    fl_arena_release(a, mark);
    return room;
}

/* ---- slopes ---- */

/* x with its first 12 bits, so that x + h and x + 2h are exact in float32 as well. A 4096th of x: what the quotient leaves out goes with
 * h^4, and what rounding puts in with 1/h, so it is not smaller where x is. */
static double step_of(real *x)
{
    int exponent;
    const double m = frexp((double)*x, &exponent);
    *x = (real)ldexp(nearbyint(m * 4096) / 4096, exponent);
    return *x == 0 ? 0x1p-10 : ldexp(1, (exponent > -4 ? exponent : -4) - 12);
}

static double naive_map(const fl_node *node, double x)
{
    const real at = (real)x, *const in[1] = {&at};
    return fl_naive_at(node, in, 0);
}

/* The quotient, and how far the two one-sided ones are apart. */
static double quotient(const fl_node *node, double x, double h, double *asymmetry)
{
    const double s0 = naive_map(node, x), l1 = naive_map(node, x - h), r1 = naive_map(node, x + h), l2 = naive_map(node, x - 2 * h),
                 r2 = naive_map(node, x + 2 * h);
    *asymmetry = fabs((4 * r1 - r2 - 3 * s0) + (4 * l1 - l2 - 3 * s0)) / (2 * h);
    return (l2 - 8 * l1 + 8 * r1 - r2) / (12 * h);
}

bool fl_opcheck_slope(const fl_node *node, const real *const in[], int64_t samples, uint64_t seed, fl_arena *a, fl_opcheck *found)
{
    const int64_t count = fl_shape_count(node->shape), n = samples < count ? samples : count;
    const fl_mark mark = fl_arena_mark(a);
    real *x = FL_NEW(a, real, n), *y = FL_NEW(a, real, n), *one = FL_NEW(a, real, n), *slope = FL_NEW(a, real, n);
    double *h = FL_NEW(a, double, n);
    fl_rng rng = {seed, 2, 0};
    *found = (fl_opcheck){.worst = 0};
    if (!x || !y || !one || !slope || !h) return false;
    for (int64_t j = 0; j < n; j++) {
        x[j] = in[0][drawn(j, count, samples, &rng)];
        h[j] = step_of(&x[j]);
        one[j] = 1;
        slope[j] = (real)NAN;
    }
    const fl_shape row = fl_shape_vector(1, (int)n), single = fl_shape_vector(1, 1);
    fl_node few = *node, just_one = *node;
    few.shape = row;
    few.in_shape = &row;
    just_one.shape = single;
    just_one.in_shape = &single;
    few.op->forward(&few, (const real *const[]){x}, y);
    few.op->vjp(&few, 0, (const real *const[]){x}, y, one, slope);
    const double most = fmax(largest(slope, n), 1e-3);
    /* rounding of y */
    const double known = few.op->flags & FL_READS_OUT ? 0x1p20 * (double)FL_REAL_EPSILON * fmin(1, largest(y, n)) : 0;
    for (int64_t j = 0; j < n; j++) {
        double asymmetry;
        const double want = quotient(&just_one, (double)x[j], h[j], &asymmetry);
        if (asymmetry > 1e-2 * fmax(most, fabs(want))) found->kinks++;
        else judge(found, j, fabs((double)slope[j] - want) / fmax(fmax(most, known), fabs(want)), (double)slope[j], want);
    }
    fl_arena_release(a, mark);
    return true;
}
