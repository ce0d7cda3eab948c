/* masker.h: the masking network of a method that needs one: --masker FILE, or the file that ships with the network. */
#ifndef FL_CLI_MASKER_H
#define FL_CLI_MASKER_H

#include "io/cli/session.h"

/* Fills in options->masker, or leaves it NULL where there is none. FL_UNREADABLE: no such file; FL_MISFIT: a file that is no masker, or
 * one of another network. Of other weights than those at hand: said on stderr, as nothing in the file forbids it. */
fl_status fl_masker_read(fl_cli *, const fl_session *, fl_explain_options *);

#endif
