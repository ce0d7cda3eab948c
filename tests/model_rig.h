/* model_rig.h: an arena, a graph on it, a network in it. */
#ifndef FL_TEST_MODEL_RIG_H
#define FL_TEST_MODEL_RIG_H

#include "models/model.h"

#include <string.h>

typedef struct rig {
    fl_error error;
    fl_arena arena;
    fl_graph *g;
    fl_network net;
} rig;

static const fl_model_options SMALL = {.frames = 4, .height = 24, .width = 20};      /* every network fits */

/* Network number i of the table as long as it is a small one; those come first. */
static inline const fl_model *small_model(int i)
{
    return fl_model_table[i] && fl_model_table[i]->parameters < 1000000 ? fl_model_table[i] : NULL;
}

static inline void rig_up(rig *r, const char *model, const fl_model_options *options)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    r->g = fl_graph_new(&r->arena);
    r->net = fl_model_build(r->g, fl_model_find(model), options);
}

/* For the logits and the gradient of the input. */
static inline void rig_plan(rig *r, fl_keep keep)
{
    fl_graph_plan(r->g, &(fl_plan){.keep = keep, .out = &r->net.logits, .n_out = 1, .root = r->net.logits,
                                   .wrt = &r->net.input, .n_wrt = 1});
}

#endif
