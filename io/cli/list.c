/* list.c: what there is. */
#include "io/cli/cli.h"

#include "autograd/op.h"
#include "models/model.h"

#include <string.h>

/* A list is a name and a function that writes it, for people or as an array of objects. */
typedef struct listing {
    const char *name;
    fl_status (*write)(fl_cli *, fl_json *json_or_null);
} listing;

static fl_status list_ops(fl_cli *cli, fl_json *j)
{
    (void)cli;
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
    return FL_OK;
}

static fl_status list_models(fl_cli *cli, fl_json *j)
{
    (void)cli;
    for (int i = 0; fl_model_table[i]; i++) {
        const fl_model *m = fl_model_table[i];
        if (!j) {
            printf("  %-16s %2d x %3d x %3d, %3d classes%s  %s\n", m->name, m->input.frames, m->input.height, m->input.width,
                   m->classes, m->weights ? ", trained" : "         ", m->doc);
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
    return FL_OK;
}

static const listing listings[] = {{"models", list_models}, {"ops", list_ops}};
enum { LISTINGS = sizeof listings / sizeof *listings };

static fl_status run(fl_cli *cli)
{
    const char *name[LISTINGS];
    const char *wanted = cli->arguments ? cli->argument[0] : NULL;
    int found = 0;
    for (int i = 0; i < LISTINGS; i++) {
        name[i] = listings[i].name;
        found += !wanted || strcmp(wanted, name[i]) == 0;
    }
    if (!found) return fl_cli_unknown(cli->error, "list", wanted, name, LISTINGS, "footlight list --help names them");
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    if (cli->json) fl_json_object(&j, NULL);
    for (int i = 0; i < LISTINGS; i++) {
        if (wanted && strcmp(wanted, name[i]) != 0) continue;
        if (cli->json) fl_json_array(&j, name[i]);
        else printf("%s%s:\n", i && !wanted ? "\n" : "", name[i]);
        fl_status status = listings[i].write(cli, cli->json ? &j : NULL);
        if (status != FL_OK) return status;
        if (cli->json) fl_json_close(&j);
    }
    if (cli->json) {
        fl_json_close(&j);
        fl_json_end(&j);
    }
    return FL_OK;
}

const fl_command fl_command_list = {"list", "what there is: models, ops", "[models|ops]", 0, 1, NULL, NULL, run};
