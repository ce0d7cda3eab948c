/* conv.c: forward and to-input: each tile of output pixels gathers its taps; nothing is unrolled into memory.
 *
 * Along t and h, taps outside the array are skipped. Along w, tiles that touch an edge read from a small copy of
 * the rows of their band, with true zeros around it (the strip); all other tiles read the array itself. */
#include "tensor/conv_plan.h"
#include "tensor/conv_scatter.h"
#include "tensor/conv_turn.h"
#include "tensor/par.h"
#include "tensor/winograd.h"

#include <string.h>

enum {
    WEIGHTS_PER_ITEM = 256 << 10,              /* bytes: an item goes through its weights again and again, from L2 */
    STRIP_BYTES = 384 << 10,                   /* as far as one row allows */
    BAND_ROWS = 8,                             /* output rows that share a strip */
    LONGEST_SUM = 2048,                        /* products in one running sum */
    LARGE_BLOCK = 4096 * FL_BLOCK,             /* reals: more than stays in the second cache with everything else */
    PLACES = 16,                               /* columns of tiles that use a piece of long sums' weights one after the other, */
    PLACES_BYTES = 1 << 20,                    /* if their strips take no more than that */
    WEIGHTS_AHEAD = 64,                        /* rows of weights that are asked for before their turn */
    ITEMS = 32,                                /* about so many, if there is work for them */
    PAGE = 4096, CROWDED_ROWS = 10             /* bytes in one way of a first cache, and fewer rows than it has ways */
};
static const double LEAST_WORK = 1e6;          /* of an item, multiply-adds times two: about 10 microseconds */

typedef struct job {                           /* one phase of one call */
    fl_gather g;
    const fl_kernels *kernels;
    const real *in, *packed, *bias;
    const fl_finish *finish;
    real *out;
    bool exact, turned;
    const real *in_rest;                       /* exact: remainders of in and out, or NULL */
    real *out_rest;
    int tile_rows;
    int64_t block_size, strip;                 /* reals of a packed block; of a strip, of which the remainders have another */
    int64_t out_count;
} job;

typedef struct band {                          /* of output rows in one plane */
    int n, t, h, end;                          /* positions of phase: clip, plane, rows h .. end-1 */
    int first, last;                           /* taps along t that lie inside */
} band;

typedef struct view {                          /* where a column of tiles finds its input */
    const real *start, *rest;                  /* first tap of its first pixel, tap plane band.first, row h0; its remainder or NULL */
    int64_t row, plane;                        /* steps from row to row, and from tap to tap along t */
    int h0;
} view;

static int min(int a, int b) { return a < b ? a : b; }

static int tap_pixel(const fl_axis *a, int position, int tap)
{
    return position * a->in_step + a->offset + tap * a->tap_step;
}

static int64_t strip_width(const fl_axis *w, int pixels)
{
    return (int64_t)(pixels - 1) * w->in_step + (int64_t)(w->taps ? w->taps - 1 : 0) * w->tap_step + 1;
}

static int64_t strip_height(const fl_axis *h, int rows)      /* input rows under so many output rows */
{
    return (int64_t)(rows - 1) * h->in_step + (int64_t)(h->taps ? h->taps - 1 : 0) * h->tap_step + 1;
}

static int64_t strip_count(const fl_gather *g, int rows)
{
    const fl_axis *w = &g->axis[2];
    const bool inside = w->offset >= 0 && tap_pixel(w, w->count - 1, w->taps - 1) < w->in;
    if (inside && w->taps && !g->depthwise) return 0;         /* no tile touches an edge */
    const int64_t row = strip_width(w, min(FL_TILE_ROWS, w->count)) * g->in.c;
    const int64_t count = min(g->axis[0].taps, g->in.t) * strip_height(&g->axis[1], rows) * row;
    return (count + 2 * FL_BLOCK - 1) / FL_BLOCK * FL_BLOCK;  /* vectors may read a little more */
}

static int band_rows(const fl_gather *g)
{
    int rows = BAND_ROWS;
    while (rows > 1 && strip_count(g, rows) * (int64_t)sizeof(real) > STRIP_BYTES) rows--;
    return rows;
}

