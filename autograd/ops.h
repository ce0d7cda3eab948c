/* ops.h: the builders, fl_node_<op>. Each adds one node and returns its index.
 *
 * Builders are sticky: after a failure they return FL_NONE, take FL_NONE, and the graph's error keeps the
 * first message, with the node's name. So a model function needs no `if` per line; ask once at the end
 * (fl_graph_ok). name is put behind the graph's current scope. Shapes are N,C,T,H,W. */
#ifndef FL_OPS_H
#define FL_OPS_H

#include "autograd/op.h"

/* Data that changes from run to run; a trained parameter; a stored statistic. Values are zero until set (graph.h). */
fl_id fl_node_input(fl_graph *, const char *name, fl_shape);
fl_id fl_node_param(fl_graph *, const char *name, fl_shape);
fl_id fl_node_buffer(fl_graph *, const char *name, fl_shape);

/* Linear. w: O, C/groups, KT,KH,KW;  b: 1,O,1,1,1 or FL_NONE.   linear: x N,C,1,1,1 and w O,C,1,1,1. */
fl_id fl_node_conv(fl_graph *, const char *name, fl_id x, fl_id w, fl_id b, fl_window, int groups);
fl_id fl_node_linear(fl_graph *, const char *name, fl_id x, fl_id w, fl_id b);
/* A linear layer wherever its weight fits, such as on every frame: w: O,C,KT,KH,KW. The numbers of a convolution, but a dense layer to
 * those who tell the two apart (rule.h). */
fl_id fl_node_dense(fl_graph *, const char *name, fl_id x, fl_id w, fl_id b);
/* Transposed convolution (torch's ConvTranspose): w: C, O/groups, KT,KH,KW. Output (n-1) s - lo - hi + d (k-1) + 1 long. */
fl_id fl_node_deconv(fl_graph *, const char *name, fl_id x, fl_id w, fl_id b, fl_window, int groups);
/* y = (x - mean) / sqrt(var + eps) * gamma + beta, vectors with one value per channel (Ioffe 2015). */
fl_id fl_node_batchnorm(fl_graph *, const char *name, fl_id x, fl_id gamma, fl_id beta, fl_id mean, fl_id var,
                        double eps);
fl_id fl_node_moments(fl_graph *, const char *name, fl_id x);  /* 2,C,1,1,1: mean, biased variance over n,t,h,w */

/* Element by element. */
fl_id fl_node_relu(fl_graph *, const char *name, fl_id x);      /* derivative at 0 is 0 */
fl_id fl_node_sigmoid(fl_graph *, const char *name, fl_id x);
fl_id fl_node_tanh(fl_graph *, const char *name, fl_id x);
fl_id fl_node_leakyrelu(fl_graph *, const char *name, fl_id x, double slope);             /* derivative at 0: slope */
fl_id fl_node_clip(fl_graph *, const char *name, fl_id x, double low, double high);       /* derivative at a bound: 0 */
fl_id fl_node_exp(fl_graph *, const char *name, fl_id x);
fl_id fl_node_log(fl_graph *, const char *name, fl_id x);
fl_id fl_node_erf(fl_graph *, const char *name, fl_id x);
fl_id fl_node_power(fl_graph *, const char *name, fl_id x, double exponent);   /* a negative x wants a whole exponent */

/* Over channels, at every n,t,h,w. */
fl_id fl_node_softmax(fl_graph *, const char *name, fl_id x);
fl_id fl_node_logsoftmax(fl_graph *, const char *name, fl_id x);
/* y_c = x_c / (k + alpha/size * sum over a window of `size` channels of x^2)^beta  (Krizhevsky 2012; as PyTorch). */
fl_id fl_node_lrn(fl_graph *, const char *name, fl_id x, int size, double alpha, double beta, double k);

/* Pools. Max: padding counts as minus infinity, ties go to the first in t,h,w order. Average: count_pad divides by
 * the whole window. */
fl_id fl_node_maxpool(fl_graph *, const char *name, fl_id x, fl_window, bool ceil);
fl_id fl_node_avgpool(fl_graph *, const char *name, fl_id x, fl_window, bool ceil, bool count_pad);
fl_id fl_node_global_average(fl_graph *, const char *name, fl_id x);                  /* mean over T,H,W: N,C,1,1,1 */

/* Of several operands. Axes of length 1 are broadcast. */
fl_id fl_node_add(fl_graph *, const char *name, fl_id a, fl_id b);
fl_id fl_node_mul(fl_graph *, const char *name, fl_id a, fl_id b);
fl_id fl_node_detach(fl_graph *, const char *name, fl_id x);    /* y = x; no signal passes back */
/* mask*x + (1-mask)*substrate; mask has 1 channel or as many as x */
fl_id fl_node_blend(fl_graph *, const char *name, fl_id x, fl_id substrate, fl_id mask);

