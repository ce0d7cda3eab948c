/* winograd_weights.c: the gradient of the weights by tiles.
 *
 *     gw = G^T [ sum over tiles of (A gy A^T) . (B^T x B) ] G          for every tap along t, or once where tiles lie along t
 *
 * The transpose of winograd.h's formula: a quarter of the multiplications of the definition with tiles of 4 x 4. Of some tiles at a time x
 * and gy are transformed, into strips as wide as a kernel's tile is (conv_weights_parts.h); of x all tiles of a clip, where taps along t
 * meet several planes. Then an item, some rows o x a block of lanes i x a tap along t, sums every point's product over these tiles, in
 * parts of PART_TILES that are added in order, and adds what the points make to the weights. Order and cuts follow from the shape alone. */
#include "tensor/conv_weights_parts.h"
#include "tensor/par.h"
#include "tensor/winograd_tiles.h"

#include <string.h>

enum { CHUNK_TILES = 1024, BLOCK_TILES = 256, PART_TILES = 32, ROWS_PER_ITEM = 48, TILES_PER_ITEM = 16 };

typedef struct job {
    fl_tiles x;                       /* the tiles of x: `left` is [point][strip][tile][wide] */
    fl_spread gy;                     /* those of gy: [point][strip][tile][tall] */
    fl_weights strips;                /* rows o, lanes i, as of a convolution of one tap */
    real *spread, *sums, *gw;         /* gy's tiles; of each thread: [point][row][FL_BLOCK] */
    int64_t tiles_in, tiles;          /* of a clip */
    int64_t here_in, here;            /* of these, in memory at a time, at most */
    int64_t from, to;                 /* those of gy that are */
    int64_t sums_step;                /* from point to point; one thread's are as many as there are points */
    int rows;                         /* of an item, at most */
} job;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

static job job_make(const fl_winograd *w)
{
    const fl_kernels *kernels = fl_kernels_now();
    job j = {.x = {.w = *w, .kernels = kernels, .planes_in = w->in.t, .planes = w->out.t}};
    fl_weights *s = &j.strips;
    *s = (fl_weights){.kernels = kernels, .straight = true, .rows = w->out.c, .lanes = w->in.c};
    fl_strips_cut(s);
    s->pieces = (int)ceil_div(s->rows, ROWS_PER_ITEM);
    const int64_t plane = (int64_t)w->tiles[1] * w->tiles[2];
    j.tiles_in = plane * (w->taps > 1 ? w->in.t : w->tiles[0]);
    j.tiles = plane * (w->taps > 1 ? w->out.t : w->tiles[0]);
    j.here = j.tiles < CHUNK_TILES ? j.tiles : ceil_div(j.tiles, ceil_div(j.tiles, CHUNK_TILES));
    j.here_in = w->taps > 1 ? j.tiles_in : j.here;
    /* One cache line more than needed, from strip to strip: no two fall into the same sets. */
    j.x.wide = s->wide, j.x.strip = j.here_in * s->wide + FL_WHOLE, j.x.left_step = ceil_div(s->lanes, s->wide) * j.x.strip;
    j.gy = (fl_spread){.strips = s->strips, .low = s->low, .high = s->high, .tall = s->tall};
    j.gy.strip = ceil_div(j.here * s->tall, FL_WHOLE) * FL_WHOLE + FL_WHOLE;
    j.gy.step = j.gy.strips * j.gy.strip;
    for (int piece = 0; piece < s->pieces; piece++)
        j.rows = max(j.rows, fl_strip_row(s, fl_piece_strip(s, piece + 1)) - fl_strip_row(s, fl_piece_strip(s, piece)));
    j.sums_step = j.rows * FL_BLOCK + FL_WHOLE;
    return j;
}

size_t fl_winograd_weights_scratch(const fl_winograd *w)
{
    const job j = job_make(w);
    const int64_t edges = fl_edges_count(w->in.c, 0) + fl_edges_count(w->out.c, 0);
    return (size_t)(edges + w->points * (j.x.left_step + j.gy.step) + fl_apart(j.sums_step * w->points) * fl_threads()) * sizeof(real);
}

/* The tiles from .. to-1 of gy, and those of x, all of the clip before the first of gy where taps need them. */
static void transform(const job *j, int64_t clip)
{
    const bool whole = j->x.w.taps > 1;
    const int64_t from_in = whole ? 0 : j->from, all_in = whole ? (j->from ? 0 : j->tiles_in) : j->to - j->from, all = j->to - j->from;
    const int64_t of_x = ceil_div(all_in, TILES_PER_ITEM), of_gy = ceil_div(all, TILES_PER_ITEM);
    const double work = 16.0 * j->x.w.points * ((double)all_in * j->strips.lanes + (double)all * j->strips.rows);
    FL_PARALLEL(item, of_x + of_gy, work) {
        const int64_t first = (item < of_x ? item : item - of_x) * TILES_PER_ITEM, left = (item < of_x ? all_in : all) - first;
        const int64_t count = min(TILES_PER_ITEM, (int)left);
        if (item < of_x) fl_tiles_transform(&j->x, clip * j->tiles_in + from_in + first, count, j->x.left + first * j->strips.wide);
        else fl_tiles_spread(&j->x, &j->gy, clip * j->tiles + j->from + first, count, j->spread + first * j->strips.tall);
    }
}

