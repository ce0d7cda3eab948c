/* pickle.h: Python's pickles read as data, protocols 0 to 5. Nothing is called, ever.
 *
 * A pickle is a program for a machine with a stack and a memo. Where Python would import a name and call it, this
 * machine puts down an inert node: "object made by calling NAME with these values". What such a node means is
 * decided by those who know the name (torch_tensor.c, numpy_pickle.c); a name that nobody knows stays what it is, a
 * name.
 *
 * The tree may share nodes and may have cycles: walkers need a limit of depth and of steps. */
#ifndef FL_PICKLE_H
#define FL_PICKLE_H

#include "io/file.h"

typedef enum fl_pickled_kind {
    FL_PICKLED_NONE, FL_PICKLED_BOOL, FL_PICKLED_INT, FL_PICKLED_FLOAT,
    FL_PICKLED_LONG,         /* whole number of more than 8 bytes: its bytes, low one first, two's complement */
    FL_PICKLED_TEXT,         /* UTF-8 as it stands in the file: unchecked */
    FL_PICKLED_BYTES,        /* bytes, bytearray, and the str of Python 2 */
    FL_PICKLED_TUPLE, FL_PICKLED_LIST, FL_PICKLED_SET,
    FL_PICKLED_DICT,         /* key, value, key, value ... */
    FL_PICKLED_GLOBAL,       /* a name to import: module and name */
    FL_PICKLED_OBJECT,       /* what calling something would give */
    FL_PICKLED_PERSISTENT    /* what the file around the pickle knows by an id */
} fl_pickled_kind;

typedef struct fl_pickled {
    fl_pickled_kind kind;
    int count, room;                         /* of item */
    struct fl_pickled **item;                /* children; of an object: what was put into it */
    bool is_mapping;                         /* an object that was filled with keys and values, as a dictionary is */
    int64_t integer;                         /* INT, BOOL */
    double number;                           /* FLOAT */
    /* TEXT, BYTES, LONG: inside the file or the arena; no zero byte follows */
    const unsigned char *text;
    size_t size;
    const char *module, *name;               /* GLOBAL */
    /* OBJECT: what would be called, with which tuple, and its state */
    const struct fl_pickled *maker, *given, *state;
    const struct fl_pickled *id;             /* PERSISTENT */
} fl_pickled;

typedef struct fl_pickle {
    fl_pickled *root;
    size_t end;                              /* byte after the pickle */
    fl_pickled **global, **persistent;       /* all of them, in the order of the file */
    int globals, persistents;
} fl_pickle;

/* One pickle that begins at byte begin. The tree is the arena's and points into the bytes. FL_UNREADABLE: name, byte,
 * expected, got. */
fl_status fl_pickle_parse(fl_arena *, fl_bytes, size_t begin, const char *name, fl_pickle *);

/* ---- asking; v may be NULL, then the answer is no ---- */

bool fl_pickled_is_text(const fl_pickled *v, const char *text);              /* TEXT or BYTES with this content */
bool fl_pickled_is_global(const fl_pickled *v, const char *module, const char *name);
/* a DICT, or an OBJECT that was filled like one */
bool fl_pickled_is_mapping(const fl_pickled *v);
const fl_pickled *fl_pickled_get(const fl_pickled *mapping, const char *key);     /* the last of that name, or NULL */
/* v when it is a tuple so long, else NULL */
const fl_pickled *fl_pickled_tuple(const fl_pickled *v, int least, int most);

#endif
