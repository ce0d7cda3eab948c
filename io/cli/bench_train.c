/* bench_train.c: how long a step of training takes: forward, back to all parameters, SGD with momentum. */
#include "io/cli/bench_whole.h"
#include "models/train.h"
#include "tensor/rng.h"

typedef struct place { int64_t bytes; int classes; uint64_t seed; } place;      /* of a clip */

static void random_clip(const void *user, int64_t index, unsigned char *rgb, int *label)
{
    const place *p = user;
    for (int64_t i = 0; i < p->bytes; i++) rgb[i] = (unsigned char)(fl_rng_bits(p->seed, (uint64_t)index, (uint64_t)i) >> 56);
    *label = (int)(index % p->classes);
}

static void step(void *trainer) { fl_trainer_step(trainer); }

fl_status fl_training_time(fl_cli *cli, const fl_model *model, int batch, int repeat, fl_times *times)
{
    const fl_card_input *card = &model->input;
    if (card->source != FL_SOURCE_RGB)
        return fl_error_set(cli->error, FL_USAGE, "--pass train: clips are made of colours, and %s does not see colours", model->name);
    place p = {3LL * card->frames * card->height * card->width, model->classes, cli->seed};
    const fl_recipe recipe = {.optimiser = FL_SGD, .rate = 1e-3, .momentum = 0.9, .steps = INT64_MAX / 2,
                              .batch = batch, .seed = cli->seed};
    const fl_dataset data = {.user = &p, .frames = card->frames, .height = card->height, .width = card->width, .clip = random_clip};
    fl_trainer *trainer = FL_NEW(cli->arena, fl_trainer, 1);
    if (!trainer || fl_trainer_init(trainer, cli->work, model, &recipe, &data) != FL_OK) return cli->error->status;
    return fl_time_work(cli->arena, step, trainer, repeat, times);
}
