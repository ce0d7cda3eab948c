/* conv_weights.h: what the gradient of the weights (conv_weights.c), its products (conv_product.c) and its copies of x and gy
 * (conv_panels.c) have in common. The gradient by tiles (winograd_weights.c) multiplies its strips with the same products. Internal to
 * these. */
#ifndef FL_CONV_WEIGHTS_H
#define FL_CONV_WEIGHTS_H

#include "tensor/conv_plan.h"

typedef struct fl_weights {
    fl_conv c;                              /* collapsed */
    bool depthwise;
    bool straight;                          /* lanes are (kw, i), rows are o; else the other way round */
    int groups, channels, outputs;          /* of a group; depthwise: one group, lanes are its channels */
    int lanes, blocks;                      /* of a group's product, in blocks of FL_BLOCK */
    int rows, pieces;                       /* its other side, in pieces of about ROWS_PER_ITEM */
    int strips, low, high;                  /* and in strips of low rows, the first `high` of them with one more */
    int columns;                            /* kernel columns that have a product of their own; 1: (kw, i) is one run of x */
    int tall, wide;                         /* reals of a pixel in a copy, whole vectors: a tile's rows; its lanes */
    int extent[3], cut[3], cuts[3];         /* of y; blocks of pixels: extent and number along t, h, w */
    int64_t pixels, patches, patch;         /* of a block at most; blocks; reals of a block's copy of gy */
    int64_t chunk;                          /* blocks at a time */
    const fl_kernels *kernels;
    const real *x, *gy;
    real *gw, *sums, *left, *panels;        /* left: copies of a chunk of gy; panels: of x, per thread */
} fl_weights;

/* A block of pixels of y, or the part of it whose taps kt, kh lie inside x. */
typedef struct fl_patch { int n, from[3], to[3]; } fl_patch;

/* What a thread works at: taps kt, kh, a block of lanes, strips first .. last-1 of the rows. */
typedef struct fl_item { int number, group, block, k[2], first, last; } fl_item;

/* Memory that will be wanted soon: the tiles ask for it, one after the other. */
typedef struct fl_soon { const real *at, *end; } fl_soon;

/* Where a product goes: room: lanes that may be written. */
typedef struct fl_target { real *c; int64_t row; int lanes, room; } fl_target;

static inline int64_t fl_patch_pixels(const fl_patch *p)
{
    return (int64_t)(p->to[0] - p->from[0]) * (p->to[1] - p->from[1]) * (p->to[2] - p->from[2]);
}

/* From rows and lanes: the rows in strips of at most a tile's, as equal as can be, first the higher ones, then those with a row less; the
 * lanes in blocks. A piece is some of the strips. */
static inline void fl_strips_cut(fl_weights *j)
{
    const int whole = 64 / (int)sizeof(real), rows = j->kernels->rows_wide, width = j->kernels->width, wide = width * j->kernels->vectors;
    j->strips = (j->rows + rows - 1) / rows;
    j->low = j->rows / j->strips, j->high = j->rows % j->strips;
    j->tall = (rows + width - 1) / width * width;
    j->wide = wide > whole ? wide : whole;
    j->blocks = (j->lanes + FL_BLOCK - 1) / FL_BLOCK;
}

static inline int fl_strip_row(const fl_weights *j, int strip) { return strip * j->low + (strip < j->high ? strip : j->high); }
static inline int fl_piece_strip(const fl_weights *j, int piece) { return (int)((int64_t)j->strips * piece / j->pieces); }

/* Pixels of x under a line of pixels of y, and of a line in a copy of x. */
static inline int fl_line_of_x(const fl_weights *j, int pixels)
{
    return (pixels - 1) * j->c.win.s[2] + (j->c.win.k[2] - 1) * j->c.win.d[2] + 1;
}

static inline int fl_line_of_panel(const fl_weights *j, int pixels)
{
    return j->straight && j->columns == 1 ? pixels : fl_line_of_x(j, pixels);
}

static inline int fl_strip_channels(const fl_weights *j) { return j->depthwise ? FL_BLOCK : j->channels; }
static inline int64_t fl_panel_count(const fl_weights *j)                      /* what a thread copies of x */
{
    const int64_t line = (int64_t)fl_line_of_panel(j, j->cut[2]) * (j->straight ? FL_BLOCK : fl_strip_channels(j));
    return (j->cut[0] * j->cut[1] * line + 2 * FL_BLOCK) / FL_BLOCK * FL_BLOCK;
}

/* A block's copy of gy: strips of its channels o, all pixels of one after all of the other, [strip][pixel][vectors]. Straight, a strip
 * is the rows of a tile, in whole vectors; turned round, its lanes. What fills up the last vector may be anything. */
void fl_strips_of_gy(const fl_weights *, const fl_patch *, int group, int piece_or_block, real *copy);

/* Where in it a strip of a group begins. */
static inline int64_t fl_strip_start(const fl_weights *j, const fl_patch *p, int group, int strip)
{
    const int64_t to_group = (int64_t)group * (j->straight ? j->strips * j->tall : j->blocks * FL_BLOCK);
    return (to_group + (int64_t)strip * (j->straight ? j->tall : j->wide)) * fl_patch_pixels(p);
}

/* The copy of x for straight products, of one block of lanes: strips [strip][line][pixel][wide], zeros outside x. A pixel is the run
 * (kw, i) under a pixel of y; with columns of their own, it is a pixel of x. */
void fl_panel_of_x(const fl_weights *, const fl_patch *, const fl_item *, real *to);

/* The other one: rows of x with zeros around them, [line][pixel][fl_strip_channels]; FL_BLOCK zeros at the end, for whole vectors. */
void fl_strip_of_x(const fl_weights *, const fl_patch *, const fl_item *, real *to);

/* Strips first .. last-1 of the rows against a block of lanes, into `to`. t: the runs, and both sides at the first row and lane; then
 * from strip to strip, and from lanes to lanes. fresh: nothing is there yet. */
void fl_strips_multiply(const fl_weights *, int first, int last, fl_tile t, int64_t left_strip, int64_t right_strip, fl_target to,
                        bool fresh, fl_soon *);

/* One block of pixels, `inside` being the part of it that counts, into what the item has summed; fresh: that is nothing yet. */
void fl_weights_add(const fl_weights *, const fl_item *, const fl_patch *whole, const fl_patch *inside, const real *gy, bool fresh,
                    fl_soon *);
void fl_weights_none(const fl_weights *, const fl_item *);                     /* there was no such block: zeros */

#endif
