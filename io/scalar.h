/* scalar.h: the number types that occur in files, and how they become real. */
#ifndef FL_SCALAR_H
#define FL_SCALAR_H

#include "tensor/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum fl_scalar {
    FL_SCALAR_NONE,
    FL_SCALAR_F64, FL_SCALAR_F32, FL_SCALAR_F16, FL_SCALAR_BF16,
    FL_SCALAR_I64, FL_SCALAR_I32, FL_SCALAR_I16, FL_SCALAR_I8,
    FL_SCALAR_U64, FL_SCALAR_U32, FL_SCALAR_U16, FL_SCALAR_U8,
    FL_SCALAR_BOOL
} fl_scalar;

const char *fl_scalar_name(fl_scalar);        /* "F32", "BF16", "BOOL": as in safetensors */
fl_scalar fl_scalar_named(const char *name);  /* FL_SCALAR_NONE when there is no such type */
int fl_scalar_size(fl_scalar);                /* bytes: 1, 2, 4 or 8 */
bool fl_scalar_host_is_little(void);          /* this machine stores the low byte first */

/* to[i] = value i of the packed numbers at from (no alignment needed); rounded to nearest where real is narrower. */
void fl_scalar_decode(fl_scalar, const void *from, bool big_endian, int64_t count, real *to);

/* The other way, little-endian, for FL_SCALAR_F32 and FL_SCALAR_F64 only. */
void fl_scalar_encode(fl_scalar, const real *from, int64_t count, void *to);

#endif
