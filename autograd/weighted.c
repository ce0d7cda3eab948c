/* weighted.c: forward and transposes of conv, linear and deconv, through tensor/conv.h. A linear layer is a pointwise
 * convolution of one pixel: its window is 1,1,1. A deconv is the convolution that would lead from its output to its
 * input, walked the other way: its forward is that one's way to the input, and the reverse. */
#include "autograd/weighted.h"

#include "autograd/graph.h"
#include "autograd/reduce.h"
#include "tensor/par.h"

bool fl_weighted_window_fits(fl_graph *g, const fl_node *node, int outputs)
{
    const fl_shape w = node->in_shape[1];
    const fl_window *win = &node->attr.conv.win;
    fl_shape_text t;
    for (int i = 0; i < 3; i++) {
        if (win->s[i] >= 1 && win->d[i] >= 1 && win->lo[i] >= 0 && win->hi[i] >= 0) continue;
        fl_graph_fail(g, node, "stride and dilation must be at least 1 and padding at least 0, got %d, %d, %d and %d along %c",
                      win->s[i], win->d[i], win->lo[i], win->hi[i], "THW"[i]);
        return false;
    }
    if (w.t != win->k[0] || w.h != win->k[1] || w.w != win->k[2]) {
        fl_graph_fail(g, node, "kernel is %d,%d,%d but the weight has shape %s", win->k[0], win->k[1], win->k[2], fl_shape_print(w, &t));
        return false;
    }
    if (node->n_in < 3 || fl_shape_equal(node->in_shape[2], fl_shape_vector(1, outputs))) return true;
    fl_graph_fail(g, node, "expected a bias of shape 1,%d,1,1,1, got %s", outputs, fl_shape_print(node->in_shape[2], &t));
    return false;
}

static bool is_transposed(const fl_node *node) { return node->op->kind == FL_OP_deconv; }

static fl_conv geometry(const fl_node *node)
{
    const bool swap = is_transposed(node);
    fl_conv c = {.x = swap ? node->shape : node->in_shape[0], .y = swap ? node->in_shape[0] : node->shape,
                 .win = node->attr.conv.win, .groups = node->attr.conv.groups, .direct = node->direct || node->exact,
                 .exact = node->exact, .part = node->part_of != NULL, .turned = node->turned};
    if (c.part) c.whole_x = node->part_of->in_shape[0], c.whole_y = node->part_of->shape;
    return c;
}

/* What the convolution does in pass 0 (forward) and 1 (vjp) of the node. */
static fl_conv_pass conv_pass(const fl_node *node, int pass)
{
    return (pass == 1) != is_transposed(node) ? FL_CONV_TO_INPUT : FL_CONV_FORWARD;
}

int64_t fl_weighted_packed(const fl_node *node, int pass)
{
    fl_conv c = geometry(node);
    return fl_conv_packed_count(&c, conv_pass(node, pass));
}

void fl_weighted_pack(const fl_node *node, int pass, int first, int count, const real *w, real *to)
{
    fl_conv c = geometry(node);
    fl_conv_pack_rows(&c, conv_pass(node, pass), first, count, w, to);
}

int fl_weighted_unit(const fl_node *node, int pass)
{
    fl_conv c = geometry(node);
    return fl_conv_pack_unit(&c, conv_pass(node, pass));
}

bool fl_weighted_turns(const fl_node *node)
{
    fl_conv c = geometry(node);
    return !is_transposed(node) && fl_conv_turns(&c);
}

/* Room for one packing, in case an operand was substituted or passes, in front of what the kernels want. */
static size_t packing_room(const fl_node *node)
{
    return node->settled && !node->passing ? 0 : fl_passing_room(node);
}

size_t fl_weighted_scratch(const fl_node *node)
{
    fl_conv c = geometry(node);
    const size_t forward = fl_conv_scratch(&c, conv_pass(node, 0));
    const size_t down[3] = {fl_conv_scratch(&c, conv_pass(node, 1)), fl_conv_scratch(&c, FL_CONV_TO_WEIGHTS),
                            sizeof(double) * (size_t)node->shape.c + fl_sum_pixels_scratch(node->shape)};
    size_t most = forward;
    for (int k = 0; k < node->n_in && k < 3; k++)
        if (!fl_spared(node, k) && down[k] > most) most = down[k];
    return packing_room(node) + most;
}

static void add_bias(fl_shape s, const real *b, real *y)
{
    FL_PARALLEL(i, fl_shape_pixels(s), fl_shape_count(s)) {
        for (int c = 0; c < s.c; c++) y[i * s.c + c] += b[c];
    }
}

static void bias_vjp(fl_shape s, const real *gy, real *gb, double *work)
{
    fl_sum_pixels(s, gy, NULL, work, NULL, work + s.c);
    for (int o = 0; o < s.c; o++) gb[o] = (real)work[o];
}

/* One pass through the weight: x to y (pass 0) or gy to gx (pass 1). bias: NULL in pass 1. finish: or NULL. */
static void through(const fl_node *node, int pass, const real *from, const real *w, const real *bias, const fl_finish *finish, real *to)
{
    fl_conv c = geometry(node);
    const real *packed = fl_packed_weight(node, pass, w, node->work);
    void *rest = (char *)node->work + packing_room(node);
    const fl_conv_pass way = conv_pass(node, pass);
    c.turned = node->turned && way == FL_CONV_TO_INPUT;
    const bool late = way == FL_CONV_TO_INPUT && bias;
    fl_conv_run(&c, way, from, packed, late ? NULL : bias, finish, to, rest);
    if (late) add_bias(node->shape, bias, to);
}

void fl_weighted_forward(const fl_node *node, const real *const in[], real *y)
{
    through(node, 0, in[0], in[1], node->n_in == 3 ? in[2] : NULL, NULL, y);
}

void fl_weighted_forward_rest(const fl_node *node, const real *const in[], const real *const rest[], real *y, real *y_rest, uint8_t *notes)
{
    (void)notes;
    const fl_conv c = geometry(node);
    const real *packed = fl_packed_weight(node, 0, in[1], node->work);
    fl_conv_forward_rest(&c, in[0], rest[0], packed, node->n_in == 3 ? in[2] : NULL, y, y_rest, (char *)node->work + packing_room(node));
}

void fl_weighted_finished(const fl_node *node, int pass, const real *from, const fl_finish *finish, real *to)
{
    through(node, pass, from, node->operand[1], pass == 0 && node->n_in == 3 ? node->operand[2] : NULL, finish, to);
}

void fl_weighted_vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const fl_conv c = geometry(node);
    const bool swap = is_transposed(node);
    void *rest = (char *)node->work + packing_room(node);
    fl_assert(!fl_spared(node, k));
    if (k == 0) through(node, 1, gy, in[1], NULL, NULL, gx);
    if (k == 1) fl_conv_to_weights(&c, swap ? gy : in[0], swap ? in[0] : gy, gx, rest);
    if (k == 2) bias_vjp(node->shape, gy, gx, rest);
}
