/* ops_reduce.c: sums, means and maxima over axes; softmax along one. */
#include "io/onnx/import.h"

#include "autograd/runs.h"

/* x without the reduced axes, or with them 1 long. Their seats are free again. */
static void reduced(fl_onnx_import *im, const fl_onnx_value *x, unsigned axes, fl_id node, const int *seat)
{
    const bool keep = fl_onnx_int(im, "keepdims", 1) != 0;
    int left[FL_ONNX_RANK], rank = 0;
    for (int i = 0; i < x->rank; i++) {
        if (!(axes >> i & 1)) left[rank++] = seat[i];
        else if (keep) left[rank++] = FL_SEAT_NONE;
    }
    fl_onnx_result(im, 0, node, rank, left);
}

/* The axes to reduce: of the tensor, and their seats as bits. False: the error is set, or nothing is to be done. */
static bool reduced_axes(fl_onnx_import *im, const fl_onnx_value *x, unsigned *axes)
{
    if (!fl_onnx_reduces_nothing(im, 1)) return fl_onnx_axes(im, 1, x->rank, axes);
    fl_onnx_set(im, 0, *x);
    return false;
}

typedef enum kind { SUM, MEAN, L2 } kind;

static void import_linear(fl_onnx_import *im, kind k)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    unsigned axes, seats = 0;
    if (!x || !reduced_axes(im, x, &axes)) return;
    for (int i = 0; i < x->rank; i++)
        if (axes >> i & 1 && x->seat[i] >= 0) seats |= 1u << x->seat[i];
    fl_id node = x->node;
    if (k == L2) node = fl_node_power(im->g, fl_onnx_name(im, "squares"), node, 2);
    if (k != MEAN) node = fl_node_sum(im->g, fl_onnx_name(im, k == L2 ? "sum" : NULL), node, seats);
    else node = fl_node_mean(im->g, fl_onnx_name(im, NULL), node, seats);
    if (k == L2) node = fl_node_power(im->g, fl_onnx_name(im, NULL), node, 0.5);
    reduced(im, x, axes, node, x->seat);
}
static void import_sum(fl_onnx_import *im) { import_linear(im, SUM); }
static void import_mean(fl_onnx_import *im) { import_linear(im, MEAN); }
static void import_l2(fl_onnx_import *im) { import_linear(im, L2); }

/* A pool as large as the axes, on T,H,W. Min: of the negative. */
static void import_extreme(fl_onnx_import *im, bool min)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    fl_window win = {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    int want[FL_ONNX_RANK], place = FL_AXIS_T;
    unsigned axes;
    if (!x || !reduced_axes(im, x, &axes)) return;
    for (int i = 0; i < x->rank; i++) {
        want[i] = FL_SEAT_ANY;
        if (!(axes >> i & 1) || x->dim[i] == 1) continue;
        if (place > FL_AXIS_W) {
            fl_onnx_fail(im, "takes the extreme over more than three axes");
            return;
        }
        win.k[place - FL_AXIS_T] = (int)x->dim[i];
        want[i] = place++;
    }
    if (!fl_onnx_seats(im, x, want, 0)) return;
    fl_id node = fl_onnx_arrange(im, x, want);
    const fl_id minus = min ? fl_onnx_scalar(im, "minus", -1) : FL_NONE;
    if (min) node = fl_node_mul(im->g, fl_onnx_name(im, "negative"), node, minus);
    node = fl_node_maxpool(im->g, fl_onnx_name(im, min ? "max" : NULL), node, win, false);
    if (min) node = fl_node_mul(im->g, fl_onnx_name(im, NULL), node, minus);
    reduced(im, x, axes, node, want);
}
static void import_max(fl_onnx_import *im) { import_extreme(im, false); }
static void import_min(fl_onnx_import *im) { import_extreme(im, true); }

/* ---- softmax ---- */

/* Before opset 13, all axes from `axis` on are one: the same where only one of them is longer than 1. */
static bool softmax_axis(fl_onnx_import *im, const fl_onnx_value *x, int *axis)
{
    const bool old = im->program->opset < 13;
    if (!fl_onnx_axis(im, fl_onnx_int(im, "axis", old ? 1 : -1), x->rank, axis)) return false;
    int along = *axis, longer = 0;
    for (int i = *axis; old && i < x->rank; i++) {
        if (x->dim[i] == 1) continue;
        along = i;
        longer++;
    }
    if (longer > 1) return fl_onnx_fail(im, "runs over several axes at once; export it with opset_version=13");
    *axis = along;
    return true;
}

static void softmax(fl_onnx_import *im, bool logarithm)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int want[FL_ONNX_RANK], axis;
    if (!x || !softmax_axis(im, x, &axis)) return;
    for (int i = 0; i < x->rank; i++) want[i] = FL_SEAT_ANY;
    want[axis] = FL_AXIS_C;
    if (!fl_onnx_seats(im, x, want, 0)) return;
    const fl_id seated = fl_onnx_arrange(im, x, want);
    const char *name = fl_onnx_name(im, NULL);
    fl_onnx_result(im, 0, logarithm ? fl_node_logsoftmax(im->g, name, seated) : fl_node_softmax(im->g, name, seated),
                   x->rank, want);
}
static void import_softmax(fl_onnx_import *im) { softmax(im, false); }
static void import_logsoftmax(fl_onnx_import *im) { softmax(im, true); }

const fl_onnx_op fl_onnx_reduce_ops[] = {
    {"ReduceSum", import_sum}, {"ReduceMean", import_mean}, {"ReduceL2", import_l2}, {"ReduceMax", import_max},
    {"ReduceMin", import_min}, {"Softmax", import_softmax}, {"LogSoftmax", import_logsoftmax}, {NULL, NULL}};
