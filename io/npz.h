/* npz.h: NumPy's .npz: a zip with one .npy per array, stored or deflated. */
#ifndef FL_NPZ_H
#define FL_NPZ_H

#include "io/weights_file.h"
#include "io/zip.h"

bool fl_npz_is(const fl_zip *);              /* every member ends in .npy, and there is one */
fl_status fl_npz_read(fl_arena *, const char *name, bool mapped, const fl_zip *, fl_weights_file *);

/* A single .npy: the tensor "arr_0", as NumPy calls an array without a name. */
fl_status fl_npz_read_npy(fl_arena *, fl_bytes, const char *name, fl_weights_file *);

#endif
