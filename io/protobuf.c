/* protobuf.c: varints, fixed numbers and spans, each compared with what is left before it is read. */
#include "io/protobuf.h"

#include <string.h>

static const unsigned char nothing[1];

fl_proto fl_proto_open(fl_bytes b, const char *file, fl_error *error)
{
    const unsigned char *begin = b.size ? b.data : nothing;
    return (fl_proto){.at = begin, .end = begin + b.size, .begin = begin, .file = file, .error = error};
}

fl_proto fl_proto_inside(const fl_proto *p, const fl_proto_field *f)
{
    fl_proto inside = *p;
    inside.at = f->bytes.size ? f->bytes.data : p->end;
    inside.end = inside.at + f->bytes.size;
    return inside;
}

static bool fail(const fl_proto *p, const char *what)
{
    fl_error_set(p->error, FL_UNREADABLE, "%s: byte %zu: %s; the file is damaged, cut short, or none of its kind",
                 p->file, (size_t)(p->at - p->begin), what);
    return false;
}

bool fl_proto_varint(fl_proto *p, uint64_t *value)
{
    uint64_t v = 0;
    if (p->at == p->end || p->error->status != FL_OK) return false;
    for (int i = 0; i < 10; i++) {
        if (p->at == p->end) return fail(p, "a number that goes on beyond its message");
        const unsigned char byte = *p->at++;
        if (i == 9 && byte > 1) break;
        v |= (uint64_t)(byte & 127) << 7 * i;
        if (byte < 128) {
            *value = v;
            return true;
        }
    }
    return fail(p, "a number of more than 64 bits");
}

static bool fixed(fl_proto *p, int size, uint64_t *bits)
{
    if (p->end - p->at < size) return fail(p, "a number that goes on beyond its message");
    *bits = 0;
    for (int i = 0; i < size; i++) *bits |= (uint64_t)p->at[i] << 8 * i;
    p->at += size;
    return true;
}

static bool span(fl_proto *p, fl_bytes *bytes)
{
    uint64_t size = 0;
    if (p->at == p->end) return fail(p, "a field without its length");
    if (!fl_proto_varint(p, &size)) return false;
    if (size > (uint64_t)(p->end - p->at)) return fail(p, "a field that is longer than its message");
    *bytes = (fl_bytes){p->at, (size_t)size};
    p->at += size;
    return true;
}

bool fl_proto_next(fl_proto *p, fl_proto_field *f)
{
    uint64_t key;
    *f = (fl_proto_field){0};
    if (!fl_proto_varint(p, &key)) return false;
    if (key >> 32 || key >> 3 == 0) return fail(p, "a field whose number cannot be");
    f->number = (int)(key >> 3);
    f->wire = (fl_wire)(key & 7);
    switch (f->wire) {
    case FL_WIRE_VARINT:
        if (p->at == p->end) return fail(p, "a field without its value");
        return fl_proto_varint(p, &f->bits);
    case FL_WIRE_64:    return fixed(p, 8, &f->bits);
    case FL_WIRE_32:    return fixed(p, 4, &f->bits);
    case FL_WIRE_BYTES: return span(p, &f->bytes);
    default:            return fail(p, "a field of a kind that is not in use");
    }
}

int64_t fl_proto_count(fl_proto p, int number)
{
    fl_proto_field f;
    int64_t count = 0;
    while (fl_proto_next(&p, &f)) count += f.number == number;
    return p.error->status == FL_OK ? count : -1;
}

bool fl_proto_is(const fl_proto *p, const fl_proto_field *f, fl_wire wire, const char *what)
{
    if (f->wire == wire) return true;
    fl_error_set(p->error, FL_UNREADABLE, "%s: byte %zu: %s: expected wire type %d, got %d", p->file,
                 (size_t)(p->at - p->begin), what, (int)wire, (int)f->wire);
    return false;
}

const char *fl_proto_text(const fl_proto *p, const fl_proto_field *f, fl_arena *arena, const char *what)
{
    if (!fl_proto_is(p, f, FL_WIRE_BYTES, what)) return NULL;
    if (f->bytes.size && memchr(f->bytes.data, 0, f->bytes.size)) {
        fail(p, "a text with a zero byte in it");
        return NULL;
    }
    char *text = FL_NEW(arena, char, f->bytes.size + 1);
    if (text && f->bytes.size) memcpy(text, f->bytes.data, f->bytes.size);
    return text;
}

float fl_proto_float(const fl_proto_field *f)
{
    const uint32_t bits = (uint32_t)f->bits;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
