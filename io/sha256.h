/* sha256.h: SHA-256 (FIPS 180-4), to name files in results. */
#ifndef FL_SHA256_H
#define FL_SHA256_H

#include "tensor/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct fl_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
} fl_sha256;

typedef char fl_sha256_text[65];       /* 64 lower-case hex digits and the final zero */

void fl_sha256_begin(fl_sha256 *);
void fl_sha256_add(fl_sha256 *, const void *data, size_t size);
void fl_sha256_end(fl_sha256 *, fl_sha256_text hex);

void fl_sha256_bytes(const void *data, size_t size, fl_sha256_text hex);
fl_status fl_sha256_file(const char *path, fl_sha256_text hex, fl_error *);   /* FL_UNREADABLE */

#endif
