/* sanity.h: does a map depend on what it should depend on? Adebayo et al. 2018, arXiv:1810.03292, and the same question for time.
 *
 *   weights   layers forget, from the output down (cascading) or one at a time (independent); a map that stays alike did not come from
 *             what the network learned
 *   input     another clip: noise with the clip's colours. A map that stays alike shows the network, not the clip
 *   time      the clip backwards, its frames in random order, its first frame only: what does the network say, and does the map follow?
 *
 * How alike: agreement.h, of the reduced maps. The class stays that of the clip. */
#ifndef FL_SANITY_H
#define FL_SANITY_H

#include "attribution/attribution.h"
#include "attribution/metrics/agreement.h"
#include "attribution/metrics/randomise.h"

typedef struct fl_sanity {               /* filled in by fl_sanity_begin */
    fl_explainer *e;
    fl_graph *g;                         /* the network's own graph, whose weights forget and come back */
    const fl_method *method;
    fl_explain_options options;          /* with the class of the clip */
    const fl_card_input *card;
    fl_shape shape;                      /* of the clip */
    const real *clip, *map;              /* T,H,W: the map of the clip, reduced */
    double probability;                  /* of the class at the clip */
    fl_arena *arena;
} fl_sanity;

fl_status fl_sanity_begin(fl_sanity *, fl_explainer *, fl_graph *, const fl_method *, const fl_explain_options *, const fl_card_input *,
                          const real *clip, fl_arena *);

typedef struct fl_likeness { double of[FL_AGREEMENTS]; } fl_likeness;      /* in the order of fl_agreement_table */

/* The map of a clip (NULL: the same clip) as the network is now, T,H,W, in the arena. probability of the class; may be NULL. */
fl_status fl_sanity_map(const fl_sanity *, const real *clip, real **map, double *probability);
fl_likeness fl_sanity_alike(const fl_sanity *, const real *a, const real *b);

/* Stage i of 0 .. stages-1: layers up to the i-th part of all forget (cascading), or that part alone does. likeness[i]: to the clip's map,
 * mean over draws of the forgotten values. The weights come back at the end. stages is at most the number of layers. */
fl_status fl_sanity_weights(const fl_sanity *, const fl_weight_layers *, bool cascading, int stages, int draws, uint64_t seed,
                            fl_likeness *likeness);
/* The last layer of a stage: for names. */
int fl_sanity_stage_end(int stage, int stages, int layers);

typedef struct fl_temporal {
    const char *name;                    /* reversed, shuffled, frozen */
    double probability;                  /* of the class */
    fl_likeness to_map, followed;        /* its map, to the clip's; and with its frames put back where they come from */
    real *importance;                    /* of its frames */
} fl_temporal;
enum { FL_TEMPORAL = 3 };

/* alone: T values: probability of the class when every frame is frame t. importance: T values of the clip's map. */
fl_status fl_sanity_time(const fl_sanity *, fl_temporal out[FL_TEMPORAL], double *alone, real *importance);

#endif
