/* least_squares.c: normal equations. Rows of the triangle are one parallel item each. */
#include "attribution/least_squares.h"

#include "tensor/par.h"

#include <math.h>
#include <string.h>

void fl_squares_add(int n, double *sums, double weight, const double *row)
{
    FL_PARALLEL(i, n + 1, (int64_t)n * n) {
        const double by = weight * row[i];
        double *to = sums + fl_squares_at((int)i, 0);
        if (by != 0)
            for (int64_t j = 0; j <= i; j++) to[j] += by * row[j];
    }
}

/* a = L L' in place; false when a pivot is not positive beside its diagonal element. */
static bool decompose(int n, double *a)
{
    for (int i = 0; i < n; i++) {
        double *ai = a + fl_squares_at(i, 0);
        const double diagonal = ai[i];
        for (int j = 0; j <= i; j++) {
            const double *aj = a + fl_squares_at(j, 0);
            double sum = ai[j];
            for (int k = 0; k < j; k++) sum -= ai[k] * aj[k];
            if (j < i) ai[j] = sum / aj[j];
            else if (sum > 1e-11 * diagonal) ai[i] = sqrt(sum);
            else return false;
        }
    }
    return true;
}

static bool solve(int n, const double *sums, double ridge, int penalised, double *b, double *a)
{
    memcpy(a, sums, (size_t)fl_squares_at(n, 0) * sizeof *a);
    for (int i = 0; i < penalised; i++) a[fl_squares_at(i, i)] += ridge;
    if (!decompose(n, a)) return false;
    for (int i = 0; i < n; i++) {
        double sum = sums[fl_squares_at(n, i)];
        for (int k = 0; k < i; k++) sum -= a[fl_squares_at(i, k)] * b[k];
        b[i] = sum / a[fl_squares_at(i, i)];
    }
    for (int i = n - 1; i >= 0; i--) {
        double sum = b[i];
        for (int k = i + 1; k < n; k++) sum -= a[fl_squares_at(k, i)] * b[k];
        b[i] = sum / a[fl_squares_at(i, i)];
    }
    return true;
}

bool fl_squares_solve(int n, const double *sums, double ridge, int penalised, double *b, double *scratch)
{
    if (solve(n, sums, ridge, penalised, b, scratch)) return true;
    double most = 0;
    for (int i = 0; i < n; i++)
        if (sums[fl_squares_at(i, i)] > most) most = sums[fl_squares_at(i, i)];
    if (!(most > 0) || !solve(n, sums, ridge + 1e-9 * most, n, b, scratch)) memset(b, 0, (size_t)n * sizeof *b);
    return false;
}
