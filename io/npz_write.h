/* npz_write.h: NumPy's .npz out: a zip of .npy files, stored, one after the other as they come. Same arrays, same bytes. */
#ifndef FL_NPZ_WRITE_H
#define FL_NPZ_WRITE_H

#include "io/buffer.h"
#include "io/file.h"
#include "tensor/real.h"

typedef struct fl_npz_out {
    fl_writer file;
    fl_arena *arena;                     /* borrowed: scratch, and the directory until the end */
    fl_buffer directory;
    uint64_t offset;
    int count;
} fl_npz_out;

fl_status fl_npz_begin(fl_npz_out *, fl_arena *, const char *path);

/* Values in file order, in the build's own precision. Names must differ; "a:b.c" is a good name. Errors wait for the end. */
void fl_npz_add(fl_npz_out *, const char *name, int axes, const int64_t *size, const real *values);

/* The file appears whole, or not at all. FL_FAILED: a write did not go through, or more than 4 GiB. */
fl_status fl_npz_end(fl_npz_out *);

#endif
