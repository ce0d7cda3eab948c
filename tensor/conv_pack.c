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
    return total + (fl_conv_spreads(c, pass) ? FL_BLOCK : 0);      /* more than any other algorithm's with these weights */
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

/* Channels first .. last-1 of a tap, where a lane is an output of its own: forward lanes lie a whole kernel apart and channels side
 * by side, to the input it is the other way round. */
static void pack_plain(const fl_conv *c, fl_conv_pass pass, const fl_gather *g, int block, const int tap[3], int first, int last,
                       const real *w, real *to)
{
    enum { TOGETHER = 16 };
    const int left = g->lanes - block * FL_BLOCK, lanes = left < FL_BLOCK ? left : FL_BLOCK;
    int k[3];
    for (int i = 0; i < 3; i++) k[i] = fl_gather_kernel(c, pass, g, i, tap[i], 0);
    if (k[2] < 0) return;
    if (pass == FL_CONV_TO_INPUT) {
        for (int channel = first; channel < last; channel++)
            memcpy(to + (int64_t)channel * FL_BLOCK, w + weight_at(c, channel, block * FL_BLOCK, k), (size_t)lanes * sizeof *to);
        return;
    }
    for (int from = first; from < last; from += TOGETHER) {
        const int end = from + TOGETHER < last ? from + TOGETHER : last;
        for (int v = 0; v < lanes; v++) {
            const real *row = w + weight_at(c, block * FL_BLOCK + v, 0, k);
            for (int channel = from; channel < end; channel++) to[(int64_t)channel * FL_BLOCK + v] = row[channel];
        }
    }
}

/* Lanes and channels of different rows of the weight must lie apart: in one group, each lane an output of its own. */
static bool by_rows(const fl_conv *c, fl_conv_pass pass)
{
    if (c->groups > 1 || fl_scatter_suits(c, pass)) return false;
    return fl_gather_make(c, pass, 0).together == 1;
}

int fl_conv_pack_unit(const fl_conv *c, fl_conv_pass pass)
{
    fl_winograd tiles;
    const bool rows = fl_winograd_make(c, pass, &tiles) || by_rows(c, pass);
    return rows && c->y.c > FL_BLOCK ? FL_BLOCK : c->y.c;
}

/* Everything of a phase that outputs first .. last-1 of the convolution have a part in. w: the first of them. */
static void pack_rows(const fl_conv *c, fl_conv_pass pass, const fl_gather *g, int first, int last, const real *w, real *packed)
{
    const bool forward = pass == FL_CONV_FORWARD;
    const int from = forward ? first / FL_BLOCK : 0, blocks = forward ? (last - first + FL_BLOCK - 1) / FL_BLOCK : g->blocks;
    const int64_t taps = fl_gather_block_size(g) / FL_BLOCK / (g->channels ? g->channels : 1);
    const real *origin = w - weight_at(c, first, 0, (const int[3]){0, 0, 0});
    FL_PARALLEL(item, blocks * taps, 8.0 * (double)(blocks * fl_gather_block_size(g))) {
        const int block = from + (int)(item / taps);
        const int64_t tap = item % taps, row = tap / g->axis[2].taps;
        const int at[3] = {(int)(row / g->axis[1].taps), (int)(row % g->axis[1].taps), (int)(tap % g->axis[2].taps)};
        real *to = packed + block * fl_gather_block_size(g) + tap * g->channels * FL_BLOCK;
        if (!forward) {
            memset(to + (int64_t)first * FL_BLOCK, 0, (size_t)(last - first) * FL_BLOCK * sizeof *to);
            pack_plain(c, pass, g, block, at, first, last, origin, to);
            continue;
        }
        memset(to, 0, (size_t)g->channels * FL_BLOCK * sizeof *to);
        pack_plain(c, pass, g, block, at, 0, g->channels, origin, to);
    }
}

/* A phase in which rows of the weight meet in a vector. */
static void pack_whole(const fl_conv *c, fl_conv_pass pass, const fl_gather *g, const real *w, real *packed)
{
    const int64_t size = fl_gather_block_size(g);
    const int taps[3] = {g->axis[0].taps, g->axis[1].taps, g->axis[2].taps};
    FL_PARALLEL(item, g->groups * g->blocks, 8.0 * (double)(g->groups * g->blocks * size)) {
        real *to = packed + item * size;
        memset(to, 0, (size_t)size * sizeof *to);
        for (int64_t tap = 0; tap < (int64_t)taps[0] * taps[1] * taps[2]; tap++) {
            const int64_t row = tap / taps[2];
            const int at[3] = {(int)(row / taps[1]), (int)(row % taps[1]), (int)(tap % taps[2])};
            for (int channel = 0; channel < g->channels; channel++, to += FL_BLOCK)
                pack_lanes(c, pass, g, (int)item / g->blocks, (int)item % g->blocks, at, channel, w, to);
        }
    }
}

void fl_conv_pack_rows(const fl_conv *c, fl_conv_pass pass, int first, int count, const real *w, real *packed)
{
    fl_winograd tiles;
    if (fl_winograd_make(c, pass, &tiles)) {
        fl_winograd_pack(&tiles, first, count, w, packed);
        return;
    }
    if (fl_scatter_suits(c, pass)) {
        fl_scatter_pack(c, w, packed);
        return;
    }
    const bool rows = by_rows(c, pass);
    fl_assert(rows || (first == 0 && count == c->y.c));
    for (int phase = 0; phase < fl_gather_phases(c, pass); phase++) {
        const fl_gather g = fl_gather_make(c, pass, phase);
        if (rows) pack_rows(c, pass, &g, first, first + count, w, packed);
        else pack_whole(c, pass, &g, w, packed);
        packed += g.groups * g.blocks * fl_gather_block_size(&g);
    }
}

void fl_conv_pack(const fl_conv *c, fl_conv_pass pass, const real *w, real *packed)
{
    fl_conv_pack_rows(c, pass, 0, c->y.c, w, packed);
}
