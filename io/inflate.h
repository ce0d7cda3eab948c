/* inflate.h: decompression of deflate (RFC 1951) and zlib (RFC 1950) data, as in PNG, zip and .npz files. */
#ifndef FL_INFLATE_H
#define FL_INFLATE_H

#include <stddef.h>
#include <stdint.h>

typedef struct fl_inflated {
    const char *wrong;      /* NULL when all went well, else what is wrong with the data: a static text */
    size_t used;            /* bytes of the input that belong to the stream */
    size_t made;            /* bytes written to out, at most room */
} fl_inflated;

/* One deflate stream from in[0..size) into out[0..room). Output that does not fit is an error, and so is damaged
 * input: nothing outside the two ranges is touched. Needs no memory but the stack (about 130 KiB). */
fl_inflated fl_inflate(const unsigned char *in, size_t size, unsigned char *out, size_t room);

/* The same with the header and the checksum of zlib around it. */
fl_inflated fl_inflate_zlib(const unsigned char *in, size_t size, unsigned char *out, size_t room);

#endif
