/* map.h: a large file as bytes in memory that the kernel reads when they are touched.
 *
 * Pages that were touched count as ours until they are forgotten; who walks through a large file forgets what lies
 * behind. A mapped file must not be cut shorter while it is in use: the kernel then stops the program (SIGBUS). Our
 * own writers never do that, they rename a new file over the old one. */
#ifndef FL_MAP_H
#define FL_MAP_H

#include "io/file.h"

typedef struct fl_mapped {
    fl_bytes bytes;          /* no zero byte follows the last one */
    bool mapped;             /* false: read into the arena, as from a pipe */
} fl_mapped;

/* Maps the file at path; what cannot be mapped ("-", pipes, empty files) is read into the arena. FL_UNREADABLE as
 * fl_file_read. */
fl_status fl_map_open(fl_arena *, const char *path, fl_mapped *);
void fl_map_close(fl_mapped *);                  /* does nothing for one that was read */

/* The pages around bytes[0..size) may go; they come back when they are touched again. Only for bytes of a mapped
 * file. */
void fl_map_forget(const void *bytes, size_t size);

#endif
