/* winograd_pack.c: G g, once per weight, in a wider type and rounded once: tiles make a weight's rounding errors larger. */
#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tensor/winograd.h"

#include <string.h>

#ifdef FL_F64
typedef long double wide;
#else
typedef double wide;
#endif

/* Rows of F(4,3), at 0, 2/3, -2/3, 3/2, -3/2 and infinity, over the scales that winograd_body.h gives to B^T and
 * A^T. */
#define NEAR ((wide)16 / 130)
#define FAR  ((wide)64 / 1170)
static const wide g2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const wide g4[6][3] = {{(wide)-4 / 9, 0, 0},
                                {-NEAR, -NEAR * 2 / 3, -NEAR * 4 / 9}, {NEAR, -NEAR * 2 / 3, NEAR * 4 / 9},
                                {-FAR, -FAR * 1.5, -FAR * 2.25}, {-FAR, FAR * 1.5, -FAR * 2.25}, {0, 0, (wide)-4 / 9}};

typedef wide lanes[FL_BLOCK];

/* Three weights, `step` apart, become m+2 values, as far apart. One tap stays as it is. */
static void along(int m, int taps, const lanes *from, lanes *to, int step)
{
    if (taps == 1) {
        memcpy(to[0], from[0], sizeof to[0]);
        return;
    }
    for (int i = 0; i < m + 2; i++) {
        const wide *g = m == 2 ? g2[i] : g4[i];
        for (int v = 0; v < FL_BLOCK; v++)
            to[i * step][v] = g[0] * from[0][v] + g[1] * from[step][v] + g[2] * from[2 * step][v];
    }
}

/* The kernel elements of one tap along t (or all of them, where tiles lie along t), one channel and one block of outputs; what is
 * no output is zero. */
static void fetch(const fl_winograd *w, const real *weight, int block, int tap_t, int channel, lanes *to)
{
    const int all = w->k[0] * w->k[1] * w->k[2], taps = all / w->taps;
    for (int i = 0; i < taps; i++)
        for (int v = 0; v < FL_BLOCK; v++) {
            const int64_t output = block * FL_BLOCK + v;
            const int tap = tap_t * taps + i;
            const int64_t at = w->transposed ? ((int64_t)channel * all + tap) * w->out.c + output
                                             : (output * all + tap) * w->in.c + channel;
            to[i][v] = output < w->out.c ? (wide)weight[at] : 0;
        }
}

/* One axis after the other, h and w of every plane first. */
static void transform(const fl_winograd *w, lanes *a, lanes *b)
{
    const int k[3] = {w->k[0] / w->taps, w->k[1], w->k[2]}, *side = w->side;
    for (int row = 0; row < k[0] * k[1]; row++) along(w->m[2], k[2], a + row * k[2], b + row * side[2], 1);
    for (int t = 0; t < k[0]; t++)
        for (int j = 0; j < side[2]; j++)
            along(w->m[1], k[1], b + t * k[1] * side[2] + j, a + t * side[1] * side[2] + j, side[2]);
    for (int i = 0; i < side[1] * side[2]; i++) along(w->m[0], k[0], a + i, b + i, side[1] * side[2]);
}

/* Rows of G whose elements are those of row i backwards: 0 and infinity, p and 1/p; 1 and -1 are their own. */
static int flipped(int m, int i, real *sign)
{
    static const int of2[4] = {3, 1, 2, 0}, of4[6] = {5, 3, 4, 1, 2, 0};
    if (m == 4 && (i == 2 || i == 4)) *sign = -*sign;
    return m == 1 ? i : m == 2 ? of2[i] : of4[i];
}

int fl_winograd_flipped(const fl_winograd *w, int p, real *sign)
{
    const int *side = w->side;
    *sign = 1;
    const int t = flipped(w->m[0], p / (side[1] * side[2]), sign);
    const int h = flipped(w->m[1], p / side[2] % side[1], sign);
    return (t * side[1] + h) * side[2] + flipped(w->m[2], p % side[2], sign);
}

void fl_winograd_pack(const fl_winograd *w, int first, int count, const real *rows, real *packed)
{
    const int row = w->k[0] * w->k[1] * w->k[2] * (w->transposed ? w->out.c : w->in.c);
    const real *weight = rows - (int64_t)first * row;
    const int64_t panel = (int64_t)w->taps * w->in.c, all = w->blocks * panel;
    const int channels = w->transposed ? count : w->in.c, channel = w->transposed ? first : 0;       /* of these rows, of all taps */
    const int blocks = w->transposed ? w->blocks : (count + FL_BLOCK - 1) / FL_BLOCK, block = w->transposed ? 0 : first / FL_BLOCK;
    const int64_t items = (int64_t)blocks * w->taps * channels;
    FL_PARALLEL(item, items, 16.0 * (double)(items * w->points * FL_BLOCK)) {
        const int tap = (int)(item / channels % w->taps), at = channel + (int)(item % channels);
        const int b = block + (int)(item / channels / w->taps);
        lanes from[FL_WINOGRAD_POINTS] = {{0}}, to[FL_WINOGRAD_POINTS] = {{0}};
        fetch(w, weight, b, tap, at, from);
        transform(w, from, to);
        const int tap_there = w->transposed ? w->taps - 1 - tap : tap;      /* flipped taps: the same numbers in other places */
        real *place = packed + (b * panel + (int64_t)tap_there * w->in.c + at) * FL_BLOCK, sign = 1;
        for (int p = 0; p < w->points; p++) {
            const int q = w->transposed ? fl_winograd_flipped(w, p, &sign) : p;
            for (int v = 0; v < FL_BLOCK; v++) place[p * all * FL_BLOCK + v] = sign * (real)to[q][v];
        }
    }
}
