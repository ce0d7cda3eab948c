/* clip_pnm.c: binary portable images one after the other: P6 (colour), P5 (grey), P7 (PAM: grey, colour, with alpha).
 *
 *     P6 width height 255 <one white space> width*height*3 bytes, ...
 *     P7\nWIDTH w\nHEIGHT h\nDEPTH d\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n w*h*d bytes, ...
 *
 * '#' begins a comment in a header. White space between two images is let pass. */
#include "io/clip_formats.h"

#include <ctype.h>
#include <string.h>

typedef struct image {
    int64_t width, height;
    int depth;                       /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
    size_t pixels;                   /* offset of the first */
} image;

bool fl_is_pnm(fl_bytes b)
{
    return b.size > 2 && b.data[0] == 'P' && b.data[1] >= '5' && b.data[1] <= '7'
        && (isspace(b.data[2]) || b.data[2] == '#');
}

static int byte_at(const fl_source *s, size_t at) { return at < s->bytes.size ? s->bytes.data[at] : -1; }

static size_t skip_space(const fl_source *s, size_t at)
{
    bool comment = false;
    for (int c; (c = byte_at(s, at)) >= 0; at++) {
        if (c == '#') comment = true;
        if (!comment && !isspace(c)) break;
        if (c == '\n') comment = false;
    }
    return at;
}

/* A number of at most 7 digits after white space; false when there is none. */
static bool read_number(const fl_source *s, size_t *at, int64_t *n)
{
    size_t start = *at = skip_space(s, *at);
    *n = 0;
    for (int c; (c = byte_at(s, *at)) >= '0' && c <= '9' && *at < start + 8; ++*at) *n = 10 * *n + c - '0';
    return *at > start && *at < start + 8;
}

static bool accept_word(const fl_source *s, size_t *at, const char *word)
{
    size_t n = strlen(word), start = skip_space(s, *at);
    if (start > s->bytes.size || s->bytes.size - start < n) return false;
    if (memcmp(s->bytes.data + start, word, n) != 0) return false;
    *at = start + n;
    return true;
}

static fl_status read_classic(const fl_source *s, size_t *at, int64_t *maxval, image *i)
{
    i->depth = byte_at(s, *at + 1) == '6' ? 3 : 1;
    *at += 2;
    if (!read_number(s, at, &i->width) || !read_number(s, at, &i->height) || !read_number(s, at, maxval))
        return fl_source_error(s, *at, "a number of 1 to 7 digits expected in the header of a PPM image: width, height, 255");
    if (byte_at(s, *at) < 0 || !isspace(byte_at(s, *at)))
        return fl_source_error(s, *at, "one white space expected between the header and the pixels of a PPM image");
    ++*at;
    return FL_OK;
}

static fl_status read_pam(const fl_source *s, size_t *at, int64_t *maxval, image *i)
{
    int64_t depth = 0;
    *at += 2;
    while (!accept_word(s, at, "ENDHDR")) {
        int64_t *to = accept_word(s, at, "WIDTH") ? &i->width : accept_word(s, at, "HEIGHT") ? &i->height
            : accept_word(s, at, "DEPTH") ? &depth : accept_word(s, at, "MAXVAL") ? maxval : NULL;
        if (!to && accept_word(s, at, "TUPLTYPE")) {
            while (byte_at(s, *at) >= 0 && byte_at(s, *at) != '\n') ++*at;
        } else if (!to || !read_number(s, at, to)) {
            return fl_source_error(s, *at, "WIDTH, HEIGHT, DEPTH, MAXVAL, TUPLTYPE or ENDHDR expected");
        }
    }
    if (byte_at(s, *at) != '\n') return fl_source_error(s, *at, "a line break expected after ENDHDR");
    ++*at;
    i->depth = depth >= 1 && depth <= 4 ? (int)depth : 0;
    return i->depth ? FL_OK : fl_source_error(s, *at, "a PAM image of DEPTH 1 to 4 expected, got %d", (int)depth);
}

static fl_status read_header(const fl_source *s, size_t at, image *i)
{
    int64_t maxval = 0;
    size_t start = at;
    memset(i, 0, sizeof *i);
    if (!fl_is_pnm((fl_bytes){s->bytes.data + at, s->bytes.size - at}))
        return fl_source_error(s, at, "the next image (P5, P6 or P7) expected");
    fl_status status = byte_at(s, at + 1) == '7' ? read_pam(s, &at, &maxval, i) : read_classic(s, &at, &maxval, i);
    if (status != FL_OK) return status;
    if (maxval != 255)
        return fl_source_error(s, start, "8 bits per sample (maxval 255) expected, got maxval %d; convert with: "
                               "ffmpeg -i IN -pix_fmt rgb24 OUT.ppm", (int)maxval);
    if (i->width < 1 || i->height < 1 || i->width > FL_CLIP_SIDE || i->height > FL_CLIP_SIDE)
        return fl_source_error(s, start, "an image of 1 to %d pixels a side expected, got %d x %d", FL_CLIP_SIDE,
                               (int)i->width, (int)i->height);
    size_t need = (size_t)i->width * (size_t)i->height * (size_t)i->depth;
    if (s->bytes.size - at < need)
        return fl_source_error(s, at, "the image is cut short: %zu bytes expected, got %zu", need,
                               s->bytes.size - at);
    i->pixels = at;
    return FL_OK;
}

static void copy_pixels(const image *i, const unsigned char *from, unsigned char *rgb)
{
    int64_t count = i->width * i->height;
    if (i->depth == 3) {
        memcpy(rgb, from, (size_t)count * 3);
        return;
    }
    for (int64_t p = 0; p < count; p++, from += i->depth, rgb += 3)
        for (int c = 0; c < 3; c++) rgb[c] = from[i->depth == 4 ? c : 0];
}

/* Counts the images, and decodes them when rgb is given. */
static fl_status walk(const fl_source *s, int64_t *count, image *first, unsigned char *rgb, fl_clip *clip)
{
    image i;
    for (size_t at = *count = 0; at < s->bytes.size; ++*count) {
        fl_status status = read_header(s, at, &i);
        if (status != FL_OK) return status;
        if (*count == 0) *first = i;
        if (i.width != first->width || i.height != first->height)
            return fl_source_error(s, at, "frame %lld: a size of %d x %d as before expected, got %d x %d",
                                   (long long)*count, (int)first->width, (int)first->height, (int)i.width,
                                   (int)i.height);
        if (i.depth == 2 || i.depth == 4) fl_clip_note(clip, "alpha dropped");
        size_t frame = (size_t)(i.width * i.height) * 3;
        if (rgb) copy_pixels(&i, s->bytes.data + i.pixels, rgb + (size_t)*count * frame);
        at = i.pixels + (size_t)(i.width * i.height * i.depth);
        while (at < s->bytes.size && isspace(s->bytes.data[at])) at++;
    }
    return FL_OK;
}

fl_status fl_clip_pnm(const fl_source *s, fl_clip *clip)
{
    image first = {0};
    int64_t count;
    fl_status status = walk(s, &count, &first, NULL, clip);
    if (status != FL_OK) return status;
    unsigned char *rgb = fl_clip_frames(s, clip, count, first.height, first.width);
    return rgb ? walk(s, &count, &first, rgb, clip) : fl_source_status(s);
}
