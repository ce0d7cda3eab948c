/* peak.h: what this machine can do at most, measured now: the figures that every speed is divided by.
 *
 * Multiply-adds: independent chains in registers, on all fl_threads() threads and on one, with the
 * instruction set in use. Memory: a[i] = b[i] + s*c[i] over arrays that no cache holds, three arrays
 * counted. Other load on the machine lowers both: take them next to the measurement that they are to judge. */
#ifndef FL_PEAK_H
#define FL_PEAK_H

#include "tensor/arena.h"

typedef struct fl_peak {
    int threads;
    double flops, flops_one_thread;      /* per second, a multiply-add is two */
    double bytes;                        /* per second */
} fl_peak;

double fl_clock(void);                   /* seconds since some moment; only differences mean something */

/* The best of some tries; takes about a second and, while it runs, 192 MiB of the arena, released afterwards. */
fl_status fl_peak_measure(fl_arena *, fl_peak *);

#endif
