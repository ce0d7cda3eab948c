/* disc.h: soft discs of a mask's cells (autograd/ops/smoothmax.c), one table of loops per instruction set (kernels.h).
 *
 * A cell of value x at distance d has v = kappa(d) x and e = exp(cold v). A disc has a line for each |h|: its columns from the first
 * to the last, then zeros, so that no loop ends within FL_DISC_LANES numbers. Both sides of a centre are alike:
 * lines are made from kappa's, a symmetric matrix that has a number for each |h| and |w|:
 *
 *   light:   lines v e and e - 1          what a cell adds to a pixel beyond what a cell of 0 does
 *   slope:   lines kappa e (1 + cold v) and kappa e cold
 *   add:     to += line, row by row       rows begin .. end-1 of the disc; row r is that of |r - above|
 *   gather:  sum over the disc of line[0] a - line[1] b, in FL_DISC_LANES partial sums, then over these in their order
 *
 * All in double, e within 4e-16 of itself; where |cold x| is more than 700, as if it were 700. Without contraction: the same bits from
 * every table. */
#ifndef FL_DISC_H
#define FL_DISC_H

#include <stdint.h>

enum { FL_DISC_LANES = 8 };

static inline int64_t fl_disc_lanes(int64_t n) { return (n + FL_DISC_LANES - 1) / FL_DISC_LANES * FL_DISC_LANES; }

typedef struct fl_disc {
    int taps, above;           /* rows and columns; those before the centre */
    int far;                   /* largest |h| or |w| */
    int64_t width;             /* of a line: the taps in whole lanes */
    double cold;
} fl_disc;

static inline fl_disc fl_disc_of(int taps, int above, double cold)
{
    const int far = above > taps - 1 - above ? above : taps - 1 - above;
    return (fl_disc){taps, above, far, fl_disc_lanes(taps), cold};
}

/* From the centre on: columns of a line, or of its left side where that is longer; numbers of a line of kappa, and lines, 0 beyond far. */
static inline int64_t fl_disc_columns(const fl_disc *d) { return d->width - d->above > d->far + 1 ? d->width - d->above : d->far + 1; }
static inline int64_t fl_disc_half(const fl_disc *d) { return fl_disc_lanes(fl_disc_columns(d)); }
static inline int64_t fl_disc_square(const fl_disc *d) { return fl_disc_half(d) * fl_disc_half(d); }
/* of all lines, and behind the last what may be written too far */
static inline int64_t fl_disc_numbers(const fl_disc *d) { return (d->far + 1) * d->width + fl_disc_half(d); }

typedef struct fl_disc_loops {
    /* the third line: room for as many numbers as kappa has */
    void (*light)(const fl_disc *, const double *kappa, double x, double *const line[3]);
    void (*slope)(const fl_disc *, const double *kappa, double x, double *const line[3]);
    /* to, a, b: the disc's own first row and column, whole lines of it; a row is `step` numbers */
    void   (*add)   (const fl_disc *, const double *line, int begin, int end, double *to, int64_t step);
    double (*gather)(const fl_disc *, double *const line[3], int begin, int end, const double *a, const double *b, int64_t step);
} fl_disc_loops;

#endif
