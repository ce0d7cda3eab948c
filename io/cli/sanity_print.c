/* sanity_print.c: sanity checks as tables, as JSON, as a page of curves. */
#include "io/chart.h"
#include "io/cli/sanity.h"

#include <math.h>
#include <string.h>

static const char *const outcome_name[] = {"ok", "FAILS", "-"};          /* in the order of fl_outcome */
static const char *const way_name[] = {"cascading", "independent"};
static const char *const shown[] = {"spearman_abs", "ssim", "hog"};      /* in tables and charts; JSON has all */
enum { SHOWN = 3 };

static int index_of(const char *agreement)
{
    int i = 0;
    while (strcmp(fl_agreement_table[i].name, agreement) != 0) i++;
    return i;
}

static const char *stage_name(const fl_sanity_run *r, int stage)
{
    return r->layers.name[fl_sanity_stage_end(stage, r->stages, r->layers.count)];
}

/* ---- for people ---- */

static void print_likeness(const fl_likeness *l)
{
    for (int k = 0; k < SHOWN; k++) {
        const double v = l->of[index_of(shown[k])];
        if (isnan(v)) printf("  %12s", "-");
        else printf("  %12.3f", v);
    }
}

static void print_weights(const fl_sanity_run *r, const fl_sanity_done *d)
{
    printf("  %-34s", "layers that forgot, cascading");
    for (int k = 0; k < SHOWN; k++) printf("  %12s", shown[k]);
    printf("     one part alone\n");
    for (int i = 0; i < r->stages; i++) {
        printf("  ... %-30.30s", stage_name(r, i));
        print_likeness(&d->weights[0][i]);
        printf("   ");
        print_likeness(&d->weights[1][i]);
        printf("\n");
    }
}

static void print_line(const char *what, const fl_likeness *l)
{
    printf("  %-34s", what);
    print_likeness(l);
    printf("\n");
}

static void print_time(const fl_sanity_done *d)
{
    printf("  %-34s  %12s  %12s  %12s\n", "time", "probability", "like the map", "frames back");
    printf("  %-34s  %12.4g  %12.3f\n", "the clip", d->sanity.probability, 1.0);
    for (int i = 0; i < FL_TEMPORAL; i++) {
        printf("  %-34s  %12.4g  %12.3f", d->time[i].name, d->time[i].probability, fl_sanity_rank(&d->time[i].to_map));
        if (i < 2) printf("  %12.3f", fl_sanity_rank(&d->time[i].followed));
        printf("\n");
    }
    printf("  %-34s", "every frame alone, from the first");
    for (int t = 0; t < d->sanity.shape.t; t++) printf(" %.2f", d->alone[t]);
    printf("\n");
}

void fl_sanity_print(fl_cli *cli, const fl_sanity_run *r)
{
    const int c = r->done[0].sanity.options.target.class_index;
    const char *label = fl_session_label(&r->session, c), *network = NULL;
    printf("%s, %s\n%s: class %d %s, probability %.4g\n", r->session.model->name, r->session.weights.name, r->session.input.source, c,
           label ? label : "", r->done[0].sanity.probability);
    if (r->checks & FL_SANITY_TIME && (network = fl_sanity_network(&r->done[0], cli->arena)) != NULL) printf("%s\n", network);
    if (r->checks & FL_SANITY_LABELS && r->labels.steps)
        printf("another network learned shuffled labels: after %d batches it knows %.1f %% of its clips by heart\n", r->labels.steps,
               100 * r->labels.known);
    for (int i = 0; i < r->methods.count; i++) {
        const fl_sanity_done *d = &r->done[i];
        printf("\n%s\n", r->methods.item[i]->name);
        if (r->checks & FL_SANITY_WEIGHTS) print_weights(r, d);
        if (r->checks & FL_SANITY_LABELS) print_line("shuffled labels", &d->labels);
        if (r->checks & FL_SANITY_INPUT) print_line("a clip of noise", &d->input);
        if (r->checks & FL_SANITY_TIME) print_time(d);
        for (int k = 0; k < d->verdicts; k++)
            printf("  %-5s %-10s %6.3f  %s\n", outcome_name[d->verdict[k].outcome], d->verdict[k].check, d->verdict[k].value,
                d->verdict[k].text);
    }
}

