/* layers.h: the layers of a network, by the names that --layer takes. */
#ifndef FL_CLI_LAYERS_H
#define FL_CLI_LAYERS_H

#include "io/cli/cli.h"

/* Prints the nodes of --model that have places in them: name, op, C x T x H x W, and which one is read by default;
 * with --json {"model", "layers": [...]}. frames and classes: 0 for the network's own. */
fl_status fl_layers_print(fl_cli *, int frames, int classes);

#endif
