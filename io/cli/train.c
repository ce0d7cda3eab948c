/* train.c: footlight train: trains a network on synthetic clips or on a folder of clips.
 *
 * The weights file holds the parameters and, as metadata, the recipe. With --checkpoint the whole state is written
 * every so often; --resume continues from there, and ends with the same bits as a run that was never
 * interrupted. Log lines go to stdout: step, loss, accuracy on the training clips since the last line. */
#include "io/cli/cli.h"
#include "io/cli/dataset.h"
#include "io/cli/progress.h"
#include "io/cli/session.h"
#include "io/cli/train_masker.h"
#include "io/safetensors.h"
#include "models/train.h"

#include <string.h>

static const char *const optimisers[] = {"sgd", "adam", NULL};        /* in the order of fl_optimiser_kind */

static const fl_option options[] = {
    FL_OPTION_TEXT("output", 'o', "FILE", NULL, "where the trained weights go (safetensors)"),
    FL_OPTION_TEXT("data", 0, "DIR", NULL,
                   "folder with one folder of clips per class, numbered in the order of their names, or, if these are the names of the "
                   "network's classes, as it numbers them; without it: synthetic clips"),
    FL_OPTION_INT("data-seed", "N", "1", 0, 9e15, "seed of the synthetic clips to train on"),
    FL_OPTION_INT("clips", "N", "0", 0, 1000000000, "train on the first N synthetic clips again and again; 0: on new ones all the time"),
    FL_OPTION_FLAG("shuffle-labels", 0,
                   "learn by heart: every clip has a class drawn at random (for footlight sanity --label-weights)"),
    FL_OPTION_INT("validation-seed", "N", "2", 0, 9e15, "seed of the synthetic clips to judge by"),
    FL_OPTION_TEXT("validation-data", 0, "DIR", NULL, "folder of clips to judge by, as --data"),
    FL_OPTION_INT("validate", "N", "1000", 0, 1000000, "how many clips to judge by at the end"),
    FL_OPTION_INT("steps", "N", "3000", 1, 100000000, "batches to train on"),
    FL_OPTION_INT("batch", "N", "16", 1, 1024, "clips per batch"),
    FL_OPTION_CHOICE("optimiser", "NAME", "adam", optimisers, "how parameters follow their gradients"),
    FL_OPTION_REAL("rate", "X", "0.003", 0, 100, "learning rate after the warm-up; falls to 0 on a half cosine"),
    FL_OPTION_REAL("momentum", "X", "0.9", 0, 1, "of sgd"),
    FL_OPTION_REAL("decay", "X", "0.0001", 0, 1, "weight decay, on weights only"),
    FL_OPTION_INT("warm-up", "N", "100", 0, 1000000, "batches of linearly growing rate"),
    FL_OPTION_TEXT("checkpoint", 0, "FILE", NULL, "write the whole state there every --every batches"),
    FL_OPTION_INT("every", "N", "500", 1, 100000000, "batches between checkpoints and log lines"),
    FL_OPTION_FLAG("resume", 0, "continue from --checkpoint if that file is there"),
    {0}};
static const fl_option_group group = {"Options of train", options};

static fl_recipe read_recipe(const fl_cli *cli)
{
    return (fl_recipe){
        .optimiser = (fl_optimiser_kind)fl_cli_choice(cli, "optimiser"), .rate = fl_cli_real(cli, "rate"),
        .momentum = fl_cli_real(cli, "momentum"), .decay = fl_cli_real(cli, "decay"), .steps = fl_cli_int(cli, "steps"),
        .warm_up = fl_cli_int(cli, "warm-up"), .batch = (int)fl_cli_int(cli, "batch"), .classes = (int)fl_cli_int(cli, "classes"),
        .seed = cli->seed,
    };
}

/* --clips and --shuffle-labels. *s must outlive the data. */
static fl_status change_data(fl_cli *cli, const fl_model *model, fl_shuffled *s, fl_dataset *data)
{
    const long long clips = fl_cli_int(cli, "clips"), classes = fl_cli_int(cli, "classes");
    if (clips && data->count) return fl_error_set(cli->error, FL_USAGE, "--clips: of synthetic clips; --data names the clips itself");
    if (clips) data->count = clips;
    if (!fl_cli_flag(cli, "shuffle-labels")) return FL_OK;
    if (!data->count)
        return fl_error_set(cli->error, FL_USAGE,
            "--shuffle-labels: new clips all the time cannot be learned by heart; add --clips N, or --data DIR");
    fl_dataset_shuffle(s, data, cli->seed, classes ? (int)classes : model->classes);
    return FL_OK;
}

