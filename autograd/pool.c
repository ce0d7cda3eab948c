/* pool.c: window arithmetic of pools. */
#include "autograd/pool.h"

static int extent(const fl_node *node, int axis, int length)
{
    const fl_window *w = &node->attr.pool.win;
    const int span = w->d[axis] * (w->k[axis] - 1) + 1, room = length + w->lo[axis] + w->hi[axis] - span;
    if (room < 0) return 0;
    int n = room / w->s[axis] + 1;
    if (node->attr.pool.ceil && room % w->s[axis] && n * w->s[axis] < length + w->lo[axis]) n++;
    return n;
}

fl_shape fl_pool_infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    const fl_window *w = &node->attr.pool.win;
    for (int i = 0; i < 3; i++) {
        if (w->k[i] < 1 || w->s[i] < 1 || w->d[i] < 1)
            return fl_graph_fail(g, node, "kernel, stride and dilation must be at least 1");
        if (w->lo[i] < 0 || w->hi[i] < 0) return fl_graph_fail(g, node, "padding must be at least 0");
        if (w->lo[i] > w->d[i] * (w->k[i] - 1) || w->hi[i] > w->d[i] * (w->k[i] - 1))
            return fl_graph_fail(g, node,
                                 "the padding is wider than the kernel %d,%d,%d reaches: a window would see nothing",
                                 w->k[0], w->k[1], w->k[2]);
    }
    fl_shape y = {x.n, x.c, extent(node, 0, x.t), extent(node, 1, x.h), extent(node, 2, x.w)};
    fl_shape_text t;
    if (!fl_shape_valid(y))
        return fl_graph_fail(g, node, "the window does not fit into the input %s", fl_shape_print(x, &t));
    return y;
}

fl_span fl_pool_span(const fl_node *node, int axis, int o)
{
    const fl_window *w = &node->attr.pool.win;
    const fl_shape x = node->in_shape[0];
    const int length = axis == 0 ? x.t : axis == 1 ? x.h : x.w;
    fl_span s = {.begin = o * w->s[axis] - w->lo[axis], .step = w->d[axis]};
    while (s.first < w->k[axis] && s.begin + s.first * s.step < 0) s.first++;
    s.last = w->k[axis];
    while (s.last > s.first && s.begin + (s.last - 1) * s.step >= length) s.last--;
    s.padded = w->k[axis];
    while (s.padded > 0 && s.begin + (s.padded - 1) * s.step >= length + w->hi[axis]) s.padded--;
    return s;
}
