/* seats.c: which axis of the graph an axis of a value lies on, and what it takes to move it (import.h). */
#include "io/onnx/import.h"

#include "autograd/runs.h"

#include <limits.h>
#include <string.h>

/* Where an axis goes that has no wish: first T, H, W, as places of a clip; C is the operation's. */
static const int preference[5] = {FL_AXIS_T, FL_AXIS_H, FL_AXIS_W, FL_AXIS_C, FL_AXIS_N};

bool fl_onnx_seats(fl_onnx_import *im, const fl_onnx_value *v, int *want, unsigned needed)
{
    unsigned used = 0;
    for (int i = 0; i < v->rank; i++) {
        if (v->dim[i] == 1 && !(needed >> i & 1) && want[i] == FL_SEAT_ANY) want[i] = FL_SEAT_NONE;
        if (want[i] >= 0) used |= 1u << want[i];
    }
    for (int i = 0; i < v->rank; i++) {      /* who may stay stays */
        const int now = v->kind == FL_ONNX_DYNAMIC ? v->seat[i] : FL_SEAT_NONE;
        if (want[i] != FL_SEAT_ANY || now < 0 || used >> now & 1) continue;
        want[i] = now;
        used |= 1u << now;
    }
    for (int i = 0; i < v->rank; i++) {
        for (int k = 0; k < 5 && want[i] == FL_SEAT_ANY; k++)
            if (!(used >> preference[k] & 1)) want[i] = preference[k];
        if (want[i] == FL_SEAT_ANY)
            return fl_onnx_fail(im, "more than five axes longer than 1: a graph has N,C,T,H,W");
        if (want[i] >= 0) used |= 1u << want[i];
    }
    return true;
}

fl_id fl_onnx_arrange(fl_onnx_import *im, const fl_onnx_value *v, const int *want)
{
    int order[5] = {-1, -1, -1, -1, -1};
    unsigned from = 0;
    bool same = true;
    for (int i = 0; i < v->rank; i++) {
        if (v->seat[i] < 0) continue;
        order[want[i]] = v->seat[i];
        from |= 1u << v->seat[i];
        same &= want[i] == v->seat[i];
    }
    if (same) return v->node;
    for (int i = 0; i < 5; i++)              /* axes of length 1 take what is left */
        for (int k = 0; k < 5 && order[i] < 0; k++)
            if (!(from >> k & 1)) {
                order[i] = k;
                from |= 1u << k;
            }
    return fl_node_permute(im->g, fl_onnx_name(im, "permute"), v->node, order);
}

/* ---- another shape ---- */

static bool same_long_axes(const fl_onnx_value *x, int rank, const int64_t *dim, fl_onnx_value *y)
{
    int k = 0;
    for (int i = 0; i < rank; i++) {
        y->seat[i] = FL_SEAT_NONE;
        if (dim[i] == 1) continue;
        while (k < x->rank && x->dim[k] == 1) k++;
        if (k == x->rank || x->dim[k] != dim[i]) return false;
        y->seat[i] = x->seat[k++];
    }
    while (k < x->rank && x->dim[k] == 1) k++;
    return k == x->rank;
}

/* Seats in ascending order, so that the file order of the graph is the order of the tensor: as networks are written,
 * [N,C], [N,C,T], [N,C,H,W], [N,C,T,H,W]. Of more axes the long ones count. */
static bool ascending(fl_onnx_import *im, int rank, const int64_t *dim, int *seat)
{
    static const int usual[6][5] = {{0}, {1}, {0, 1}, {0, 1, 2}, {0, 1, 3, 4}, {0, 1, 2, 3, 4}};
    int k = 0;
    for (int i = 0; i < rank; i++) {
        seat[i] = FL_SEAT_NONE;
        if (dim[i] == 1) continue;
        if (rank > 5 && k == 5) return fl_onnx_fail(im, "more than five axes longer than 1: a graph has N,C,T,H,W");
        seat[i] = rank <= 5 ? usual[rank][i] : k;
        k++;
    }
    return true;
}

static fl_shape shape_of(int rank, const int64_t *dim, const int *seat)
{
    fl_shape s = {1, 1, 1, 1, 1};
    for (int i = 0; i < rank; i++)
        if (seat[i] >= 0) *fl_shape_axis(&s, seat[i]) = dim[i] <= INT_MAX ? (int)dim[i] : 0;
    return s;
}