static bool joined(const fl_gather *g) { return g->groups == 1 && g->axis[2].tap_step == 1; }   /* the taps along w are one run */

/* Where a block's weights are large or have to be turned, products go piece by piece through them (run_pieces). */
static bool by_pieces(const fl_conv *c, const fl_gather *g)
{
    const int64_t run = joined(g) ? (int64_t)g->axis[2].taps * g->channels : g->channels;
    return !c->exact && !g->depthwise && (c->turned || run > LONGEST_SUM || fl_gather_block_size(g) > LARGE_BLOCK);
}

/* A thread's memory in reals: a piece of turned weights, sums and strips of so many places. */
typedef struct room { int places; int64_t panel, sums, strip, all; } room;

static room room_make(const fl_conv *c, const fl_gather *g)
{
    room r = {.places = 1, .strip = strip_count(g, band_rows(g))};
    if (by_pieces(c, g)) {
        const int64_t block = fl_gather_block_size(g), longest = (int64_t)LONGEST_SUM * FL_BLOCK;
        r.sums = (int64_t)BAND_ROWS * FL_TILE_ROWS * FL_BLOCK;
        r.places = (int)min(PLACES, 1 + PLACES_BYTES / (int)sizeof(real) / (r.sums + r.strip));
        r.panel = !c->turned ? 0 : block < longest ? block : longest;
    }
    r.all = r.panel + r.places * (r.sums + r.strip) + (c->exact ? r.strip : 0);
    return r;
}

size_t fl_conv_gather_scratch(const fl_conv *conv, fl_conv_pass pass)
{
    const fl_conv c = fl_conv_collapse(conv);
    int64_t most = 0;
    for (int phase = 0; phase < fl_gather_phases(&c, pass); phase++) {
        const fl_gather g = fl_gather_make(&c, pass, phase);
        const int64_t all = room_make(&c, &g).all;
        if (all > most) most = all;
    }
    return (size_t)(most * fl_threads()) * sizeof(real);
}

/* Copies `width` pixels of `in` from pixel `start` on, of every row that the band meets; zeros where there is no pixel. */
static view fill_strip(const job *j, const real *all, const band *b, int64_t start, int64_t width, real *strip)
{
    const fl_gather *g = &j->g;
    const fl_axis *h = &g->axis[1];
    const int64_t c = g->in.c, end = start + width, in = g->in.w;
    const int64_t from = start < 0 ? (end < 0 ? end : 0) : start;
    const int64_t to = end > in ? (from > in ? from : in) : end;
    int top = tap_pixel(h, b->h, 0), bottom = tap_pixel(h, b->end - 1, h->taps - 1) + 1;
    if (top < 0) top = 0;
    if (bottom > g->in.h) bottom = g->in.h;
    const view v = {strip, NULL, width * c, bottom > top ? (bottom - top) * width * c : 0, top};
    for (int t = b->first; t < b->last; t++) {
        const real *plane = all + fl_at(g->in, b->n, 0, tap_pixel(&g->axis[0], b->t, t), 0, 0);
        for (int row = top; row < bottom; row++) {
            const size_t before = (size_t)((from - start) * c), inside = (size_t)((to - from) * c);
            const size_t after = (size_t)((end - to) * c);
            memset(strip, 0, before * sizeof *strip);
            if (inside) memcpy(strip + before, plane + (row * in + from) * c, inside * sizeof *strip);
            memset(strip + before + inside, 0, after * sizeof *strip);
            strip += width * c;
        }
    }
    memset(strip, 0, FL_BLOCK * sizeof *strip);
    return v;
}

static view find_input(const job *j, const band *b, int q, int rows, real *strip)
{
    const fl_gather *g = &j->g;
    const fl_axis *w = &g->axis[2];
    const int64_t start = tap_pixel(w, q, 0), width = strip_width(w, rows);
    if (start < 0 || start + width > w->in || (g->depthwise && g->in.c % FL_BLOCK != 0)) {
        view v = fill_strip(j, j->in, b, start, width, strip);
        if (j->in_rest) v.rest = fill_strip(j, j->in_rest, b, start, width, strip + j->strip).start;
        return v;
    }
    const int64_t row = (int64_t)g->in.w * g->in.c;
    const int64_t first = fl_at(g->in, b->n, 0, tap_pixel(&g->axis[0], b->t, b->first), 0, 0) + start * g->in.c;
    return (view){j->in + first, j->in_rest ? j->in_rest + first : NULL, row, g->axis[0].tap_step * g->in.h * row, 0};
}

