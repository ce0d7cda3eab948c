/* blur.h: separable Gaussian blur over T,H,W, and its transpose.
 *
 *   y[p] = sum over i = -r..r of  k[i] x[p + i],     k[i] = exp(-i^2 / (2 sigma^2)) / sum of all,     per axis
 *
 * one axis after the other. What lies outside x is decided by the border; the names are those of scipy.ndimage:
 *
 *   zero      0 0 | a b c d | 0 0      (constant; pulls towards 0 near the edge, the study's imsmooth)
 *   nearest   a a | a b c d | d d      (replicate; keeps a constant constant)
 *   reflect   b a | a b c d | d c
 *   mirror    c b | a b c d | c b      (`reflect` of numpy and PyTorch)
 *
 * Half widths in use: ceil(4 sigma) (TorchRay, the study), (int)(4 sigma + 0.5) (scipy, skimage), or any given one:
 * a kernel of 11 taps has half width 5. sigma 0 or half width 0 leaves an axis as it is. */
#ifndef FL_BLUR_H
#define FL_BLUR_H

#include "tensor/tensor.h"

typedef enum fl_border { FL_BORDER_ZERO, FL_BORDER_NEAREST, FL_BORDER_REFLECT, FL_BORDER_MIRROR } fl_border;

typedef struct fl_blur {
    double sigma[3];            /* t, h, w, in elements */
    int half[3];                /* half width of the kernel per axis */
    fl_border border;
} fl_blur;

int     fl_blur_half(double sigma);                   /* ceil(4 sigma) */
fl_blur fl_blur_frames(double sigma, fl_border);      /* every frame alone: h and w, half width ceil(4 sigma) */

/* y = B x and gx = B'gy: the result is overwritten and overlaps nothing. Scratch is fl_blur_scratch bytes, aligned as
 * for real; what it holds before and after means nothing. */
size_t fl_blur_scratch(fl_shape, const fl_blur *);
void   fl_blur_forward  (fl_shape, const fl_blur *, const real *x, real *y, void *scratch);
void   fl_blur_transpose(fl_shape, const fl_blur *, const real *gy, real *gx, void *scratch);

#endif
