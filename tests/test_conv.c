/* test_conv.c: convolution against its definition, its transposes against each other, its bits against themselves. */
#include "tensor/conv.h"
#include "tensor/conv_scatter.h"
#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tests/conv_part.h"
#include "tests/test.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

typedef struct geometry {
    int n, ci, co, groups;
    int size[3], k[3], s[3], d[3], lo[3], hi[3];
} geometry;

#define ONE {1, 1, 1}
#define NONE {0, 0, 0}
static const geometry list[] = {
    /* n ci  co  g   t  h   w      k          s          d          lo         hi  */
    {2,  3,  20, 1, {2, 70, 33}, {2, 5, 4},  {1, 3, 1}, {1, 2, 1}, {0, 2, 5}, {1, 3, 2}},  /* bands of rows */
    {1,  1,  1,  1, {1, 1,  1},  {1, 1, 1},  ONE,       ONE,       NONE,      NONE},
    {2,  3,  5,  1, {4, 7,  9},  {3, 3, 3},  ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},
    {1,  64, 64, 1, {3, 6,  30}, {3, 3, 3},  ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},
    {2,  17, 33, 1, {3, 5,  15}, {3, 3, 3},  ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},
    {1,  33, 17, 1, {2, 9,  13}, {1, 3, 3},  ONE,       ONE,       {0, 1, 1}, {0, 1, 1}},
    {1,  3,  64, 1, {5, 17, 23}, {3, 7, 7},  {1, 2, 2}, ONE,       {1, 3, 3}, {1, 3, 3}},
    {1,  3,  16, 1, {9, 15, 18}, {7, 7, 7},  {2, 2, 2}, ONE,       {2, 2, 2}, {3, 3, 3}},
    {1,  2,  8,  1, {4, 9,  31}, {3, 3, 3},  ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},
    {3,  1,  8,  1, {1, 8,  8},  {1, 5, 5},  {1, 3, 3}, ONE,       {0, 2, 2}, {0, 2, 2}},
    {1,  8,  3,  1, {1, 10, 41}, {1, 4, 4},  ONE,       ONE,       {0, 1, 2}, {0, 2, 1}},
    {1,  5,  2,  1, {1, 10, 12}, {1, 2, 2},  {1, 2, 2}, ONE,       NONE,      NONE},
    {2,  5,  1,  1, {3, 6,  35}, {2, 2, 2},  {1, 2, 3}, ONE,       {1, 0, 1}, {0, 1, 0}},
    {1,  8,  8,  1, {1, 14, 16}, {1, 3, 3},  ONE,       {1, 2, 3}, {0, 2, 3}, {0, 2, 3}},
    {1,  3,  4,  1, {5, 14, 16}, {2, 3, 3},  {1, 2, 2}, {2, 3, 2}, {1, 2, 2}, {1, 4, 0}},
    {1,  3,  4,  1, {7, 13, 19}, {3, 3, 4},  {2, 3, 2}, {2, 2, 3}, {1, 2, 5}, {1, 0, 2}},
    {1,  4,  6,  1, {1, 9,  9},  {1, 3, 3},  {1, 2, 4}, {1, 4, 2}, {0, 4, 3}, {0, 4, 3}},
    {1,  3,  5,  1, {2, 3,  4},  {2, 2, 3},  ONE,       ONE,       {3, 2, 5}, {2, 4, 3}},   /* wide padding */
    {1,  2,  3,  1, {2, 3,  4},  {1, 1, 1},  {2, 2, 2}, ONE,       {1, 2, 1}, {1, 0, 3}},
    {1,  40, 70, 1, {2, 5,  11}, {1, 1, 1},  ONE,       ONE,       NONE,      NONE},
    {2,  40, 70, 1, {3, 5,  11}, {1, 1, 1},  {2, 2, 2}, ONE,       NONE,      NONE},        /* most pixels unread */
    {2,  24, 12, 1, {8, 3,  5},  {3, 1, 1},  ONE,       ONE,       {1, 0, 0}, {1, 0, 0}},
    {2,  6,  40, 1, {5, 3,  5},  {3, 1, 1},  {2, 1, 1}, ONE,       {1, 0, 0}, {1, 0, 0}},
    {4,  7,  9,  1, {1, 1,  50}, {1, 1, 5},  {1, 1, 2}, ONE,       {0, 0, 2}, {0, 0, 2}},   /* 1-D */
    {9,  50, 10, 1, {1, 1,  1},  {1, 1, 1},  ONE,       ONE,       NONE,      NONE},        /* a linear layer */
    {2,  16, 16, 1, {2, 1,  1},  {3, 3, 3},  ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},
    {1,  8,  12, 4, {3, 6,  17}, {3, 3, 3},  ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},
    {2,  64, 96, 2, {1, 6,  15}, {1, 3, 3},  {1, 2, 2}, ONE,       {0, 1, 1}, {0, 1, 1}},
    {1,  68, 68, 2, {2, 5,  7},  {1, 2, 3},  ONE,       {1, 2, 2}, {0, 1, 2}, {0, 1, 2}},
    {1,  5,  5,  5, {3, 7,  18}, {3, 3, 3},  ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},   /* depthwise */
    {2,  64, 64, 64, {2, 7, 19}, {1, 3, 3},  ONE,       ONE,       {0, 1, 1}, {0, 1, 1}},
    {1,  40, 40, 40, {4, 9, 16}, {3, 5, 4},  {2, 2, 3}, {1, 2, 1}, {1, 4, 2}, {0, 3, 1}},
    {1,  3,  3,  3, {1, 4,  6},  {1, 1, 1},  ONE,       ONE,       NONE,      NONE},
    {1,  4,  8,  4, {1, 6,  9},  {1, 3, 3},  ONE,       ONE,       {0, 1, 1}, {0, 1, 1}},   /* 2 per channel */
    {1,  8,  4,  4, {1, 6,  9},  {1, 3, 3},  {1, 1, 2}, ONE,       {0, 1, 0}, {0, 1, 1}},
    {8,  12, 20, 1, {1, 4,  4},  {1, 3, 3},  ONE,       ONE,       {0, 1, 1}, {0, 1, 1}},
    {1,  4,  34, 1, {1, 3,  600}, {1, 1, 3}, ONE,       ONE,       {0, 0, 1}, {0, 0, 1}},   /* long rows */
    {2,  2,  3,  1, {40, 5,  6}, {6, 1, 1},  {3, 1, 1}, ONE,       {2, 0, 0}, {1, 0, 0}},
    {2,  24, 70, 1, {9, 3,  5},  {1, 3, 5},  ONE,       ONE,       NONE,      NONE},        /* the kernel sees whole frames */
    {3,  7,  20, 1, {2, 1,  6},  {1, 1, 6},  ONE,       ONE,       NONE,      NONE},        /* frames of one row */
    {1,  9,  40, 1, {1, 5,  3},  {1, 5, 3},  {1, 2, 2}, ONE,       NONE,      NONE},        /* one frame */
    {1,  90, 33, 1, {5, 7,  4},  {1, 7, 4},  ONE,       ONE,       NONE,      NONE},        /* the same, summed in parts */
};
enum { GEOMETRIES = (int)(sizeof list / sizeof *list) };

