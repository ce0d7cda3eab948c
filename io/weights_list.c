/* weights_list.c: the list of tensors that every reader of weights fills. */
#include "io/weights_file.h"

#include <string.h>

enum { MOST_TENSORS = 1 << 17 };

fl_status fl_weights_file_add(fl_arena *a, fl_weights_file *w, const char *name, const fl_stored *t)
{
    if (w->count == MOST_TENSORS)
        return fl_error_set(a->error, FL_UNREADABLE, "more than %d tensors in a file", MOST_TENSORS);
    if (w->count == w->room) {
        const int room = w->room ? 2 * w->room : 64;
        fl_stored *more = FL_NEW(a, fl_stored, room);
        if (!more) return a->error->status;
        if (w->count) memcpy(more, w->tensor, (size_t)w->count * sizeof *more);
        w->tensor = more;
        w->room = room;
    }
    w->tensor[w->count] = *t;
    w->tensor[w->count++].name = name;
    return FL_OK;
}
