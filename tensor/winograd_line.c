/* winograd_line.c: tiles along t. Their pixels' neighbours along h and w have tiles too, and lie side by side with them, before the
 * transform as after it: a run of tiles is one long row of numbers, and nothing has to be looked for. */
#include "tensor/winograd_tiles.h"

enum {
    TILES_AHEAD = 4,                           /* whose pixels are asked for */
    STEP = 4                                   /* tiles whose results are written, and finished, in one go */
};

typedef struct run { int n, t; int64_t s, count; } run;      /* tiles s .. s+count-1 of plane t: clip, first output along t */

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

bool fl_tiles_in_line(const fl_winograd *w)
{
    return w->m[0] > 1 && w->in.h == w->out.h && w->in.w == w->out.w && !w->lo[1] && !w->lo[2];
}

static run run_make(const fl_winograd *w, int64_t tile, int64_t end)       /* from this tile, before `end` and the end of its plane */
{
    const int64_t plane = (int64_t)w->tiles[1] * w->tiles[2], s = tile % plane;
    return (run){.n = (int)(tile / plane / w->tiles[0]), .t = (int)(tile / plane % w->tiles[0]) * w->m[0], .s = s,
                 .count = min(end - tile, plane - s)};
}

/* Tiles of a run to their rows. Vectors read a little beyond the last pixel: where that is the array's, it comes alone, from j->last. */
static void read_run(const fl_tiles *j, const run *r, real *to)
{
    const fl_winograd *w = &j->w;
    const fl_shape in = w->in;
    const int64_t c = in.c, last = (int64_t)in.h * in.w - 1;
    const real *plane[6] = {NULL};
    bool outside = false, at_end = false;
    for (int i = 0; i < w->side[0]; i++) {
        const int t = r->t - w->lo[0] + i;
        plane[i] = t >= 0 && t < in.t ? j->in + fl_at(in, r->n, 0, t, 0, 0) + r->s * c : NULL;
        outside = outside || !plane[i];
        at_end = at_end || (c % FL_WHOLE && r->n == in.n - 1 && t == in.t - 1 && r->s + r->count - 1 == last);
    }
    for (int64_t done = 0, n; done < r->count; done += n) {
        const real *pixel[6], *next[6];
        n = at_end && done < r->count - 1 ? r->count - 1 - done : r->count - done;
        if (outside) n = min(n, j->zero_count / c);
        for (int i = 0; i < w->side[0]; i++) {
            const bool end = at_end && done == r->count - 1 && r->t - w->lo[0] + i == in.t - 1;
            pixel[i] = !plane[i] ? j->edges.zeros : end ? j->edges.last : plane[i] + done * c;
            next[i] = plane[i] && !end ? pixel[i] + TILES_AHEAD * c : pixel[i];
        }
        j->kernels->transforms->input(w->m, pixel, next, (int)(n * c), to + done * c, j->left_step, (int)(n * c), 0);
    }
}

void fl_line_read(const fl_tiles *j, const fl_tile_group *g, real *left)
{
    run r;
    for (int64_t row = 0; row < g->across; row += r.count) {
        r = run_make(&j->w, g->s + row, g->s + g->across);
        read_run(j, &r, left + row * j->c);
    }
}

/* So many neighbours, in each output's plane. */
static void expect(const fl_tiles *j, int64_t at, int64_t plane, int planes, int64_t count, int channels)
{
    const fl_finish none = {0}, *finish = j->finish ? j->finish : &none;
    for (int k = 0; k < planes; k++)
        for (int64_t i = 0; i < count; i++) fl_finish_expect(finish, at + k * plane + i * j->w.out.c, channels, j->out);
}

static void write_run(const fl_tiles *j, const run *r, int channel, int channels, real *points)
{
    enum { WIDE = FL_TILE_BLOCKS * FL_BLOCK };
    const fl_winograd *w = &j->w;
    const int64_t c = w->out.c, plane = (int64_t)w->out.h * w->out.w * c, start = fl_at(w->out, r->n, channel, r->t, 0, 0) + r->s * c;
    const int planes = (int)min(w->m[0], w->out.t - r->t);
    for (int64_t i = 0; i < r->count; i += STEP, points += STEP * WIDE) {
        real *pixel[4] = {NULL};
        const int64_t at = start + i * c;
        const int n = (int)min(STEP, r->count - i);
        expect(j, at + STEP * c, plane, planes, min(STEP, r->count - i - n), channels);
        for (int k = 0; k < planes; k++) pixel[k] = j->finish ? points + k * j->right_step : j->out + at + k * plane;
        const int made = fl_made(j, channels);
        j->kernels->transforms->output(w->m, points, j->right_step, j->bias + channel, made, pixel, n, WIDE, j->finish ? WIDE : c);
        if (!j->finish) continue;
        if (c == WIDE) j->kernels->finish(j->finish, points, j->right_step, at, plane, planes, n * c, j->out);
        else for (int l = 0; l < n; l++)
            j->kernels->finish(j->finish, points + l * WIDE, j->right_step, at + l * c, plane, planes, channels, j->out);
    }
}

void fl_line_write(const fl_tiles *j, const fl_tile_group *g, int64_t first, int64_t last, int channel, int channels, real *right)
{
    run r;
    for (int64_t row = first; row < last; row += r.count) {
        r = run_make(&j->w, g->s + row, g->s + last);
        write_run(j, &r, channel, channels, right + (row - first) * FL_TILE_BLOCKS * FL_BLOCK);
    }
}
