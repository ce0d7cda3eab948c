/* randomise.h: a network that forgets what it learned, layer by layer: the model parameter test of Adebayo et al. 2018
 * (arXiv:1810.03292).
 *
 * A layer is a convolution, a linear layer or a recurrent cell's product, with its bias and the norms behind it: every parameter
 * belongs to the last such node at or before its first use. Layers count from the output down: 0 is the classifier. Forgetting gives a
 * layer the values that training starts from (fl_model_fill_random): never zeros, never a copy. */
#ifndef FL_RANDOMISE_H
#define FL_RANDOMISE_H

#include "models/model.h"

typedef struct fl_weight_layers {
    int count;
    const char **name;               /* of the weight of each, from the output down */
    int *of;                         /* per node of the graph: its layer, or -1 */
} fl_weight_layers;

/* In the arena. FL_FAILED: memory. FL_USAGE: the graph has no layer with weights. */
fl_status fl_weight_layers_find(const fl_graph *, fl_arena *, fl_weight_layers *);

/* Layers first .. last forget. */
void fl_weight_layers_forget(fl_graph *, const fl_weight_layers *, int first, int last, uint64_t seed);

#endif
