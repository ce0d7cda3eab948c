/* rng.c: a keyed hash of the index, and what is made of its bits. */
#include "tensor/rng.h"

#include "tensor/math.h"
#include "tensor/par.h"
#include "tensor/tensor.h"

#define GOLDEN 0x9E3779B97F4A7C15u     /* 2^64 divided by the golden ratio, odd */

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Two rounds under two keys: one round would make all streams pieces of one sequence, which might overlap. */
uint64_t fl_rng_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t key = mix(mix(seed + GOLDEN) ^ (stream + 1) * GOLDEN);
    return mix(mix(key + (index + 1) * GOLDEN) ^ mix(key));
}

static double to_unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

double fl_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return to_unit(fl_rng_bits(seed, stream, index));
}

int fl_rng_below(uint64_t seed, uint64_t stream, uint64_t index, int n)
{
    fl_assert(n >= 1);
    uint64_t bits = fl_rng_bits(seed, stream, index), range = (uint64_t)n;
    uint64_t low = (bits & 0xFFFFFFFFu) * range, high = (bits >> 32) * range;
    return (int)((high + (low >> 32)) >> 32);            /* floor(bits * n / 2^64) */
}

/* Box-Muller: radius sqrt(-2 ln u1), u1 in (0,1], and angle 2 pi u2; the even index takes cos, the odd one sin. */
static void normal_pair(uint64_t seed, uint64_t stream, uint64_t pair, double *radius, double *angle)
{
    const uint64_t upper = (uint64_t)1 << 63;            /* the half of the index space that is set apart for this */
    *radius = sqrt(-2.0 * fl_log64(1.0 - fl_rng_uniform(seed, stream, upper + 2 * pair)));
    *angle = 2.0 * FL_PI * fl_rng_uniform(seed, stream, upper + 2 * pair + 1);
}

double fl_rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    double radius, angle;
    normal_pair(seed, stream, index >> 1, &radius, &angle);
    return radius * (index & 1 ? fl_sin64(angle) : fl_cos64(angle));
}

void fl_rng_normals(uint64_t seed, uint64_t stream, uint64_t first, double *to, int n)
{
    int i = 0;
    if (n > 0 && first & 1) to[i++] = fl_rng_normal(seed, stream, first);
    for (; i + 1 < n; i += 2) {
        double radius, angle;
        normal_pair(seed, stream, (first + (uint64_t)i) >> 1, &radius, &angle);
        to[i] = radius * fl_cos64(angle);
        to[i + 1] = radius * fl_sin64(angle);
    }
    if (i < n) to[i] = fl_rng_normal(seed, stream, first + (uint64_t)i);
}

void fl_rng_fill_normal(uint64_t seed, uint64_t stream, uint64_t first, real *to, int64_t n)
{
    FL_PARALLEL(block, (n + FL_RNG_RUN - 1) / FL_RNG_RUN, n * 100) {
        const int64_t begin = block * FL_RNG_RUN, left = n - begin;
        const int count = left < FL_RNG_RUN ? (int)left : FL_RNG_RUN;
        double e[FL_RNG_RUN];
        fl_rng_normals(seed, stream, first + (uint64_t)begin, e, count);
        for (int i = 0; i < count; i++) to[begin + i] = (real)e[i];
    }
}

double fl_rng_next_uniform(fl_rng *r) { return fl_rng_uniform(r->seed, r->stream, r->index++); }
double fl_rng_next_normal(fl_rng *r) { return fl_rng_normal(r->seed, r->stream, r->index++); }
int fl_rng_next_below(fl_rng *r, int n) { return fl_rng_below(r->seed, r->stream, r->index++, n); }

void fl_rng_shuffle(int *items, int n, fl_rng *r)
{
    for (int i = n - 1; i > 0; i--) {
        int j = fl_rng_next_below(r, i + 1), kept = items[i];
        items[i] = items[j];
        items[j] = kept;
    }
}

uint64_t fl_rng_name(const char *name) { return fl_hash(name, strlen(name)); }

double fl_rng_named(uint64_t name_hash, uint64_t i)
{
    return (double)(mix(name_hash + (i + 1) * GOLDEN) >> 40) * 0x1p-24;
}
