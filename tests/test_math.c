/* test_math.c: the functions of tensor/math.h against long double libm, over the whole range and at the edges. */
#include "tensor/kernels.h"
#include "tensor/math.h"
#include "tensor/math_runs.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <float.h>

typedef struct pair {
    const char *name;
    double (*ours)(double);
    real (*rounded)(real);             /* the same function on real */
    long double (*libm)(long double);
} pair;

static double our_exp(double x) { return fl_exp64(x); }
static double our_log(double x) { return fl_log64(x); }
static double our_tanh(double x) { return fl_tanh64(x); }
static double our_sigmoid(double x) { return fl_sigmoid64(x); }
static real real_exp(real x) { return fl_exp(x); }
static real real_log(real x) { return fl_log(x); }
static real real_tanh(real x) { return fl_tanh(x); }
static real real_sigmoid(real x) { return fl_sigmoid(x); }
static real real_erf(real x) { return fl_erf(x); }
static long double libm_sigmoid(long double x) { return 1.0L / (1.0L + expl(-x)); }

static const pair EXP = {"exp", our_exp, real_exp, expl}, LOG = {"log", our_log, real_log, logl};
static const pair TANH = {"tanh", our_tanh, real_tanh, tanhl}, ERF = {"erf", fl_erf64, real_erf, erfl};
static const pair SIGMOID = {"sigmoid", our_sigmoid, real_sigmoid, libm_sigmoid};

/* The distance of two neighbours at `x` among numbers of `digits` bits with the smallest normal 2^(lowest-1). */
static long double spacing(long double x, int digits, int lowest)
{
    int e;
    (void)frexpl(x, &e);
    return ldexpl(1.0L, (e < lowest ? lowest : e) - digits);
}

/* Relative error of the double function (for subnormals in units of their last bit); and of real, in ulp. */
static void judge(const pair *f, double x, double *worst64, double *worst_real)
{
    long double want = f->libm((long double)x), off = fabsl((long double)f->ours(x) - want);
    double relative = fabsl(want) > 0x1p-1022L ? (double)(off / fabsl(want)) : (double)(off / 0x1p-1074L) * 1e-16;
    if (!(relative <= *worst64)) *worst64 = relative;
    real r = (real)x;
    want = f->libm((long double)r);
    const bool is_float = sizeof r == 4;
    if (isinf((double)f->rounded(r)) && fabsl(want) >= (long double)(is_float ? FLT_MAX : DBL_MAX)) return;
    long double ulp = spacing(want, is_float ? FLT_MANT_DIG : DBL_MANT_DIG, is_float ? FLT_MIN_EXP : DBL_MIN_EXP);
    double in_ulp = (double)(fabsl((long double)f->rounded(r) - want) / ulp);
    if (!(in_ulp <= *worst_real)) *worst_real = in_ulp;
}

/* Dense steps, random points, and random exponents (both signs where the interval has both) within from .. to. */
static void sweep(const pair *f, double from, double to)
{
    enum { POINTS = 60000 };
    double worst64 = 0, worst_real = 0;
    fl_rng rng = {1, fl_rng_name(f->name), 0};
    for (int i = 0; i <= POINTS; i++) {
        judge(f, from + (to - from) * i / POINTS, &worst64, &worst_real);
        judge(f, from + (to - from) * fl_rng_next_uniform(&rng), &worst64, &worst_real);
        double tiny = ldexp(1.0 + fl_rng_next_uniform(&rng), -fl_rng_next_below(&rng, 1070));
        tiny = fl_rng_next_uniform(&rng) < 0.5 ? -tiny : tiny;
        if (tiny >= from && tiny <= to) judge(f, tiny, &worst64, &worst_real);
    }
    const double bound = sizeof(real) == 4 ? 0.501 : 9.0;      /* rounding a double once; 1e-15 is 9 units of 2^-53 */
    CHECK_SAY(worst64 < 1e-15, "%s on %g .. %g: relative error %.3g", f->name, from, to, worst64);
    CHECK_SAY(worst_real <= bound, "%s on %g .. %g: %.4g ulp of real", f->name, from, to, worst_real);
}

#define NEEDS_LONG_DOUBLE() \
    do { if (LDBL_MANT_DIG < 64) SKIP("long double has no more digits than double"); } while (0)

static const double INF = (double)INFINITY, NOT_A_NUMBER = (double)NAN;

