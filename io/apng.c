/* apng.c: the frames are encoded as PNG files, some at a time; their image data goes into the common file. */
#include "io/apng.h"

#include <string.h>

enum { SIGNATURE = 8, IHDR = 25, AROUND = 12 };      /* bytes; AROUND: length, type and CRC of a chunk */

static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_u32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> (24 - 8 * i));
}

fl_status fl_apng_begin(fl_apng *a, fl_buffer *out, int width, int height, int frames, int delay_ms)
{
    *a = (fl_apng){.out = out, .width = width, .height = height, .frames = frames, .delay_ms = delay_ms};
    if (frames < 1 || delay_ms < 1 || delay_ms > 65535)
        return fl_error_set(out->arena->error, FL_USAGE, "APNG: %d frames of %d ms; expected at least one frame and "
                            "1 to 65535 ms", frames, delay_ms);
    return fl_png_check(width, height, out->arena->error);
}

static void control(fl_apng *a)
{
    unsigned char c[26] = {0};                       /* offsets 0, dispose none, blend source */
    put_u32(c, a->sequence++);
    put_u32(c + 4, (uint32_t)a->width);
    put_u32(c + 8, (uint32_t)a->height);
    c[20] = (unsigned char)(a->delay_ms >> 8);
    c[21] = (unsigned char)a->delay_ms;
    c[22] = 1000 >> 8;
    c[23] = 1000 & 255;
    fl_png_chunk(a->out, "fcTL", c, sizeof c);
}

/* Copies the IDAT chunks of an encoded frame, as they are for the first frame, as fdAT for the others. */
static void copy_data(fl_apng *a, const unsigned char *png, size_t size)
{
    size_t at = SIGNATURE;
    while (at + AROUND <= size) {
        size_t length = read_u32(png + at);
        fl_assert(length <= size - at - AROUND);     /* our own encoder wrote it */
        if (memcmp(png + at + 4, "IDAT", 4) == 0 && a->added == 0) fl_buffer_add(a->out, png + at, length + AROUND);
        else if (memcmp(png + at + 4, "IDAT", 4) == 0) {
            unsigned char *numbered = FL_NEW(a->out->arena, unsigned char, length + 4);
            if (!numbered) {
                a->out->failed = true;
                return;
            }
            put_u32(numbered, a->sequence++);
            memcpy(numbered + 4, png + at + 8, length);
            fl_png_chunk(a->out, "fdAT", numbered, length + 4);
        }
        at += length + AROUND;
    }
}

static void add_frame(fl_apng *a, const fl_buffer *png)
{
    if (a->added == 0) {
        unsigned char counts[8];
        put_u32(counts, (uint32_t)a->frames);
        put_u32(counts + 4, 0);
        fl_buffer_add(a->out, png->data, SIGNATURE + IHDR);
        fl_png_chunk(a->out, "acTL", counts, sizeof counts);
    }
    control(a);
    copy_data(a, png->data, png->size);
    a->added++;
}

fl_status fl_apng_add(fl_apng *a, const unsigned char *const *rgb, int count)
{
    fl_assert(count <= FL_APNG_TOGETHER && a->added + count <= a->frames);
    /* Room for the frames first: what is allocated after the mark goes away with the encoded frames. */
    size_t raw = ((size_t)a->width * 3 + 1) * (size_t)a->height;
    if (!fl_buffer_reserve(a->out, (raw + raw / 1024 + 4096) * (size_t)count)) return FL_FAILED;
    fl_mark mark = fl_arena_mark(a->out->arena);
    fl_buffer png[FL_APNG_TOGETHER];
    for (int i = 0; i < count; i++) png[i] = fl_buffer_new(a->out->arena);
    fl_status status = fl_png_encode_each(png, rgb, count, a->width, a->height);
    for (int i = 0; i < count && status == FL_OK; i++) {
        add_frame(a, &png[i]);
        if (a->out->failed) status = FL_FAILED;
    }
    fl_arena_release(a->out->arena, mark);
    return status;
}

fl_status fl_apng_end(fl_apng *a)
{
    fl_assert(a->added == a->frames);
    fl_png_chunk(a->out, "IEND", "", 0);
    return a->out->failed ? FL_FAILED : FL_OK;
}
