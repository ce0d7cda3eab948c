/* rules_loops.h: FL_EACH(i, n) statement: for every i of 0 .. n-1, blocks of 4096 for the threads. */
#ifndef FL_RULES_LOOPS_H
#define FL_RULES_LOOPS_H

#include "tensor/par.h"

enum { FL_EACH_BLOCK = 4096 };
#define FL_EACH(i, n)                                                                                             \
    FL_PARALLEL(fl_block_, ((n) + FL_EACH_BLOCK - 1) / FL_EACH_BLOCK, 2 * (n))                                     \
        for (int64_t i = fl_block_ * FL_EACH_BLOCK; i < (n) && i < (fl_block_ + 1) * FL_EACH_BLOCK; i++)

#endif
