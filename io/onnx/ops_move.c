/* ops_move.c: other shapes, orders and parts of the same values. Many of them are new names for the same seats. */
#include "io/onnx/import.h"

#include "autograd/runs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PIECES = 4096 };

static void reshaped(fl_onnx_import *im, const fl_onnx_value *x, int rank, const int64_t *dim)
{
    fl_onnx_value y;
    if (fl_onnx_reshaped(im, x, rank, dim, &y)) fl_onnx_set(im, 0, y);
}

/* ---- shapes ---- */

static void import_reshape(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t dim[FL_ONNX_RANK], known = 1;
    int open = -1;
    const int rank = x ? fl_onnx_list(im, "shape", 1, FL_ONNX_RANK, dim) : -2;
    const bool zero_is_zero = fl_onnx_int(im, "allowzero", 0) != 0;
    if (rank < 0) {
        if (rank == -1) fl_onnx_fail(im, "the new shape is missing");
        return;
    }
    for (int i = 0; i < rank; i++) {
        if (dim[i] == 0 && !zero_is_zero && i < x->rank) dim[i] = x->dim[i];
        if (dim[i] == -1 && open < 0) open = i;
        else if (dim[i] < 1 || dim[i] > fl_onnx_count(x)) known = 0;
        else known = known <= fl_onnx_count(x) / dim[i] ? known * dim[i] : 0;
    }
    if (open >= 0 && known > 0) dim[open] = fl_onnx_count(x) / known;
    if (known < 1 || known * (open >= 0 ? dim[open] : 1) != fl_onnx_count(x)) {
        char text[128] = "";
        for (int i = 0, n = 0; i < rank && n < 100; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%lld", i ? "," : "", (long long)dim[i]);
        fl_onnx_fail(im,
                     "%lld values cannot take the shape %s; was the network exported for another number of frames, "
                     "or another size?",
                     (long long)fl_onnx_count(x), text);
        return;
    }
    reshaped(im, x, rank, dim);
}

static void import_flatten(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t axis = fl_onnx_int(im, "axis", 1), dim[2] = {1, 1};
    if (!x) return;
    if (axis < -x->rank || axis > x->rank) {
        fl_onnx_fail(im, "axis %lld is none of a tensor of %d axes", (long long)axis, x->rank);
        return;
    }
    if (axis < 0) axis += x->rank;
    for (int i = 0; i < x->rank; i++) dim[i >= axis] *= x->dim[i];
    reshaped(im, x, 2, dim);
}

static void import_squeeze(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t dim[FL_ONNX_RANK];
    unsigned axes;
    int rank = 0;
    if (!x || !fl_onnx_axes(im, 1, x->rank, &axes)) return;
    const bool all = !fl_onnx_given(im, 1) && !fl_onnx_attribute_of(im, "axes");
    for (int i = 0; i < x->rank; i++) {
        const bool drop = axes >> i & 1 && (!all || x->dim[i] == 1);
        if (drop && x->dim[i] != 1) {
            fl_onnx_fail(im, "axis %d is %lld long, not 1", i, (long long)x->dim[i]);
            return;
        }
        if (!drop) dim[rank++] = x->dim[i];
    }
    reshaped(im, x, rank, dim);
}

static void import_unsqueeze(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t dim[FL_ONNX_RANK], list[FL_ONNX_RANK];
    const int count = x ? fl_onnx_list(im, "axes", 1, FL_ONNX_RANK, list) : -2;
    unsigned axes;
    if (count < 0) return;
    if (x->rank + count > FL_ONNX_RANK) {
        fl_onnx_fail(im, "the result would have more than %d axes", (int)FL_ONNX_RANK);
        return;
    }
    if (!fl_onnx_axes(im, 1, x->rank + count, &axes)) return;
    int from = 0;
    for (int i = 0; i < x->rank + count; i++) {
        const bool inserted = count > 0 && axes >> i & 1;
        if (!inserted && from == x->rank) {
            fl_onnx_fail(im, "an axis is named twice");
            return;
        }
        dim[i] = inserted ? 1 : x->dim[from++];
    }
    reshaped(im, x, x->rank + count, dim);
}

static void import_transpose(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t order[FL_ONNX_RANK];
    const int count = x ? fl_onnx_list(im, "perm", -1, FL_ONNX_RANK, order) : -2;
    unsigned seen = 0;
    if (count == -2) return;
    fl_onnx_value y = *x;
    for (int i = 0; i < x->rank; i++) {
        const int64_t from = count < 0 ? x->rank - 1 - i : i < count ? order[i] : -1;
        if (from < 0 || from >= x->rank || seen >> from & 1) {
            fl_onnx_fail(im, "perm is no order of %d axes", x->rank);
            return;
        }
        seen |= 1u << from;
        y.dim[i] = x->dim[from];
        y.seat[i] = x->seat[from];
    }
    fl_onnx_set(im, 0, y);
}

/* ---- parts ---- */

/* Positions first, first + step ... (count of them) along an axis; of a list where index is given. */
typedef struct places { int64_t first, step, count; const int64_t *index; } places;

static int64_t place_at(const places *p, int64_t i) { return p->index ? p->index[i] : p->first + i * p->step; }

/* x[.., places, ..], x on the seats `want`. A run is a slice; every s-th of T,H,W is a pool of one tap with stride s;
 * the rest is put together from slices. */
static fl_id take(fl_onnx_import *im, fl_id x, int seat, const places *p)
{
    const int64_t first = place_at(p, 0), last = place_at(p, p->count - 1);
    fl_id piece[MOST_PIECES];
    bool even = true;
    const int64_t step = p->count > 1 ? place_at(p, 1) - first : 1;
    for (int64_t i = 1; i < p->count; i++) even &= place_at(p, i) - place_at(p, i - 1) == step;
    if (even && step == 1) return fl_node_slice(im->g, fl_onnx_name(im, NULL), x, seat, (int)first, (int)last + 1);
    if (even && step > 1 && step < 1 << 16 && seat >= FL_AXIS_T) {
        fl_window win = {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
        win.s[seat - FL_AXIS_T] = (int)step;
        const fl_id run = fl_node_slice(im->g, fl_onnx_name(im, "range"), x, seat, (int)first, (int)last + 1);
        return fl_node_avgpool(im->g, fl_onnx_name(im, NULL), run, win, false, false);
    }
    if (p->count > MOST_PIECES) {
        fl_onnx_fail(im, "picks %lld places one by one, expected at most %d", (long long)p->count, (int)MOST_PIECES);
        return FL_NONE;
    }
    const char *name = fl_onnx_name(im, NULL);
    for (int64_t i = 0; i < p->count && fl_onnx_ok(im); i++) {
        char part[32];
        const int at = (int)place_at(p, i);
        snprintf(part, sizeof part, "part%d", (int)i);
        piece[i] = fl_node_slice(im->g, fl_onnx_name(im, part), x, seat, at, at + 1);
    }
    return fl_onnx_ok(im) ? fl_node_concat(im->g, name, seat, (int)p->count, piece) : FL_NONE;
}

/* The part of x at `places` of `axis` as a value of the same rank. */
static bool part_of(fl_onnx_import *im, const fl_onnx_value *x, int axis, const places *p, fl_onnx_value *y)
{
    *y = *x;
    y->dim[axis] = p->count;
    if (p->count == x->dim[axis] && (p->count == 1 || (!p->index && p->step == 1))) return true;
    if (p->count < 1) return fl_onnx_fail(im, "nothing is left of axis %d", axis);
    fl_onnx_value seated = *x;
    if (x->dim[axis] == 1) {                                 /* the one place, again and again: it needs a seat */
        int want[FL_ONNX_RANK];
        for (int i = 0; i < x->rank; i++) want[i] = FL_SEAT_ANY;
        if (!fl_onnx_seats(im, x, want, 1u << axis)) return false;
        seated.node = fl_onnx_arrange(im, x, want);
        memcpy(seated.seat, want, sizeof want);
    }
    y->node = take(im, seated.node, seated.seat[axis], p);
    memcpy(y->seat, seated.seat, sizeof y->seat);
    if (p->count == 1) y->seat[axis] = FL_SEAT_NONE;
    return fl_onnx_ok(im);
}

static int64_t within(int64_t i, int64_t low, int64_t high) { return i < low ? low : i > high ? high : i; }

static void import_slice(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t begin[FL_ONNX_RANK], end[FL_ONNX_RANK], axes[FL_ONNX_RANK], step[FL_ONNX_RANK];
    if (!x) return;
    const int count = fl_onnx_list(im, "starts", 1, FL_ONNX_RANK, begin);
    const int ends = fl_onnx_list(im, "ends", 2, FL_ONNX_RANK, end);
    const int named = fl_onnx_list(im, "axes", 3, FL_ONNX_RANK, axes);
    const int steps = fl_onnx_list(im, "steps", 4, FL_ONNX_RANK, step);
    if (!fl_onnx_ok(im)) return;
    if (count < 0 || ends != count || (named >= 0 && named != count) || (steps >= 0 && steps != count)) {
        fl_onnx_fail(im, "starts, ends, axes and steps do not have the same length");
        return;
    }
    fl_onnx_value y = *x, next;
    for (int i = 0; i < count; i++) {
        int axis;
        if (!fl_onnx_axis(im, named >= 0 ? axes[i] : i, x->rank, &axis)) return;
        const int64_t s = steps >= 0 ? step[i] : 1;
        if (s == 0 || s < -INT_MAX || s > INT_MAX) {
            fl_onnx_fail(im, "a step of %lld", (long long)s);
            return;
        }
        places p = {.step = s};
        p.count = fl_onnx_range(begin[i], end[i], s, y.dim[axis], &p.first);
        if (!part_of(im, &y, axis, &p, &next)) return;
        y = next;
    }
    fl_onnx_set(im, 0, y);
}

static void import_gather(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0), *which = fl_onnx_constant(im, 1, "the indices");
    int axis;
    if (!x || !which || !fl_onnx_axis(im, fl_onnx_int(im, "axis", 0), x->rank, &axis)) return;
    const int64_t count = fl_onnx_count(which), *index = fl_onnx_as_integers(im, which);
    int64_t *from = FL_NEW(im->arena, int64_t, count);
    if (!index || !from) return;
    for (int64_t i = 0; i < count; i++) {
        from[i] = index[i] < 0 ? index[i] + x->dim[axis] : index[i];
        if (from[i] < 0 || from[i] >= x->dim[axis]) {
            fl_onnx_fail(im, "index %lld of an axis of %lld", (long long)index[i], (long long)x->dim[axis]);
            return;
        }
    }
    fl_onnx_value y;
    const places p = {.count = count, .index = from};
    if (which->rank > 1) fl_onnx_fail(im, "expected one index or a list, got %d axes of them", which->rank);
    if (!fl_onnx_ok(im) || !part_of(im, x, axis, &p, &y)) return;
    if (which->rank == 0) {                                  /* the axis goes */
        for (int i = axis; i + 1 < y.rank; i++) {
            y.dim[i] = y.dim[i + 1];
            y.seat[i] = y.seat[i + 1];
        }
        y.rank--;
    }
    fl_onnx_set(im, 0, y);
}

static void import_split(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    const int outputs = im->node->n_out;
    int64_t *length = FL_NEW(im->arena, int64_t, outputs), at = 0;
    int axis;
    if (!x || !length || !fl_onnx_axis(im, fl_onnx_int(im, "axis", 0), x->rank, &axis)) return;
    const int64_t piece = outputs ? (x->dim[axis] + outputs - 1) / outputs : 0;
    const int count = fl_onnx_list(im, "split", 1, outputs, length);
    if (count == -2) return;
    for (int k = 0; count < 0 && k < outputs; k++)           /* even parts; the last one takes what is left */
        length[k] = within(x->dim[axis] - k * piece, 0, piece);
    const fl_onnx_value whole = *x;
    for (int k = 0; k < outputs; k++) {
        fl_onnx_value y = whole;
        if ((count >= 0 && count != outputs) || length[k] < 1 || length[k] > whole.dim[axis] - at) {
            fl_onnx_fail(im, "an axis of %lld cannot be cut into these %d parts", (long long)whole.dim[axis],
                         outputs);
            return;
        }
        const places p = {.first = at, .step = 1, .count = length[k]};
        if (fl_onnx_wanted(im, k) && !part_of(im, &whole, axis, &p, &y)) return;
        if (fl_onnx_wanted(im, k)) fl_onnx_set(im, k, y);
        at += length[k];
    }
    if (at != whole.dim[axis])
        fl_onnx_fail(im, "parts of %lld in all do not make up an axis of %lld; export it again", (long long)at,
                     (long long)whole.dim[axis]);
}

/* ---- together ---- */

static void import_concat(fl_onnx_import *im)
{
    const fl_onnx_value *first = NULL;
    int want[FL_ONNX_RANK] = {0}, axis;
    fl_id *part = FL_NEW(im->arena, fl_id, im->node->n_in + 1);
    if (!part) return;
    for (int k = 0; k < im->node->n_in; k++) {               /* the seats of the first one that depends on the clip */
        const fl_onnx_value *v = fl_onnx_operand(im, k);
        if (!v) return;
        if (!first && v->kind == FL_ONNX_DYNAMIC) first = v;
    }
    if (!first) first = fl_onnx_data(im, 0);
    if (!first || !fl_onnx_axis(im, fl_onnx_int(im, "axis", 0), first->rank, &axis)) return;
    for (int i = 0; i < first->rank; i++) want[i] = FL_SEAT_ANY;
    if (!fl_onnx_seats(im, first, want, 1u << axis)) return;
    for (int k = 0; k < im->node->n_in; k++) {
        const fl_onnx_value *v = fl_onnx_operand(im, k);
        bool fits = v->rank == first->rank;
        for (int i = 0; fits && i < v->rank; i++) fits = i == axis || v->dim[i] == first->dim[i];
        if (!fits) {
            fl_onnx_fail(im, "operand %d does not fit the first one", k);
            return;
        }
        part[k] = v->kind == FL_ONNX_DYNAMIC ? fl_onnx_arrange(im, v, want) : fl_onnx_seated(im, v, want, "", 1);
    }
    if (fl_onnx_ok(im))
        fl_onnx_result(im, 0, fl_node_concat(im->g, fl_onnx_name(im, NULL), want[axis], im->node->n_in, part),
                       first->rank, want);
}

/* Reflected or repeated borders: the places of x in their new order. */
static const int64_t *border_places(fl_onnx_import *im, int64_t length, int64_t low, int64_t high, bool reflect)
{
    int64_t *index = FL_NEW(im->arena, int64_t, length + low + high);
    if (reflect && (low >= length || high >= length)) fl_onnx_fail(im, "reflects more than there is");
    for (int64_t i = 0; index && i < length + low + high; i++) {
        const int64_t at = i - low;
        if (at >= 0 && at < length) index[i] = at;
        else if (reflect) index[i] = at < 0 ? -at : 2 * (length - 1) - at;
        else index[i] = at < 0 ? 0 : length - 1;
    }
    return fl_onnx_ok(im) ? index : NULL;
}

/* low and high of all axes; negative ones cut off. */
static bool read_pads(fl_onnx_import *im, const fl_onnx_value *x, int64_t *low, int64_t *high)
{
    int64_t pads[2 * FL_ONNX_RANK], axes[FL_ONNX_RANK];
    const int count = fl_onnx_list(im, "pads", 1, 2 * FL_ONNX_RANK, pads);
    const int named = fl_onnx_list(im, "axes", 3, FL_ONNX_RANK, axes), padded = named >= 0 ? named : x->rank;
    if (!fl_onnx_ok(im)) return false;
    if (count != 2 * padded) return fl_onnx_fail(im, "pads: expected %d numbers, got %d", 2 * padded, count);
    for (int i = 0; i < x->rank; i++) low[i] = high[i] = 0;
    for (int i = 0; i < padded; i++) {
        const int64_t before = pads[i], after = pads[i + padded], most = 1 << 20;
        int axis;
        if (!fl_onnx_axis(im, named >= 0 ? axes[i] : i, x->rank, &axis)) return false;
        if (before < -most || before > most || after < -most || after > most)
            return fl_onnx_fail(im, "pads by %lld and %lld", (long long)before, (long long)after);
        low[axis] = before;
        high[axis] = after;
    }
    return true;
}

/* A buffer to add to a padded array: `value` in the border, 0 inside, 1 long along axes that are not padded. */
static fl_id border(fl_onnx_import *im, fl_shape padded, const int before[5], const int after[5], double value)
{
    fl_shape s = {1, 1, 1, 1, 1};
    int low[5], high[5];
    for (int axis = 0; axis < 5; axis++) {
        const bool grows = before[axis] || after[axis];
        if (grows) *fl_shape_axis(&s, axis) = *fl_shape_axis(&padded, axis);
        low[axis] = before[axis];
        high[axis] = *fl_shape_axis(&s, axis) - after[axis];
    }
    const fl_id id = fl_node_buffer(im->g, fl_onnx_name(im, "border"), s);
    if (id == FL_NONE) return id;
    real *to = fl_graph_value(im->g, id);
    for (int n = 0; n < s.n; n++)
        for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++)
                    for (int c = 0; c < s.c; c++) {
                        const int at[5] = {n, c, t, h, w};
                        bool inside = true;
                        for (int axis = 0; axis < 5; axis++) inside &= at[axis] >= low[axis] && at[axis] < high[axis];
                        to[fl_at(s, n, c, t, h, w)] = inside ? 0 : (real)value;
                    }
    return id;
}

