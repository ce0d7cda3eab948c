/* state.h: what a long computation must remember to go on where it was stopped, to the last bit.
 *
 *     fl_state state = {0};                                            a driver, once its arrays are there
 *     fl_state_add(&state, "done", &done, sizeof done);
 *     fl_state_add(&state, "sum", sum, count * sizeof *sum);
 *     if (fl_run_resume(r, &state)) return r->g->error->status;        arrays as an interrupted run left them, or untouched
 *     while (done < wanted) {
 *         ... one step, which changes all parts ...
 *         if (fl_run_keep(r, &state)) return r->g->error->status;      saved now and then
 *     }
 *
 * A state belongs to one computation: its text names everything that the numbers follow from (method, options, seed, clip,
 * weights, network, precision). It is for the same program on the same kind of machine: bytes as they lie in memory. */
#ifndef FL_STATE_H
#define FL_STATE_H

#include "tensor/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { FL_STATE_PARTS = 16 };

typedef struct fl_state_part {
    const char *name;
    void *data;                  /* the computation's own memory */
    size_t size;                 /* bytes */
} fl_state_part;

typedef struct fl_state {
    const char *belongs;         /* lines "name: value"; set by fl_run_resume */
    fl_state_part part[FL_STATE_PARTS];
    int parts;
} fl_state;

/* Borrows name and data for as long as the state is used. */
static inline void fl_state_add(fl_state *s, const char *name, void *data, size_t size)
{
    fl_assert(s->parts < FL_STATE_PARTS);
    s->part[s->parts++] = (fl_state_part){name, data, size};
}

/* Who keeps states, in a file or elsewhere. Errors go where the keeper's owner and the graph have theirs. */
typedef struct fl_keeper {
    const char *belongs;                                             /* what only the caller knows: network, weights, clip; lines */
    bool      (*due)(void *user);                                    /* asked after every step: is it time to save? */
    fl_status (*save)(void *user, const fl_state *);
    /* Fills in the parts of an earlier state (found), or leaves them alone. FL_USAGE: there is one that does not belong here. */
    fl_status (*load)(void *user, const fl_state *, bool *found);
    void *user;
} fl_keeper;

#endif