static void expect(const job *j, int64_t at, int count)
{
    if (at + count <= j->out_count) fl_finish_expect(j->finish, at, count, j->out);
}

/* Rows of sums to their places, `keep` lanes of each, `end` of the last, which may be shorter. */
static void put(const job *j, const real *sums, int rows, int keep, int end, real *out, int64_t out_row)
{
    const int whole = end == keep ? rows : rows - 1;
    const fl_finish none = {0}, *finish = j->finish ? j->finish : &none;
    const int64_t at = out - j->out;
    j->kernels->finish(finish, sums, FL_BLOCK, at, out_row, whole, keep, j->out);
    if (whole < rows && end > 0) j->kernels->finish(finish, sums + whole * FL_BLOCK, 0, at + whole * out_row, 0, 1, end, j->out);
}

/* One block of lanes of a tile. t holds everything but b, start and c; it is used up.
 * next: how far from here the tile after this one writes; what it will touch is asked for now, well before. 0: there is none here, and
 * what lies behind belongs to another thread, which would have to fetch it back. */
static void tile_block(const job *j, fl_tile *t, int rows, int block, int last_lanes, const real *b, const real *start,
                       real *out, int64_t next)
{
    const fl_gather *g = &j->g;
    const int width = j->kernels->width, left = g->lanes - block * FL_BLOCK;
    const int lanes = left < FL_BLOCK ? left : FL_BLOCK;
    const int64_t out_row = t->c_row;
    for (int lane = 0; lane < lanes;) {
        const int vectors = lanes - lane > width * (j->kernels->vectors - 1) ? j->kernels->vectors : 1;
        const int wide = vectors * width, keep = lanes - lane < wide ? lanes - lane : wide;
        const bool direct = keep == wide && last_lanes == g->lanes && !j->finish;
        real corner[FL_TILE_ROWS * FL_BLOCK], corner_rest[FL_TILE_ROWS * FL_BLOCK];
        real *const rest = j->out_rest ? j->out_rest + (out + lane - j->out) : NULL;
        t->b = b + lane;
        t->later = b + WEIGHTS_AHEAD * FL_BLOCK;
        t->start = start ? start + lane : NULL;
        t->c = direct ? out + lane : corner;
        t->c_rest = direct || !rest ? rest : corner_rest;
        t->c_row = direct ? out_row : FL_BLOCK;
        for (int p = 0; j->finish && next && p < rows; p++) expect(j, out + p * out_row + lane - j->out + next, keep);
        if (j->exact) j->kernels->exact(t, rows, vectors, g->depthwise);
        else (g->depthwise ? j->kernels->lanes : j->kernels->tile)(t, rows, vectors);
        if (g->depthwise) {
            t->a += wide;
            if (t->a_rest) t->a_rest += wide;
        }
        const int end = min(keep, last_lanes - block * FL_BLOCK - lane);
        if (!direct) put(j, corner, rows, keep, end, out + lane, out_row);
        for (int p = 0; !direct && rest && p < rows; p++) {
            const int limit = p == rows - 1 ? end : keep;
            if (limit > 0) memcpy(rest + p * out_row, corner_rest + p * FL_BLOCK, (size_t)limit * sizeof *rest);
        }
        lane += wide;
    }
    t->c = t->c_rest = NULL;
}

