/* par.h: the only parallel loop. Results never depend on the number of threads.
 *
 *     FL_PARALLEL(i, n, work) { ... writes only what belongs to item i ... }
 *
 * runs the body for i = 0 .. n-1, on several threads when work (a rough count of arithmetic operations of
 * the whole loop) is worth it. Items are fixed by the problem, never by the thread count: one writer per
 * output element. A sum over items is made of one partial per item, added in item order after the loop.
 * No return, break or goto out of the body; no allocation inside. Scratch per thread: fl_thread() in
 * 0 .. fl_threads()-1. Without OpenMP it is a plain loop with the same bits. */
#ifndef FL_PAR_H
#define FL_PAR_H

#include <stdbool.h>
#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>
#define FL_PRAGMA_(text) _Pragma(#text)
#define FL_PARALLEL(i, n, work)                                                                          \
    FL_PRAGMA_(omp parallel for schedule(dynamic, 1) num_threads(fl_threads()) if ((double)(work) >= fl_parallel_min)) \
    FL_ITEMS_(i, n, 0)
static inline int fl_thread(void) { return omp_get_thread_num(); }
#else
#define FL_PARALLEL(i, n, work) FL_ITEMS_(i, n, ((void)(work), 0))
static inline int fl_thread(void) { return 0; }
#endif

/* item counts up, as OpenMP wants it; i is the item, or for tests its mirror image. */
#define FL_ITEMS_(i, n, zero)                                                                            \
    for (int64_t i##_item = (zero); i##_item < (int64_t)(n); i##_item++)                                 \
        for (int64_t i = fl_parallel_backwards ? (int64_t)(n) - 1 - i##_item : i##_item, i##_once = 1; i##_once; i##_once = 0)

#define FL_PARALLEL_MIN 200000.0   /* below about 50 microseconds of arithmetic a loop stays serial */
#define FL_MAX_THREADS  64

/* For tests of bits. min: FL_PARALLEL_MIN; at 0 the smallest loop is split. backwards: items run from the last to the first, so
 * that an item which leans on another, or adds to the same sum, shows itself without luck and on one core. */
extern double fl_parallel_min;
extern bool   fl_parallel_backwards;

int  fl_threads(void);             /* how many a loop may use: fl_threads_set, else OMP_NUM_THREADS, else the cores */
void fl_threads_set(int n);        /* clamped to 1 .. FL_MAX_THREADS; 0 restores the default */

#endif
