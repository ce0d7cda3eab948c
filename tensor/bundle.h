/* bundle.h: name -> tensor. Weights as the core sees them; io/ fills a bundle from a file, training from a graph.
 *
 * Values lie in file order (row-major, as in the file), with their own number of axes (0 to 8). Names are
 * unique. An entry holds its values in memory, or knows how to read them where they are: half precision in
 * a mapped file, say, becomes real only on its way into a parameter. Read-only once filled; any number of
 * graphs may use it. */
#ifndef FL_BUNDLE_H
#define FL_BUNDLE_H

#include "tensor/tensor.h"

enum { FL_MAX_AXES = 8 };

typedef struct fl_entry {
    const char *name;
    int axes;
    int64_t size[FL_MAX_AXES];
    const real *data;            /* file order; NULL: ask read */
    void (*read)(const struct fl_entry *, int64_t first, int64_t count, real *to);    /* NULL: they are in data */
    const void *source;          /* for read; not the bundle's */
} fl_entry;

typedef struct fl_bundle {
    fl_arena *arena;             /* borrowed; owns what the bundle copies */
    fl_entry *entry;
    int count, room;
} fl_bundle;

void fl_bundle_init(fl_bundle *, fl_arena *borrowed);

/* Adds a tensor; copies the name, keeps data by reference (it must live as long as the bundle). FL_UNREADABLE for a
 * duplicate name or more than FL_MAX_AXES axes, FL_FAILED for memory. */
fl_status fl_bundle_add(fl_bundle *, const char *name, int axes, const int64_t *size, const real *data);

/* The same for values that are read on demand. read writes values first .. first + count - 1 (file order); it and
 * source live as long as the bundle. */
fl_status fl_bundle_add_source(fl_bundle *, const char *name, int axes, const int64_t *size,
                               void (*read)(const fl_entry *, int64_t first, int64_t count, real *to),
                               const void *source);

/* An entry of this or of another bundle once more, under another name: its values stay where they are. */
fl_status fl_bundle_add_as(fl_bundle *, const char *name, const fl_entry *);

const fl_entry *fl_bundle_find(const fl_bundle *, const char *name);   /* NULL when there is none */
int64_t fl_entry_count(const fl_entry *);                              /* number of values */

/* Values first .. first + count - 1, which must exist, wherever they are. In order, each once, costs least. */
void fl_entry_read(const fl_entry *, int64_t first, int64_t count, real *to);

#endif
