/* rng.c: a keyed hash of the index, and what is made of its bits. */
#include "tensor/rng.h"

#include "tensor/kernels.h"
#include "tensor/math_runs.h"
#include "tensor/par.h"
#include "tensor/rng_parts.h"
#include "tensor/tensor.h"

uint64_t fl_rng_bits(uint64_t seed, uint64_t stream, uint64_t index) { return fl_bits(fl_key(seed, stream), index); }

double fl_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return fl_unit(fl_rng_bits(seed, stream, index));
}

int fl_rng_below(uint64_t seed, uint64_t stream, uint64_t index, int n)
{
    fl_assert(n >= 1);
    uint64_t bits = fl_rng_bits(seed, stream, index), range = (uint64_t)n;
    uint64_t low = (bits & 0xFFFFFFFFu) * range, high = (bits >> 32) * range;
    return (int)((high + (low >> 32)) >> 32);            /* floor(bits * n / 2^64) */
}

double fl_rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    double radius, angle;
    fl_normal_pair(fl_key(seed, stream), index >> 1, &radius, &angle);
    return radius * (index & 1 ? fl_sin64(angle) : fl_cos64(angle));
}

void fl_rng_normals(uint64_t seed, uint64_t stream, uint64_t first, double *to, int n)
{
    int i = 0;
    if (n > 0 && first & 1) to[i++] = fl_rng_normal(seed, stream, first);
    const int pairs = (n - i) / 2;
    fl_kernels_now()->math->normals(fl_key(seed, stream), (first + (uint64_t)i) >> 1, to + i, pairs);
    i += 2 * pairs;
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
    return (double)(fl_mix64(name_hash + (i + 1) * FL_GOLDEN) >> 40) * 0x1p-24;
}
