/* canvas.h: a picture in memory and the few things that are drawn on it. Everything is clipped at its edges. */
#ifndef FL_CANVAS_H
#define FL_CANVAS_H

#include "tensor/arena.h"

typedef struct fl_ink { unsigned char r, g, b; } fl_ink;

typedef struct fl_canvas {
    int width, height;
    unsigned char *rgb;          /* height, width, 3; owned by the arena; NULL when memory ran out */
} fl_canvas;

/* Filled with one colour. Drawing on a canvas without memory does nothing. FL_USAGE (in the arena's error) for a side
 * below 1 or a picture that no PNG encoder of ours could take. */
fl_canvas fl_canvas_new(fl_arena *, int width, int height, fl_ink paper);

void fl_canvas_dot(fl_canvas *, int x, int y, fl_ink);
void fl_canvas_fill(fl_canvas *, int x, int y, int width, int height, fl_ink);
void fl_canvas_frame(fl_canvas *, int x, int y, int width, int height, int thick, fl_ink);   /* its border only */

/* A picture of height x width x 3 with its upper left corner at x, y. zoom > 1: every pixel becomes zoom x zoom
 * (nearest neighbour); zoom < -1: every -zoom x -zoom block becomes its mean; 1: as it is. */
void fl_canvas_image(fl_canvas *, int x, int y, const unsigned char *rgb, int width, int height, int zoom);

/* How many pixels a side has after zoom; at least 1. */
int fl_zoomed(int side, int zoom);

#endif