/* The options that the result depends on, in one line; stands in weights and checkpoints. masker NULL: classes are learned. */
static char *describe_recipe(fl_cli *cli, const fl_recipe *r, const fl_train_masker *masker)
{
    const char *data = fl_cli_text(cli, "data");
    char *from = data ? fl_arena_text(cli->arena, "--data %s", data)
                      : fl_arena_text(cli->arena, "--data-seed %lld", fl_cli_int(cli, "data-seed"));
    if (fl_cli_int(cli, "clips") && from) from = fl_arena_text(cli->arena, "%s --clips %lld", from, fl_cli_int(cli, "clips"));
    if (fl_cli_flag(cli, "shuffle-labels") && from) from = fl_arena_text(cli->arena, "%s --shuffle-labels", from);
    if (masker && from) {
        const char *of = fl_train_masker_describe(cli, masker);
        from = of ? fl_arena_text(cli->arena, "%s %s", of, from) : NULL;
    }
    return fl_arena_text(cli->arena, "--model %s %s --seed %llu --steps %lld --batch %d --optimiser %s --rate %g --momentum %g "
                         "--decay %g --warm-up %lld", fl_cli_text(cli, "model"), from ? from : "", (unsigned long long)r->seed,
                         (long long)r->steps, r->batch, optimisers[r->optimiser], r->rate, r->momentum, r->decay, (long long)r->warm_up);
}

static const fl_train_masker *masker_of(const fl_trainer *t) { return t->user; }        /* the lesson comes first in it; NULL: none */

static fl_status write_checkpoint(fl_cli *cli, const fl_trainer *t, const char *path)
{
    const fl_mark mark = fl_arena_mark(cli->arena);
    fl_bundle state;
    fl_bundle_init(&state, cli->arena);
    fl_metadata_pair pair[] = {{"recipe", describe_recipe(cli, &t->recipe, masker_of(t))}};
    const fl_metadata metadata = {pair, 1};
    if (pair[0].value && fl_trainer_store(t, &state) == FL_OK) fl_safetensors_write(path, &state, &metadata, cli->error);
    fl_arena_release(cli->arena, mark);
    return cli->error->status;
}

static fl_status resume(fl_cli *cli, fl_trainer *t, const char *path)
{
    if (!path) return fl_error_set(cli->error, FL_USAGE, "--resume: name the file with --checkpoint FILE");
    if (!fl_file_exists(path)) {
        fl_cli_say(cli, "%s is not there: starting from the beginning", path);
        return FL_OK;
    }
    fl_bundle state;
    fl_bundle_init(&state, cli->arena);
    fl_metadata metadata;
    if (fl_safetensors_read(&state, path, &metadata) != FL_OK) return cli->error->status;
    const char *then = fl_metadata_find(&metadata, "recipe"), *now = describe_recipe(cli, &t->recipe, masker_of(t));
    if (!now) return cli->error->status;
    if (!then || strcmp(then, now) != 0)
        return fl_error_set(cli->error, FL_MISFIT, "%s: belongs to another recipe: expected '%s', got '%s'; resume with the options that "
                            "it began with, or without --resume", path, now, then ? then : "none");
    fl_status status = fl_trainer_load(t, &state);
    if (status == FL_OK) fl_cli_say(cli, "resuming behind batch %lld", (long long)t->step);
    return status;
}

static void log_line(const fl_cli *cli, const fl_trainer *t, double loss, double accuracy)
{
    if (cli->json) printf("{\"step\": %lld, \"loss\": %.6f, \"accuracy\": %.4f}\n", (long long)t->step, loss, accuracy);
    else printf("step %7lld   loss %.4f   accuracy %.4f\n", (long long)t->step, loss, accuracy);
    fflush(stdout);
}

static fl_status train(fl_cli *cli, fl_trainer *t)
{
    const char *checkpoint = fl_cli_text(cli, "checkpoint");
    const long long every = fl_cli_int(cli, "every");
    double loss = 0, correct = 0;
    int batches = 0;
    fl_progress progress;
    fl_progress_begin(&progress, cli, "training");
    while (cli->error->status == FL_OK && fl_trainer_step(t)) {
        loss += t->loss;
        correct += t->correct;
        batches++;
        fl_progress_step((int)t->step, (int)t->recipe.steps, &progress);
        if (t->step % every && t->step != t->recipe.steps) continue;
        log_line(cli, t, loss / batches, correct / batches / t->recipe.batch);
        loss = correct = batches = 0;
        if (checkpoint) write_checkpoint(cli, t, checkpoint);
    }
    fl_progress_end(&progress);
    return cli->error->status;
}

