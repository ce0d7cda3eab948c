/* conv_tile.c: one tile of output pixels: its taps, its blocks of lanes, and where its sums go. */
#include "tensor/conv_tiles.h"

#include <string.h>

enum { WEIGHTS_AHEAD = 64 };                   /* rows of weights that are asked for before their turn */

static int min(int a, int b) { return a < b ? a : b; }

static void expect(const fl_conv_job *j, int64_t at, int count)
{
    if (at + count <= j->out_count) fl_finish_expect(j->finish, at, count, j->out);
}

void fl_tile_put(const fl_conv_job *j, const real *sums, int rows, int keep, int end, real *out, int64_t out_row)
{
    const int whole = end == keep ? rows : rows - 1;
    const fl_finish none = {0}, *finish = j->finish ? j->finish : &none;
    const int64_t at = out - j->out;
    j->kernels->finish(finish, sums, FL_BLOCK, at, out_row, whole, keep, j->out);
    if (whole < rows && end > 0) j->kernels->finish(finish, sums + whole * FL_BLOCK, 0, at + whole * out_row, 0, 1, end, j->out);
}

/* The products of so many rows, in tiles of even size: first those of a row more. */
static void multiply(const fl_conv_job *j, const fl_tile *tile, int rows, int vectors)
{
    fl_tile t = *tile;
    const int tiles = (rows + j->tile_rows - 1) / j->tile_rows, longer = rows % tiles;
    for (int part = 0; part < 2; part++) {
        const int count = part ? tiles - longer : longer, each = rows / tiles + !part;
        if (!count) continue;
        t.repeat = count - 1;
        j->kernels->tile(&t, each, vectors);
        t.a += count * each * t.a_row;
        t.c += count * each * t.c_row;
    }
}

/* One block of lanes of a tile. t holds everything but b, start and c; it is used up.
 * next: how far from here the tile after this one writes; what it will touch is asked for now, well before. 0: there is none here, and
 * what lies behind belongs to another thread, which would have to fetch it back. */
static void tile_block(const fl_conv_job *j, fl_tile *t, int rows, int block, int last_lanes, const real *b, const real *start,
                       real *out, int64_t next)
{
    const fl_gather *g = &j->g;
    const int width = j->kernels->width, left = g->lanes - block * FL_BLOCK;
    const int lanes = left < FL_BLOCK ? left : FL_BLOCK;
    const int64_t out_row = t->c_row;
    const bool near = rows > j->tile_rows && t->run <= FL_NEAR_RUN && t->count[0] * t->count[1] * t->count[2] == 1;
    for (int lane = 0; lane < lanes;) {
        const int vectors = lanes - lane > width * (j->kernels->vectors - 1) ? j->kernels->vectors : 1;
        const int wide = vectors * width, keep = lanes - lane < wide ? lanes - lane : wide;
        const bool direct = keep == wide && last_lanes == g->lanes && !j->finish;
        real corner[FL_GROUP_ROWS * FL_BLOCK], corner_rest[FL_TILE_ROWS * FL_BLOCK];
        real *const rest = j->out_rest ? j->out_rest + (out + lane - j->out) : NULL;
        t->b = b + lane;
        t->later = near ? NULL : b + WEIGHTS_AHEAD * FL_BLOCK;
        t->start = start ? start + lane : NULL;
        t->c = direct ? out + lane : corner;
        t->c_rest = direct || !rest ? rest : corner_rest;
        t->c_row = direct ? out_row : FL_BLOCK;
        for (int p = 0; j->finish && next && p < rows; p++) expect(j, out + p * out_row + lane - j->out + next, keep);
        if (j->exact) j->kernels->exact(t, rows, vectors, g->depthwise);
        else if (g->depthwise) j->kernels->lanes(t, rows, vectors);
        else if (rows > j->tile_rows) multiply(j, t, rows, vectors);
        else j->kernels->tile(t, rows, vectors);
        if (g->depthwise) {
            t->a += wide;
            if (t->a_rest) t->a_rest += wide;
        }
        const int end = min(keep, last_lanes - block * FL_BLOCK - lane);
        if (!direct) fl_tile_put(j, corner, rows, keep, end, out + lane, out_row);
        for (int p = 0; !direct && rest && p < rows; p++) {
            const int limit = p == rows - 1 ? end : keep;
            if (limit > 0) memcpy(rest + p * out_row, corner_rest + p * FL_BLOCK, (size_t)limit * sizeof *rest);
        }
        lane += wide;
    }
    t->c = t->c_rest = NULL;
}

