/* metric_options.c: from the command line to metrics and fl_metric_options, and measures as text. */
#include "io/cli/metric_options.h"

#include <math.h>
#include <string.h>

static const fl_option options[] = {
#define FL_INT(field, name, value, least, most, help) FL_OPTION_INT(name, value, NULL, least, most, help),
#define FL_REAL(field, name, value, least, most, help) FL_OPTION_REAL(name, value, NULL, least, most, help),
#define FL_WORD(field, name, value, list, help) FL_OPTION_CHOICE(name, value, NULL, list, help),
#define FL_CHOICE(field, name, value, type, list, help) FL_OPTION_CHOICE(name, value, NULL, list, help),
#include "attribution/metric_options.def"
    {0}};
const fl_option_group fl_metric_option_group = {"Metrics", options};

static fl_status add(fl_cli *cli, const char *option, const char *name, fl_metric_list *list)
{
    const fl_metric *m = fl_metric_find(name);
    if (!m)
        return fl_error_set(cli->error, FL_USAGE, "--%s: metric '%s' is unknown; did you mean '%s'? (footlight list metrics names them)",
                            option, name, fl_metric_nearest(name));
    for (int i = 0; i < list->count; i++)
        if (list->item[i] == m) return fl_error_set(cli->error, FL_USAGE, "--%s: metric '%s' is there twice", option, name);
    if (list->count == FL_MAX_METRICS)
        return fl_error_set(cli->error, FL_USAGE, "--%s: at most %d metrics at once", option, FL_MAX_METRICS);
    list->item[list->count++] = m;
    return FL_OK;
}

fl_status fl_metrics_parse(fl_cli *cli, const char *option, const char *names, unsigned all_needs, fl_metric_list *list)
{
    char *all = fl_arena_text(cli->arena, "%s", names), *name = all;
    if (!all) return cli->error->status;
    list->count = 0;
    if (strcmp(names, "all") == 0) {
        for (const fl_metric *m = fl_metric_table; m->name; m++)
            if (!(m->needs & ~all_needs)) list->item[list->count++] = m;
        return FL_OK;
    }
    while (name) {
        char *next = strchr(name, ',');
        if (next) *next++ = 0;
        if (add(cli, option, name, list) != FL_OK) return cli->error->status;
        name = next;
    }
    return FL_OK;
}

fl_status fl_metrics_check_options(fl_cli *cli, const fl_metric_list *list)
{
    unsigned reads = 0;
    for (int i = 0; i < list->count; i++) reads |= list->item[i]->reads;
    for (int i = 0; i < FL_METRIC_OPTIONS; i++)
        if (fl_cli_given(cli, options[i].name) && !(reads >> i & 1))
            return fl_error_set(cli->error, FL_USAGE, "--%s: none of the metrics reads it (footlight list metrics says what they read)",
                                options[i].name);
    return FL_OK;
}

fl_metric_options fl_metrics_read_options(const fl_cli *cli)
{
    fl_metric_options o = {.seed = cli->seed};
#define FL_INT(field, name, value, least, most, help) o.field = (int)fl_cli_int(cli, name);
#define FL_REAL(field, name, value, least, most, help) o.field = fl_cli_real(cli, name);
#define FL_WORD(field, name, value, list, help) o.field = fl_cli_text(cli, name);
#define FL_CHOICE(field, name, value, type, list, help) o.field = (type)(fl_cli_choice(cli, name) < 0 ? 0 : fl_cli_choice(cli, name));
#include "attribution/metric_options.def"
    return o;
}

void fl_metric_settings_write(fl_json *j, const fl_measure *m)
{
    const unsigned reads = m->metric->reads;
    fl_json_object(j, "settings");
#define FL_INT(field, name, value, least, most, help) if (reads & FL_METRIC_READS(field)) fl_json_int(j, name, m->options.field);
#define FL_REAL(field, name, value, least, most, help) if (reads & FL_METRIC_READS(field)) fl_json_number(j, name, m->options.field);
#define FL_WORD(field, name, value, list, help) if (reads & FL_METRIC_READS(field)) fl_json_string(j, name, m->options.field);
#define FL_CHOICE(field, name, value, type, list, help) if (reads & FL_METRIC_READS(field)) fl_json_string(j, name, list[m->options.field]);
#include "attribution/metric_options.def"
    fl_json_close(j);
}

static const char *const better_name[] = {"higher", "lower", "neither"};        /* in the order of fl_better */

void fl_measure_print(const fl_measure *m, FILE *to)
{
    fprintf(to, "%-26s ", m->metric->name);
    if (isnan(m->value)) {
        fprintf(to, "%10s  not defined: %s", "-", m->note ? m->note : "");
        return;
    }
    fprintf(to, "%10.5g", m->value);
    if (!isnan(m->error)) fprintf(to, " +- %-8.3g", m->error);
    else fprintf(to, "%12s", "");
    if (!isnan(m->chance)) fprintf(to, "  chance %-8.4g", m->chance);
    else fprintf(to, "%17s", "");
    fprintf(to, "  %s", m->metric->better == FL_BETTER_NEITHER ? "" : m->metric->better == FL_BETTER_HIGHER ? "higher is better"
        : "lower is better");
}

void fl_measure_write(fl_json *j, const fl_measure *m, bool curve)
{
    fl_json_string(j, "metric", m->metric->name);
    fl_json_number(j, "value", m->value);
    if (!isnan(m->error)) fl_json_number(j, "error", m->error);
    if (!isnan(m->chance)) fl_json_number(j, "chance", m->chance);
    if (m->note) fl_json_string(j, "note", m->note);
    fl_json_string(j, "better", better_name[m->metric->better]);
    fl_json_int(j, "passes", m->passes);
    fl_metric_settings_write(j, m);
    for (int axis = 0; curve && m->count && axis < 2; axis++) {
        fl_json_array(j, axis ? "y" : "x");
        for (int i = 0; i < m->count; i++) fl_json_number(j, NULL, axis ? m->y[i] : m->x[i]);
        fl_json_close(j);
    }
}
