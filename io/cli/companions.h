/* companions.h: the files beside clip and weights that have a say in an explanation: labels, boxes, rules, a card, a baseline clip ...
 *
 *     "also_read": [{"what": "labels", "path": "names.txt", "sha256": "..."}, ...]
 *
 * What a folder holds has one SHA-256: that of its files' one behind the other, in the order in which people count. */
#ifndef FL_COMPANIONS_H
#define FL_COMPANIONS_H

#include "io/cli/explanation.h"

typedef struct fl_companion {
    const char *what;                    /* the option's name without dashes, or "card" */
    const char *path;                    /* as the user wrote it */
    fl_sha256_text sha256;               /* "": standard input or a pipe, which is not read twice */
} fl_companion;

typedef struct fl_companions { fl_companion *item; int count; } fl_companions;

/* Whether the option has the path of a file for its value, and not one of the names that stand for something that is built in. */
bool fl_companion_is_path(const fl_given *);

fl_status fl_companions_list(fl_cli *, const fl_explanation *, fl_companions *);      /* the items are the arena's */
void fl_companions_write(fl_json *, const fl_companions *);                           /* the member above */

#endif
