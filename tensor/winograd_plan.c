/* winograd_plan.c: which tile a convolution takes, if any: the one with the least work, multiplications, transforms and
 * the fetching of weights counted. */
#include "tensor/kernels.h"
#include "tensor/winograd.h"

enum {
    LEAST_CHANNELS = 32,        /* below, the transforms cost more than they save */
    LEAST_OF_GRADIENT = 64, LEAST_TILES = 32,
    WEIGHTS_AS_TILES = 32,      /* fetching a weight takes as long as using it so often */
    TRANSFORM = 20,             /* along one axis a number is transformed in the time of so many products, shared by all channels */
    MOST_WEIGHTS = 12 << 20     /* reals of a packed weight */
};
static const double LEAST_GAIN = 1.08;

static const int tile[][3] = {{1, 4, 4}, {1, 2, 2}, {4, 1, 1}, {2, 1, 1}};
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

/* Planes that the taps along t read, all taken together: padding is not multiplied. As if it were the same on both sides. */
static int planes_read(int taps, int in, int out)
{
    int planes = 0;
    const int lo = (out + taps - 1 - in) / 2;
    for (int k = 0; k < taps; k++)
        for (int t = 0; t < out; t++) planes += t + k - lo >= 0 && t + k - lo < in;
    return planes;
}

int64_t fl_winograd_packed_count(const fl_winograd *w)
{
    return (int64_t)w->points * w->blocks * w->taps * w->in.c * FL_BLOCK;
}

/* The tile, from channels, window and extents. */
static bool choose(const fl_conv *c, fl_conv_pass pass, fl_winograd *best)
{
    fl_winograd w = {.in = c->x, .out = c->y, .transposed = pass == FL_CONV_TO_INPUT};
    if (w.transposed) w.in = c->y, w.out = c->x;
    w.blocks = ceil_div(w.out.c, FL_BLOCK);
    for (int i = 0; i < 3; i++) w.k[i] = c->win.k[i];
    const int extent[3] = {w.out.t, w.out.h, w.out.w};
    const int planes = planes_read(w.k[0], w.in.t, w.out.t);
    const double transform = TRANSFORM * (1.0 / w.in.c + 1.0 / w.out.c);
    double least = ((double)w.k[1] * w.k[2] * planes * extent[1] * extent[2] + product(w.k) * WEIGHTS_AS_TILES) / LEAST_GAIN;
    bool found = false;
    for (int i = 0; i < TILES; i++) {
        bool fits = true;
        for (int axis = 0; axis < 3; axis++) {
            fits = fits && (tile[i][axis] == 1 || w.k[axis] > 1) && (tile[i][axis] > 1 || w.k[axis] == 1 || axis == 0);
            w.m[axis] = tile[i][axis];
            w.side[axis] = w.m[axis] > 1 ? w.m[axis] + w.k[axis] - 1 : 1;
            w.tiles[axis] = ceil_div(extent[axis], w.m[axis]);
        }
        w.taps = w.m[0] > 1 ? 1 : w.k[0];
        w.points = w.side[0] * w.side[1] * w.side[2];
        const double plane = (double)w.tiles[1] * w.tiles[2];
        const double used = plane * (w.taps > 1 ? planes : w.tiles[0]), moved = plane * w.tiles[0] * (w.m[2] > 1 ? 2 : 1);
        const double cost = w.points * (used + moved * transform + w.taps * (double)WEIGHTS_AS_TILES);
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
    w->turned = w->transposed && c->turned;
    w->in = w->transposed ? c->y : c->x;
    w->out = w->transposed ? c->x : c->y;
    const int extent[3] = {w->out.t, w->out.h, w->out.w};
    for (int i = 0; i < 3; i++) {
        w->lo[i] = w->transposed ? w->k[i] - 1 - c->win.lo[i] : c->win.lo[i];
        w->tiles[i] = ceil_div(extent[i], w->m[i]);
    }
    return true;
}

/* With fewer tiles the weights themselves are what there is to do. */
bool fl_winograd_weights_suit(const fl_conv *c, fl_winograd *w)
{
    if (c->x.c < LEAST_OF_GRADIENT || c->y.c < LEAST_OF_GRADIENT || !fl_winograd_make(c, FL_CONV_FORWARD, w)) return false;
    return w->tiles[0] * w->tiles[1] * w->tiles[2] >= LEAST_TILES;
}
