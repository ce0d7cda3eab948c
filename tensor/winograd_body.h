/* winograd_body.h: B^T d and A^T m, A y and G^T m, once, in vector extensions; winograd_*.c set the sizes and include it.
 *
 *   ISA           name of the instruction set, as an identifier
 *   VECTOR_BYTES  bytes of a vector
 *   FUSED         fused multiply-add of three vectors, or not defined
 *
 * These files are compiled without contraction and say where they fuse: left to itself, one compiler fuses a
 * product that two sums share, and another does not. All instruction sets with a fused multiply-add give the same
 * bits. */
#include "tensor/winograd.h"

#include <string.h>

#define ELEMENT real
#include "tensor/vector_body.h"

#if defined(FUSED)
#define FMA(number, v, sum) ((vector)FUSED((number) - (vector){0}, v, sum))
#else
#define FMA(number, v, sum) ((number) * (v) + (sum))
#endif

/* B^T d along one axis: m+2 numbers, `step` apart, become as many, `gap` apart. m = 1: nothing to do. Rows of
 * F(4,3) are scaled such that every constant is a short binary fraction: no constant is rounded, and G takes the
 * scale in double. */
INLINE void input_axis(const int m, const vector *d, const int step, vector *to, const int gap)
{
    if (m == 1) {
        to[0] = d[0];
        return;
    }
    const vector d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    if (m == 2) {
        to[0] = d0 - d2;
        to[gap] = d1 + d2;
        to[2 * gap] = d2 - d1;
        to[3 * gap] = d3 - d1;
        return;
    }
    const vector d4 = d[4 * step], d5 = d[5 * step];
    const vector even_near = FMA(R(-2.25), d2, d4), odd_near = FMA(R(-2.25), d1, d3);
    const vector even_far = FMA(R(-2.25), d4, d2), odd_far = FMA(R(-2.25), d3, d1);
    to[0] = FMA(R(-2.25), even_near, FMA(R(-2.25), d0, d2));          /* -9/4 of the polynomial's coefficients */
    to[gap] = FMA(R(1.5), even_near, odd_near);                       /*  3/2 */
    to[2 * gap] = FMA(R(-1.5), even_near, odd_near);                  /* -3/2 */
    to[3 * gap] = FMA(R(1.5), odd_far, even_far);                     /* -9/4 */
    to[4 * gap] = FMA(R(-1.5), odd_far, even_far);                    /* -9/4 */
    to[5 * gap] = FMA(R(-2.25), FMA(R(-2.25), d3, d5), odd_near);     /* -9/4 */
}

/* A^T u along one axis: m+2 numbers become m. The columns of +-2/3 come 27/8 times. */
INLINE void output_axis(const int m, const vector *u, const int step, vector *to, const int gap)
{
    if (m == 1) {
        to[0] = u[0];
        return;
    }
    const vector u0 = u[0], u1 = u[step], u2 = u[2 * step], u3 = u[3 * step];
    if (m == 2) {
        to[0] = u0 + (u1 + u2);
        to[gap] = (u1 - u2) + u3;
        return;
    }
    const vector u4 = u[4 * step], u5 = u[5 * step];
    const vector even_near = u1 + u2, odd_near = u1 - u2, even_far = u3 + u4, odd_far = u3 - u4;
    to[0] = FMA(R(3.375), even_near, u0 + even_far);
    to[gap] = FMA(R(1.5), odd_far, R(2.25) * odd_near);
    to[2 * gap] = FMA(R(1.5), even_near, R(2.25) * even_far);
    to[3 * gap] = FMA(R(3.375), odd_far, odd_near + u5);
}

/* The transposes, for the gradient of the weights: A y, m numbers become m+2; and G^T u, m+2 numbers become three. */
INLINE void spread_axis(const int m, const vector *y, const int step, vector *to, const int gap)
{
    if (m == 1) {
        to[0] = y[0];
        return;
    }
    const vector y0 = y[0], y1 = y[step];
    to[0] = y0;
    if (m == 2) {
        to[gap] = y0 + y1;
        to[2 * gap] = y0 - y1;
        to[3 * gap] = y1;
        return;
    }
    const vector y2 = y[2 * step], y3 = y[3 * step];
    const vector even_near = FMA(R(3.375), y0, R(1.5) * y2), odd_near = FMA(R(2.25), y1, y3);
    const vector even_far = FMA(R(2.25), y2, y0), odd_far = FMA(R(3.375), y3, R(1.5) * y1);
    to[gap] = even_near + odd_near;
    to[2 * gap] = even_near - odd_near;
    to[3 * gap] = even_far + odd_far;
    to[4 * gap] = even_far - odd_far;
    to[5 * gap] = y3;
}

