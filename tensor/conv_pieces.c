/* conv_pieces.c: weights piece by piece.
 *
 * A sum of more than FL_LONGEST_SUM products is made of parts: a row of taps each, cut after every FL_LONGEST_SUM. Errors grow with the
 * root of the length, so many short sums are better than one long one. The weights of a part are used for all pixels of an item while they
 * are in the second cache; those that have to be turned are turned there. */
#include "tensor/conv_tiles.h"
#include "tensor/conv_turn.h"
#include "tensor/par.h"

#include <string.h>

enum {
    LARGE_BLOCK = 4096 * FL_BLOCK,             /* reals: more than stays in the second cache with everything else */
    PLACES = 16,                               /* columns of tiles that use a piece of weights one after the other, */
    PLACES_BYTES = 1 << 20                     /* if their strips take no more than that */
};

static int min(int a, int b) { return a < b ? a : b; }

bool fl_by_pieces(const fl_conv *c, const fl_gather *g)
{
    const int64_t run = fl_gather_joined(g) ? (int64_t)g->axis[2].taps * g->channels : g->channels;
    return !c->exact && !g->depthwise && (c->turned || run > FL_LONGEST_SUM || fl_gather_block_size(g) > LARGE_BLOCK);
}

fl_room fl_room_make(const fl_conv *c, const fl_gather *g)
{
    fl_room r = {.places = 1, .strip = fl_band_strip(g, fl_band_rows(g))};
    if (fl_by_pieces(c, g)) {
        const int64_t block = fl_gather_block_size(g), longest = (int64_t)FL_LONGEST_SUM * FL_BLOCK;
        r.sums = (int64_t)FL_BAND_ROWS * FL_TILE_ROWS * FL_BLOCK;
        r.places = (int)min(PLACES, 1 + PLACES_BYTES / (int)sizeof(real) / (r.sums + r.strip));
        r.panel = !c->turned ? 0 : block < longest ? block : longest;
    }
    r.all = r.panel + r.places * (r.sums + r.strip) + (c->exact ? r.strip : 0);
    return r;
}

typedef struct place { fl_band r; fl_view v; int q, rows; } place;        /* a column of tiles */

typedef struct piece {             /* taps t, h along t and h, or all of them (-1); products from .. from+run-1 of their runs */
    int t, h;
    int64_t from, run;
    const real *weights, *later;   /* later: as many, that come next, or NULL */
} piece;

static int64_t of_place(void) { return (int64_t)FL_BAND_ROWS * FL_TILE_ROWS * FL_BLOCK; }

static void turn_piece(const fl_conv_job *j, const fl_conv *c, const piece *w, int b, real *panel)
{
    const fl_axis *axis = j->g.axis;
    const int64_t n = j->g.channels, one = (int64_t)w->t * axis[1].taps + w->h, rows = (int64_t)axis[0].taps * axis[1].taps;
    for (int64_t row = w->t < 0 ? 0 : one; row < (w->t < 0 ? rows : one + 1); row++)
        for (int tap = 0; tap < axis[2].taps; tap++) {
            const int64_t before = w->t >= 0 && axis[2].tap_step == 1 ? tap * n : 0;        /* of this tap in the run */
            const int64_t from = w->t < 0 || w->from < before ? 0 : w->from - before;
            const int64_t to = w->t < 0 || w->from + w->run > before + n ? n : w->from + w->run - before;
            if (to <= from) continue;
            fl_gather_turn(c, &j->g, j->packed, b, row * axis[2].taps + tap, (int)from, (int)to, panel);
            panel += (to - from) * FL_BLOCK;
        }
}

/* A piece of block b's weights times what it meets, added to the sums of all places, [place][row][pixel][FL_BLOCK]. */
static void add_piece(const fl_conv_job *j, const place *places, int count, const piece *w, int b, const real *bias, real *sums)
{
    const fl_gather *g = &j->g;
    const fl_axis *ah = &g->axis[1];
    const int group = b / g->blocks, lanes = min(FL_BLOCK, g->lanes - b % g->blocks * FL_BLOCK), width = j->kernels->width;
    int tiles = 0, done = 0;
    for (int i = 0; i < count; i++) tiles += places[i].r.end - places[i].r.h;
    for (int i = 0; i < count; i++, sums += of_place()) {
        const place *p = &places[i];
        const int first = w->t < 0 ? p->r.first : w->t, last = w->t < 0 ? p->r.last : w->t + 1;
        if (first < p->r.first || last > p->r.last || first >= last) continue;
        for (int h = p->r.h; h < p->r.end; h++, done++) {
            int top, bottom;
            fl_axis_inside(ah, h, &top, &bottom);
            const bool fresh = w->t < 0 || (w->t == p->r.first && w->h == top && w->from == 0);
            if (w->t >= 0 && (w->h < top || w->h >= bottom)) continue;
            if (w->t >= 0) top = w->h, bottom = w->h + 1;
            if (bottom <= top) continue;
            fl_tile t = fl_tile_make(j, &p->v, first, last, top, bottom);
            const real *weights = w->weights;
            if (w->t < 0) weights += first * t.b_jump[0] + top * t.b_jump[1];
            else t.run = w->run;
            if (j->turned && w->t >= 0) t.b_jump[2] = w->run * FL_BLOCK;
            t.a = p->v.start + (first - p->r.first) * p->v.plane + (fl_tap_pixel(ah, h, top) - p->v.h0) * p->v.row + w->from +
                  group * g->channels;
            t.ahead = ah->in_step * p->v.row;
            t.add = !fresh;
            t.in_parts = 0;
            t.start = fresh ? bias : NULL;
            t.c_row = FL_BLOCK;
            t.later_step = FL_BLOCK * 2 / min(4, tiles);
            t.later = w->later && done < 4 ? w->later + done * (w->run / 2) * t.later_step : NULL;
            for (int lane = 0, vectors; lane < lanes; lane += vectors * width) {
                vectors = lanes - lane > width * (j->kernels->vectors - 1) ? j->kernels->vectors : 1;
                t.b = weights + lane;
                t.c = sums + (h - p->r.h) * FL_TILE_ROWS * FL_BLOCK + lane;
                j->kernels->tile(&t, p->rows, vectors);
                if (t.start) t.start += vectors * width;
                t.later = NULL;
            }
        }
    }
}

