/* fuzz_png.c: any bytes through the PNG reader, with the checksums made right so that damage gets past them.
 *
 * First byte even: the rest is a file, whose CRCs are repaired. Odd: the rest is the filtered rows of an image
 * whose header comes from the next 4 bytes; they are packed as a stored zlib block. */
#include "io/png_in.h"
#include "io/png_out.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void repair(uint8_t *file, size_t size)
{
    for (size_t at = 8; size >= 12 && at <= size - 12;) {
        size_t n = (size_t)file[at] << 24 | (size_t)file[at + 1] << 16 | (size_t)file[at + 2] << 8 | file[at + 3];
        if (n > size - 12 - at) return;
        put32(file + at + 8 + n, fl_crc32(file + at + 4, n + 4));
        at += 12 + n;
    }
}

static void wrap(fl_buffer *b, const uint8_t *data, size_t size)
{
    static const uint8_t kinds[11][2] = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {2, 8}, {3, 1}, {3, 2}, {3, 4}, {3, 8},
                                         {4, 8}, {6, 8}};
    const uint8_t *kind = kinds[data[0] % 11];
    uint8_t header[13] = {0, 0, 0, (uint8_t)(data[1] % 64 + 1), 0, 0, 0, (uint8_t)(data[2] % 64 + 1), kind[1],
                          kind[0], 0, 0, 0};
    uint32_t low = 1, high = 0;
    uint8_t checksum[4];
    size_t n = size - 4 < 65535 ? size - 4 : 65535;
    fl_buffer_add(b, "\x89PNG\r\n\x1a\n", 8);
    fl_png_chunk(b, "IHDR", header, 13);
    if (kind[0] == 3) fl_png_chunk(b, "PLTE", data, (size_t)data[3] % (size / 3 > 16 ? 16 : size / 3) * 3);
    fl_buffer z = fl_buffer_new(b->arena);
    const uint8_t stored[7] = {0x78, 1, 1, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)};
    fl_buffer_add(&z, stored, 7);
    fl_buffer_add(&z, data + 4, n);
    for (size_t i = 0; i < n; i++) {
        low = (low + data[4 + i]) % 65521;
        high = (high + low) % 65521;
    }
    put32(checksum, high << 16 | low);
    fl_buffer_add(&z, checksum, 4);
    fl_png_chunk(b, "IDAT", z.data, z.size);
    fl_png_chunk(b, "IEND", "", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a;
    fl_png png;
    fl_arena_init(&a, &err);
    a.limit = (size_t)256 << 20;
    fl_buffer b = fl_buffer_new(&a);
    if (size >= 6 && data[0] % 2) wrap(&b, data + 1, size - 1);
    else if (size) fl_buffer_add(&b, data + 1, size - 1);
    if (size && data[0] % 2 == 0) repair(b.data, b.size);
    fl_bytes file = {b.data, b.size};
    fl_status status = fl_png_parse(file, "fuzz", 0, &png, &err);
    if (status != err.status) abort();
    if (status == FL_OK && (size_t)png.width * (size_t)png.height <= 1 << 22) {
        unsigned char *rgb = fl_arena_array(&a, (size_t)png.width * (size_t)png.height, 3);
        if (rgb) status = fl_png_decode(&a, file, "fuzz", 0, &png, rgb);
        if (status != err.status) abort();
    }
    fl_arena_free(&a);
    return 0;
}
