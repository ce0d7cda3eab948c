/* against.h: our numbers beside those of another framework, or of another build, at the same weights and the same clip.
 *
 * Theirs come as named arrays (a bundle; io reads .npz):
 *
 *     output                  what the network returns
 *     gradient                of the class's score with respect to the input
 *     activation:NODE         the value of a node, by its name here (footlight inspect MODEL lists them)
 *     gradient:NODE           the gradient of the score with respect to it
 *     input                   the clip
 *     map                     of a method: --method
 *
 * in N,C,T,H,W (axes of length 1 may be missing), or T,C,H,W where a network sees frames one by one. Instead of NAME there may be
 * NAME_value ("gradient_value", "activation_value:NODE"): evenly spaced elements of it, number i of n at floor(i * length / n) of the
 * whole in that order, or at NAME_index[i] where that is there too. */
#ifndef FL_AGAINST_H
#define FL_AGAINST_H

#include "attribution/attribution.h"

typedef struct fl_difference {
    const char *name;                    /* as in the bundle */
    fl_id node;                          /* FL_NONE: the map */
    bool signal;                         /* seen on the way down */
    const char *misfit;                  /* why it cannot be compared; else NULL */
    int64_t compared;
    double relative;                     /* |ours - theirs| / |theirs|, Euclidean */
    double cosine, ratio;                /* of the angle between the two; |ours| / |theirs| */
    int place[5];                        /* n,c,t,h,w of the largest difference */
    double ours, theirs;                 /* there */
} fl_difference;

typedef struct fl_against {
    fl_difference *item;                 /* input, nodes upwards, output, then gradients of nodes downwards, gradient of the input */
    int count;
    int unknown;                         /* arrays that are no node's */
    const char *first_unknown;
} fl_against;

/* Forward and backward of the class's score once, in the network as it is (norms not folded), with somebody looking on. The target
 * is resolved. */
fl_status fl_walk_watched(fl_explainer *, const real *clip, fl_target *, const fl_watch *);

/* map: ours, for the array "map", or NULL. Everything of the result is the arena's. */
fl_status fl_against_run(fl_explainer *, const real *clip, fl_target *, const fl_map *map, const fl_bundle *theirs,
                         fl_arena *, fl_against *);

/* The first that is off by more than the tolerance in the order in which an error spreads: values upwards (signal false), gradients
 * downwards; NULL: none. */
const fl_difference *fl_against_first(const fl_against *, bool signal, double tolerance);

#endif
