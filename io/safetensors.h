/* safetensors.h: weights in and out in the safetensors format.
 *
 *     8 bytes: header length n, little-endian | n bytes: JSON | the tensors' bytes
 *     {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [8, 3], "data_offsets": [begin, end]}, ...}
 *
 * Offsets count from the end of the header, need no alignment, and cover the rest of the file without holes or
 * overlaps; a file that says otherwise is refused, as the format demands. */
#ifndef FL_SAFETENSORS_H
#define FL_SAFETENSORS_H

#include "io/file.h"
#include "io/stored.h"

typedef struct fl_metadata_pair { const char *key, *value; } fl_metadata_pair;

typedef struct fl_metadata {
    fl_metadata_pair *pair;                          /* in the order of the file */
    int count;
} fl_metadata;

const char *fl_metadata_find(const fl_metadata *, const char *key);       /* NULL when it is not there */

typedef struct fl_safetensors {
    fl_stored *tensor;                      /* in the order of the header */
    int count;
    fl_metadata metadata;
} fl_safetensors;

/* Reads and checks the header of a whole file in memory. Names and lists: the arena's; values stay in the bytes. */
fl_status fl_safetensors_parse(fl_arena *, fl_bytes, const char *name, fl_safetensors *);

/* Every tensor of the file at path, converted to real, into the bundle (owned by its arena). metadata may be NULL.
 * FL_UNREADABLE: not such a file, damaged, types that are no numbers. Truth values become 0 and 1. */
fl_status fl_safetensors_read(fl_bundle *, const char *path, fl_metadata *);

/* Writes the bundle's tensors as F32 in the bundle's order. Same input, same bytes. metadata may be NULL. */
fl_status fl_safetensors_write(const char *path, const fl_bundle *, const fl_metadata *, fl_error *);

#endif