typedef struct problem {
    fl_arena arena;
    fl_conv c;
    fl_shape ws;
    real *x, *w, *b, *y, *gx, *gw;
    real *r;                          /* what is sent backwards: the shape of y */
    real *x_rest, *y_rest;            /* remainders of x and y: NULL but for exact sums forward */
} problem;

static real noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (real)ldexp((double)(int64_t)(*state >> 11) - 0x1p52, -52);
}

static real *random_array(fl_arena *a, int64_t n, uint64_t seed)
{
    real *p = FL_NEW(a, real, n);
    for (int64_t i = 0; i < n; i++) p[i] = noise(&seed);
    return p;
}

static problem make(const geometry *g)
{
    problem p = {0};
    fl_arena_init(&p.arena, NULL);
    p.c.x = (fl_shape){g->n, g->ci, g->size[0], g->size[1], g->size[2]};
    memcpy(p.c.win.k, g->k, sizeof g->k);
    memcpy(p.c.win.s, g->s, sizeof g->s);
    memcpy(p.c.win.d, g->d, sizeof g->d);
    memcpy(p.c.win.lo, g->lo, sizeof g->lo);
    memcpy(p.c.win.hi, g->hi, sizeof g->hi);
    p.c.groups = g->groups;
    p.c.direct = true;                /* test_winograd.c has the rest */
    int out[3];
    for (int i = 0; i < 3; i++) out[i] = fl_window_extent(&p.c.win, i, g->size[i]);
    p.c.y = (fl_shape){g->n, g->co, out[0], out[1], out[2]};
    p.ws = (fl_shape){g->co, g->ci / g->groups, g->k[0], g->k[1], g->k[2]};
    p.x = random_array(&p.arena, fl_shape_count(p.c.x), 1);
    p.w = random_array(&p.arena, fl_shape_count(p.ws), 2);
    p.b = random_array(&p.arena, g->co, 3);
    p.r = random_array(&p.arena, fl_shape_count(p.c.y), 4);
    p.y = FL_NEW(&p.arena, real, fl_shape_count(p.c.y));
    p.gx = FL_NEW(&p.arena, real, fl_shape_count(p.c.x));
    p.gw = FL_NEW(&p.arena, real, fl_shape_count(p.ws));
    return p;
}

