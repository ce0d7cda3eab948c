/* survey.h: several methods on several clips before several metrics: for evaluate and study. Clips are synthetic, or files.
 *
 * One clip after the other: every method's map, every metric of it; kept are the values alone. */
#ifndef FL_CLI_SURVEY_H
#define FL_CLI_SURVEY_H

#include "attribution/metrics/reliability.h"
#include "io/cli/judge.h"
#include "models/synth.h"

extern const fl_option_group fl_survey_options;      /* --method --metric --synth --synth-seed --boxes --true-class */

typedef struct fl_survey {
    fl_session session;
    fl_method_list methods;
    fl_metric_list metrics;
    fl_metric_options options;
    fl_explain_options explain;
    int clips;
    const char **clip;                   /* names; of synthetic ones "clip_000007" */
    const char **failed;                 /* names of clips that could not be read: none of the above */
    int failures;
    int right, labelled;                 /* clips whose class is known, and those of them that the network gets right */
    double *value, *chance;              /* clips x metrics x methods; NAN: not defined */
    double *method_seconds, *metric_seconds;     /* of all clips */
    long long *method_passes, *metric_passes;
} fl_survey;

/* Reads the options. first: a method that is put in front when it is not asked for, or NULL. metrics: what holds when --metric is not
 * given. The clips are the command's arguments; without any, --synth. */
fl_status fl_survey_open(fl_cli *, fl_survey *, const char *first, const char *metrics);
fl_status fl_survey_run(fl_cli *, fl_survey *);

/* Of one metric and method over the clips for which it is defined. error: standard error of the mean, NAN for less than two. better: the
 * share of clips that get a better value than with method 0 (a tie counts half); NAN where nothing is better. */
typedef struct fl_summary { int count; double mean, error, chance, better; } fl_summary;
fl_summary fl_survey_summary(const fl_survey *, int metric, int method);

/* survey_print.c: means with their standard errors, for people, for a page, for programs; with reliabilities (one per metric; or NULL)
 * what each metric is worth as a judge, and how often each method beats method 0. */
void fl_survey_print_table(const fl_cli *, const fl_survey *, const fl_reliability *);
void fl_survey_print_markdown(const fl_cli *, const fl_survey *, const fl_reliability *);
void fl_survey_print_csv(const fl_survey *);                 /* clip,metric,method,value: every single one */
void fl_survey_print_json(const fl_cli *, const fl_survey *, const fl_reliability *);

static inline double fl_survey_value(const fl_survey *s, int clip, int metric, int method)
{
    return s->value[((int64_t)clip * s->metrics.count + metric) * s->methods.count + method];
}

#endif
