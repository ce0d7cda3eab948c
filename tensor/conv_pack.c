/* conv_pack.c: weights in the order in which the kernels read them.
 *
 * [phase][group][block of lanes][tap t][tap h][tap w][channel][FL_BLOCK lanes]; lanes without an output are zero. */
#include "tensor/conv_plan.h"
#include "tensor/conv_scatter.h"
#include "tensor/par.h"
#include "tensor/winograd.h"

#include <string.h>

int64_t fl_conv_packed_count(const fl_conv *c, fl_conv_pass pass)
{
    fl_winograd tiles;
    if (fl_winograd_make(c, pass, &tiles)) return fl_winograd_packed_count(&tiles);
    if (fl_scatter_suits(c, pass)) return fl_scatter_packed_count(c);
    int64_t total = 0;
    for (int phase = 0; phase < fl_gather_phases(c, pass); phase++) {
        const fl_gather g = fl_gather_make(c, pass, phase);
        total += g.groups * g.blocks * fl_gather_block_size(&g);
    }
    return total;
}

static int64_t weight_at(const fl_conv *c, int o, int i, const int k[3])      /* O,I/g,KT,KH,KW, channels last */
{
    const int *n = c->win.k;
    return ((((int64_t)o * n[0] + k[0]) * n[1] + k[1]) * n[2] + k[2]) * (c->x.c / c->groups) + i;
}

/* One row of lanes: tap (t, h, w), channel `channel` of the group. */
static void pack_lanes(const fl_conv *c, fl_conv_pass pass, const fl_gather *g, int group, int block,
                       const int tap[3], int channel, const real *w, real *to)
{
    const int outputs = g->lanes / g->together;
    int k[3];
    for (int i = 0; i < 2; i++) k[i] = fl_gather_kernel(c, pass, g, i, tap[i], 0);
    for (int v = 0; v < FL_BLOCK && block * FL_BLOCK + v < g->lanes; v++) {
        const int lane = block * FL_BLOCK + v, output = lane % outputs;
        k[2] = fl_gather_kernel(c, pass, g, 2, tap[2], lane / outputs);
        if (k[2] < 0) continue;
        if (g->depthwise) to[v] = w[weight_at(c, output, 0, k)];
        else if (pass == FL_CONV_FORWARD) to[v] = w[weight_at(c, group * outputs + output, channel, k)];
        else to[v] = w[weight_at(c, group * g->channels + channel, output, k)];
    }
}

/* All channels of a tap, where a lane is an output of its own: forward lanes lie a whole kernel apart and channels side by side,
 * to the input it is the other way round. */
static void pack_plain(const fl_conv *c, fl_conv_pass pass, const fl_gather *g, int group, int block, const int tap[3],
                       const real *w, real *to)
{
    enum { TOGETHER = 16 };
    const int left = g->lanes - block * FL_BLOCK, lanes = left < FL_BLOCK ? left : FL_BLOCK;
    int k[3];
    for (int i = 0; i < 3; i++) k[i] = fl_gather_kernel(c, pass, g, i, tap[i], 0);
    if (k[2] < 0) return;
    if (pass == FL_CONV_TO_INPUT) {
        for (int channel = 0; channel < g->channels; channel++)
            memcpy(to + (int64_t)channel * FL_BLOCK, w + weight_at(c, group * g->channels + channel, block * FL_BLOCK, k),
                   (size_t)lanes * sizeof *to);
        return;
    }
    for (int first = 0; first < g->channels; first += TOGETHER) {
        const int end = first + TOGETHER < g->channels ? first + TOGETHER : g->channels;
        for (int v = 0; v < lanes; v++) {
            const real *from = w + weight_at(c, group * g->lanes + block * FL_BLOCK + v, 0, k);
            for (int channel = first; channel < end; channel++) to[(int64_t)channel * FL_BLOCK + v] = from[channel];
        }
    }
}

void fl_conv_pack(const fl_conv *c, fl_conv_pass pass, const real *w, real *packed)
{
    fl_winograd tiles;
    if (fl_winograd_make(c, pass, &tiles)) {
        fl_winograd_pack(&tiles, w, packed);
        return;
    }
    if (fl_scatter_suits(c, pass)) {
        fl_scatter_pack(c, w, packed);
        return;
    }
    for (int phase = 0; phase < fl_gather_phases(c, pass); phase++) {
        const fl_gather g = fl_gather_make(c, pass, phase);
        const int64_t size = fl_gather_block_size(&g);
        const int taps[3] = {g.axis[0].taps, g.axis[1].taps, g.axis[2].taps};
        FL_PARALLEL(item, g.groups * g.blocks, 8.0 * (double)(g.groups * g.blocks * size)) {
            real *to = packed + item * size;
            memset(to, 0, (size_t)size * sizeof *to);
            for (int64_t tap = 0; tap < (int64_t)taps[0] * taps[1] * taps[2]; tap++) {
                const int64_t row = tap / taps[2];
                const int at[3] = {(int)(row / taps[1]), (int)(row % taps[1]), (int)(tap % taps[2])};
                const int group = (int)item / g.blocks, block = (int)item % g.blocks;
                const bool plain = g.together == 1 && !g.depthwise;
                if (plain) pack_plain(c, pass, &g, group, block, at, w, to);
                for (int channel = 0; !plain && channel < g.channels; channel++)
                    pack_lanes(c, pass, &g, group, block, at, channel, w, to + (int64_t)channel * FL_BLOCK);
                to += (int64_t)g.channels * FL_BLOCK;
            }
        }
        packed += g.groups * g.blocks * size;
    }
}
