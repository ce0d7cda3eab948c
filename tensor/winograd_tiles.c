/* winograd_tiles.c: pixels to tiles and tiles to pixels. */
#include "tensor/winograd_tiles.h"

#include <string.h>

enum { PIXELS_AHEAD = 20, FARTHEST = 12 };     /* so many of the input are asked for, and never more tiles than that */

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t with_room(int64_t reals) { return (reals + FL_BLOCK - 1) / FL_BLOCK * FL_BLOCK + FL_BLOCK; }
int64_t fl_edges_count(int channels, int64_t zeros) { return with_room(max(zeros, channels)) + with_room(channels); }

real *fl_edges_make(const real *array, fl_shape s, int64_t zeros, real *at, fl_edges *e)
{
    real *last = at + with_room(max(zeros, s.c));
    memset(at, 0, (size_t)fl_edges_count(s.c, zeros) * sizeof *at);
    memcpy(last, array + fl_shape_count(s) - s.c, (size_t)s.c * sizeof *at);
    *e = (fl_edges){at, last};
    return at + fl_edges_count(s.c, zeros);
}

typedef struct place { int n, at[3]; } place;  /* of a tile: clip, first output; taps > 1, inputs: the plane */

static place find(const fl_winograd *w, int planes, int64_t tile)
{
    place p;
    for (int i = 2; i >= 0; i--) {
        const int tiles = i ? w->tiles[i] : planes;
        p.at[i] = (int)(tile % tiles) * w->m[i];
        tile /= tiles;
    }
    p.n = (int)tile;
    return p;
}

static void step(const fl_winograd *w, int planes, place *p)         /* to the next tile */
{
    for (int i = 2; i >= 0; i--) {
        p->at[i] += w->m[i];
        if (p->at[i] < (i ? w->tiles[i] : planes) * w->m[i]) return;
        p->at[i] = 0;
    }
    p->n++;
}

typedef const real *pixels[FL_WINOGRAD_POINTS];

static void find_pixels(const fl_tiles *j, const place *p, const real **to)
{
    const fl_winograd *w = &j->w;
    const fl_shape in = w->in;
    const real *last = in.c % FL_WHOLE ? j->in + fl_shape_count(in) - in.c : NULL;
    for (int i = 0; i < w->side[0]; i++)
        for (int k = 0; k < w->side[1]; k++) {
            const int t = p->at[0] - (w->taps > 1 ? 0 : w->lo[0]) + i, h = p->at[1] - w->lo[1] + k, first = p->at[2] - w->lo[2];
            const bool inside = t >= 0 && t < in.t && h >= 0 && h < in.h;
            const real *line = inside ? j->in + fl_at(in, p->n, 0, t, h, 0) : NULL;
            for (int x = first; x < first + w->side[2]; x++) {
                const real *from = inside && x >= 0 && x < in.w ? line + (int64_t)x * in.c : j->edges.zeros;
                *to++ = from == last ? j->edges.last : from;
            }
        }
}

/* Tiles first .. first+count-1 become rows of every product's left side. While it works on one, it asks for the pixels of one
 * some way ahead. */
void fl_tiles_transform(const fl_tiles *j, int64_t first, int64_t count, real *to)
{
    pixels ring[FARTHEST + 1];
    const int ahead = (int)min(FARTHEST, 1 + PIXELS_AHEAD / j->w.points), size = ahead + 1;
    const int planes = j->w.taps > 1 ? j->planes_in : j->w.tiles[0];
    place p = find(&j->w, planes, first);
    for (int64_t found = 0; found < count + ahead; found++) {
        const int64_t i = found - ahead;
        if (found < count) {
            find_pixels(j, &p, ring[found % size]);
            step(&j->w, planes, &p);
        }
        if (i < 0) continue;
        const real **now = ring[i % size], **later = found < count ? ring[found % size] : now;
        j->kernels->transforms->input(j->w.m, now, later, j->w.in.c, to + i * j->wide, j->left_step, j->wide, j->strip);
    }
}

void fl_tiles_read(const fl_tiles *j, const fl_tile_group *g, int plane, int64_t from, int64_t to, real *left)
{
    const int64_t tile = ((g->clip * j->planes_in + g->from + plane) * j->across_all) + g->s + from;
    fl_tiles_transform(j, tile, to - from, left + (plane * g->across + from) * j->c);
}

