/* weights_file.h: the files that people have weights in, opened by what they are, not by their suffix.
 *
 *     safetensors | PyTorch checkpoint (zip, or the older stream) | pickle with NumPy arrays | .npz | .npy
 *
 * Names are those of the file; of a checkpoint that keeps its tensors under "state_dict" (or "model", ...) those
 * inside. A whole pickled module gives the names of its state_dict. Tensors stay where they are: a mapped file is
 * decoded when an entry is read. Nothing in a file is ever executed. */
#ifndef FL_WEIGHTS_FILE_H
#define FL_WEIGHTS_FILE_H

#include "io/map.h"
#include "io/safetensors.h"

typedef enum fl_import_class {
    FL_IMPORT_KNOWN,         /* containers, tensors, layers of PyTorch and NumPy: read as data */
    FL_IMPORT_UNKNOWN,       /* code of somebody: Python would import and call it, here it is a name */
    FL_IMPORT_DANGEROUS      /* what an attack would use: os.system, eval, ... */
} fl_import_class;

typedef struct fl_import {   /* a name that Python would import when it opened the file */
    const char *module, *name;
    fl_import_class class;
    int count;               /* how often the file asks for it */
} fl_import;

typedef struct fl_weights_file {
    const char *kind;        /* "PyTorch checkpoint (zip)": for people */
    fl_stored *tensor;       /* in the order of the file */
    int count, room;
    fl_metadata metadata;    /* of safetensors; else empty */
    const char *container;   /* "state_dict", "model.state_dict"; NULL: the tensors are not inside of anything */
    fl_import *import;       /* sorted: dangerous first, then unknown, then known; by name */
    int imports;
    fl_mapped file;
} fl_weights_file;

/* Everything is the arena's, and the mapping stays until close. FL_UNREADABLE: what the file is instead and what to
 * do, or where it is damaged. With FL_UNREADABLE .kind and .import hold what was found so far. */
fl_status fl_weights_file_open(fl_arena *, const char *path, fl_weights_file *);
void fl_weights_file_close(fl_weights_file *);       /* its tensors must not be read any more */

/* The same on bytes in memory; no need to close. */
fl_status fl_weights_file_parse(fl_arena *, fl_bytes, const char *name, fl_weights_file *);

/* All tensors as entries that are decoded on demand; the bundle must not outlive the file. */
fl_status fl_weights_file_bundle(const fl_weights_file *, fl_bundle *);

/* Writes the tensors with their own types as safetensors, in the order of the file. */
fl_status fl_weights_file_write(const fl_weights_file *, const char *path, fl_error *);

/* ---- for the readers behind it ---- */

fl_status fl_weights_file_add(fl_arena *, fl_weights_file *, const char *name, const fl_stored *);
fl_import_class fl_import_classify(const char *module, const char *name);

/* "a web page: the download failed; ..." by the first bytes, or NULL. For files that hold no weights that are read
 * here. */
const char *fl_weights_other_kind(fl_bytes);

#endif
