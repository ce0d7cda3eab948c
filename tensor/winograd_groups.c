/* winograd_groups.c: in what groups the tiles of a convolution are taken (winograd.c says what for). */
#include "tensor/par.h"
#include "tensor/winograd_tiles.h"

enum {
    GROUP_BYTES = 2 << 20,                     /* transformed inputs of a group with taps along t, and small weights:
                                                  each is fetched again for every group */
    CHUNK_BYTES = 8 << 20,                     /* the same with large ones */
    SMALL_WEIGHTS = 12 << 20,                  /* bytes */
    NEAR_WEIGHTS = 384 << 10,                  /* bytes that stay near without being asked for */
    LONGEST_ITEM = 8, MANY_ITEMS = 16,         /* groups one after the other in the same hands; but rather so many items */
    PIECE_ROWS = 112,                          /* of a group, that are multiplied before their outputs are transformed */
    LEAST_ACROSS = 7,                          /* tiles of a plane in a group, if there are so many */
    LEAST_HALF = 28,                           /* no fewer tiles are cut into two groups */
    LINE_ZEROS = 2048                          /* for tiles in line, that reach beyond the clip */
};

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t even(int64_t all, int64_t most) { return ceil_div(all, ceil_div(all, most)); }   /* parts of even size */

/* Into how many groups: in fours, so that two or four threads get as many each. */
static int64_t groups_of(int64_t all, int64_t most)
{
    const int64_t n = ceil_div(all, most);
    return n > 2 ? min(all, ceil_div(n, 4) * 4) : n;
}

/* Into how many groups the tiles of a plane are cut. Without taps along t a group is one piece, and few tiles make two. */
static int64_t acrosses_of(const fl_tiles *j, int64_t wide)
{
    if (j->together) return ceil_div(j->across_all, wide);
    const int64_t half = max(LEAST_HALF, ceil_div(j->across_all, 2));
    return groups_of(j->across_all, j->w.taps > 1 ? wide : min(min(wide, PIECE_ROWS), half));
}

fl_tiles fl_tiles_make(const fl_winograd *w)
{
    fl_tiles j = {.w = *w, .kernels = fl_kernels_now(), .clips = 1, .planes_in = 1, .planes = 1};
    j.across_all = (int64_t)w->tiles[1] * w->tiles[2];
    if (w->taps > 1) j.clips = w->out.n, j.planes_in = w->in.t, j.planes = w->out.t;
    else j.across_all *= (int64_t)w->out.n * w->tiles[0];
    const int64_t weights = fl_winograd_packed_count(w) * (int64_t)sizeof(real);
    j.together = weights > SMALL_WEIGHTS;
    j.line = !j.together && fl_tiles_in_line(w);
    const int whole = (int)ceil_div(w->in.c, FL_WHOLE) * FL_WHOLE;
    j.c = j.wide = j.line ? w->in.c : whole;
    j.zero_count = j.line ? max(whole, LINE_ZEROS) : whole;
    j.near = weights <= NEAR_WEIGHTS;
    const int64_t bytes = (int64_t)w->points * j.c * (int64_t)sizeof(real);
    const int64_t most = (j.together ? CHUNK_BYTES : GROUP_BYTES) / bytes;
    const int64_t wide = max(most / j.planes_in, min(j.across_all, LEAST_ACROSS));
    j.acrosses = acrosses_of(&j, wide);
    j.across = ceil_div(j.across_all, j.acrosses);
    j.per_item = w->taps > 1 ? 1 : max(1, min(LONGEST_ITEM, j.acrosses / MANY_ITEMS));
    j.deep = (int)even(j.planes, max(1, j.across * j.planes_in <= most ? j.planes : most / j.across - (w->taps - 1)));
    j.deeps = (int)ceil_div(j.planes, j.deep);
    j.rows_in = j.across * min(j.planes_in, j.deep + w->taps - 1);
    j.rows = j.across * j.deep;
    j.piece = even(j.rows, PIECE_ROWS);
    /* One cache line more than needed from point to point: no two points fall into the same sets. */
    j.left_step = j.rows_in * j.c + FL_WHOLE;
    j.right_step = j.piece * FL_TILE_BLOCKS * FL_BLOCK + FL_WHOLE;
    j.apart = fl_apart(((j.together ? 0 : j.left_step) + j.right_step) * w->points + (w->turned ? fl_tiles_panel(w) : 0));
    return j;
}

int64_t fl_winograd_pieces(const fl_winograd *w)
{
    const fl_tiles j = fl_tiles_make(w);
    return j.deeps * j.acrosses * ceil_div(j.rows, j.piece);
}

fl_tile_group fl_tile_group_make(const fl_tiles *j, int64_t i)
{
    const int64_t across = i % j->acrosses;
    fl_tile_group g = {.clip = i / j->acrosses / j->deeps, .s = j->across_all * across / j->acrosses,
                       .t = (int)(i / j->acrosses % j->deeps) * j->deep};
    g.across = j->across_all * (across + 1) / j->acrosses - g.s;
    g.planes = (int)min(j->deep, j->planes - g.t);
    const int lo = j->w.taps > 1 ? j->w.lo[0] : 0;
    g.from = (int)min(j->planes_in, max(0, g.t - lo));
    g.planes_in = (int)max(0, min(j->planes_in, g.t + g.planes - lo + j->w.taps - 1) - g.from);
    return g;
}
