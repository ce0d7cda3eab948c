/* mask.h: masks that are found by gradient descent: what a method of that kind is, as data, and its graph.
 *
 *     parameters -> mask -> what it does to the clip -> the network -> the score
 *                      \-> terms: how large, how scattered, how rough the mask is
 *
 * All of it is one graph (graft.h). Its root is a row of numbers: what the network returns for every clip of the pass, then
 * every term of every mask; the seed at the root says how much each of them counts. One driver (drive_optimise.c) descends. */
#ifndef FL_MASK_H
#define FL_MASK_H

#include "attribution/driver.h"
#include "autograd/optimiser.h"

/* What the parameters are, and how a mask comes of them. */
typedef enum fl_mask_form {
    FL_FORM_DISCS,           /* a coarse grid per frame: smooth maximum over soft discs (the study, section 5.1) */
    FL_FORM_CELLS,           /* a coarse grid per frame, repeated and blurred (Fong & Vedaldi 2017) */
    FL_FORM_SMOOTH_CELLS,    /* a coarse grid per frame, interpolated, corners on corners (Qi 2019) */
    FL_FORM_FRAMES,          /* one number per frame, through a sigmoid (Manttari 2020) */
    FL_FORM_VALUES           /* one per value of the clip, channels apart (Wagner 2019) */
} fl_mask_form;

typedef enum fl_mask_act {   /* what a mask of 0 leaves of the clip */
    FL_ACT_BASELINE,         /* the baseline; blur: between them a pyramid of blurs, if the method wants one */
    FL_ACT_FREEZE,           /* (a mask of 1:) time stands still */
    FL_ACT_REVERSE           /* (a mask of 1:) time runs backwards */
} fl_mask_act;

typedef enum fl_mask_paths { /* how many clips a mask makes */
    FL_PATHS_NONE,           /* one, or one that keeps and one that deletes */
    FL_PATHS_DELETE,         /* clips along the way from deleted to kept: integrated descent (Qi 2019) */
    FL_PATHS_BOTH            /* two masks, each and their product deleting and inserting (Khorram 2021) */
} fl_mask_paths;

typedef enum fl_mask_term {
    FL_TERM_NONE,
    FL_TERM_AREA,            /* sorted values against a step: exactly this share may be 1 */
    FL_TERM_AREA_FRAMES,     /* the same, for every frame alone */
    FL_TERM_CORE,            /* windows that are full against windows that are empty (the study, section 5.6) */
    FL_TERM_SIZE,            /* mean of the mask, or of 1 - mask where the mask keeps */
    FL_TERM_SUM,             /* its sum */
    FL_TERM_VARIATION,       /* sum of |difference|^3 of neighbours in a frame; spread over time as well: 3-D */
    FL_TERM_VARIATION_TIME,
    FL_TERM_ROUGHNESS,       /* mean squared difference of neighbours, summed over the axes */
    FL_TERM_EDGES,           /* the same, less where the clip has an edge */
    FL_TERM_SWITCHES,        /* sum of |difference|^3 from frame to frame */
    FL_TERMS
} fl_mask_term;

typedef enum fl_mask_show { FL_SHOW_SUMMED, FL_SHOW_MASK, FL_SHOW_REST } fl_mask_show;   /* all areas, smoothed; m; 1 - m */

typedef enum fl_mask_step { FL_STEP_SGD, FL_STEP_ADAM, FL_STEP_LARGEST, FL_STEP_SEARCH } fl_mask_step;   /* LARGEST: gradient over
                                its largest value; SEARCH: Armijo's */

enum { FL_MASK_TERMS = 3 };

typedef struct fl_mask_weight {
    fl_mask_term term;
    double weight, growth;   /* weight * growth^t in iteration t; growth 0: 1 */
    int from;                /* 0 before this iteration */
} fl_mask_weight;

