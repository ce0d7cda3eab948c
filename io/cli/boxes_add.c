/* boxes_add.c: a box of a file, brought through the resize and the crop that the frames went through, into the mask. */
#include "io/cli/boxes.h"

#include "io/preprocess.h"

#include <math.h>
#include <string.h>

bool fl_box_is_clip(const fl_box_reader *r, const char *name, size_t length)
{
    return strlen(r->input->title) == length && memcmp(r->input->title, name, length) == 0;
}

void fl_box_add(fl_box_reader *r, long long first, long long last, const double edge[4], const char *label)
{
    const fl_shape s = r->input->shape;
    double seen[4];
    if (!(edge[2] > edge[0] && edge[3] > edge[1])) return;                          /* nothing there */
    if (!fl_preprocess_box(&r->input->fitting, edge, seen)) return;                 /* outside the crop */
    const fl_box b = {(int)floor(seen[0]), (int)floor(seen[1]), (int)ceil(seen[2]), (int)ceil(seen[3])};
    for (int t = 0; t < s.t; t++) {
        if (r->input->frame[t] < first || r->input->frame[t] > last) continue;
        if (label && !r->boxes->label) r->boxes->label = fl_arena_text(r->cli->arena, "%s", label);
        if (r->known) r->known[t] = true;
        fl_truth_add_boxes((fl_shape){1, 1, 1, s.h, s.w}, &b, r->mask + (int64_t)t * s.h * s.w);
    }
}
