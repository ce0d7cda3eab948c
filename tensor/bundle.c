/* bundle.c: a list with names. A few hundred entries: a linear search is read once and is fast enough. */
#include "tensor/bundle.h"

#include <string.h>

void fl_bundle_init(fl_bundle *b, fl_arena *borrowed)
{
    memset(b, 0, sizeof *b);
    b->arena = borrowed;
}

const fl_entry *fl_bundle_find(const fl_bundle *b, const char *name)
{
    for (int i = 0; i < b->count; i++)
        if (strcmp(b->entry[i].name, name) == 0) return &b->entry[i];
    return NULL;
}

int64_t fl_entry_count(const fl_entry *e)
{
    int64_t n = 1;
    for (int i = 0; i < e->axes; i++) n *= e->size[i];
    return n;
}

static bool make_room(fl_bundle *b)
{
    if (b->count < b->room) return true;
    int room = b->room ? 2 * b->room : 64;
    fl_entry *more = FL_NEW(b->arena, fl_entry, room);
    if (!more) return false;
    if (b->count) memcpy(more, b->entry, (size_t)b->count * sizeof *more);
    b->entry = more;
    b->room = room;
    return true;
}

fl_status fl_bundle_add(fl_bundle *b, const char *name, int axes, const int64_t *size, const real *data)
{
    fl_error *err = b->arena->error;
    if (axes < 0 || axes > FL_MAX_AXES)
        return fl_error_set(err, FL_UNREADABLE, "tensor '%s': expected at most %d axes, got %d", name, FL_MAX_AXES, axes);
    if (fl_bundle_find(b, name)) return fl_error_set(err, FL_UNREADABLE, "tensor '%s' stands twice in the file", name);
    char *copy = fl_arena_text(b->arena, "%s", name);
    if (!copy || !make_room(b)) return err ? err->status : FL_FAILED;
    fl_entry *e = &b->entry[b->count++];
    *e = (fl_entry){.name = copy, .axes = axes, .data = data};
    for (int i = 0; i < axes; i++) e->size[i] = size[i];
    return FL_OK;
}