#define NEAR ((real)(16 / 130.0L))                                      /* as in winograd_pack.c */
#define FAR  ((real)(64 / 1170.0L))
#define END  ((real)(4 / 9.0L))
INLINE void weight_axis(const int m, const vector *u, const int step, vector *to, const int gap)
{
    if (m == 1) {
        to[0] = u[0];
        return;
    }
    const vector u0 = u[0], u1 = u[step], u2 = u[2 * step], u3 = u[3 * step];
    if (m == 2) {
        const vector even = R(0.5) * (u1 + u2);
        to[0] = u0 + even;
        to[gap] = R(0.5) * (u1 - u2);
        to[2 * gap] = even + u3;
        return;
    }
    const vector u4 = u[4 * step], u5 = u[5 * step];
    const vector near = NEAR * (u1 - u2), far = FAR * (u3 + u4);
    to[0] = -FMA(END, u0, near + far);
    to[gap] = -FMA(NEAR * R(2.0) / R(3.0), u1 + u2, FAR * R(1.5) * (u3 - u4));
    to[2 * gap] = -FMA(END, near, FMA(R(2.25), far, END * u5));
}

#define SIDE(m) ((m) > 1 ? (m) + 2 : 1)
#define TAPS(m) ((m) > 1 ? 3 : 1)

INLINE void input_tile(const int mt, const int mh, const int mw, const real *const *pixel, const real *const *next,
                       int channels, real *v, int64_t point, int wide, int64_t strip)
{
    const int nt = SIDE(mt), nh = SIDE(mh), nw = SIDE(mw);
    real *to = v;
    for (int c = 0, lane = 0; c < channels; c += WIDTH) {
        vector rows[FL_WINOGRAD_POINTS];
        UNROLL for (int h = 0; h < nt * nh; h++) {
            vector row[6];
            UNROLL for (int w = 0; w < nw; w++) {
                row[w] = *(const loose *)(pixel[h * nw + w] + c);
                if (VECTOR_BYTES * (c / WIDTH) % 64 == 0) __builtin_prefetch(next[h * nw + w] + c, 0, 3);
            }
            input_axis(mw, row, 1, rows + h * nw, 1);
        }
        UNROLL for (int w = 0; w < nw; w++) {              /* the other axis, along which the tile has more than one */
            vector column[6];
            input_axis(mt > 1 ? mt : mh, rows + w, nw, column, 1);
            UNROLL for (int h = 0; h < nt * nh; h++) *(loose *)(to + (h * nw + w) * point) = column[h];
        }
        to += WIDTH, lane += WIDTH;
        if (lane == wide) to += strip - wide, lane = 0;
    }
}

/* What is left over is made with the last whole vector, part of which has been made before: v and the pixels do not overlap, or the
 * channels are whole vectors. */
INLINE void output_tile(const int mt, const int mh, const int mw, const real *v, int64_t point, const real *bias,
                        int channels, real *const *pixel, int64_t further)
{
    const int nt = SIDE(mt), nh = SIDE(mh), nw = SIDE(mw);
    for (int first = 0; first < channels; first += WIDTH) {
        const int c = channels - first >= WIDTH || channels < WIDTH ? first : channels - WIDTH;
        vector rows[6 * 4], y[4 * 4];
        const vector b = *(const loose *)(bias + c);
        const int lanes = channels - c;
        UNROLL for (int h = 0; h < nt * nh; h++) {
            vector row[6];
            UNROLL for (int w = 0; w < nw; w++) row[w] = *(const loose *)(v + (h * nw + w) * point + c);
            output_axis(mw, row, 1, rows + h * mw, 1);
        }
        UNROLL for (int w = 0; w < mw; w++) output_axis(mt > 1 ? mt : mh, rows + w, mw, y + w, mw);
        for (int i = 0; i < mt * mh * mw; i++) {
            real *to = pixel[i] ? pixel[i] + further : NULL;
            const vector sum = y[i] + b;             /* cppcheck-suppress uninitvar ; output_axis writes them all */
            if (!to) continue;
            if (lanes >= WIDTH) *(loose *)(to + c) = sum;
            else memcpy(to + c, &sum, (size_t)lanes * sizeof *to);
        }
    }
}

