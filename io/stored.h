/* stored.h: a tensor as its file has it: type, shape, and numbers that lie somewhere in the file's bytes.
 *
 * Number i0,i1,... is at values + size of type * (i0 * stride0 + i1 * stride1 + ...); without strides row by row. */
#ifndef FL_STORED_H
#define FL_STORED_H

#include "io/scalar.h"
#include "tensor/bundle.h"

#define FL_STORED_MOST ((int64_t)1 << 40)   /* numbers in a tensor */

typedef struct fl_stored {
    const char *name;
    fl_scalar type;
    bool big_endian;
    bool strided;                       /* false: row by row, stride is not used */
    bool mapped;                        /* values are in a mapped file, not in memory of ours: forget them once read */
    int axes;
    int64_t size[FL_MAX_AXES], stride[FL_MAX_AXES], count;
    /* at any alignment; whoever fills this in has checked that all of it is there */
    const unsigned char *values;
} fl_stored;

/* Numbers first .. first + count - 1 in file order (row by row): as real, or as they are, little-endian. */
void fl_stored_decode(const fl_stored *, int64_t first, int64_t count, real *to);
void fl_stored_pack(const fl_stored *, int64_t first, int64_t count, unsigned char *to);

/* One entry that decodes on demand. The tensor and its bytes must live as long as the bundle. */
fl_status fl_stored_add(fl_bundle *, const fl_stored *);

/* "3,16,112,112", or "-" without axes, into a buffer of the caller's; returns it. */
typedef struct fl_sizes_text { char text[FL_MAX_AXES * 14]; } fl_sizes_text;
const char *fl_stored_sizes(const fl_stored *, fl_sizes_text *);

#endif
