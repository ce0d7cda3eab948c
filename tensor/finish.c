/* finish.c: finishing goes through the table of the instruction set; kernels_body.h has the loop. */
#include "tensor/finish.h"

#include "tensor/kernels.h"
#include "tensor/par.h"

void fl_finish_some(const fl_finish *f, const real *sum, int64_t at, int64_t count, real *to)
{
    fl_kernels_now()->finish(f, sum, at, count, to);
}

void fl_finish_all(const fl_finish *f, const real *sum, int64_t count, real *to)
{
    enum { BLOCK = 16384 };
    const fl_kernels *kernels = fl_kernels_now();
    FL_PARALLEL(block, (count + BLOCK - 1) / BLOCK, count) {
        const int64_t at = block * BLOCK;
        kernels->finish(f, sum + at, at, count - at < BLOCK ? count - at : BLOCK, to);
    }
}
