/* sanity.c: footlight sanity: does a map depend on the weights, on the labels that were learned, on the clip, and on time? */
#include "io/cli/sanity.h"

#include "io/cli/progress.h"
#include "io/cli/spare.h"

#include <math.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("method", 0, "NAMES", "gradient,guided_backprop,grad_cam", "methods, separated by commas, or all"),
    FL_OPTION_TEXT("checks", 0, "NAMES", NULL,
                   "which of weights, labels, input, time; default: all, and labels when --label-weights is there"),
    FL_OPTION_INT("stages", "N", "8", 1, 1000, "of forgetting: the network's layers in so many parts, from the output down"),
    FL_OPTION_INT("draws", "N", "3", 1, 1000, "of the values of layers that forgot; the mean counts"),
    FL_OPTION_REAL("alike", "X", "0.5", 0, 1, "maps are alike from this rank correlation of |values| on"),
    FL_OPTION_TEXT("output", 'o', "DIR", NULL, "folder for sanity.json and sanity.html, a page that draws the curves"),
    {0}};
static const fl_option_group group = {"Options of sanity", options};

const char *const fl_sanity_check_name[] = {"weights", "labels", "input", "time", NULL};

/* "weights,time" */
static fl_status choose_checks(fl_cli *cli, fl_sanity_run *r)
{
    const char *names = fl_cli_text(cli, "checks");
    const bool labels = fl_cli_given(cli, "label-weights");
    r->checks = FL_SANITY_WEIGHTS | FL_SANITY_INPUT | FL_SANITY_TIME | (labels ? FL_SANITY_LABELS : 0);
    if (!names) return FL_OK;
    char *name = fl_arena_text(cli->arena, "%s", names);
    if (!name) return cli->error->status;
    for (r->checks = 0; name;) {
        char *next = strchr(name, ',');
        if (next) *next++ = 0;
        const int k = fl_name_find(fl_sanity_check_name, name);
        if (k < 0) return fl_cli_unknown(cli->error, "--checks", name, fl_sanity_check_name, 4, "weights, labels, input, time");
        r->checks |= 1u << k;
        name = next;
    }
    return FL_OK;
}

static fl_status check_weights(fl_cli *cli, const fl_sanity_run *r, fl_sanity_done *d)
{
    for (int way = 0; way < 2; way++) {
        d->weights[way] = FL_NEW(cli->arena, fl_likeness, r->stages);
        if (!d->weights[way] || fl_sanity_weights(&d->sanity, &r->layers, way == 0, r->stages, (int)fl_cli_int(cli, "draws"), cli->seed + 1,
                                                  d->weights[way]) != FL_OK)
            return cli->error->status;
    }
    fl_sanity_judge_half(d, &d->weights[0][(r->stages - 1) / 2]);
    fl_sanity_judge_other(r, d, "weights", &d->weights[0][r->stages - 1], "another map when all layers forget",
        "hardly another map when all layers forget: it does not show what was learned");
    return FL_OK;
}

static fl_status check_input(fl_cli *cli, const fl_sanity_run *r, fl_sanity_done *d)
{
    const fl_sanity *s = &d->sanity;
    real *noise = FL_NEW(cli->arena, real, fl_shape_count(s->shape)), *map;
    if (!noise || fl_baseline_fill("noise", s->shape, s->clip, s->card, 1, cli->seed, noise, cli->arena, cli->error) != FL_OK ||
        fl_sanity_map(s, noise, &map, NULL) != FL_OK)
        return cli->error->status;
    d->input = fl_sanity_alike(s, s->map, map);
    fl_sanity_judge_other(r, d, "input", &d->input, "another map for a clip of noise",
        "hardly another map for a clip of noise: it does not show the clip");
    return FL_OK;
}

static fl_status check_labels(fl_cli *cli, const fl_sanity_run *r, fl_sanity_done *d)
{
    const fl_sanity *s = &d->sanity;
    real *map;
    if (fl_sanity_labels_map(&r->labels, s, &map) != FL_OK) return cli->error->status;
    d->labels = fl_sanity_alike(s, s->map, map);
    if (!fl_sanity_labels_known(&r->labels)) {
        fl_sanity_judge(d, "labels", fl_sanity_rank(&d->labels), FL_UNDECIDED,
                        "the other network did not learn the shuffled labels by heart: more --label-steps, or fewer --label-clips");
        return FL_OK;
    }
    fl_sanity_judge_other(r, d, "labels", &d->labels, "another map for a network that learned shuffled labels",
        "hardly another map for a network that learned shuffled labels");
    return FL_OK;
}

