/* suggest.c: which network do these weights belong to? All of them are built and asked; there are a few dozen. */
#include "models/model.h"

static void ask(fl_arena *scratch, const fl_model *m, const fl_bundle *file, fl_match *match)
{
    fl_graph *g = fl_graph_new(scratch);
    if (!g) return;
    fl_model_build(g, m, &(fl_model_options){0});
    if (!fl_graph_ok(g) || fl_match_weights(scratch, g, "", m->keys, file, match) != FL_OK) *match = (fl_match){0};
}

const fl_model *fl_model_of_weights(fl_arena *scratch, const fl_bundle *file, int *found, int *wanted)
{
    const fl_model *best = NULL;
    double share = 0.5;
    for (int i = 0; fl_model_table[i] && scratch->error->status == FL_OK; i++) {
        const fl_mark mark = fl_arena_mark(scratch);
        fl_match m = {0};
        ask(scratch, fl_model_table[i], file, &m);
        /* of the file and of the network: a small network whose names stand in a big file is not it */
        const double of_network = m.wanted ? (double)m.matched / m.wanted : 0;
        const double of_file = m.matched + m.unexpected ? (double)m.matched / (m.matched + m.misfits + m.unexpected) : 0;
        const double now = of_network < of_file ? of_network : of_file;
        if (now > share) {
            share = now;
            best = fl_model_table[i];
            *found = m.matched;
            *wanted = m.wanted;
        }
        fl_arena_release(scratch, mark);
    }
    return best;
}