/* The steps of tiles of a phase, and the runs under taps first .. last-1 along t and top .. bottom-1 along h. */
static fl_tile tile_make(const job *j, const view *v, int first, int last, int top, int bottom)
{
    const fl_gather *g = &j->g;
    const fl_axis *ah = &g->axis[1], *aw = &g->axis[2];
    fl_tile t = {
        .a_row = (int64_t)aw->in_step * g->in.c, .a_step = 1, .b_step = FL_BLOCK, .c_row = (int64_t)aw->out_step * g->out.c,
        .run = g->channels, .count = {last - first, bottom - top, aw->taps},
        .a_jump = {v->plane, ah->tap_step * v->row, (int64_t)aw->tap_step * g->in.c},
        .ahead_step = 64 / (int64_t)sizeof(real), .later_step = FL_BLOCK,
        .in_parts = !j->exact && !g->depthwise && j->block_size > (int64_t)LONGEST_SUM * FL_BLOCK
    };
    t.b_jump[2] = (int64_t)g->channels * FL_BLOCK;
    t.b_jump[1] = aw->taps * t.b_jump[2];
    t.b_jump[0] = ah->taps * t.b_jump[1];
    if (joined(g) || g->depthwise) {                 /* the taps along w follow one another like channels do */
        t.run = (int64_t)aw->taps * g->channels;
        t.count[2] = 1;
    }
    if (g->depthwise) t.a_step = t.a_jump[2];
    return t;
}

static real *output_of(const job *j, const band *r, int h, int q)
{
    const fl_axis *axis = j->g.axis;
    return j->out + fl_at(j->g.out, r->n, 0, r->t * axis[0].out_step + axis[0].out_first, h * axis[1].out_step + axis[1].out_first,
                          q * axis[2].out_step + axis[2].out_first);
}

/* Of a row of pixels that ends before pixel q: fewer, where pixels are computed together and the last ones are beyond the edge. */
static int last_lanes_of(const job *j, int q)
{
    const fl_gather *g = &j->g;
    const int missing = q * g->together - g->axis[2].out;
    return g->together > 1 && missing > 0 ? g->lanes - missing * (g->lanes / g->together) : g->lanes;
}

/* What the sums of packed block b (counted over all groups) begin with, in whole vectors, or NULL. */
static const real *bias_of(const job *j, int b, real filled[FL_BLOCK])
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

/* Output pixels q .. q+rows-1 of row h, lanes of the packed blocks first .. last-1 (counted over all groups). more: tiles follow in
 * this band. */
static void tile(const job *j, const band *r, const view *v, int h, int q, int rows, int first, int last, bool more)
{
    const fl_gather *g = &j->g;
    const fl_axis *ah = &g->axis[1], *aw = &g->axis[2];
    int top, bottom;
    fl_axis_inside(ah, h, &top, &bottom);
    const bool some = r->last > r->first && bottom > top && aw->taps > 0;
    fl_tile t = tile_make(j, v, r->first, some ? r->last : r->first, top, bottom);
    const int64_t out_row = t.c_row;
    const int64_t ahead = r->end - r->h > 1 ? ah->in_step * v->row : rows * t.a_row;
    /* With a single tap no block has the time to ask for the whole next tile: one after the other asks for a part. */
    const int64_t part = g->axis[0].taps * ah->taps * aw->taps == 1 ? t.run / 2 * t.ahead_step : 0;
    const int64_t skipped = some ? r->first * t.b_jump[0] + top * t.b_jump[1] : 0;
    const int64_t skipped_rows = some ? (tap_pixel(ah, h, top) - v->h0) * v->row : 0;
    const real *a = some ? v->start : j->in, *a_rest = some ? v->rest : j->in_rest;
    real *out = output_of(j, r, h, q);
    const int64_t down = (int64_t)ah->out_step * g->out.w * g->out.c;
    const int64_t next = r->end - h > 1 ? down : more ? rows * out_row - (r->end - 1 - r->h) * down : 0;
    const int outputs = g->lanes / g->together, last_lanes = last_lanes_of(j, q + rows);
    for (int b = first; b < last; b++) {
        const int group = b / g->blocks, block = b % g->blocks;
        real filled[FL_BLOCK];
        const int64_t from = skipped_rows + (g->depthwise ? block * FL_BLOCK : group * g->channels);
        t.c_row = out_row;
        t.ahead = ahead + (b - first) * part % (rows * t.a_row);
        t.a = a + from;
        t.a_rest = a_rest ? a_rest + from : NULL;
        tile_block(j, &t, rows, block, last_lanes, j->packed + b * j->block_size + skipped, bias_of(j, b, filled),
                   out + group * outputs + block * FL_BLOCK, next);
    }
}

static int at_most(double wish, int64_t most) { return wish < 1 ? 1 : wish > (double)most ? (int)most : (int)wish; }
static int ceil_div(int a, int b) { return (a + b - 1) / b; }