/* ---- JSON ---- */

static void write_likeness(fl_json *j, const char *key, const fl_likeness *l)
{
    fl_json_object(j, key);
    for (int i = 0; i < FL_AGREEMENTS; i++) fl_json_number(j, fl_agreement_table[i].name, l->of[i]);
    fl_json_close(j);
}

static void write_weights(fl_json *j, const fl_sanity_run *r, const fl_sanity_done *d)
{
    for (int way = 0; way < 2; way++) {
        fl_json_array(j, way_name[way]);
        for (int i = 0; i < r->stages; i++) {
            fl_json_object(j, NULL);
            fl_json_string(j, "down_to", stage_name(r, i));
            write_likeness(j, "likeness", &d->weights[way][i]);
            fl_json_close(j);
        }
        fl_json_close(j);
    }
}

static void write_time(fl_json *j, const fl_sanity_done *d)
{
    fl_json_object(j, "time");
    fl_json_numbers(j, "importance", d->importance, d->sanity.shape.t);
    fl_json_array(j, "frame_alone");
    for (int t = 0; t < d->sanity.shape.t; t++) fl_json_number(j, NULL, d->alone[t]);
    fl_json_close(j);
    for (int i = 0; i < FL_TEMPORAL; i++) {
        fl_json_object(j, d->time[i].name);
        fl_json_number(j, "probability", d->time[i].probability);
        write_likeness(j, "likeness", &d->time[i].to_map);
        if (i < 2) write_likeness(j, "frames_back", &d->time[i].followed);
        fl_json_numbers(j, "importance", d->time[i].importance, d->sanity.shape.t);
        fl_json_close(j);
    }
    fl_json_close(j);
}

static void write_verdicts(fl_json *j, const fl_sanity_done *d)
{
    static const char *const words[] = {"passes", "fails", "undecided"};
    fl_json_array(j, "verdicts");
    for (int k = 0; k < d->verdicts; k++) {
        fl_json_object(j, NULL);
        fl_json_string(j, "check", d->verdict[k].check);
        fl_json_number(j, "spearman_abs", d->verdict[k].value);
        fl_json_string(j, "outcome", words[d->verdict[k].outcome]);
        fl_json_string(j, "text", d->verdict[k].text);
        fl_json_close(j);
    }
    fl_json_close(j);
}

void fl_sanity_write(fl_json *j, const fl_cli *cli, const fl_sanity_run *r)
{
    fl_json_object(j, NULL);
    fl_json_int(j, "schema", 1);
    fl_json_string(j, "version", FL_VERSION);
    fl_cli_write_command(j, cli);
    fl_json_int(j, "seed", (long long)cli->seed);
    fl_session_write(j, &r->session);
    fl_json_int(j, "target", r->done[0].sanity.options.target.class_index);
    fl_json_number(j, "probability", r->done[0].sanity.probability);
    if (r->checks & FL_SANITY_LABELS && r->labels.steps) {
        fl_json_object(j, "learned");
        fl_json_int(j, "steps", r->labels.steps);
        fl_json_number(j, "known", r->labels.known);
        fl_json_close(j);
    }
    fl_json_array(j, "methods");
    for (int i = 0; i < r->methods.count; i++) {
        const fl_sanity_done *d = &r->done[i];
        fl_json_object(j, NULL);
        fl_json_string(j, "method", r->methods.item[i]->name);
        if (r->checks & FL_SANITY_WEIGHTS) write_weights(j, r, d);
        if (r->checks & FL_SANITY_LABELS) write_likeness(j, "labels", &d->labels);
        if (r->checks & FL_SANITY_INPUT) write_likeness(j, "input", &d->input);
        if (r->checks & FL_SANITY_TIME) write_time(j, d);
        write_verdicts(j, d);
        fl_json_close(j);
    }
    fl_json_close(j);
    fl_json_close(j);
}

/* ---- the page ---- */