typedef struct fl_mask_recipe {
    fl_mask_form form;
    fl_mask_act act;
    fl_mask_paths paths;
    bool selects;            /* to delete is to delete what the mask shows; otherwise a mask of 1 keeps, and the rest is shown */
    bool pyramid, mirrors;   /* mirrored in every second iteration */
    int cells;               /* along the longer side of a frame: SMOOTH_CELLS; CELLS: pixels per cell */
    int jitter;              /* pixels, at a frame of 224 */
    double smoothing;        /* CELLS: standard deviation in pixels, at a frame of 224 */
    double start;            /* value of all parameters */
    double reward;           /* weight of the score */
    fl_mask_weight term[FL_MASK_TERMS];
    fl_mask_step step;
    fl_mask_show show;
    const fl_ruleset *rules; /* of the way down; NULL: gradients */
} fl_mask_recipe;

/* By variant of fl_drive_optimise. published: with the details of section 12 of the study's specification. */
fl_mask_recipe fl_mask_recipe_of(int variant, bool published);

/* ---- the graph ---- */

typedef struct fl_mask_value { fl_mask_term term; fl_id node; } fl_mask_value;

typedef struct fl_masks {
    fl_arena arena;                  /* its own: the graph and its plan; freed by fl_masks_free */
    fl_error error;
    fl_graph *g;
    int sets, rows, classes;         /* masks; clips of a pass; numbers that the network returns for each */
    fl_id cells;                     /* sets,c,T,h,w: the parameters */
    fl_id mask;                      /* sets,1 or C,T,H,W (FRAMES: sets,1,T,1,1): what it comes to */
    fl_id coefficient[3], offset;    /* rows,1,1,1,1: the mask of row r is offset + sum of coefficient x mask (product: third) */
    fl_id noise;                     /* rows,C,T,H,W */
    fl_id draw, how;                 /* of ties; of jitter */
    fl_id input;                     /* what the network sees */
    fl_id root;                      /* 1, rows x classes + terms x sets */
    fl_mask_value term[FL_MASK_TERMS];
    int terms;
    real *seed;
} fl_masks;

typedef struct fl_mask_plan {        /* what the driver has decided */
    const fl_mask_recipe *recipe;
    int sets, rows;
    const double *areas;             /* of each set, for terms that ask for one */
    bool published;
} fl_mask_plan;

/* Builds and plans; the parameters are 0. FL_USAGE for options that do not go with the clip, FL_MISFIT (in masks->error): the
 * network cannot have so many rows. Either way the caller frees. */
fl_status fl_masks_build(fl_masks *, const fl_run *, const fl_mask_plan *);
void      fl_masks_free(fl_masks *);

const real *fl_masks_output(const fl_masks *, int row);                /* what the network returned */
double      fl_masks_term(const fl_masks *, int term, int set);        /* without its weight */
void        fl_masks_weigh(const fl_masks *, int term, int set, double weight);       /* into the seed */
static inline int64_t fl_masks_values(const fl_masks *m, fl_id node)   /* of one set or row */
{
    return fl_shape_count(fl_graph_shape(m->g, node)) / fl_graph_shape(m->g, node).n;
}

/* ---- pieces with numbers of their own ---- */

/* The grid of discs for frames of that size: options, or by themselves a sixteenth of the longer side, and discs 1.65 steps wide. */
typedef struct fl_discs { int step, margin, rows, columns; double sigma; } fl_discs;
fl_discs fl_discs_of(fl_shape clip, int step, double sigma);

/* The core: frames x size x size, 1 inside the ellipsoid or cylinder whose axes fill it (the study, section 5.6). Where none
 * lies inside (2 x 2 pixels are all corners), all are 1. Returns how many; to may be NULL. */
int fl_core_fill(fl_core_shape, int frames, int size, real *to);

/* Score to be made small, and its gradient at y (target.h), times weight: the score itself, or -log(1 - p) for what is to be
 * deleted by its log-probability. sign: 1 to make the score small, -1 to make it large. */
double fl_mask_loss(const fl_target *, fl_end, int classes, const real *y, int sign, double weight, real *seed);

/* "0.05,0.1": up to FL_MASK_AREAS numbers in (0,1), ascending; their number, or 0 with the error set. */
enum { FL_MASK_AREAS = 16 };
int fl_areas_read(const char *text, double *areas, fl_error *);

/* sets masks in one map, T,H,W each: their sum, smoothed within frames, over its largest value (the study, section 5.8). */
fl_status fl_masks_sum(fl_shape clip, int sets, const real *masks, real *map, fl_arena *scratch);

#endif
