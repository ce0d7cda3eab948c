/* test_io_png.c: PNG files built here by the book (every colour type, depth and filter) and by our encoder; damaged
 * ones. */
#include "io/clip.h"
#include "io/png_in.h"
#include "io/png_out.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

enum { W = 13, H = 11, ROOM = 1 << 16 };

typedef struct file { unsigned char data[ROOM]; size_t size; } file;

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* CRC-32 bit by bit, as the standard defines it; independent of the table that the library uses. */
static uint32_t crc_of(const unsigned char *p, size_t n)
{
    uint32_t c = 0xffffffff;
    for (; n; n--, p++)
        for (int k = 0, in = *p; k < 8; k++, in >>= 1) c = c >> 1 ^ ((c ^ (uint32_t)in) & 1 ? 0xedb88320u : 0);
    return ~c;
}

static void put_chunk(file *f, const char *type, const unsigned char *content, size_t n)
{
    unsigned char *p = f->data + f->size;
    put32(p, (uint32_t)n);
    memcpy(p + 4, type, 4);
    if (n) memcpy(p + 8, content, n);
    put32(p + 8 + n, crc_of(p + 4, n + 4));
    f->size += n + 12;
}

/* zlib with one stored block, split into two IDAT chunks and an empty one. */
static void put_pixels(file *f, const unsigned char *raw, size_t n)
{
    unsigned char z[ROOM / 2] = {0x78, 1, 1, (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)~n,
                                 (unsigned char)(~n >> 8)};
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < n; i++) {
        a = (a + raw[i]) % 65521;
        b = (b + a) % 65521;
    }
    memcpy(z + 7, raw, n);
    put32(z + 7 + n, b << 16 | a);
    put_chunk(f, "IDAT", z, 40);
    put_chunk(f, "IDAT", z, 0);
    put_chunk(f, "IDAT", z + 40, n + 11 - 40);
}

static int paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* An image of random samples, every row with another filter; want: what it looks like as RGB. */
static void make(file *f, int type, int bits, unsigned char *want)
{
    static const int channels[] = {1, 0, 3, 1, 2, 0, 4};
    int per_pixel = channels[type] * bits, step = (per_pixel + 7) / 8, row = (W * per_pixel + 7) / 8;
    unsigned char header[13] = {0, 0, 0, W, 0, 0, 0, H, (unsigned char)bits, (unsigned char)type, 0, 0, 0};
    unsigned char colours[768], plain[H][64] = {{0}}, raw[H * 65];
    uint32_t seed = (uint32_t)(type * 10 + bits);
    for (int i = 0; i < 768; i++) colours[i] = (unsigned char)((seed = seed * 1664525u + 1013904223u) >> 24);
    for (int y = 0; y < H; y++) {
        for (int i = 0; i < row; i++) plain[y][i] = (unsigned char)((seed = seed * 1664525u + 1013904223u) >> 24);
        raw[y * (row + 1)] = (unsigned char)(y % 5);
        for (int i = 0; i < row; i++) {
            int a = i < step ? 0 : plain[y][i - step], b = y ? plain[y - 1][i] : 0, c = y && i >= step
                ? plain[y - 1][i - step] : 0;
            const int guess[] = {0, a, b, (a + b) / 2, paeth(a, b, c)};
            raw[y * (row + 1) + 1 + i] = (unsigned char)(plain[y][i] - guess[y % 5]);
        }
        for (int x = 0; x < W; x++) {
            const unsigned char *p = plain[y] + x * channels[type];
            int bit = x * bits, v = bits == 8 ? p[0] : plain[y][bit / 8] >> (8 - bits - bit % 8) & ((1 << bits) - 1);
            for (int c = 0; c < 3; c++) {
                int grey = v * 255 / ((1 << bits) - 1), colour = channels[type] >= 3 ? p[c] : grey;
                want[(y * W + x) * 3 + c] = (unsigned char)(type == 3 ? colours[3 * v + c] : colour);
            }
        }
    }
    memcpy(f->data, "\x89PNG\r\n\x1a\n", f->size = 8);
    put_chunk(f, "IHDR", header, 13);
    put_chunk(f, "tEXt", (const unsigned char *)"Comment\0ignored", 15);
    if (type == 3) put_chunk(f, "PLTE", colours, 3u << bits);
    put_pixels(f, raw, H * (size_t)(row + 1));
    put_chunk(f, "IEND", NULL, 0);
}