fl_tile_lines fl_tiles_lines(const fl_tiles *j, const fl_tile_group *g, int first, int last)
{
    const fl_winograd *w = &j->w;
    const fl_shape in = w->in;
    const place a = find(w, w->tiles[0], g->s), b = find(w, w->tiles[0], g->s + g->across - 1);
    const int shares = w->points / w->side[0] * w->blocks, t = a.at[0] - w->lo[0] + first / shares;
    if (t < 0 || t >= in.t) return (fl_tile_lines){NULL, 0};
    const bool one_plane = a.n == b.n && a.at[0] == b.at[0];
    const int top = (int)max(0, a.at[1] - w->lo[1]), begin = (int)max(0, a.at[2] - w->lo[2]);
    const int bottom = one_plane ? (int)min(in.h - 1, b.at[1] - w->lo[1] + w->side[1] - 1) : in.h - 1;
    const int64_t from = fl_at(in, a.n, 0, t, top, begin), to = fl_at(in, a.n, 0, t, bottom, in.w - 1) + in.c;
    const int64_t lines = (to - from + FL_WHOLE - 1) / FL_WHOLE, part = first % shares;
    const int64_t start = lines * part / shares;
    return (fl_tile_lines){j->in + from + start * FL_WHOLE, lines * (part + last - first) / shares - start};
}

/* The tile of a row of a group. */
static place find_row(const fl_tiles *j, const fl_tile_group *g, int64_t row)
{
    const int64_t plane = g->clip * j->planes + g->t + row / g->across;
    return find(&j->w, j->w.taps > 1 ? j->planes : j->w.tiles[0], plane * j->across_all + g->s + row % g->across);
}

static void next_row(const fl_tiles *j, const fl_tile_group *g, int64_t row, place *p)       /* from the one before */
{
    if (row % g->across == 0) *p = find_row(j, g, row);
    else step(&j->w, j->w.taps > 1 ? j->planes : j->w.tiles[0], p);
}

/* Where the outputs of a tile lie in the result; -1: outside. */
static void find_outputs(const fl_winograd *w, const place *p, int64_t at[FL_WINOGRAD_OUTPUTS])
{
    const fl_shape out = w->out;
    for (int t = p->at[0]; t < p->at[0] + w->m[0]; t++)
        for (int h = p->at[1]; h < p->at[1] + w->m[1]; h++) {
            const int64_t line = fl_at(out, p->n, 0, t, h, 0);
            for (int x = p->at[2]; x < p->at[2] + w->m[2]; x++)
                *at++ = t < out.t && h < out.h && x < out.w ? line + (int64_t)x * out.c : -1;
        }
}

void fl_tiles_spread(const fl_tiles *j, const fl_spread *s, int64_t first, int64_t count, real *to)
{
    const fl_winograd *w = &j->w;
    const int outputs = w->m[0] * w->m[1] * w->m[2], planes = w->taps > 1 ? j->planes : w->tiles[0];
    const int64_t last = fl_shape_count(w->out) - w->out.c;
    place p = find(w, planes, first);
    for (int64_t tile = 0; tile < count; tile++, to += s->tall) {
        int64_t at[FL_WINOGRAD_OUTPUTS];
        const real *pixel[FL_WINOGRAD_OUTPUTS];
        find_outputs(w, &p, at);
        for (int i = 0; i < outputs; i++) pixel[i] = at[i] < 0 ? s->edges.zeros : at[i] == last ? s->edges.last : s->gy + at[i];
        j->kernels->transforms->spread(w->m, pixel, s->strips, s->low, s->high, s->tall, to, s->step, s->strip);
        step(w, planes, &p);
    }
}

/* What has to be finished goes back to where the points were and from there to its place. Places are asked for one tile ahead:
 * nobody has seen them before. */
void fl_tiles_write(const fl_tiles *j, const fl_tile_group *g, int64_t first, int64_t last, int channel, int channels, real *right)
{
    const fl_winograd *w = &j->w;
    const int outputs = w->m[0] * w->m[1] * w->m[2], line = w->m[2] > 1 ? w->m[2] : w->m[0];
    const fl_finish none = {0};
    int64_t now[FL_WINOGRAD_OUTPUTS], next[FL_WINOGRAD_OUTPUTS] = {0};
    place p = find_row(j, g, first);
    find_outputs(w, &p, next);
    for (int64_t row = first; row < last; row++) {
        real *pixel[FL_WINOGRAD_OUTPUTS], *points = right + (row - first) * FL_TILE_BLOCKS * FL_BLOCK;
        memcpy(now, next, sizeof now);
        if (row + 1 < last) {
            next_row(j, g, row + 1, &p);
            find_outputs(w, &p, next);
        }
        for (int k = 0; k < outputs; k++) {
            pixel[k] = now[k] < 0 ? NULL : j->finish ? points + k * j->right_step : j->out + now[k] + channel;
            if (row + 1 < last && next[k] >= 0) fl_finish_expect(j->finish ? j->finish : &none, next[k] + channel, channels, j->out);
        }
        const int made = fl_made(j, channels);
        j->kernels->transforms->output(w->m, points, j->right_step, j->bias + channel, made, pixel, 1, 0, 0);
        for (int k = 0, n; k < outputs && j->finish; k += n) {                   /* those in a line go together */
            for (n = 1; n < line && now[k] >= 0 && now[k + n] >= 0; n++) { }
            const int64_t apart = n > 1 ? now[k + 1] - now[k] : 0;
            if (now[k] >= 0) j->kernels->finish(j->finish, pixel[k], j->right_step, now[k] + channel, apart, n, channels, j->out);
        }
    }
}
