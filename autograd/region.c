/* region.c: the sight of every kind of op. */
#include "autograd/region.h"

#include "autograd/ops.h"

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }
static int floor_div(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }     /* b > 0 */

fl_region fl_region_whole(fl_shape s) { return (fl_region){{0, 0, 0}, {s.t, s.h, s.w}}; }

fl_region fl_region_hull(fl_region a, fl_region b)
{
    if (fl_region_empty(a) || fl_region_empty(b)) return fl_region_empty(a) ? b : a;
    for (int i = 0; i < 3; i++) {
        a.lo[i] = min(a.lo[i], b.lo[i]);
        a.hi[i] = max(a.hi[i], b.hi[i]);
    }
    return a;
}

fl_region fl_region_common(fl_region a, fl_region b)
{
    for (int i = 0; i < 3; i++) {
        a.lo[i] = max(a.lo[i], b.lo[i]);
        a.hi[i] = min(a.hi[i], b.hi[i]);
    }
    return a;
}

bool fl_node_sampled(const fl_node *node, int k)
{
    if (node->op->flags & FL_WEIGHTED) return k != 1 && k != 2;
    return node->op->kind != FL_OP_batchnorm || k == 0;
}

/* Axis by axis, place p reads the operand's place p, or all of them where the lengths differ; or a window of its attributes. */
static bool axis_by_axis(const fl_node *node)
{
    switch (node->op->kind) {
    case FL_OP_batchnorm: case FL_OP_softmax: case FL_OP_logsoftmax: case FL_OP_lrn: case FL_OP_detach: case FL_OP_linear:
    case FL_OP_add: case FL_OP_mul: case FL_OP_blend: case FL_OP_slice: case FL_OP_pad: case FL_OP_sum: case FL_OP_mean:
    case FL_OP_shift:
        return true;
    case FL_OP_concat: return node->attr.slice.axis < FL_AXIS_T;
    default: return (node->op->flags & FL_MAP) != 0;
    }
}

static void window_sight(const fl_window *win, fl_sight axis[3])
{
    for (int i = 0; i < 3; i++) axis[i] = (fl_sight){win->s[i], win->lo[i], win->d[i] * (win->k[i] - 1)};
}

void fl_node_sight(const fl_node *node, int k, fl_sight axis[3])
{
    const fl_attr *a = &node->attr;
    const bool sampled = fl_node_sampled(node, k), joined = !sampled || !axis_by_axis(node);
    int from[3], to[3];
    fl_shape_lengths(node->in_shape[k], from);
    fl_shape_lengths(node->shape, to);
    for (int i = 0; i < 3; i++) axis[i] = joined || from[i] != to[i] ? (fl_sight){0, 0, from[i] - 1} : (fl_sight){1, 0, 0};
    if (!sampled) return;
    switch (node->op->kind) {
    case FL_OP_conv:
        if (k == 0) window_sight(&a->conv.win, axis);
        break;
    case FL_OP_maxpool: case FL_OP_avgpool: window_sight(&a->pool.win, axis); break;
    case FL_OP_shift: axis[0] = (fl_sight){1, 1, 2}; break;
    case FL_OP_slice:
        if (a->slice.axis >= FL_AXIS_T) axis[a->slice.axis - FL_AXIS_T] = (fl_sight){1, -a->slice.begin, 0};
        break;
    case FL_OP_pad:
        for (int i = 0; i < 3; i++) axis[i] = (fl_sight){1, a->pad.low[FL_AXIS_T + i], 0};
        break;
    default: break;
    }
}

bool fl_node_place_by_place(const fl_node *node, int k)
{
    fl_sight s[3];
    int from[3], to[3];
    fl_node_sight(node, k, s);
    fl_shape_lengths(node->in_shape[k], from);
    fl_shape_lengths(node->shape, to);
    for (int i = 0; i < 3; i++)
        if (s[i].step != 1 || s[i].lo != 0 || s[i].reach != 0 || from[i] != to[i]) return false;
    return true;
}

fl_region fl_region_up(const fl_node *node, int k, fl_region changed)
{
    fl_sight axis[3];
    fl_region r = fl_region_whole(node->shape);
    fl_node_sight(node, k, axis);
    if (fl_region_empty(changed)) return (fl_region){{0, 0, 0}, {0, 0, 0}};
    for (int i = 0; i < 3; i++) {
        const fl_sight s = axis[i];
        if (s.step == 0) continue;
        r.lo[i] = max(0, -floor_div(-(changed.lo[i] + s.lo - s.reach), s.step));
        r.hi[i] = min(r.hi[i], floor_div(changed.hi[i] - 1 + s.lo, s.step) + 1);
    }
    return r;
}

bool fl_node_samples_apart(const fl_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (fl_node_sampled(node, k) && node->in_shape[k].n != node->shape.n) return false;
    switch (node->op->kind) {
    case FL_OP_concat: case FL_OP_slice: return node->attr.slice.axis != FL_AXIS_N;
    case FL_OP_sum: case FL_OP_mean:     return !(node->attr.reduce.axes & 1u << FL_AXIS_N);
    case FL_OP_pad:                      return !node->attr.pad.low[FL_AXIS_N] && !node->attr.pad.high[FL_AXIS_N];
    case FL_OP_permute:                  return node->attr.permute.order[0] == FL_AXIS_N;
    case FL_OP_reshape:                  return true;                    /* samples lie one behind the other */
    case FL_OP_moments: case FL_OP_cross_entropy: return false;
    default:                             return true;
    }
}
