/* optimiser.c: one step of SGD or Adam on one tensor. */
#include "autograd/optimiser.h"

#include "tensor/par.h"

#include <math.h>

enum { BLOCK = 4096 };

fl_optimiser fl_optimiser_sgd(double rate, double momentum, double dampening)
{
    return (fl_optimiser){.kind = FL_SGD, .rate = rate, .momentum = momentum, .dampening = dampening,
                          .correction1 = 1, .correction2 = 1};
}

fl_optimiser fl_optimiser_adam(double rate)
{
    return (fl_optimiser){.kind = FL_ADAM, .rate = rate, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8,
                          .correction1 = 1, .correction2 = 1};
}

int fl_optimiser_states(const fl_optimiser *o) { return o->kind == FL_ADAM ? 2 : 1; }

void fl_optimiser_begin(fl_optimiser *o)
{
    o->steps++;
    o->correction1 *= o->beta1;
    o->correction2 *= o->beta2;
}

static void sgd(const fl_optimiser *o, real *p, real g, real *v)
{
    const double fresh = o->steps == 1 ? (double)g : o->momentum * (double)*v + (1 - o->dampening) * (double)g;
    *v = (real)fresh;
    *p = (real)((double)*p - o->rate * fresh);
}

static void adam(const fl_optimiser *o, real *p, real g, real *m, real *s)
{
    const double mean = o->beta1 * (double)*m + (1 - o->beta1) * (double)g;
    const double square = o->beta2 * (double)*s + (1 - o->beta2) * (double)g * (double)g;
    *m = (real)mean;
    *s = (real)square;
    const double step = mean / (1 - o->correction1) / (sqrt(square / (1 - o->correction2)) + o->eps);
    *p = (real)((double)*p - o->rate * step);
}

void fl_optimiser_update(const fl_optimiser *o, int64_t n, real *value, const real *gradient, real *state1,
                         real *state2, double decay)
{
    FL_PARALLEL(block, (n + BLOCK - 1) / BLOCK, n * 20) {
        const int64_t end = (block + 1) * BLOCK < n ? (block + 1) * BLOCK : n;
        for (int64_t i = block * BLOCK; i < end; i++) {
            const real g = gradient[i] + (real)(decay * (double)value[i]);
            if (o->kind == FL_ADAM) adam(o, &value[i], g, &state1[i], &state2[i]);
            else sgd(o, &value[i], g, &state1[i]);
        }
    }
}