/* Writes the parameters with their provenance and prints the closing lines. */
static fl_status finish(fl_cli *cli, fl_trainer *t, const fl_dataset *judge)
{
    const char *path = fl_cli_text(cli, "output");
    const long long asked = fl_cli_int(cli, "validate"), there = judge->count;       /* there 0: endless */
    const long long count = there && there < asked ? there : asked;
    const double accuracy = count && !t->user ? fl_trainer_accuracy(t, judge, count) : 0;
    if (count && t->user) fl_train_masker_print(cli, t, judge, count);
    else if (count && cli->json) printf("{\"held_out\": %lld, \"accuracy\": %.4f}\n", count, accuracy);
    else if (count) printf("held out: %.4f of %lld unseen clips\n", accuracy, count);
    if (!path) return FL_OK;
    fl_bundle weights;
    fl_bundle_init(&weights, cli->arena);
    if (fl_graph_store_part(t->g, t->lesson->part, &weights) != FL_OK) return cli->error->status;
    fl_metadata_pair pair[] = {{t->user ? "masker_for" : "model", t->model->name},
                               {"recipe", describe_recipe(cli, &t->recipe, masker_of(t))}, {"footlight", FL_VERSION},
                               {"weights_sha256", t->user ? fl_weights_sha256(&masker_of(t)->weights) : ""}};
    const fl_metadata metadata = {pair, t->user ? 4 : 3};
    fl_status status = pair[1].value ? fl_safetensors_write(path, &weights, &metadata, cli->error) : FL_FAILED;
    if (status == FL_OK) fl_cli_say(cli, "weights: %s", path);
    return status;
}

static fl_status begin(fl_cli *cli, const fl_model *model, const fl_recipe *recipe, const fl_dataset *data, fl_train_masker *masker,
                       fl_trainer *t)
{
    const bool wanted = fl_cli_flag(cli, "masker");
    static const char *const only[] = {"weights", "fakes", "mask-area", "mask-smoothness", "mask-preserved"};
    for (size_t i = 0; !wanted && i < sizeof only / sizeof *only; i++)
        if (fl_cli_given(cli, only[i]))
            return fl_error_set(cli->error, FL_USAGE, "--%s: is of --masker; add it, or leave this out", only[i]);
    if (!wanted) return fl_trainer_init(t, cli->work, model, recipe, data);
    if (fl_train_masker_open(cli, model, masker) != FL_OK) return cli->error->status;
    return fl_trainer_init_lesson(t, cli->work, model, recipe, data, &fl_lesson_masker, masker);
}

/* Hours of training are not to end at a wrong name. */
static fl_status try_files(fl_cli *cli)
{
    const char *const path[] = {fl_cli_text(cli, "output"), fl_cli_text(cli, "checkpoint")};
    for (int i = 0; i < 2; i++)
        if (path[i] && fl_file_try(path[i], cli->error) != FL_OK) return cli->error->status;
    if (!path[0] && !path[1]) fl_cli_warn(cli, "train: what is learned is lost at the end; -o FILE keeps it");
    return FL_OK;
}

static fl_status run(fl_cli *cli)
{
    const fl_model *model = fl_session_find_model(cli);
    if (!model) return cli->error->status;
    const fl_recipe recipe = read_recipe(cli);
    if (recipe.warm_up >= recipe.steps)
        return fl_error_set(cli->error, FL_USAGE, "--warm-up %lld: expected fewer batches than --steps %lld", (long long)recipe.warm_up,
                            (long long)recipe.steps);
    if (try_files(cli) != FL_OK) return cli->error->status;
    fl_clips learn, judge;
    if (fl_clips_open(&learn, cli, model, fl_cli_text(cli, "data"), (uint64_t)fl_cli_int(cli, "data-seed")) != FL_OK ||
        fl_clips_open(&judge, cli, model, fl_cli_text(cli, "validation-data"), (uint64_t)fl_cli_int(cli, "validation-seed")) != FL_OK)
        return cli->error->status;
    fl_shuffled by_heart;
    if (change_data(cli, model, &by_heart, &learn.data) != FL_OK) return cli->error->status;
    fl_trainer t = {0};
    fl_train_masker masker = {.lesson = {.classifier = NULL}};
    fl_status status = begin(cli, model, &recipe, &learn.data, &masker, &t);
    if (status == FL_OK && fl_cli_flag(cli, "resume")) status = resume(cli, &t, fl_cli_text(cli, "checkpoint"));
    if (status == FL_OK) status = train(cli, &t);
    return status == FL_OK ? finish(cli, &t, &judge.data) : status;
}

const fl_command fl_command_train = {
    "train", "train a network on synthetic clips or on your own", "[options]", 0, 0,
    (const fl_option_group *const[]){&fl_session_network, &group, &fl_masking_options, &fl_session_weights, NULL},
    "Example: footlight train --model c3d_small --steps 3000 -o mine.safetensors\n"
    "         footlight train --model c3d_small --masker --steps 600 -o masker.safetensors\n", run};
