/* weighted.c: forward and transposes of conv and linear, through tensor/conv.h. A linear layer is a pointwise
 * convolution of one pixel: its window is 1,1,1. */
#include "autograd/weighted.h"

#include "autograd/graph.h"
#include "autograd/reduce.h"

static fl_conv geometry(const fl_node *node)
{
    return (fl_conv){
        .x = node->in_shape[0], .y = node->shape, .win = node->attr.conv.win, .groups = node->attr.conv.groups};
}

int64_t fl_weighted_packed(const fl_node *node, int pass)
{
    fl_conv c = geometry(node);
    return fl_conv_packed_count(&c, pass ? FL_CONV_TO_INPUT : FL_CONV_FORWARD);
}

void fl_weighted_pack(const fl_node *node, int pass, const real *w, real *to)
{
    fl_conv c = geometry(node);
    fl_conv_pack(&c, pass ? FL_CONV_TO_INPUT : FL_CONV_FORWARD, w, to);
}

/* Room for one packing, in case an operand was substituted, in front of what the kernels want. */
static size_t packing_room(const fl_node *node)
{
    int64_t a = fl_weighted_packed(node, 0), b = fl_weighted_packed(node, 1);
    return ((size_t)(a > b ? a : b) * sizeof(real) + 63) / 64 * 64;
}

size_t fl_weighted_scratch(const fl_node *node)
{
    fl_conv c = geometry(node);
    size_t most = sizeof(double) * (size_t)node->shape.c + fl_sum_pixels_scratch(node->shape);
    for (int pass = FL_CONV_FORWARD; pass <= FL_CONV_TO_WEIGHTS; pass++) {
        size_t bytes = fl_conv_scratch(&c, (fl_conv_pass)pass);
        if (bytes > most) most = bytes;
    }
    return packing_room(node) + most;
}

void fl_weighted_forward(const fl_node *node, const real *const in[], real *y)
{
    fl_conv c = geometry(node);
    const real *w = fl_packed_weight(node, 0, in[1], node->work);
    fl_conv_forward(&c, in[0], w, node->n_in == 3 ? in[2] : NULL, y, (char *)node->work + packing_room(node));
}

static void bias_vjp(fl_shape s, const real *gy, real *gb, double *work)
{
    fl_sum_pixels(s, gy, NULL, work, NULL, work + s.c);
    for (int o = 0; o < s.c; o++) gb[o] = (real)work[o];
}

void fl_weighted_vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    fl_conv c = geometry(node);
    void *rest = (char *)node->work + packing_room(node);
    if (k == 0) fl_conv_to_input(&c, gy, fl_packed_weight(node, 1, in[1], node->work), gx, rest);
    if (k == 1) fl_conv_to_weights(&c, in[0], gy, gx, rest);
    if (k == 2) bias_vjp(node->shape, gy, gx, rest);
}

