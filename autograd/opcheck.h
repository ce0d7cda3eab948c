/* opcheck.h: is a node what its op's name says? Three figures, each 0 for a perfect op in exact arithmetic, of any node and any
 * operands: an example of the op, or a node of a network with the values that it has there.
 *
 *   value      |forward - definition| / largest |y|                    the definition: naive.h, one element at a time, in double
 *   adjoint    |<Jv,g> - <v,J'g>| / (|y| |g|), v and g random          of operands in which the op is affine
 *   slope      |vjp of 1 - difference quotient of the definition| / largest slope       of maps; also in float32 to its last bits,
 *              since the quotient is taken in double: five points, h a power of two near |x|/512 where x has 12 bits. A slope
 *              that is made from y (y (1 - y), of a sigmoid) is known to the rounding of y: 2^20 of its last bits, at
 *              most of those of 1, stand for the largest slope where that is less, or saturated gates would be called wrong
 *
 * Rounding: a sum of n products is off by about sqrt(n) units in the last place, so bounds grow with that (fl_opcheck_bound). */
#ifndef FL_OPCHECK_H
#define FL_OPCHECK_H

#include "autograd/graph.h"

typedef struct fl_opcheck {
    double worst;              /* NAN: a value is missing or no number */
    int64_t checked, kinks;    /* elements compared; left out, because the slope jumps there */
    int64_t at;                /* the worst one */
    double got, wanted;
} fl_opcheck;

/* At most `samples` elements, evenly drawn by the seed; all where there are no more. False: memory ran out. */
bool fl_opcheck_value(const fl_node *, const real *const in[], const real *y, int64_t samples, uint64_t seed, fl_opcheck *);
bool fl_opcheck_slope(const fl_node *, const real *const in[], int64_t samples, uint64_t seed, fl_arena *scratch, fl_opcheck *);

/* Operand k, in which the op must be affine: fl_opcheck_affine. */
bool fl_opcheck_adjoint(const fl_node *, const real *const in[], int k, uint64_t seed, fl_arena *scratch, fl_opcheck *);
bool fl_opcheck_affine(const fl_node *, int k);

/* What rounding alone may reach in `value` and `adjoint`. */
double fl_opcheck_bound(const fl_node *);

#endif
