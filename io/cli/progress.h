/* progress.h: one line on stderr that says how far a long computation is and when it will be done.
 *
 * It is shown only when stderr is a terminal that can go back to the start of a line, not with --quiet and
 * --no-progress, and only once half a second has passed. It consists of plain text and carriage returns. */
#ifndef FL_PROGRESS_H
#define FL_PROGRESS_H

#include "io/cli/cli.h"

typedef struct fl_progress {
    const char *what;            /* "integrated_gradients"; borrowed */
    bool shown, allowed;
    double start, last;          /* seconds */
    int width;                   /* letters of the line that stands there */
} fl_progress;

void fl_progress_begin(fl_progress *, const fl_cli *, const char *what);

/* done of total steps. Always true, and of this form so that it can be a callback: user is the fl_progress. */
bool fl_progress_step(int done, int total, void *user);

void fl_progress_end(fl_progress *);      /* wipes the line */

#endif
