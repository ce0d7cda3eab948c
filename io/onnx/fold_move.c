/* fold_move.c: constants in other places and under other shapes. */
#include "io/onnx/fold.h"

#include <string.h>

/* ---- the same values in other places ---- */

/* y[index] = x[offset + sum index[k] * step[k]] */
static void gather_steps(fl_onnx_import *im, const fl_fold *x, fl_onnx_value y, int64_t offset, const int64_t *step)
{
    int64_t index[FL_ONNX_RANK] = {0}, *i = NULL, at = offset;
    double *f = NULL;
    if (!fl_fold_room(im, &y, x->whole, &i, &f)) return;
    const int64_t count = fl_onnx_count(&y);
    for (int64_t k = 0; k < count; k++) {
        if (i) i[k] = x->i[at];
        else f[k] = x->f[at];
        for (int a = y.rank - 1; a >= 0; a--) {
            at += step[a];
            if (++index[a] < y.dim[a]) break;
            at -= step[a] * y.dim[a];
            index[a] = 0;
        }
    }
    fl_onnx_set(im, 0, y);
}

static void fold_transpose(fl_onnx_import *im)
{
    const fl_fold x = fl_fold_operand(im, 0);
    int64_t order[FL_ONNX_RANK], stride[FL_ONNX_RANK], step[FL_ONNX_RANK];
    const int count = fl_onnx_list(im, "perm", -1, FL_ONNX_RANK, order);
    fl_onnx_value y = {.rank = x.rank};
    unsigned seen = 0;
    fl_fold_strides(&x, stride);
    for (int i = 0; i < x.rank; i++) {
        const int64_t from = count < 0 ? x.rank - 1 - i : i < count ? order[i] : -1;
        if (from < 0 || from >= x.rank || seen >> from & 1) {
            fl_onnx_fail(im, "perm is no order of %d axes", x.rank);
            return;
        }
        seen |= 1u << from;
        y.dim[i] = x.dim[from];
        step[i] = stride[from];
    }
    gather_steps(im, &x, y, 0, step);
}

static void fold_expand(fl_onnx_import *im)
{
    const fl_fold x = fl_fold_operand(im, 0);
    int64_t dim[FL_ONNX_RANK], stride[FL_ONNX_RANK], step[FL_ONNX_RANK];
    const int asked = fl_onnx_list(im, "shape", 1, FL_ONNX_RANK, dim);
    if (asked < 0 || !fl_onnx_ok(im)) return;
    fl_onnx_value y = {.rank = asked > x.rank ? asked : x.rank};
    fl_fold_strides(&x, stride);
    for (int i = 0; i < y.rank; i++) {
        const int k = i - (y.rank - x.rank), j = i - (y.rank - asked);
        const int64_t own = k >= 0 ? x.dim[k] : 1, wanted = j >= 0 ? dim[j] : 1;
        if (own != wanted && own != 1 && wanted != 1) {
            fl_onnx_fail(im, "axis of %lld cannot become %lld", (long long)own, (long long)wanted);
            return;
        }
        y.dim[i] = own == 1 ? wanted : own;
        step[i] = own == 1 ? 0 : stride[k];
    }
    gather_steps(im, &x, y, 0, step);
}

static void fold_slice(fl_onnx_import *im)
{
    const fl_fold x = fl_fold_operand(im, 0);
    int64_t begin[FL_ONNX_RANK], end[FL_ONNX_RANK], axes[FL_ONNX_RANK], by[FL_ONNX_RANK], step[FL_ONNX_RANK],
        offset = 0;
    const int count = fl_onnx_list(im, "starts", 1, FL_ONNX_RANK, begin);
    const int ends = fl_onnx_list(im, "ends", 2, FL_ONNX_RANK, end);
    const int named = fl_onnx_list(im, "axes", 3, FL_ONNX_RANK, axes);
    const int steps = fl_onnx_list(im, "steps", 4, FL_ONNX_RANK, by);
    fl_onnx_value y = {.rank = x.rank};
    if (!fl_onnx_ok(im)) return;
    if (count < 0 || ends != count || (named >= 0 && named != count) || (steps >= 0 && steps != count)) {
        fl_onnx_fail(im, "starts, ends, axes and steps do not have the same length");
        return;
    }
    fl_fold_strides(&x, step);
    memcpy(y.dim, x.dim, sizeof y.dim);
    for (int i = 0; i < count; i++) {
        int axis;
        const int64_t s = steps >= 0 ? by[i] : 1;
        if (!fl_onnx_axis(im, named >= 0 ? axes[i] : i, x.rank, &axis)) return;
        if (s == 0 || s < -FL_ONNX_MOST_VALUES || s > FL_ONNX_MOST_VALUES || y.dim[axis] != x.dim[axis]) {
            fl_onnx_fail(im, "a step of %lld, or an axis that is named twice", (long long)s);
            return;
        }
        int64_t first;
        y.dim[axis] = fl_onnx_range(begin[i], end[i], s, x.dim[axis], &first);
        offset += first * step[axis];
        step[axis] *= s;
    }
    if (fl_fold_count(y.rank, y.dim) == 0) offset = 0;
    gather_steps(im, &x, y, offset, step);
}

