/* evaluate.c: footlight evaluate: how good are the maps? Of one clip, by our methods or from a file; or on synthetic clips, whose
 * truth is known. */
#include "io/chart.h"
#include "io/cli/spare.h"
#include "io/cli/survey.h"
#include "io/npy.h"

#include <math.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("map", 0, "FILE", NULL, "judge this map, a .npy of T,H,W or C,T,H,W (or T',H',W' of a layer), instead of making one"),
    FL_OPTION_TEXT("output", 'o', "DIR", NULL, "with CLIP: evaluation.json, curves.csv and curves.html, a page that draws them"),
    FL_OPTION_TEXT("write-copies", 0, "FILE", NULL,
        "with CLIP: write the noisy copies of max_sensitivity, N,C,T,H,W, to explain them elsewhere"),
    FL_OPTION_TEXT("copy-maps", 0, "FILE", NULL, "with --map: the maps of these copies, N maps of its shape"),
    {0}};
static const fl_option_group group = {"Options of evaluate", options};

typedef struct evaluation {
    fl_session session;
    fl_method_list methods;              /* none with --map */
    fl_judging judging;
    fl_explain_options explain;
    fl_boxes boxes;
    fl_map map[FL_MAX_METHODS];
    fl_measure *measure;                 /* maps x metrics */
    int maps;
} evaluation;

static const char *map_name(const fl_cli *cli, const evaluation *e, int i)
{
    return e->methods.count ? e->methods.item[i]->name : fl_cli_text(cli, "map");
}

/* ---- out ---- */

static void write_result(fl_json *j, const fl_cli *cli, const evaluation *e)
{
    const int c = e->map[0].options.target.class_index;
    fl_json_object(j, NULL);
    fl_json_int(j, "schema", 1);
    fl_json_string(j, "version", FL_VERSION);
    fl_cli_write_command(j, cli);
    fl_json_int(j, "seed", (long long)cli->seed);
    fl_session_write(j, &e->session);
    fl_json_object(j, "target");
    fl_json_int(j, "index", c);
    fl_json_string(j, "label", fl_session_label(&e->session, c));
    fl_json_number(j, "probability", e->session.probabilities[c]);
    fl_json_close(j);
    fl_json_array(j, "maps");
    for (int i = 0; i < e->maps; i++) {
        fl_json_object(j, NULL);
        fl_json_string(j, e->methods.count ? "method" : "file", map_name(cli, e, i));
        fl_json_array(j, "metrics");
        for (int k = 0; k < e->judging.metrics.count; k++) {
            fl_json_object(j, NULL);
            fl_measure_write(j, &e->measure[i * e->judging.metrics.count + k], true);
            fl_json_close(j);
        }
        fl_json_close(j);
        fl_json_close(j);
    }
    fl_json_close(j);
    fl_json_close(j);
}

static void print_table(const fl_cli *cli, const evaluation *e)
{
    const int c = e->map[0].options.target.class_index;
    const char *label = fl_session_label(&e->session, c);
    printf("%s, %s\n%s: class %d %s, probability %.4g\n", e->session.model->name, e->session.weights.name, e->session.input.source, c,
           label ? label : "", e->session.probabilities[c]);
    for (int i = 0; i < e->maps; i++) {
        printf("\n%s\n", map_name(cli, e, i));
        for (int k = 0; k < e->judging.metrics.count; k++) {
            printf("  ");
            fl_measure_print(&e->measure[i * e->judging.metrics.count + k], stdout);
            printf("\n");
        }
    }
}

/* One chart per metric that has a curve, one line per map. */
static fl_status save_page(fl_cli *cli, const evaluation *e, const char *path)
{
    const int metrics = e->judging.metrics.count;
    fl_chart *chart = FL_NEW(cli->arena, fl_chart, metrics);
    fl_buffer page = fl_buffer_new(cli->arena);
    int count = 0;
    if (!chart || !path) return cli->error->status;
    for (int k = 0; k < metrics; k++) {
        const fl_measure *first = &e->measure[k];
        fl_series *series = FL_NEW(cli->arena, fl_series, e->maps);
        if (!series) return cli->error->status;
        for (int i = 0; i < e->maps; i++) {
            const fl_measure *m = &e->measure[i * metrics + k];
            const char *name = fl_arena_text(cli->arena, "%s %.3g", map_name(cli, e, i), m->value);
            series[i] = (fl_series){name, m->count, m->x, m->y};
        }
        if (first->count)
            chart[count++] = (fl_chart){first->metric->title, first->metric->better == FL_BETTER_HIGHER ? ", higher is better"
                : ", lower is better",
                                        first->x_name, NULL, e->maps, series, 1};
    }
    const int c = e->map[0].options.target.class_index;
    const char *label = fl_session_label(&e->session, c);
    const char *text = fl_arena_text(cli->arena, "%s on %s, class %d %s", e->session.model->name, e->session.input.title, c, label
        ? label : "");
    fl_chart_page(&page, "How good are these maps?", text, chart, count);
    return page.failed ? cli->error->status : fl_file_write(path, page.data, page.size, cli->error);
}

