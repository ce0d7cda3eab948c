/* winograd_plan.c: which tile a convolution takes, if any: the one with the fewest multiplications, weights
 * counted. */
#include "tensor/kernels.h"
#include "tensor/winograd.h"

enum {
    LEAST_CHANNELS = 32,        /* below, the transforms cost more than they save */
    MOST_CUBED = 75,            /* channels of 2 x 4 x 4: above, direct sums come in parts and are more exact */
    WEIGHTS_AS_TILES = 32,      /* fetching a weight takes as long as using it so often */
    MOST_WEIGHTS = 12 << 20     /* reals of a packed weight */
};
static const double LEAST_GAIN = 1.3;

static const int tile[][3] = {{2, 4, 4}, {2, 2, 4}, {2, 2, 2}, {1, 4, 4}, {1, 2, 2}, {4, 1, 1}, {2, 1, 1}};
enum { TILES = (int)(sizeof tile / sizeof *tile) };

static int ceil_div(int a, int b) { return (a + b - 1) / b; }

static bool suits(const fl_conv *c)
{
    bool three = false;
    for (int i = 0; i < 3; i++) {
        if (c->win.s[i] != 1 || c->win.d[i] != 1 || (c->win.k[i] != 1 && c->win.k[i] != 3)) return false;
        three = three || c->win.k[i] == 3;
    }
    return three && c->groups == 1 && c->x.c >= LEAST_CHANNELS && c->y.c >= LEAST_CHANNELS && !c->direct;
}

static double product(const int n[3]) { return (double)n[0] * n[1] * n[2]; }

/* The tile, from channels, window and extents. */
static bool choose(const fl_conv *c, fl_conv_pass pass, fl_winograd *best)
{
    fl_winograd w = {.in = c->x, .out = c->y, .transposed = pass == FL_CONV_TO_INPUT};
    if (w.transposed) w.in = c->y, w.out = c->x;
    w.blocks = ceil_div(w.out.c, FL_BLOCK);
    for (int i = 0; i < 3; i++) w.k[i] = c->win.k[i];
    const int extent[3] = {w.out.t, w.out.h, w.out.w};
    double least = product(w.k) * (product(extent) + WEIGHTS_AS_TILES) / LEAST_GAIN;
    bool found = false;
    for (int i = 0; i < TILES; i++) {
        bool fits = true;
        for (int axis = 0; axis < 3; axis++) {
            fits = fits && (tile[i][axis] > 1) == (w.k[axis] > 1) && (i > 0 || w.in.c <= MOST_CUBED);
            w.m[axis] = tile[i][axis];
            w.side[axis] = w.m[axis] + w.k[axis] - 1;
            w.tiles[axis] = ceil_div(extent[axis], w.m[axis]);
        }
        w.points = w.side[0] * w.side[1] * w.side[2];
        const double cost = w.points * (product(w.tiles) + WEIGHTS_AS_TILES);
        if (!fits || cost >= least || fl_winograd_packed_count(&w) > MOST_WEIGHTS) continue;
        least = cost;
        *best = w;
        found = true;
    }
    return found;
}

bool fl_winograd_make(const fl_conv *c, fl_conv_pass pass, fl_winograd *w)
{
    fl_conv whole = *c;
    if (c->part) whole.x = c->whole_x, whole.y = c->whole_y;
    if (!suits(c) || !choose(&whole, pass, w)) return false;
    w->in = w->transposed ? c->y : c->x;
    w->out = w->transposed ? c->x : c->y;
    const int extent[3] = {w->out.t, w->out.h, w->out.w};
    for (int i = 0; i < 3; i++) {
        w->lo[i] = w->transposed ? w->k[i] - 1 - c->win.lo[i] : c->win.lo[i];
        w->tiles[i] = ceil_div(extent[i], w->m[i]);
    }
    return true;
}
