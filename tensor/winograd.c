/* winograd.c: a convolution by tiles: transform inputs, one matrix product per point, transform outputs.
 *
 * Tiles are rows of the products. They are taken in groups whose transformed inputs fit into a cache; for some blocks of outputs
 * at a time all points are multiplied and the results transformed while they are there. Where the weights are small, a thread
 * takes a group through all of that. Where they are large, all threads share a group and divide the outputs between them, so that
 * a weight is fetched once for many tiles. */
#include "tensor/conv_turn.h"
#include "tensor/par.h"
#include "tensor/winograd_tiles.h"

#include <string.h>

enum {
    CALLS_FOR_WEIGHTS = 4,                     /* that ask for the panel that comes next; what calls there are beyond ask for pixels */
    TILES_PER_ITEM = 4,                        /* of an input's transform, in steps */
    LONGEST_SUM = 288,                         /* products in one running sum */
    LONGEST_NESTED = 72,                       /* where F(4,3) is nested errors grow */
    LONG = 227, SHORTEST = 24                  /* and with more channels direct sums come in parts and are more exact */
};

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

size_t fl_winograd_scratch(const fl_winograd *w)
{
    const fl_tiles j = fl_tiles_make(w);
    const int64_t of_all = fl_edges_count(w->in.c, j.zero_count) + w->blocks * FL_BLOCK + (j.together ? j.left_step * w->points : 0);
    return (size_t)(of_all + j.apart * fl_threads()) * sizeof(real);
}

/* The taps of output plane t that read inside; the same for planes t .. *end-1, *end <= most. */
static void valid_taps(const fl_tiles *j, int t, int most, int *first, int *last, int *end)
{
    const int lo = j->w.lo[0];
    *first = 0, *last = j->w.taps, *end = most;
    if (j->w.taps == 1) return;
    *first = (int)min(j->w.taps, max(0, lo - t));
    *last = (int)max(*first, min(j->w.taps, j->planes_in + lo - t));
    *end = t + 1;
    if (*first == 0 && *last == j->w.taps) *end = (int)max(t + 1, min(most, j->planes_in + lo - j->w.taps + 1));
}

/* So many channels of a tap make one running sum: parts of even size, if that does not take too many. */
static int part_of(const fl_winograd *w)
{
    const int c = w->in.c;
    int longest = w->m[2] < 4 ? LONGEST_SUM : LONGEST_NESTED;
    if (w->taps > 1 && w->m[2] == 4 && w->taps * c > LONG) longest = (int)max(SHORTEST, min(longest, c * 2 / 7));
    const int least = (int)ceil_div(c, longest);
    for (int parts = least; parts < 2 * least; parts++)
        if (c % parts == 0) return c / parts;
    return (int)ceil_div(c, least);
}

/* In so many tiles of even height: first the higher ones, then those with a row less. */
static void multiply_rows(const fl_tiles *j, fl_tile t, const real *left, const real *later, fl_tile_lines *pixels, int64_t rows,
                          int64_t calls, int vectors, real *right)
{
    const int64_t low = rows / calls, high = rows % calls, asking = later ? min(CALLS_FOR_WEIGHTS, calls) : 0;
    const int64_t asked = t.count[0] * t.count[1] * (t.run / 2), share = asking > 0 ? FL_BLOCK * 2 / asking : 0;     /* lines, by a call */
    for (int64_t call = 0, first = 0, n; call < calls; call += n) {
        const int64_t height = low + (call < high);
        n = min(call < high ? high : calls, call < asking ? asking : calls) - call;
        t.later = NULL;
        if (call < asking) {
            t.later_step = share;                                                /* all of it, a share in each call */
            t.later = later + call * asked * share;
        } else if (pixels->count > 0) {
            t.later_step = FL_WHOLE;
            t.later = pixels->at;
            pixels->at += n * asked * FL_WHOLE;
            pixels->count -= n * asked;
        }
        t.a = left + first * j->c;
        t.c = right + first * t.c_row;
        t.ahead = height * j->c;
        t.repeat = n - 1;
        j->kernels->tile(&t, (int)height, vectors);
        first += n * height;
    }
}