static fl_status save_curves(fl_cli *cli, const evaluation *e, const char *path)
{
    fl_buffer b = fl_buffer_new(cli->arena);
    fl_buffer_text(&b, "map,metric,x,y\n");
    for (int i = 0; i < e->maps; i++)
        for (int k = 0; k < e->judging.metrics.count; k++) {
            const fl_measure *m = &e->measure[i * e->judging.metrics.count + k];
            for (int p = 0; p < m->count; p++) {
                fl_buffer_format(&b, "%s,%s,", map_name(cli, e, i), m->metric->name);
                fl_buffer_number(&b, m->x[p], 9);
                fl_buffer_text(&b, ",");
                fl_buffer_number(&b, m->y[p], 9);
                fl_buffer_text(&b, "\n");
            }
        }
    return b.failed || !path ? cli->error->status : fl_file_write(path, b.data, b.size, cli->error);
}

static fl_status save(fl_cli *cli, const evaluation *e, const char *folder)
{
    fl_arena *a = cli->arena;
    fl_json j;
    if (save_curves(cli, e, fl_arena_text(a, "%s/curves.csv", folder)) != FL_OK ||
        save_page(cli, e, fl_arena_text(a, "%s/curves.html", folder)) != FL_OK)
        return cli->error->status;
    const char *path = fl_arena_text(a, "%s/evaluation.json", folder);
    fl_json_to_text(&j, a, true);
    write_result(&j, cli, e);
    const char *text = fl_json_end(&j);
    return text && path ? fl_file_write(path, text, strlen(text), cli->error) : cli->error->status;
}

/* ---- one clip ---- */

static fl_status write_copies(fl_cli *cli, const evaluation *e, const char *path)
{
    const fl_metric_options *d = &fl_metric_find("max_sensitivity")->defaults, *o = &e->judging.options;
    const fl_shape s = e->session.input.shape;
    const int n = o->trials ? o->trials : d->trials;
    const int64_t size = fl_shape_count(s);
    real *copy = FL_NEW(cli->arena, real, size), *all = FL_NEW(cli->arena, real, n * size);
    if (!copy || !all) return cli->error->status;
    for (int k = 0; k < n; k++) {
        fl_noisy_copy(s, e->session.input.values, o->radius > 0 ? o->radius : d->radius, o->seed, k, copy);
        fl_to_file_order(s, copy, all + k * size);
    }
    return fl_npy_write(path, 5, (const int64_t[]){n, s.c, s.t, s.h, s.w}, all, cli->error);
}

static fl_status make_maps(fl_cli *cli, evaluation *e)
{
    const char *path = fl_cli_text(cli, "map"), *copies = fl_cli_text(cli, "copy-maps");
    e->maps = path ? 1 : e->methods.count;
    if (path) {
        fl_map *maps;
        if (fl_foreign_map(cli, path, &e->session, &e->map[0]) != FL_OK) return cli->error->status;
        e->map[0].options.target = e->explain.target;
        if (e->explain.target.class_index == FL_CLASS_AUTO) e->map[0].options.target.class_index = e->session.top[0].index;
        if (!copies) return FL_OK;
        if (fl_foreign_maps(cli, copies, &e->session, &maps, &e->judging.copy_count) != FL_OK) return cli->error->status;
        e->judging.copies = maps;
        return FL_OK;
    }
    for (int i = 0; i < e->maps; i++) {
        if (fl_explain(e->session.explainer, e->methods.item[i], e->session.input.values, &e->explain, cli->arena, &e->map[i]) != FL_OK)
            return cli->error->status;
        for (int w = 0; w < e->map[i].warnings; w++) fl_cli_warn(cli, "%s: %s", e->methods.item[i]->name, e->map[i].warning[w]);
    }
    return FL_OK;
}

