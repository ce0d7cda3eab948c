/* conv_turn.c: large weights are packed once and turned while they are used (conv_turn.h). */
#include "tensor/conv_turn.h"

#include "tensor/conv_scatter.h"

#include <string.h>

/* When a weight keeps one packing for both directions. Below LEAST numbers it keeps two: turning would cost more time than the memory is
 * worth. A convolution of one pixel spends its time reading the weight, so its limit is LEAST_OF_PIXEL. Tiles with taps along t turn a
 * panel again for every piece of rows: they share a packing only where a clip has at most MOST_TURNINGS pieces, and each turned panel
 * serves LEAST_ROWS tiles. Measured: turning everywhere would cost a tenth of c3d's gradient; this rule costs 3 % of r3d_18's and saves a
 * fifth of its memory. */
enum {
    MOST_TURNINGS = 2, LEAST_ROWS = 48,                      /* of a clip; tiles that a turned panel is used for */
    LEAST = 3 << 20, LEAST_OF_PIXEL = 1 << 20                /* numbers in a packing; of smaller ones there are two */
};

static bool worth_turning(const fl_winograd *w)
{
    const int64_t turnings = fl_winograd_pieces(w), rows = (int64_t)w->tiles[1] * w->tiles[2] * w->out.t;
    return turnings <= MOST_TURNINGS && rows >= turnings * LEAST_ROWS;
}

bool fl_conv_can_turn(const fl_conv *c)
{
    fl_winograd a, b;
    const bool forward = fl_winograd_make(c, FL_CONV_FORWARD, &a), back = fl_winograd_make(c, FL_CONV_TO_INPUT, &b);
    if (c->exact || c->part || forward != back) return false;
    if (forward) return (a.taps == 1 || worth_turning(&b)) && a.m[0] == b.m[0] && a.m[1] == b.m[1] && a.m[2] == b.m[2];
    return c->groups == 1 && !fl_scatter_suits(c, FL_CONV_TO_INPUT) && fl_gather_make(c, FL_CONV_FORWARD, 0).together == 1 &&
           fl_gather_make(c, FL_CONV_TO_INPUT, 0).together == 1;
}

bool fl_conv_turns(const fl_conv *c)
{
    const bool pixel = fl_shape_pixels(c->x) == c->x.n && fl_shape_pixels(c->y) == c->y.n;
    return fl_conv_packed_count(c, FL_CONV_FORWARD) >= (pixel ? LEAST_OF_PIXEL : LEAST) && fl_conv_can_turn(c);
}

typedef real four __attribute__((vector_size(4 * sizeof(real))));

#define MIX __builtin_shufflevector

/* Four by four, in registers. */
static inline void turn_four(const real *from, real sign, real *to)
{
    four a[4];
    for (int i = 0; i < 4; i++) {
        memcpy(&a[i], from + i * FL_BLOCK, sizeof a[i]);
        a[i] *= sign;
    }
    const four low = MIX(a[0], a[1], 0, 4, 1, 5), high = MIX(a[0], a[1], 2, 6, 3, 7);
    const four low2 = MIX(a[2], a[3], 0, 4, 1, 5), high2 = MIX(a[2], a[3], 2, 6, 3, 7);
    const four out[4] = {MIX(low, low2, 0, 1, 4, 5), MIX(low, low2, 2, 3, 6, 7),
                         MIX(high, high2, 0, 1, 4, 5), MIX(high, high2, 2, 3, 6, 7)};
    for (int k = 0; k < 4; k++) memcpy(to + k * FL_BLOCK, &out[k], sizeof out[k]);
}

void fl_turn_square(const real *from, int channels, int outputs, real sign, const real *next, real *to)
{
    if (channels == FL_BLOCK && outputs == FL_BLOCK) {
        for (int o = 0; o < FL_BLOCK; o += 4)
            for (int i = 0; i < FL_BLOCK; i += 4) {
                __builtin_prefetch(next + (o / 4 * 8 + i / 4) * 16);
                turn_four(from + i * FL_BLOCK + o, sign, to + o * FL_BLOCK + i);
            }
        return;
    }
    for (int o = 0; o < outputs; o++)
        for (int i = 0; i < FL_BLOCK; i++) to[o * FL_BLOCK + i] = i < channels ? sign * from[i * FL_BLOCK + o] : R(0.0);
}

static int least(int a, int b) { return a < b ? a : b; }

/* ---- by tiles ---- */

void fl_winograd_turn(const fl_winograd *w, const real *forward, int p, int b, real *panel)
{
    real sign;
    const int inputs = w->out.c, outputs = w->in.c;                  /* of the forward convolution */
    const int64_t blocks = (outputs + FL_BLOCK - 1) / FL_BLOCK, q = fl_winograd_flipped(w, p, &sign);
    for (int tap = 0; tap < w->taps; tap++)
        for (int64_t o = 0; o < blocks; o++) {
            const int64_t at = ((q * blocks + o) * w->taps + w->taps - 1 - tap) * inputs + (int64_t)b * FL_BLOCK;
            const real *from = forward + at * FL_BLOCK, *next = o + 1 < blocks ? from + (int64_t)w->taps * inputs * FL_BLOCK : from;
            fl_turn_square(from, least(FL_BLOCK, inputs - b * FL_BLOCK), least(FL_BLOCK, outputs - (int)o * FL_BLOCK), sign, next,
                           panel + ((int64_t)tap * outputs + o * FL_BLOCK) * FL_BLOCK);
        }
}

/* ---- direct ---- */

void fl_gather_turn(const fl_conv *c, const fl_gather *g, const real *forward, int b, int64_t tap, int from, int to, real *panel)
{
    const int64_t row = tap / g->axis[2].taps;
    const int at[3] = {(int)(row / g->axis[1].taps), (int)(row % g->axis[1].taps), (int)(tap % g->axis[2].taps)};
    int64_t kernel = 0, all = 1;
    for (int i = 0; i < 3; i++) {
        kernel = kernel * c->win.k[i] + fl_gather_kernel(c, FL_CONV_TO_INPUT, g, i, at[i], 0);
        all *= c->win.k[i];
    }
    for (int o = from, end; o < to; panel += (int64_t)(end - o) * FL_BLOCK, o = end) {
        end = least(to, o / FL_BLOCK * FL_BLOCK + FL_BLOCK);
        const real *square = forward + ((o / FL_BLOCK * all + kernel) * c->x.c + (int64_t)b * FL_BLOCK) * FL_BLOCK;
        fl_turn_square(square + o % FL_BLOCK, least(FL_BLOCK, g->lanes - b * FL_BLOCK), end - o, 1,
                       end < c->y.c ? square + all * c->x.c * FL_BLOCK : square, panel);
    }
}
