/* arena.c: a chain of blocks, each filled from its start. The only malloc of the library lives here. */
#include "tensor/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, PAGE = 2 << 20, SMALLEST = 64 << 10 };

struct fl_block {
    struct fl_block *next;
    size_t size, fill;        /* bytes in data[], bytes handed out */
    size_t touched;           /* bytes of data[] that may not be zero any more */
    size_t mapped;            /* bytes of the mapping; 0: from malloc */
    char pad[ALIGN - sizeof(void *) - 4 * sizeof(size_t)];
    char data[];
};

static long fail_countdown, allocations;

void fl_arena_fail_at(long k) { fail_countdown = k; allocations = 0; }
long fl_arena_count(void) { return allocations; }

void fl_arena_init(fl_arena *a, fl_error *borrowed)
{
    memset(a, 0, sizeof *a);
    a->error = borrowed;
}

void fl_arena_init_beside(fl_arena *a, fl_arena *other)
{
    fl_arena_init(a, other->error);
    a->account = other->account ? other->account : other;
}

static const fl_arena *account_of(const fl_arena *a) { return a->account ? a->account : a; }

size_t fl_arena_charged(const fl_arena *a) { return account_of(a)->charged; }

size_t fl_arena_left(const fl_arena *a)
{
    const fl_arena *account = account_of(a);
    return !account->limit ? SIZE_MAX : account->charged < account->limit ? account->limit - account->charged : 0;
}

static void use(fl_arena *a, size_t used)
{
    fl_arena *account = a->account ? a->account : a;
    account->charged += used - a->used;              /* less is a difference that wraps around */
    a->used = used;
    if (a->used > a->peak) a->peak = a->used;
}

static void free_chain(struct fl_block *b)
{
    while (b) {
        struct fl_block *next = b->next;
        if (b->mapped) (void)munmap(b, b->mapped);
        else free(b);
        b = next;
    }
}

void fl_arena_free(fl_arena *a)
{
    const fl_arena was = *a;
    use(a, 0);
    free_chain(a->blocks);
    free_chain(a->spare);
    fl_arena_init(a, was.error);
    a->account = was.account;
    a->limit = was.limit;
}

void fl_arena_trim(fl_arena *a)
{
    free_chain(a->spare);
    a->spare = NULL;
}

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

/* A mapping that begins at a large page: zeros that cost nothing until they are touched. large: on pages of 2 MiB, of which the
 * first is touched here. */
