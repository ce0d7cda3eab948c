/* list.c: footlight list: what there is. */
#include "attribution/metric.h"
#include "io/cli/layers.h"
#include "io/cli/session.h"
#include "models/labels.h"

#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("model", 'm', "NAME", "r2plus1d_small", "of list layers: the network"),
    FL_OPTION_INT("frames", "T", NULL, 1, 4096, "of list layers: frames that it sees; default: the network's"),
    {0}};
static const fl_option_group group = {"Options of list", options};

static void list_models(fl_json *j)
{
    for (int i = 0; fl_model_table[i]; i++) {
        const fl_model *m = fl_model_table[i];
        if (!j) {
            printf("  %-16s %3d x %3d x %3d, %4d classes%s  %s\n", m->name, m->input.frames, m->input.height,
                   m->input.width, m->classes, m->weights ? ", trained" : "         ", m->doc);
            continue;
        }
        fl_json_object(j, NULL);
        fl_json_string(j, "name", m->name);
        fl_json_string(j, "family", m->family);
        fl_json_string(j, "doc", m->doc);
        fl_json_string(j, "citation", m->citation);
        fl_json_ints(j, "input", (int[]){m->channels, m->input.frames, m->input.height, m->input.width}, 4);
        fl_json_int(j, "classes", m->classes);
        fl_json_string(j, "weights", m->weights);
        fl_json_array(j, "labels");
        for (int k = 0; m->labels && k < m->classes; k++) fl_json_string(j, NULL, m->labels[k]);
        fl_json_close(j);
        fl_json_close(j);
    }
}

static void begin_row(fl_json *j, const char *name, const char *title, const char *citation, const char *doc)
{
    fl_json_object(j, NULL);
    fl_json_string(j, "name", name);
    fl_json_string(j, "title", title);
    fl_json_string(j, "citation", citation);
    fl_json_string(j, "doc", doc);
}

static void list_methods(fl_json *j)
{
    for (const fl_method *m = fl_method_table; m->name; m++) {
        if (!j) {
            printf("  %-22s %s\n%26s%s\n", m->name, m->citation, "", m->doc);
            continue;
        }
        begin_row(j, m->name, m->title, m->citation, m->doc);
        fl_json_string(j, "driver", fl_method_driver(m));
        fl_json_string(j, "level", m->level == FL_LEVEL_LAYER ? "layer" : "input");
        fl_json_string(j, "law", fl_law_name[m->law]);
        fl_json_close(j);
    }
}

static void list_metrics(fl_json *j)
{
    static const char *const better[] = {"higher", "lower", "neither"};
    static const char *const need[] = {"network", "boxes", "method"};
    static const char *const option[] = {
#define FL_INT(field, name, value, least, most, help) name,
#define FL_REAL(field, name, value, least, most, help) name,
#define FL_WORD(field, name, value, list, help) name,
#define FL_CHOICE(field, name, value, type, list, help) name,
#include "attribution/metric_options.def"
    };
    for (const fl_metric *m = fl_metric_table; m->name; m++) {
        if (!j) {
            printf("  %-26s %s\n%30s%s\n", m->name, m->citation, "", m->doc);
            for (int i = 0, first = 1; i < FL_METRIC_OPTIONS; i++)
                if (m->reads >> i & 1) printf(first ? "%30sreads --%s" : "%.0s --%s", "", option[i]), first = 0;
            if (m->reads) printf("\n");
            continue;
        }
        begin_row(j, m->name, m->title, m->citation, m->doc);
        fl_json_string(j, "better", better[m->better]);
        fl_json_array(j, "needs");
        for (int i = 0; i < 3; i++)
            if (m->needs >> i & 1) fl_json_string(j, NULL, need[i]);
        fl_json_close(j);
        fl_json_array(j, "options");
        for (int i = 0; i < FL_METRIC_OPTIONS; i++)
            if (m->reads >> i & 1) fl_json_string(j, NULL, option[i]);
        fl_json_close(j);
        fl_json_close(j);
    }
}

