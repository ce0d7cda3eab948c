/* train_rig.h: a training run in a test: an arena of its own, and clips of noise that a formula makes.
 *
 * Clip i of T,H,W,3 bytes: floor(256 u), u from the name "train:<i>" (rng.h), in memory order. Class: i mod n. */
#ifndef FL_TEST_TRAIN_RIG_H
#define FL_TEST_TRAIN_RIG_H

#include "models/train.h"
#include "tests/formula.h"

#include <string.h>

typedef struct noise { int frames, size, classes; } noise;

static inline void noise_clip(const void *user, int64_t index, unsigned char *rgb, int *label)
{
    const noise *o = user;
    char key[32];
    snprintf(key, sizeof key, "train:%lld", (long long)index);
    const uint64_t hash = fl_rng_name(key);
    for (int64_t i = 0; i < (int64_t)o->frames * o->size * o->size * 3; i++)
        rgb[i] = (unsigned char)(256 * fl_rng_named(hash, (uint64_t)i));
    *label = (int)(index % o->classes);
}

static inline fl_dataset noise_data(const noise *o, int64_t count)
{
    return (fl_dataset){.user = o, .count = count, .frames = o->frames, .height = o->size, .width = o->size,
                        .clip = noise_clip};
}

typedef struct train_rig { fl_error error; fl_arena arena; fl_trainer t; } train_rig;

static inline fl_status train_up(train_rig *r, const char *model, const fl_recipe *recipe, const fl_dataset *data)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    return fl_trainer_init(&r->t, &r->arena, fl_model_find(model), recipe, data);
}

static inline uint64_t train_hash_array(uint64_t h, const real *x, fl_shape s)
{
    return 31 * h + fl_hash(x, (size_t)fl_shape_count(s) * sizeof *x);
}

/* All that a run is made of: parameters, statistics, the optimiser's arrays, the step. */
static inline uint64_t train_hash(const fl_trainer *t)
{
    uint64_t h = (uint64_t)t->step;
    for (fl_id i = 0; i < t->g->count; i++) {
        const fl_node *node = &t->g->node[i];
        if (node->role == FL_PARAM || node->role == FL_BUFFER)
            h = train_hash_array(h, node->value, node->shape);
    }
    for (int k = 0; k < fl_optimiser_states(&t->optimiser); k++)
        for (int i = 0; i < t->n_params; i++)
            h = train_hash_array(h, t->state[k][i], t->g->node[t->params[i]].shape);
    return h;
}

#endif