/* Stage 0 is the network as it is: like itself. One line per method, one chart per similarity. */
static fl_status add_weights(fl_cli *cli, const fl_sanity_run *r, int way, const char *agreement, fl_chart *c)
{
    fl_series *series = FL_NEW(cli->arena, fl_series, r->methods.count);
    for (int i = 0; series && i < r->methods.count; i++) {
        double *x = FL_NEW(cli->arena, double, r->stages + 1), *y = FL_NEW(cli->arena, double, r->stages + 1);
        if (!x || !y) return cli->error->status;
        y[0] = 1;
        for (int k = 1; k <= r->stages; k++) {
            x[k] = k;
            y[k] = r->done[i].weights[way][k - 1].of[index_of(agreement)];
        }
        series[i] = (fl_series){r->methods.item[i]->name, r->stages + 1, x, y};
    }
    *c = (fl_chart){fl_arena_text(cli->arena, "%s: %s", way_name[way], agreement), NULL,
                    way ? "part that forgot, from the output down" : "parts that forgot, from the output down", NULL, r->methods.count,
                        series, 1};
    return cli->error->status;
}

/* Importance of the frames, as parts of the largest. */
static fl_status add_time(fl_cli *cli, const fl_sanity_run *r, int method, fl_chart *c)
{
    const fl_sanity_done *d = &r->done[method];
    const int frames = d->sanity.shape.t;
    fl_series *series = FL_NEW(cli->arena, fl_series, FL_TEMPORAL + 2);
    double *x = FL_NEW(cli->arena, double, frames);
    if (!series || !x) return cli->error->status;
    for (int t = 0; t < frames; t++) x[t] = t;
    for (int i = 0; i <= FL_TEMPORAL; i++) {
        const real *v = i ? d->time[i - 1].importance : d->importance;
        double *y = FL_NEW(cli->arena, double, frames), most = 0;
        if (!y) return cli->error->status;
        for (int t = 0; t < frames; t++) most = (double)v[t] > most ? (double)v[t] : most;
        for (int t = 0; t < frames; t++) y[t] = most > 0 ? (double)v[t] / most : 0;
        series[i] = (fl_series){i ? d->time[i - 1].name : "the clip", frames, x, y};
    }
    series[FL_TEMPORAL + 1] = (fl_series){"probability, this frame alone", frames, x, d->alone};
    *c = (fl_chart){fl_arena_text(cli->arena, "%s in time", r->methods.item[method]->name),
                    ", importance of the frames", "frame", NULL, FL_TEMPORAL + 2,
                    series, 1};
    return cli->error->status;
}

static fl_status save_page(fl_cli *cli, const fl_sanity_run *r, const char *path)
{
    fl_chart *chart = FL_NEW(cli->arena, fl_chart, 2 * SHOWN + r->methods.count);
    fl_buffer page = fl_buffer_new(cli->arena);
    int count = 0;
    if (!chart || !path) return cli->error->status;
    for (int way = 0; way < 2 && r->checks & FL_SANITY_WEIGHTS; way++)
        for (int k = 0; k < SHOWN; k++)
            if (add_weights(cli, r, way, shown[k], &chart[count++]) != FL_OK) return cli->error->status;
    for (int i = 0; i < r->methods.count && r->checks & FL_SANITY_TIME; i++)
        if (add_time(cli, r, i, &chart[count++]) != FL_OK) return cli->error->status;
    const char *text = fl_arena_text(cli->arena,
        "%s on %s. How alike a map is to that of the trained network: a good one loses its likeness when the network forgets what it "
            "learned.",
                                     r->session.model->name, r->session.input.title);
    fl_chart_page(&page, "Do these maps depend on what they should?", text, chart, count);
    return page.failed || !text ? cli->error->status : fl_file_write(path, page.data, page.size, cli->error);
}

fl_status fl_sanity_save(fl_cli *cli, const fl_sanity_run *r, const char *folder)
{
    fl_json j;
    if (save_page(cli, r, fl_arena_text(cli->arena, "%s/sanity.html", folder)) != FL_OK) return cli->error->status;
    const char *path = fl_arena_text(cli->arena, "%s/sanity.json", folder);
    fl_json_to_text(&j, cli->arena, true);
    fl_sanity_write(&j, cli, r);
    const char *text = fl_json_end(&j);
    return text && path ? fl_file_write(path, text, strlen(text), cli->error) : cli->error->status;
}
