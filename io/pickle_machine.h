/* pickle_machine.h: the machine that pickle.c (opcodes) and pickle_text.c (how values are written) share. */
#ifndef FL_PICKLE_MACHINE_H
#define FL_PICKLE_MACHINE_H

#include "io/pickle.h"

typedef struct fl_pickle_list { fl_pickled **value; int count, room; } fl_pickle_list;

typedef struct fl_pickle_machine {
    fl_arena *arena;
    const char *name;
    const unsigned char *start, *op, *p, *end;       /* op: where the instruction began */
    fl_pickle_list stack, memo, globals, persistents;
    int *mark, marks, mark_room;                     /* heights of the stack */
    int values;
} fl_pickle_machine;

/* Record an error and return false (NULL). */
bool fl_pickle_wrong(fl_pickle_machine *, const char *expected);

/* The next bytes: as they are; as a little-endian number; up to a line break. NULL, false: past the end. */
const unsigned char *fl_pickle_take(fl_pickle_machine *, uint64_t count);
bool fl_pickle_number(fl_pickle_machine *, int bytes, uint64_t *value);
const unsigned char *fl_pickle_line(fl_pickle_machine *, size_t *size);

/* pickle_stack.c. false, NULL: memory, a limit, or too few values above the last mark, with the error recorded; a
 * NULL value may be passed on and gives false. */
fl_pickled *fl_pickle_new(fl_pickle_machine *, fl_pickled_kind);
bool fl_pickle_append(fl_pickle_machine *, fl_pickle_list *, fl_pickled *);
bool fl_pickle_put(fl_pickle_machine *, fl_pickle_list *, int place, fl_pickled *);
bool fl_pickle_push(fl_pickle_machine *, fl_pickled *);
fl_pickled *fl_pickle_pop(fl_pickle_machine *);
fl_pickled *fl_pickle_top(fl_pickle_machine *, int k);                        /* the k-th from the top, 1 = top */
int fl_pickle_fence(const fl_pickle_machine *);                               /* height of the last mark */
bool fl_pickle_put_mark(fl_pickle_machine *);
bool fl_pickle_pop_mark(fl_pickle_machine *, int *first);                     /* and its height */
bool fl_pickle_collect(fl_pickle_machine *, fl_pickled_kind, int first);      /* a new container of all above first */
bool fl_pickle_collect_marked(fl_pickle_machine *, fl_pickled_kind);
bool fl_pickle_collect_top(fl_pickle_machine *, fl_pickled_kind, int count);
bool fl_pickle_fill_marked(fl_pickle_machine *, bool pairs, bool set);        /* into the container below the mark */
bool fl_pickle_fill_top(fl_pickle_machine *, int count, bool pairs);

/* Values written as text (protocol 0) and numbers of any length. */
fl_pickled *fl_pickle_int_line(fl_pickle_machine *);              /* "12", "12L", "01", "00" */
fl_pickled *fl_pickle_float_line(fl_pickle_machine *);
fl_pickled *fl_pickle_string_line(fl_pickle_machine *);           /* 'with \n escapes' */
fl_pickled *fl_pickle_unicode_line(fl_pickle_machine *);          /* latin-1 with \u1234 */
fl_pickled *fl_pickle_long(fl_pickle_machine *, uint64_t bytes);
fl_pickled *fl_pickle_double(fl_pickle_machine *);                /* 8 bytes, high one first */

#endif
