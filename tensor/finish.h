/* finish.h: what becomes of a result while it is still in the cache, instead of in passes of their own afterwards:
 *
 *   v = sum + add[i]      v = max(v, 0)      sign[i] = v > 0      v = 0 where gate[i] is 0          in this order, each if asked for
 *
 * Forward that is a residual sum and a ReLU, which leaves one byte per element for the way down; backward it is a second
 * arrival of a signal and a ReLU's gate. The same numbers as in passes of their own, bit for bit. NaN stays NaN. */
#ifndef FL_FINISH_H
#define FL_FINISH_H

#include "tensor/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fl_finish {           /* arrays lie like the result */
    const real *add;                 /* or NULL; may be the result itself: then it is added to */
    bool relu;
    uint8_t *sign;                   /* or NULL; 255 where v is positive, else 0 */
    const uint8_t *gate;             /* or NULL; what sign was */
} fl_finish;

/* to[at + i] from sum[i], i < count; sum may be to + at. */
void fl_finish_some(const fl_finish *, const real *sum, int64_t at, int64_t count, real *to);
/* A pass of its own over to[0 .. count-1]. sum may be to. */
void fl_finish_all(const fl_finish *, const real *sum, int64_t count, real *to);
/* Asks the cache for what finishing these elements will touch. */
void fl_finish_expect(const fl_finish *, int64_t at, int64_t count, const real *to);

#endif
