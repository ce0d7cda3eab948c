/* costs.h: explain --costs: a table of methods on one clip and network: law and residual, passes, seconds, memory. */
#ifndef FL_COSTS_H
#define FL_COSTS_H

#include "io/cli/method_options.h"

/* Runs every method of the list, or all there are when count is 0, each in fresh memory, and prints a row for each as it is done; with
 * --json an array. A method that the network does not allow says why in its row. FL_FAILED, FL_LIMIT: memory. */
fl_status fl_costs_print(fl_cli *, const fl_session *, const fl_method_list *, const fl_explain_options *);

#endif