/* One point's product for rows that share their taps. left: of the first row's first tap. later, pixels: weights and inputs that
 * come next, asked for meanwhile. Long sums are made of parts: some channels of one tap each. */
static void multiply(const fl_tiles *j, const real *left, int64_t tap_step, int taps, const real *weights, const real *later,
                     fl_tile_lines *pixels, int64_t rows, int lanes, real *right)
{
    const fl_kernels *kernels = j->kernels;
    const int c = j->w.in.c, part = part_of(&j->w), parts = c / part;
    fl_tile t = {.b_step = FL_BLOCK, .a_row = j->c, .a_step = 1, .c_row = FL_TILE_BLOCKS * FL_BLOCK,
                 .count = {taps, parts, 1}, .ahead_step = FL_WHOLE, .a_jump = {tap_step, part},
                 .b_jump = {(int64_t)c * FL_BLOCK, part * FL_BLOCK}, .in_parts = taps * parts > 1};
    for (int lane = 0; lane < lanes;) {
        const int vectors = lanes - lane > kernels->width * (kernels->vectors - 1) ? kernels->vectors : 1;
        const int64_t calls = ceil_div(rows, vectors > 1 ? kernels->rows_wide : kernels->rows_one);
        t.run = part;
        t.b = weights + lane;
        multiply_rows(j, t, left, lane ? NULL : later, pixels, rows, calls, vectors, right + lane);
        if (part * parts < c) {                              /* what is left of every tap */
            fl_tile rest = t;
            rest.count[1] = 1;
            rest.run = c - part * parts;
            rest.add = 1;
            rest.b += (int64_t)part * parts * FL_BLOCK;
            multiply_rows(j, rest, left + part * parts, NULL, pixels, rows, calls, vectors, right + lane);
        }
        lane += vectors * kernels->width;
    }
}

/* Rows first .. last-1 of a group, and up to FL_TILE_BLOCKS blocks of outputs: all the way from their left sides to the result.
 * next: the group whose pixels this thread reads afterwards, or NULL. */
static void run_piece(const fl_tiles *j, const fl_tile_group *g, const fl_tile_group *next, const real *left, int64_t first, int64_t last,
                      int block, int most)
{
    const fl_winograd *w = &j->w;
    real *right = j->right + fl_thread() * j->apart;
    const int blocks = (int)min(most, w->blocks - block), lo = w->taps > 1 ? w->lo[0] : 0;
    const int64_t panel = fl_tiles_panel(w), tap_step = g->across * j->c;
    real *turned = j->turned + fl_thread() * j->apart;
    for (int p = 0; p < w->points; p++) {
        fl_tile_lines pixels = {NULL, 0};
        if (next) pixels = fl_tiles_lines(j, next, p * w->blocks + block, p * w->blocks + block + blocks);
        for (int b = block; b < block + blocks; b++) {
            if (w->turned) fl_winograd_turn(w, j->packed, p, b, turned);
            const real *weights = w->turned ? turned : j->packed + (p * (int64_t)w->blocks + b) * panel;
            const int64_t on = b + 1 < block + blocks ? 1 : w->blocks - blocks + 1;
            const real *later = w->turned || j->near ? NULL : weights + on * panel;
            for (int64_t row = first, end; row < last; row = end) {
                const int t = (int)(row / g->across);
                int tap, taps, until;
                valid_taps(j, g->t + t, g->t + g->planes, &tap, &taps, &until);
                end = min(last, (until - g->t) * g->across);
                const int64_t from = ((int64_t)(g->t + t + tap - lo - g->from) * g->across + row % g->across) * j->c;
                multiply(j, left + p * j->left_step + (taps > tap ? from : 0), tap_step, taps - tap,
                         weights + (int64_t)tap * w->in.c * FL_BLOCK, later, &pixels, end - row,
                         (int)min(FL_BLOCK, w->out.c - b * FL_BLOCK),
                         right + p * j->right_step + (row - first) * FL_TILE_BLOCKS * FL_BLOCK + (b - block) * FL_BLOCK);
            }
        }
    }
    const int channel = block * FL_BLOCK;
    (j->line ? fl_line_write : fl_tiles_write)(j, g, first, last, channel, (int)min(blocks * FL_BLOCK, w->out.c - channel), right);
}

