/* conv_tiles.h: how a convolution's phase is cut into bands, columns and tiles, and the pieces that conv.c, conv_strip.c, conv_tile.c and
 * conv_pieces.c hand to each other.
 *
 * Internal to tensor/conv*.c. */
#ifndef FL_CONV_TILES_H
#define FL_CONV_TILES_H

#include "tensor/conv_plan.h"

enum {
    FL_LONGEST_SUM = 2048,                     /* products in one running sum */
    FL_BAND_ROWS = 8,                          /* output rows that share a strip */
    FL_GROUP_ROWS = 64,                        /* no group of tiles has more rows */
    FL_CONV_ITEMS = 32                         /* about so many, if there is work for them */
};

typedef struct fl_conv_job {                   /* one phase of one call */
    fl_gather g;
    const fl_kernels *kernels;
    const real *in, *packed, *bias;
    const fl_finish *finish;
    real *out;
    bool exact, turned;
    const real *in_rest;                       /* exact: remainders of in and out, or NULL */
    real *out_rest;
    int tile_rows, group;                      /* rows of a tile; tiles of a row that are gone through in one go */
    int64_t block_size, strip;                 /* reals of a packed block; of a strip, of which the remainders have another */
    int64_t out_count;
} fl_conv_job;

typedef struct fl_band {                       /* of output rows in one plane */
    int n, t, h, end;                          /* positions of phase: clip, plane, rows h .. end-1 */
    int first, last;                           /* taps along t that lie inside */
} fl_band;

typedef struct fl_view {                       /* where a column of tiles finds its input */
    const real *start, *rest;                  /* first tap of its first pixel, tap plane band.first, row h0; its remainder or NULL */
    int64_t row, plane;                        /* steps from row to row, and from tap to tap along t */
    int h0;
} fl_view;

/* How a phase is cut into items: heaps of bands x segments of a row x sheets of blocks. An item's weights stay in
 * cache, and items are few: where one ends and another begins, two cores fetch from each other what they write. */
typedef struct fl_cut {
    int all, blocks, sheets;                   /* packed blocks, and in a sheet */
    int tiles, per_segment, segments;          /* of a row */
    int bands;                                 /* of a plane */
    int64_t heap, heaps;                       /* bands in a heap */
    double work;                               /* of the whole phase */
} fl_cut;

/* A thread's memory in reals: a piece of turned weights, sums and strips of so many places. */
typedef struct fl_room { int places; int64_t panel, sums, strip, all; } fl_room;

static inline int fl_tap_pixel(const fl_axis *a, int position, int tap)
{
    return position * a->in_step + a->offset + tap * a->tap_step;
}

/* The taps along w are one run. */
static inline bool fl_gather_joined(const fl_gather *g) { return g->groups == 1 && g->axis[2].tap_step == 1; }

/* So few products make a number that a tile is soon done: its call takes as long as a part of it. Not with groups of channels: their
 * strips hold all channels, whose rows would be few if they were as long as a group of tiles. */
static inline bool fl_gather_short(const fl_gather *g)
{
    enum { SHORT = 512 };
    return g->groups == 1 && !g->depthwise && (int64_t)g->axis[0].taps * g->axis[1].taps * g->axis[2].taps * g->channels <= SHORT;
}

/* conv_strip.c: a band, and what it reads. */
fl_band fl_band_make(const fl_conv_job *, const fl_cut *, int64_t i);                /* band number i of a phase */
int     fl_band_rows (const fl_gather *);
int64_t fl_band_strip(const fl_gather *, int rows);                                  /* reals; 0: no tile touches an edge */
/* Of output pixels q .. q+rows-1 of its rows. */
fl_view fl_band_input(const fl_conv_job *, const fl_band *, int q, int rows, real *strip);

/* conv_tile.c */
/* The steps of tiles of a phase, and the runs under taps first .. last-1 along t and top .. bottom-1 along h. */
fl_tile fl_tile_make(const fl_conv_job *, const fl_view *, int first, int last, int top, int bottom);
real   *fl_tile_output(const fl_conv_job *, const fl_band *, int h, int q);
/* Of a row of pixels that ends before pixel q: fewer, where pixels are computed together and the last ones are beyond the edge. */
int     fl_tile_last_lanes(const fl_conv_job *, int q);
/* What the sums of packed block b (counted over all groups) begin with, in whole vectors, or NULL. */
const real *fl_tile_bias(const fl_conv_job *, int b, real filled[FL_BLOCK]);
/* Rows of sums to their places, `keep` lanes of each, `end` of the last, which may be shorter. */
void fl_tile_put(const fl_conv_job *, const real *sums, int rows, int keep, int end, real *out, int64_t out_row);
/* Output pixels q .. q+rows-1 of row h (a tile, or a group of them), lanes of the packed blocks first .. last-1 (counted over all groups).
 * more: tiles follow in this band. */
void fl_conv_tile(const fl_conv_job *, const fl_band *, const fl_view *, int h, int q, int rows, int first, int last, bool more);

/* conv_pieces.c: where a block's weights are large or have to be turned, products go piece by piece through them. */
bool    fl_by_pieces(const fl_conv *, const fl_gather *);
fl_room fl_room_make(const fl_conv *, const fl_gather *);
void    fl_run_pieces(const fl_conv *, const fl_conv_job *, const fl_cut *, const fl_room *, real *scratch);

#endif
