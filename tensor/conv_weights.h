/* conv_weights.h: what the gradient of the weights and its copies of x and gy have in common.
 *
 * Internal to tensor/conv_weights.c and tensor/conv_panels.c. */
#ifndef FL_CONV_WEIGHTS_H
#define FL_CONV_WEIGHTS_H

#include "tensor/conv_plan.h"

typedef struct fl_weights {
    fl_conv c;                              /* collapsed */
    bool depthwise, joined;                 /* joined: the taps along w and the channels are one run of x */
    bool straight;                          /* lanes are (kw, i), rows are o; else the other way round */
    int groups, channels, outputs;          /* of a group; depthwise: one group, lanes are its channels */
    int lanes, blocks;                      /* of a group's product, in blocks of FL_BLOCK */
    int rows, pieces;                       /* its other side, in pieces of about ROWS_PER_ITEM */
    int columns;                            /* kernel columns that need a product of their own */
    int extent[3], cut[3], cuts[3];         /* of y; blocks of pixels: extent and number along t, h, w */
    const fl_kernels *kernels;
    const real *x, *gy;
    real *gw, *sums, *panels;               /* panels: per thread */
} fl_weights;

/* A block of pixels of y, cut to those whose taps kt, kh lie inside x. */
typedef struct fl_patch { int n, from[3], to[3], k[3]; } fl_patch;

static inline int fl_strip_channels(const fl_weights *j) { return j->depthwise ? FL_BLOCK : j->channels; }

/* The run under each pixel, [pixel][FL_BLOCK]: for lanes (kw, i). */
void fl_panel_of_x(const fl_weights *, const fl_patch *, int group, int block, real *to);

/* [pixel][FL_BLOCK]: for lanes o that do not fill vectors. */
void fl_panel_of_gy(const fl_weights *, const fl_patch *, int group, int block, real *to);

/* Rows of x with zeros around them, [row][width][fl_strip_channels]; FL_BLOCK zeros at the end, for whole vectors. */
void fl_strip_of_x(const fl_weights *, const fl_patch *, int first_channel, int width, real *to);

#endif
