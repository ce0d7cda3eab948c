/* explanation.h: one clip, one network, one target, one or more methods: the maps, and the folder for them.
 *
 *     map.npy            raw and signed: C,T,H,W of an input-level method, T',H',W' of a layer-level one
 *     map_reduced.npy    T,H,W: one value per voxel, as it is drawn
 *     map_stderr.npy     T,H,W: the standard error of each voxel's value, of methods that sample
 *     sheet.png          the clip and the map as one picture
 *     animation.png      the same as a film (APNG)
 *     report.html        the page: all methods, one switch
 *     result.json        everything that is needed to run it again (footlight rerun); written last
 *
 * With several methods (asked for, not finished) the first four have the method's name and '_' in front. Every file appears
 * whole or not at all. The same command gives the same bytes in each: no date, no folder, no number of threads is in them. */
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
    fl_bytes clip;                       /* a clip that was made here, to be saved as clip.ppm; or nothing */
    /* filled in by fl_explanation_run; owned by cli->arena */
    fl_explained *done;                  /* one per method */
    int unfinished;                      /* methods behind methods.count that were asked for too, and have no map */
    fl_result result;                    /* what pictures and page show */
    const fl_map *partial;               /* the first map that was stopped before its end, or NULL */
} fl_explanation;

/* What footlight explain and footlight demo do before the maps are made: options, network, clip, boxes. Nothing is written. */
fl_status fl_explain_open(fl_cli *, fl_explanation *, fl_session *);
fl_status fl_demo_open(fl_cli *, fl_explanation *, fl_session *);

/* Shows progress, says warnings. When a method fails, methods.count is what was finished before it, and the others are unfinished. */
fl_status fl_explanation_run(fl_cli *, fl_explanation *);
fl_status fl_explanation_show(fl_cli *, fl_explanation *);                       /* fills in result, for those that are finished */

/* FL_LIMIT when pictures or page did not fit in the memory: the others are there, and result.json tells of them. */
fl_status fl_explanation_save(fl_cli *, const fl_explanation *, const char *folder);

/* FL_USAGE when a file that will be written is one that the command reads. Before any work. */
fl_status fl_explanation_spare(fl_cli *, const fl_explanation *, const char *folder);

/* Runs and saves. After a failure what was finished is saved all the same, and a warning says so; the failure is what is returned. */
fl_status fl_explanation_make(fl_cli *, fl_explanation *, const char *folder);
void fl_explanation_write(fl_json *, const fl_cli *, const fl_explanation *);   /* result.json, but for the lists of files */
void fl_explanation_print(const fl_explanation *, FILE *);                      /* a line per method, for people */

/* A file of numbers, as it is or would be in the folder. */
typedef struct fl_map_file {
    const char *name;
    int axes;
    int64_t size[4];
    const real *values;                  /* in file order */
} fl_map_file;

enum { FL_MAP_FILES = 3 };

/* "map.npy", with the method in front where there are several; of no method (NULL) as it is. The arena's; NULL: memory. */
const char *fl_explanation_file_name(fl_cli *, const fl_explanation *, const fl_method *, const char *name);

/* The files of method i, map.npy first: how many they are, or 0 when memory ran out. Owned by cli->arena. */
int fl_explanation_files(fl_cli *, const fl_explanation *, int i, fl_map_file file[FL_MAP_FILES]);

#endif
