/* test_blur.c: the separable blur against a naive convolution over a padded array, its borders, its transpose. */
#include "tensor/blur.h"
#include "tensor/kernels.h"
#include "tensor/math.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <string.h>

static const double FEW = 16 * FL_REAL_EPSILON, ADJOINT = sizeof(real) == 8 ? 1e-12 : 1e-6;

/* The border written out as scipy.ndimage documents it, three periods to either side. */
static int padded_index(fl_border border, int p, int n)
{
    static const char *const pattern[4][3] = {          /* n = 4; '.' is outside */
        {"....", "abcd", "...."}, {"aaaa", "abcd", "dddd"}, {"dcba", "abcd", "dcba"}, {NULL, NULL, NULL}};
    if (n == 4 && border != FL_BORDER_MIRROR && p >= -4 && p < 8) {
        char c = pattern[border][(p + 4) / 4][(p + 4) % 4];
        return c == '.' ? -1 : c - 'a';
    }
    if (p >= 0 && p < n) return p;
    if (border == FL_BORDER_ZERO) return -1;
    if (border == FL_BORDER_NEAREST || n == 1) return p < 0 ? 0 : n - 1;
    for (int step = 0; step < 1000 && (p < 0 || p >= n); step++) {      /* reflect until inside */
        if (border == FL_BORDER_REFLECT) p = p < 0 ? -1 - p : 2 * n - 1 - p;
        else p = p < 0 ? -p : 2 * n - 2 - p;
    }
    return p;
}

static double kernel[3][64];      /* of the axes t, h, w; tap i at [i + half] */

static void make_kernel(const fl_blur *b)
{
    for (int axis = 0; axis < 3; axis++) {
        const int half = b->half[axis];
        double sum = 0;
        for (int i = -half; i <= half; i++) {
            double s = b->sigma[axis];
            sum += kernel[axis][i + half] = s > 0 ? exp(-i * i / (2 * s * s)) : i == 0;
        }
        for (int i = 0; i <= 2 * half; i++) kernel[axis][i] /= sum;
    }
}

/* One output element from the definition: a triple sum over the full kernel. */
static double naive(fl_shape s, const fl_blur *b, const real *x, int n, int c, int t, int h, int w)
{
    double sum = 0;
    for (int i = -b->half[0]; i <= b->half[0]; i++) {
        int pt = padded_index(b->border, t + i, s.t);
        if (pt < 0) continue;
        for (int j = -b->half[1]; j <= b->half[1]; j++) {
            int ph = padded_index(b->border, h + j, s.h);
            if (ph < 0) continue;
            for (int k = -b->half[2]; k <= b->half[2]; k++) {
                int pw = padded_index(b->border, w + k, s.w);
                if (pw < 0) continue;
                sum += kernel[0][i + b->half[0]] * kernel[1][j + b->half[1]] * kernel[2][k + b->half[2]]
                     * (double)x[fl_at(s, n, c, pt, ph, pw)];
            }
        }
    }
    return sum;
}

static real scratch[1 << 19];

enum { LARGEST = 2 * 3 * 4 * 9 * 8 };
static const fl_shape SHAPES[] = {{1, 1, 1, 9, 8}, {2, 3, 4, 5, 4}, {2, 3, 2, 9, 1}, {1, 1, 4, 1, 7}, {1, 5, 3, 6, 15}};
static const fl_blur BLURS[] = {
    {{0, 1.0, 1.0}, {0, 4, 4}, 0},             /* frames */
    {{0.8, 0.6, 1.7}, {3, 2, 5}, 0},           /* three axes, three widths */
    {{0, 0, 2.5}, {0, 0, 10}, 0},              /* one axis, wider than the array */
    {{4, 0, 3.0}, {16, 0, 2}, 0},              /* cut short; much longer than T */
    {{0, 0, 0}, {4, 4, 4}, 0},                 /* identity by sigma */
    {{1, 1, 1}, {0, 0, 0}, 0},                 /* identity by half width */
};

TEST(blur_naive_convolution_and_transpose)
{
    static real x[LARGEST], y[LARGEST], g[LARGEST], gx[LARGEST];
    for (int k = 0; k < 5 * 6 * 4; k++) {
        const fl_shape s = SHAPES[k / 24];
        fl_blur b = BLURS[k / 4 % 6];
        b.border = (fl_border)(k % 4);
        const int64_t count = fl_shape_count(s);
        if (!CHECK(fl_blur_scratch(s, &b) <= sizeof scratch)) return;
        fl_rng_fill_normal(1, (uint64_t)k, 0, x, count);
        fl_rng_fill_normal(2, (uint64_t)k, 0, g, count);
        for (int i = 0; i < LARGEST; i++) y[i] = gx[i] = (real)NAN;
        memset(scratch, 0xFF, sizeof scratch);                    /* NaN */
        fl_blur_forward(s, &b, x, y, scratch);
        double worst = 0;
        make_kernel(&b);
        for (int n = 0; n < s.n; n++) for (int c = 0; c < s.c; c++) for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++) for (int w = 0; w < s.w; w++) {
                double off = fabs((double)y[fl_at(s, n, c, t, h, w)] - naive(s, &b, x, n, c, t, h, w));
                if (!(off <= worst)) worst = off;
            }
        CHECK_SAY(worst < 1e-13 + FEW, "case %d: off by %g", k, worst);
        fl_blur_transpose(s, &b, g, gx, scratch);
        double left = fl_dot(y, g, count), right = fl_dot(x, gx, count), size = fl_norm(x, count) * fl_norm(g, count);
        CHECK_SAY(fabs(left - right) <= ADJOINT * size, "case %d: <Bx,g> = %.17g, <x,B'g> = %.17g", k, left, right);
    }
}

