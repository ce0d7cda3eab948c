/* segments_connect.c: pieces that hang together: each is searched from its first voxel on, breadth first; a fragment that is too
 * small takes the number of the neighbour that was seen last. */
#include "attribution/segments_parts.h"

#include <string.h>

typedef struct search {
    int size[3];
    const int32_t *label;        /* before */
    int32_t *to;                 /* after; -1: not yet visited */
    int32_t *queue;
    int32_t adjacent;            /* another piece next to this one, seen last; -1: none */
} search;

static int64_t neighbour(const search *s, int64_t at, int way)
{
    const int axis = 2 - way / 2, step = way % 2 ? -1 : 1;
    const int64_t stride[3] = {(int64_t)s->size[1] * s->size[2], s->size[2], 1};
    const int64_t place = at / stride[axis] % s->size[axis];
    return place + step < 0 || place + step >= s->size[axis] ? -1 : at + step * stride[axis];
}

/* Voxels of the piece at `first`, in the queue; marked with `number`. */
static int64_t fill(search *s, int64_t first, int32_t number, int64_t most)
{
    int64_t found = 1;
    s->adjacent = -1;
    s->queue[0] = (int32_t)first;
    s->to[first] = number;
    for (int64_t done = 0; done < found && found < most; done++)
        for (int way = 0; way < 6 && found < most; way++) {
            const int64_t next = neighbour(s, s->queue[done], way);
            if (next < 0) continue;
            if (s->to[next] >= 0) {
                if (s->to[next] != number) s->adjacent = s->to[next];
            } else if (s->label[next] == s->label[first]) {
                s->to[next] = number;
                s->queue[found++] = (int32_t)next;
            }
        }
    return found;
}

fl_status fl_segments_connect(const fl_segment_task *k, int64_t least, int64_t most)
{
    const int64_t voxels = fl_shape_pixels(k->s);
    search s = {.size = {k->s.t, k->s.h, k->s.w}, .label = k->label};
    s.to = fl_segments_scratch(k, voxels, sizeof *s.to);
    s.queue = fl_segments_scratch(k, voxels, sizeof *s.queue);
    if (!s.to || !s.queue) return k->err->status;
    for (int64_t i = 0; i < voxels; i++) s.to[i] = -1;
    int32_t count = 0;
    for (int64_t i = 0; i < voxels; i++) {
        if (s.to[i] >= 0) continue;
        const int64_t found = fill(&s, i, count, most);
        if (found >= least || s.adjacent < 0) count++;
        else for (int64_t j = 0; j < found; j++) s.to[s.queue[j]] = s.adjacent;
    }
    memcpy(k->label, s.to, (size_t)voxels * sizeof *s.to);
    return FL_OK;
}