/* Block b of the outputs for all places. */
static void run_places(const fl_conv_job *j, const fl_conv *c, const place *places, int count, int b, real *panel, real *sums)
{
    const fl_gather *g = &j->g;
    const fl_axis *at = &g->axis[0], *ah = &g->axis[1], *aw = &g->axis[2];
    const int block = b % g->blocks, lanes = min(FL_BLOCK, g->lanes - block * FL_BLOCK), outputs = g->lanes / g->together;
    const bool whole = j->block_size <= (int64_t)FL_LONGEST_SUM * FL_BLOCK;
    const int64_t run = fl_gather_joined(g) ? (int64_t)aw->taps * g->channels : g->channels;
    const int64_t row = (int64_t)aw->taps * g->channels * FL_BLOCK;
    const real *weights = j->packed + b * j->block_size;
    real filled[FL_BLOCK];
    const real *bias = fl_tile_bias(j, b, filled);
    for (int64_t i = 0; i < count * of_place(); i += FL_BLOCK) {        /* where no tap is inside, it stays at that */
        if (bias) memcpy(sums + i, bias, FL_BLOCK * sizeof *sums);
        else memset(sums + i, 0, FL_BLOCK * sizeof *sums);
    }
    for (int t = 0; t < (whole ? 1 : at->taps); t++)
        for (int h = 0; h < (whole ? 1 : ah->taps); h++)
            for (int64_t from = 0; from < run; from += FL_LONGEST_SUM) {
                const int64_t left = run - from;
                piece w = {t, h, from, left < FL_LONGEST_SUM ? left : FL_LONGEST_SUM,
                           weights + (t * ah->taps + h) * row + from * FL_BLOCK, NULL};
                if (whole) w.t = w.h = -1;
                if (j->turned) turn_piece(j, c, &w, b, panel), w.weights = panel;
                else w.later = w.weights + w.run * FL_BLOCK;
                add_piece(j, places, count, &w, b, bias, sums);
                if (whole) break;
            }
    for (int i = 0; i < count; i++, sums += of_place()) {
        const place *p = &places[i];
        const int last_lanes = fl_tile_last_lanes(j, p->q + p->rows) - block * FL_BLOCK;
        for (int h = p->r.h; h < p->r.end; h++)
            fl_tile_put(j, sums + (h - p->r.h) * FL_TILE_ROWS * FL_BLOCK, p->rows, lanes, min(lanes, last_lanes),
                fl_tile_output(j, &p->r, h, p->q) + b / g->blocks * outputs + block * FL_BLOCK, (int64_t)aw->out_step * g->out.c);
    }
}

static place place_make(const fl_conv_job *j, const fl_cut *k, int64_t i, real *strip)
{
    const int count = j->g.axis[2].count, column = (int)(i % k->tiles);
    place p = {.r = fl_band_make(j, k, i / k->tiles), .q = (int)((int64_t)count * column / k->tiles)};
    p.rows = (int)((int64_t)count * (column + 1) / k->tiles) - p.q;
    p.v = fl_band_input(j, &p.r, p.q, p.rows, strip);
    return p;
}

void fl_run_pieces(const fl_conv *c, const fl_conv_job *j, const fl_cut *k, const fl_room *r, real *scratch)
{
    const fl_gather *g = &j->g;
    const int64_t all = (int64_t)g->out.n * g->axis[0].count * k->bands * k->tiles;
    int64_t most = r->places;
    while (most > 1 && !j->turned && k->all * ((all + most - 1) / most) < FL_CONV_ITEMS) most--;
    const int64_t sets = (all + most - 1) / most;
    FL_PARALLEL(item, k->all * sets, k->work) {
        const int64_t set = item % sets, from = all * set / sets, to = all * (set + 1) / sets;
        real *panel = scratch + fl_thread() * fl_apart(r->all), *sums = panel + r->panel, *strips = sums + r->places * r->sums;
        place places[PLACES] = {0};
        for (int64_t i = from; i < to; i++, strips += r->strip) places[i - from] = place_make(j, k, i, strips);
        run_places(j, c, places, (int)(to - from), (int)(item / sets), panel, sums);
    }
}
