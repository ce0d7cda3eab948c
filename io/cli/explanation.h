/* explanation.h: one clip, one network, one target, one or more methods: the maps, and the folder for them.
 *
 *     map.npy            raw and signed: C,T,H,W of an input-level method, T',H',W' of a layer-level one
 *     map_reduced.npy    T,H,W: one value per voxel, as it is drawn
 *     map_stderr.npy     T,H,W: the standard error of each voxel's value, of methods that sample
 *     sheet.png          the clip and the map as one picture
 *     animation.png      the same as a film (APNG)
 *     report.html        the page: all methods, one switch
 *     result.json        everything that is needed to run it again; written last
 *
 * With several methods the first four have the method's name and '_' in front. Every file appears whole or not at
 * all. The same command gives the same bytes in each: no date, no folder, no number of threads is in them. */
#ifndef FL_EXPLANATION_H
#define FL_EXPLANATION_H

#include "io/cli/boxes.h"
#include "io/cli/limits.h"
#include "io/cli/method_options.h"

typedef struct fl_explained {
    fl_map map;
    const real *drawn;                   /* T,H,W */
    fl_pairs settings;                   /* as used, by their names */
    int peak[3];                         /* t, y, x of the largest drawn value */
    bool hit;                            /* with boxes: the pointing game, its chance level, the energy inside */
    double chance, energy;
} fl_explained;

typedef struct fl_explanation {
    /* filled in by the caller; session ranked (fl_session_rank) */
    const fl_session *session;
    fl_method_list methods;
    fl_explain_options options;
    fl_reduction reduction;
    fl_look look;
    const fl_boxes *boxes;               /* or NULL */
    fl_limits *limits;                   /* or NULL */
    /* filled in by fl_explanation_run; owned by cli->arena */
    fl_explained *done;                  /* one per method */
    fl_result result;                    /* what pictures and page show */
    const fl_map *partial;               /* the first map that was stopped before its end, or NULL */
} fl_explanation;

fl_status fl_explanation_run(fl_cli *, fl_explanation *);                        /* shows progress, says warnings */
fl_status fl_explanation_save(fl_cli *, const fl_explanation *, const char *folder);
void fl_explanation_write(fl_json *, const fl_cli *, const fl_explanation *);   /* result.json, but for "files" */
void fl_explanation_print(const fl_explanation *, FILE *);                      /* a line per method, for people */

#endif
