/* par.c: how many threads a loop may use, and what each begins with. */
#include "tensor/par.h"

#include <stdlib.h>
#include <unistd.h>

double fl_parallel_min = FL_PARALLEL_MIN;
bool fl_parallel_backwards;

static int chosen;

#ifdef _OPENMP
static int clamp(long n) { return n < 1 ? 1 : n > FL_MAX_THREADS ? FL_MAX_THREADS : (int)n; }
#endif

static int by_default(void)
{
#ifdef _OPENMP
    const char *wish = getenv("OMP_NUM_THREADS");
    long n = wish ? strtol(wish, NULL, 10) : 0;
    return clamp(n > 0 ? n : sysconf(_SC_NPROCESSORS_ONLN));
#else
    return 1;
#endif
}

int fl_threads(void)
{
    if (!chosen) chosen = by_default();
    return chosen;
}

void fl_threads_set(int n)
{
#ifdef _OPENMP
    chosen = n > 0 ? clamp(n) : by_default();
#else
    (void)n;
    chosen = 1;
#endif
}

fl_shares *fl_share(fl_shares *s, int64_t items, double work)
{
    s->items = items;
    s->threads = work >= fl_parallel_min ? fl_threads() : 1;
    for (int i = 0; i < s->threads; i++) {
        atomic_init(&s->of[i].next, items * i / s->threads);
        s->of[i].end = items * (i + 1) / s->threads;
    }
    return s;
}
