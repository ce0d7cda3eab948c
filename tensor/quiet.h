/* quiet.h: threads that do not spin while they wait. For programs, at the start of main.
 *
 * OpenMP's threads spin while they wait for the next loop; on a busy machine that costs up to a hundred times what it saves.
 * How long they spin is read from the environment when the OpenMP library is loaded, which is before main. So
 * this sets it, where the user has not, and starts the program once more. */
#ifndef FL_QUIET_H
#define FL_QUIET_H

#include <stdlib.h>
#include <unistd.h>

static inline void fl_wait_quietly(char **argv)
{
#ifdef _OPENMP
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || getenv("KMP_BLOCKTIME")) return;
    if (setenv("GOMP_SPINCOUNT", "3000", 1) == 0 && setenv("KMP_BLOCKTIME", "0", 1) == 0)   /* GNU: some 40 microseconds; LLVM */
        execv("/proc/self/exe", argv);
#else
    (void)argv;
#endif
}

#endif