INLINE void spread_vector(const int mt, const int mh, const int mw, const real *const *pixel, int c, real *to, int64_t point)
{
    const int nt = SIDE(mt), nh = SIDE(mh), nw = SIDE(mw);
    vector rows[FL_WINOGRAD_POINTS];
    UNROLL for (int h = 0; h < mt * mh; h++) {
        vector row[4];
        UNROLL for (int w = 0; w < mw; w++) row[w] = *(const loose *)(pixel[h * mw + w] + c);
        spread_axis(mw, row, 1, rows + h * nw, 1);
    }
    UNROLL for (int w = 0; w < nw; w++) {
        vector column[6];
        spread_axis(mt > 1 ? mt : mh, rows + w, nw, column, 1);
        UNROLL for (int h = 0; h < nt * nh; h++) *(loose *)(to + (h * nw + w) * point) = column[h];
    }
}

INLINE void weight_tile(const int mt, const int mh, const int mw, const real *v, int64_t point, int lanes, bool add, real *to, int64_t tap)
{
    const int nt = SIDE(mt), nh = SIDE(mh), nw = SIDE(mw), kw = TAPS(mw), kh = TAPS(mt > 1 ? mt : mh);
    for (int c = 0; c < lanes; c += WIDTH) {
        vector rows[6 * 3], w[3 * 3];
        UNROLL for (int h = 0; h < nt * nh; h++) {
            vector row[6];
            UNROLL for (int i = 0; i < nw; i++) row[i] = *(const loose *)(v + (h * nw + i) * point + c);
            weight_axis(mw, row, 1, rows + h * kw, 1);
        }
        UNROLL for (int i = 0; i < kw; i++) weight_axis(mt > 1 ? mt : mh, rows + i, kw, w + i, kw);
        for (int i = 0; i < kh * kw; i++) {
            real *at = to + i * tap + c;
            if (lanes - c >= WIDTH) *(loose *)at = add ? (vector)*(loose *)at + w[i] : w[i];
            else for (int l = 0; l < lanes - c; l++) at[l] = add ? at[l] + w[i][l] : w[i][l];
        }
    }
}

#define TILES(DO)                                                                             \
    if (m[2] == 4) DO(1, 4, 4)                                                                \
    else if (m[2] == 2) DO(1, 2, 2)                                                           \
    else if (m[0] == 4) DO(4, 1, 1)                                                           \
    else DO(2, 1, 1)

static void input(const int m[3], const real *const *pixel, const real *const *next, int channels, real *v,
                  int64_t step, int wide, int64_t strip)
{
#define INPUT(t, h, w) { input_tile(t, h, w, pixel, next, channels, v, step, wide, strip); }
    TILES(INPUT)
}

static void output(const int m[3], const real *v, int64_t step, const real *bias, int channels, real *const *pixel, int tiles,
                   int64_t v_next, int64_t pixel_next)
{
#define OUTPUT(t, h, w) \
    { for (int i = 0; i < tiles; i++) output_tile(t, h, w, v + i * v_next, step, bias, channels, pixel, i * pixel_next); }
    TILES(OUTPUT)
}

static void spread(const int m[3], const real *const *pixel, int strips, int low, int high, int tall, real *v, int64_t step,
                   int64_t strip)
{
#define SPREAD(t, h, w) {                                                                                                    \
        for (int s = 0, first = 0; s < strips; s++, first += low + (s <= high))                                              \
            for (int c = 0; c < tall; c += WIDTH) spread_vector(t, h, w, pixel, first + c, v + s * strip + c, step);         \
    }
    TILES(SPREAD)
}

static void weight(const int m[3], const real *v, int64_t step, int lanes, bool add, real *to, int64_t tap)
{
#define WEIGHT(t, h, w) { weight_tile(t, h, w, v, step, lanes, add, to, tap); }
    TILES(WEIGHT)
}

extern const fl_transforms PASTE(fl_transforms_, ISA);
const fl_transforms PASTE(fl_transforms_, ISA) = {input, output, spread, weight};
