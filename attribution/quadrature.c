/* quadrature.c: the rules of quadrature.h. */
#include "attribution/quadrature.h"

#include "tensor/math.h"

const char *const fl_quadrature_name[] = {"default", "left", "right", "middle", "trapezoid", "gauss_legendre", NULL};

/* P_n(z) by its recurrence  (k+1) P_k+1 = (2k+1) z P_k - k P_k-1,  and P_n'(z) = n (P_n-1 - z P_n) / (1 - z^2). */
static double legendre(int n, double z, double *slope)
{
    double before = 1.0, p = z;
    for (int k = 1; k < n; k++) {
        double next = ((2.0 * k + 1.0) * z * p - k * before) / (k + 1.0);
        before = p;
        p = next;
    }
    *slope = n * (before - z * p) / ((1.0 - z) * (1.0 + z));
    return p;
}

/* Newton from Tricomi's first guess: quadratic, so a handful of rounds ends at rounding. Zeros are symmetric. */
static void gauss_legendre(int n, double *alpha, double *weight)
{
    for (int k = 0; k < (n + 1) / 2; k++) {
        double z = 2 * k + 1 == n ? 0.0 : fl_cos64(FL_PI * (k + 0.75) / (n + 0.5)), slope, step;
        int round = 0;
        do {
            step = legendre(n, z, &slope) / slope;
            z -= step;
        } while (fabs(step) > 1e-15 && ++round < 20);
        legendre(n, z, &slope);
        const double w = 1.0 / ((1.0 - z) * (1.0 + z) * slope * slope);
        alpha[k] = 0.5 * (1.0 - z);                      /* the largest zero comes first */
        alpha[n - 1 - k] = 0.5 * (1.0 + z);
        weight[k] = weight[n - 1 - k] = w;
    }
}

fl_status fl_quadrature_fill(fl_quadrature rule, int n, double *alpha, double *weight, fl_error *err)
{
    fl_assert(rule >= FL_QUADRATURE_LEFT && rule <= FL_QUADRATURE_GAUSS_LEGENDRE);
    const int least = rule == FL_QUADRATURE_TRAPEZOID ? 2 : 1;
    if (n < least || (rule == FL_QUADRATURE_GAUSS_LEGENDRE && n > FL_MAX_GAUSS))
        return fl_error_set(err, FL_USAGE, "steps: the rule %s needs at least %d and at most %d points, got %d",
                            fl_quadrature_name[rule], least,
                            rule == FL_QUADRATURE_GAUSS_LEGENDRE ? FL_MAX_GAUSS : 1 << 30, n);
    if (rule == FL_QUADRATURE_GAUSS_LEGENDRE) {
        gauss_legendre(n, alpha, weight);
        return FL_OK;
    }
    for (int k = 0; k < n; k++) {
        switch (rule) {
        case FL_QUADRATURE_LEFT:   alpha[k] = (double)k / n; break;
        case FL_QUADRATURE_RIGHT:  alpha[k] = (double)(k + 1) / n; break;
        case FL_QUADRATURE_MIDDLE: alpha[k] = (k + 0.5) / n; break;
        default:                   alpha[k] = (double)k / (n - 1); break;
        }
        weight[k] = 1.0 / n;
        if (rule == FL_QUADRATURE_TRAPEZOID) weight[k] = (k == 0 || k == n - 1 ? 0.5 : 1.0) / (n - 1);
    }
    return FL_OK;
}