/* How a phase is cut into items: heaps of bands x segments of a row x sheets of blocks. An item's weights stay in
 * cache, and items are few: where one ends and another begins, two cores fetch from each other what they write. */
typedef struct cut {
    int all, blocks, sheets;                   /* packed blocks, and in a sheet */
    int tiles, per_segment, segments;          /* of a row */
    int bands;                                 /* of a plane */
    int64_t heap, heaps;                       /* bands in a heap */
    double work;                               /* of the whole phase */
} cut;

static cut cut_make(const job *j)
{
    const fl_gather *g = &j->g;
    const int64_t planes = (int64_t)g->out.n * g->axis[0].count;
    const int height = g->axis[1].count, width = g->axis[2].count;
    cut c = {.all = g->groups * g->blocks};
    c.blocks = j->block_size ? at_most(WEIGHTS_PER_ITEM / ((double)j->block_size * sizeof(real)), c.all) : c.all;
    c.sheets = ceil_div(c.all, c.blocks);
    const double pixel = 2.0 * (double)(j->block_size > FL_BLOCK ? j->block_size : FL_BLOCK) * c.blocks;
    c.tiles = ceil_div(width, j->tile_rows);
    c.work = pixel * (double)(planes * height * width) * c.sheets;
    const double item = c.work / ITEMS > LEAST_WORK ? c.work / ITEMS : LEAST_WORK;
    c.per_segment = at_most(item / (pixel * j->tile_rows), c.tiles);
    c.segments = ceil_div(c.tiles, c.per_segment);
    int rows = min(band_rows(g), height);
    while (rows > 1 && planes * c.sheets * ceil_div(height, rows) < ITEMS) rows--;
    c.bands = ceil_div(height, rows);
    c.heap = c.segments > 1 ? 1 : at_most(item / (pixel * width * rows), planes * c.bands);
    c.heaps = (planes * c.bands + c.heap - 1) / c.heap;
    return c;
}

/* Band number i of a phase. */
static band band_make(const job *j, const cut *c, int64_t i)
{
    const fl_axis *at = &j->g.axis[0], *ah = &j->g.axis[1];
    const int64_t plane = i / c->bands, slice = i % c->bands;
    band b = {.n = (int)(plane / at->count), .t = (int)(plane % at->count),
              .h = (int)(ah->count * slice / c->bands), .end = (int)(ah->count * (slice + 1) / c->bands)};
    fl_axis_inside(at, b.t, &b.first, &b.last);
    return b;
}

static void run_item(const job *j, const cut *c, int64_t item, real *strip)
{
    const fl_axis *at = &j->g.axis[0], *aw = &j->g.axis[2];
    const int64_t bands = (int64_t)j->g.out.n * at->count * c->bands;
    const int sheet = (int)(item / (c->heaps * c->segments)), segment = (int)(item % c->segments);
    const int64_t heap = item / c->segments % c->heaps, from = heap * c->heap;
    const int64_t to = from + c->heap < bands ? from + c->heap : bands;
    const int first = sheet * c->blocks, last = min(c->all, first + c->blocks);
    const int last_tile = min(c->tiles, (segment + 1) * c->per_segment);
    for (int64_t i = from; i < to; i++) {
        const band b = band_make(j, c, i);
        for (int k = segment * c->per_segment; k < last_tile; k++) {                     /* tiles of even size */
            const int q = (int)((int64_t)aw->count * k / c->tiles);
            const int rows = (int)((int64_t)aw->count * (k + 1) / c->tiles) - q;
            const view v = find_input(j, &b, q, rows, strip);
            for (int h = b.h; h < b.end; h++) tile(j, &b, &v, h, q, rows, first, last, k + 1 < last_tile);
        }
    }
}

/* Pixels that are whole pages apart lie in the same few lines of the first cache: a tile has no more than fit there. */
static int tile_rows(const fl_gather *g, const fl_kernels *kernels)
{
    const int most = g->lanes <= kernels->width ? kernels->rows_one : kernels->rows_wide;
    const bool crowded = (int64_t)g->axis[2].in_step * g->in.c * (int64_t)sizeof(real) % PAGE == 0;
    return crowded ? min(most, CROWDED_ROWS) : most;
}

