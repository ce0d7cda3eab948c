/* conv_turn.h: one packed form of a weight for both directions.
 *
 * To the input a convolution reads the transpose of what it reads forward. Of a large weight there is no second packing: squares of
 * 32 x 32 of the forward one are turned into a piece of the other, which is used up while it is in the cache, and forgotten.
 *
 *     forward    [block of outputs][tap][channel i][32 outputs]
 *     turned     [block of inputs] [tap][channel o][32 inputs]            the same numbers: the same bits as with a packing of its own
 *
 * By tiles (winograd.h) the points are those of the flipped taps: the point sets are closed under x -> 1/x, so another point, and
 * for some of F(4,3) the other sign.
 *
 * Internal to tensor/. */
#ifndef FL_CONV_TURN_H
#define FL_CONV_TURN_H

#include "tensor/conv_plan.h"
#include "tensor/winograd.h"

/* channels x outputs numbers, rows of FL_BLOCK, become rows of FL_BLOCK the other way round, up to FL_BLOCK of each; sign 1 or -1;
 * lanes that nothing falls on are zero. next: a square that will be wanted soon. */
void fl_turn_square(const real *from, int channels, int outputs, real sign, const real *next, real *to);

/* Point p, block b of the packing to the input, from the forward one: [tap][channel][FL_BLOCK]. */
void fl_winograd_turn(const fl_winograd *, const real *forward, int p, int b, real *panel);

/* Channels from .. to-1 of tap number `tap` of block b of a phase of TO_INPUT, from the forward packing: [channel][FL_BLOCK]. */
void fl_gather_turn(const fl_conv *, const fl_gather *, const real *forward, int b, int64_t tap, int from, int to, real *panel);

#endif
