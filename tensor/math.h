/* math.h: exp, log, tanh, sigmoid, erf, sin, cos, pow of our own, so that bits do not follow the version of libm.
 *
 *   exp(x)  = 2^k exp(r),           x = k ln2 + r, |r| <= ln2/2, exp(r) by its Taylor series to r^13/13!
 *   log(x)  = k ln2 + 2 atanh(s),   x = 2^k (1+f), s = f/(2+f),  atanh by its Taylor series to s^21/21
 *   tanh(x) = E/(E+2),              E = exp(2x) - 1 without cancellation
 *
 * The coefficients are 1/n! and 2/n, so they can be checked by eye. Everything is computed in double; the
 * functions on real round the result once, which leaves at most 0.51 ulp in float32. In float64 the relative error
 * stays below 1e-15 (pow: 1e-14). There are no branches, so loops over these functions pipeline well.
 *
 * Special values are those of C99: exp(-inf) = 0, overflow gives inf, log(0) = -inf, log(x < 0) = NaN, NaN
 * stays NaN, subnormal arguments and results are exact to the last bit that they have.
 *
 * Not for kernels_*.c: those are compiled with contraction, and a fused multiply-add would change bits here. */
#ifndef FL_MATH_H
#define FL_MATH_H

#include "tensor/real.h"

#include <math.h>      /* fabs, copysign, INFINITY, NAN: exact, hence the same everywhere */
#include <stdint.h>
#include <string.h>

#define FL_PI  3.14159265358979323846
#define FL_LN2 0.69314718055994530942
#define FL_LN2_HIGH 0x1.62e42fee00000p-1    /* the first 32 bits of ln2: k * FL_LN2_HIGH is exact for |k| < 2^21 */
#define FL_LN2_LOW  0x1.a39ef35793c76p-33

