/* winograd.c: a convolution by tiles: transform inputs, one matrix product per point, transform outputs.
 *
 * Where the packed weight is small, an item takes a group of tiles through all three steps within its own cache.
 * Where it is large, many tiles take each step together, so that a weight is fetched once for all of them. */
#include "tensor/winograd.h"

#include "tensor/kernels.h"
#include "tensor/par.h"

#include <string.h>

enum {
    WHOLE = 64 / (int)sizeof(real),            /* channels are rounded up to this */
    GROUP_BYTES = 1 << 20,                     /* both sides of the products, of an item with small weights */
    CHUNK_BYTES = 8 << 20,                     /* the same of all threads together, with large ones */
    SMALL_WEIGHTS = 8 << 20,                   /* bytes */
    ROWS = 14,                                 /* tiles come in multiples of this: AVX-512 likes it */
    AHEAD = 64,                                /* weights are asked for so many channels before their turn */
    PIXELS_AHEAD = 20, FARTHEST = 12,          /* so many of the input, and never more tiles than that */
    TILES_PER_ITEM = 4,                        /* of a transform */
    LONGEST_SUM = 288, LONGEST_NESTED = 72,    /* products in one running sum; where F(4,3) is nested errors grow */
    BLOCKS_PER_ITEM = 8                        /* of outputs, of a product */
};

typedef struct job {
    fl_winograd w;
    const fl_kernels *kernels;
    const real *in, *packed;
    const fl_finish *finish;
    real *out;
    int c, o;                                  /* channels in and out, rounded up */
    int64_t tiles;                             /* of all clips */
    int group;                                 /* tiles that are taken together */
    bool together;                             /* by all threads */
    const real *zeros, *last, *bias;           /* for pixels outside, for the last pixel; whole vectors */
} job;

typedef struct stage { real *left, *right; int64_t left_step, right_step; } stage;   /* [point][tile][channel] */

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static job job_make(const fl_winograd *w)
{
    job j = {.w = *w, .kernels = fl_kernels_now()};
    j.c = (int)ceil_div(w->in.c, WHOLE) * WHOLE;
    j.o = w->blocks * FL_BLOCK;
    j.tiles = (int64_t)w->out.n * w->tiles[0] * w->tiles[1] * w->tiles[2];
    j.together = fl_winograd_packed_count(w) * (int64_t)sizeof(real) > SMALL_WEIGHTS;
    const int64_t bytes = (int64_t)w->points * (j.c + j.o) * (int64_t)sizeof(real);
    const int64_t most = (j.together ? CHUNK_BYTES : GROUP_BYTES) / bytes / ROWS * ROWS;
    const int64_t even = ceil_div(j.tiles, ceil_div(j.tiles, most > ROWS ? most : ROWS));
    j.group = (int)min(ceil_div(even, ROWS) * ROWS, j.tiles);
    return j;
}

/* One cache line more than needed from point to point: no two points fall into the same sets. */
static stage stage_make(const job *j, real *at)
{
    const int64_t tiles = j->group;
    stage s = {.left = at, .left_step = tiles * j->c + WHOLE, .right_step = tiles * j->o + WHOLE};
    s.right = at + j->w.points * s.left_step;
    return s;
}

static int64_t stage_count(const job *j)
{
    const stage s = stage_make(j, NULL);
    return j->w.points * (s.left_step + s.right_step);
}

size_t fl_winograd_scratch(const fl_winograd *w)
{
    const job j = job_make(w);
    return (size_t)(2 * j.c + j.o + stage_count(&j) * (j.together ? 1 : fl_threads())) * sizeof(real);
}

typedef struct place { int n, at[3]; } place;  /* of a tile: clip, first output */

static place find(const fl_winograd *w, int64_t tile)
{
    place p;
    for (int i = 2; i >= 0; i--) {
        p.at[i] = (int)(tile % w->tiles[i]) * w->m[i];
        tile /= w->tiles[i];
    }
    p.n = (int)tile;
    return p;
}

static void step(const fl_winograd *w, place *p)         /* to the next tile */
{
    for (int i = 2; i >= 0; i--) {
        p->at[i] += w->m[i];
        if (p->at[i] < w->tiles[i] * w->m[i]) return;
        p->at[i] = 0;
    }
    p->n++;
}