TEST(math_exp)
{
    NEEDS_LONG_DOUBLE();
    sweep(&EXP, -1.0, 1.0);
    sweep(&EXP, -90.0, 89.0);          /* float32 from its subnormals to overflow */
    sweep(&EXP, -746.0, 709.78);       /* float64 likewise */
    CHECK(fl_exp64(0.0) == 1.0 && fl_exp64(-0.0) == 1.0);
    CHECK(fl_exp64(709.79) == INF && fl_exp64(1e308) == INF && fl_exp64(INF) == INF);
    CHECK(fl_exp64(-745.1) == 0x1p-1074 && fl_exp64(-745.2) == 0 && fl_exp64(-INF) == 0 && fl_exp64(-1e308) == 0);
    CHECK(isnan(fl_exp64(NOT_A_NUMBER)) && isnan((double)fl_exp((real)NAN)));
}

TEST(math_log)
{
    NEEDS_LONG_DOUBLE();
    sweep(&LOG, 0x1p-1074, 2.0);
    sweep(&LOG, 0.99, 1.01);
    sweep(&LOG, 0.5, 1e6);
    sweep(&LOG, 1.0, DBL_MAX);
    for (int i = -2000; i <= 2000; i++) {
        double x = 1.0 + i * 0x1p-52, worst64 = 0, worst_real = 0;
        if (i) judge(&LOG, x, &worst64, &worst_real);
        CHECK_SAY(worst64 < 1e-15, "log(1 + %d * 2^-52): relative error %.3g", i, worst64);
    }
    CHECK(fl_log64(1.0) == 0);
    CHECK(fl_log64(0.0) == -INF && fl_log64(-0.0) == -INF);
    CHECK(fl_log64(INF) == INF);
    CHECK(isnan(fl_log64(-1.0)) && isnan(fl_log64(-0x1p-1074)));
    CHECK(isnan(fl_log64(-INF)) && isnan(fl_log64(NOT_A_NUMBER)));
}

TEST(math_tanh)
{
    NEEDS_LONG_DOUBLE();
    sweep(&TANH, -0.01, 0.01);
    sweep(&TANH, -1.0, 1.0);
    sweep(&TANH, -25.0, 25.0);
    CHECK(fl_tanh64(0.0) == 0 && signbit(fl_tanh64(-0.0)));
    CHECK(fl_tanh64(0x1p-1074) == 0x1p-1074 && fl_tanh64(-0x1p-1074) == -0x1p-1074);
    CHECK(fl_tanh64(INF) == 1 && fl_tanh64(-INF) == -1 && fl_tanh64(-1e300) == -1);
    CHECK(isnan(fl_tanh64(NOT_A_NUMBER)));
}

TEST(math_sigmoid)
{
    NEEDS_LONG_DOUBLE();
    sweep(&SIGMOID, -1.0, 1.0);
    sweep(&SIGMOID, -100.0, 40.0);
    sweep(&SIGMOID, -745.0, 745.0);
    CHECK(fl_sigmoid64(0.0) == 0.5);
    CHECK(fl_sigmoid64(INF) == 1 && fl_sigmoid64(-INF) == 0 && isnan(fl_sigmoid64(NOT_A_NUMBER)));
}

TEST(math_erf)
{
    NEEDS_LONG_DOUBLE();
    sweep(&ERF, -0.01, 0.01);
    sweep(&ERF, -3.0, 3.0);            /* across the border of the two formulas at 2.25 */
    sweep(&ERF, -8.0, 8.0);
    CHECK(fl_erf64(0.0) == 0 && signbit(fl_erf64(-0.0)));
    CHECK(fl_erf64(INF) == 1 && fl_erf64(-INF) == -1 && isnan(fl_erf64(NOT_A_NUMBER)));
}

TEST(math_sin_and_cos)
{
    NEEDS_LONG_DOUBLE();
    double worst = 0;
    for (int i = 0; i < 400000; i++) {
        double range = i % 3 == 0 ? 4.0 : i % 3 == 1 ? 1e5 : 1e6;
        double x = i % 5 ? range * (2.0 * fl_rng_uniform(2, 3, (uint64_t)i) - 1.0) : (i - 200000) * (FL_PI / 4);
        double s = (double)fabsl((long double)fl_sin64(x) - sinl((long double)x));
        double c = (double)fabsl((long double)fl_cos64(x) - cosl((long double)x));
        if (!(s <= worst)) worst = s;
        if (!(c <= worst)) worst = c;
    }
    CHECK_SAY(worst < 1e-15, "sin, cos: absolute error %.3g", worst);
    CHECK(fl_sin64(0.0) == 0 && fl_cos64(0.0) == 1 && fl_sin64(1e-300) == 1e-300);
    CHECK(isnan(fl_sin64(1.1e6)) && isnan(fl_cos64(INF)) && isnan(fl_sin64(NOT_A_NUMBER)));
}

