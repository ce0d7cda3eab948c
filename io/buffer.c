/* buffer.c: growth by doubling; base64; numbers without a locale. */
#include "io/buffer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

fl_buffer fl_buffer_new(fl_arena *borrowed) { return (fl_buffer){.arena = borrowed}; }

bool fl_buffer_reserve(fl_buffer *b, size_t count)
{
    if (b->failed) return false;
    if (count <= b->room - b->size) return true;
    size_t room = b->room < 512 ? 1024 : 2 * b->room;
    if (room - b->size < count) room = b->size + count;
    unsigned char *data = room < b->size ? NULL : FL_NEW(b->arena, unsigned char, room);
    if (!data) {
        b->failed = true;
        return false;
    }
    if (b->size) memcpy(data, b->data, b->size);
    b->data = data;
    b->room = room;
    return true;
}

void fl_buffer_add(fl_buffer *b, const void *bytes, size_t count)
{
    if (count == 0 || !fl_buffer_reserve(b, count)) return;
    memcpy(b->data + b->size, bytes, count);
    b->size += count;
}

void fl_buffer_text(fl_buffer *b, const char *text) { fl_buffer_add(b, text, strlen(text)); }

void fl_buffer_format(fl_buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n > 0 && fl_buffer_reserve(b, (size_t)n + 1)) {
        vsnprintf((char *)b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void fl_buffer_u32(fl_buffer *b, uint32_t v)
{
    const unsigned char bytes[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8),
                                    (unsigned char)v};
    fl_buffer_add(b, bytes, sizeof bytes);
}

void fl_buffer_base64(fl_buffer *b, const void *bytes, size_t count)
{
    static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = bytes;
    if (!fl_buffer_reserve(b, (count / 3 + 1) * 4)) return;
    unsigned char *out = b->data + b->size;
    for (size_t i = 0; i < count; i += 3, out += 4) {
        size_t left = count - i;
        unsigned v = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0u);
        out[0] = (unsigned char)letter[v >> 18];
        out[1] = (unsigned char)letter[v >> 12 & 63];
        out[2] = (unsigned char)(left > 1 ? letter[v >> 6 & 63] : '=');
        out[3] = (unsigned char)(left > 2 ? letter[v & 63] : '=');
    }
    b->size += (count + 2) / 3 * 4;
}

void fl_buffer_number(fl_buffer *b, double value, int digits)
{
    char text[64];
    if (!isfinite(value)) {
        fl_buffer_text(b, "n/a");
        return;
    }
    snprintf(text, sizeof text, "%.*g", digits, value == 0 ? 0.0 : value);    /* no "-0" */
    for (char *c = text; *c; c++)
        if (*c == ',') *c = '.';
    fl_buffer_text(b, text);
}
