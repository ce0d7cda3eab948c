/* winograd_tiles.h: how the tiles of a convolution are grouped, and where their numbers lie.
 *
 * Internal to tensor/winograd*.c. */
#ifndef FL_WINOGRAD_TILES_H
#define FL_WINOGRAD_TILES_H

#include "tensor/kernels.h"
#include "tensor/winograd.h"

enum {
    FL_WHOLE = 64 / (int)sizeof(real),         /* channels are rounded up to this */
    FL_TILE_BLOCKS = 2                         /* of outputs, that are multiplied before their results are transformed */
};

/* What is read in place of pixels of an array, with room behind it for whole vectors: so many zeros at least for those outside; and a copy
 * of the last one, as behind that the array ends. Takes reals from `at` on, and returns what comes after them. */
typedef struct fl_edges { const real *zeros, *last; } fl_edges;
int64_t fl_edges_count(int channels, int64_t zeros);
real   *fl_edges_make(const real *array, fl_shape, int64_t zeros, real *at, fl_edges *);

typedef struct fl_tiles {
    fl_winograd w;
    const fl_kernels *kernels;
    const real *in, *packed;
    const fl_finish *finish;
    real *out;
    int c;                                     /* channels in, rounded up but for tiles in line */
    bool line;                                 /* winograd_line.c reads and writes them */
    int wide;                                  /* channels of a row that lie side by side: all, or, to the weights, a strip's */
    int64_t strip;                             /* from one strip to the next */
    int64_t clips, across_all;                 /* taps 1: all tiles of all clips lie in one plane */
    int planes_in, planes;                     /* of a clip: read and written, in tiles */
    int64_t across, acrosses;                  /* tiles of a plane in a group, and so many times */
    int deep, deeps;                           /* planes in a group, and so many times */
    int64_t rows_in, rows, piece;              /* most rows of a group's inputs, outputs, and of a piece */
    int64_t per_item;                          /* groups one after the other in the same hands */
    bool together;                             /* by all threads */
    bool near;                                 /* weights need not be asked for */
    fl_edges edges;
    const real *bias;                          /* whole vectors */
    int64_t zero_count;                        /* of zeros, without what vectors read beyond */
    real *left, *right;                        /* [point][row][channel]: inputs, and one block of outputs after the other */
    real *turned;                              /* a panel */
    int64_t left_step, right_step, apart;      /* from point to point; from what is a thread's own to the next one's */
} fl_tiles;

/* Output tiles t .. t+planes-1 and s .. s+across-1 of a clip, from input planes from .. from+planes_in-1. Rows: [plane][tile]. */
typedef struct fl_tile_group { int64_t clip, s, across; int t, planes, from, planes_in; } fl_tile_group;

/* winograd_groups.c: from the shape and the instruction set; what holds arrays is NULL. Group number i, of clips x deeps x acrosses. */
fl_tiles      fl_tiles_make(const fl_winograd *);
fl_tile_group fl_tile_group_make(const fl_tiles *, int64_t i);

/* Reals of the weights of a point and a block. */
static inline int64_t fl_tiles_panel(const fl_winograd *w) { return (int64_t)w->taps * w->in.c * FL_BLOCK; }

/* Tiles from .. to-1 of a plane of the group's inputs, to their rows of every product's left side. */
void fl_tiles_read (const fl_tiles *, const fl_tile_group *, int plane, int64_t from, int64_t to, real *left);

/* Tiles first .. first+count-1 of the whole input, to rows of `wide` from `to` on. */
void fl_tiles_transform(const fl_tiles *, int64_t first, int64_t count, real *to);

/* A y of tiles of the output (of `out`, being read): strips of low channels, the first `high` of them with one more, `tall` apart. */
typedef struct fl_spread { const real *gy; fl_edges edges; int strips, low, high, tall; int64_t strip, step; } fl_spread;
void fl_tiles_spread(const fl_tiles *, const fl_spread *, int64_t first, int64_t count, real *to);

/* The cache lines of a group's input pixels (without taps along t), cut into points x blocks equal shares: shares first .. last-1, of one
 * point. Only to be asked for: a group that spans planes, or the end of one, is covered in part. */
typedef struct fl_tile_lines { const real *at; int64_t count; } fl_tile_lines;
fl_tile_lines fl_tiles_lines(const fl_tiles *, const fl_tile_group *, int first, int last);

/* Channels that a tile's outputs are made of: what is finished later lies where the points were, and has room for whole vectors. */
static inline int fl_made(const fl_tiles *j, int channels)
{
    return j->finish ? (channels + FL_WHOLE - 1) / FL_WHOLE * FL_WHOLE : channels;
}

/* Rows first .. last-1, `channels` outputs from `channel` on, from the products' right sides to the result. */
void fl_tiles_write(const fl_tiles *, const fl_tile_group *, int64_t first, int64_t last, int channel, int channels, real *right);

/* Whether tiles along t lie side by side with their neighbours; then the same two for them, all tiles of a group, taps 1. Vectors write
 * beyond a run, into the rows of the one that is read next, or into what left_step has over. */
bool fl_tiles_in_line(const fl_winograd *);
void fl_line_read (const fl_tiles *, const fl_tile_group *, real *left);
void fl_line_write(const fl_tiles *, const fl_tile_group *, int64_t first, int64_t last, int channel, int channels, real *right);

#endif
