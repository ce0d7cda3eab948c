/* ops_product.c: matrix products: Gemm and MatMul with a constant matrix are linear layers; of two values that depend
 * on the clip, sum over k of a[.., m, k] b[.., k, n]. */
#include "io/onnx/import.h"

#include "autograd/runs.h"

#include <limits.h>
#include <string.h>

/* w[o,i] of a matrix with o on axis `out`: as it is, or turned over. */
static fl_id matrix(fl_onnx_import *im, const fl_onnx_value *w, int out)
{
    const int first = w->rank - 2, seat[FL_ONNX_RANK] = {FL_SEAT_NONE, FL_SEAT_NONE, FL_SEAT_NONE, FL_SEAT_NONE,
                                                         FL_SEAT_NONE, FL_SEAT_NONE, FL_SEAT_NONE, FL_SEAT_NONE};
    int on[FL_ONNX_RANK];
    memcpy(on, seat, sizeof on);
    on[first + out] = FL_AXIS_N;
    on[first + 1 - out] = FL_AXIS_C;
    return fl_onnx_seated(im, w, on, out ? "transposed" : "", 1);
}

/* sum over channels: a linear layer where there is nothing but a batch, else a convolution of one tap. */
static fl_id product(fl_onnx_import *im, const char *name, fl_id x, fl_id w, fl_id b)
{
    const fl_shape s = fl_graph_shape(im->g, x);
    return s.t * (int64_t)s.h * s.w == 1 ? fl_node_linear(im->g, name, x, w, b)
                                         : fl_node_dense(im->g, name, x, w, b);
}

static bool fits(fl_onnx_import *im, int64_t inner, int64_t w_inner, int64_t outer)
{
    if (inner == w_inner && outer >= 1 && outer <= INT_MAX) return true;
    return fl_onnx_fail(im, "a matrix of %lld x %lld does not fit %lld features", (long long)w_inner,
                        (long long)outer, (long long)inner);
}

/* ---- Gemm: y = alpha a b + beta c ---- */

static fl_id times(fl_onnx_import *im, const char *part, fl_id x, double factor)
{
    if (factor == 1) return x;
    const fl_id scalar = fl_onnx_scalar(im, part, factor);
    return fl_node_mul(im->g, fl_onnx_name(im, "scaled"), x, scalar);
}

static void import_gemm(fl_onnx_import *im)
{
    const fl_onnx_value *a = fl_onnx_data(im, 0), *w = fl_onnx_constant(im, 1, "the matrix");
    const fl_onnx_value *c = fl_onnx_given(im, 2) ? fl_onnx_constant(im, 2, "the bias") : NULL;
    const int out = fl_onnx_int(im, "transB", 0) ? 0 : 1;              /* the axis of w that is the output's */
    const double alpha = fl_onnx_real(im, "alpha", 1), beta = fl_onnx_real(im, "beta", 1);
    int want[FL_ONNX_RANK];
    if (!a || !w || !fl_onnx_ok(im)) return;
    if (a->rank != 2 || w->rank != 2) {
        fl_onnx_fail(im, "expected two matrices, got %d and %d axes", a->rank, w->rank);
        return;
    }
    const int inner = fl_onnx_int(im, "transA", 0) ? 0 : 1;
    if (!fits(im, a->dim[inner], w->dim[1 - out], w->dim[out])) return;
    want[inner] = FL_AXIS_C;
    want[1 - inner] = FL_SEAT_ANY;
    if (!fl_onnx_seats(im, a, want, 0)) return;
    const int channels = (int)w->dim[out];
    const bool per_channel =
        c && (fl_onnx_count(c) == 1 || (fl_onnx_count(c) == channels && (c->rank == 1 || c->dim[0] == 1)));
    if (c && !per_channel) fl_onnx_fail(im, "expected one bias per output");
    const fl_id weight = matrix(im, w, out), bias = per_channel ? fl_onnx_vector(im, c, channels, FL_PARAM) : FL_NONE;
    if (!fl_onnx_ok(im)) return;
    const fl_id x = fl_onnx_arrange(im, a, want);
    fl_id y;
    if (alpha == 1 && beta == 1) {
        y = product(im, fl_onnx_name(im, NULL), x, weight, bias);
    } else {
        y = times(im, "alpha", product(im, fl_onnx_name(im, "product"), x, weight, FL_NONE), alpha);
        if (bias != FL_NONE) {
            const fl_id shift = times(im, "beta", bias, beta);
            y = fl_node_add(im->g, fl_onnx_name(im, NULL), y, shift);
        }
    }
    const int seat[2] = {want[1 - inner], FL_AXIS_C};
    fl_onnx_result(im, 0, y, 2, seat);
}