/* Those of gy in memory that tap kt meets, first .. last-1, counted from the first of them, and how much further those of x are. */
static int64_t tiles_met(const job *j, int kt, int64_t *first, int64_t *last)
{
    const fl_winograd *w = &j->x.w;
    const int64_t plane = (int64_t)w->tiles[1] * w->tiles[2];
    const int shift = w->taps > 1 ? kt - w->lo[0] : 0, begin = max(0, -shift), end = max(begin, min(w->out.t, w->in.t - shift));
    *first = 0, *last = j->to - j->from;
    if (w->taps == 1) return 0;
    if (begin * plane > j->from) *first = begin * plane - j->from;
    if (end * plane < j->to) *last = end * plane - j->from;
    if (*last < *first) *last = *first;
    return j->from + shift * plane;
}

static void run_item(const job *j, int64_t item, bool add)
{
    const fl_winograd *w = &j->x.w;
    const fl_weights *s = &j->strips;
    const int piece = (int)(item % s->pieces), block = (int)(item / s->pieces % s->blocks), kt = (int)(item / s->pieces / s->blocks);
    const int first = fl_piece_strip(s, piece), last = fl_piece_strip(s, piece + 1);
    const int row = fl_strip_row(s, first), rows = fl_strip_row(s, last) - row;
    const int lanes = min(FL_BLOCK, s->lanes - block * FL_BLOCK), taps = w->k[0] * w->k[1] * w->k[2];
    real *sums = j->sums + fl_thread() * fl_apart(j->sums_step * w->points);
    int64_t from, to;
    const int64_t further = tiles_met(j, kt, &from, &to);
    fl_tile t = {.c_row = FL_BLOCK, .a_row = 1, .a_step = s->tall, .b_step = s->wide, .count = {1, 1, 1},
                 .a_jump[1] = PART_TILES * s->tall, .b_jump[1] = PART_TILES * s->wide};
    if (from == to) memset(sums, 0, (size_t)(j->sums_step * w->points) * sizeof *sums);
    for (int p = 0; p < w->points; p++) {
        t.c = sums + p * j->sums_step;
        const real *left = j->spread + p * j->gy.step + first * j->gy.strip;
        const real *right = j->x.left + p * j->x.left_step + (int64_t)block * (FL_BLOCK / s->wide) * j->x.strip;
        for (int64_t tile = from, n; tile < to; tile += n) {
            const int64_t parts = min(BLOCK_TILES, (int)(to - tile)) / PART_TILES;
            n = parts ? parts * PART_TILES : to - tile;                        /* what makes no whole part comes last */
            t.run = parts ? PART_TILES : n, t.count[1] = parts ? parts : 1, t.in_parts = parts > 1;
            t.a = left + tile * s->tall;
            t.b = right + (tile + further) * s->wide;
            fl_soon soon[2] = {{t.b + n * s->wide, FL_WHOLE, n * s->wide / FL_WHOLE, 1, 0}};
            fl_strips_multiply(s, first, last, lanes, t, j->gy.strip, j->x.strip, tile == from, soon);
        }
    }
    for (int r = 0; r < rows; r++) {
        real *gw = j->gw + ((int64_t)(row + r) * taps + (int64_t)kt * (w->taps > 1 ? w->k[1] * w->k[2] : 0)) * s->lanes + block * FL_BLOCK;
        s->kernels->transforms->weight(w->m, sums + r * FL_BLOCK, j->sums_step, lanes, add, gw, s->lanes);
    }
}

void fl_winograd_weights(const fl_winograd *w, const real *x, const real *gy, real *gw, void *scratch)
{
    job j = job_make(w);
    j.x.in = x, j.gy.gy = gy, j.gw = gw;
    real *at = fl_edges_make(x, w->in, 0, scratch, &j.x.edges);
    j.x.left = fl_edges_make(gy, w->out, 0, at, &j.gy.edges);
    j.spread = j.x.left + j.x.left_step * w->points;
    j.sums = j.spread + j.gy.step * w->points;
    const int64_t items = (int64_t)j.strips.pieces * j.strips.blocks * w->taps;
    const double work = 2.0 * w->points * w->taps * (double)j.strips.lanes * j.strips.rows;             /* of a tile */
    for (int clip = 0; clip < w->in.n; clip++)
        for (j.from = 0; j.from < j.tiles; j.from = j.to) {
            j.to = j.from + j.here < j.tiles ? j.from + j.here : j.tiles;
            transform(&j, clip);
            FL_PARALLEL(item, items, work * (double)(j.to - j.from)) run_item(&j, item, clip > 0 || j.from > 0);
        }
}