static double flops(const fl_tiles *j, double rows) { return 2.0 * j->w.points * j->w.taps * j->w.in.c * j->w.out.c * rows; }

static void run_group(const fl_tiles *j, const fl_tile_group *g, const fl_tile_group *next)
{
    const int64_t rows = g->planes * g->across;
    real *left = j->left + fl_thread() * j->apart;
    if (j->line) fl_line_read(j, g, left);
    else for (int plane = 0; plane < g->planes_in; plane++) fl_tiles_read(j, g, plane, 0, g->across, left);
    for (int64_t first = 0; first < rows; first += j->piece)
        for (int b = 0; b < j->w.blocks; b += FL_TILE_BLOCKS)
            run_piece(j, g, next, left, first, min(rows, first + j->piece), b, FL_TILE_BLOCKS);
}

static void by_groups(const fl_tiles *j)
{
    const int64_t groups = j->clips * j->deeps * j->acrosses;
    FL_PARALLEL(item, ceil_div(groups, j->per_item), flops(j, (double)(groups * j->rows))) {
        const int64_t end = min(groups, (item + 1) * j->per_item);
        fl_tile_group g, next = fl_tile_group_make(j, item * j->per_item);
        for (int64_t i = item * j->per_item; i < end; i++) {
            g = next;
            if (i + 1 < end) next = fl_tile_group_make(j, i + 1);
            run_group(j, &g, i + 1 < end ? &next : NULL);
        }
    }
}

/* Blocks go in twos, but for the last two or three, or an odd one out would keep one thread waiting for another. */
static void by_steps(const fl_tiles *j)
{
    const int twos = j->w.blocks > FL_TILE_BLOCKS ? j->w.blocks / FL_TILE_BLOCKS - 1 : 0, chunks = j->w.blocks - twos;
    for (int64_t i = 0; i < j->clips * j->deeps * j->acrosses; i++) {
        const fl_tile_group g = fl_tile_group_make(j, i);
        const int64_t rows = g.planes * g.across, per_plane = ceil_div(g.across, TILES_PER_ITEM), pieces = ceil_div(rows, j->piece);
        FL_PARALLEL(item, g.planes_in * per_plane, 16.0 * (double)(g.planes_in * g.across * j->w.points * j->c)) {
            const int64_t from = item % per_plane * TILES_PER_ITEM;
            fl_tiles_read(j, &g, (int)(item / per_plane), from, min(g.across, from + TILES_PER_ITEM), j->left);
        }
        FL_PARALLEL(item, pieces * chunks, flops(j, (double)rows)) {
            const int64_t first = item % pieces * j->piece;
            const int chunk = (int)(item / pieces), block = chunk < twos ? chunk * FL_TILE_BLOCKS : chunk + twos;
            run_piece(j, &g, NULL, j->left, first, min(rows, first + j->piece), block, chunk < twos ? FL_TILE_BLOCKS : 1);
        }
    }
}

void fl_winograd_run(const fl_winograd *w, const real *in, const real *packed, const real *b, const fl_finish *finish,
                     real *out, void *scratch)
{
    fl_tiles j = fl_tiles_make(w);
    j.in = in, j.packed = packed, j.out = out, j.finish = finish;
    real *bias = fl_edges_make(in, w->in, j.zero_count, scratch, &j.edges);
    memset(bias, 0, (size_t)(w->blocks * FL_BLOCK) * sizeof *bias);
    if (b) memcpy(bias, b, (size_t)w->out.c * sizeof *bias);
    j.bias = bias;
    j.left = bias + w->blocks * FL_BLOCK;
    j.right = j.left + j.left_step * w->points;                              /* together, this is the first that is a thread's own */
    j.turned = j.right + j.right_step * w->points;
    if (j.together) by_steps(&j);
    else by_groups(&j);
}
