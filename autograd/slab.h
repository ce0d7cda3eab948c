/* slab.h: buffers that never live together share memory, in one slab.
 *
 * Each in turn goes to the lowest place where no other that lives with it is in the way (first fit). In the order of birth, and where
 * that leaves gaps, largest first; the shorter slab is taken. To place them best is NP-hard. */
#ifndef FL_SLAB_H
#define FL_SLAB_H

#include "tensor/real.h"

#include <stdint.h>

typedef struct fl_buffer {
    real **to;                 /* where the address goes */
    int64_t count;             /* reals, rounded up to whole cache lines */
    int birth, death;          /* alive in birth .. death, both included, */
    int again, end;            /* and in again .. end, later; again > end: not again */
    int64_t offset;
} fl_buffer;

fl_buffer fl_buffer_make(real **to, int64_t count, int birth, int death);

/* Finds offsets for n buffers, given in the order of birth; room: for 2 n pointers. Returns the length of the slab. */
int64_t fl_slab_place(fl_buffer *, int n, fl_buffer **room);
void    fl_slab_hand_out(const fl_buffer *, int n, real *slab);

#endif