static inline uint64_t fl_bits_of(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double fl_double_of(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* x = k ln2 + r; returns q = exp(r) - 1. NaN gives NaN (and any k). */
static inline double fl_exp_reduced(double x, int64_t *k)
{
    const double to_integer = 0x1.8p52;        /* added to x, rounds it to an integer in the low bits */
    double shifted = x * 1.44269504088896340736 + to_integer;
    *k = (int64_t)(fl_bits_of(shifted) - fl_bits_of(to_integer));
    double whole = shifted - to_integer;
    double r = (x - whole * FL_LN2_HIGH) - whole * FL_LN2_LOW;
    double p = 1.0 / 6227020800;                                     /* 1/13! */
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 1.0 / 2;
    return r + r * r * p;
}

static inline double fl_power_of_two(int64_t k)                      /* -1022 <= k <= 1023 */
{
    return fl_double_of((uint64_t)(k + 1023) << 52);
}

static inline double fl_exp64(double x)
{
    x = x > 710.0 ? 710.0 : x;                                       /* beyond: inf anyway */
    x = x < -746.0 ? -746.0 : x;                                     /* beyond: 0 anyway */
    int64_t k;
    double q = fl_exp_reduced(x, &k);
    int64_t half = k >> 1;                                           /* two factors: 2^k alone may be out of range */
    return (1.0 + q) * fl_power_of_two(half) * fl_power_of_two(k - half);
}

static inline double fl_log64(double x)
{
    int tiny = x < 0x1p-1022;
    double normal = tiny ? x * 0x1p54 : x;
    const uint64_t one = 0x3ff0000000000000u, root_half = 0x3fe6a09e667f3bcdu;
    uint64_t u = fl_bits_of(normal) + (one - root_half);
    double k = (double)((int)(u >> 52) - 1023 - (tiny ? 54 : 0));
    double f = fl_double_of((u & 0x000fffffffffffffu) + root_half) - 1.0;   /* sqrt(1/2) <= 1+f < sqrt(2) */
    double s = f / (2.0 + f), z = s * s;
    double p = 2.0 / 21;
    p = p * z + 2.0 / 19;
    p = p * z + 2.0 / 17;
    p = p * z + 2.0 / 15;
    p = p * z + 2.0 / 13;
    p = p * z + 2.0 / 11;
    p = p * z + 2.0 / 9;
    p = p * z + 2.0 / 7;
    p = p * z + 2.0 / 5;
    p = p * z + 2.0 / 3;
    double square = 0.5 * f * f;                                     /* 2s = f - f*f/2 + s*f*f/2: f stays exact */
    double y = k * FL_LN2_HIGH + (f - (square - (s * (square + z * p) + k * FL_LN2_LOW)));
    y = x > 1.7976931348623157e308 ? x : y;
    y = x == 0 ? -(double)INFINITY : y;
    return x >= 0 ? y : (double)NAN;
}

static inline double fl_tanh64(double x)
{
    double twice = 2.0 * fabs(x);
    twice = twice > 40.0 ? 40.0 : twice;                             /* tanh(20) is 1 in double */
    int64_t k;
    double q = fl_exp_reduced(twice, &k), scale = fl_power_of_two(k & 63);   /* k <= 58; the mask is for NaN */
    double e = scale * q + (scale - 1.0);
    return copysign(e / (e + 2.0), x);
}

/* 1 / (1 + exp(-x)), with relative precision on both sides. */
static inline double fl_sigmoid64(double x)
{
    double e = fl_exp64(-fabs(x));
    return (x < 0 ? e : 1.0) / (1.0 + e);
}

/* x = k pi/2 + r with |r| <= pi/4; pi/2 in three parts of 33 bits, so that k times the first two is exact. */
static inline double fl_quarter_turns(double x, uint64_t *quadrant)
{
    const double to_integer = 0x1.8p52;
    const double part1 = 0x1.921fb54400000p+0, part2 = 0x1.0b4611a600000p-34, part3 = 0x1.3198a2e037073p-69;
    double shifted = x * (2.0 / FL_PI) + to_integer;
    double k = shifted - to_integer;
    *quadrant = fl_bits_of(shifted) & 3;
    return ((x - k * part1) - k * part2) - k * part3;
}

/* Taylor series on |r| <= pi/4: the term left out is r^19/19! < 1e-19 for sin, r^18/18! < 3e-18 for cos. */
static inline double fl_sin_of_remainder(double r)
{
    double z = r * r, p = 1.0 / 355687428096000;                     /* 1/17! */
    p = p * z - 1.0 / 1307674368000;
    p = p * z + 1.0 / 6227020800;
    p = p * z - 1.0 / 39916800;
    p = p * z + 1.0 / 362880;
    p = p * z - 1.0 / 5040;
    p = p * z + 1.0 / 120;
    p = p * z - 1.0 / 6;
    return r + r * (z * p);
}

static inline double fl_cos_of_remainder(double r)
{
    double z = r * r, p = 1.0 / 20922789888000;                      /* 1/16! */
    p = p * z - 1.0 / 87178291200;
    p = p * z + 1.0 / 479001600;
    p = p * z - 1.0 / 3628800;
    p = p * z + 1.0 / 40320;
    p = p * z - 1.0 / 720;
    p = p * z + 1.0 / 24;
    p = p * z - 1.0 / 2;
    return 1.0 + z * p;
}

/* sin(x + quarter pi/2): both series, and then the one that the quadrant asks for, with its sign. */
static inline double fl_sine_family(double x, uint64_t quarter)
{
    uint64_t quadrant;
    double r = fl_quarter_turns(x, &quadrant), sine = fl_sin_of_remainder(r), cosine = fl_cos_of_remainder(r);
    quadrant += quarter;
    double y = fl_double_of(fl_bits_of(quadrant & 1 ? cosine : sine) ^ (quadrant & 2) << 62);
    return fabs(x) <= 1e6 ? y : (double)NAN;
}

/* Radians, |x| <= 1e6 with absolute error < 1e-15; NaN beyond. */
static inline double fl_sin64(double x) { return fl_sine_family(x, 0); }
static inline double fl_cos64(double x) { return fl_sine_family(x, 1); }

double fl_erf64(double x);
double fl_pow64(double x, double y);     /* exp(y log x), x >= 0; error < 1e-14 if |y log x| <= 40; y = 0 gives 1 */

static inline real fl_exp(real x)     { return (real)fl_exp64((double)x); }
static inline real fl_log(real x)     { return (real)fl_log64((double)x); }
static inline real fl_tanh(real x)    { return (real)fl_tanh64((double)x); }
static inline real fl_sigmoid(real x) { return (real)fl_sigmoid64((double)x); }
static inline real fl_erf(real x)     { return (real)fl_erf64((double)x); }

#endif
