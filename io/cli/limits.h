/* limits.h: how long an explanation may take, how it goes on after it was stopped, and what it would cost.
 *
 * While a method that can go on later runs, FOLDER/METHOD.state is written now and then; --resume reads it, and the files of
 * the result then have the bytes of a run that nothing stopped. When all is saved the states are removed. */
#ifndef FL_LIMITS_H
#define FL_LIMITS_H

#include "attribution/attribution.h"
#include "io/cli/progress.h"
#include "io/cli/session.h"

extern const fl_option_group fl_limit_options;       /* --time --resume --keep-every --dry-run */

typedef struct fl_limits {
    fl_cli *cli;
    double seconds, every;               /* for all methods together, or 0; between two states */
    bool resume;
    const char *folder, *belongs;        /* where states lie; network, weights and clip, one line each */
    double begun, kept, cost;            /* fl_clock of the beginning and of the last state; seconds that one takes */
    const char *path;                    /* of the method that runs */
    int finished;                        /* methods before it */
    fl_progress progress;
    fl_keeper keeper;
} fl_limits;

/* What the options say. The session is open. */
fl_status fl_limits_read(fl_cli *, const fl_session *, const char *folder, fl_limits *);

/* Around a method: sets its options' progress, user and keeper. The limits stay where they are meanwhile. An interrupt is like the end of
 * the time where there is something to keep: of this method, or a map that is finished. */
fl_status fl_limits_begin(fl_limits *, const fl_method *, fl_explain_options *);
void fl_limits_end(fl_limits *, bool finished);

/* Removes what states these methods left: all is saved. */
void fl_limits_forget(const fl_limits *, const fl_method *const *, int count);

/* --dry-run: begins every method, stops it after a few passes, and says what all of it would take. */
fl_status fl_limits_forecast(fl_cli *, const fl_session *, const fl_method *const *, int count, const fl_explain_options *);

#endif