TEST(math_pow)
{
    NEEDS_LONG_DOUBLE();
    double worst = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        double x = ldexp(1.0 + fl_rng_uniform(3, 0, i), fl_rng_below(3, 1, i, 41) - 20);
        double y = (2.0 * fl_rng_uniform(3, 2, i) - 1.0) * 40.0 / fmax(1.0, fabs(log(x)));
        long double want = powl((long double)x, (long double)y);
        double off = (double)fabsl(((long double)fl_pow64(x, y) - want) / want);
        if (!(off <= worst)) worst = off;
    }
    CHECK_SAY(worst < 1e-14, "pow: relative error %.3g", worst);
    CHECK(fl_pow64(0.0, 0.8) == 0 && fl_pow64(0.0, 0.0) == 1 && fl_pow64(1.0, 1e9) == 1 && fl_pow64(INF, -1.0) == 0);
    CHECK(isnan(fl_pow64(-2.0, 0.5)) && isnan(fl_pow64(NOT_A_NUMBER, 1.0)));
}

/* Bits, not only closeness: these values must come out of every compiler and machine. */
TEST(math_same_bits_everywhere)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (int i = 0; i < 20000; i++) {
        double x = 8.0 * (2.0 * fl_rng_uniform(4, 0, (uint64_t)i) - 1.0);
        const double y[] = {fl_exp64(x), fl_log64(fabs(x)), fl_tanh64(x), fl_sigmoid64(x),
                            fl_erf64(x), fl_sin64(x), fl_cos64(x)};
        for (int k = 0; k < 7; k++) h = (h ^ fl_bits_of(y[k])) * 0x100000001B3u;
    }
    CHECK_SAY(h == 0xb9a5492135857b16u, "hash of 140000 values is %016llx", (unsigned long long)h);
}

/* Runs are written for vectors: they have the bits of single numbers, edges and odd lengths too. */
TEST(math_runs_have_the_bits_of_single_numbers_from_every_instruction_set)
{
    enum { N = 4001 };
    static const real edge[] = {0, R(-0.0), INFINITY, -INFINITY, NAN, R(1e-40), R(-1e-40), R(88.9), R(-104.5), R(40.1), R(1e30)};
    static real x[N], sigmoid[N], tangent[N];
    fl_rng_fill_normal(7, 7, 0, x, N);
    for (int i = 0; i < N; i++) x[i] *= R(10.0);
    memcpy(x + 100, edge, sizeof edge);
    for (int isa = 0; fl_isa_available(isa); isa++) {
        fl_isa_choose(fl_isa_available(isa), NULL);
        fl_kernels_now()->math->sigmoid(x, N, sigmoid);
        fl_kernels_now()->math->tanh(x, N, tangent);
        int differ = 0;
        for (int i = 0; i < N; i++) {
            const real one = fl_sigmoid(x[i]), two = fl_tanh(x[i]);
            if (x[i] != x[i]) differ += sigmoid[i] == sigmoid[i] || tangent[i] == tangent[i];
            else differ += memcmp(&one, sigmoid + i, sizeof one) != 0 || memcmp(&two, tangent + i, sizeof two) != 0;
        }
        CHECK_SAY(differ == 0, "%s: %d of %d", fl_isa_available(isa), differ, N);
    }
    fl_isa_choose(NULL, NULL);
}

/* Every length around the numbers that are summed at once, rows one way and the other. */
TEST(math_weighted_sums_of_rows_from_every_instruction_set)
{
    enum { ROWS = 5, LONG = 200 };
    static real x[ROWS * LONG], y[LONG + 1];
    real k[ROWS];
    fl_rng_fill_normal(7, 0, 0, x, ROWS * LONG);
    fl_rng_fill_normal(7, 1, 0, k, ROWS);
    for (int isa = 0; fl_isa_available(isa); isa++) {
        fl_isa_choose(fl_isa_available(isa), NULL);
        for (int n = 0; n <= LONG; n++)
            for (int back = 0; back < 2; back++) {
                const real *from = back ? x + (ROWS - 1) * LONG : x;
                const int step = back ? -LONG : LONG;
                memset(y, 0xFF, sizeof y);
                y[n] = 77;
                fl_kernels_now()->math->weighted(from, step, k, ROWS, n, y);
                int differ = y[n] != 77;
                for (int i = 0; i < n; i++) {
                    real sum = 0;
                    for (int t = 0; t < ROWS; t++) {
                        const real product = k[t] * from[t * step + i];
                        sum += product;
                    }
                    differ += y[i] != sum;
                }
                CHECK_SAY(differ == 0, "%s: %d of %d differ", fl_isa_name(), differ, n);
            }
    }
    fl_isa_choose(NULL, NULL);
}
