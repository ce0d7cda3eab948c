/* peak.c: multiply-adds and memory at full speed. */
#include "tensor/peak.h"

#include "tensor/kernels.h"
#include "tensor/par.h"

#include <time.h>

enum { TRIES = 48, ARRAY_BYTES = 64 << 20, BLOCK = 1 << 16 };
static const double SECONDS_ENOUGH = 0.3;      /* of tries of one kind, on a machine that is busy otherwise */
static const double SECONDS_PER_TRY = 0.002;   /* short: some tries then meet an undisturbed machine */

double fl_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds that one thread or all need for so many rounds each, started together; the best of some tries. */
static double time_rounds(const fl_kernels *k, int threads, int64_t rounds, int tries, volatile real *sink)
{
    double least = 1e30, begin = fl_clock();
    for (int t = 0; t < tries && (t < 3 || fl_clock() - begin < SECONDS_ENOUGH); t++) {
        const double start = fl_clock();
        if (threads == 1) {
            sink[0] = k->multiply_add(rounds);
        } else {
            FL_PARALLEL(i, threads, 2 * FL_PARALLEL_MIN) sink[i * 64] = k->multiply_add(rounds);
        }
        const double seconds = fl_clock() - start;
        if (seconds < least) least = seconds;
    }
    return least;
}

static double best_flops(const fl_kernels *k, int threads, volatile real *sink)
{
    int64_t rounds = 1000;
    while (time_rounds(k, 1, rounds, 3, sink) < SECONDS_PER_TRY) rounds *= 2;
    return k->flops_per_round * (double)rounds * threads / time_rounds(k, threads, rounds, TRIES, sink);
}

static double time_triad(real *a, const real *b, const real *c, int64_t n, real s)
{
    const double start = fl_clock();
    FL_PARALLEL(block, n / BLOCK, n) {
        for (int64_t i = block * BLOCK; i < (block + 1) * BLOCK; i++) a[i] = b[i] + s * c[i];
    }
    return fl_clock() - start;
}

fl_status fl_peak_measure(fl_arena *arena, fl_peak *peak)
{
    const fl_mark mark = fl_arena_mark(arena);
    const int64_t n = ARRAY_BYTES / (int64_t)sizeof(real);
    real *sink = FL_NEW(arena, real, (int64_t)FL_MAX_THREADS * 64);
    real *a = FL_NEW(arena, real, n), *b = FL_NEW(arena, real, n), *c = FL_NEW(arena, real, n);
    if (!sink || !a || !b || !c) {
        fl_arena_release(arena, mark);
        return FL_FAILED;
    }
    peak->threads = fl_threads();
    peak->flops_one_thread = best_flops(fl_kernels_now(), 1, sink);
    peak->flops = peak->threads > 1 ? best_flops(fl_kernels_now(), peak->threads, sink) : peak->flops_one_thread;
    double begin = fl_clock(), least = time_triad(a, b, c, n, R(0.5));
    for (int i = 1; i < TRIES && (i < 3 || fl_clock() - begin < SECONDS_ENOUGH); i++) {
        const double seconds = time_triad(a, b, c, n, (real)i);
        if (seconds < least) least = seconds;
    }
    peak->bytes = 3.0 * ARRAY_BYTES / least;
    fl_arena_release(arena, mark);
    return FL_OK;
}
