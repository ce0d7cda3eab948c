/* math.c: the functions of math.h that are not called by the million: erf, sin, cos, pow. */
#include "tensor/math.h"

/* |x| < 2.25:  erf(x) = 2x/sqrt(pi) exp(-x^2) (1 + 2x^2/3 (1 + 2x^2/5 (1 + ...))), every term positive; the rounding
 *              error of x^2 enters exp and the sum with opposite signs and all but cancels;
 * beyond:      erfc(x) = exp(-x^2)/sqrt(pi) / (x + 1/2/(x + 2/2/(x + 3/2/(x + ...)))), Laplace's continued fraction.
 * At 2.25, where both are at their worst, 33 terms and 37 fractions leave out less than 1e-17. */
double fl_erf64(double x)
{
    const double two_over_root_pi = 1.12837916709551257390;
    double a = fabs(x), z = 2.0 * x * x;
    if (a > 6.0) return copysign(1.0, x);                            /* erfc(6) = 2e-17 */
    if (a < 2.25) {
        double sum = 1.0;
        for (int n = 33; n > 0; n--) sum = 1.0 + sum * (z / (2 * n + 1));
        return two_over_root_pi * x * (fl_exp64(-0.5 * z) * sum);
    }
    double tail = a;
    for (int n = 37; n > 0; n--) tail = a + 0.5 * n / tail;
    return copysign(1.0 - 0.5 * two_over_root_pi * fl_exp64(-0.5 * z) / tail, x);
}

/* x = k pi/2 + r with |r| <= pi/4; pi/2 in three parts of 33 bits, so that k times the first two is exact. */
static double quarter_turns(double x, uint64_t *quadrant)
{
    const double to_integer = 0x1.8p52;
    const double part1 = 0x1.921fb54400000p+0, part2 = 0x1.0b4611a600000p-34, part3 = 0x1.3198a2e037073p-69;
    double shifted = x * (2.0 / FL_PI) + to_integer;
    double k = shifted - to_integer;
    *quadrant = fl_bits_of(shifted) & 3;
    return ((x - k * part1) - k * part2) - k * part3;
}

/* Taylor series on |r| <= pi/4: the term left out is r^19/19! < 1e-19 for sin, r^18/18! < 3e-18 for cos. */
static double sin_of_remainder(double r)
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

static double cos_of_remainder(double r)
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

static double sine_family(double x, uint64_t quarter)
{
    if (!(fabs(x) <= 1e6)) return (double)NAN;
    uint64_t quadrant;
    double r = quarter_turns(x, &quadrant);
    quadrant = (quadrant + quarter) & 3;
    double y = quadrant & 1 ? cos_of_remainder(r) : sin_of_remainder(r);
    return quadrant & 2 ? -y : y;
}

double fl_sin64(double x) { return sine_family(x, 0); }
double fl_cos64(double x) { return sine_family(x, 1); }

double fl_pow64(double x, double y)
{
    return y == 0 ? 1.0 : fl_exp64(y * fl_log64(x));
}
