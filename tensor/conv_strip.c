/* conv_strip.c: where tiles find their input. Tiles that touch an edge along w read from a small copy of the rows of their band, with true
 * zeros around it (the strip); all other tiles read the array itself. */
#include "tensor/conv_tiles.h"

#include <string.h>

enum { STRIP_BYTES = 384 << 10 };              /* as far as one row allows */

static int min(int a, int b) { return a < b ? a : b; }

fl_band fl_band_make(const fl_conv_job *j, const fl_cut *c, int64_t i)
{
    const fl_axis *at = &j->g.axis[0], *ah = &j->g.axis[1];
    const int64_t plane = i / c->bands, slice = i % c->bands;
    fl_band b = {.n = (int)(plane / at->count), .t = (int)(plane % at->count),
                 .h = (int)(ah->count * slice / c->bands), .end = (int)(ah->count * (slice + 1) / c->bands)};
    fl_axis_inside(at, b.t, &b.first, &b.last);
    return b;
}

static int64_t strip_width(const fl_axis *w, int pixels)
{
    return (int64_t)(pixels - 1) * w->in_step + (int64_t)(w->taps ? w->taps - 1 : 0) * w->tap_step + 1;
}

static int64_t strip_height(const fl_axis *h, int rows)      /* input rows under so many output rows */
{
    return (int64_t)(rows - 1) * h->in_step + (int64_t)(h->taps ? h->taps - 1 : 0) * h->tap_step + 1;
}

int64_t fl_band_strip(const fl_gather *g, int rows)
{
    const fl_axis *w = &g->axis[2];
    const bool inside = w->offset >= 0 && fl_tap_pixel(w, w->count - 1, w->taps - 1) < w->in;
    if (inside && w->taps && !g->depthwise) return 0;         /* no tile touches an edge */
    const int64_t row = strip_width(w, min(fl_gather_short(g) ? FL_GROUP_ROWS : FL_TILE_ROWS, w->count)) * g->in.c;
    const int64_t count = min(g->axis[0].taps, g->in.t) * strip_height(&g->axis[1], rows) * row;
    return (count + 2 * FL_BLOCK - 1) / FL_BLOCK * FL_BLOCK;  /* vectors may read a little more */
}

int fl_band_rows(const fl_gather *g)
{
    int rows = FL_BAND_ROWS;
    while (rows > 1 && fl_band_strip(g, rows) * (int64_t)sizeof(real) > STRIP_BYTES) rows--;
    return rows;
}

/* Copies `width` pixels of `in` from pixel `start` on, of every row that the band meets; zeros where there is no pixel. */
static fl_view fill_strip(const fl_conv_job *j, const real *all, const fl_band *b, int64_t start, int64_t width, real *strip)
{
    const fl_gather *g = &j->g;
    const fl_axis *h = &g->axis[1];
    const int64_t c = g->in.c, end = start + width, in = g->in.w;
    const int64_t from = start < 0 ? (end < 0 ? end : 0) : start;
    const int64_t to = end > in ? (from > in ? from : in) : end;
    int top = fl_tap_pixel(h, b->h, 0), bottom = fl_tap_pixel(h, b->end - 1, h->taps - 1) + 1;
    if (top < 0) top = 0;
    if (bottom > g->in.h) bottom = g->in.h;
    const fl_view v = {strip, NULL, width * c, bottom > top ? (bottom - top) * width * c : 0, top};
    for (int t = b->first; t < b->last; t++) {
        const real *plane = all + fl_at(g->in, b->n, 0, fl_tap_pixel(&g->axis[0], b->t, t), 0, 0);
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

fl_view fl_band_input(const fl_conv_job *j, const fl_band *b, int q, int rows, real *strip)
{
    const fl_gather *g = &j->g;
    const fl_axis *w = &g->axis[2];
    const int64_t start = fl_tap_pixel(w, q, 0), width = strip_width(w, rows);
    if (start < 0 || start + width > w->in || (g->depthwise && g->in.c % FL_BLOCK != 0)) {
        fl_view v = fill_strip(j, j->in, b, start, width, strip);
        if (j->in_rest) v.rest = fill_strip(j, j->in_rest, b, start, width, strip + j->strip).start;
        return v;
    }
    const int64_t row = (int64_t)g->in.w * g->in.c;
    const int64_t first = fl_at(g->in, b->n, 0, fl_tap_pixel(&g->axis[0], b->t, b->first), 0, 0) + start * g->in.c;
    return (fl_view){j->in + first, j->in_rest ? j->in_rest + first : NULL, row, g->axis[0].tap_step * g->in.h * row, 0};
}