fl_tile fl_tile_make(const fl_conv_job *j, const fl_view *v, int first, int last, int top, int bottom)
{
    const fl_gather *g = &j->g;
    const fl_axis *ah = &g->axis[1], *aw = &g->axis[2];
    fl_tile t = {
        .a_row = (int64_t)aw->in_step * g->in.c, .a_step = 1, .b_step = FL_BLOCK, .c_row = (int64_t)aw->out_step * g->out.c,
        .run = g->channels, .count = {last - first, bottom - top, aw->taps},
        .a_jump = {v->plane, ah->tap_step * v->row, (int64_t)aw->tap_step * g->in.c},
        .ahead_step = 64 / (int64_t)sizeof(real), .later_step = FL_BLOCK,
        .in_parts = !j->exact && !g->depthwise && j->block_size > (int64_t)FL_LONGEST_SUM * FL_BLOCK
    };
    t.b_jump[2] = (int64_t)g->channels * FL_BLOCK;
    t.b_jump[1] = aw->taps * t.b_jump[2];
    t.b_jump[0] = ah->taps * t.b_jump[1];
    if (fl_gather_joined(g) || g->depthwise) {                 /* the taps along w follow one another like channels do */
        t.run = (int64_t)aw->taps * g->channels;
        t.count[2] = 1;
    }
    if (g->depthwise) t.a_step = t.a_jump[2];
    return t;
}

real *fl_tile_output(const fl_conv_job *j, const fl_band *r, int h, int q)
{
    const fl_axis *axis = j->g.axis;
    return j->out + fl_at(j->g.out, r->n, 0, r->t * axis[0].out_step + axis[0].out_first, h * axis[1].out_step + axis[1].out_first,
                          q * axis[2].out_step + axis[2].out_first);
}

int fl_tile_last_lanes(const fl_conv_job *j, int q)
{
    const fl_gather *g = &j->g;
    const int missing = q * g->together - g->axis[2].out;
    return g->together > 1 && missing > 0 ? g->lanes - missing * (g->lanes / g->together) : g->lanes;
}

const real *fl_tile_bias(const fl_conv_job *j, int b, real filled[FL_BLOCK])
{
    const fl_gather *g = &j->g;
    const int group = b / g->blocks, block = b % g->blocks, outputs = g->lanes / g->together;
    const int lanes = min(FL_BLOCK, g->lanes - block * FL_BLOCK);
    const real *bias = j->bias ? j->bias + group * outputs + (g->together > 1 ? 0 : block * FL_BLOCK) : NULL;
    if (!bias || (lanes == FL_BLOCK && g->together == 1)) return bias;
    memset(filled, 0, FL_BLOCK * sizeof *filled);
    for (int lane = 0; lane < lanes; lane++) filled[lane] = bias[g->together > 1 ? lane % outputs : lane];
    return filled;
}

void fl_conv_tile(const fl_conv_job *j, const fl_band *r, const fl_view *v, int h, int q, int rows, int first, int last, bool more)
{
    const fl_gather *g = &j->g;
    const fl_axis *ah = &g->axis[1], *aw = &g->axis[2];
    int top, bottom;
    fl_axis_inside(ah, h, &top, &bottom);
    const bool some = r->last > r->first && bottom > top && aw->taps > 0;
    fl_tile t = fl_tile_make(j, v, r->first, some ? r->last : r->first, top, bottom);
    const int64_t out_row = t.c_row;
    const int64_t ahead = r->end - r->h > 1 ? ah->in_step * v->row : rows * t.a_row;
    /* With a single tap no block has the time to ask for the whole next tile: one after the other asks for a part. */
    const int64_t part = g->axis[0].taps * ah->taps * aw->taps == 1 ? t.run / 2 * t.ahead_step : 0;
    const int64_t skipped = some ? r->first * t.b_jump[0] + top * t.b_jump[1] : 0;
    const int64_t skipped_rows = some ? (fl_tap_pixel(ah, h, top) - v->h0) * v->row : 0;
    const real *a = some ? v->start : j->in, *a_rest = some ? v->rest : j->in_rest;
    real *out = fl_tile_output(j, r, h, q);
    const int64_t down = (int64_t)ah->out_step * g->out.w * g->out.c;
    const int64_t next = r->end - h > 1 ? down : more ? rows * out_row - (r->end - 1 - r->h) * down : 0;
    const int outputs = g->lanes / g->together, last_lanes = fl_tile_last_lanes(j, q + rows);
    for (int b = first; b < last; b++) {
        const int group = b / g->blocks, block = b % g->blocks;
        real filled[FL_BLOCK];
        const int64_t from = skipped_rows + (g->depthwise ? block * FL_BLOCK : group * g->channels);
        t.c_row = out_row;
        t.ahead = ahead + (b - first) * part % (min(rows, j->tile_rows) * t.a_row);
        t.a = a + from;
        t.a_rest = a_rest ? a_rest + from : NULL;
        tile_block(j, &t, rows, block, last_lanes, j->packed + b * j->block_size + skipped, fl_tile_bias(j, b, filled),
                   out + group * outputs + block * FL_BLOCK, next);
    }
}
