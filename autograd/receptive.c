/* receptive.c: windows multiply the jump and widen the field; everything else moves it, joins it, or leaves it alone. */
#include "autograd/receptive.h"

#include "autograd/ops.h"

#include <math.h>

static const int *lengths(const fl_shape *s) { return &s->t; }

static fl_receptive through_window(fl_receptive r, const fl_window *win)
{
    for (int i = 0; i < 3; i++) {
        const double first = -win->lo[i], last = first + (double)(win->k[i] - 1) * win->d[i];
        r.lo[i] += first * r.jump[i];
        r.hi[i] += last * r.jump[i];
        r.jump[i] *= win->s[i];
    }
    return r;
}

/* Element p of a transposed convolution is reached from (p + lo - k d) / s. */
static fl_receptive through_transposed(fl_receptive r, const fl_window *win)
{
    for (int i = 0; i < 3; i++) {
        const double last = (double)win->lo[i] / win->s[i], first = last - (double)(win->k[i] - 1) * win->d[i] / win->s[i];
        r.lo[i] += ceil(first) * r.jump[i];
        r.hi[i] += last * r.jump[i];
        r.jump[i] /= win->s[i];
    }
    return r;
}

/* Elements behind one of p that is `by` further. */
static fl_receptive moved(fl_receptive r, int axis, double by)
{
    r.lo[axis] += by * r.jump[axis];
    r.hi[axis] += by * r.jump[axis];
    return r;
}

/* Any element may depend on any along the axis. */
static fl_receptive whole(fl_receptive r, int axis, int length)
{
    r.hi[axis] += (length - 1) * r.jump[axis];
    return r;
}

static fl_receptive hull(fl_receptive a, fl_receptive b)
{
    if (!a.sees || !b.sees) return a.sees ? a : b;
    for (int i = 0; i < 3; i++) {
        a.lo[i] = fmin(a.lo[i], b.lo[i]);
        a.hi[i] = fmax(a.hi[i], b.hi[i]);
        a.jump[i] = fmax(a.jump[i], b.jump[i]);
    }
    return a;
}

/* What operand k contributes. */
static fl_receptive through(const fl_node *node, int k, fl_receptive r)
{
    const fl_attr *a = &node->attr;
    const fl_shape x = node->in_shape[k];
    switch (node->op->kind) {
    case FL_OP_conv: return through_window(r, &a->conv.win);
    case FL_OP_deconv: return through_transposed(r, &a->conv.win);
    case FL_OP_maxpool:
    case FL_OP_avgpool: return through_window(r, &a->pool.win);
    case FL_OP_slice: return a->slice.axis >= FL_AXIS_T ? moved(r, a->slice.axis - FL_AXIS_T, a->slice.begin) : r;
    case FL_OP_pad:
        for (int i = 0; i < 3; i++) r = moved(r, i, -a->pad.low[FL_AXIS_T + i]);
        return r;
    case FL_OP_concat: {
        double before = 0;
        for (int j = 0; j < k && a->slice.axis >= FL_AXIS_T; j++) before += lengths(&node->in_shape[j])[a->slice.axis - FL_AXIS_T];
        return a->slice.axis >= FL_AXIS_T ? moved(r, a->slice.axis - FL_AXIS_T, -before) : r;
    }
    case FL_OP_shift: {
        fl_receptive next = moved(r, 0, 1), last = moved(r, 0, -1);
        return hull(next, last);
    }
    default: break;
    }
    /* Axes that change their length otherwise (sums, reshapes, resizes) are seen whole; blurs reach over their neighbours. */
    for (int i = 0; i < 3; i++) {
        if (lengths(&node->shape)[i] < lengths(&x)[i]) r = whole(r, i, lengths(&x)[i]);
        else if (lengths(&node->shape)[i] > lengths(&x)[i] && lengths(&x)[i] > 1)
            r.jump[i] *= (double)lengths(&x)[i] / lengths(&node->shape)[i];
        if (node->op->kind == FL_OP_reshape || node->op->kind == FL_OP_permute || node->op->kind == FL_OP_blur)
            r = whole(r, i, lengths(&x)[i]);
    }
    return r;
}

void fl_receptive_fields(const fl_graph *g, fl_id input, fl_receptive *field)
{
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        fl_receptive r = {.sees = i == input, .jump = {1, 1, 1}};
        for (int k = 0; k < node->n_in; k++) {
            const fl_receptive from = field[node->in[k]];
            if (from.sees) r = i == input || !r.sees ? through(node, k, from) : hull(r, through(node, k, from));
        }
        field[i] = r;
    }
}

int fl_receptive_size(const fl_receptive *r, int axis, int input_length)
{
    const double size = floor(r->hi[axis] - r->lo[axis] + 1.5);
    return size < input_length ? (int)size : input_length;
}

double fl_node_macs(const fl_node *node)
{
    const fl_op_kind kind = node->op->kind;
    const fl_shape x = node->in_shape ? node->in_shape[0] : node->shape, y = node->shape;
    if (kind == FL_OP_linear) return (double)y.n * y.c * x.c;
    if (kind != FL_OP_conv && kind != FL_OP_deconv) return 0;
    const fl_conv c = {.x = kind == FL_OP_conv ? x : y, .y = kind == FL_OP_conv ? y : x, .win = node->attr.conv.win,
                       .groups = node->attr.conv.groups};
    return 0.5 * fl_conv_flops(&c);
}
