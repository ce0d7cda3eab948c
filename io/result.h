/* result.h: everything that one explanation shows: the clip as the network saw it, what the network said, one map
 * per method, and where the numbers come from. Sheet, film and report read it; nothing in it is owned.
 *
 * Texts are UTF-8 from anywhere (file names, labels): whoever writes them out escapes them. NULL texts and empty
 * lists are left out. A double that is not known is NAN. */
#ifndef FL_RESULT_H
#define FL_RESULT_H

#include "io/colour.h"

typedef struct fl_pair { const char *key, *value; } fl_pair;

typedef struct fl_pairs {
    const fl_pair *item;
    int count;
} fl_pairs;

typedef struct fl_texts {
    const char *const *item;
    int count;
} fl_texts;

typedef struct fl_prediction {
    int index;                   /* of the class */
    const char *label;           /* NULL: "class INDEX" */
    double logit, probability;
} fl_prediction;

/* A place in a frame, in pixels of that frame: columns x0 to x1, rows y0 to y1, both ends inside. x1 < x0: none. */
typedef struct fl_frame_box { double x0, y0, x1, y1; } fl_frame_box;

/* What a method promises about the sum of its map, and how well it kept it. */
typedef struct fl_law_result {
    const char *name;            /* "complete", "conserves", "sums to one"; NULL: the method promises nothing */
    const char *formula;         /* "sum of the map = score(clip) - score(baseline)" */
    double sum, wanted;          /* left and right side */
    double residual;             /* relative, as the method's test measures it */
    double absorbed;             /* what biases and stabilisers kept; 0 or NAN: nothing was, or nothing is shared */
} fl_law_result;

/* A curve that belongs to a map: deletion, insertion, convergence. */
typedef struct fl_curve {
    const char *title, *x_name, *y_name;
    int count;
    const double *x, *y;         /* x rising */
    double area;                 /* below the curve; NAN: not shown */
} fl_curve;

typedef struct fl_method_map {
    const char *name;            /* as on the command line: "integrated_gradients" */
    const char *title;           /* as in a sentence; NULL: name */
    const char *citation;
    const char *note;            /* one or two sentences: what a value of this map means; may be NULL */
    const real *map;             /* frames, height, width: signed, reduced over channels, at frame resolution */
    const real *per_frame;       /* importance of each frame, or NULL: the sum of |map| over the frame */
    fl_pairs options;
    fl_law_result law;
    const fl_curve *curve;
    int curve_count;
    fl_texts warnings;
} fl_method_map;

typedef struct fl_result {
    const char *clip, *model;
    int frames, height, width;
    const unsigned char *rgb;    /* frames, height, width, 3: what the network saw */
    const int *frame_index;      /* of each frame in the source clip, or NULL: 0, 1, 2, ... */
    double frames_per_second;    /* at which the film plays; 0 or NAN: 8 */
    const fl_frame_box *box;     /* per frame, or NULL */
    const char *box_name;        /* "annotated" */

    int target;                  /* class index */
    const char *target_label;    /* NULL: "class INDEX" */
    double target_logit, target_probability;
    const fl_prediction *top;    /* best first */
    int top_count;

    const fl_method_map *method;
    int method_count;

    fl_look look;                /* how pictures are drawn, and how the page opens */
    fl_pairs provenance;         /* sha256 of weights and input, seed, precision, version, command line */
    fl_texts warnings;           /* zero map, tiny confidence, saturated softmax ... */
} fl_result;

/* FL_USAGE when a size is below 1, no method is given, or a pointer that must be there is missing. */
fl_status fl_result_check(const fl_result *, fl_error *);

int fl_result_index(const fl_result *, int frame);               /* of the frame in the source clip */
bool fl_result_box(const fl_result *, int frame, int box[4]);    /* x0 y0 x1 y1 inside the frame; false: none */
double fl_result_rate(const fl_result *);                        /* frames per second: 1 to 50, 8 when not known */
const char *fl_method_title(const fl_method_map *);

/* frames values: per_frame where it is given, else sums of |map| (values that are not finite count as 0). Owned by
 * the arena; NULL when memory ran out. */
double *fl_method_importance(const fl_result *, const fl_method_map *, fl_arena *);

#endif
