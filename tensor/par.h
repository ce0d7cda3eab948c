/* par.h: the only parallel loop. Results never depend on the number of threads.
 *
 *     FL_PARALLEL(i, n, work) { ... writes only what belongs to item i ... }
 *
 * runs the body for i = 0 .. n-1, on several threads when work (a rough count of arithmetic operations of
 * the whole loop) is worth it. The thread count may decide who does what, and how much goes into one item; it never
 * decides where a sum is split, nor in which order its parts are added: one writer per output element, and a sum over
 * items is made of one partial per item, added in item order after the loop.
 * No return, break or goto out of the body; no allocation inside. Scratch per thread: fl_thread() in
 * 0 .. fl_threads()-1. A loop inside another runs on one thread, whose fl_thread() is 0: its scratch must be the outer
 * item's own. Without OpenMP it is a plain loop with the same bits. */
#ifndef FL_PAR_H
#define FL_PAR_H

#include "tensor/real.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_MAX_THREADS 64

/* Every thread begins with a run of items that is its own: from loop to loop the same part of the arrays, which it finds in its own cache.
 * When it has done them it takes from the runs of those that are behind. */
typedef struct fl_shares {
    int64_t items;
    int threads;
    struct { _Alignas(64) atomic_llong next; int64_t end; } of[FL_MAX_THREADS];
} fl_shares;

typedef struct fl_turn { int share, left; } fl_turn;     /* whose share a thread takes from, and how many it has not been through */

#define FL_PARALLEL(i, n, work)                                                                          \
    for (fl_shares i##_shares, *i##_once = fl_share(&i##_shares, (int64_t)(n), (double)(work)); i##_once; i##_once = NULL) \
        FL_PARALLEL_(num_threads(i##_shares.threads))                                                    \
        for (fl_turn i##_turn = {fl_thread(), i##_shares.threads}; i##_turn.left > 0;)                   \
            for (int64_t i; (i = fl_take(&i##_shares, &i##_turn)) >= 0;)

#ifdef _OPENMP
#include <omp.h>
#define FL_PRAGMA_(text) _Pragma(#text)
#define FL_PARALLEL_(threads) FL_PRAGMA_(omp parallel threads)
static inline int fl_thread(void) { return omp_get_thread_num(); }
#else
#define FL_PARALLEL_(threads)
static inline int fl_thread(void) { return 0; }
#endif

#define FL_PARALLEL_MIN 200000.0   /* below about 50 microseconds of arithmetic a loop stays serial */

/* For tests of bits. min: FL_PARALLEL_MIN; at 0 the smallest loop is split. backwards: items run from the last to the first, so
 * that an item which leans on another, or adds to the same sum, shows itself without luck and on one core. */
extern double fl_parallel_min;
extern bool   fl_parallel_backwards;

/* From a thread's scratch of so many reals to the next one's: caches fetch ahead, and what one thread writes is not to be fetched by
 * another. */
static inline int64_t fl_apart(int64_t reals) { return (reals * (int64_t)sizeof(real) / 4096 + 2) * 4096 / (int64_t)sizeof(real); }

/* FL_EACH(i, n) statement: for every i of 0 .. n-1, by blocks; the statement is a few operations on element i alone. */
enum { FL_EACH_BLOCK = 4096 };
#define FL_EACH(i, n)                                                                                     \
    FL_PARALLEL(fl_block_, ((n) + FL_EACH_BLOCK - 1) / FL_EACH_BLOCK, 4 * (n))                             \
        for (int64_t i = fl_block_ * FL_EACH_BLOCK; i < (n) && i < (fl_block_ + 1) * FL_EACH_BLOCK; i++)

/* For FL_PARALLEL. share: what each thread begins with; take: the next item, or -1 after the last. */
fl_shares *fl_share(fl_shares *, int64_t items, double work);
static inline int64_t fl_take(fl_shares *s, fl_turn *turn)
{
    for (; turn->left > 0; turn->left--, turn->share = (turn->share + 1) % s->threads) {
        const int64_t i = atomic_fetch_add_explicit(&s->of[turn->share].next, 1, memory_order_relaxed);
        if (i < s->of[turn->share].end) return fl_parallel_backwards ? s->items - 1 - i : i;
    }
    return -1;
}

int  fl_threads(void);             /* how many a loop may use: fl_threads_set, else OMP_NUM_THREADS, else the cores */
void fl_threads_set(int n);        /* clamped to 1 .. FL_MAX_THREADS; 0 restores the default */

#endif
