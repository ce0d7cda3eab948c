/* test_winograd_weights.c: the gradient of the weights by tiles, against its definition, the direct kernels, and itself. */
#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tensor/winograd.h"
#include "tests/test.h"
#include "tests/winograd_case.h"

static const geometry list[] = {
    {1, 64, 64,  {4, 24, 24}, {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},
    {2, 70, 90,  {5, 21, 23}, {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},     /* nothing divides, two clips */
    {1, 64, 65,  {7, 50, 54}, {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},     /* more tiles than are in memory */
    {2, 64, 64,  {4, 70, 67}, {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},     /* the same, without taps along t */
    {1, 65, 67,  {1, 62, 65}, {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},     /* taps that meet no plane */
    {2, 64, 72,  {9, 18, 17}, {3, 3, 3}, {0, 2, 1}, {2, 0, 1}, {1, 4, 4}},
    {2, 130, 71, {6, 10, 9},  {3, 3, 3}, {3, 1, 1}, {0, 1, 1}, {1, 2, 2}},     /* planes that meet no input */
    {1, 80, 66,  {3, 26, 26}, {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},
    {3, 128, 100, {2, 10, 14}, {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 2, 2}},
    {1, 68, 64,  {1, 30, 30}, {1, 3, 3}, {0, 3, 0}, {0, 1, 2}, {1, 4, 4}},     /* more padding than taps */
    {2, 130, 141, {8, 7, 9},  {3, 1, 1}, {1, 0, 0}, {1, 0, 0}, {4, 1, 1}},
    {1, 180, 204, {4, 12, 11}, {3, 1, 1}, {0, 0, 0}, {0, 0, 0}, {2, 1, 1}},
};
enum { LIST = (int)(sizeof list / sizeof *list) };

typedef struct problem { fl_arena arena; fl_conv c; int64_t weights; real *x, *gy; } problem;

static problem make(const geometry *g)
{
    problem p = {.c = geometry_conv(g), .weights = geometry_weights(g)};
    fl_arena_init(&p.arena, NULL);
    p.x = fenced_array(&p.arena, fl_shape_count(p.c.x), 1);
    p.gy = fenced_array(&p.arena, fl_shape_count(p.c.y), 2);
    return p;
}

/* With memory of just the size that was asked for, everything dirty before. */
static real *run(problem *p, bool direct)
{
    real *gw = fenced_array(&p->arena, p->weights, EMPTY);
    const fl_mark mark = fl_arena_mark(&p->arena);
    p->c.direct = direct;
    const size_t bytes = fl_conv_scratch(&p->c, FL_CONV_TO_WEIGHTS);
    unsigned char *scratch = FL_NEW(&p->arena, unsigned char, bytes + 1);
    memset(scratch, 0xFF, bytes + 1);
    fl_conv_to_weights(&p->c, p->x, p->gy, gw, scratch);
    CHECK_SAY(scratch[bytes] == 0xFF && fenced_clean(gw, p->weights), "something was written outside");
    fl_arena_release(&p->arena, mark);
    return gw;
}

static long double define(const problem *p, int64_t weight)
{
    const fl_conv *c = &p->c;
    const int *k = c->win.k, i = (int)(weight % c->x.c), kw = (int)(weight / c->x.c % k[2]), kh = (int)(weight / c->x.c / k[2] % k[1]);
    const int kt = (int)(weight / c->x.c / k[2] / k[1] % k[0]), o = (int)(weight / c->x.c / k[2] / k[1] / k[0]);
    long double sum = 0;
    for (int n = 0; n < c->y.n; n++)
        for (int t = 0; t < c->y.t; t++) for (int h = 0; h < c->y.h; h++) for (int w = 0; w < c->y.w; w++) {
            const int at[3] = {t + kt - c->win.lo[0], h + kh - c->win.lo[1], w + kw - c->win.lo[2]};
            if (at[0] < 0 || at[1] < 0 || at[2] < 0 || at[0] >= c->x.t || at[1] >= c->x.h || at[2] >= c->x.w) continue;
            sum += (long double)p->gy[fl_at(c->y, n, o, t, h, w)] * (long double)p->x[fl_at(c->x, n, i, at[0], at[1], at[2])];
        }
    return sum;
}

/* Errors of some results over every `step`-th weight. */
static void errors(const problem *p, int step, const real *const result[], int results, double *error)
{
    error_sum sum = {0};
    for (int64_t i = 0; i < p->weights; i += step) error_add(&sum, define(p, i), result, results, i);
    for (int r = 0; r < results; r++) error[r] = error_of(&sum, r);
}

TEST(winograd_weights_match_their_definition)
{
    for (int i = 0; i < LIST; i++) {
        problem p = make(&list[i]);
        fl_winograd w = {.taps = 0};
        const bool suits = fl_winograd_weights_suit(&p.c, &w);
        CHECK_SAY(suits && memcmp(w.m, list[i].m, sizeof w.m) == 0, "geometry %d: %d, tile %dx%dx%d", i, suits, w.m[0], w.m[1], w.m[2]);
        for (int isa = 0; fl_isa_available(isa); isa++) {
            fl_isa_choose(fl_isa_available(isa), NULL);
            const real *gw = run(&p, false);
            double error;
            errors(&p, 211, &gw, 1, &error);
            CHECK_SAY(error < 12 * FL_REAL_EPSILON, "geometry %d, %s: error %g", i, fl_isa_name(), error);
        }
        fl_arena_free(&p.arena);
    }
    fl_isa_choose(NULL, NULL);
}

/* Both sides are rounded after their transforms, where forward the weights are transformed in double: a little more than twice. */
TEST(winograd_weights_are_nearly_as_accurate_as_the_direct_kernels)
{
    static const geometry layers[] = {
        {1, 64, 64,   {8, 28, 28},  {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},
        {1, 128, 128, {4, 14, 14},  {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},
        {1, 64, 144,  {4, 28, 28},  {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},
        {1, 256, 256, {2, 14, 14},  {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},
        {1, 144, 64,  {16, 14, 14}, {3, 1, 1}, {1, 0, 0}, {1, 0, 0}, {4, 1, 1}},
    };
    for (int i = 0; i < (int)(sizeof layers / sizeof *layers); i++) {
        problem p = make(&layers[i]);
        const real *result[2] = {run(&p, false), run(&p, true)};
        double error[2];
        errors(&p, 1009, result, 2, error);
        CHECK_SAY(error[0] <= 3 * error[1] && error[0] > 0, "layer %d: error %.3g, direct %.3g", i, error[0], error[1]);
        fl_arena_free(&p.arena);
    }
}

/* Random shapes, to meet what the list forgot. */
TEST(winograd_weights_agree_with_the_direct_kernels)
{
    fl_rng rng = {17, 0, 0};
    int taken = 0;
    for (int trial = 0; trial < 60; trial++) {
        geometry g = {.n = 1 + fl_rng_next_below(&rng, 3), .ci = 64 + fl_rng_next_below(&rng, 40), .co = 64 + fl_rng_next_below(&rng, 40)};
        const int kind = fl_rng_next_below(&rng, 3);
        for (int i = 0; i < 3; i++) {
            g.k[i] = kind == 0 || (kind == 1) == (i > 0) ? 3 : 1;                  /* 3x3x3, 1x3x3, 3x1x1 */
            g.lo[i] = g.k[i] > 1 ? fl_rng_next_below(&rng, 4) : 0, g.hi[i] = g.k[i] > 1 ? fl_rng_next_below(&rng, 4) : 0;
            g.size[i] = 3 + fl_rng_next_below(&rng, i ? 22 : 6);
        }
        problem p = make(&g);
        fl_winograd w;
        p.c.direct = false;
        if (fl_winograd_weights_suit(&p.c, &w)) {
            const real *a = run(&p, false), *b = run(&p, true);
            double apart = 0, size = 0;
            for (int64_t i = 0; i < p.weights; i++) {
                apart += (double)((a[i] - b[i]) * (a[i] - b[i]));
                size += (double)(b[i] * b[i]);
            }
            CHECK_SAY(apart <= size * pow(16 * FL_REAL_EPSILON, 2), "%d>%d %dx%dx%d at %dx%dx%dx%d: %g",
                      g.ci, g.co, g.k[0], g.k[1], g.k[2], g.n, g.size[0], g.size[1], g.size[2], sqrt(apart / size));
            taken++;
        }
        fl_arena_free(&p.arena);
    }
    CHECK_SAY(taken >= 20, "%d of 60 shapes go by tiles", taken);
}

static uint64_t fingerprint(problem *p)
{
    const fl_mark mark = fl_arena_mark(&p->arena);
    const uint64_t hash = fl_hash(run(p, false), (size_t)p->weights * sizeof(real));
    fl_arena_release(&p->arena, mark);
    return hash;
}

TEST(winograd_weights_have_bits_of_their_own)            /* whatever the threads, their order, or the instruction set */
{
    for (int i = 0; i < LIST; i++) {
        problem p = make(&list[i]);
        fl_threads_set(1);
        uint64_t serial = fingerprint(&p);
        fl_parallel_backwards = true;
        CHECK_SAY(fingerprint(&p) == serial, "geometry %d: backwards", i);
        fl_parallel_backwards = false;
        fl_parallel_min = 0;
        for (int threads = 2; threads <= 5; threads += 3) {
            fl_threads_set(threads);
            CHECK_SAY(fingerprint(&p) == serial, "geometry %d: %d threads", i, threads);
        }
        fl_parallel_min = FL_PARALLEL_MIN;
        fl_threads_set(0);
        for (int isa = 0; fl_isa_available(isa); isa++) {
            if (strcmp(fl_isa_available(isa), "base") == 0) continue;      /* does not fuse */
            fl_isa_choose(fl_isa_available(isa), NULL);
            CHECK_SAY(fingerprint(&p) == serial, "geometry %d: %s", i, fl_isa_name());
        }
        fl_isa_choose(NULL, NULL);
        fl_arena_free(&p.arena);
    }
}

TEST(winograd_weights_of_clips_add_up)                  /* of two clips: those of the first, plus those of the second, in one rounding */
{
    problem p = make(&list[5]);
    const real *both = run(&p, false);
    p.c.x.n = p.c.y.n = 1;
    const real *first = run(&p, false);
    p.x += fl_shape_count(p.c.x), p.gy += fl_shape_count(p.c.y);
    const real *second = run(&p, false);
    int64_t differ = 0;
    for (int64_t i = 0; i < p.weights; i++) differ += both[i] != first[i] + second[i];
    CHECK_SAY(differ == 0, "%lld of %lld weights", (long long)differ, (long long)p.weights);
    fl_arena_free(&p.arena);
}

TEST(winograd_weights_can_be_declined)
{
    problem p = make(&list[0]);
    fl_winograd w;
    CHECK(fl_winograd_weights_suit(&p.c, &w));
    p.c.direct = true;
    CHECK(!fl_winograd_weights_suit(&p.c, &w));
    p.c.direct = false, p.c.x.c = 48;                    /* few channels: sums in the documented order */
    CHECK(!fl_winograd_weights_suit(&p.c, &w));
    p.c.x.c = 64, p.c.x.t = p.c.y.t = 1, p.c.x.h = p.c.y.h = p.c.x.w = p.c.y.w = 16;
    CHECK(!fl_winograd_weights_suit(&p.c, &w));          /* few tiles */
    fl_arena_free(&p.arena);
}