/* Runs a pass with memory of just the sizes that were asked for, everything dirty before. */
static void run(problem *p, fl_conv_pass pass, bool with_bias)
{
    const fl_mark mark = fl_arena_mark(&p->arena);
    const int64_t packed_count = pass == FL_CONV_TO_WEIGHTS ? 0 : fl_conv_packed_count(&p->c, pass);
    const size_t bytes = fl_conv_scratch(&p->c, pass);
    real *packed = FL_NEW(&p->arena, real, packed_count + 1);
    char *scratch = FL_NEW(&p->arena, char, bytes + 1);
    memset(packed, 0xFF, (size_t)packed_count * sizeof *packed);              /* NaN */
    memset(scratch, 0xFF, bytes);
    scratch[bytes] = 77;
    if (pass != FL_CONV_TO_WEIGHTS) fl_conv_pack(&p->c, pass, p->w, packed);
    real *out = pass == FL_CONV_FORWARD ? p->y : pass == FL_CONV_TO_INPUT ? p->gx : p->gw;
    const fl_shape shape = pass == FL_CONV_FORWARD ? p->c.y : pass == FL_CONV_TO_INPUT ? p->c.x : p->ws;
    memset(out, 0xFF, (size_t)fl_shape_count(shape) * sizeof *out);
    const real *bias = with_bias ? p->b : NULL;
    if (pass == FL_CONV_FORWARD && p->y_rest) {
        memset(p->y_rest, 0xFF, (size_t)fl_shape_count(shape) * sizeof *p->y_rest);
        fl_conv_forward_rest(&p->c, p->x, p->x_rest, packed, bias, p->y, p->y_rest, scratch);
    } else if (pass == FL_CONV_FORWARD) {
        fl_conv_forward(&p->c, p->x, packed, bias, p->y, scratch);
    }
    if (pass == FL_CONV_TO_INPUT) fl_conv_to_input(&p->c, p->r, packed, p->gx, scratch);
    if (pass == FL_CONV_TO_WEIGHTS) fl_conv_to_weights(&p->c, p->x, p->r, p->gw, scratch);
    CHECK(scratch[bytes] == 77);
    fl_arena_release(&p->arena, mark);
}

/* The definition, once for all three passes, term by term in long double; size is the sum of magnitudes. */
static void define(const problem *p, fl_conv_pass pass, bool with_bias, long double *sum, double *size, double *terms)
{
    const fl_conv *c = &p->c;
    const int cig = c->x.c / c->groups, cog = c->y.c / c->groups;
    for (int n = 0; n < c->y.n; n++) for (int o = 0; o < c->y.c; o++)
    for (int t = 0; t < c->y.t; t++) for (int h = 0; h < c->y.h; h++) for (int w = 0; w < c->y.w; w++) {
        const int64_t at_y = fl_at(c->y, n, o, t, h, w);
        if (pass == FL_CONV_FORWARD && with_bias) {
            sum[at_y] += (long double)p->b[o];
            size[at_y] += fabs((double)p->b[o]);
            terms[at_y]++;
        }
        for (int kt = 0; kt < c->win.k[0]; kt++) for (int kh = 0; kh < c->win.k[1]; kh++)
        for (int kw = 0; kw < c->win.k[2]; kw++) {
            const int xt = t * c->win.s[0] + kt * c->win.d[0] - c->win.lo[0];
            const int xh = h * c->win.s[1] + kh * c->win.d[1] - c->win.lo[1];
            const int xw = w * c->win.s[2] + kw * c->win.d[2] - c->win.lo[2];
            if (xt < 0 || xh < 0 || xw < 0 || xt >= c->x.t || xh >= c->x.h || xw >= c->x.w) continue;
            for (int i = 0; i < cig; i++) {
                const int64_t at_x = fl_at(c->x, n, o / cog * cig + i, xt, xh, xw);
                const int64_t at_w = fl_at(p->ws, o, i, kt, kh, kw);
                const long double xv = (long double)p->x[at_x] + (p->x_rest ? (long double)p->x_rest[at_x] : 0);
                const long double wv = p->w[at_w], rv = p->r[at_y];
                const int64_t to = pass == FL_CONV_FORWARD ? at_y : pass == FL_CONV_TO_INPUT ? at_x : at_w;
                const long double term = pass == FL_CONV_FORWARD ? xv * wv
                                       : pass == FL_CONV_TO_INPUT ? rv * wv : rv * xv;
                sum[to] += term;
                size[to] += fabs((double)term);
                terms[to]++;
            }
        }
    }
}

