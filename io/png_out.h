/* png_out.h: a picture as the bytes of a PNG file, truecolour 8 bit.
 *
 * The deflate stream comes from stb_image_write; the chunks around it, and those of an APNG (apng.h), are
 * written with the two functions at the end. Same picture, same bytes: nothing but the picture enters. */
#ifndef FL_PNG_OUT_H
#define FL_PNG_OUT_H

#include "io/buffer.h"
#include "io/crc32.h"

/* rgb: height x width x 3 bytes, row by row. Appends a whole PNG file to out. FL_USAGE when a side is below 1 or the
 * picture is too large for the encoder (2^28 bytes), FL_FAILED for memory. */
fl_status fl_png_encode(fl_buffer *out, const unsigned char *rgb, int width, int height);

/* count pictures of one size, each into an empty buffer of its own, all in one arena: the same files, made by all threads. */
fl_status fl_png_encode_each(fl_buffer *out, const unsigned char *const *rgb, int count, int width, int height);

fl_status fl_png_check(int width, int height, fl_error *);      /* FL_USAGE as above */

/* One chunk: length, four letters, content, CRC over letters and content. */
void fl_png_chunk(fl_buffer *out, const char *type, const void *content, size_t count);

#endif
