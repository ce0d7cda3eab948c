/* kernels.h: the hot loops of convolution, one table per instruction set, chosen when the program starts.
 *
 * Everything a convolution does comes down to one loop nest, a small matrix product held in registers:
 *
 *     c[p][v] = start[p][v] + sum over runs (in order), over k in a run, of  a[p, k] * b[k, v]
 *
 * p is a row of the tile (an output pixel, say), v a lane. `tile` takes one number a[p,k] for all lanes,
 * `lanes` takes a vector a[p,k][v] (depthwise convolution). A sum runs in one register lane in the order of
 * the runs, so a result does not depend on the width of a vector nor on the size of a tile: AVX2, AVX-512
 * and NEON give the same bits; `base`, which has no fused multiply-add, differs by rounding.
 *
 * Weights are packed in blocks of FL_BLOCK lanes whatever the instruction set. */
#ifndef FL_KERNELS_H
#define FL_KERNELS_H

#include "tensor/error.h"
#include "tensor/finish.h"
#include "tensor/real.h"

#include <stdint.h>

enum {
    FL_BLOCK = 128 / (int)sizeof(real),   /* lanes of a packed block: two AVX-512 vectors */
    FL_TILE_ROWS = 16,                    /* no tile of any instruction set has more rows */
    FL_NEAR_RUN = 192                     /* so many rows of b stay in the first cache from tile to tile */
};

typedef struct fl_tile {
    const real *a, *b, *start;         /* start NULL: zeros */
    real *c;
    const real *a_rest;                /* exact: remainders of a and c, which lie like them, or NULL */
    real *c_rest;
    int64_t a_row, a_step;             /* a[p,k] is a[p*a_row + k*a_step]; one of the two is 1 (but for `lanes`); */
    int64_t b_step;                    /* b[k,v] is b[k*b_step + v]; FL_BLOCK where a_row is not 1 */
    int64_t start_row, c_row;          /* start_row 0: the same vector for all rows (a bias) */
    int add;                           /* 1: c += the sum, in one rounding at the end; 0: c = the sum */
    int64_t ahead, ahead_step;         /* every second k of a run it asks the first cache for a[ahead], one step further each time */
    const real *later;                 /* what to ask the second cache for, a step further each second k; NULL: nothing. Then, where a */
                                       /* tile of one run of at most FL_NEAR_RUN is repeated, b counts as near, and is not asked for */
    int64_t later_step;
    int in_parts;                      /* 1: every round of the two outer loops is a sum of its own, added to c in one rounding */
    int64_t run;                       /* length of a run; runs: three nested loops, each with its jumps */
    int64_t count[3], a_jump[3], b_jump[3];
    int64_t repeat;                    /* so many more tiles of as many rows, right below one another; `lanes`, exact: 0 */
} fl_tile;

typedef struct fl_kernels {
    const char *name;
    int width;                         /* reals in a vector */
    int vectors;                       /* vectors in the wide tile: the other one has one vector */
    int rows_wide, rows_one;           /* most rows of a tile with `vectors` vectors, and with one */
    void (*tile )(const fl_tile *, int rows, int vectors);   /* vectors: 1 or the field above; writes whole vectors */
    void (*lanes)(const fl_tile *, int rows, int vectors);
    /* to[i*to_step + r] += from[i*from_step + r], r < run, i < count. Up to a vector beyond a run is read and written, unchanged;
     * the runs of `to` must be that far apart. */
    void (*add_runs)(const real *from, int64_t from_step, int run, int count, real *to, int64_t to_step);
    /* to[i*to_step + r] = from[i*from_step + r] likewise, run at most 4 vectors: up to a vector beyond a run is read and written; the
     * runs of `to` may lie end to end, as they are written in order. */
    void (*copy_runs)(const real *from, int64_t from_step, int run, int count, real *to, int64_t to_step);
    /* A pool's window: y = the largest of x[0 .. n-1], the first of equal ones, notes, if not NULL: its `which`. NaN is larger than all.
     * And its way back, from the windows of an element: gx += gy[k] where notes[k] is which[k], k ascending. */
    void (*largest)  (const real *const *x, const uint8_t *which, int n, int64_t count, real *y, uint8_t *notes);
    void (*add_noted)(const uint8_t *const *notes, const uint8_t *which, const real *const *gy, int n, int64_t count, real *gx);
    /* finish.h, for so many rows: the r-th from sum[r*sum_row ..] to to[at + r*at_row ..] */
    void (*finish)(const fl_finish *, const real *sum, int64_t sum_row, int64_t at, int64_t at_row, int rows, int64_t count,
                   real *to);
    real (*multiply_add)(int64_t rounds);                    /* as many multiply-adds per second as there can be */
    double flops_per_round;
    const struct fl_transforms *transforms;                  /* winograd.h */
    const struct fl_disc_loops *disc;                        /* disc.h */
    const struct fl_math_runs *math;                         /* math_runs.h */
    /* tile or (elementwise) lanes, each sum in double, of a and then of its remainder, and rounded once; what that takes off, rounded,
     * is the remainder of c: the same bits from every table. add must be 0. */
    void (*exact)(const fl_tile *, int rows, int vectors, int elementwise);
} fl_kernels;

const fl_kernels *fl_kernels_now(void);

/* NULL or "" takes the environment variable FOOTLIGHT_ISA, or else the best that the machine has. An unknown name
 * or one that this machine lacks is FL_USAGE, and nothing changes. Not to be called while a loop runs. */
fl_status fl_isa_choose(const char *name_or_null, fl_error *);
const char *fl_isa_name(void);
const char *fl_isa_available(int i);   /* the i-th set that this machine has, worst first; NULL after the last */

#endif