typedef const real *pixels[FL_WINOGRAD_POINTS];

static void find_pixels(const job *j, const place *p, const real **to)
{
    const fl_winograd *w = &j->w;
    const fl_shape in = w->in;
    const real *last = in.c % WHOLE ? j->in + fl_shape_count(in) - in.c : NULL;
    for (int i = 0; i < w->side[0]; i++)
        for (int k = 0; k < w->side[1]; k++) {
            const int t = p->at[0] - w->lo[0] + i, h = p->at[1] - w->lo[1] + k, first = p->at[2] - w->lo[2];
            const bool inside = t >= 0 && t < in.t && h >= 0 && h < in.h;
            const real *line = inside ? j->in + fl_at(in, p->n, 0, t, h, 0) : NULL;
            for (int x = first; x < first + w->side[2]; x++) {
                const real *from = inside && x >= 0 && x < in.w ? line + (int64_t)x * in.c : j->zeros;
                *to++ = from == last ? j->last : from;
            }
        }
}

/* Tiles first .. first+count-1 become rows row, row+1, .. of every product's left side. While it works on one, it
 * asks for the pixels of one some way ahead. */
static void transform_inputs(const job *j, const stage *s, int64_t first, int64_t count, int64_t row)
{
    pixels ring[FARTHEST + 1];
    const int ahead = (int)min(FARTHEST, 1 + PIXELS_AHEAD / j->w.points), size = ahead + 1;
    place p = find(&j->w, first);
    for (int64_t found = 0; found < count + ahead; found++) {
        const int64_t i = found - ahead;
        if (found < count) {
            find_pixels(j, &p, ring[found % size]);
            step(&j->w, &p);
        }
        if (i < 0) continue;
        const real **now = ring[i % size], **later = found < count ? ring[found % size] : now;
        j->kernels->transforms->input(j->w.m, now, later, j->w.in.c, s->left + (row + i) * j->c, s->left_step);
    }
}

/* Where a tile's outputs lie in the result; -1: outside. Returns how many there are. */
static int find_outputs(const fl_winograd *w, const place *p, int64_t *at)
{
    const fl_shape out = w->out;
    int n = 0;
    for (int t = p->at[0]; t < p->at[0] + w->m[0]; t++)
        for (int h = p->at[1]; h < p->at[1] + w->m[1]; h++)
            for (int x = p->at[2]; x < p->at[2] + w->m[2]; x++)
                at[n++] = t < out.t && h < out.h && x < out.w ? fl_at(out, p->n, 0, t, h, x) : -1;
    return n;
}

/* What has to be finished goes back to where the points were, one by one, and from there to its place. */
static void transform_outputs(const job *j, const stage *s, int64_t first, int64_t count, int64_t row)
{
    const fl_winograd *w = &j->w;
    place p = find(w, first);
    for (int64_t i = 0; i < count; i++, step(w, &p)) {
        real *pixel[FL_WINOGRAD_OUTPUTS], *points = s->right + (row + i) * j->o;
        int64_t at[FL_WINOGRAD_OUTPUTS];
        const int n = find_outputs(w, &p, at);
        for (int k = 0; k < n; k++) pixel[k] = at[k] < 0 ? NULL : j->finish ? points + k * s->right_step : j->out + at[k];
        j->kernels->transforms->output(w->m, points, s->right_step, j->bias, w->out.c, pixel);
        for (int k = 0; k < n && j->finish; k++)
            if (at[k] >= 0) j->kernels->finish(j->finish, pixel[k], at[k], w->out.c, j->out);
    }
}

