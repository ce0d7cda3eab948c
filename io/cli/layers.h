/* layers.h: the layers of a network, by the names that --layer takes. */
#ifndef FL_CLI_LAYERS_H
#define FL_CLI_LAYERS_H

#include "io/cli/cli.h"
#include "models/model.h"

/* Prints the nodes of --model that have places in them: name, op, C x T x H x W, and which one is read by default;
 * with --json {"model", "layers": [...]}. The network is built with these options. */
fl_status fl_layers_print(fl_cli *, const fl_model_options *);

#endif
