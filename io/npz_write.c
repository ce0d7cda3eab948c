/* npz_write.c: local header and bytes of each member, then the central directory (APPNOTE 4.3; no zip64, no times). */
#include "io/npz_write.h"

#include "io/crc32.h"
#include "io/npy.h"

#include <string.h>

enum { METHOD_STORED = 0, VERSION = 20, NEW_YEAR_1980 = 0x21 };

static void little(fl_buffer *b, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)(value >> 8 * i);
        fl_buffer_add(b, &byte, 1);
    }
}

/* What local and central header have in common: from "version needed" to "length of the extra field". */
static void shared_fields(fl_buffer *b, uint32_t crc, size_t size, size_t name)
{
    little(b, VERSION, 2);
    little(b, 0, 2);                                 /* flags */
    little(b, METHOD_STORED, 2);
    little(b, 0, 2);                                 /* time */
    little(b, NEW_YEAR_1980, 2);
    little(b, crc, 4);
    little(b, size, 4);
    little(b, size, 4);
    little(b, name, 2);
    little(b, 0, 2);
}

fl_status fl_npz_begin(fl_npz_out *z, fl_arena *arena, const char *path)
{
    *z = (fl_npz_out){.arena = arena, .directory = fl_buffer_new(arena)};
    fl_buffer_reserve(&z->directory, 65536);
    return fl_write_begin(&z->file, path, arena->error);
}

static void add_entry(fl_npz_out *z, const char *name, uint32_t crc, size_t size)
{
    fl_buffer *d = &z->directory;
    little(d, 0x02014b50, 4);
    little(d, VERSION, 2);
    shared_fields(d, crc, size, strlen(name));
    little(d, 0, 2);                                 /* comment */
    little(d, 0, 2);                                 /* disk */
    little(d, 0, 2);
    little(d, 0, 4);                                 /* attributes */
    little(d, z->offset, 4);
    fl_buffer_text(d, name);
    z->count++;
}

void fl_npz_add(fl_npz_out *z, const char *name, int axes, const int64_t *size, const real *values)
{
    if (!z->file.stream || z->arena->error->status != FL_OK) return;
    fl_arena own;                                    /* of this member; the directory grows in the caller's */
    fl_arena_init_beside(&own, z->arena);
    fl_buffer content = fl_buffer_new(&own), head = fl_buffer_new(&own);
    const char *member = fl_arena_text(&own, "%s.npy", name);
    fl_npy_append(&content, axes, size, values);
    if (member && !content.failed) {
        const uint32_t crc = fl_crc32(content.data, content.size);
        little(&head, 0x04034b50, 4);
        shared_fields(&head, crc, content.size, strlen(member));
        fl_buffer_text(&head, member);
        add_entry(z, member, crc, content.size);
        fwrite(head.data, 1, head.size, z->file.stream);
        fwrite(content.data, 1, content.size, z->file.stream);
        z->offset += head.size + content.size;
    }
    fl_arena_free(&own);
}

fl_status fl_npz_end(fl_npz_out *z)
{
    fl_error *err = z->arena->error;
    const size_t size = z->directory.size;
    if (z->offset + size >= UINT32_MAX || z->count >= UINT16_MAX)
        fl_error_set(err, FL_FAILED, "%s: more than a .npz without zip64 can hold", z->file.path);
    fl_buffer *d = &z->directory;
    little(d, 0x06054b50, 4);
    little(d, 0, 4);
    little(d, (uint64_t)z->count, 2);
    little(d, (uint64_t)z->count, 2);
    little(d, size, 4);
    little(d, z->offset, 4);
    little(d, 0, 2);
    if (z->file.stream && !d->failed) fwrite(d->data, 1, d->size, z->file.stream);
    return fl_write_end(&z->file, err->status == FL_OK && !d->failed);
}
