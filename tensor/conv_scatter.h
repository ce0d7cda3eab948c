/* conv_scatter.h: to the input of a stem, two or three channels: every output pixel sends its share.
 *
 *   s[p, (kh,kw,i)] = sum over kt, o of gy[p,o] * w[o,i,kt,kh,kw]       a matrix product, its lanes full
 *   gx[p*s + k*d - lo, i] += s[p, (kh,kw,i)]                            for every p and k in a fixed order
 *
 * Gathering instead (conv.c) would leave most lanes empty: three channels fill no vector. Sums run over kt and o first, so
 * the order is another one than the gathering kernels'; convolutions that ask for `direct` do not come here.
 *
 * Internal to tensor/. */
#ifndef FL_CONV_SCATTER_H
#define FL_CONV_SCATTER_H

#include "tensor/conv.h"

bool    fl_scatter_suits(const fl_conv *, fl_conv_pass);       /* a function of channels and window */
int64_t fl_scatter_packed_count(const fl_conv *);              /* [kt][block of (kh,kw,i)][o][FL_BLOCK] */
void    fl_scatter_pack(const fl_conv *, const real *w, real *packed);
size_t  fl_scatter_scratch(const fl_conv *);
void    fl_scatter_run(const fl_conv *, const real *gy, const real *packed, const fl_finish *, real *gx,
                       void *scratch);

#endif