static fl_status check_time(fl_cli *cli, const fl_sanity_run *r, fl_sanity_done *d)
{
    d->alone = FL_NEW(cli->arena, double, d->sanity.shape.t);
    d->importance = FL_NEW(cli->arena, real, d->sanity.shape.t);
    if (!d->alone || !d->importance || fl_sanity_time(&d->sanity, d->time, d->alone, d->importance) != FL_OK) return cli->error->status;
    for (int i = 0; i < 2; i++) fl_sanity_judge_order(r, d, &d->time[i]);          /* of a frozen clip nothing can be put back */
    return FL_OK;
}

static fl_status check_method(fl_cli *cli, const fl_sanity_run *r, fl_sanity_done *d, const fl_method *method)
{
    static fl_status (*const check[])(fl_cli *, const fl_sanity_run *, fl_sanity_done *) = {check_weights, check_labels, check_input,
        check_time};
    fl_progress progress;
    fl_status status = fl_sanity_begin(&d->sanity, r->session.explainer, r->session.graph, method, &r->explain, &r->session.model->input,
                                       r->session.input.values, cli->arena);
    fl_progress_begin(&progress, cli, method->name);
    for (int k = 0; k < 4 && status == FL_OK; k++) {
        if (r->checks >> k & 1) status = check[k](cli, r, d);
        fl_progress_step(k + 1, 4, &progress);
    }
    fl_progress_end(&progress);
    return status;
}

static fl_status conclude(fl_cli *cli, const fl_sanity_run *r)
{
    int failed = 0, made = 0;
    for (int i = 0; i < r->methods.count; i++)
        for (int k = 0; k < r->done[i].verdicts; k++) {
            made += r->done[i].verdict[k].outcome != FL_UNDECIDED;
            failed += r->done[i].verdict[k].outcome == FL_FAILS;
        }
    if (!failed) return FL_OK;
    return fl_error_set(cli->error, FL_CHECK, "sanity: %d of %d checks failed: those maps do not show what they should", failed, made);
}

static fl_status run(fl_cli *cli)
{
    static const char *const files[] = {"sanity.json", "sanity.html", NULL};
    const char *folder = fl_cli_text(cli, "output");
    fl_sanity_run *r = FL_NEW(cli->arena, fl_sanity_run, 1);
    if (fl_cli_spare_in(cli, folder, files) != FL_OK) return cli->error->status;
    if (!r || choose_checks(cli, r) != FL_OK || fl_methods_parse(cli, "method", fl_cli_text(cli, "method"), &r->methods) != FL_OK ||
        fl_methods_check_options(cli, &r->methods) != FL_OK || fl_session_open(cli, cli->argument[0], &r->session) != FL_OK ||
        fl_session_rank(cli, &r->session, 5) != FL_OK || fl_methods_read_options(cli, &r->session, &r->explain) != FL_OK ||
        fl_weight_layers_find(r->session.graph, cli->arena, &r->layers) != FL_OK)
        return cli->error->status;
    if (folder && fl_folder_make(folder, cli->error) != FL_OK) return cli->error->status;
    r->alike = fl_cli_real(cli, "alike");
    r->stages = (int)fl_cli_int(cli, "stages") < r->layers.count ? (int)fl_cli_int(cli, "stages") : r->layers.count;
    r->done = FL_NEW(cli->arena, fl_sanity_done, r->methods.count);
    if (!r->done || (r->checks & FL_SANITY_LABELS && fl_sanity_labels_open(cli, r) != FL_OK)) return cli->error->status;
    for (int i = 0; i < r->methods.count; i++)
        if (check_method(cli, r, &r->done[i], r->methods.item[i]) != FL_OK) return cli->error->status;
    if (folder && fl_sanity_save(cli, r, folder) != FL_OK) return cli->error->status;
    if (cli->json) {
        fl_json j;
        fl_json_to_stream(&j, stdout, true);
        fl_sanity_write(&j, cli, r);
        fl_json_end(&j);
    } else {
        fl_sanity_print(cli, r);
        if (folder) printf("\npage: %s/sanity.html\n", folder);
    }
    fflush(stdout);
    return conclude(cli, r);
}

const fl_command fl_command_sanity = {
    "sanity", "does a map depend on weights, labels, clip and time as it should?", "CLIP [--method NAMES] [-o DIR] [options]", 1, 1,
    (const fl_option_group *const[]){&group, &fl_sanity_label_options, &fl_target_options, &fl_method_options, &fl_session_network,
                                     &fl_session_weights, &fl_input_options, NULL},
    "  footlight sanity clip.y4m --method gradient,guided_backprop,grad_cam -o sane\n"
    "  footlight sanity clip.y4m --checks labels        (trains a network on shuffled labels first)\n\n"
    "Ends with exit code 5 when a check fails: a map that is alike (--alike) when the network forgets everything it learned, or sees "
        "noise;\n"
    "one that stays the same (rank correlation 0.9) when the upper half of the layers forgets, or when the network changes its mind;\n"
    "or one that does not go with the frames though the network says the same.\n", run};
