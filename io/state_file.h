/* state_file.h: the state of a long computation (attribution/state.h) as a file.
 *
 *     "footlight state 1\n" | u64 length, text: whom it belongs to | u64 parts |
 *     each part: u64 length, name | u64 length, bytes | 64 hex digits: SHA-256 of all before
 *
 * Numbers are as this machine has them in memory: a state is for the machine on which it was made. */
#ifndef FL_STATE_FILE_H
#define FL_STATE_FILE_H

#include "attribution/state.h"
#include "io/file.h"

/* The file appears whole or not at all. */
fl_status fl_state_write(const char *path, const fl_state *, fl_error *);

/* Fills in the parts. *found is false, and nothing happens, when there is no such file. FL_USAGE: it belongs to another computation;
 * the message says what differs. FL_UNREADABLE: not such a file, or damaged. The arena serves as scratch. */
fl_status fl_state_read(const char *path, const fl_state *, bool *found, fl_arena *scratch);

#endif
