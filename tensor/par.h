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

#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>
#define FL_PRAGMA_(text) _Pragma(#text)
#define FL_PARALLEL(i, n, work)                                                                          \
    FL_PRAGMA_(omp parallel for schedule(dynamic, 1) num_threads(fl_threads()) if ((double)(work) >= fl_parallel_min)) \
    for (int64_t i = 0; i < (int64_t)(n); i++)
static inline int fl_thread(void) { return omp_get_thread_num(); }
#else
#define FL_PARALLEL(i, n, work) for (int64_t i = ((void)(work), 0); i < (int64_t)(n); i++)
static inline int fl_thread(void) { return 0; }
#endif

#define FL_PARALLEL_MIN 200000.0   /* below about 50 microseconds of arithmetic a loop stays serial */
#define FL_MAX_THREADS  64

extern double fl_parallel_min;     /* FL_PARALLEL_MIN; tests of bits set it to 0, so that the smallest loop is split */

int  fl_threads(void);             /* how many a loop may use: fl_threads_set, else OMP_NUM_THREADS, else the cores */
void fl_threads_set(int n);        /* clamped to 1 .. FL_MAX_THREADS; 0 restores the default */

#endif
