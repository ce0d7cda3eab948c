/* npy.h: NumPy's .npy files (format versions 1 to 3).
 *
 * An array has 0 to FL_MAX_AXES axes and lies in file order (row-major, the last axis fastest), whatever order and
 * byte order the file uses. Types: f8 f4 f2, i8 i4 i2 i1, u8 u4 u2 u1, b1. Pickled objects, text and complex
 * numbers are refused. */
#ifndef FL_NPY_H
#define FL_NPY_H

#include "io/buffer.h"
#include "io/file.h"
#include "io/stored.h"

/* A file's header, checked against its length, and where its numbers lie. */
typedef struct fl_npy {
    fl_scalar type;
    bool big_endian, fortran_order;
    int axes;
    int64_t size[FL_MAX_AXES];
    int64_t count;                       /* product of size */
    const unsigned char *values;         /* inside the bytes that were parsed; count * fl_scalar_size(type) bytes */
} fl_npy;

fl_scalar fl_npy_scalar(const char *code);      /* "f4", "i8", "b1"; FL_SCALAR_NONE: no such type, or none of numbers */
bool fl_npy_is(fl_bytes);                                                      /* begins as a .npy file does */
fl_status fl_npy_parse(fl_bytes, const char *name, fl_npy *, fl_error *);      /* FL_UNREADABLE */
real *fl_npy_values(fl_arena *, const fl_npy *);                               /* in file order; NULL: no memory */

void fl_npy_stored(const fl_npy *, const char *tensor, fl_stored *);           /* as a tensor of that name */

/* Both of the above on a file ("-": standard input): shape into *header (its .values is NULL), numbers returned. */
real *fl_npy_read(fl_arena *, const char *path, fl_npy *header);

/* The bytes of such a file, appended; in the build's own precision. */
void fl_npy_append(fl_buffer *, int axes, const int64_t *size, const real *values);

/* Writes numbers in file order, little-endian, C order, version 1: '<f4' in the float32 build, '<f8' in the float64
 * build; fl_npy_write_as chooses: FL_SCALAR_F32 or FL_SCALAR_F64. The file appears whole or not at all. */
fl_status fl_npy_write(const char *path, int axes, const int64_t *size, const real *values, fl_error *);
fl_status fl_npy_write_as(fl_scalar type, const char *path, int axes, const int64_t *size, const real *values,
                          fl_error *);

#endif
