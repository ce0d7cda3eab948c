/* file.h: whole files in, whole files out.
 *
 * Reading works on files and on pipes ("-" is standard input) and stops at a cap. Writing goes to a temporary
 * name in the same folder and is renamed at the end, so that a file appears whole or not at all. Bytes live in
 * the caller's arena; errors go to the arena's fl_error, or to the one given. */
#ifndef FL_FILE_H
#define FL_FILE_H

#include "tensor/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct fl_bytes {
    const unsigned char *data;      /* owned by the arena; a zero byte follows the last one */
    size_t size;
} fl_bytes;

bool fl_bytes_begin(fl_bytes, const char *magic);   /* the first bytes are those of the text */

#define FL_FILE_CAP ((size_t)8 << 30)   /* what a reader takes when it has no better idea */

/* Everything in the file at path, or on standard input when path is "-". FL_UNREADABLE when it cannot be opened, is a
 * folder, or holds more than cap bytes. */
fl_status fl_file_read(fl_arena *, const char *path, size_t cap, fl_bytes *);

/* Everything up to the end of an open stream; name is for messages. The stream stays open. */
fl_status fl_stream_read(fl_arena *, FILE *, const char *name, size_t cap, fl_bytes *);

bool fl_file_exists(const char *path);      /* anything of that name */
bool fl_file_is_regular(const char *path);  /* and not a folder, a pipe or a device */
bool fl_folder_exists(const char *path);
bool fl_file_is_same(const char *path, const char *other);      /* one file or folder by two names, or one name of none */

/* Creates the folder and those above it. FL_FAILED when that does not work, FL_USAGE for "-". */
fl_status fl_folder_make(const char *path, fl_error *);

/* A file being written. "-" writes to standard output. Between begin and end write to .stream as you like.
 *
 *     fl_writer w;
 *     if (fl_write_begin(&w, path, err) == FL_OK) fprintf(w.stream, ...);
 *     return fl_write_end(&w, err->status == FL_OK);
 */
typedef struct fl_writer {
    FILE *stream;                   /* NULL when begin failed */
    const char *path;               /* borrowed until end */
    char temporary[4096];
    bool to_disk;                   /* set before end to wait until the bytes are on the disk (fsync) */
    fl_error *error;
    struct fl_writer *older;        /* the list of those that are open, for fl_write_abandon */
} fl_writer;

fl_status fl_write_begin(fl_writer *, const char *path, fl_error *);

/* keep: rename to the final name, after checking that every write went through. Otherwise, and after any failure, the
 * temporary file is removed and what stood at path before is untouched. Does nothing when begin failed. */
fl_status fl_write_end(fl_writer *, bool keep);

/* Whether path can be written, to say so before long work and not after it: begins, and leaves what is there as it is. Pipes and
 * devices are not tried, their reader would take it for the end. */
fl_status fl_file_try(const char *path, fl_error *);

/* Removes the temporary files of all open writers. For a signal handler that ends the program (async-signal-safe). */
void fl_write_abandon(void);

fl_status fl_file_write(const char *path, const void *data, size_t size, fl_error *);   /* all of the above at once */

#endif