/* Zeros around; another value is added to them alone, so that all values inside keep their bits. */
static void pad_constant(fl_onnx_import *im, const fl_onnx_value *x, const int64_t *low, const int64_t *high,
                         double value)
{
    int want[FL_ONNX_RANK] = {0}, before[5] = {0}, after[5] = {0};
    unsigned needed = 0;
    for (int i = 0; i < x->rank; i++) {
        want[i] = FL_SEAT_ANY;
        if (low[i] || high[i]) needed |= 1u << i;
    }
    if (!fl_onnx_seats(im, x, want, needed)) return;
    for (int i = 0; i < x->rank; i++) {
        if (want[i] < 0) continue;
        before[want[i]] = (int)low[i];
        after[want[i]] = (int)high[i];
    }
    fl_id y = fl_onnx_arrange(im, x, want);
    y = fl_node_pad(im->g, fl_onnx_name(im, value != 0 ? "pad" : NULL), y, before, after);
    if (value != 0 && fl_onnx_ok(im)) {
        const fl_id around = border(im, fl_graph_shape(im->g, y), before, after, value);
        y = fl_node_add(im->g, fl_onnx_name(im, NULL), y, around);
    }
    fl_onnx_result(im, 0, y, x->rank, want);
}

static void import_pad(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t low[FL_ONNX_RANK] = {0}, high[FL_ONNX_RANK] = {0};
    if (!x || !read_pads(im, x, low, high)) return;
    const bool constant = fl_onnx_is(im, "mode", "constant", "constant"),
               reflect = fl_onnx_is(im, "mode", "", "reflect");
    const double value = fl_onnx_number(im, "value", 2, 0);
    if (!constant && !reflect && !fl_onnx_is(im, "mode", "", "edge"))
        fl_onnx_fail(im, "mode '%.40s' is not available; expected constant, reflect or edge",
                     fl_onnx_text(im, "mode", ""));
    if (constant && value != value) fl_onnx_fail(im, "value: expected a number to pad with, got NaN");
    fl_onnx_value y = *x, next;
    bool grows = false;
    for (int i = 0; i < x->rank && fl_onnx_ok(im); i++) {
        const int64_t cut_low = low[i] < 0 ? -low[i] : 0, cut_high = high[i] < 0 ? -high[i] : 0;
        if (cut_low || cut_high) {
            const places p = {.first = cut_low, .step = 1, .count = x->dim[i] - cut_low - cut_high};
            if (!part_of(im, &y, i, &p, &next)) return;
            y = next;
        }
        low[i] = cut_low ? 0 : low[i];
        high[i] = cut_high ? 0 : high[i];
        grows |= low[i] > 0 || high[i] > 0;
        if (constant || (!low[i] && !high[i])) continue;
        const places p = {.count = y.dim[i] + low[i] + high[i],
                          .index = border_places(im, y.dim[i], low[i], high[i], reflect)};
        if (!p.index || !part_of(im, &y, i, &p, &next)) return;
        y = next;
    }
    if (!fl_onnx_ok(im)) return;
    if (constant && grows) pad_constant(im, &y, low, high, value);
    else fl_onnx_set(im, 0, y);
}

