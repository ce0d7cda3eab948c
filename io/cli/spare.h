/* spare.h: what is read is not written over. */
#ifndef FL_SPARE_H
#define FL_SPARE_H

#include "io/cli/cli.h"

/* FL_USAGE when the file or folder at path, which option (without dashes) is about to write, is an argument or what another option
 * names. NULL and "-" are neither. */
fl_status fl_cli_spare(const fl_cli *, const char *option, const char *path);

/* The same for files of these names (up to a NULL) in the folder that --output names; the folder itself may hold what is read. */
fl_status fl_cli_spare_in(fl_cli *, const char *folder, const char *const *name);

#endif
