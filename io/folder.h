/* folder.h: what is in a folder, in the order in which people count: frame2 before frame10. */
#ifndef FL_FOLDER_H
#define FL_FOLDER_H

#include "tensor/arena.h"

#include <stdbool.h>

typedef struct fl_listing { char **path; int count; } fl_listing;     /* both the arena's */

/* Paths (folder/name) of the entries whose path `keep` accepts; entries that begin with a dot are left out.
 * FL_UNREADABLE when the folder cannot be read. */
fl_status fl_folder_list(fl_arena *, const char *folder, bool (*keep)(const char *path, const void *user), const void *user,
                         fl_listing *);

#endif