static void fold_gather(fl_onnx_import *im)
{
    const fl_fold x = fl_fold_operand(im, 0), which = fl_fold_operand(im, 1);
    int64_t stride[FL_ONNX_RANK], *i = NULL, at = 0, inner, outer = 1;
    double *f = NULL;
    int axis;
    fl_onnx_value y = {.rank = x.rank - 1 + which.rank};
    if (!fl_onnx_ok(im) || !fl_onnx_axis(im, fl_onnx_int(im, "axis", 0), x.rank, &axis)) return;
    if (y.rank > FL_ONNX_RANK || !which.whole) {
        fl_onnx_fail(im, "expected whole indices, and a result of at most %d axes", (int)FL_ONNX_RANK);
        return;
    }
    fl_fold_strides(&x, stride);
    for (int k = 0; k < axis; k++) outer *= y.dim[k] = x.dim[k];
    for (int k = 0; k < which.rank; k++) y.dim[axis + k] = which.dim[k];
    for (int k = axis + 1; k < x.rank; k++) y.dim[k - 1 + which.rank] = x.dim[k];
    inner = stride[axis];
    if (!fl_fold_room(im, &y, x.whole, &i, &f)) return;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t w = 0; w < which.count; w++) {
            const int64_t n = which.i[w] < 0 ? which.i[w] + x.dim[axis] : which.i[w];
            if (n < 0 || n >= x.dim[axis]) {
                fl_onnx_fail(im, "index %lld of an axis of %lld", (long long)which.i[w], (long long)x.dim[axis]);
                return;
            }
            for (int64_t k = 0; k < inner; k++, at++) {
                const int64_t from = (o * x.dim[axis] + n) * inner + k;
                if (i) i[at] = x.i[from];
                else f[at] = x.f[from];
            }
        }
    fl_onnx_set(im, 0, y);
}

static void fold_concat(fl_onnx_import *im)
{
    const fl_fold first = fl_fold_operand(im, 0);
    int64_t *i = NULL, outer = 1, before = 0;
    double *f = NULL;
    int axis;
    fl_onnx_value y = {.rank = first.rank};
    if (!fl_onnx_ok(im) || !fl_onnx_axis(im, fl_onnx_int(im, "axis", 0), first.rank, &axis)) return;
    memcpy(y.dim, first.dim, sizeof y.dim);
    y.dim[axis] = 0;
    for (int n = 0; n < im->node->n_in; n++) {
        const fl_fold x = fl_fold_operand(im, n);
        bool fits = x.rank == first.rank && x.whole == first.whole;
        for (int k = 0; fits && k < x.rank; k++) fits = k == axis || x.dim[k] == first.dim[k];
        if (!fl_onnx_ok(im)) return;
        if (!fits) {
            fl_onnx_fail(im, "operand %d does not fit the first one", n);
            return;
        }
        y.dim[axis] += x.dim[axis];
    }
    if (!fl_fold_room(im, &y, first.whole, &i, &f)) return;
    for (int k = 0; k < axis; k++) outer *= y.dim[k];
    const int64_t all = outer ? fl_onnx_count(&y) / outer : 0;
    for (int n = 0; n < im->node->n_in; n++) {
        const fl_fold x = fl_fold_operand(im, n);
        const int64_t part = outer ? x.count / outer : 0;
        for (int64_t o = 0; o < outer && x.count; o++) {
            if (i) memcpy(i + o * all + before, x.i + o * part, (size_t)part * sizeof *i);
            else memcpy(f + o * all + before, x.f + o * part, (size_t)part * sizeof *f);
        }
        before += part;
    }
    fl_onnx_set(im, 0, y);
}

