/* flow_parts.h: the pieces of TV-L1 behind flow.h, for flow*.c only.
 *
 * A padded plane has one row and column more on every side of its H x W pixels, so that no loop asks where the border
 * is: p is 0 before the first pixel (div p takes nothing from there), u after the last one repeats it (grad u is 0
 * there). */
#ifndef FL_FLOW_PARTS_H
#define FL_FLOW_PARTS_H

#include "tensor/flow.h"

typedef struct fl_flow_level {
    int height, width;
    int64_t pitch;               /* from one row of a padded plane to the next: width + 2 */
    real *u[2];                  /* padded: u and v */
    real *p[2][2];               /* padded: dual of u[k], component along x, along y */
    real *g[2];                  /* padded: gradient of frame 1 where the flow led at the last warp; 0: no data */
    real *inverse;               /* padded: 1 / |g|^2, or a huge number where that is 0 */
    real *rest;                  /* padded: r(u) = rest + g . u */
    real *k;                     /* one row: see threshold in flow_round.c */
    real *change;                /* one per column: sum of squared changes of this round */
    real *image;                 /* H,W,3: frame 1 and its gradient along x and y, to be read at a warp */
    real *row;                   /* scratch of the median: fl_flow_median_scratch(width) */
} fl_flow_level;

/* Position of pixel (y, x) in a padded plane. */
static inline int64_t fl_flow_at(const fl_flow_level *l, int y, int x) { return (y + 1) * l->pitch + x + 1; }

/* One round: d, u, p for all pixels; returns the mean square change of (u, v) in pixels^2. */
double fl_flow_round(const fl_flow_level *, const fl_flow_params *);

/* Copies the last column and row of u into the border behind them. */
void fl_flow_close(const fl_flow_level *, real *plane);

/* image from frame 1 (H,W); then g, inverse and rest for the present u, and frame 0. */
void fl_flow_image(const fl_flow_level *, const real *frame1);
void fl_flow_warp(const fl_flow_level *, const real *frame0);

/* plane = its median over size x size pixels, borders repeated; size 3 or 5. */
void fl_flow_median(const fl_flow_level *, real *plane, int size);
int64_t fl_flow_median_scratch(int width);       /* reals */

#endif
