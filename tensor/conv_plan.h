/* conv_plan.h: a convolution and its transpose seen as the same thing: every output pixel gathers taps.
 *
 * Along one axis, the output pixels  position * out_step + out_first  (position = 0 .. count-1) read the input
 * pixels  position * in_step + offset + tap * tap_step  (tap = 0 .. taps-1). Forward that is the definition.
 * To the input, a stride s splits the axis into s phases (the pixels with the same remainder), each of
 * which is met by every s-th kernel element; the taps run backwards, so input addresses ascend.
 *
 * Few output channels would leave most lanes of a vector empty. Then `together` neighbouring pixels along w
 * make one output: their channels lie side by side in memory, their taps overlap, weights that do not
 * belong are zero. The order of every sum stays what it was.
 *
 * Internal to tensor/conv*.c. */
#ifndef FL_CONV_PLAN_H
#define FL_CONV_PLAN_H

#include "tensor/conv.h"
#include "tensor/kernels.h"

typedef struct fl_axis {
    int in, out;                        /* extents of the array that is read, and of the one that is written */
    int count, out_step, out_first;
    int in_step, offset, taps, tap_step;
} fl_axis;

typedef struct fl_gather {              /* one phase of a pass */
    fl_shape in, out;
    fl_axis axis[3];
    int groups;                         /* 1 when depthwise: there all channels are lanes */
    int channels;                       /* summed per tap and group: 1 when depthwise */
    int lanes, blocks;                  /* of a group: outputs side by side, in blocks of FL_BLOCK */
    int together;
    bool depthwise;
} fl_gather;

fl_conv fl_conv_collapse(const fl_conv *);     /* the same arrays with as few and as long axes as the window allows */
bool    fl_conv_is_depthwise(const fl_conv *);
bool    fl_conv_spreads(const fl_conv *, fl_conv_pass);     /* to the input, from a kernel as large as the frame */

int       fl_gather_phases(const fl_conv *, fl_conv_pass);
fl_gather fl_gather_make(const fl_conv *, fl_conv_pass, int phase);
int64_t   fl_gather_block_size(const fl_gather *);        /* reals of one packed block of a phase */

/* The kernel element that tap `tap` of pixel `which` (0 .. together-1) stands for; -1: none, the weight is zero. */
int fl_gather_kernel(const fl_conv *, fl_conv_pass, const fl_gather *, int axis, int tap, int which);

/* The taps [*first, *last) that read inside the array; empty when *last <= *first. */
void fl_axis_inside(const fl_axis *, int position, int *first, int *last);

size_t fl_conv_gather_scratch(const fl_conv *, fl_conv_pass);   /* FORWARD and TO_INPUT */
size_t fl_conv_weights_scratch(const fl_conv *);

#endif
