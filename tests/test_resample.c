/* test_resample.c: resize against hand-computed values, PyTorch and the formula; transposes by <Ax,g> = <x,A'g>. */
#include "tensor/par.h"
#include "tensor/resample.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <string.h>

/* What is exact in reals is exact; sums of a few products leave some rounding errors. */
static const double FEW = 16 * FL_REAL_EPSILON, ADJOINT = sizeof(real) == 8 ? 1e-12 : 1e-6;

static void check_row(const char *what, int in, int out, fl_resize_mode mode, bool align, const double *want)
{
    const real x[4] = {1, 2, 3, 4};
    real y[8];
    fl_resize((fl_shape){1, 1, 1, 1, in}, x, (fl_shape){1, 1, 1, 1, out}, y, mode, align);
    for (int i = 0; i < out; i++)
        CHECK_SAY(fabs((double)y[i] - want[i]) <= FEW, "%s, %d -> %d: y[%d] = %g, wanted %g",
                  what, in, out, i, (double)y[i], want[i]);
}

#define ROW(in, out, mode, align, ...) \
    check_row(#mode ", align " #align, in, out, mode, align, (const double[]){__VA_ARGS__})

/* x = 1 2 3 4; by hand, and the same from torch.nn.functional.interpolate 1.13 (mode linear and nearest). */
TEST(resample_rows_by_hand)
{
    ROW(4, 8, FL_RESIZE_LINEAR, false, 1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4);
    ROW(4, 7, FL_RESIZE_LINEAR, false, 1, 19 / 14.0, 27 / 14.0, 2.5, 43 / 14.0, 51 / 14.0, 4);
    ROW(4, 3, FL_RESIZE_LINEAR, false, 7 / 6.0, 2.5, 23 / 6.0);
    ROW(4, 2, FL_RESIZE_LINEAR, false, 1.5, 3.5);
    ROW(4, 1, FL_RESIZE_LINEAR, false, 2.5);
    ROW(1, 3, FL_RESIZE_LINEAR, false, 1, 1, 1);
    ROW(2, 5, FL_RESIZE_LINEAR, false, 1, 1.1, 1.5, 1.9, 2);
    ROW(4, 8, FL_RESIZE_LINEAR, true, 1, 10 / 7.0, 13 / 7.0, 16 / 7.0, 19 / 7.0, 22 / 7.0, 25 / 7.0, 4);
    ROW(4, 7, FL_RESIZE_LINEAR, true, 1, 1.5, 2, 2.5, 3, 3.5, 4);
    ROW(4, 3, FL_RESIZE_LINEAR, true, 1, 2.5, 4);
    ROW(4, 2, FL_RESIZE_LINEAR, true, 1, 4);
    ROW(4, 1, FL_RESIZE_LINEAR, true, 1);
    ROW(1, 3, FL_RESIZE_LINEAR, true, 1, 1, 1);
    ROW(4, 8, FL_RESIZE_NEAREST, false, 1, 1, 2, 2, 3, 3, 4, 4);
    ROW(4, 7, FL_RESIZE_NEAREST, false, 1, 1, 2, 2, 3, 3, 4);
    ROW(4, 3, FL_RESIZE_NEAREST, true, 1, 2, 3);
    ROW(4, 2, FL_RESIZE_NEAREST, false, 1, 3);
    ROW(4, 1, FL_RESIZE_NEAREST, false, 1);
    ROW(4, 4, FL_RESIZE_LINEAR, false, 1, 2, 3, 4);
    ROW(4, 4, FL_RESIZE_LINEAR, true, 1, 2, 3, 4);
    ROW(4, 4, FL_RESIZE_NEAREST, false, 1, 2, 3, 4);
}

/* x[i] = 7 i mod 11 as 1,1,2,3,4; from torch.nn.functional.interpolate 1.13, float64, modes trilinear and nearest. */
TEST(resample_trilinear_as_pytorch)
{
    const double half_pixel[18] = {2.208333333333, 5.125, 8.041666666667, 2.958333333333, 5.875, 1.916666666667,
                                   3.875, 5.875, 6.729166666667, 4.625, 4.5625, 3.354166666667,
                                   5.541666666667, 6.625, 5.416666666667, 6.291666666667, 3.25, 4.791666666667};
    const double aligned[18] = {0, 5, 10, 1, 6, 0, 3.5, 5.75, 8, 4.5, 4, 3.5, 7, 6.5, 6, 8, 2, 7};
    const double larger[9] = {0, 8, 4, 6.25, 5.75, 5.25, 5, 1, 3.5};          /* every 11th of 3,5,6 */
    const double larger_aligned[9] = {0, 7.5, 4.9, 6.2, 5.8, 5.4, 4.5, 1, 2.8};
    const double larger_nearest[9] = {0, 10, 9, 3, 2, 1, 7, 1, 0};
    const fl_shape in = {1, 1, 2, 3, 4}, small = {1, 1, 3, 2, 3}, large = {1, 1, 3, 5, 6};
    real x[24], y[90];
    for (int i = 0; i < 24; i++) x[i] = (real)(i * 7 % 11);
    const double close = 1e-12 + 4 * FEW;
    fl_resize(in, x, small, y, FL_RESIZE_LINEAR, false);
    for (int i = 0; i < 18; i++) CHECK_NEAR((double)y[i], half_pixel[i], close);
    fl_resize(in, x, small, y, FL_RESIZE_LINEAR, true);
    for (int i = 0; i < 18; i++) CHECK_NEAR((double)y[i], aligned[i], close);
    fl_resize(in, x, large, y, FL_RESIZE_LINEAR, false);
    for (int i = 0; i < 9; i++) CHECK_NEAR((double)y[11 * i], larger[i], close);
    fl_resize(in, x, large, y, FL_RESIZE_LINEAR, true);
    for (int i = 0; i < 9; i++) CHECK_NEAR((double)y[11 * i], larger_aligned[i], close);
    fl_resize(in, x, large, y, FL_RESIZE_NEAREST, false);
    for (int i = 0; i < 9; i++) CHECK((double)y[11 * i] == larger_nearest[i]);
}

/* The definition in floating point, without integers: the weight of input i in output o of one axis. */
static double weight(int in, int out, fl_resize_mode mode, bool align, int o, int i)
{
    if (mode == FL_RESIZE_NEAREST) return i == (int)floor((o + 1e-9) * in / out);
    double position = align ? (out > 1 ? (double)o * (in - 1) / (out - 1) : 0) : (o + 0.5) * in / out - 0.5;
    if (position < 0) position = 0;
    if (position > in - 1) position = in - 1;
    double distance = fabs(position - i);
    return distance < 1 ? 1 - distance : 0;
}

typedef struct sizes { int t, h, w; } sizes;
static const sizes BEFORE[] = {{1, 7, 7}, {4, 7, 5}, {16, 3, 9}, {5, 1, 1}, {3, 8, 2}};
static const sizes AFTER[]  = {{1, 13, 10}, {16, 3, 9}, {5, 7, 4}, {2, 4, 3}, {3, 1, 2}};
enum { SIZES = 5, LARGEST = 2 * 3 * 16 * 13 * 10 };

static double off_formula(fl_shape in, const real *x, fl_shape out, const real *y, fl_resize_mode mode, bool align)
{
    double worst = 0;
    for (int t = 0; t < out.t; t++) for (int h = 0; h < out.h; h++) for (int w = 0; w < out.w; w++) {
        double want[6] = {0};
        for (int a = 0; a < in.t; a++) for (int b = 0; b < in.h; b++) for (int c = 0; c < in.w; c++) {
            double k = weight(in.t, out.t, mode, align, t, a) * weight(in.h, out.h, mode, align, h, b)
                     * weight(in.w, out.w, mode, align, w, c);
            for (int nc = 0; nc < 6; nc++) want[nc] += k * (double)x[fl_at(in, nc / 3, nc % 3, a, b, c)];
        }
        for (int nc = 0; nc < 6; nc++) {
            double off = fabs((double)y[fl_at(out, nc / 3, nc % 3, t, h, w)] - want[nc]);
            if (!(off <= worst)) worst = off;
        }
    }
    return worst;
}

/* Every size against every other: the formula, the adjoint <Ax,g> = <x,A'g>, and a constant that stays constant. */
TEST(resample_resize_formula_and_transpose)
{
    static real x[LARGEST], y[LARGEST], g[LARGEST], gx[LARGEST];
    for (int pair = 0; pair < SIZES * SIZES; pair++) {
        const sizes a = BEFORE[pair / SIZES], b = AFTER[pair % SIZES];
        const fl_shape in = {2, 3, a.t, a.h, a.w}, out = {2, 3, b.t, b.h, b.w};
        for (int way = 0; way < 3; way++) {
            const fl_resize_mode mode = way == 0 ? FL_RESIZE_NEAREST : FL_RESIZE_LINEAR;
            fl_rng_fill_normal(1, (uint64_t)pair, 0, x, fl_shape_count(in));
            fl_rng_fill_normal(2, (uint64_t)pair, 0, g, fl_shape_count(out));
            for (int i = 0; i < LARGEST; i++) y[i] = gx[i] = (real)NAN;        /* both must be overwritten */
            fl_resize(in, x, out, y, mode, way == 2);
            double off = off_formula(in, x, out, y, mode, way == 2);
            CHECK_SAY(off < 1e-13 + 4 * FEW, "sizes %d way %d: off by %g", pair, way, off);
            fl_resize_transpose(in, gx, out, g, mode, way == 2);
            double left = fl_dot(y, g, fl_shape_count(out)), right = fl_dot(x, gx, fl_shape_count(in));
            double size = fl_norm(y, fl_shape_count(out)) * fl_norm(g, fl_shape_count(out));
            CHECK_SAY(fabs(left - right) <= ADJOINT * size, "sizes %d way %d: <Ax,g> = %.17g, <x,A'g> = %.17g",
                      pair, way, left, right);
            for (int i = 0; i < LARGEST; i++) x[i] = R(0.7);
            fl_resize(in, x, out, y, mode, way == 2);
            for (int64_t i = 0; i < fl_shape_count(out); i++) CHECK_NEAR((double)y[i], (double)R(0.7), FEW);
        }
    }
}

/* Long axes: positions are computed in integers, so nearest is floor(o I / O) where float arithmetic would slip. */
TEST(resample_nearest_is_exact_for_every_length)
{
    static real x[400], y[400];
    for (int i = 0; i < 400; i++) x[i] = (real)i;
    for (int in = 1; in <= 400; in += 13)
        for (int out = 1; out <= 400; out += 7) {
            fl_resize((fl_shape){1, 1, 1, 1, in}, x, (fl_shape){1, 1, 1, 1, out}, y, FL_RESIZE_NEAREST, false);
            for (int o = 0; o < out; o++) {
                int i = (int)y[o];
                CHECK(i * out <= o * in && o * in < (i + 1) * out);
            }
        }
}

TEST(resample_block_mean)
{
    const fl_shape s = {2, 2, 3, 5, 4};
    real x[240], y[240];
    for (int i = 0; i < 240; i++) x[i] = (real)(i % 17);
    const fl_shape b = fl_block_shape(s, 2, 3, 4);
    CHECK(fl_shape_equal(b, (fl_shape){2, 2, 2, 2, 1}));
    fl_block_mean(s, x, 2, 3, 4, y);
    for (int n = 0; n < 2; n++) for (int c = 0; c < 2; c++) for (int t = 0; t < 2; t++) for (int h = 0; h < 2; h++) {
        double sum = 0, held = 0;
        for (int a = 2 * t; a < 2 * t + 2 && a < 3; a++)
            for (int e = 3 * h; e < 3 * h + 3 && e < 5; e++)
                for (int w = 0; w < 4; w++, held++) sum += (double)x[fl_at(s, n, c, a, e, w)];
        CHECK_NEAR((double)y[fl_at(b, n, c, t, h, 0)], sum / held, 8 * FEW);
    }
    fl_block_mean(s, x, 1, 1, 1, y);
    CHECK(memcmp(x, y, sizeof x) == 0);
}

TEST(resample_same_bits_for_any_thread_count)
{
    enum { N = 2 * 3 * 8 * 40 * 40 };
    static real x[N], y[N], first[2][N];
    const fl_shape in = {2, 3, 3, 14, 14}, out = {2, 3, 8, 40, 40};
    fl_rng_fill_normal(3, 0, 0, x, N);
    for (int threads = 1; threads <= 16; threads *= 2) {
        fl_threads_set(threads);
        fl_resize(in, x, out, y, FL_RESIZE_LINEAR, false);
        if (threads == 1) memcpy(first[0], y, sizeof y);
        CHECK(memcmp(first[0], y, sizeof y) == 0);
        fl_resize_transpose(in, y, out, x, FL_RESIZE_LINEAR, false);
        if (threads == 1) memcpy(first[1], y, sizeof y);
        CHECK(memcmp(first[1], y, sizeof y) == 0);
    }
    fl_threads_set(0);
}
