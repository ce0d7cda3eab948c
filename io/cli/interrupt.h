/* interrupt.h: what signals do: a reader that leaves, the user who stops a run, a file that grows too large.
 *
 * An interrupt ends the program at once, and what was half written goes. Where something can be kept, the first one only asks. */
#ifndef FL_INTERRUPT_H
#define FL_INTERRUPT_H

#include <stdbool.h>

void fl_signals_catch(void);                 /* from the thread that opens files */
bool fl_signals_reader_left(void);           /* of a pipe */

/* While listening, whoever computes looks at fl_interrupt_asked now and then, and stops. A second signal ends the program, once a
 * second has passed. */
void fl_interrupt_listen(bool);
int fl_interrupt_asked(void);                /* the signal's number, or 0; the exit code is 128 more */

#endif