/* Every element against the definition, on the instruction sets that this machine has (all of them, or the best). */
static void compare(problem *p, int which, fl_conv_pass pass, bool with_bias, bool all_sets)
{
    static const char *const names[] = {"forward", "to input", "to weights"};
    const fl_mark mark = fl_arena_mark(&p->arena);
    const fl_shape shape = pass == FL_CONV_FORWARD ? p->c.y : pass == FL_CONV_TO_INPUT ? p->c.x : p->ws;
    const int64_t n = fl_shape_count(shape);
    long double *sum = FL_NEW(&p->arena, long double, n);
    double *size = FL_NEW(&p->arena, double, n), *terms = FL_NEW(&p->arena, double, n);
    define(p, pass, with_bias, sum, size, terms);
    const real *got = pass == FL_CONV_FORWARD ? p->y : pass == FL_CONV_TO_INPUT ? p->gx : p->gw;
    for (int isa = 0; fl_isa_available(isa); isa++) {
        if (all_sets) fl_isa_choose(fl_isa_available(isa), NULL);
        run(p, pass, with_bias);
        int64_t worst = -1;
        for (int64_t i = 0; i < n; i++) {
            const double allowed = (1 + 0.5 * sqrt(terms[i])) * FL_REAL_EPSILON * size[i];
            if (!(fabs((double)(got[i] - sum[i])) <= allowed)) worst = i;
        }
        CHECK_SAY(worst < 0, "geometry %d, %s, %s: element %lld is %.9g, wanted %.9g", which, names[pass],
                  fl_isa_name(), (long long)worst, (double)got[worst < 0 ? 0 : worst],
                  (double)sum[worst < 0 ? 0 : worst]);
        if (!all_sets) break;
    }
    fl_isa_choose(NULL, NULL);
    fl_arena_release(&p->arena, mark);
}

/* From here on to the input as stems go, if it is one. */
static bool scatters(problem *p)
{
    p->c.direct = false;
    return fl_scatter_suits(&p->c, FL_CONV_TO_INPUT);
}

TEST(conv_matches_its_definition)
{
    for (int i = 0; i < GEOMETRIES; i++) {
        problem p = make(&list[i]);
        compare(&p, i, FL_CONV_FORWARD, true, true);
        compare(&p, i, FL_CONV_FORWARD, false, true);
        compare(&p, i, FL_CONV_TO_INPUT, false, true);
        if (scatters(&p)) compare(&p, i, FL_CONV_TO_INPUT, false, true);
        p.c.direct = true;
        compare(&p, i, FL_CONV_TO_WEIGHTS, false, true);
        fl_arena_free(&p.arena);
    }
}

/* Sums in double, rounded once: the number that float32 has for the definition, on every instruction set alike. (In float64 the
 * sums are the ordinary ones, in one part.) */
TEST(conv_exact_sums_are_rounded_once)
{
    for (int i = 0; i < GEOMETRIES; i++)
        for (int pass = FL_CONV_FORWARD; pass <= FL_CONV_TO_INPUT; pass++) {
            problem p = make(&list[i]);
            const int64_t n = fl_shape_count(pass == FL_CONV_FORWARD ? p.c.y : p.c.x);
            const real *got = pass == FL_CONV_FORWARD ? p.y : p.gx;
            long double *sum = FL_NEW(&p.arena, long double, n);
            double *size = FL_NEW(&p.arena, double, n), *terms = FL_NEW(&p.arena, double, n);
            define(&p, (fl_conv_pass)pass, true, sum, size, terms);
            p.c.exact = true;
            for (int isa = 0; fl_isa_available(isa); isa++) {
                fl_isa_choose(fl_isa_available(isa), NULL);
                run(&p, (fl_conv_pass)pass, true);
                for (int64_t k = 0; k < n; k++) {
                    const double allowed = sizeof(real) == 4 ? 0 : (1 + 0.5 * sqrt(terms[k])) * FL_REAL_EPSILON * size[k];
                    if (!CHECK_SAY(fabs((double)(got[k] - (real)sum[k])) <= allowed, "geometry %d, pass %d, %s: element %lld is %.9g, "
                                   "wanted %.9g", i, pass, fl_isa_name(), (long long)k, (double)got[k], (double)(real)sum[k])) break;
                }
            }
            fl_isa_choose(NULL, NULL);
            fl_arena_free(&p.arena);
        }
}

/* The same of numbers that have remainders: value and remainder are the sum to what double loses of it, and their bits follow neither
 * instruction set nor threads. */
