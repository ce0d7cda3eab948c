/* metric_options.h: the options of everything that judges maps: which metrics, and what they are told. */
#ifndef FL_METRIC_OPTIONS_H
#define FL_METRIC_OPTIONS_H

#include "attribution/metric.h"
#include "io/cli/cli.h"

extern const fl_option_group fl_metric_option_group;       /* --unit --hide-with --curve-points ... */

enum { FL_MAX_METRICS = 64 };

typedef struct fl_metric_list {
    const fl_metric *item[FL_MAX_METRICS];
    int count;
} fl_metric_list;

/* "insertion", "insertion,deletion", or "all": those of `all_needs` (FL_NEEDS_... bits that can be met). FL_USAGE: an unknown name, one
 * name twice. option: for messages. */
fl_status fl_metrics_parse(fl_cli *, const char *option, const char *names, unsigned all_needs, fl_metric_list *);

/* FL_USAGE for an option that none of the metrics reads: it would do nothing. */
fl_status fl_metrics_check_options(fl_cli *, const fl_metric_list *);

fl_metric_options fl_metrics_read_options(const fl_cli *);

/* "settings": {...}: what the measure's metric read. */
void fl_metric_settings_write(fl_json *, const fl_measure *);

/* The middle of a table's line: value, error, chance, which way is better; "not defined: why". */
void fl_measure_print(const fl_measure *, FILE *);
/* Members of an open object: "metric", "value", "error", "chance", "note", "better", "passes", "settings", and "x", "y" of a curve. */
void fl_measure_write(fl_json *, const fl_measure *, bool curve);

#endif
