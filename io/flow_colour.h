/* flow_colour.h: flow as colours, for people: the hue says which way, the strength how far.
 *
 *     strength  m = |f| / limit, at most 1: white is rest
 *     hue       red, green, blue = 1/2 + 3/4 cos(angle - 0, 120, 240 degrees), cut to 0 .. 1:
 *               right is red, down yellow-green, left cyan, up violet
 *     colour    (1 - m) white + m hue */
#ifndef FL_FLOW_COLOUR_H
#define FL_FLOW_COLOUR_H

#include "io/buffer.h"
#include "tensor/real.h"

/* What 99 % of the vectors (u, v pairs) do not exceed, rounded up by at most a thousandth of the largest; 0: all
 * rest. */
double fl_flow_limit(const real *uv, int64_t vectors);

void fl_flow_colours(const real *uv, int64_t vectors, double limit, unsigned char *rgb);

/* A sheet of pictures: rows of frames (flows, height, width, 3; the first frame of each flow; NULL: none) and their
 * flow below, the wheel that explains the colours, and a title. number: what stands above each picture. Appends a PNG
 * file to out. */
typedef struct fl_flow_sheet {
    const char *title, *subtitle;
    int flows, height, width;
    const unsigned char *rgb;
    const real *uv;                  /* flows, height, width, 2 */
    const int *number;
    double limit;
} fl_flow_sheet;
fl_status fl_flow_sheet_png(fl_buffer *out, const fl_flow_sheet *);

#endif