/* By hand: one bright pixel, sigma 1, half width 1, taps a b a with b/a = exp(1/2). */
TEST(blur_one_pixel_by_hand)
{
    const double a = exp(-0.5) / (1 + 2 * exp(-0.5)), b = 1 / (1 + 2 * exp(-0.5));
    const real x[9] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
    real y[9];
    const fl_blur blur = {{0, 1, 1}, {0, 1, 1}, FL_BORDER_ZERO};
    fl_blur_forward((fl_shape){1, 1, 1, 3, 3}, &blur, x, y, scratch);
    const double want[9] = {a * a, a * b, a * a, a * b, b * b, a * b, a * a, a * b, a * a};
    for (int i = 0; i < 9; i++) CHECK_NEAR((double)y[i], want[i], FEW);

    /* at an edge: zero loses the tap outside, nearest and reflect give it to the edge, mirror to the neighbour */
    const real edge[3] = {1, 0, 0};
    const double first[4] = {b, b + a, b + a, b}, second[4] = {a, a, a, 2 * a};
    const real neighbour[3] = {0, 1, 0};
    for (int border = 0; border < 4; border++) {
        const fl_blur row = {{0, 0, 1}, {0, 0, 1}, (fl_border)border};
        fl_blur_forward((fl_shape){1, 1, 1, 1, 3}, &row, edge, y, scratch);
        CHECK_NEAR((double)y[0], first[border], FEW);
        fl_blur_forward((fl_shape){1, 1, 1, 1, 3}, &row, neighbour, y, scratch);
        CHECK_NEAR((double)y[0], second[border], FEW);
    }
}

TEST(blur_constant_stays_unless_the_border_is_zero)
{
    enum { N = 3 * 2 * 12 * 10 };
    static real x[N], y[N];
    const fl_shape s = {1, 3, 2, 12, 10};
    for (int i = 0; i < N; i++) x[i] = R(0.7);
    for (int border = 0; border < 4; border++) {
        const fl_blur b = fl_blur_frames(5.0, (fl_border)border);
        fl_blur_forward(s, &b, x, y, scratch);
        for (int i = 0; i < N; i++) {
            if (border == FL_BORDER_ZERO) CHECK(y[i] < R(0.6));
            else CHECK_NEAR((double)y[i], (double)R(0.7), 4 * FEW);
        }
    }
}

TEST(blur_half_widths)
{
    CHECK(fl_blur_half(0.0) == 0 && fl_blur_half(0.1) == 1 && fl_blur_half(1.0) == 4 && fl_blur_half(20.0) == 80);
    CHECK(fl_blur_half(120.0 / 7) == 69);                    /* 4 * 17.14 = 68.57 */
    const fl_blur b = fl_blur_frames(10.0, FL_BORDER_NEAREST);
    CHECK(b.sigma[0] == 0 && b.half[0] == 0 && b.border == FL_BORDER_NEAREST);
    CHECK(b.sigma[1] == 10.0 && b.sigma[2] == 10.0 && b.half[1] == 40 && b.half[2] == 40);
}

/* A wide array is cut into slices: each one must come out as if it stood alone. */
TEST(blur_same_bits_for_any_thread_count_and_batch)
{
    enum { ONE = 5 * 4 * 30 * 29, N = 2 * ONE };
    static real x[N], y[N], first[N], alone[ONE];
    const fl_shape s = {2, 5, 4, 30, 29}, single = {1, 5, 4, 30, 29};
    const fl_blur b = {{1, 2, 2}, {4, 8, 8}, FL_BORDER_REFLECT};
    static real gx[N], first_gx[N];
    fl_rng_fill_normal(3, 0, 0, x, N);
    for (int threads = 1; threads <= 16; threads *= 2) {
        fl_threads_set(threads);
        if (!CHECK(fl_blur_scratch(s, &b) <= sizeof scratch)) return;
        fl_blur_forward(s, &b, x, y, scratch);
        fl_blur_transpose(s, &b, x, gx, scratch);
        if (threads == 1) memcpy(first, y, sizeof y), memcpy(first_gx, gx, sizeof gx);
        CHECK(memcmp(first, y, sizeof y) == 0);
        CHECK(memcmp(first_gx, gx, sizeof gx) == 0);
    }
    fl_threads_set(0);
    for (int isa = 0; fl_isa_available(isa); isa++) {
        fl_isa_choose(fl_isa_available(isa), NULL);
        fl_blur_forward(s, &b, x, y, scratch);
        fl_blur_transpose(s, &b, x, gx, scratch);
        CHECK_SAY(memcmp(first, y, sizeof y) == 0 && memcmp(first_gx, gx, sizeof gx) == 0, "%s: other bits", fl_isa_name());
    }
    fl_isa_choose(NULL, NULL);
    fl_blur_forward(single, &b, x + ONE, alone, scratch);
    CHECK(memcmp(alone, y + ONE, sizeof alone) == 0);
}
