/* survey_print.c: a survey as a table, as markdown, as CSV, as JSON. */
#include "io/cli/survey.h"

#include <math.h>

enum { PER_TABLE = 4 };                  /* metrics side by side */

static const char *arrow(const fl_metric *m)
{
    return m->better == FL_BETTER_HIGHER ? "higher is better" : m->better == FL_BETTER_LOWER ? "lower is better" : "";
}

static void print_heading(const fl_cli *cli, const fl_survey *v)
{
    printf("%s on %d %sclips", v->session.model->name, v->clips, cli->arguments ? "" : "synthetic ");
    if (v->labelled) printf(", %.1f %% recognised", 100.0 * v->right / v->labelled);
    printf("\n");
}

static void print_cell(const fl_summary *s, bool compare)
{
    if (isnan(s->mean)) printf("  %12s %11s", "-", "");
    else if (isnan(s->error)) printf("  %12.4f %11s", s->mean, "");
    else printf("  %12.4f +- %-8.4f", s->mean, s->error);
    if (isnan(s->better) || !compare) printf("%5s", "");
    else printf("%3.0f %%", 100 * s->better);
}

static bool knows_chance(const fl_survey *v, int from, int to)
{
    bool known = false;
    for (int k = from; k < to; k++) known = known || !isnan(fl_survey_summary(v, k, 0).chance);
    return known;
}

/* percent: how often a method beats the first one. */
static void print_block(const fl_survey *v, int from, int to, bool percent)
{
    printf("\n%-30s", "");
    for (int k = from; k < to; k++) printf("  %24s%5s", v->metrics.item[k]->name, "");
    printf("\n%-30s", "");
    for (int k = from; k < to; k++) printf("  %24s%5s", arrow(v->metrics.item[k]), "");
    for (int i = 0; i < v->methods.count; i++) {
        printf("\n%-30s", v->methods.item[i]->name);
        for (int k = from; k < to; k++) {
            const fl_summary s = fl_survey_summary(v, k, i);
            print_cell(&s, percent && i);
        }
    }
    if (knows_chance(v, from, to)) printf("\n%-30s", "a random map, exactly");
    for (int k = from; k < to && knows_chance(v, from, to); k++) {
        const fl_summary s = {.mean = fl_survey_summary(v, k, 0).chance, .error = (double)NAN};
        if (isnan(s.mean)) printf("  %24s%5s", "", "");
        else print_cell(&s, false);
    }
    printf("\n");
}

void fl_survey_print_table(const fl_cli *cli, const fl_survey *v, const fl_reliability *r)
{
    print_heading(cli, v);
    if (r) printf("mean +- standard error, and in how many clips a method beats %s\n", v->methods.item[0]->name);
    for (int k = 0; k < v->metrics.count; k += PER_TABLE)
        print_block(v, k, k + PER_TABLE < v->metrics.count ? k + PER_TABLE : v->metrics.count, r != NULL);
    if (!r) return;
    printf("\n%-30s  %10s  %12s  %12s\n", "how reliable is the metric?", "alpha", "random last", "Krippendorff");
    for (int k = 0; k < v->metrics.count; k++) {
        printf("%-30s", v->metrics.item[k]->name);
        const double value[3] = {r[k].alpha, r[k].weight, r[k].krippendorff};
        for (int i = 0; i < 3; i++)
            if (isnan(value[i])) printf("  %*s", i ? 12 : 10, "-");
            else printf("  %*.3f", i ? 12 : 10, value[i]);
        printf("\n");
    }
}