static void list_baselines(fl_json *j)
{
    for (int i = 0; fl_baseline_name[i]; i++) {
        if (!j) {
            printf("  %-16s %s\n", fl_baseline_name[i], fl_baseline_doc[i]);
            continue;
        }
        fl_json_object(j, NULL);
        fl_json_string(j, "name", fl_baseline_name[i]);
        fl_json_string(j, "doc", fl_baseline_doc[i]);
        fl_json_close(j);
    }
}

static void list_ops(fl_json *j)
{
    for (int i = 0; i < FL_OPS; i++) {
        const fl_op *op = fl_op_table[i];
        if (!j) {
            printf("  %-16s %s\n", op->name, op->doc);
            continue;
        }
        fl_json_object(j, NULL);
        fl_json_string(j, "name", op->name);
        fl_json_string(j, "doc", op->doc);
        fl_json_close(j);
    }
}

static void list_labels(fl_json *j)
{
    for (const fl_label_set *s = fl_label_table; s->name; s++) {
        if (!j) {
            printf("  %-16s %4d  %s\n", s->name, s->count, s->doc);
            continue;
        }
        fl_json_object(j, NULL);
        fl_json_string(j, "name", s->name);
        fl_json_string(j, "doc", s->doc);
        fl_json_array(j, "labels");
        for (int i = 0; i < s->count; i++) fl_json_string(j, NULL, s->label[i]);
        fl_json_close(j);
        fl_json_close(j);
    }
}

/* write: for people where j is NULL, else objects into an open array. */
static const struct listing { const char *name; void (*write)(fl_json *j); } listings[] = {
    {"models", list_models}, {"methods", list_methods}, {"metrics", list_metrics}, {"baselines", list_baselines},
    {"ops", list_ops}, {"labels", list_labels}};
enum { LISTINGS = sizeof listings / sizeof *listings };

static void print_listings(const fl_cli *cli, const char *wanted)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    if (cli->json) fl_json_object(&j, NULL);
    for (int i = 0; i < LISTINGS; i++) {
        if (wanted && strcmp(wanted, listings[i].name) != 0) continue;
        if (cli->json) fl_json_array(&j, listings[i].name);
        else printf("%s%s:\n", i && !wanted ? "\n" : "", listings[i].name);
        listings[i].write(cli->json ? &j : NULL);
        if (cli->json) fl_json_close(&j);
    }
    if (!cli->json) return;
    fl_json_close(&j);
    fl_json_end(&j);
}

static fl_status run(fl_cli *cli)
{
    const char *name[LISTINGS + 1] = {"layers"};
    const char *wanted = cli->arguments ? cli->argument[0] : NULL;
    bool known = !wanted;
    for (int i = 0; i < LISTINGS; i++) {
        name[i + 1] = listings[i].name;
        known = known || strcmp(wanted, listings[i].name) == 0;
    }
    if (wanted && strcmp(wanted, "layers") == 0) return fl_layers_print(cli, &(fl_model_options){.frames = (int)fl_cli_int(cli, "frames")});
    if (!known)
        return fl_cli_unknown(cli->error, "list", wanted, name, LISTINGS + 1, "footlight list --help names them");
    for (const fl_option *o = options; o->name; o++)
        if (fl_cli_given(cli, o->name)) return fl_error_set(cli->error, FL_USAGE, "--%s: is of footlight list layers", o->name);
    print_listings(cli, wanted);
    return FL_OK;
}

const fl_command fl_command_list = {
    "list", "what there is: models, methods, metrics, baselines, ops, label sets, layers of a model",
    "[models|methods|metrics|baselines|ops|labels|layers] [--model NAME] [--frames T]", 0, 1,
    (const fl_option_group *const[]){&group, NULL}, NULL, run};
