/* slab.c: first fit. */
#include "autograd/slab.h"

#include <string.h>

fl_buffer fl_buffer_make(real **to, int64_t count, int birth, int death)
{
    return (fl_buffer){to, (count + 15) / 16 * 16, birth, death, 0};
}

/* The lowest offset at which no living buffer is in the way. live[] is kept in the order of offsets. */
int64_t fl_slab_place(fl_buffer *list, int count, fl_buffer **live)
{
    int n = 0;
    int64_t slab = 0;
    for (int i = 0; i < count; i++) {
        fl_buffer *b = &list[i];
        int kept = 0, at = 0;
        for (int k = 0; k < n; k++)
            if (live[k]->death >= b->birth) live[kept++] = live[k];
        n = kept;
        b->offset = 0;
        while (at < n && live[at]->offset - b->offset < b->count) {
            b->offset = live[at]->offset + live[at]->count;
            at++;
        }
        memmove(live + at + 1, live + at, (size_t)(n - at) * sizeof(fl_buffer *));
        live[at] = b;
        n++;
        if (b->offset + b->count > slab) slab = b->offset + b->count;
    }
    return slab;
}

void fl_slab_hand_out(const fl_buffer *list, int n, real *slab)
{
    for (int i = 0; i < n; i++) *list[i].to = slab + list[i].offset;
}