/* Repeats axes of length 1: nearest interpolation on T,H,W. */
static void import_expand(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t dim[FL_ONNX_RANK];
    const int asked = x ? fl_onnx_list(im, "shape", 1, FL_ONNX_RANK, dim) : -2;
    if (asked < 0) return;
    fl_onnx_value y = {.kind = FL_ONNX_DYNAMIC, .rank = asked > x->rank ? asked : x->rank, .node = x->node};
    int64_t wanted[FL_ONNX_RANK];
    int want[FL_ONNX_RANK] = {0}, place = FL_AXIS_T;
    for (int i = 0; i < y.rank; i++) {
        const int k = i - (y.rank - x->rank), j = i - (y.rank - asked);
        y.dim[i] = k >= 0 ? x->dim[k] : 1;
        y.seat[i] = k >= 0 ? x->seat[k] : FL_SEAT_NONE;
        wanted[i] = j >= 0 && dim[j] != 1 ? dim[j] : y.dim[i];
        if (wanted[i] < 1 || wanted[i] > 1 << 24 || (y.dim[i] != 1 && wanted[i] != y.dim[i])) {
            fl_onnx_fail(im, "axis %d of %lld cannot become %lld", i, (long long)y.dim[i], (long long)wanted[i]);
            return;
        }
        want[i] = FL_SEAT_ANY;
        if (wanted[i] == y.dim[i]) continue;
        if (place > FL_AXIS_W) {
            fl_onnx_fail(im, "repeats more than three axes");
            return;
        }
        want[i] = place++;
    }
    if (!fl_onnx_seats(im, &y, want, 0)) return;
    fl_id node = fl_onnx_arrange(im, &y, want);
    fl_shape to = fl_graph_shape(im->g, node);
    for (int i = 0; i < y.rank; i++)
        if (wanted[i] != y.dim[i]) *fl_shape_axis(&to, want[i]) = (int)wanted[i];
    if (place > FL_AXIS_T) node = fl_node_resize(im->g, fl_onnx_name(im, NULL), node, to, FL_RESIZE_NEAREST, false);
    fl_onnx_result(im, 0, node, y.rank, want);
}

const fl_onnx_op fl_onnx_move_ops[] = {
    {"Reshape", import_reshape}, {"Flatten", import_flatten}, {"Squeeze", import_squeeze},
    {"Unsqueeze", import_unsqueeze}, {"Transpose", import_transpose}, {"Slice", import_slice},
    {"Gather", import_gather}, {"Split", import_split}, {"Concat", import_concat}, {"Pad", import_pad},
    {"Expand", import_expand}, {NULL, NULL}};