static fl_status choose(fl_cli *cli, evaluation *e)
{
    const bool foreign = fl_cli_given(cli, "map"), again = !foreign || fl_cli_given(cli, "copy-maps");
    const unsigned needs = FL_NEEDS_NETWORK | (again ? FL_NEEDS_METHOD : 0) | (fl_cli_given(cli, "boxes") ? FL_NEEDS_TRUTH : 0);
    const char *metrics = fl_cli_given(cli, "metric") ? fl_cli_text(cli, "metric") : "all";
    static const char *const judges[] = {"metric", "method", "map", "output", "boxes"};
    for (size_t i = 0; fl_cli_given(cli, "write-copies") && i < sizeof judges / sizeof *judges; i++)
        if (fl_cli_given(cli, judges[i]))
            return fl_error_set(cli->error, FL_USAGE, "--%s: does nothing with --write-copies, which judges no map", judges[i]);
    if (foreign && fl_cli_given(cli, "method")) return fl_error_set(cli->error, FL_USAGE, "--map and --method: expected one of them");
    if (fl_cli_given(cli, "copy-maps") && !foreign) return fl_error_set(cli->error, FL_USAGE, "--copy-maps: needs --map");
    if (!foreign && (fl_methods_parse(cli, "method", fl_cli_text(cli, "method"), &e->methods) != FL_OK ||
                     fl_methods_check_options(cli, &e->methods) != FL_OK))
        return cli->error->status;
    e->judging.options = fl_metrics_read_options(cli);
    if (fl_metrics_parse(cli, "metric", metrics, needs, &e->judging.metrics) != FL_OK) return cli->error->status;
    if (fl_cli_given(cli, "write-copies")) return FL_OK;
    return fl_metrics_check_options(cli, &e->judging.metrics);
}

static fl_status evaluate_clip(fl_cli *cli)
{
    static const char *const files[] = {"evaluation.json", "curves.csv", "curves.html", NULL};
    const char *boxes = fl_cli_text(cli, "boxes"), *folder = fl_cli_text(cli, "output"), *copies = fl_cli_text(cli, "write-copies");
    evaluation *e = FL_NEW(cli->arena, evaluation, 1);
    if (fl_cli_spare(cli, "write-copies", copies) != FL_OK || fl_cli_spare_in(cli, folder, files) != FL_OK) return cli->error->status;
    if (!e || choose(cli, e) != FL_OK || fl_session_open(cli, cli->argument[0], &e->session) != FL_OK ||
        fl_session_rank(cli, &e->session, 5) != FL_OK || fl_methods_read_options(cli, &e->session, &e->explain) != FL_OK)
        return cli->error->status;
    if (boxes && fl_boxes_read(cli, boxes, &e->session.input, &e->boxes) != FL_OK) return cli->error->status;
    e->judging.session = &e->session;
    e->judging.truth = boxes ? &e->boxes.truth : NULL;
    e->judging.explain = &e->explain;
    if (copies) return write_copies(cli, e, copies);
    if (folder && fl_folder_make(folder, cli->error) != FL_OK) return cli->error->status;
    e->measure = FL_NEW(cli->arena, fl_measure, FL_MAX_METHODS * e->judging.metrics.count);
    if (!e->measure || make_maps(cli, e) != FL_OK) return cli->error->status;
    for (int i = 0; i < e->maps; i++)
        if (fl_judge_map(cli, &e->judging, &e->map[i], e->measure + i * e->judging.metrics.count, NULL) != FL_OK) return cli->error->status;
    if (folder && save(cli, e, folder) != FL_OK) return cli->error->status;
    if (!cli->json) {
        print_table(cli, e);
        if (folder) printf("\ncurves: %s/curves.html\n", folder);
        return FL_OK;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    write_result(&j, cli, e);
    fl_json_end(&j);
    return FL_OK;
}

static fl_status evaluate_synthetic(fl_cli *cli)
{
    static const char *const of_clips[] = {"map", "output", "write-copies", "copy-maps"};
    fl_survey v;
    for (size_t i = 0; i < sizeof of_clips / sizeof *of_clips; i++)
        if (fl_cli_given(cli, of_clips[i])) return fl_error_set(cli->error, FL_USAGE, "--%s: needs a clip: footlight evaluate CLIP",
            of_clips[i]);
    if (fl_survey_open(cli, &v, NULL, "pointing,energy") != FL_OK || fl_survey_run(cli, &v) != FL_OK) return cli->error->status;
    if (cli->json) fl_survey_print_json(cli, &v, NULL);
    else fl_survey_print_table(cli, &v, NULL);
    return FL_OK;
}

static fl_status run(fl_cli *cli) { return cli->arguments ? evaluate_clip(cli) : evaluate_synthetic(cli); }

const fl_command fl_command_evaluate = {
    "evaluate", "how good are the maps? of a clip, or on synthetic clips",
        "[CLIP] [--method NAMES | --map FILE.npy] [--metric NAMES] [options]",
    0, 1,
    (const fl_option_group *const[]){&group, &fl_survey_options, &fl_metric_option_group, &fl_target_options, &fl_method_options,
        &fl_session_network,
                                     &fl_session_weights, &fl_input_options, NULL},
    "  footlight evaluate clip.y4m --method grad_cam,gradient --metric insertion,deletion -o curves\n"
    "  footlight evaluate clip.y4m --map theirs.npy --boxes clip.csv\n"
    "  footlight evaluate --model c3d_small --synth 200 --method gradient_x_input,grad_cam\n", run};