/* Rows of the products at one point, for one block of outputs. While it works it fetches the next block's weights. */
static void multiply(const job *j, const stage *s, int point, int block, int64_t rows)
{
    const fl_kernels *kernels = j->kernels;
    const int64_t panel = (int64_t)j->w.in.c * FL_BLOCK;
    const int parts = (int)ceil_div(j->w.in.c, j->w.m[2] == 4 ? LONGEST_NESTED : LONGEST_SUM);
    const int lanes = (int)min(FL_BLOCK, j->w.out.c - block * FL_BLOCK);
    for (int lane = 0; lane < lanes;) {
        const int vectors = lanes - lane > kernels->width * (kernels->vectors - 1) ? kernels->vectors : 1;
        const int most = vectors > 1 ? kernels->rows_wide : kernels->rows_one;
        const int64_t calls = ceil_div(rows, most);
        const real *weights = j->packed + (point * (int64_t)j->w.blocks + block) * panel + lane;
        fl_tile t = {.b_step = FL_BLOCK, .b_ahead = AHEAD * FL_BLOCK, .a_row = j->c, .a_step = 1, .c_row = j->o,
                     .count = {1, 1, 1}, .ahead_step = WHOLE};
        for (int64_t i = 0; i < calls; i++) {
            const int64_t first = rows * i / calls, end = rows * (i + 1) / calls;
            const real *left = s->left + point * s->left_step + first * j->c;
            t.c = s->right + point * s->right_step + first * j->o + block * FL_BLOCK + lane;
            const int64_t ahead = end < rows ? (end - first) * j->c : s->left_step;
            for (int part = 0; part < parts; part++) {
                const int from = j->w.in.c * part / parts;
                t.run = j->w.in.c * (part + 1) / parts - from;
                t.a = left + from;
                t.b = weights + (int64_t)from * FL_BLOCK;
                t.add = part > 0;
                t.ahead = ahead + (int64_t)from * (WHOLE - 1);
                kernels->tile(&t, (int)(end - first), vectors);
            }
        }
        lane += vectors * kernels->width;
    }
}

static double flops(const job *j, int64_t tiles) { return 2.0 * j->w.points * j->w.in.c * j->o * (double)tiles; }

static void by_groups(const job *j, real *scratch)
{
    FL_PARALLEL(item, ceil_div(j->tiles, j->group), flops(j, j->tiles)) {
        const int64_t first = item * j->group, rows = min(j->tiles - first, j->group);
        const stage s = stage_make(j, scratch + fl_thread() * stage_count(j));
        transform_inputs(j, &s, first, rows, 0);
        for (int p = 0; p < j->w.points; p++)
            for (int b = 0; b < j->w.blocks; b++) multiply(j, &s, p, b, rows);
        transform_outputs(j, &s, first, rows, 0);
    }
}

static void by_steps(const job *j, real *scratch)
{
    const stage s = stage_make(j, scratch);
    const int64_t per_point = ceil_div(j->w.blocks, BLOCKS_PER_ITEM);
    for (int64_t first = 0; first < j->tiles; first += j->group) {
        const int64_t rows = min(j->tiles - first, j->group);
        FL_PARALLEL(item, ceil_div(rows, TILES_PER_ITEM), 16.0 * (double)(rows * j->w.points * j->c)) {
            const int64_t row = item * TILES_PER_ITEM;
            transform_inputs(j, &s, first + row, min(rows - row, TILES_PER_ITEM), row);
        }
        FL_PARALLEL(item, j->w.points * per_point, flops(j, rows)) {
            const int64_t p = item / per_point, from = item % per_point * BLOCKS_PER_ITEM;
            for (int64_t b = from; b < min(j->w.blocks, from + BLOCKS_PER_ITEM); b++)
                multiply(j, &s, (int)p, (int)b, rows);
        }
        FL_PARALLEL(item, ceil_div(rows, TILES_PER_ITEM), 16.0 * (double)(rows * j->w.points * j->o)) {
            const int64_t row = item * TILES_PER_ITEM;
            transform_outputs(j, &s, first + row, min(rows - row, TILES_PER_ITEM), row);
        }
    }
}

void fl_winograd_run(const fl_winograd *w, const real *in, const real *packed, const real *b, const fl_finish *finish,
                     real *out, void *scratch)
{
    job j = job_make(w);
    real *at = scratch;
    j.in = in, j.packed = packed, j.out = out, j.finish = finish;
    j.zeros = at, j.last = at + j.c, j.bias = at + 2 * j.c;
    memset(at, 0, (size_t)(2 * j.c + j.o) * sizeof *at);
    memcpy(at + j.c, in + fl_shape_count(w->in) - w->in.c, (size_t)w->in.c * sizeof *at);
    if (b) memcpy(at + 2 * j.c, b, (size_t)w->out.c * sizeof *at);
    at += 2 * j.c + j.o;
    if (j.together) by_steps(&j, at);
    else by_groups(&j, at);
}
