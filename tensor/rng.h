/* rng.h: counter-based random numbers: value = f(seed, stream, index), with no state that could depend on an order.
 *
 *   bits(seed, stream, index) = mix(mix(key + (index+1) g) ^ mix(key)),    g = 2^64 / golden ratio,
 *   key = mix(mix(seed + g) ^ (stream+1) g)
 *
 * mix is the bijective finaliser of splitmix64 (Steele, Lea, Flood 2014). A seed is the user's; a stream is one
 * purpose (the noise of sample 7, the masks, the shuffle of epoch 3); an index counts within it. Any element can be
 * computed alone, so results depend neither on threads nor on batches. Everything is computed in double with the
 * functions of math.h: float32 and float64 builds, and all compilers, see the same values. Not for secrets. */
#ifndef FL_RNG_H
#define FL_RNG_H

#include "tensor/real.h"

#include <stdint.h>

uint64_t fl_rng_bits   (uint64_t seed, uint64_t stream, uint64_t index);          /* 64 uniform bits */
double   fl_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index);          /* [0,1), a multiple of 2^-53 */
int      fl_rng_below  (uint64_t seed, uint64_t stream, uint64_t index, int n); /* 0 .. n-1, n >= 1; bias < n/2^64 */

/* Mean 0, variance 1 (Box-Muller). Indices 2i and 2i+1 share two uniforms, taken from the indices from 2^63 on: one
 * stream may serve uniform and normal numbers. */
double   fl_rng_normal (uint64_t seed, uint64_t stream, uint64_t index);

/* to[i] = fl_rng_normal(seed, stream, first + i) for i = 0 .. n-1: in pairs, in half the time. */
enum { FL_RNG_RUN = 512 };           /* how many a caller asks for at once, if it has no reason for another number */
void fl_rng_normals(uint64_t seed, uint64_t stream, uint64_t first, double *to, int n);

/* to[i] = fl_rng_normal(seed, stream, first + i), rounded to real, for i = 0 .. n-1. */
void fl_rng_fill_normal(uint64_t seed, uint64_t stream, uint64_t first, real *to, int64_t n);

/* A cursor, where code naturally draws one after the other; every draw moves index by one. */
typedef struct fl_rng { uint64_t seed, stream, index; } fl_rng;

double fl_rng_next_uniform(fl_rng *);
double fl_rng_next_normal (fl_rng *);
int    fl_rng_next_below  (fl_rng *, int n);
void   fl_rng_shuffle(int *items, int n, fl_rng *);     /* Fisher-Yates: every order equally likely */

/* Formula parameters: reference weights without a file. Element i of splitmix64 started at the FNV-1a hash of the
 * name, its top 24 bits as a number in [0,1), exact in float32:
 *     uint64_t h = fl_rng_name("conv1.weight");      u = fl_rng_named(h, i); */
uint64_t fl_rng_name (const char *name);
double   fl_rng_named(uint64_t name_hash, uint64_t i);

#endif
