/* rng_parts.h: from an index to its bits, and from two of them to a pair of normal numbers. Internal to tensor/. */
#ifndef FL_RNG_PARTS_H
#define FL_RNG_PARTS_H

#include "tensor/math.h"

#define FL_GOLDEN 0x9E3779B97F4A7C15u     /* 2^64 divided by the golden ratio, odd */

static inline uint64_t fl_mix64(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static inline uint64_t fl_key(uint64_t seed, uint64_t stream) { return fl_mix64(fl_mix64(seed + FL_GOLDEN) ^ (stream + 1) * FL_GOLDEN); }

/* Two rounds under two keys: one round would make all streams pieces of one sequence, which might overlap. */
static inline uint64_t fl_bits(uint64_t key, uint64_t index) { return fl_mix64(fl_mix64(key + (index + 1) * FL_GOLDEN) ^ fl_mix64(key)); }

static inline double fl_unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

/* Box-Muller: radius sqrt(-2 ln u1), u1 in (0,1], and angle 2 pi u2; the even index takes cos, the odd one sin. */
static inline void fl_normal_pair(uint64_t key, uint64_t pair, double *radius, double *angle)
{
    const uint64_t upper = (uint64_t)1 << 63;            /* the half of the index space that is set apart for this */
    *radius = sqrt(-2.0 * fl_log64(1.0 - fl_unit(fl_bits(key, upper + 2 * pair))));
    *angle = 2.0 * FL_PI * fl_unit(fl_bits(key, upper + 2 * pair + 1));
}

#endif