/* ---- weights piece by piece ----
 *
 * A sum of more than LONGEST_SUM products is made of parts: a row of taps each, cut after every LONGEST_SUM. Errors grow with the root
 * of the length, so many short sums are better than one long one. The weights of a part are used for all pixels of an item while they
 * are in the second cache; those that have to be turned are turned there. */

typedef struct place { band r; view v; int q, rows; } place;        /* a column of tiles */

typedef struct piece {             /* taps t, h along t and h, or all of them (-1); products from .. from+run-1 of their runs */
    int t, h;
    int64_t from, run;
    const real *weights, *later;   /* later: as many, that come next, or NULL */
} piece;

static int64_t of_place(void) { return (int64_t)BAND_ROWS * FL_TILE_ROWS * FL_BLOCK; }

static void turn_piece(const job *j, const fl_conv *c, const piece *w, int b, real *panel)
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
static void add_piece(const job *j, const place *places, int count, const piece *w, int b, const real *bias, real *sums)
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
            fl_tile t = tile_make(j, &p->v, first, last, top, bottom);
            const real *weights = w->weights;
            if (w->t < 0) weights += first * t.b_jump[0] + top * t.b_jump[1];
            else t.run = w->run;
            if (j->turned && w->t >= 0) t.b_jump[2] = w->run * FL_BLOCK;
            t.a = p->v.start + (first - p->r.first) * p->v.plane + (tap_pixel(ah, h, top) - p->v.h0) * p->v.row + w->from +
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
static void run_places(const job *j, const fl_conv *c, const place *places, int count, int b, real *panel, real *sums)
{
    const fl_gather *g = &j->g;
    const fl_axis *at = &g->axis[0], *ah = &g->axis[1], *aw = &g->axis[2];
    const int block = b % g->blocks, lanes = min(FL_BLOCK, g->lanes - block * FL_BLOCK), outputs = g->lanes / g->together;
    const bool whole = j->block_size <= (int64_t)LONGEST_SUM * FL_BLOCK;
    const int64_t run = joined(g) ? (int64_t)aw->taps * g->channels : g->channels, row = (int64_t)aw->taps * g->channels * FL_BLOCK;
    const real *weights = j->packed + b * j->block_size;
    real filled[FL_BLOCK];
    const real *bias = bias_of(j, b, filled);
    for (int64_t i = 0; i < count * of_place(); i += FL_BLOCK) {        /* where no tap is inside, it stays at that */
        if (bias) memcpy(sums + i, bias, FL_BLOCK * sizeof *sums);
        else memset(sums + i, 0, FL_BLOCK * sizeof *sums);
    }
    for (int t = 0; t < (whole ? 1 : at->taps); t++)
        for (int h = 0; h < (whole ? 1 : ah->taps); h++)
            for (int64_t from = 0; from < run; from += LONGEST_SUM) {
                const int64_t left = run - from;
                piece w = {t, h, from, left < LONGEST_SUM ? left : LONGEST_SUM, weights + (t * ah->taps + h) * row + from * FL_BLOCK, NULL};
                if (whole) w.t = w.h = -1;
                if (j->turned) turn_piece(j, c, &w, b, panel), w.weights = panel;
                else w.later = w.weights + w.run * FL_BLOCK;
                add_piece(j, places, count, &w, b, bias, sums);
                if (whole) break;
            }
    for (int i = 0; i < count; i++, sums += of_place()) {
        const place *p = &places[i];
        const int last_lanes = last_lanes_of(j, p->q + p->rows) - block * FL_BLOCK;
        for (int h = p->r.h; h < p->r.end; h++)
            put(j, sums + (h - p->r.h) * FL_TILE_ROWS * FL_BLOCK, p->rows, lanes, min(lanes, last_lanes),
                output_of(j, &p->r, h, p->q) + b / g->blocks * outputs + block * FL_BLOCK, (int64_t)aw->out_step * g->out.c);
    }
}

static place place_make(const job *j, const cut *k, int64_t i, real *strip)
{
    const int count = j->g.axis[2].count, column = (int)(i % k->tiles);
    place p = {.r = band_make(j, k, i / k->tiles), .q = (int)((int64_t)count * column / k->tiles)};
    p.rows = (int)((int64_t)count * (column + 1) / k->tiles) - p.q;
    p.v = find_input(j, &p.r, p.q, p.rows, strip);
    return p;
}

