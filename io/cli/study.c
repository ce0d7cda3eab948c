/* study.c: footlight study: several methods on many clips before several metrics, against a random map; and how far the metrics
 * themselves can be trusted (reliability.h). */
#include "io/cli/survey.h"

#include <math.h>

enum { TABLE, MARKDOWN, CSV };
static const char *const formats[] = {"table", "markdown", "csv", NULL};

static const fl_option options[] = {
    FL_OPTION_CHOICE("format", "NAME", "table", formats, "table, markdown, or csv: every single value"),
    FL_OPTION_FLAG("cost", 0, "passes and seconds of every method and metric as well"),
    {0}};
static const fl_option_group group = {"Options of study", options};

/* Clips for which every method has a value: the raters of one metric. */
static fl_status reliability_of(fl_cli *cli, const fl_survey *v, int metric, fl_reliability *r)
{
    const int methods = v->methods.count;
    const fl_better better = v->metrics.item[metric]->better;
    double *value = FL_NEW(cli->arena, double, (int64_t)v->clips * methods);
    int raters = 0;
    *r = (fl_reliability){(double)NAN, (double)NAN, (double)NAN};
    if (!value) return cli->error->status;
    for (int c = 0; c < v->clips; c++) {
        bool whole = true;
        for (int i = 0; i < methods; i++) {
            value[(int64_t)raters * methods + i] = fl_survey_value(v, c, metric, i);
            whole = whole && !isnan(fl_survey_value(v, c, metric, i));
        }
        raters += whole;
    }
    if (better == FL_BETTER_NEITHER) return FL_OK;
    return fl_reliability_of(raters, methods, value, better == FL_BETTER_HIGHER, cli->arena, r);
}

static void print_cost(const fl_survey *v)
{
    printf("\n%-30s  %12s  %12s\n", "cost per clip", "passes", "seconds");
    for (int i = 0; i < v->methods.count; i++)
        printf("%-30s  %12.1f  %12.4g\n", v->methods.item[i]->name, (double)v->method_passes[i] / v->clips,
            v->method_seconds[i] / v->clips);
    printf("\n%-30s\n", "per clip and map");
    for (int k = 0; k < v->metrics.count; k++)
        printf("%-30s  %12.1f  %12.4g\n", v->metrics.item[k]->name, (double)v->metric_passes[k] / v->clips / v->methods.count,
               v->metric_seconds[k] / v->clips / v->methods.count);
}

static fl_status run(fl_cli *cli)
{
    const int format = fl_cli_choice(cli, "format");
    fl_survey *v = FL_NEW(cli->arena, fl_survey, 1);
    if (!v || fl_survey_open(cli, v, "random", "insertion,deletion") != FL_OK || fl_survey_run(cli, v) != FL_OK) return cli->error->status;
    fl_reliability *r = FL_NEW(cli->arena, fl_reliability, v->metrics.count);
    if (!r) return cli->error->status;
    for (int k = 0; k < v->metrics.count; k++)
        if (reliability_of(cli, v, k, &r[k]) != FL_OK) return cli->error->status;
    if (cli->json) fl_survey_print_json(cli, v, r);
    else if (format == CSV) fl_survey_print_csv(v);
    else (format == MARKDOWN ? fl_survey_print_markdown : fl_survey_print_table)(cli, v, r);
    if (fl_cli_flag(cli, "cost") && !cli->json) print_cost(v);
    return FL_OK;
}

const fl_command fl_command_study = {
    "study", "methods and metrics on many clips: means, errors, and how reliable each metric is",
        "[CLIP ...] [--method NAMES] [--metric NAMES] [options]",
    0, 100000,
    (const fl_option_group *const[]){&group, &fl_survey_options, &fl_metric_option_group, &fl_target_options, &fl_method_options,
        &fl_session_network,
                                     &fl_session_weights, &fl_input_options, NULL},
    "  footlight study --synth 100 --method gradient,grad_cam,integrated_gradients --metric insertion,deletion,pointing\n"
    "  footlight study clips/*/*.mp4 --true-class --model r2plus1d_18 --weights r2plus1d.pth --method all --format markdown\n\n"
    "A random map stands first in every study: methods are compared with it, and so are metrics.\n", run};
