/* math.c: the functions of math.h that are not called by the million: erf, pow. */
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

double fl_pow64(double x, double y)
{
    return y == 0 ? 1.0 : fl_exp64(y * fl_log64(x));
}