static void check_rests(problem *p, int which)
{
    const int64_t n = fl_shape_count(p->c.y);
    long double *sum = FL_NEW(&p->arena, long double, n);
    double *size = FL_NEW(&p->arena, double, n), *terms = FL_NEW(&p->arena, double, n);
    define(p, FL_CONV_FORWARD, true, sum, size, terms);
    uint64_t first[2] = {0};
    for (int isa = 0; fl_isa_available(isa); isa++)
        for (int threads = 1; threads <= 3; threads++) {
            fl_isa_choose(fl_isa_available(isa), NULL);
            fl_threads_set(threads);
            run(p, FL_CONV_FORWARD, true);
            const uint64_t now[2] = {fl_hash(p->y, (size_t)n * sizeof(real)), fl_hash(p->y_rest, (size_t)n * sizeof(real))};
            if (isa == 0 && threads == 1) memcpy(first, now, sizeof first);
            CHECK_SAY(sizeof(real) == sizeof(double) || memcmp(first, now, sizeof now) == 0, "geometry %d: %s with %d threads changes bits",
                      which, fl_isa_name(), threads);
            for (int64_t k = 0; k < n; k++) {
                const long double off = sum[k] - p->y[k] - p->y_rest[k];
                const double allowed = (2 + sqrt(terms[k])) * DBL_EPSILON * size[k] + FL_REAL_EPSILON * fabs((double)p->y_rest[k]);
                if (!CHECK_SAY(fabs((double)off) <= allowed && (real)((double)p->y[k] + (double)p->y_rest[k]) == p->y[k],
                               "geometry %d, %s: element %lld is %.9g and %.9g, wanted %.17Lg", which, fl_isa_name(), (long long)k,
                               (double)p->y[k], (double)p->y_rest[k], sum[k])) break;
            }
        }
    fl_threads_set(0);
    fl_isa_choose(NULL, NULL);
}

TEST(conv_exact_sums_have_remainders)
{
    const double before = fl_parallel_min;
    fl_parallel_min = 0;
    for (int i = 0; i < GEOMETRIES; i++) {
        problem p = make(&list[i]);
        const int64_t n = fl_shape_count(p.c.x);
        real *rest = random_array(&p.arena, n, 5);
        for (int64_t k = 0; k < n; k++) rest[k] *= R(0.25) * (real)FL_REAL_EPSILON * p.x[k];
        p.c.exact = true;
        p.y_rest = FL_NEW(&p.arena, real, fl_shape_count(p.c.y));
        check_rests(&p, i);
        p.x_rest = rest;
        check_rests(&p, i);
        fl_arena_free(&p.arena);
    }
    fl_parallel_min = before;
}

/* Random windows, to meet what the list forgot. */
static int draw(uint64_t *state, int from, int to)
{
    noise(state);
    return from + (int)((*state >> 33) % (uint64_t)(to - from + 1));
}

TEST(conv_matches_its_definition_for_random_windows)
{
    static const int channels[] = {1, 2, 3, 4, 8, 10, 17, 34};
    uint64_t state = 7;
    for (int trial = 0; trial < 300; trial++) {
        geometry g = {.n = draw(&state, 1, 3), .groups = 1};
        const int cut = draw(&state, 0, 5);
        g.groups = cut == 0 ? draw(&state, 1, 3) : 1;
        g.ci = g.groups * channels[draw(&state, 0, 7)];
        g.co = g.groups * channels[draw(&state, 0, 7)];
        if (cut == 1) g.groups = g.co = g.ci;
        for (int i = 0; i < 3; i++) {
            g.k[i] = draw(&state, 1, 4), g.s[i] = draw(&state, 1, 3);
            g.d[i] = draw(&state, 0, 2) ? 1 : draw(&state, 1, 3);
            g.lo[i] = draw(&state, 0, 3), g.hi[i] = draw(&state, 0, 3);
            g.size[i] = draw(&state, 1, i == 2 ? 20 : 5);
            const int reach = (g.k[i] - 1) * g.d[i] + 1;
            if (g.size[i] + g.lo[i] + g.hi[i] < reach) g.size[i] = reach;
        }
        problem p = make(&g);
        compare(&p, trial, FL_CONV_FORWARD, true, false);
        compare(&p, trial, FL_CONV_TO_INPUT, false, false);
        if (scatters(&p)) compare(&p, trial, FL_CONV_TO_INPUT, false, false);
        p.c.direct = true;
        compare(&p, trial, FL_CONV_TO_WEIGHTS, false, false);
        fl_arena_free(&p.arena);
    }
}

static double dot(const real *a, const real *b, int64_t n)
{
    double total = 0;
    for (int64_t i = 0; i < n; i++) total += (double)a[i] * (double)b[i];
    return total;
}

