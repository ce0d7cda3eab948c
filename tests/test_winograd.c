/* test_winograd.c: the matrices against their derivation, the convolution against its definition and the direct
 * kernels. */
#include "tensor/winograd.h"

#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tests/conv_part.h"
#include "tests/test.h"
#include "tests/winograd_case.h"

static const geometry list[] = {
    {2, 32, 32, {4, 24, 24}, {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},
    {1, 45, 70, {5, 21, 23}, {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},      /* nothing divides */
    {1, 128, 130, {5, 6, 6}, {3, 3, 3}, HALF,      HALF,      {1, 2, 2}},
    {2, 130, 133, {6, 5, 6}, {3, 3, 3}, {0, 2, 1}, {2, 0, 1}, {1, 2, 2}},
    {2, 170, 150, {4, 6, 6}, {3, 3, 3}, {5, 1, 1}, {2, 1, 1}, {1, 2, 2}},      /* planes that meet no input */
    {1, 40, 40, {70, 13, 15}, {3, 3, 3}, HALF,     HALF,      {1, 4, 4}},      /* long: groups of planes */
    {1, 60, 66, {3, 26, 26}, {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},
    {2, 128, 100, {2, 10, 14}, {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 2, 2}},
    {1, 48, 64, {1, 30, 30}, {1, 3, 3}, {0, 3, 0}, {0, 1, 2}, {1, 4, 4}},      /* more padding than taps */
    {2, 130, 141, {8, 7, 9}, {3, 1, 1}, {1, 0, 0}, {1, 0, 0}, {4, 1, 1}},
    {1, 180, 204, {4, 12, 11}, {3, 1, 1}, {0, 0, 0}, {0, 0, 0}, {2, 1, 1}},
    {3, 93, 64, {8, 12, 13}, {3, 1, 1}, {1, 0, 0}, {1, 0, 0}, {4, 1, 1}},      /* a run of tiles ends with every plane, and the array */
    {2, 99, 101, {7, 12, 13}, {3, 1, 1}, {2, 0, 0}, {1, 0, 0}, {4, 1, 1}},     /* a tile that meets three planes */
    {1, 64, 64, {8, 19, 21}, {3, 1, 1}, {1, 1, 0}, {1, 0, 2}, {4, 1, 1}},      /* padding along h and w: no runs */
    {1, 200, 400, {2, 16, 18}, {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},    /* large weights: step by step */
    {1, 200, 160, {3, 12, 16}, {3, 3, 3}, HALF,    HALF,      {1, 4, 4}},      /* the same, with taps along t */
};
enum { LIST = (int)(sizeof list / sizeof *list) };

typedef struct problem {
    fl_arena arena;
    fl_conv c;
    fl_shape in[2], out[2];           /* of the two passes */
    real *from[2], *w, *b;
} problem;

static problem make(const geometry *g)
{
    problem p = {.c = geometry_conv(g)};
    fl_arena_init(&p.arena, NULL);
    p.in[0] = p.out[1] = p.c.x;
    p.in[1] = p.out[0] = p.c.y;
    p.from[0] = fenced_array(&p.arena, fl_shape_count(p.c.x), 1);
    p.from[1] = fenced_array(&p.arena, fl_shape_count(p.c.y), 2);
    p.w = fenced_array(&p.arena, geometry_weights(g), 3);
    p.b = fenced_array(&p.arena, g->co, 4);
    return p;
}

/* Forward with a bias, or to the input; all memory dirty and of just the size that was asked for. */
static real *run(problem *p, fl_conv_pass pass)
{
    const int64_t n = fl_shape_count(p->out[pass]), packed_count = fl_conv_packed_count(&p->c, pass);
    const size_t bytes = fl_conv_scratch(&p->c, pass);
    real *out = fenced_array(&p->arena, n, EMPTY);
    const fl_mark mark = fl_arena_mark(&p->arena);
    real *packed = FL_NEW(&p->arena, real, packed_count + 1);
    unsigned char *scratch = FL_NEW(&p->arena, unsigned char, bytes + 1);
    memset(packed, 0xFF, (size_t)(packed_count + 1) * sizeof *packed);
    memset(scratch, 0xFF, bytes + 1);
    fl_conv_pack(&p->c, pass, p->w, packed);
    if (pass == FL_CONV_FORWARD) fl_conv_forward(&p->c, p->from[0], packed, p->b, out, scratch);
    else fl_conv_to_input(&p->c, p->from[1], packed, out, scratch);
    CHECK_SAY(scratch[bytes] == 0xFF && isnan(packed[packed_count]) && fenced_clean(out, n), "something was written outside");
    fl_arena_release(&p->arena, mark);
    return out;
}

/* The definition, in long double; step: only every so many-th pixel, to save time. */
static long double define(const problem *p, fl_conv_pass pass, int n, int o, const int at[3])
{
    const fl_conv *c = &p->c;
    const int *k = c->win.k;
    const fl_shape in = p->in[pass];
    long double sum = pass == FL_CONV_FORWARD ? (long double)p->b[o] : 0;
    for (int kt = 0; kt < k[0]; kt++) for (int kh = 0; kh < k[1]; kh++) for (int kw = 0; kw < k[2]; kw++) {
        const int tap[3] = {kt, kh, kw};
        int from[3];
        for (int i = 0; i < 3; i++) {
            const int shift = tap[i] - c->win.lo[i];
            from[i] = pass == FL_CONV_FORWARD ? at[i] + shift : at[i] - shift;
        }
        if (from[0] < 0 || from[1] < 0 || from[2] < 0) continue;
        if (from[0] >= in.t || from[1] >= in.h || from[2] >= in.w) continue;
        for (int i = 0; i < in.c; i++) {
            const int row = pass == FL_CONV_FORWARD ? o : i, column = pass == FL_CONV_FORWARD ? i : o;
            const int64_t at_w = ((((int64_t)row * k[0] + kt) * k[1] + kh) * k[2] + kw) * c->x.c + column;
            sum += (long double)p->from[pass][fl_at(in, n, i, from[0], from[1], from[2])] * (long double)p->w[at_w];
        }
    }
    return sum;
}

/* Errors of several results, over every `step`-th element. */
static void errors(const problem *p, fl_conv_pass pass, int step, const real *const result[], int results,
                   double *error)
{
    const fl_shape s = p->out[pass];
    error_sum sum = {0};
    for (int64_t i = 0; i < fl_shape_count(s); i += step) {
        const int64_t pixel = i / s.c;
        const int at[3] = {(int)(pixel / s.w / s.h % s.t), (int)(pixel / s.w % s.h), (int)(pixel % s.w)};
        const long double want = define(p, pass, (int)(pixel / s.w / s.h / s.t), (int)(i % s.c), at);
        error_add(&sum, want, result, results, i);
    }
    for (int r = 0; r < results; r++) error[r] = error_of(&sum, r);
}

TEST(winograd_matches_the_definition)
{
    for (int i = 0; i < LIST; i++) {
        problem p = make(&list[i]);
        for (int pass = FL_CONV_FORWARD; pass <= FL_CONV_TO_INPUT; pass++) {
            fl_winograd w;
            const bool taken = fl_winograd_make(&p.c, (fl_conv_pass)pass, &w);
            const bool right = pass == FL_CONV_TO_INPUT || (taken && memcmp(w.m, list[i].m, sizeof w.m) == 0);
            CHECK_SAY(right, "geometry %d, pass %d: another tile", i, pass);
            for (int isa = 0; fl_isa_available(isa); isa++) {
                fl_isa_choose(fl_isa_available(isa), NULL);
                const real *y = run(&p, (fl_conv_pass)pass);
                double error;
                errors(&p, (fl_conv_pass)pass, isa ? 997 : 13, &y, 1, &error);
                CHECK_SAY(error < 12 * FL_REAL_EPSILON, "geometry %d, pass %d, %s: error %g", i, pass, fl_isa_name(),
                          error);
            }
        }
        fl_arena_free(&p.arena);
    }
    fl_isa_choose(NULL, NULL);
}

TEST(winograd_is_as_accurate_as_the_direct_kernels)
{
    static const geometry real_ones[] = {
        {1, 64, 64,   {4, 28, 28},  {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},
        {1, 128, 128, {4, 28, 28},  {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},
        {1, 192, 96,  {4, 28, 28},  {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},
        {1, 256, 256, {4, 14, 14},  {3, 3, 3}, HALF,      HALF,      {1, 4, 4}},
        {1, 64, 144,  {2, 28, 28},  {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},
        {1, 256, 256, {2, 28, 28},  {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},
        {1, 128, 288, {8, 14, 14},  {1, 3, 3}, {0, 1, 1}, {0, 1, 1}, {1, 4, 4}},
        {1, 144, 64,  {16, 14, 14}, {3, 1, 1}, {1, 0, 0}, {1, 0, 0}, {4, 1, 1}},
        {1, 288, 128, {8, 14, 14},  {3, 1, 1}, {1, 0, 0}, {1, 0, 0}, {4, 1, 1}},
    };
    for (int i = 0; i < (int)(sizeof real_ones / sizeof *real_ones); i++) {
        problem p = make(&real_ones[i]);
        for (int pass = FL_CONV_FORWARD; pass <= FL_CONV_TO_INPUT; pass++) {
            double error[2];
            const real *result[2] = {run(&p, (fl_conv_pass)pass)};
            p.c.direct = true;
            result[1] = run(&p, (fl_conv_pass)pass);
            p.c.direct = false;
            errors(&p, (fl_conv_pass)pass, 101, result, 2, error);
            CHECK_SAY(error[0] <= 2 * error[1], "layer %d, pass %d: error %.3g, direct %.3g", i, pass, error[0],
                      error[1]);
        }
        fl_arena_free(&p.arena);
    }
}

static uint64_t fingerprint(problem *p, int pass)
{
    const fl_mark mark = fl_arena_mark(&p->arena);
    const uint64_t hash = fl_hash(run(p, (fl_conv_pass)pass), (size_t)fl_shape_count(p->out[pass]) * sizeof(real));
    fl_arena_release(&p->arena, mark);
    return hash;
}

TEST(winograd_bits_do_not_depend_on_threads_or_order)
{
    for (int i = 0; i < LIST; i++) {
        problem p = make(&list[i]);
        for (int pass = FL_CONV_FORWARD; pass <= FL_CONV_TO_INPUT; pass++) {
            fl_threads_set(1);
            const uint64_t serial = fingerprint(&p, pass);
            fl_parallel_backwards = true;
            CHECK_SAY(fingerprint(&p, pass) == serial, "geometry %d, pass %d: backwards", i, pass);
            fl_parallel_backwards = false;
            fl_parallel_min = 0;
            for (int threads = 2; threads <= 5; threads += 3) {
                fl_threads_set(threads);
                CHECK_SAY(fingerprint(&p, pass) == serial, "geometry %d, pass %d: %d threads", i, pass, threads);
            }
            fl_parallel_min = FL_PARALLEL_MIN;
        }
        fl_threads_set(0);
        fl_arena_free(&p.arena);
    }
}

TEST(winograd_bits_do_not_depend_on_the_instruction_set)
{
    for (int i = 0; i < LIST; i++) {
        problem p = make(&list[i]);
        for (int pass = FL_CONV_FORWARD; pass <= FL_CONV_TO_INPUT; pass++) {
            uint64_t first = 0;
            for (int isa = 0, sets = 0; fl_isa_available(isa); isa++) {
                if (strcmp(fl_isa_available(isa), "base") == 0) continue;      /* does not fuse */
                fl_isa_choose(fl_isa_available(isa), NULL);
                const uint64_t now = fingerprint(&p, pass);
                if (sets++ == 0) first = now;
                CHECK_SAY(now == first, "geometry %d, pass %d: %s", i, pass, fl_isa_name());
            }
        }
        fl_arena_free(&p.arena);
    }
    fl_isa_choose(NULL, NULL);
}

TEST(winograd_bits_do_not_depend_on_batch_mates)
{
    for (int i = 0; i < LIST; i++) {
        geometry g = list[i];
        g.n = 3;
        problem all = make(&g);
        g.n = 1;
        for (int pass = FL_CONV_FORWARD; pass <= FL_CONV_TO_INPUT; pass++) {
            const real *three = run(&all, (fl_conv_pass)pass);
            problem one = make(&g);
            const int64_t in = fl_shape_count(one.in[pass]), out = fl_shape_count(one.out[pass]);
            for (int n = 0; n < 3; n++) {
                memcpy(one.from[pass], all.from[pass] + n * in, (size_t)in * sizeof(real));
                const real *alone = run(&one, (fl_conv_pass)pass);
                const bool same = memcmp(alone, three + n * out, (size_t)out * sizeof(real)) == 0;
                CHECK_SAY(same, "geometry %d, pass %d, clip %d", i, pass, n);
            }
            fl_arena_free(&one.arena);
        }
        fl_arena_free(&all.arena);
    }
}

TEST(winograd_part_has_the_bits_of_the_whole)
{
    for (int i = 0; i < LIST; i++) {
        problem p = make(&list[i]);
        const real *y = run(&p, FL_CONV_FORWARD);
        real *packed = FL_NEW(&p.arena, real, fl_conv_packed_count(&p.c, FL_CONV_FORWARD));
        fl_conv_pack(&p.c, FL_CONV_FORWARD, p.w, packed);
        part_check(&p.c, p.from[0], packed, p.b, y, i, &p.arena);
        fl_arena_free(&p.arena);
    }
}

/* Row i of B^T, column i of A^T and row i of G, as the code has them: unit vectors go in. */
typedef struct matrices { double a[4][6], g[6][3], bt[6][6]; } matrices;

static matrices extract(int m)
{
    const fl_transforms *t = fl_kernels_now()->transforms;
    const int tile[3] = {m, 1, 1}, side = m + 2;
    enum { WHOLE = 64 / (int)sizeof(real) };
    real vector[6][WHOLE], to[6 * WHOLE], *pixel[6];
    const real *from[6];
    matrices all = {0};
    for (int unit = 0; unit < side; unit++) {
        for (int i = 0; i < side; i++) {
            for (int v = 0; v < WHOLE; v++) vector[i][v] = i == unit ? R(1.0) : R(0.0);
            from[i] = vector[i];
        }
        t->input(tile, from, from, WHOLE, to, WHOLE, WHOLE, 0);
        for (int i = 0; i < side; i++) all.bt[i][unit] = (double)to[i * WHOLE];
        for (int i = 0; i < m; i++) pixel[i] = to + i * WHOLE;
        const real bias[WHOLE] = {0};
        t->output(tile, vector[0], WHOLE, bias, WHOLE, pixel, 1, 0, 0);
        for (int i = 0; i < m; i++) all.a[i][unit] = (double)to[i * WHOLE];
    }
    for (int unit = 0; unit < 3; unit++) {
        const fl_winograd w = {.in = {.c = 1}, .out = {.c = 1}, .m = {m, 1, 1}, .k = {3, 1, 1}, .side = {side, 1, 1},
                               .taps = 1, .points = side, .blocks = 1};
        const real weight[3] = {unit == 0, unit == 1, unit == 2};
        real packed[6 * FL_BLOCK];
        fl_winograd_pack(&w, 0, 1, weight, packed);
        for (int i = 0; i < side; i++) all.g[i][unit] = (double)packed[i * FL_BLOCK];
    }
    return all;
}

/* Sum over points of A[y][p] G[p][k] B^T[p][x] is 1 where x = y + k, else 0: that alone makes it a convolution. And
 * each row is what Toom and Cook say, from the points: the product of the three scales is 1. */
TEST(winograd_matrices_are_those_of_their_points)
{
    static const double points[2][5] = {{0, 1, -1}, {0, 2 / 3.0, -2 / 3.0, 1.5, -1.5}};
    const double exact = 16 * FL_REAL_EPSILON;
    for (int m = 2; m <= 4; m += 2) {
        const matrices got = extract(m);
        const double *p = points[m == 4];
        const int finite = m + 1;
        for (int y = 0; y < m; y++) for (int k = 0; k < 3; k++) for (int x = 0; x < m + 2; x++) {
            double sum = 0;
            for (int i = 0; i < m + 2; i++) sum += got.a[y][i] * got.g[i][k] * got.bt[i][x];
            CHECK_NEAR(sum, x == y + k ? 1 : 0, exact);
        }
        for (int i = 0; i < m + 2; i++) {
            double polynomial[6] = {1}, below = 1;
            for (int j = 0, degree = 0; j < finite; j++) {
                if (j == i) continue;
                degree++;
                for (int d = degree; d > 0; d--) polynomial[d] = polynomial[d - 1] - p[j] * polynomial[d];
                polynomial[0] *= -p[j];
                if (i < finite) below *= p[i] - p[j];
            }
            const int top = i < finite ? m : m + 1;
            const double scale = got.bt[i][top], column = i < finite ? got.a[0][i] : got.a[m - 1][i];
            for (int x = 0; x < m + 2; x++) CHECK_NEAR(got.bt[i][x], scale * polynomial[x], exact * fabs(scale));
            for (int y = 0; y < m; y++)
                CHECK_NEAR(got.a[y][i], column * (i < finite ? pow(p[i], y) : y == m - 1), exact * fabs(column));
            for (int k = 0; k < 3; k++) {
                const double value = i < finite ? pow(p[i], k) / below : k == 2;
                CHECK_NEAR(got.g[i][k] * scale * column, value, exact);
            }
        }
    }
}

TEST(winograd_is_a_matter_of_shape_and_can_be_declined)
{
    problem p = make(&list[0]);
    fl_winograd one, other;
    CHECK(fl_winograd_make(&p.c, FL_CONV_FORWARD, &one));
    p.c.x.n = p.c.y.n = 50;
    CHECK(fl_winograd_make(&p.c, FL_CONV_FORWARD, &other) && memcmp(one.m, other.m, sizeof one.m) == 0);
    p.c.direct = true;
    CHECK(!fl_winograd_make(&p.c, FL_CONV_FORWARD, &other));
    p.c.direct = false;
    p.c.win.s[2] = 2;
    CHECK(!fl_winograd_make(&p.c, FL_CONV_FORWARD, &other));
    p.c.win.s[2] = 1, p.c.win.d[1] = 2;
    CHECK(!fl_winograd_make(&p.c, FL_CONV_FORWARD, &other));
    p.c.win.d[1] = 1, p.c.groups = 2;
    CHECK(!fl_winograd_make(&p.c, FL_CONV_FORWARD, &other));
    p.c.groups = 1, p.c.x.c = 16;
    CHECK(!fl_winograd_make(&p.c, FL_CONV_FORWARD, &other));
    fl_arena_free(&p.arena);
}
