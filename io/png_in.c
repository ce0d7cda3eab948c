/* png_in.c: PNG (ISO 15948): a signature, then chunks: length, type, content, CRC.
 *
 * The contents of the IDAT chunks in a row are one zlib stream of rows; each row is a filter byte and packed samples,
 * predicted from left (a), above (b) and above left (c): none, a, b, floor((a + b) / 2), or whichever of a, b, c is
 * nearest to a + b - c. */
#include "io/png_in.h"
#include "io/inflate.h"
#include "io/png_out.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 1 << 24, CHUNK = 12 };                 /* bytes of a chunk without its content */

typedef struct walker {
    fl_bytes bytes;
    const char *name;
    size_t offset, at;               /* of the bytes in their file; of the current chunk in the bytes */
    size_t length;                   /* of the content of the current chunk */
    fl_error *error;
} walker;

static fl_status wrong(const walker *w, const char *what)
{
    return fl_error_set(w->error, FL_UNREADABLE, "%s: byte %zu: PNG: %s", w->name, w->offset + w->at, what);
}

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool type_is(const walker *w, const char *type) { return memcmp(w->bytes.data + w->at + 4, type, 4) == 0; }
static const unsigned char *content(const walker *w) { return w->bytes.data + w->at + 8; }

/* Looks at the chunk at w->at: is it all there, is it whole? */
static fl_status look(walker *w)
{
    size_t left = w->bytes.size - w->at;
    if (left < CHUNK) return wrong(w, "the next chunk expected, the file ends");
    w->length = big32(w->bytes.data + w->at);
    if (w->length > left - CHUNK) return wrong(w, "the chunk is cut short");
    if (fl_crc32(w->bytes.data + w->at + 4, w->length + 4) != big32(content(w) + w->length))
        return wrong(w, "the chunk is damaged (its CRC does not match)");
    return FL_OK;
}

static fl_status read_header(const walker *w, fl_png *png)
{
    static const int channels[7] = {1, 0, 3, 1, 2, 0, 4};
    const unsigned char *p = content(w);
    if (!type_is(w, "IHDR") || w->length != 13) return wrong(w, "IHDR of 13 bytes expected first");
    uint32_t width = big32(p), height = big32(p + 4);
    int bits = p[8], kind = p[9];
    if (width < 1 || height < 1 || width > SIDE || height > SIDE)
        return wrong(w, "sides of 1 to 2^24 pixels expected");
    if (kind > 6 || channels[kind] == 0) return wrong(w, "no such colour type");
    if (bits == 16)
        return wrong(w, "16 bits per sample are not read here; make it 8 with: ffmpeg -i IN.png -pix_fmt rgb24 "
                     "OUT.ppm");
    bool few = kind == 0 || kind == 3;               /* grey and palette may have fewer than 8 bits */
    if (bits != 8 && !(few && (bits == 1 || bits == 2 || bits == 4)))
        return wrong(w, "no such number of bits per sample");
    if (p[10] || p[11]) return wrong(w, "no such compression or filter method");
    if (p[12]) return wrong(w, "interlaced images are not read here; convert with: ffmpeg -i IN.png OUT.ppm");
    png->width = (int)width;
    png->height = (int)height;
    png->bits = bits;
    png->channels = channels[kind];
    png->palette = kind == 3;
    png->alpha = kind >= 4;
    return FL_OK;
}

static fl_status read_chunk(const walker *w, fl_png *png)
{
    if (type_is(w, "IDAT")) {
        png->packed += w->length;
    } else if (type_is(w, "tRNS")) {
        png->alpha = true;
    } else if (type_is(w, "acTL")) {
        return wrong(w, "an animation is not read here; convert with: ffmpeg -i IN.png -f image2pipe -c:v ppm "
                     "OUT.ppm");
    } else if (type_is(w, "PLTE")) {
        png->colours = content(w);
        png->colour_count = (int)(w->length / 3);
        if (w->length % 3 || w->length > 768) return wrong(w, "a palette of 1 to 256 colours expected");
    } else if (!(w->bytes.data[w->at + 4] & 32)) {   /* a capital letter: needed for decoding */
        return wrong(w, "a chunk that is needed but not known here");
    }
    return FL_OK;
}

static size_t row_bytes(const fl_png *png)
{
    return ((size_t)png->width * (size_t)(png->channels * png->bits) + 7) / 8;
}

static const char SIGNATURE[] = "\x89PNG\r\n\x1a\n";

