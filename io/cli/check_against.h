/* check_against.h: footlight check --against and --save: numbers beside those of others (attribution/against.h). */
#ifndef FL_CLI_CHECK_AGAINST_H
#define FL_CLI_CHECK_AGAINST_H

#include "io/cli/session.h"

/* The file's arrays; its input becomes the session's when the command line names no clip. */
typedef struct fl_theirs { const char *path; fl_weights_file file; fl_bundle bundle; } fl_theirs;
fl_status fl_theirs_open(fl_cli *, const char *path, fl_theirs *);
fl_status fl_theirs_input(fl_cli *, const fl_theirs *, const fl_model *, fl_input *);     /* FL_OK and in->values NULL: it holds none */

fl_status fl_check_against(fl_cli *, fl_session *, const fl_theirs *);      /* FL_CHECK: beyond --tolerance */
fl_status fl_check_save(fl_cli *, fl_session *, const char *path);

#endif