static fl_status decoded(const file *f, unsigned char *rgb, fl_png *png, fl_error *err)
{
    fl_arena a;
    fl_bytes b = {f->data, f->size};
    fl_arena_init(&a, err);
    fl_status status = fl_png_parse(b, "test.png", 0, png, err);
    if (status == FL_OK && (png->width != W || png->height != H)) status = FL_FAILED;
    if (status == FL_OK) status = fl_png_decode(&a, b, "test.png", 0, png, rgb);
    fl_arena_free(&a);
    return status;
}

TEST(io_png_every_type_depth_and_filter)
{
    static const int kinds[][2] = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {2, 8}, {3, 1}, {3, 2}, {3, 4}, {3, 8}, {4, 8},
                                   {6, 8}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        static file f;
        fl_error err = {0};
        fl_png png;
        unsigned char want[W * H * 3], got[W * H * 3];
        make(&f, kinds[i][0], kinds[i][1], want);
        CHECK_SAY(decoded(&f, got, &png, &err) == FL_OK, "type %d, %d bits: %s", kinds[i][0], kinds[i][1],
                  err.message);
        CHECK_SAY(memcmp(want, got, sizeof want) == 0, "type %d, %d bits: other pixels", kinds[i][0], kinds[i][1]);
        CHECK(png.size == f.size && png.alpha == (kinds[i][0] >= 4));
    }
}

TEST(io_png_reads_what_we_write)
{
    fl_error err = {0};
    fl_arena a;
    fl_clip clip;
    unsigned char rgb[W * H * 3];
    fl_arena_init(&a, &err);
    for (int i = 0; i < W * H * 3; i++) rgb[i] = (unsigned char)(i * i / 7 + (i % 3) * 40);
    fl_buffer b = fl_buffer_new(&a);
    for (int i = 0; i < 3; i++, rgb[5] ^= 255) CHECK(fl_png_encode(&b, rgb, W, H) == FL_OK);
    CHECK_SAY(fl_clip_decode(&a, (fl_bytes){b.data, b.size}, "three", NULL, &clip) == FL_OK, "%s", err.message);
    CHECK(clip.frames == 3 && clip.height == H && clip.width == W && strcmp(clip.format, "png") == 0);
    for (int t = 0; t < 3 && clip.rgb; t++) {
        rgb[5] ^= 255;
        CHECK(memcmp(clip.rgb + t * W * H * 3, rgb, sizeof rgb) == 0);
    }
    fl_arena_free(&a);
}

/* Everything in the file is under a CRC, or is the signature, or a length that moves the CRC: no flipped bit goes
 * unseen. */
TEST(io_png_refuses_any_flipped_bit_and_any_cut)
{
    static file f;
    fl_png png;
    unsigned char want[W * H * 3], got[W * H * 3];
    int accepted = 0;
    make(&f, 3, 4, want);
    size_t whole = f.size;
    for (size_t bit = 0; bit < 8 * whole; bit++) {
        fl_error err = {0};
        f.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        accepted += decoded(&f, got, &png, &err) == FL_OK;
        f.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (f.size = 0; f.size < whole; f.size++) accepted += decoded(&f, got, &png, &(fl_error){0}) == FL_OK;
    CHECK_SAY(accepted == 0, "%d damaged files accepted", accepted);
    CHECK(decoded(&f, got, &png, &(fl_error){0}) == FL_OK);
}

/* Damage with right CRCs. */
TEST(io_png_refuses)
{
    static const struct { int at; unsigned char byte; const char *says; } bad[] = {
        {8, 16, "16 bits"}, {8, 3, "number of bits"}, {9, 1, "colour type"}, {9, 7, "colour type"},
        {12, 1, "interlaced"},
        {10, 1, "method"}, {3, 0, "sides"}, {0, 2, "sides"}, {7, 200, "cut short"}, {2, 200, "cut short"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        static file f;
        fl_error err = {0};
        fl_png png;
        unsigned char want[W * H * 3];
        static unsigned char got[4 << 20];
        make(&f, 2, 8, want);
        f.data[16 + bad[i].at] = bad[i].byte;
        put32(f.data + 29, crc_of(f.data + 12, 17));
        fl_arena a;
        fl_arena_init(&a, &err);
        fl_bytes b = {f.data, f.size};
        fl_status status = fl_png_parse(b, "test.png", 1000, &png, &err);
        if (status == FL_OK && (size_t)png.width * (size_t)png.height * 3 <= sizeof got)
            status = fl_png_decode(&a, b, "test.png", 1000, &png, got);
        CHECK_SAY(status == FL_UNREADABLE && strstr(err.message, bad[i].says), "%zu: %s", i, err.message);
        CHECK(strstr(err.message, "byte 1") != NULL);       /* 1008 or more: it counts from the start of the file */
        fl_arena_free(&a);
    }
}
