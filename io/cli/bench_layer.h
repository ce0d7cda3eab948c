/* bench_layer.h: one convolution, written as people write it: "64>128 3x3x3 s1,2,2 @16x56x56". */
#ifndef FL_BENCH_LAYER_H
#define FL_BENCH_LAYER_H

#include "io/cli/stopwatch.h"
#include "tensor/conv.h"

/* IN>OUT KERNEL [sSTRIDE] [gGROUPS] @TxHxW, in any order. Kernel: 3x3x3, or 3 for a cube; stride: s2, s1,2,2 or s1,2
 * (time, then both sides of a frame); padded by half of the kernel. FL_USAGE says which part is wrong. */
fl_status fl_layer_parse(const char *text, int batch, fl_conv *, fl_error *);

/* Times one pass on normal values, the weight packed before. bytes: what the arrays and the scratch take. */
fl_status fl_layer_time(fl_arena *, const fl_conv *, fl_conv_pass, int repeat, fl_times *, size_t *bytes);

#endif
