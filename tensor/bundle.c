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

static fl_status add(fl_bundle *b, const fl_entry *entry)
{
    fl_error *err = b->arena->error;
    if (entry->axes < 0 || entry->axes > FL_MAX_AXES)
        return fl_error_set(err, FL_UNREADABLE, "tensor '%s': expected at most %d axes, got %d", entry->name,
                            FL_MAX_AXES,
                            entry->axes);
    if (fl_bundle_find(b, entry->name))
        return fl_error_set(err, FL_UNREADABLE, "tensor '%s' stands twice in the file", entry->name);
    char *copy = fl_arena_text(b->arena, "%s", entry->name);
    if (!copy || !make_room(b)) return err ? err->status : FL_FAILED;
    fl_entry *e = &b->entry[b->count++];
    *e = *entry;
    e->name = copy;
    return FL_OK;
}

static void copy_sizes(fl_entry *e, const int64_t *size)
{
    for (int i = 0; i < e->axes && i < FL_MAX_AXES; i++) e->size[i] = size[i];
}

fl_status fl_bundle_add(fl_bundle *b, const char *name, int axes, const int64_t *size, const real *data)
{
    fl_entry e = {.name = name, .axes = axes, .data = data};
    copy_sizes(&e, size);
    return add(b, &e);
}

fl_status fl_bundle_add_source(fl_bundle *b, const char *name, int axes, const int64_t *size,
                               void (*read)(const fl_entry *, int64_t first, int64_t count, real *to),
                               const void *source)
{
    fl_entry e = {.name = name, .axes = axes, .read = read, .source = source};
    copy_sizes(&e, size);
    return add(b, &e);
}

fl_status fl_bundle_add_as(fl_bundle *b, const char *name, const fl_entry *entry)
{
    fl_entry e = *entry;
    e.name = name;
    return add(b, &e);
}

void fl_entry_read(const fl_entry *e, int64_t first, int64_t count, real *to)
{
    fl_assert(first >= 0 && count >= 0 && first <= fl_entry_count(e) - count);
    if (e->read) e->read(e, first, count, to);
    else if (count) memcpy(to, e->data + first, (size_t)count * sizeof *to);
}
