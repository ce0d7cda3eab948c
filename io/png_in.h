/* png_in.h: PNG images as RGB: grey, colour, palette, with or without alpha; 1 to 8 bits; not interlaced. */
#ifndef FL_PNG_IN_H
#define FL_PNG_IN_H

#include "io/file.h"

typedef struct fl_png {
    int width, height;               /* 1 .. 2^24 */
    int bits, channels;              /* per sample (1, 2, 4, 8); samples per pixel in the file */
    bool palette, alpha;             /* alpha: the file has transparency, which decoding drops */
    const unsigned char *colours;    /* palette: 3 bytes each, inside the file's bytes */
    int colour_count;
    size_t packed;                   /* bytes of compressed pixels, over all IDAT chunks */
    size_t size;                     /* of the whole image in the file; another may follow */
} fl_png;

/* Walks over the chunks of the image at the start of the bytes, checking their CRCs. name and offset (of these
 * bytes in their file) are for messages. FL_UNREADABLE: damaged, or a kind of PNG that is not read here. */
fl_status fl_png_parse(fl_bytes, const char *name, size_t offset, fl_png *, fl_error *);

/* Decodes the image that was parsed into rgb (height, width, 3). Scratch memory comes from the arena and is given
 * back. */
fl_status fl_png_decode(fl_arena *, fl_bytes, const char *name, size_t offset, const fl_png *, unsigned char *rgb);

#endif
