/* arena.h: the only memory in the library. Allocate, mark, release; free everything at once.
 *
 * Three lifetimes use it: the bundle (weights), a graph (nodes, buffers), scratch (mark, use, release).
 * Memory is 64-byte aligned and zeroed. Blocks of 4 MiB and more sit on 2 MiB pages where the kernel
 * grants them. Released blocks stay with the arena and serve the next allocation: pages are not given
 * back before fl_arena_free or fl_arena_trim, but where there is a limit. Not for two threads at once:
 * allocate before the parallel loop. */
#ifndef FL_ARENA_H
#define FL_ARENA_H

#include "tensor/error.h"

#include <stdarg.h>
#include <stddef.h>

struct fl_block;

typedef struct fl_arena {
    struct fl_block *blocks;   /* newest first */
    struct fl_block *spare;    /* released, to be used again */
    size_t used, peak;         /* bytes handed out now, and at most so far; without what sleeps */
    size_t asleep;             /* bytes handed out that nobody touches yet */
    fl_error *error;           /* where a failure is reported; borrowed */
    struct fl_arena *account;  /* on whose account it takes memory; NULL: its own */
    size_t limit, charged;     /* of an account. 0: no limit; otherwise an allocation that would pass it fails with FL_LIMIT */
} fl_arena;

typedef struct fl_mark { struct fl_block *block; size_t fill, used, asleep; } fl_mark;

void fl_arena_init(fl_arena *, fl_error *borrowed);
void fl_arena_init_beside(fl_arena *, fl_arena *other);   /* the other's error, and one limit for both; goes first */
void fl_arena_free(fl_arena *);          /* gives every block back; the arena is then as after init, its limit stays */

size_t fl_arena_left(const fl_arena *);      /* bytes until the limit; SIZE_MAX: there is none */
size_t fl_arena_charged(const fl_arena *);   /* bytes in use of all arenas on its account */

void fl_arena_trim(fl_arena *);          /* gives spare blocks back: for another arena that needs as much */

/* Zeroed memory for count items of the given size, or NULL with the error recorded. count 0 gives a valid pointer. */
void *fl_arena_array(fl_arena *, size_t count, size_t size);
#define FL_NEW(arena, type, count) ((type *)fl_arena_array((arena), (size_t)(count), sizeof(type)))

/* Addresses for later: memory, not zeroed, that does not count, and costs nothing, until it is woken; touch none of it
 * before. wake says that so many bytes of it are in use from now on; where that passes the limit the error is
 * recorded, and the memory is there all the same. */
void *fl_arena_sleep(fl_arena *, size_t bytes);
void  fl_arena_wake(fl_arena *, size_t bytes);

char *fl_arena_text(fl_arena *, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *fl_arena_vtext(fl_arena *, const char *format, va_list);

fl_mark fl_arena_mark(const fl_arena *);
void fl_arena_release(fl_arena *, fl_mark);   /* everything allocated since the mark is gone */

/* For tests: the k-th allocation from now on (1 = the next), in any arena, fails; 0 switches it off.
 * fl_arena_count is the number of allocations since the last call of fl_arena_fail_at. */
void fl_arena_fail_at(long k);
long fl_arena_count(void);

#endif