bool fl_onnx_reshaped(fl_onnx_import *im, const fl_onnx_value *x, int rank, const int64_t *dim, fl_onnx_value *y)
{
    *y = (fl_onnx_value){.kind = FL_ONNX_DYNAMIC, .rank = rank, .node = x->node};
    memcpy(y->dim, dim, (size_t)rank * sizeof *dim);
    if (same_long_axes(x, rank, dim, y)) return true;
    int sorted[FL_ONNX_RANK];
    unsigned seats = 0;
    for (int i = 0; i < x->rank; i++)
        if (x->seat[i] >= 0) seats |= 1u << x->seat[i];
    for (int i = 0, next = 0; i < x->rank; i++) {
        sorted[i] = FL_SEAT_NONE;
        if (x->seat[i] < 0) continue;
        while (!(seats >> next & 1)) next++;
        sorted[i] = next++;
    }
    if (!ascending(im, rank, dim, y->seat)) return false;
    const fl_id in_order = fl_onnx_arrange(im, x, sorted);
    y->node = fl_node_reshape(im->g, fl_onnx_name(im, "reshape"), in_order, shape_of(rank, dim, y->seat));
    return fl_onnx_ok(im);
}

/* ---- two operands ---- */

static int64_t length_at(const fl_onnx_value *v, int rank, int i)
{
    const int k = i - (rank - v->rank);
    return k < 0 ? 1 : v->dim[k];
}

static int seat_at(const fl_onnx_value *v, int rank, int i)
{
    const int k = i - (rank - v->rank);
    return k < 0 || v->kind != FL_ONNX_DYNAMIC || v->dim[k] == 1 ? FL_SEAT_NONE : v->seat[k];
}

/* The operand with more long axes keeps its seats. */
static int long_axes(const fl_onnx_value *v)
{
    int count = 0;
    for (int i = 0; i < v->rank; i++) count += v->kind == FL_ONNX_DYNAMIC && v->dim[i] > 1;
    return count;
}

bool fl_onnx_meet(fl_onnx_import *im, const fl_onnx_value *a, const fl_onnx_value *b, int *rank, int *want)
{
    const fl_onnx_value *first = long_axes(b) > long_axes(a) ? b : a, *second = first == a ? b : a;
    fl_onnx_value y = {.kind = FL_ONNX_DYNAMIC, .rank = a->rank > b->rank ? a->rank : b->rank};
    unsigned used = 0;
    for (int i = 0; i < y.rank; i++) {
        const int64_t p = length_at(a, y.rank, i), q = length_at(b, y.rank, i);
        if (p != q && p != 1 && q != 1)
            return fl_onnx_fail(im, "axes of length %lld and %lld do not fit", (long long)p, (long long)q);
        y.dim[i] = p > q ? p : q;
        y.seat[i] = seat_at(first, y.rank, i);
        want[i] = FL_SEAT_ANY;
        if (y.seat[i] >= 0) used |= 1u << y.seat[i];
    }
    for (int i = 0; i < y.rank; i++) {
        const int seat = seat_at(second, y.rank, i);
        if (y.seat[i] >= 0 || seat < 0 || used >> seat & 1) continue;
        y.seat[i] = seat;
        used |= 1u << seat;
    }
    *rank = y.rank;
    return fl_onnx_seats(im, &y, want, 0);
}

fl_id fl_onnx_arrange_right(fl_onnx_import *im, const fl_onnx_value *v, int rank, const int *want)
{
    return v->kind == FL_ONNX_CONSTANT ? fl_onnx_seated(im, v, want + (rank - v->rank), "", 1)
                                       : fl_onnx_arrange(im, v, want + (rank - v->rank));
}

const fl_onnx_value *fl_onnx_data(fl_onnx_import *im, int k)
{
    const fl_onnx_value *v = fl_onnx_operand(im, k);
    if (!v || v->kind == FL_ONNX_DYNAMIC) return v;
    fl_onnx_value *made = FL_NEW(im->arena, fl_onnx_value, 1);
    int want[FL_ONNX_RANK];
    if (!made) return NULL;
    *made = *v;
    for (int i = 0; i < v->rank; i++) want[i] = FL_SEAT_ANY;
    if (!fl_onnx_seats(im, v, want, 0)) return NULL;
    made->kind = FL_ONNX_DYNAMIC;
    made->node = fl_onnx_seated(im, v, want, "", 1);
    memcpy(made->seat, want, sizeof want);
    return fl_onnx_ok(im) ? made : NULL;
}
