/* train_masker.c: footlight train --masker: the network that is watched, the loss, the closing line. */
#include "io/cli/train_masker.h"

#include "autograd/fold.h"
#include "io/cli/session.h"

static const fl_option options[] = {
    FL_OPTION_FLAG("masker", 0, "train a masking network for the network with these weights (method real_time_saliency)"),
    FL_OPTION_REAL("fakes", "P", "0.3", 0, 1, "share of clips whose masker is asked for a class that is not there"),
    FL_OPTION_REAL("mask-area", "X", "8", 0, 1e6, "weight of the area of the mask"),
    FL_OPTION_REAL("mask-smoothness", "X", "0.005", 0, 1e6, "weight of its changes from place to place"),
    FL_OPTION_REAL("mask-preserved", "X", "0.3", 0, 1e6, "weight of what the kept part must still show"),
    {0}};
const fl_option_group fl_masking_options = {"Masking network", options};

static fl_id place(const fl_fold *f, fl_id id) { return id == FL_NONE ? FL_NONE : f->place[id]; }

/* Norms fold into weights: the classifier stays as it is. */
static fl_status fold(fl_masker_lesson *o)
{
    fl_fold *f = fl_fold_new(o->classifier);
    if (!f) return o->classifier->error->status;
    if (!f->count) return FL_OK;
    fl_fold_refresh(f);
    o->classifier = f->g;
    o->net = (fl_network){place(f, o->net.input), place(f, o->net.logits), place(f, o->net.output), place(f, o->net.cam), FL_NONE, FL_NONE};
    return FL_OK;
}

fl_status fl_train_masker_open(fl_cli *cli, const fl_model *model, fl_train_masker *m)
{
    fl_masker_lesson *o = &m->lesson;
    if (fl_cli_flag(cli, "shuffle-labels"))
        return fl_error_set(cli->error, FL_USAGE,
                            "--shuffle-labels: a masker learns from the classes that the network knows; leave it out");
    if (model->flow)
        return fl_error_set(cli->error, FL_USAGE, "--masker: expected a network of one input, %s has two; train one for a stream of it",
                            model->name);
    o->how = fl_masking_default();
    o->how.fakes = fl_cli_real(cli, "fakes");
    o->how.area = fl_cli_real(cli, "mask-area");
    o->how.smoothness = fl_cli_real(cli, "mask-smoothness");
    o->how.preserved = fl_cli_real(cli, "mask-preserved");
    if (fl_weights_open(cli, model, fl_cli_text(cli, "weights"), &m->weights) != FL_OK) return cli->error->status;
    o->classifier = fl_graph_new(cli->work);
    if (!o->classifier) return cli->error->status;
    const fl_model_options size = fl_session_model_options(cli);
    o->net = fl_model_build(o->classifier, model, &size);
    if (!fl_graph_ok(o->classifier) || fl_weights_apply(cli, &m->weights, model, o->classifier)) return cli->error->status;
    return fold(o);
}

char *fl_train_masker_describe(fl_cli *cli, const fl_train_masker *m)
{
    const fl_masking *how = &m->lesson.how;
    return fl_arena_text(cli->arena, "--masker --weights %s --fakes %g --mask-area %g --mask-smoothness %g --mask-preserved %g",
                         m->weights.name, how->fakes, how->area, how->smoothness, how->preserved);
}

void fl_train_masker_print(const fl_cli *cli, fl_trainer *t, const fl_dataset *judge, int64_t count)
{
    const fl_masker_figures f = fl_masker_judge(t, judge, count);
    if (cli->json)
        printf("{\"held_out\": %lld, \"size\": %.4f, \"kept\": %.4f, \"left\": %.4f}\n", (long long)count, f.size, f.kept, f.left);
    else
        printf("held out: the mask is %.4f of the clip; its class is still the first in %.4f of %lld unseen clips by what it keeps, "
               "in %.4f by what it leaves\n", f.size, f.kept, (long long)count, f.left);
}
