/* layers.h: functions that add several nodes and name their parameters.
 *
 * Each takes the graph, a scope (its nodes and parameters are called "scope.…", as in the public checkpoints)
 * and its input, and returns the node of its output. Builders are sticky: see ops.h. */
#ifndef FL_LAYERS_H
#define FL_LAYERS_H

#include "autograd/graph.h"
#include "autograd/ops.h"

/* ---- one weight ---- */
fl_id fl_layer_conv  (fl_graph *, const char *scope, fl_id x, int out, fl_window, int groups, bool bias);   /* .weight .bias */
fl_id fl_layer_linear(fl_graph *, const char *scope, fl_id x, int out, bool bias);                          /* .weight .bias */
fl_id fl_layer_dense (fl_graph *, const char *scope, fl_id x, int out, bool bias);  /* the same of every frame as a whole: N,out,T,1,1 */
fl_id fl_layer_norm  (fl_graph *, const char *scope, fl_id x, double eps);          /* .weight .bias .running_mean .running_var */
/* The same parameters once more: node `name`, parameters of an earlier fl_layer_norm of that scope (both below the graph's scope). */
fl_id fl_layer_norm_again(fl_graph *, const char *name, const char *scope, fl_id x, double eps);

/* ---- convolution, norm, ReLU ---- */
/* Without a norm: convolution with bias, node scope, then a ReLU, node scope.relu. */
fl_id fl_layer_conv_relu(fl_graph *, const char *scope, fl_id x, int out, fl_window);
fl_id fl_layer_linear_relu(fl_graph *, const char *scope, fl_id x, int out);
fl_id fl_layer_dense_relu(fl_graph *, const char *scope, fl_id x, int out);
typedef struct fl_conv_bn_names { const char *conv, *bn, *relu; } fl_conv_bn_names;   /* relu NULL: none */
fl_id fl_layer_conv_bn(fl_graph *, fl_conv_bn_names, fl_id x, int out, fl_window, double eps);

/* (2+1)D (Tran 2018): 1xkxk to mid channels, norm, ReLU, then kx1x1. The caller adds the norm behind it.
 * Parameters scope.0 (space), scope.1 (norm), scope.3 (time), as torchvision numbers them. */
int   fl_two_plus_one_mid(int in, int out);                                        /* floor(27 in out / (9 in + 3 out)) */
fl_id fl_layer_two_plus_one(fl_graph *, const char *scope, fl_id x, int mid, int out, int stride_space, int stride_time);

/* ---- blocks ---- */
typedef enum fl_block_kind { FL_BLOCK_3D, FL_BLOCK_2D, FL_BLOCK_TWO_PLUS_ONE } fl_block_kind;
/* Basic residual block (He 2015; Tran 2018): two convolutions of 3 taps; a 1x1x1 shortcut where stride or width change.
 * 3D: stride in time and space; 2D: 1x3x3, stride in space only. Names of torchvision's video ResNets:
 * conv1.0 conv1.1 conv2.0 conv2.1 downsample.0 downsample.1. */
fl_id fl_layer_residual(fl_graph *, const char *scope, fl_id x, fl_block_kind, int out, int stride);
/* Bottleneck (He 2015, stride in the 3x3): 1x1, 3x3, 1x1 x 4. shift_fold > 0: a temporal shift before conv1 (TSM). */
fl_id fl_layer_bottleneck(fl_graph *, const char *scope, fl_id x, int width, int stride, int shift_fold);

/* Inception block of I3D (Carreira 2017), names of piergiaj: b0, b1a, b1b, b2a, b2b, b3b. */
typedef struct fl_inception_widths { int b0, b1a, b1b, b2a, b2b, b3b; } fl_inception_widths;
fl_id fl_layer_inception(fl_graph *, const char *scope, fl_id x, fl_inception_widths, double eps);
/* One unit of it: conv3d, bn, ReLU, TensorFlow's SAME padding (depends on the input's size). */
fl_id fl_layer_unit3d(fl_graph *, const char *scope, fl_id x, int out, int k, int stride, double eps);
/* TF-SAME: total max(k - s or k - n mod s, 0), smaller half first. */
fl_window fl_window_same(fl_shape x, const int k[3], const int s[3]);
/* SAME max pool whose padding is zeros. */
fl_id fl_layer_same_pool(fl_graph *, const char *name, fl_id x, const int k[3], const int s[3]);

/* ResNet-50 on every frame (He 2015, stride in the 3x3), up to its last block. Parameters scope.conv1 .bn1 .layer1.0 ...;
 * numbered: as the children of an nn.Sequential, scope.0 .1 .4.0 ... shift: a temporal shift in every block (TSM). */
typedef struct fl_resnet50 { bool numbered, shift; } fl_resnet50;
typedef struct fl_resnet50_ends { fl_id layer3, layer4; } fl_resnet50_ends;
fl_resnet50_ends fl_layer_resnet50(fl_graph *, const char *scope, fl_id x, fl_resnet50);

/* ---- recurrent cells, unrolled in time: every step is its own nodes, the parameters are shared ---- */

typedef enum fl_bptt { FL_BPTT_FULL, FL_BPTT_NONE } fl_bptt;  /* NONE: every step takes the state before it as a constant */
typedef enum fl_lstm_kind { FL_LSTM_TANH, FL_LSTM_RELU } fl_lstm_kind;
/* x: N,C,T,1,1. Returns the hidden states N,hidden,T,1,1.
 * TANH: weight_ih weight_hh bias_ih bias_hh, gates i f g o, g = tanh, h = o tanh(c)                      (nn.LSTM without the _l0)
 * RELU: fc_x.weight fc_x.bias fc_h.weight, gates i f o g, g = relu, h = o relu(c)                        (the study's cell) */
fl_id fl_layer_lstm(fl_graph *, const char *scope, fl_id x, int hidden, fl_lstm_kind, fl_bptt);

/* ConvLSTM (Shi 2015; Manttari 2020): gates by convolutions of kernel k, the input's with stride.
 * x: N,C,T,H,W. Returns N,hidden,T,H/stride,W/stride. Parameters Wxi.weight Wxi.bias Whi.weight ... for i f c o; with
 * peepholes also Wci Wcf Wco of shape 1,hidden,1,H/stride,W/stride. */
typedef struct fl_convlstm { int hidden, k, stride; bool peepholes; fl_bptt bptt; } fl_convlstm;
fl_id fl_layer_convlstm(fl_graph *, const char *scope, fl_id x, fl_convlstm);

/* ---- heads: logits N,classes,1,1,1 ---- */
fl_id fl_head_average(fl_graph *, const char *scope, fl_id x, int classes);         /* mean over T,H,W, then linear: .weight .bias */
fl_id fl_head_per_frame(fl_graph *, const char *scope, fl_id x, int classes);       /* N,C,T,1,1: linear per frame, mean over frames */
fl_id fl_head_last(fl_graph *, const char *scope, fl_id x, int classes);            /* last frame, flattened, linear */

#endif