void fl_survey_print_markdown(const fl_cli *cli, const fl_survey *v, const fl_reliability *r)
{
    print_heading(cli, v);
    printf("\n| method |");
    for (int k = 0; k < v->metrics.count; k++) {
        const fl_better b = v->metrics.item[k]->better;
        printf(" %s%s |%s", v->metrics.item[k]->name, b == FL_BETTER_HIGHER ? " ↑" : b == FL_BETTER_LOWER ? " ↓" : "", r
            ? " beats random |" : "");
    }
    printf("\n|---|");
    for (int k = 0; k < v->metrics.count; k++) printf("---|%s", r ? "---|" : "");
    for (int i = 0; i < v->methods.count; i++) {
        printf("\n| `%s` |", v->methods.item[i]->name);
        for (int k = 0; k < v->metrics.count; k++) {
            const fl_summary s = fl_survey_summary(v, k, i);
            if (isnan(s.mean)) printf(" - |");
            else if (isnan(s.error)) printf(" %.4f |", s.mean);
            else printf(" %.4f ± %.4f |", s.mean, s.error);
            if (r && i) printf(" %.0f %% |", 100 * s.better);
            else if (r) printf(" |");
        }
    }
    printf("\n");
    if (!r) return;
    printf("\n| metric | alpha | random last | Krippendorff |\n|---|---|---|---|\n");
    for (int k = 0; k < v->metrics.count; k++)
        printf("| `%s` | %.3f | %.3f | %.3f |\n", v->metrics.item[k]->name, r[k].alpha, r[k].weight, r[k].krippendorff);
}

void fl_survey_print_csv(const fl_survey *v)
{
    printf("clip,metric,method,value\n");
    for (int c = 0; c < v->clips; c++)
        for (int k = 0; k < v->metrics.count; k++)
            for (int i = 0; i < v->methods.count; i++) {
                const double x = fl_survey_value(v, c, k, i);
                printf("%s,%s,%s,", v->clip[c], v->metrics.item[k]->name, v->methods.item[i]->name);
                if (!isnan(x)) printf("%.9g", x);
                printf("\n");
            }
}

static void write_metric(fl_json *j, const fl_survey *v, const fl_reliability *r, int k, int i)
{
    const fl_summary s = fl_survey_summary(v, k, i);
    fl_json_object(j, v->metrics.item[k]->name);
    fl_json_number(j, "mean", s.mean);
    fl_json_number(j, "error", s.error);
    fl_json_int(j, "clips", s.count);
    if (!isnan(s.chance)) fl_json_number(j, "chance", s.chance);
    if (r && i) fl_json_number(j, "beats_random", s.better);
    fl_json_close(j);
}

void fl_survey_print_json(const fl_cli *cli, const fl_survey *v, const fl_reliability *r)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "model", v->session.model->name);
    fl_cli_write_command(&j, cli);
    fl_json_int(&j, "seed", (long long)cli->seed);
    fl_json_int(&j, "clips", v->clips);
    if (v->failures) {
        fl_json_array(&j, "failed");
        for (int i = 0; i < v->failures; i++) fl_json_string(&j, NULL, v->failed[i]);
        fl_json_close(&j);
    }
    fl_json_number(&j, "accuracy", v->labelled ? (double)v->right / v->labelled : (double)NAN);
    fl_json_array(&j, "methods");
    for (int i = 0; i < v->methods.count; i++) {
        fl_json_object(&j, NULL);
        fl_json_string(&j, "method", v->methods.item[i]->name);
        fl_json_int(&j, "passes", v->method_passes[i]);
        fl_json_object(&j, "metrics");
        for (int k = 0; k < v->metrics.count; k++) write_metric(&j, v, r, k, i);
        fl_json_close(&j);
        fl_json_close(&j);
    }
    fl_json_close(&j);
    fl_json_array(&j, "metrics");
    for (int k = 0; k < v->metrics.count; k++) {
        fl_json_object(&j, NULL);
        fl_json_string(&j, "metric", v->metrics.item[k]->name);
        fl_json_int(&j, "passes", v->metric_passes[k]);
        if (r) {
            fl_json_number(&j, "alpha", r[k].alpha);
            fl_json_number(&j, "random_last", r[k].weight);
            fl_json_number(&j, "krippendorff", r[k].krippendorff);
        }
        fl_json_close(&j);
    }
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}
