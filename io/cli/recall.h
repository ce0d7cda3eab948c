/* recall.h: the reverse of record.c: from a result.json back to the command that made it, parsed as if the user had written it.
 *
 * The file may come from anywhere. Only commands that explain are made of it, only options that a result depends on are taken from it,
 * and nothing in it names a file that is written. */
#ifndef FL_RECALL_H
#define FL_RECALL_H

#include "io/cli/explanation.h"

typedef struct fl_recalled {
    const char *path, *folder;           /* of the result; folder NULL: it came through standard input */
    const fl_json_value *result;
    fl_status (*open)(fl_cli *, fl_explanation *, fl_session *);
    fl_cli cli;                          /* the command: arenas and error are those of the run that asked; it says no JSON */
} fl_recalled;

/* path: a result.json, a folder with one in it, or "-". FL_UNREADABLE: no JSON, no result that can be made again, an option that is
 * unknown or no result's, a value that cannot be. */
fl_status fl_recall(fl_cli *, const char *path, fl_recalled *);

const char *fl_recall_text(const fl_json_value *object, const char *key);    /* NULL: no such member, or no text */

/* Its "sha256": NULL when there is none; "no SHA-256", which is that of nothing, for a text that cannot be one. */
const char *fl_recall_sha256(const fl_json_value *object);

/* FL_USAGE becomes FL_UNREADABLE, with the path in front: the result asks for what cannot be, not the user. */
fl_status fl_recall_blame(const fl_recalled *);

#endif