static void run_pieces(const fl_conv *c, const job *j, const cut *k, const room *r, real *scratch)
{
    const fl_gather *g = &j->g;
    const int64_t all = (int64_t)g->out.n * g->axis[0].count * k->bands * k->tiles;
    int64_t most = r->places;
    while (most > 1 && !j->turned && k->all * ((all + most - 1) / most) < ITEMS) most--;
    const int64_t sets = (all + most - 1) / most;
    FL_PARALLEL(item, k->all * sets, k->work) {
        const int64_t set = item % sets, from = all * set / sets, to = all * (set + 1) / sets;
        real *panel = scratch + fl_thread() * r->all, *sums = panel + r->panel, *strips = sums + r->places * r->sums;
        place places[PLACES] = {0};
        for (int64_t i = from; i < to; i++, strips += r->strip) places[i - from] = place_make(j, k, i, strips);
        run_places(j, c, places, (int)(to - from), (int)(item / sets), panel, sums);
    }
}

/* j: the arrays. */
static void gather(const fl_conv *conv, fl_conv_pass pass, job j, real *scratch)
{
    const fl_conv c = fl_conv_collapse(conv);
    j.kernels = fl_kernels_now();
    j.exact = conv->exact, j.turned = conv->turned;
    for (int phase = 0; phase < fl_gather_phases(&c, pass); phase++) {
        j.g = fl_gather_make(&c, pass, phase);
        j.block_size = fl_gather_block_size(&j.g);
        j.out_count = fl_shape_count(j.g.out);
        j.tile_rows = tile_rows(&j.g, j.kernels);
        if ((int64_t)j.g.axis[0].count * j.g.axis[1].count * j.g.axis[2].count > 0) {
            const cut k = cut_make(&j);
            const room r = room_make(&c, &j.g);
            j.strip = r.strip;
            if (by_pieces(&c, &j.g)) {
                run_pieces(conv, &j, &k, &r, scratch);
            } else {
                FL_PARALLEL(item, k.heaps * k.segments * k.sheets, k.work) run_item(&j, &k, item, scratch + fl_thread() * r.all);
            }
        }
        if (!conv->turned) j.packed += j.g.groups * j.g.blocks * j.block_size;
    }
}

void fl_conv_run(const fl_conv *c, fl_conv_pass pass, const real *from, const real *packed, const real *b,
                 const fl_finish *finish, real *to, void *scratch)
{
    fl_winograd w;
    if (fl_winograd_make(c, pass, &w)) fl_winograd_run(&w, from, packed, b, finish, to, scratch);
    else if (fl_scatter_suits(c, pass)) fl_scatter_run(c, from, packed, finish, to, scratch);
    else gather(c, pass, (job){.in = from, .packed = packed, .bias = b, .finish = finish, .out = to}, scratch);
}

void fl_conv_forward_rest(const fl_conv *c, const real *x, const real *x_rest, const real *packed, const real *b, real *y, real *y_rest,
                          void *scratch)
{
    fl_assert(c->exact && c->direct);
    const job j = {.in = x, .in_rest = x_rest, .packed = packed, .bias = b, .out = y, .out_rest = y_rest};
    gather(c, FL_CONV_FORWARD, j, scratch);
}

void fl_conv_forward(const fl_conv *c, const real *x, const real *packed, const real *b, real *y, void *scratch)
{
    fl_conv_run(c, FL_CONV_FORWARD, x, packed, b, NULL, y, scratch);
}

void fl_conv_to_input(const fl_conv *c, const real *gy, const real *packed, real *gx, void *scratch)
{
    fl_conv_run(c, FL_CONV_TO_INPUT, gy, packed, NULL, NULL, gx, scratch);
}

void fl_conv_grid(const fl_conv *c, int tile[3])
{
    fl_winograd w;
    const bool tiles = fl_winograd_make(c, FL_CONV_FORWARD, &w);
    for (int i = 0; i < 3; i++) tile[i] = tiles ? w.m[i] : 1;
}