/* ---- the same values under another shape ---- */

static void renamed(fl_onnx_import *im, int rank, const int64_t *dim)
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    if (!x) return;
    fl_onnx_value y = *x;
    y.rank = rank;
    memcpy(y.dim, dim, (size_t)rank * sizeof *dim);
    fl_onnx_set(im, 0, y);
}

static void fold_identity(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    if (x) renamed(im, x->rank, x->dim);
}

static void fold_reshape(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    int64_t dim[FL_ONNX_RANK], known = 1;
    int open = -1;
    const int rank = fl_onnx_list(im, "shape", 1, FL_ONNX_RANK, dim);
    if (!x || rank < 0) return;
    const int64_t all = fl_onnx_count(x);
    for (int i = 0; i < rank; i++) {
        if (i < x->rank && dim[i] == 0 && !fl_onnx_int(im, "allowzero", 0)) dim[i] = x->dim[i];
        if (dim[i] == -1 && open < 0) open = i;
        else known = dim[i] < 0 || (dim[i] && known > ((int64_t)1 << 40) / dim[i]) ? -1 : known * dim[i];
        if (known < 0) break;
    }
    if (open >= 0 && known > 0) dim[open] = all / known;
    if (known < 0 || (open >= 0 && known == 0) || known * (open >= 0 ? dim[open] : 1) != all) {
        fl_onnx_fail(im, "%lld values do not take that shape", (long long)all);
        return;
    }
    renamed(im, rank, dim);
}

static void fold_flatten(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    int64_t axis = fl_onnx_int(im, "axis", 1), dim[2] = {1, 1};
    if (!x) return;
    if (axis < -x->rank || axis > x->rank) fl_onnx_fail(im, "axis %lld", (long long)axis);
    for (int i = 0; i < x->rank; i++) dim[i >= (axis < 0 ? axis + x->rank : axis)] *= x->dim[i];
    renamed(im, 2, dim);
}

static void fold_squeeze(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    int64_t dim[FL_ONNX_RANK];
    unsigned axes;
    int rank = 0;
    if (!x || !fl_onnx_axes(im, 1, x->rank, &axes)) return;
    const bool all = !fl_onnx_given(im, 1) && !fl_onnx_attribute_of(im, "axes");
    for (int i = 0; i < x->rank; i++) {
        if (!(axes >> i & 1) || (all && x->dim[i] != 1)) dim[rank++] = x->dim[i];
        else if (x->dim[i] != 1) fl_onnx_fail(im, "axis %d is %lld long, not 1", i, (long long)x->dim[i]);
    }
    if (fl_onnx_ok(im)) renamed(im, rank, dim);
}

static void fold_unsqueeze(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    int64_t dim[FL_ONNX_RANK], named[FL_ONNX_RANK];
    unsigned axes;
    const int count = fl_onnx_list(im, "axes", 1, FL_ONNX_RANK, named);
    if (!x || count < 0) return;
    if (x->rank + count > FL_ONNX_RANK)
        fl_onnx_fail(im, "the result would have more than %d axes", (int)FL_ONNX_RANK);
    if (!fl_onnx_ok(im) || !fl_onnx_axes(im, 1, x->rank + count, &axes)) return;
    for (int i = 0, from = 0; i < x->rank + count; i++) {
        const bool inserted = count > 0 && axes >> i & 1;
        if (!inserted && from == x->rank) {
            fl_onnx_fail(im, "an axis is named twice");
            return;
        }
        dim[i] = inserted ? 1 : x->dim[from++];
    }
    renamed(im, x->rank + count, dim);
}

const fl_onnx_op fl_fold_moves[] = {
    {"Identity", fold_identity}, {"Reshape", fold_reshape}, {"Flatten", fold_flatten}, {"Squeeze", fold_squeeze},
    {"Unsqueeze", fold_unsqueeze}, {"Transpose", fold_transpose}, {"Expand", fold_expand}, {"Slice", fold_slice},
    {"Gather", fold_gather}, {"Concat", fold_concat}, {NULL, NULL}};