TEST(conv_transposes_are_adjoint)      /* <conv(x,w), r> = <x, to_input(r,w)> = <w, to_weights(x,r)> */
{
    for (int i = 0; i < GEOMETRIES; i++) {
        problem p = make(&list[i]);
        const int64_t n = fl_shape_count(p.c.y);
        run(&p, FL_CONV_FORWARD, false);
        p.c.direct = !scatters(&p);
        run(&p, FL_CONV_TO_INPUT, false);
        run(&p, FL_CONV_TO_WEIGHTS, false);
        const double forward = dot(p.y, p.r, n);
        const double scale = 20 * FL_REAL_EPSILON * sqrt(dot(p.y, p.y, n) * dot(p.r, p.r, n));
        CHECK_NEAR(dot(p.x, p.gx, fl_shape_count(p.c.x)), forward, scale);
        CHECK_NEAR(dot(p.w, p.gw, fl_shape_count(p.ws)), forward, scale);
        fl_arena_free(&p.arena);
    }
}

typedef struct prints { uint64_t y, gx, gw; } prints;

static prints fingerprint(problem *p)
{
    run(p, FL_CONV_FORWARD, true);
    run(p, FL_CONV_TO_INPUT, false);
    run(p, FL_CONV_TO_WEIGHTS, false);
    uint64_t gx = fl_hash(p->gx, (size_t)fl_shape_count(p->c.x) * sizeof(real));
    if (scatters(p)) {
        run(p, FL_CONV_TO_INPUT, false);
        gx = 31 * gx + fl_hash(p->gx, (size_t)fl_shape_count(p->c.x) * sizeof(real));
    }
    p->c.direct = true;
    return (prints){fl_hash(p->y, (size_t)fl_shape_count(p->c.y) * sizeof(real)), gx,
                    fl_hash(p->gw, (size_t)fl_shape_count(p->ws) * sizeof(real))};
}

static void check_same(prints a, prints b, int which, const char *what, int value)
{
    CHECK_SAY(a.y == b.y && a.gx == b.gx && a.gw == b.gw, "geometry %d: %s %d changes bits of%s%s%s", which, what,
              value, a.y == b.y ? "" : " y", a.gx == b.gx ? "" : " gx", a.gw == b.gw ? "" : " gw");
}

/* Large enough to run in parallel. */
static const geometry wide[] = {
    {2,  17, 40, 1, {3, 12, 30}, {3, 3, 3},  ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},
    {2,  3,  64, 1, {5, 30, 31}, {3, 5, 5},  {1, 2, 2}, ONE,       {1, 2, 2}, {1, 2, 2}},
    {2,  64, 64, 1, {4, 14, 14}, {1, 1, 1},  ONE,       ONE,       NONE,      NONE},
    {3,  48, 48, 48, {4, 14, 24}, {3, 3, 3}, ONE,       ONE,       {1, 1, 1}, {1, 1, 1}},
    {2,  24, 36, 2, {4, 12, 20}, {1, 3, 3},  {1, 2, 2}, ONE,       {0, 1, 1}, {0, 1, 1}},
    {2,  20, 16, 1, {5, 18, 60}, {3, 1, 1},  ONE,       ONE,       {1, 0, 0}, {1, 0, 0}},  /* few sums, many blocks of pixels; */
    {8,  20, 16, 1, {2, 18, 60}, {4, 1, 1},  ONE,       ONE,       {3, 0, 0}, {2, 0, 0}},  /* a tap that never lies inside */
    {2,  4,  8,  1, {3, 128, 140}, {2, 2, 3}, ONE,      ONE,       {0, 1, 1}, {1, 0, 1}},  /* blocks of a line each */
};
enum { WIDE = (int)(sizeof wide / sizeof *wide) };

TEST(conv_to_weights_adds_many_blocks)
{
    problem p = make(&wide[WIDE - 1]);
    compare(&p, WIDE - 1, FL_CONV_TO_WEIGHTS, false, false);
    fl_arena_free(&p.arena);
}

TEST(conv_bits_do_not_depend_on_threads)
{
    static const int counts[] = {2, 3, 7, 16};
    for (int i = 0; i < WIDE; i++) {
        problem p = make(&wide[i]);
        fl_threads_set(1);
        const prints serial = fingerprint(&p);
        for (int k = 0; k < 4; k++) {
            fl_threads_set(counts[k]);
            check_same(serial, fingerprint(&p), i, "threads", counts[k]);
        }
        fl_threads_set(0);
        fl_arena_free(&p.arena);
    }
}

/* A graph that was planned for many threads runs with few (autograd/graph.h). */
TEST(conv_scratch_does_not_grow_when_threads_get_fewer)
{
    for (int i = 0; i < GEOMETRIES + WIDE; i++) {
        problem p = make(i < GEOMETRIES ? &list[i] : &wide[i - GEOMETRIES]);
        size_t before[3] = {0};
        for (int threads = 1; threads <= 64; threads++) {
            fl_threads_set(threads);
            for (int pass = 0; pass < 3; pass++) {
                const size_t now = fl_conv_scratch(&p.c, (fl_conv_pass)pass);
                CHECK_SAY(now >= before[pass], "case %d, pass %d, %d threads: %zu bytes, and %zu with fewer", i, pass, threads, now,
                          before[pass]);
                before[pass] = now;
            }
        }
        fl_threads_set(0);
        fl_arena_free(&p.arena);
    }
}