static struct fl_block *map_block(size_t bytes, bool large)
{
    const size_t whole = round_up(bytes + sizeof(struct fl_block), PAGE);
    char *p = mmap(NULL, whole + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    char *start = p + (PAGE - (uintptr_t)p % PAGE) % PAGE, *end = start + whole;
    if (start > p) (void)munmap(p, (size_t)(start - p));
    if (end < p + whole + PAGE) (void)munmap(end, (size_t)(p + whole + PAGE - end));
    if (large) (void)madvise(start, whole, MADV_HUGEPAGE);        /* a wish: 4 KiB pages work as well */
    struct fl_block *b = (struct fl_block *)(void *)start;
    b->mapped = whole;
    b->size = whole - sizeof *b;
    b->touched = 0;
    return b;
}

static struct fl_block *block_from_system(size_t bytes, bool large)
{
    if (bytes >= 2 * PAGE) return map_block(bytes, large);
    const size_t whole = round_up(bytes + sizeof(struct fl_block), ALIGN);
    struct fl_block *b = aligned_alloc(ALIGN, whole);
    if (!b) return NULL;
    b->mapped = 0;
    b->size = b->touched = whole - sizeof *b;
    return b;
}

/* A block with room for bytes goes to the front of the chain: a spare one if it fits, else a new one. */
static struct fl_block *block_with_room(fl_arena *a, size_t bytes, bool large)
{
    struct fl_block **link = &a->spare;
    while (*link && (*link)->size < bytes) link = &(*link)->next;
    struct fl_block *b = *link;
    if (b) *link = b->next;
    else b = block_from_system(bytes < SMALLEST ? SMALLEST : bytes, large);
    if (!b) return NULL;
    b->fill = 0;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

static void *out_of_memory(fl_arena *a, size_t count, size_t size)
{
    fl_error_set(a->error, FL_FAILED, "memory: could not get %zu x %zu bytes (%zu in use); "
                 "use fewer frames, a smaller --batch or a machine with more memory", count, size, fl_arena_charged(a));
    return NULL;
}

/* More may be needed later, nobody knows here: an eighth on top, or whoever follows would come back for every picture. */
static void pass_limit(fl_arena *a, size_t more)
{
    const size_t needed = fl_arena_charged(a) + more;
    fl_error_set(a->error, FL_LIMIT, "memory: %zu bytes in use and %zu more needed pass the limit of %zu: try --mem %zuM",
                 fl_arena_charged(a), more, account_of(a)->limit, ((needed + needed / 8) >> 20) + 1);
}

/* counts: it is for use now, and zeroed. */
static void *take(fl_arena *a, size_t count, size_t size, bool counts)
{
    allocations++;
    if (fail_countdown > 0 && --fail_countdown == 0) return out_of_memory(a, count, size);
    if (size && count > (SIZE_MAX / 2) / size) return out_of_memory(a, count, size);
    size_t bytes = round_up(count * size + (count * size == 0), ALIGN);
    if (counts && bytes > fl_arena_left(a)) {
        pass_limit(a, bytes);
        return NULL;
    }
    struct fl_block *b = a->blocks;
    if (!b || b->size - b->fill < bytes) b = block_with_room(a, bytes, counts);
    if (!b) return out_of_memory(a, count, size);
    void *p = b->data + b->fill;
    if (counts && b->touched > b->fill) memset(p, 0, b->touched - b->fill < bytes ? b->touched - b->fill : bytes);
    b->fill += bytes;
    if (b->touched < b->fill) b->touched = b->fill;
    if (counts) use(a, a->used + bytes);
    else a->asleep += bytes;
    return p;
}

void *fl_arena_array(fl_arena *a, size_t count, size_t size) { return take(a, count, size, true); }

void *fl_arena_sleep(fl_arena *a, size_t bytes) { return take(a, 1, bytes, false); }

void fl_arena_wake(fl_arena *a, size_t bytes)
{
    const size_t whole = round_up(bytes, ALIGN);
    fl_assert(whole <= a->asleep);
    if (whole > fl_arena_left(a)) pass_limit(a, whole);
    a->asleep -= whole;
    use(a, a->used + whole);
}

char *fl_arena_vtext(fl_arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *s = n < 0 ? NULL : FL_NEW(a, char, n + 1);
    if (s) vsnprintf(s, (size_t)n + 1, format, again);
    va_end(again);
    return s;
}

char *fl_arena_text(fl_arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *s = fl_arena_vtext(a, format, args);
    va_end(args);
    return s;
}

fl_mark fl_arena_mark(const fl_arena *a)
{
    return (fl_mark){a->blocks, a->blocks ? a->blocks->fill : 0, a->used, a->asleep};
}

void fl_arena_release(fl_arena *a, fl_mark m)
{
    while (a->blocks != m.block) {
        struct fl_block *b = a->blocks;
        fl_assert(b);                      /* the mark is from another arena, or older than a release */
        a->blocks = b->next;
        b->next = a->spare;
        a->spare = b;
    }
    if (a->blocks) a->blocks->fill = m.fill;
    if (m.asleep > a->asleep) use(a, m.used + (m.asleep - a->asleep));          /* older than the mark and woken since */
    else use(a, m.used), a->asleep = m.asleep;
    if (account_of(a)->limit) fl_arena_trim(a);                                 /* what lies about would count for the system */
}
