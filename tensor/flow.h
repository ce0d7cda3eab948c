/* flow.h: optical flow by TV-L1: which way, and how far, each pixel moves from one frame to the next.
 *
 * The flow (u, v) of a pixel is in pixels per frame, u to the right, v downwards: what is at (x, y) in frame 0 is at
 * (x + u, y + v) in frame 1. It is the minimum of (Zach, Pock, Bischof 2007, "A duality based approach for realtime
 * TV-L1 optical flow"; Sanchez, Meinhardt-Llopis, Facciolo 2013, "TV-L1 optical flow estimation", IPOL 3)
 *
 *   sum over pixels of  |grad u| + |grad v| + lambda |r(u, v)|,      r(u, v) = I1(x + u, y + v) - I0(x, y)
 *
 * where r is replaced by its tangent at the present flow (u', v'):  r = I1w + g . (u - u', v - v') - I0, with I1w and
 * its gradient g read from frame 1 at (x + u', y + v'). That is a *warp*. Between two warps a second field d takes
 * the data term, tied to u by |u - d|^2 / (2 theta), and the two are solved in turn, again and again:
 *
 *   d = u + g clamp(-r(u) / |g|^2, -lambda theta, lambda theta)                      pixel by pixel: soft threshold
 *   u = d + theta div p                                                             p: dual of grad u, |p| <= 1
 *   p = (p + tau/theta grad u) / (1 + tau/theta |grad u|)           div p: backward, grad: forward differences
 *
 * until the mean square change of u falls below epsilon^2 pixels^2. Large motion is found in small pictures first:
 * the frames are reduced again and again by `step`, and the flow of a level is enlarged to begin the next. Outliers
 * go by a median of u and v over median x median pixels, before every `inner` rounds.
 *
 * The numbers of fl_flow_default are those of OpenCV's DualTVL1OpticalFlow, with which the flow for the published
 * two-stream and I3D networks was made, so that a network sees what it was trained on; grey is 0..255, on which
 * lambda depends. Three things are done otherwise, because they find the truth of synthetic motion better: levels
 * halve, as in IPOL (0.8 and 5 levels lose motion of 8 pixels); a level is blurred before it is reduced (0.6
 * sqrt(1/step^2 - 1) pixels, IPOL too); and a pixel whose partner lies outside frame 1 has no data term, where OpenCV
 * compares it with black.
 *
 * Every sum has a fixed order: same bits for any number of threads and any instruction set. */
#ifndef FL_FLOW_H
#define FL_FLOW_H

#include "tensor/arena.h"
#include "tensor/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fl_flow_params {
    double tau, lambda, theta;       /* step of the dual; weight of the data; how tightly u and d are tied */
    double epsilon;                  /* pixels; 0: all rounds are done */
    double step;                     /* size of a level from the one before; below 1 */
    int levels;                      /* at most; no level has a side below 16 pixels, save the first */
    int warps;                       /* per level */
    int outer, inner;                /* rounds per warp: outer * inner at most */
    int median;                      /* 0: none; 3 or 5 */
} fl_flow_params;

enum { FL_FLOW_LEVELS = 16, FL_FLOW_SIDE = 16384 };

/* 0.25, 0.15, 0.3; 0.01; 0.5 and 5 levels; 5 warps of 10 x 30 rounds; median 5 */
fl_flow_params fl_flow_default(void);

/* FL_USAGE, with the name of the number, unless all are in range and the sides are 1 .. FL_FLOW_SIDE. */
fl_status fl_flow_check(const fl_flow_params *, int height, int width, fl_error *);

/* Luma of 8-bit RGB, BT.601: 0.299 R + 0.587 G + 0.114 B, 0..255. */
void fl_flow_grey(const unsigned char *rgb, int64_t pixels, real *grey);

/* From frame0 to frame1 (H,W, grey 0..255) into flow (H,W,2: u, v). Scratch memory comes from the arena and is given
 * back. Statuses of fl_flow_check and of memory. */
fl_status fl_flow_tvl1(fl_arena *scratch, const real *frame0, const real *frame1, int height, int width,
                       const fl_flow_params *, real *flow);

/* The same for many pairs of the frames (frames, H,W each): flow (pairs,H,W,2), pair i from frame first[i] to
 * first[i] + 1. Pairs run side by side on several threads. told (may be NULL) is called between them with how many
 * are done; false stops with FL_LIMIT. */
typedef bool fl_flow_told(int done, int pairs, void *user);
fl_status fl_flow_pairs(fl_arena *scratch, const real *frames, const int *first, int pairs, int height, int width,
                        const fl_flow_params *, fl_flow_told *told, void *user, real *flow);

/* Root of the mean square of I1(x + u, y + v) - I0(x, y), over the pixels whose partner lies inside frame 1 (grey
 * values; 0 where there is none): how well a flow explains a pair. Interpolation as in the warps. */
double fl_flow_residual(const real *frame0, const real *frame1, int height, int width, const real *flow);

#endif