TEST(conv_bits_do_not_depend_on_fused_instruction_sets)
{
    const char *reference = NULL;
    for (int isa = 0; fl_isa_available(isa); isa++)
        if (strcmp(fl_isa_available(isa), "base") != 0) reference = fl_isa_available(isa);
    if (!reference) SKIP("no instruction set with a fused multiply-add");
    for (int i = 0; i < GEOMETRIES + WIDE; i++) {
        problem p = make(i < GEOMETRIES ? &list[i] : &wide[i - GEOMETRIES]);
        fl_isa_choose(reference, NULL);
        const prints want = fingerprint(&p);
        for (int isa = 0; fl_isa_available(isa); isa++) {
            if (strcmp(fl_isa_available(isa), "base") == 0) continue;
            fl_isa_choose(fl_isa_available(isa), NULL);
            check_same(want, fingerprint(&p), i, fl_isa_available(isa), isa);
        }
        fl_arena_free(&p.arena);
    }
    fl_isa_choose(NULL, NULL);
}

TEST(conv_bits_do_not_depend_on_batch_mates)
{
    for (int which = 0; which < 2 * (GEOMETRIES + WIDE); which++) {
        const int i = which / 2;
        geometry g = i < GEOMETRIES ? list[i] : wide[i - GEOMETRIES];
        g.n = 4;
        problem all = make(&g);
        if (which % 2 && !scatters(&all)) {
            fl_arena_free(&all.arena);
            continue;
        }
        run(&all, FL_CONV_FORWARD, true);
        run(&all, FL_CONV_TO_INPUT, false);
        g.n = 1;
        problem one = make(&g);
        one.c.direct = all.c.direct;
        const int64_t nx = fl_shape_count(one.c.x), ny = fl_shape_count(one.c.y);
        for (int n = 0; n < 4; n++) {
            memcpy(one.x, all.x + n * nx, (size_t)nx * sizeof(real));
            memcpy(one.r, all.r + n * ny, (size_t)ny * sizeof(real));
            run(&one, FL_CONV_FORWARD, true);
            run(&one, FL_CONV_TO_INPUT, false);
            const bool y = memcmp(one.y, all.y + n * ny, (size_t)ny * sizeof(real)) == 0;
            const bool gx = memcmp(one.gx, all.gx + n * nx, (size_t)nx * sizeof(real)) == 0;
            CHECK_SAY(y && gx, "geometry %d, clip %d:%s%s", i, n, y ? "" : " y", gx ? "" : " gx");
        }
        fl_arena_free(&one.arena);
        fl_arena_free(&all.arena);
    }
}

TEST(conv_part_has_the_bits_of_the_whole)
{
    for (int i = 0; i < GEOMETRIES + WIDE; i++) {
        problem p = make(i < GEOMETRIES ? &list[i] : &wide[i - GEOMETRIES]);
        run(&p, FL_CONV_FORWARD, true);
        real *packed = FL_NEW(&p.arena, real, fl_conv_packed_count(&p.c, FL_CONV_FORWARD));
        fl_conv_pack(&p.c, FL_CONV_FORWARD, p.w, packed);
        part_check(&p.c, p.x, packed, p.b, p.y, i, &p.arena);
        fl_arena_free(&p.arena);
    }
}

static real fused(real a, real b, real c)
{
#ifdef FL_F64
    return fma(a, b, c);
#else
    return fmaf(a, b, c);
#endif
}

/* The order of a sum, spelt out with one fused multiply-add per term. */
TEST(conv_sums_in_the_documented_order)
{
    if (strcmp(fl_isa_name(), "base") == 0) SKIP("no instruction set with a fused multiply-add");
    problem p = make(&list[4]);
    const fl_conv *c = &p.c;
    run(&p, FL_CONV_FORWARD, true);
    int64_t different = 0;
    for (int n = 0; n < c->y.n; n++) for (int o = 0; o < c->y.c; o++)
    for (int t = 0; t < c->y.t; t++) for (int h = 0; h < c->y.h; h++) for (int w = 0; w < c->y.w; w++) {
        real sum = p.b[o];
        for (int kt = 0; kt < 3; kt++) for (int kh = 0; kh < 3; kh++) for (int kw = 0; kw < 3; kw++) {
            const int xt = t + kt - 1, xh = h + kh - 1, xw = w + kw - 1;
            if (xt < 0 || xh < 0 || xw < 0 || xt >= c->x.t || xh >= c->x.h || xw >= c->x.w) continue;
            for (int i = 0; i < c->x.c; i++)
                sum = fused(p.x[fl_at(c->x, n, i, xt, xh, xw)], p.w[fl_at(p.ws, o, i, kt, kh, kw)], sum);
        }
        different += sum != p.y[fl_at(c->y, n, o, t, h, w)];
    }
    CHECK_SAY(different == 0, "%lld elements differ", (long long)different);
    fl_arena_free(&p.arena);
}

