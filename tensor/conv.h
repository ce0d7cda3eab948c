/* conv.h: convolution on channels-last arrays, and its two transposes. Everything about speed is behind this.
 *
 *   y[n,o,t,h,w] = b[o] + sum over (kt,kh,kw,i) of
 *                         x[n, i, t*s0 + kt*d0 - lo0, h*s1 + kh*d1 - lo1, w*s2 + kw*d2 - lo2] * w[o,i,kt,kh,kw]
 *
 * Elements outside x count as zero. With groups g, output channel o sees the input channels of its group
 * only, and the weight's second axis is ci/g.
 *
 * The sum of one element has one fixed order, whatever the instruction set, the thread count or the batch: forward
 * it starts with the bias and takes (kt, kh, kw, i) ascending; to the input it takes the kernel elements backwards
 * and, within one, o ascending; to the weights, pixels of y in blocks fixed by the shape. Sums of more than 2048
 * products (padding counted) are made of parts, which are shorter and so lose less: one part for every row of
 * kernel elements along w, cut after every 2048 products; the parts are added in their order. Machines with fused
 * multiply-add give the same bits, the others differ by rounding.
 *
 * Windows of three taps and stride 1 over many channels go by Winograd's tiles instead (winograd.h), unless
 * `direct` is set: less than half the time, another order of sums. So does the gradient of weights, where both sides
 * have 64 channels or more and a clip has tiles enough. To the input, a stem goes by scattering (conv_scatter.h).
 * Bits do not depend on threads, batch or vectors there either.
 * Weights are packed once and used many times; a packed weight depends on channels, groups, window and algorithm,
 * and the algorithm on these and the extents of a clip. Equal counts mean equal algorithms; whether there is a second packing
 * at all, for the way to the input, depends on the extents as well (fl_conv_turns). */
#ifndef FL_CONV_H
#define FL_CONV_H

#include "tensor/finish.h"
#include "tensor/tensor.h"

typedef struct fl_window {      /* of a convolution or a pool, per axis t, h, w */
    int k[3], s[3], d[3];       /* kernel, stride, dilation */
    int lo[3], hi[3];           /* zero padding before and after; may differ */
} fl_window;

typedef struct fl_conv {
    fl_shape x, y;              /* input and output */
    fl_window win;
    int groups;
    bool direct;                /* no fast algorithm: every sum in the order above */
    bool exact;                 /* with direct: forward and to the input have every sum in double, in one part, rounded once: the same
                                   bits on every machine, and the nearest to the truth that float32 can hold */
    bool turned;                /* to the input: packed is the packing of FORWARD; only where fl_conv_can_turn */
    /* part: x and y are cut from larger arrays of these extents. Algorithm and packed weights are theirs. Forward, when y is made of whole
     * tiles of theirs (fl_conv_grid; the last may be cut, where they end) and x holds zeros outside, every element has its bits. */
    bool part;
    fl_shape whole_x, whole_y;
} fl_conv;

typedef enum fl_conv_pass { FL_CONV_FORWARD, FL_CONV_TO_INPUT, FL_CONV_TO_WEIGHTS } fl_conv_pass;

/* Length of an axis after the window, floor convention, and after its transpose; 0 when the window does not fit, or an int does not hold
 * the length. */
int fl_window_extent(const fl_window *, int axis, int length);
int fl_window_spread(const fl_window *, int axis, int length);

/* Whether the way to the input can read what is packed for the way forward: large weights, of which one packing is enough. With
 * `turned` it does, and gives the bits that it would give with its own. */
bool    fl_conv_turns(const fl_conv *);
bool    fl_conv_can_turn(const fl_conv *);              /* however small */

int64_t fl_conv_packed_count(const fl_conv *, fl_conv_pass);   /* reals of a packed weight; FORWARD and TO_INPUT */
void    fl_conv_pack(const fl_conv *, fl_conv_pass, const real *w, real *packed);     /* w: O,KT,KH,KW,I/g in memory */
/* The same piece by piece: rows first .. first+count-1 (of O) of the weight, w pointing at the first. Pieces begin at multiples of
 * the unit and are whole units, the last one aside; each writes its own part, so they may run at the same time. */
int     fl_conv_pack_unit(const fl_conv *, fl_conv_pass);
void    fl_conv_pack_rows(const fl_conv *, fl_conv_pass, int first, int count, const real *w, real *packed);

/* Bytes of 64-byte aligned scratch memory, for the threads of now (fl_threads); its contents do not matter. */
size_t fl_conv_scratch(const fl_conv *, fl_conv_pass);

/* FORWARD from x to y, TO_INPUT from gy to gx. b: forward only, or NULL. finish, if not NULL, has the last word on every element
 * of the result (finish.h). */
void fl_conv_run(const fl_conv *, fl_conv_pass, const real *from, const real *packed, const real *b, const fl_finish *finish,
                 real *to, void *scratch);

/* Of an exact convolution, with remainders: y = round(s) and y_rest = round(s - y), where s is the sum for x + x_rest (NULL: 0). */
void fl_conv_forward_rest(const fl_conv *, const real *x, const real *x_rest, const real *packed, const real *b, real *y, real *y_rest,
                          void *scratch);

/* They overwrite y, gx and gw. b may be NULL; gw lies like w. */
void fl_conv_forward   (const fl_conv *, const real *x, const real *packed, const real *b, real *y, void *scratch);
void fl_conv_to_input  (const fl_conv *, const real *gy, const real *packed, real *gx, void *scratch);
void fl_conv_to_weights(const fl_conv *, const real *x, const real *gy, real *gw, void *scratch);

/* Forward, y is computed in tiles of so many places along t, h, w; 1,1,1 where it goes place by place. */
void fl_conv_grid(const fl_conv *, int tile[3]);

double fl_conv_flops(const fl_conv *);                         /* 2 per multiply-add, taps in the padding included */

#endif
