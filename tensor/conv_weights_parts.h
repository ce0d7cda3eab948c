/* conv_weights_parts.h: what the gradient of the weights (conv_weights.c), its products (conv_product.c) and its copies of x and gy
 * (conv_panels.c) have in common. The gradient by tiles (winograd_weights.c) multiplies its strips with the same products. Internal to
 * these. */
#ifndef FL_CONV_WEIGHTS_PARTS_H
#define FL_CONV_WEIGHTS_PARTS_H

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
    int64_t pixels, patches, patch;         /* of a block at most; blocks; reals of a block's copy of a part of gy */
    const fl_kernels *kernels;
    const real *x, *gy;
    bool in_place;                          /* gw is written at once: there is a single block of pixels; */
    real *gw, *sums;                        /* else by way of sums, of every item, [column][row][FL_BLOCK] */
    real *left, *panels;                    /* a thread's own copies of a part of gy and of x, */
    int64_t apart;                          /* and from there to the next one's */
    bool *begun;                            /* per item: something is summed */
} fl_weights;

/* A block of pixels of y, or the part of it whose taps kt, kh lie inside x. */
typedef struct fl_patch { int n, from[3], to[3]; } fl_patch;

/* What a thread works at: taps kt, kh, a block of lanes, strips first .. last-1 of the rows; part: which of gy it needs. */
typedef struct fl_item { int64_t number; int group, part, block, k[2], first, last; } fl_item;

/* Memory that will be wanted soon, which the tiles ask for one after the other: `count` lines, each `step` reals from the one before, then
 * those right behind them, and so on through all columns. */
typedef struct fl_soon { const real *at; int64_t step, count, columns, done; } fl_soon;

static inline const real *fl_soon_take(fl_soon *s, int64_t lines)
{
    if (!s->columns) return NULL;
    const real *next = s->at + s->done * s->step;
    s->done += lines;
    if (s->done >= s->count) s->done = 0, s->columns--, s->at += 64 / (int)sizeof(real);
    return next;
}

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

/* A block's copy of a part of gy: strips of its channels o, all pixels of one after all of the other, [strip][pixel][vectors]. Straight,
 * a part is a piece of the rows, and a strip the rows of a tile, in whole vectors; turned round, a block of lanes, and a tile's lanes.
 * What fills up the last vector may be anything. */
void fl_strips_of_gy(const fl_weights *, const fl_patch *, int group, int part, real *copy);

/* The copy of x for straight products, of one block of lanes: strips [strip][line][pixel][wide], zeros outside x. A pixel is the run
 * (kw, i) under a pixel of y; with columns of their own, it is a pixel of x. */
void fl_panel_of_x(const fl_weights *, const fl_patch *, const fl_item *, real *to);

/* The other one: rows of x with zeros around them, [line][pixel][fl_strip_channels]; FL_BLOCK zeros at the end, for whole vectors. */
void fl_strip_of_x(const fl_weights *, const fl_patch *, const fl_item *, real *to);

/* Strips first .. last-1 of the rows against so many lanes of a block. t: lengths and steps of the runs; a, b and c at the first strip and
 * lane. left_strip, right_strip: reals from one strip to the next, on either side. Whole vectors are written. fresh: nothing is there yet.
 * soon: two lists of memory to ask for; the second begins when the first is used up. */
void fl_strips_multiply(const fl_weights *, int first, int last, int lanes, fl_tile t, int64_t left_strip, int64_t right_strip, bool fresh,
                        fl_soon[2]);

/* One block of pixels, `inside` being the part of it that counts, into what the item has summed; fresh: that is nothing yet. */
void fl_weights_add(const fl_weights *, const fl_item *, const fl_patch *whole, const fl_patch *inside, const real *gy, bool fresh,
                    fl_soon[2]);

static inline int fl_item_lanes(const fl_weights *j, const fl_item *item)                          /* of its block */
{
    return j->lanes - item->block * FL_BLOCK < FL_BLOCK ? j->lanes - item->block * FL_BLOCK : FL_BLOCK;
}

static inline int64_t fl_of_output(const fl_weights *j)                                            /* reals of gw */
{
    return (int64_t)j->c.win.k[0] * j->c.win.k[1] * j->c.win.k[2] * j->channels;
}

/* Where an item's sums of a kernel column go in the end. */
static inline real *fl_item_result(const fl_weights *j, const fl_item *item, int column)
{
    const int *k = j->c.win.k, lane = item->block * FL_BLOCK, row = fl_strip_row(j, item->first);
    const int64_t o = item->group * j->outputs + (j->straight ? row : lane), i = j->straight ? lane : row;
    return j->gw + (((o * k[0] + item->k[0]) * k[1] + item->k[1]) * k[2] + column) * j->channels + i;
}

/* And where they are made: at most so many rows, so far from one to the next. */
static inline int fl_item_rows(const fl_weights *j) { return (j->strips + j->pieces - 1) / j->pieces * (j->low + (j->high > 0)); }
static inline int64_t fl_sums_row(const fl_weights *j) { return j->in_place ? fl_of_output(j) : FL_BLOCK; }
static inline real *fl_item_sums(const fl_weights *j, const fl_item *item, int column)
{
    if (j->in_place) return fl_item_result(j, item, column);
    return j->sums + (item->number * j->columns + column) * fl_item_rows(j) * FL_BLOCK;
}

#endif