/* The same for a sum of more than 2048 products: a part for every kt,kh, added with one rounding. */
static void check_long_sums(const geometry *geo)
{
    problem p = make(geo);
    const fl_conv *c = &p.c;
    run(&p, FL_CONV_FORWARD, true);
    int64_t different = 0;
    for (int o = 0; o < c->y.c; o++) for (int t = 0; t < c->y.t; t++) for (int h = 0; h < c->y.h; h++) for (int w = 0; w < c->y.w; w++) {
        real sum = p.b[o];
        bool first = true;
        for (int kt = 0; kt < c->win.k[0]; kt++) for (int kh = 0; kh < c->win.k[1]; kh++) {
            const int xt = t + kt - c->win.lo[0], xh = h + kh - c->win.lo[1];
            if (xt < 0 || xh < 0 || xt >= c->x.t || xh >= c->x.h) continue;
            real part = first ? sum : 0;
            for (int i = 0; i < c->win.k[2] * c->x.c; i++) {
                const int kw = i / c->x.c, channel = i % c->x.c, xw = w + kw - c->win.lo[2];
                if (i && i % 2048 == 0) {
                    sum = first ? part : sum + part;
                    first = false;
                    part = 0;
                }
                const real x = xw < 0 || xw >= c->x.w ? 0 : p.x[fl_at(c->x, 0, channel, xt, xh, xw)];
                part = fused(x, p.w[fl_at(p.ws, o, channel, kt, kh, kw)], part);
            }
            sum = first ? part : sum + part;
            first = false;
        }
        different += sum != p.y[fl_at(c->y, 0, o, t, h, w)];
    }
    CHECK_SAY(different == 0, "%d channels: %lld elements differ", c->x.c, (long long)different);
    fl_arena_free(&p.arena);
}

TEST(conv_adds_long_sums_in_parts)
{
    if (strcmp(fl_isa_name(), "base") == 0) SKIP("no instruction set with a fused multiply-add");
    static const geometry longer[] = {
        {1, 80,   33, 1, {2, 3, 4}, {3, 3, 3}, ONE, ONE, {1, 1, 1}, {1, 1, 1}},        /* 27 x 80: nine parts */
        {1, 5000, 40, 1, {1, 1, 3}, {1, 1, 1}, ONE, ONE, NONE,      NONE},             /* 2048 + 2048 + 904 */
        {1, 700,  33, 1, {1, 2, 5}, {1, 3, 3}, ONE, ONE, {0, 1, 1}, {0, 1, 1}},        /* rows of 2100 */
        {1, 75,   33, 1, {2, 3, 4}, {3, 3, 3}, ONE, ONE, {1, 1, 1}, {1, 1, 1}},        /* 2025: one sum, as ever */
    };
    for (int i = 0; i < 3; i++) check_long_sums(&longer[i]);
    problem p = make(&longer[3]);
    run(&p, FL_CONV_FORWARD, true);
    real sum = p.b[0];                                   /* the corner: taps 1.. of every axis */
    for (int tap = 0; tap < 27; tap++)
        for (int i = 0; tap / 9 && tap / 3 % 3 && tap % 3 && i < 75; i++)
            sum = fused(p.x[fl_at(p.c.x, 0, i, tap / 9 - 1, tap / 3 % 3 - 1, tap % 3 - 1)],
                        p.w[fl_at(p.ws, 0, i, tap / 9, tap / 3 % 3, tap % 3)], sum);
    CHECK(sum == p.y[0]);
    fl_arena_free(&p.arena);
}

TEST(conv_extents_and_flops)
{
    const fl_window win = {{3, 7, 2}, {1, 2, 3}, {1, 1, 4}, {1, 3, 0}, {1, 3, 2}};
    CHECK(fl_window_extent(&win, 0, 16) == 16);
    CHECK(fl_window_extent(&win, 1, 112) == 56);
    CHECK(fl_window_extent(&win, 2, 10) == 3);
    CHECK(fl_window_extent(&win, 2, 2) < 1);
    const fl_conv c = {.x = {2, 6, 16, 112, 10}, .y = {2, 8, 16, 56, 3}, .win = win, .groups = 2};
    CHECK(fl_conv_flops(&c) == 2.0 * (2 * 8 * 16 * 56 * 3) * (3 * 7 * 2) * 3);
}
