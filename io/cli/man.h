/* man.h: the man page, made from the tables. */
#ifndef FL_MAN_H
#define FL_MAN_H

#include "io/cli/cli.h"

void fl_man_print(const fl_cli *);         /* footlight(1) in roff, to stdout */

#endif
