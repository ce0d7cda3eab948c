/* session.h: the steps that commands share: which network, which weights, which clip; a graph that is ready to run. */
#ifndef FL_SESSION_H
#define FL_SESSION_H

#include "io/cli/weights.h"

extern const fl_option_group fl_session_network;      /* --model --weights --classes */

/* The network that --model names (the command must have that option). NULL: FL_USAGE, with the nearest name. */
const fl_model *fl_session_find_model(fl_cli *);

#endif
