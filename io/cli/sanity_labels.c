/* sanity_labels.c: a network that learned wrong labels, for the check of labels (Adebayo 2018, section 3): read from a file, or
 * trained here, by heart, until it knows at least 95 % of its clips, or until the batches are used up. */
#include "io/cli/sanity.h"

#include "io/cli/dataset.h"
#include "io/cli/progress.h"

#include <math.h>

enum { BATCH = 16, LOOK = 20, WARM_UP = 20 };        /* clips of a batch; batches between two looks at how much is known */
#define ENOUGH 0.95

static const fl_option options[] = {
    FL_OPTION_TEXT("label-weights", 0, "FILE", NULL,
                   "weights learned from shuffled labels (footlight train --shuffle-labels); without it they are learned when asked for"),
    FL_OPTION_TEXT("label-data", 0, "DIR", NULL,
                   "folder with one folder of clips per class to learn by heart; without it: synthetic clips"),
    FL_OPTION_INT("label-clips", "N", "64", 2, 100000, "how many synthetic clips"),
    FL_OPTION_INT("label-steps", "N", "1500", 21, 1000000, "batches at most"),
    FL_OPTION_REAL("label-rate", "X", "0.003", 0, 100, "learning rate (adam)"),
    {0}};
const fl_option_group fl_sanity_label_options = {"Check of labels", options};

static bool learn(fl_cli *cli, fl_trainer *t, fl_sanity_labels *l)
{
    fl_progress progress;
    fl_progress_begin(&progress, cli, "learning by heart");
    while (cli->error->status == FL_OK && l->known < ENOUGH && fl_trainer_step(t)) {
        if (t->step % LOOK && t->step != t->recipe.steps) continue;
        l->known = fl_trainer_accuracy(t, &t->data, t->data.count);
        fl_progress_step((int)t->step, (int)t->recipe.steps, &progress);
    }
    fl_progress_end(&progress);
    l->steps = (int)t->step;
    return cli->error->status == FL_OK;
}

/* The trained parameters into cli->arena; all that training took is given back. */
static fl_status train(fl_cli *cli, const fl_sanity_run *r, fl_sanity_labels *l)
{
    const fl_model *model = r->session.model;
    const fl_recipe recipe = {.optimiser = FL_ADAM, .rate = fl_cli_real(cli, "label-rate"), .steps = fl_cli_int(cli, "label-steps"),
                              .warm_up = WARM_UP, .batch = BATCH, .classes = r->session.classes, .seed = cli->seed};
    fl_clips *clips = FL_NEW(cli->arena, fl_clips, 1);
    fl_shuffled by_heart;
    fl_trainer t = {0};
    fl_arena own;
    if (!clips || fl_clips_open(clips, cli, model, fl_cli_text(cli, "label-data"), cli->seed) != FL_OK) return cli->error->status;
    if (!clips->data.count) clips->data.count = fl_cli_int(cli, "label-clips");
    fl_dataset_shuffle(&by_heart, &clips->data, cli->seed, r->session.classes);
    fl_arena_init_beside(&own, cli->arena);
    if (fl_trainer_init(&t, &own, model, &recipe, &clips->data) == FL_OK && learn(cli, &t, l)) fl_graph_store(t.g, &l->weights);
    fl_arena_free(&own);
    return cli->error->status;
}

/* Under the network's own names, whatever the layout of the file. */
static fl_status read(fl_cli *cli, fl_sanity_run *r, const char *path, fl_sanity_labels *l)
{
    fl_graph *g = r->session.graph;
    fl_bundle own;
    fl_weights file;
    fl_bundle_init(&own, cli->arena);
    if (fl_graph_store(g, &own) != FL_OK || fl_weights_open(cli, r->session.model, path, &file) != FL_OK ||
        fl_weights_apply(cli, &file, r->session.model, g) != FL_OK || fl_graph_store(g, &l->weights) != FL_OK)
        return cli->error->status;
    return fl_graph_load(g, &own);
}

fl_status fl_sanity_labels_open(fl_cli *cli, fl_sanity_run *r)
{
    fl_sanity_labels *l = &r->labels;
    const char *path = fl_cli_text(cli, "label-weights");
    *l = (fl_sanity_labels){.known = (double)NAN};
    fl_bundle_init(&l->weights, cli->arena);
    if (path) return read(cli, r, path, l);
    l->known = 0;
    return train(cli, r, l);
}

bool fl_sanity_labels_known(const fl_sanity_labels *l) { return !(l->known < ENOUGH); }

fl_status fl_sanity_labels_map(const fl_sanity_labels *l, const fl_sanity *s, real **map)
{
    fl_bundle own;
    fl_bundle_init(&own, s->arena);
    if (fl_graph_store(s->g, &own) != FL_OK || fl_graph_load(s->g, &l->weights) != FL_OK) return s->g->error->status;
    const fl_status status = fl_sanity_map(s, NULL, map, NULL);
    return status == FL_OK ? fl_graph_load(s->g, &own) : status;
}