/* ---- MatMul ---- */

/* x[.., k] w[k, n], or with left: w[m, k] x[.., k, n]. */
static void with_constant(fl_onnx_import *im, const fl_onnx_value *x, const fl_onnx_value *w, bool left)
{
    const int along = left ? x->rank - 2 : x->rank - 1, out = left ? 0 : 1;
    int want[FL_ONNX_RANK];
    bool flat = w->rank >= 2;
    for (int i = 0; i < w->rank - 2; i++) flat &= w->dim[i] == 1;
    if (!flat || along < 0 || w->rank > x->rank + (x->rank == 1)) {
        fl_onnx_fail(im, "expected one constant matrix, got %d axes for an operand of %d", w->rank, x->rank);
        return;
    }
    if (!fits(im, x->dim[along], w->dim[w->rank - 1 - out], w->dim[w->rank - 2 + out])) return;
    for (int i = 0; i < x->rank; i++) want[i] = FL_SEAT_ANY;
    want[along] = FL_AXIS_C;
    if (!fl_onnx_seats(im, x, want, 0)) return;
    const fl_id weight = matrix(im, w, out), seated = fl_onnx_arrange(im, x, want);
    fl_onnx_result(im, 0, product(im, fl_onnx_name(im, NULL), seated, weight, FL_NONE), x->rank, want);
}

/* Both operands as [.., m, k, n] with an axis of length 1 each, multiplied and summed over k. */
static void of_two_values(fl_onnx_import *im, const fl_onnx_value *a, const fl_onnx_value *b)
{
    fl_onnx_value left = *a, right = *b;
    int want[FL_ONNX_RANK], rank;
    if (a->rank < 2 || b->rank < 2 || a->rank >= FL_ONNX_RANK || b->rank >= FL_ONNX_RANK) {
        fl_onnx_fail(im, "expected matrices, got %d and %d axes", a->rank, b->rank);
        return;
    }
    if (a->dim[a->rank - 1] != b->dim[b->rank - 2]) {
        fl_onnx_fail(im, "%lld columns do not fit %lld rows", (long long)a->dim[a->rank - 1],
                     (long long)b->dim[b->rank - 2]);
        return;
    }
    left.dim[left.rank] = 1;
    left.seat[left.rank++] = FL_SEAT_NONE;
    for (int i = right.rank; i > right.rank - 2; i--) {
        right.dim[i] = right.dim[i - 1];
        right.seat[i] = right.seat[i - 1];
    }
    right.dim[right.rank - 2] = 1;
    right.seat[right.rank++ - 2] = FL_SEAT_NONE;
    if (!fl_onnx_meet(im, &left, &right, &rank, want)) return;
    const fl_id x = fl_onnx_arrange_right(im, &left, rank, want), y = fl_onnx_arrange_right(im, &right, rank, want);
    const fl_id products = fl_node_mul(im->g, fl_onnx_name(im, "products"), x, y);
    const int k = rank - 2;
    const unsigned axes = want[k] >= 0 ? 1u << want[k] : 0;
    const fl_id sum = fl_node_sum(im->g, fl_onnx_name(im, NULL), products, axes);
    want[k] = want[rank - 1];
    fl_onnx_result(im, 0, sum, rank - 1, want);
}

static void import_matmul(fl_onnx_import *im)
{
    const fl_onnx_value *a = fl_onnx_operand(im, 0), *b = fl_onnx_operand(im, 1);
    if (!a || !b) return;
    if (a->kind == FL_ONNX_DYNAMIC && b->kind == FL_ONNX_DYNAMIC) of_two_values(im, a, b);
    else if (a->kind == FL_ONNX_DYNAMIC) with_constant(im, a, b, false);
    else if ((b = fl_onnx_data(im, 1)) != NULL) with_constant(im, b, a, true);
}

const fl_onnx_op fl_onnx_product_ops[] = {{"Gemm", import_gemm}, {"MatMul", import_matmul}, {NULL, NULL}};
