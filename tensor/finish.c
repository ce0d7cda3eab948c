/* finish.c: finishing goes through the table of the instruction set; kernels_body.h has the loop. */
#include "tensor/finish.h"

#include "tensor/kernels.h"
#include "tensor/par.h"

void fl_finish_some(const fl_finish *f, const real *sum, int64_t at, int64_t count, real *to)
{
    fl_kernels_now()->finish(f, sum, 0, at, 0, 1, count, to);
}

void fl_finish_all(const fl_finish *f, const real *sum, int64_t count, real *to)
{
    enum { BLOCK = 16384 };
    const fl_kernels *kernels = fl_kernels_now();
    FL_PARALLEL(block, (count + BLOCK - 1) / BLOCK, count) {
        const int64_t at = block * BLOCK;
        kernels->finish(f, sum + at, 0, at, 0, 1, count - at < BLOCK ? count - at : BLOCK, to);
    }
}

void fl_finish_expect(const fl_finish *f, int64_t at, int64_t count, const real *to)
{
    enum { LINE = 64 / (int)sizeof(real) };
    for (int64_t i = at; i < at + count; i += LINE) {
        __builtin_prefetch(to + i, 1, 2);
        if (f->add) __builtin_prefetch(f->add + i, 0, 2);
    }
    for (int64_t i = at; i < at + count; i += 64) {
        if (f->sign) __builtin_prefetch(f->sign + i, 1, 2);
        if (f->gate) __builtin_prefetch(f->gate + i, 0, 2);
    }
}