fl_status fl_png_parse(fl_bytes b, const char *name, size_t offset, fl_png *png, fl_error *err)
{
    walker w = {b, name, offset, 0, 0, err};
    memset(png, 0, sizeof *png);
    if (!fl_bytes_begin(b, SIGNATURE)) return wrong(&w, "the signature of a PNG image expected");
    w.at = 8;
    fl_status status = look(&w);
    if (status == FL_OK) status = read_header(&w, png);
    while (status == FL_OK && !type_is(&w, "IEND")) {
        w.at += CHUNK + w.length;
        status = look(&w);
        if (status == FL_OK && !type_is(&w, "IEND")) status = read_chunk(&w, png);
    }
    if (status != FL_OK) return status;
    if (png->palette && !png->colours) return wrong(&w, "a palette expected before the end");
    if (row_bytes(png) * (size_t)png->height / 1200 > png->packed)      /* deflate shrinks by 1032 to 1 at most */
        return wrong(&w, "the pixels are cut short");
    png->size = w.at + CHUNK + w.length;
    return FL_OK;
}

static int nearest(int a, int b, int c)
{
    int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* Undoes the filter of one row in place; above is the row before, already whole, or zeros. step: bytes per pixel,
 * >= 1. */
static bool unfilter(unsigned char *row, const unsigned char *above, size_t n, size_t step, int filter)
{
    for (size_t i = 0; i < n; i++) {
        int a = i < step ? 0 : row[i - step], b = above[i], c = i < step ? 0 : above[i - step], guess;
        switch (filter) {
        case 0: return true;
        case 1: guess = a; break;
        case 2: guess = b; break;
        case 3: guess = (a + b) / 2; break;
        case 4: guess = nearest(a, b, c); break;
        default: return false;
        }
        row[i] = (unsigned char)(row[i] + guess);
    }
    return true;
}

/* Pixel x of a whole row; false for an index beyond the palette. */
static bool put_pixel(const fl_png *png, const unsigned char *row, int x, unsigned char *rgb)
{
    int per_byte = 8 / png->bits, mask = (1 << png->bits) - 1;
    if (png->channels >= 3) {
        memcpy(rgb, row + (size_t)x * (size_t)png->channels, 3);
        return true;
    }
    int v = png->channels == 2 ? row[2 * (size_t)x]
                               : row[x / per_byte] >> (8 - png->bits * (x % per_byte + 1)) & mask;
    if (png->palette && v >= png->colour_count) return false;
    if (png->palette) memcpy(rgb, png->colours + 3 * (size_t)v, 3);
    else memset(rgb, v * 255 / mask, 3);
    return true;
}

static const char *decode_rows(const fl_png *png, unsigned char *rows, unsigned char *zeros, unsigned char *rgb)
{
    size_t n = row_bytes(png), step = (size_t)(png->channels * png->bits + 7) / 8;
    const unsigned char *above = zeros;
    for (int y = 0; y < png->height; y++, above = rows + 1, rows += n + 1) {
        if (!unfilter(rows + 1, above, n, step, rows[0])) return "a row has a filter that does not exist";
        for (int x = 0; x < png->width; x++, rgb += 3)
            if (!put_pixel(png, rows + 1, x, rgb)) return "a pixel has a colour beyond the palette";
    }
    return NULL;
}

/* The contents of all IDAT chunks, one after the other. */
static void gather(walker *w, unsigned char *to)
{
    for (w->at = 8; look(w) == FL_OK && !type_is(w, "IEND"); w->at += CHUNK + w->length) {
        if (!type_is(w, "IDAT") || !w->length) continue;
        memcpy(to, content(w), w->length);
        to += w->length;
    }
    w->at = 8;
}

fl_status fl_png_decode(fl_arena *a, fl_bytes b, const char *name, size_t offset, const fl_png *png,
                        unsigned char *rgb)
{
    walker w = {b, name, offset, 8, 0, a->error};
    size_t need = (row_bytes(png) + 1) * (size_t)png->height;
    fl_mark mark = fl_arena_mark(a);
    unsigned char *packed = FL_NEW(a, unsigned char, png->packed), *rows = FL_NEW(a, unsigned char, need);
    unsigned char *zeros = FL_NEW(a, unsigned char, row_bytes(png));
    if (!packed || !rows || !zeros) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", name);
    gather(&w, packed);
    fl_inflated r = fl_inflate_zlib(packed, png->packed, rows, need);
    const char *what = r.wrong;
    if (!what && r.made < need) what = "the pixels are cut short";
    if (!what) what = decode_rows(png, rows, zeros, rgb);
    fl_arena_release(a, mark);
    return what ? wrong(&w, what) : FL_OK;
}
