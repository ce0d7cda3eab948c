/* torch.h: PyTorch's checkpoints, and pickles with NumPy arrays.
 *
 * The pickle says how tensors are made from storages (blocks of numbers of one type, known by a key); the storages
 * lie around it: as members of a zip, or one after the other behind the pickle (the "legacy" stream). */
#ifndef FL_TORCH_H
#define FL_TORCH_H

#include "io/pickle.h"
#include "io/weights_file.h"
#include "io/zip.h"

typedef struct fl_storage_type {
    const char *name;            /* "FloatStorage" */
    fl_scalar type;              /* FL_SCALAR_NONE: not read here */
    int size;                    /* bytes of one number */
} fl_storage_type;

typedef struct fl_storage {
    const fl_pickled *key;       /* TEXT or BYTES */
    const fl_storage_type *type;
    int64_t count;               /* numbers */
    const unsigned char *data;   /* NULL: not there, or not looked for yet */
} fl_storage;

typedef struct fl_torch {
    fl_arena *arena;
    const char *name;            /* of the file, for messages */
    fl_weights_file *out;
    bool mapped;                 /* the zip is a mapped file */
    bool big_endian;
    fl_storage *storage;         /* sorted by key */
    int storages;
    const fl_zip *zip;           /* NULL: storages have their data already */
    const char *top;             /* folder in the zip, with its slash */
    const char *tensor;          /* the one at work, for messages */
    const char *strange;         /* the first unknown object that stood where a tensor might: "KEY, made by NAME" */
    int steps;
    int64_t bytes;               /* of all tensors so far */
} fl_torch;

/* From first bytes to tensors. */
fl_status fl_torch_read_zip(fl_arena *, const char *name, bool mapped, const fl_zip *, fl_weights_file *);
fl_status fl_torch_read_stream(fl_arena *, fl_bytes, const char *name, fl_weights_file *);

/* torch_storage.c: the list of storages from the ids in a pickle; one by its id (NULL: error), with its data. */
fl_status fl_torch_storages(fl_torch *, const fl_pickle *);
fl_storage *fl_torch_storage(fl_torch *, const fl_pickled *persistent, int64_t *first, int64_t *count);
/* NULL without an error: no such key */
fl_storage *fl_torch_storage_keyed(fl_torch *, const fl_pickled *key);
/* of the name torch.float16; or NULL */
const fl_storage_type *fl_torch_dtype(const fl_pickled *);

/* torch_tensor.c: does the value make a tensor; which one. false: error. */
bool fl_torch_makes_tensor(const fl_pickled *);
bool fl_torch_tensor(fl_torch *, const fl_pickled *, fl_stored *);

/* numpy_pickle.c: the same for arrays; plain: something of NumPy that is no array and does no harm. */
bool fl_numpy_makes_array(const fl_pickled *);
bool fl_numpy_is_plain(const fl_pickled *);
bool fl_numpy_array(fl_torch *, const fl_pickled *, fl_stored *);

/* torch_walk.c: all tensors of the tree, with their names, into out. */
fl_status fl_torch_walk(fl_torch *, const fl_pickled *root);

/* torch_parts.c: shared by them. */
bool fl_torch_wrong(fl_torch *, const char *format, ...) __attribute__((format(printf, 2, 3)));   /* false */
bool fl_torch_sizes(fl_torch *, const fl_pickled *, int64_t size[FL_MAX_AXES], int *axes);
/* "module.name" of what would be called, for messages */
const char *fl_torch_maker(fl_torch *, const fl_pickled *);

/* Numbers first .. of a block of count numbers, with strides (NULL: row by row): checks that all of it is inside. */
bool fl_torch_fits(fl_torch *, fl_stored *, int64_t first, int64_t count);

#endif
