/* fence.h: arrays between two pages that nobody may touch: a number read or written outside ends the call, and the test says where.
 *
 *     fence_call(what, argument) runs what(argument) on one thread; false when it left its arrays. */
#ifndef FL_TEST_FENCE_H
#define FL_TEST_FENCE_H

#include "tensor/real.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef enum fence_side { FENCE_BEFORE, FENCE_AFTER } fence_side;      /* which end of the array lies at a forbidden page */
typedef struct fence { char *map; size_t size; } fence;

/* `bytes` that begin or end at a forbidden page, all 0xFF (NaN); to the byte, but for what has to lie at multiples of `align`. */
static inline void *fence_array(fence *f, size_t bytes, size_t align, fence_side side)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page) / page * page, up = (bytes + align - 1) / align * align;
    *f = (fence){NULL, inner + 2 * page};
    void *map = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return NULL;
    f->map = map;
    memset(f->map + page, 0xFF, inner);
    if (mprotect(f->map, page, PROT_NONE) != 0 || mprotect(f->map + page + inner, page, PROT_NONE) != 0) return NULL;
    return side == FENCE_BEFORE ? f->map + page : f->map + page + inner - up;
}

static inline void fence_free(fence *f)
{
    if (f->map) munmap(f->map, f->size);
    *f = (fence){NULL, 0};
}

static sigjmp_buf fence_back;
static inline void fence_hit(int signal_number) { siglongjmp(fence_back, signal_number); }

static inline bool fence_call(void (*what)(void *), void *argument)
{
    struct sigaction hit = {.sa_handler = fence_hit}, before[2];
    sigemptyset(&hit.sa_mask);
    sigaction(SIGSEGV, &hit, &before[0]);
    sigaction(SIGBUS, &hit, &before[1]);
    const bool stayed = sigsetjmp(fence_back, 1) == 0;
    if (stayed) what(argument);
    sigaction(SIGSEGV, &before[0], NULL);
    sigaction(SIGBUS, &before[1], NULL);
    return stayed;
}

#endif
