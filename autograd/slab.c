/* slab.c: first fit, in two orders. */
#include "autograd/slab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

fl_buffer fl_buffer_make(real **to, int64_t count, int birth, int death)
{
    return (fl_buffer){.to = to, .count = (count + 15) / 16 * 16, .birth = birth, .death = death, .again = 0, .end = -1};
}

static bool common(int begin, int end, int from, int to) { return begin <= end && from <= to && begin <= to && from <= end; }

static bool meet(const fl_buffer *a, const fl_buffer *b)
{
    return common(a->birth, a->death, b->birth, b->death) || common(a->birth, a->death, b->again, b->end) ||
           common(a->again, a->end, b->birth, b->death) || common(a->again, a->end, b->again, b->end);
}

static bool is_dead(const fl_buffer *b, int now) { return b->death < now && b->end < now; }

/* Places b at an offset that it returns; placed[0 .. n-1] are in the order of offsets, and b is put among them. */
static int64_t place(fl_buffer *b, fl_buffer **placed, int n)
{
    int64_t offset = 0;
    int at = 0;
    for (int k = 0; k < n; k++) {
        if (!meet(b, placed[k])) continue;
        if (placed[k]->offset - offset >= b->count) break;
        if (placed[k]->offset + placed[k]->count > offset) offset = placed[k]->offset + placed[k]->count;
    }
    while (at < n && placed[at]->offset <= offset) at++;
    memmove(placed + at + 1, placed + at, (size_t)(n - at) * sizeof(fl_buffer *));
    placed[at] = b;
    return offset;
}

/* In the order of birth the dead are in nobody's way any more. *most: what is alive at once when something is born, at most. */
static int64_t by_birth(fl_buffer *list, int count, fl_buffer **placed, int64_t *most)
{
    int64_t slab = 0;
    *most = 0;
    for (int i = 0, n = 0; i < count; i++) {
        fl_buffer *b = &list[i];
        int kept = 0;
        int64_t alive = b->count;
        for (int k = 0; k < n; k++) {
            if (is_dead(placed[k], b->birth)) continue;
            if (placed[k]->death >= b->birth) alive += placed[k]->count;
            placed[kept++] = placed[k];
        }
        b->offset = place(b, placed, kept);
        n = kept + 1;
        if (b->offset + b->count > slab) slab = b->offset + b->count;
        if (alive > *most) *most = alive;
    }
    return slab;
}

/* Larger ones first; of equal ones the one that is born first. */
static int compare(const void *a, const void *b)
{
    const fl_buffer *p = *(fl_buffer *const *)a, *q = *(fl_buffer *const *)b;
    return p->count != q->count ? (p->count < q->count) - (p->count > q->count) : (p > q) - (p < q);
}

static int64_t by_size(fl_buffer *list, int count, fl_buffer **order, fl_buffer **placed)
{
    int64_t slab = 0;
    for (int i = 0; i < count; i++) order[i] = &list[i];
    qsort(order, (size_t)count, sizeof(fl_buffer *), compare);
    for (int i = 0; i < count; i++) {
        order[i]->offset = place(order[i], placed, i);
        if (order[i]->offset + order[i]->count > slab) slab = order[i]->offset + order[i]->count;
    }
    return slab;
}

int64_t fl_slab_place(fl_buffer *list, int count, fl_buffer **room)
{
    int64_t most;
    const int64_t slab = by_birth(list, count, room, &most);
    if (slab == most) return slab;
    const int64_t other = by_size(list, count, room, room + count);
    return other < slab ? other : by_birth(list, count, room, &most);
}

void fl_slab_hand_out(const fl_buffer *list, int n, real *slab)
{
    for (int i = 0; i < n; i++) *list[i].to = slab + list[i].offset;
}