/* Moving values. Axes N,C,T,H,W are numbered 0..4. */
enum { FL_AXIS_N, FL_AXIS_C, FL_AXIS_T, FL_AXIS_H, FL_AXIS_W };
fl_id fl_node_concat(fl_graph *, const char *name, int axis, int count, const fl_id *x);
fl_id fl_node_slice(fl_graph *, const char *name, fl_id x, int axis, int begin, int end);
fl_id fl_node_reshape(fl_graph *, const char *name, fl_id x, fl_shape to);             /* keeps file order */
fl_id fl_node_flatten(fl_graph *, const char *name, fl_id x);                          /* N, C*T*H*W, 1,1,1 */
fl_id fl_node_pad(fl_graph *, const char *name, fl_id x, const int low[5], const int high[5]);       /* with zeros */
fl_id fl_node_permute(fl_graph *, const char *name, fl_id x, const int order[5]);
/* TSM (Lin 2019): channels [0,fold) from t+1, [fold,2 fold) from t-1, zeros outside. */
fl_id fl_node_shift(fl_graph *, const char *name, fl_id x, int fold);
/* To the t,h,w of `to`. */
fl_id fl_node_resize(fl_graph *, const char *name, fl_id x, fl_shape to, fl_resize_mode, bool align);
fl_id fl_node_blur(fl_graph *, const char *name, fl_id x, fl_blur);

/* Reductions; the axes in the bit set become 1. pick: one element per sample. */
fl_id fl_node_sum(fl_graph *, const char *name, fl_id x, unsigned axes);
fl_id fl_node_mean(fl_graph *, const char *name, fl_id x, unsigned axes);
fl_id fl_node_pick(fl_graph *, const char *name, fl_id x, int c, int t, int h, int w);
/* -sum_c target log softmax(logits): N,1,T,H,W */
fl_id fl_node_cross_entropy(fl_graph *, const char *name, fl_id logits, fl_id target);

/* Masks; the files in ops/ have the formulas and the papers.
 * smoothmax: cells N,1,T,h,w to pixels N,1,T,H+2 margin,W+2 margin: the soft maximum of discs `step` pixels apart, of radius sigma
 *     (pixels); cold: how hard the maximum is. The frame's pixels begin at the margin.
 * pyramid: levels 1 or N,count*C,T,H,W, and a mask N,1,T,H,W that chooses between two of them at each place.
 * freeze, reverse: x 1 or N,C,T,H,W and a mask N,1,T,1,1; reverse acts on runs of frames whose mask lies above `above`.
 * jitter: how N or 1,3,1,1,1: rows and columns by which it moves, and whether it is mirrored.
 * variation: a number per sample: over all places, (sum over t, h, w of weight * edge * difference to the next^2)^(beta/2); edge: factors,
 *     or FL_NONE.
 * vecnorm: a number per sample: the mean square of sorted values less `ones` ones, else zeros (N or 1,1,1,1,1), of every frame or of all;
 *     draw: a number that settles ties, below 0 by place; parted: ones and zeros have means of their own. */
fl_id fl_node_smoothmax(fl_graph *, const char *name, fl_id x, int step, int margin, double sigma, double cold);
int   fl_smoothmax_length(int cells, int step, int margin, double sigma);          /* pixels along an axis, margins included */
fl_id fl_node_pyramid(fl_graph *, const char *name, fl_id levels, fl_id mask, int count);
fl_id fl_node_freeze(fl_graph *, const char *name, fl_id x, fl_id mask);
fl_id fl_node_reverse(fl_graph *, const char *name, fl_id x, fl_id mask, double above);
fl_id fl_node_jitter(fl_graph *, const char *name, fl_id x, fl_id how);
fl_id fl_node_variation(fl_graph *, const char *name, fl_id x, fl_id edge, double beta, const double weight[3]);
fl_id fl_node_vecnorm(fl_graph *, const char *name, fl_id x, fl_id ones, fl_id draw, bool frames, bool parted, uint64_t seed);

/* "same" padding of odd kernels */
static inline fl_window fl_window_cube(int kt, int kh, int kw, int st, int sh, int sw)
{
    return (fl_window){{kt, kh, kw}, {st, sh, sw}, {1, 1, 1}, {kt / 2, kh / 2, kw / 2}, {kt / 2, kh / 2, kw / 2}};
}

#endif
