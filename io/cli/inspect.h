/* inspect.h: footlight inspect: a file of weights, or a network by its name. */
#ifndef FL_CLI_INSPECT_H
#define FL_CLI_INSPECT_H

#include "io/cli/cli.h"

/* inspect_model.c: what there is to say about a network. FL_USAGE when there is none of that name, and no such file. */
fl_status fl_inspect_model(fl_cli *, const char *name, int frames);        /* frames 0: as many as it says itself */

#endif
