/* model.c: the list of networks, and what is the same for all of them. */
#include "models/model.h"

#include "models/nearest.h"

#include <string.h>

#define FL_MODEL(name) extern const fl_model fl_model_##name;
#include "models/models.def"
#undef FL_MODEL

const fl_model *const fl_model_table[] = {
#define FL_MODEL(name) &fl_model_##name,
#include "models/models.def"
#undef FL_MODEL
    NULL
};

const fl_model *fl_model_find(const char *name)
{
    for (int i = 0; fl_model_table[i]; i++)
        if (strcmp(fl_model_table[i]->name, name) == 0) return fl_model_table[i];
    return NULL;
}

const char *fl_model_nearest(const char *name)
{
    const char *best = fl_model_table[0]->name;
    for (int i = 1; fl_model_table[i]; i++)
        if (fl_word_distance(name, fl_model_table[i]->name) < fl_word_distance(name, best)) best = fl_model_table[i]->name;
    return best;
}

fl_network fl_model_build(fl_graph *g, const fl_model *m, const fl_model_options *wish)
{
    fl_model_options o = *wish;
    if (!o.n) o.n = 1;
    if (!o.frames) o.frames = m->input.frames;
    if (!o.height) o.height = m->input.height;
    if (!o.width) o.width = m->input.width;
    if (!o.classes) o.classes = m->classes;
    g->batch_statistics = o.training;
    g->exact = o.exact;
    fl_network net = m->build(g, m, &o);
    if (!fl_graph_ok(g)) {
        fl_error_where(g->error, "model %s", m->name);
        return fl_network_none;
    }
    return net;
}
