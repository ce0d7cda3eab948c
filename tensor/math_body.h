/* math_body.h: functions over runs of numbers (math_runs.h), written for a compiler that turns loops into vectors; math_*.c set ISA and
 * include it. */
#include "tensor/math_runs.h"
#include "tensor/rng_parts.h"

enum { RUN = 256 };

static void sigmoid(const real *x, int64_t n, real *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = fl_sigmoid(x[i]);
}

static void tanh_of(const real *x, int64_t n, real *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = fl_tanh(x[i]);
}

/* So many numbers as registers hold, all of whose rows come one after the other. */
#define WEIGHTED(at_once)                                                                                  \
    for (; i + (at_once) <= n; i += (at_once)) {                                                           \
        real sum[at_once] = {0};                                                                           \
        for (int64_t t = 0; t < rows; t++)                                                                 \
            for (int l = 0; l < (at_once); l++) sum[l] += k[t] * x[t * step + i + l];                      \
        for (int l = 0; l < (at_once); l++) y[i + l] = sum[l];                                             \
    }

static void weighted(const real *x, int64_t step, const real *k, int64_t rows, int64_t n, real *y)
{
    enum { MANY = 256 / sizeof(real), FEW = 32 / sizeof(real) };
    int64_t i = 0;
    WEIGHTED(MANY)
    WEIGHTED(FEW)
    if (i < n && n >= FEW) i = n - FEW;         /* some of them again */
    WEIGHTED(FEW)
    WEIGHTED(1)
}

static void normals(uint64_t key, uint64_t pair, double *to, int pairs)
{
    double radius[RUN], angle[RUN];
    for (int done = 0; done < pairs; done += RUN, pair += RUN) {
        const int n = pairs - done < RUN ? pairs - done : RUN;
        for (int i = 0; i < n; i++) fl_normal_pair(key, pair + (uint64_t)i, radius + i, angle + i);
        for (int i = 0; i < n; i++) {
            const double r = radius[i], a = angle[i];
            radius[i] = r * fl_cos64(a);
            angle[i] = r * fl_sin64(a);
        }
        for (int i = 0; i < n; i++) {
            to[2 * (done + i)] = radius[i];
            to[2 * (done + i) + 1] = angle[i];
        }
    }
}

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
extern const fl_math_runs PASTE(fl_math_runs_, ISA);
const fl_math_runs PASTE(fl_math_runs_, ISA) = {sigmoid, tanh_of, weighted, normals};
