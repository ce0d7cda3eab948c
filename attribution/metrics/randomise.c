/* randomise.c: which parameter belongs to which layer; layers that forget (randomise.h). */
#include "attribution/metrics/randomise.h"

#include <string.h>

static bool is_kept(const fl_node *n) { return n->role == FL_PARAM || n->role == FL_BUFFER; }

/* A weight is the second operand of a node that multiplies by it. */
static bool begins_layer(const fl_graph *g, const fl_node *n)
{
    return n->role == FL_COMPUTED && n->op->flags & FL_WEIGHTED && n->op->kind != FL_OP_batchnorm && n->n_in > 1 &&
        is_kept(&g->node[n->in[1]]);
}

static int count_layers(const fl_graph *g, int *of, const char **name)
{
    int layers = 0;
    for (fl_id i = 0; i < g->count; i++) of[i] = -1;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *n = &g->node[i];
        if (begins_layer(g, n) && of[n->in[1]] < 0) {        /* a cell that is used at every step begins once */
            if (name) name[layers] = g->node[n->in[1]].name;
            layers++;
        }
        for (int k = 0; k < n->n_in && layers; k++)
            if (is_kept(&g->node[n->in[k]]) && of[n->in[k]] < 0) of[n->in[k]] = layers - 1;
    }
    return layers;
}

fl_status fl_weight_layers_find(const fl_graph *g, fl_arena *arena, fl_weight_layers *l)
{
    l->of = FL_NEW(arena, int, g->count);
    if (!l->of) return arena->error->status;
    l->count = count_layers(g, l->of, NULL);
    l->name = FL_NEW(arena, const char *, l->count);
    if (!l->name) return arena->error->status;
    if (!l->count) return fl_error_set(arena->error, FL_USAGE, "randomising weights: this network has no layer with weights");
    count_layers(g, l->of, l->name);
    for (int i = 0; i < l->count / 2; i++) {                 /* from the output down */
        const char *swap = l->name[i];
        l->name[i] = l->name[l->count - 1 - i];
        l->name[l->count - 1 - i] = swap;
    }
    for (fl_id i = 0; i < g->count; i++)
        if (l->of[i] >= 0) l->of[i] = l->count - 1 - l->of[i];
    return FL_OK;
}

void fl_weight_layers_forget(fl_graph *g, const fl_weight_layers *l, int first, int last, uint64_t seed)
{
    for (fl_id i = 0; i < g->count; i++)
        if (l->of[i] >= first && l->of[i] <= last) fl_model_fill_random_node(g, i, seed);
    fl_graph_touch(g);
}
