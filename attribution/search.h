/* search.h: one search for masks, as its files share it: drive_optimise.c, search_step.c, search_line.c, search_frames.c. */
#ifndef FL_SEARCH_H
#define FL_SEARCH_H

#include "attribution/explainer.h"
#include "attribution/mask.h"

enum { FL_STREAM_JITTER = 0x4d000000 };

typedef struct fl_search {
    fl_run *r;
    const fl_explain_options *o;     /* the run's */
    fl_mask_recipe q;                /* with the options' weights */
    fl_masks m;                      /* of the areas at hand */
    int sets, first, width, rows;    /* masks in all; the first at hand, and how many; clips of a pass */
    double areas[FL_MASK_AREAS];
    bool ties_by_place;

    int t;                           /* iterations done */
    bool ended;                      /* before the last one: there was nowhere to go */
    double weight[FL_MASK_TERMS];    /* now */
    fl_optimiser optimiser;
    int64_t count;                   /* parameters at hand */
    real *parameters;                /* as they are after an iteration */
    real *moment[2];
    real *zero;                      /* a clip of zeros, for noise alone */
    double energy;                   /* of the last pass */

    double *sum;                     /* line search: the gradient, taken at `parameters` */
    double first_loss;

    int64_t voxels;                  /* of the map */
    real *found;                     /* sets x voxels: masks as they are now */
} fl_search;

fl_status fl_search_iterate(fl_search *, bool *more);                   /* counts t; more: false when there is nowhere to go */
void      fl_search_set_row(fl_search *, int row);
fl_status fl_search_pass(fl_search *, int rows);                        /* of the masks' graph; r->told_to_stop is no failure */
double    fl_search_terms(fl_search *);                                 /* after it: weighted terms, and their seeds */
double    fl_search_loss(fl_search *, int row, int sign, double weight);     /* weighted; and its seed */
void      fl_search_noise(fl_search *, int row, uint64_t number);
void      fl_search_clamp(const fl_search *);
void      fl_search_keep_masks(fl_search *);

/* search_line.c: integrated descent with Armijo's line search. */
int       fl_search_width(const fl_search *);                           /* rows of a pass */
int       fl_search_most(const fl_search *);                            /* clips of an iteration, at most */
fl_status fl_search_along(fl_search *, bool *more);

/* search_frames.c: where a mask over frames begins. */
fl_status fl_search_begin_frames(fl_search *);

#endif
