/* bench_whole.h: how long a whole explanation takes, and a step of training. */
#ifndef FL_BENCH_WHOLE_H
#define FL_BENCH_WHOLE_H

#include "io/cli/cli.h"
#include "io/cli/stopwatch.h"
#include "models/model.h"

/* One explanation by --method with the options of fl_method_options, formula weights, a clip of normal values; `batch` clips a
 * pass. The graph lies in cli->work. */
fl_status fl_method_time(fl_cli *, const fl_model *, int batch, int repeat, fl_times *);

/* One batch forward, back to all parameters, and the parameters moved (SGD with momentum); random bytes as clips. */
fl_status fl_training_time(fl_cli *, const fl_model *, int batch, int repeat, fl_times *);

#endif
