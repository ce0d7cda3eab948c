/* values.c: what every import asks: operands and attributes; and where it leaves its results. */
#include "io/onnx/import.h"

#include "autograd/runs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

bool fl_onnx_ok(const fl_onnx_import *im) { return im->g->error->status == FL_OK; }

bool fl_onnx_fail(fl_onnx_import *im, const char *format, ...)
{
    char why[FL_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    fl_error_set(im->g->error, FL_UNREADABLE, "node '%.80s' (%.40s, opset %d): %s", im->label, im->node->op,
                 im->program->opset, why);
    return false;
}

/* ---- operands ---- */

bool fl_onnx_given(const fl_onnx_import *im, int k) { return k >= 0 && k < im->node->n_in && im->node->in[k] >= 0; }

const fl_onnx_value *fl_onnx_operand(fl_onnx_import *im, int k)
{
    if (!fl_onnx_ok(im)) return NULL;
    if (!fl_onnx_given(im, k)) {
        fl_onnx_fail(im, "operand %d is missing", k);
        return NULL;
    }
    const fl_onnx_value *v = &im->value[im->node->in[k]];
    if (v->kind != FL_ONNX_ABSENT) return v;
    fl_onnx_fail(im, "operand %d, '%.80s', is made by nothing before it", k, v->name);
    return NULL;
}

const fl_onnx_value *fl_onnx_constant(fl_onnx_import *im, int k, const char *what)
{
    const fl_onnx_value *v = fl_onnx_operand(im, k);
    if (!v || v->kind == FL_ONNX_CONSTANT) return v;
    fl_onnx_fail(im, "expected a constant for %s (operand %d, '%.80s'), got a value that depends on the clip", what,
                 k, v->name);
    return NULL;
}

/* ---- attributes ---- */

const fl_onnx_attribute *fl_onnx_attribute_of(const fl_onnx_import *im, const char *name)
{
    for (int i = 0; i < im->node->n_attributes; i++)
        if (strcmp(im->node->attribute[i].name, name) == 0) return &im->node->attribute[i];
    return NULL;
}

int64_t fl_onnx_int(const fl_onnx_import *im, const char *name, int64_t preset)
{
    const fl_onnx_attribute *a = fl_onnx_attribute_of(im, name);
    return a && a->has_i ? a->i : preset;
}

double fl_onnx_real(const fl_onnx_import *im, const char *name, double preset)
{
    const fl_onnx_attribute *a = fl_onnx_attribute_of(im, name);
    return a && a->has_f ? a->f : preset;
}

const char *fl_onnx_text(const fl_onnx_import *im, const char *name, const char *preset)
{
    const fl_onnx_attribute *a = fl_onnx_attribute_of(im, name);
    return a && a->s ? a->s : preset;
}

bool fl_onnx_is(const fl_onnx_import *im, const char *name, const char *preset, const char *wanted)
{
    return strcmp(fl_onnx_text(im, name, preset), wanted) == 0;
}

int fl_onnx_list(fl_onnx_import *im, const char *name, int k, int most, int64_t *to)
{
    const fl_onnx_attribute *a = fl_onnx_attribute_of(im, name);
    const int64_t *from = a ? a->ints : NULL;
    int64_t count = a ? a->n_ints : 0;
    if (fl_onnx_given(im, k)) {
        const fl_onnx_value *v = fl_onnx_constant(im, k, name);
        if (!v) return -2;
        count = fl_onnx_count(v);
        if (count <= most && !(from = fl_onnx_as_integers(im, v))) return -2;
    } else if (!a) {
        return -1;
    }
    if (count > most) {
        fl_onnx_fail(im, "%s: expected at most %d numbers, got %lld", name, most, (long long)count);
        return -2;
    }
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
    return (int)count;
}

double fl_onnx_number(fl_onnx_import *im, const char *name, int k, double preset)
{
    if (!fl_onnx_given(im, k)) return fl_onnx_real(im, name, preset);
    const fl_onnx_value *v = fl_onnx_constant(im, k, name);
    const double *values = v && fl_onnx_count(v) == 1 ? fl_onnx_as_reals(im, v) : NULL;
    if (v && !values) fl_onnx_fail(im, "%s: expected one number", name);
    return values ? values[0] : preset;
}

bool fl_onnx_axis(fl_onnx_import *im, int64_t axis, int rank, int *to)
{
    if (axis < -rank || axis >= rank)
        return fl_onnx_fail(im, "axis %lld is none of a tensor of %d axes", (long long)axis, rank);
    *to = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

bool fl_onnx_axes(fl_onnx_import *im, int k, int rank, unsigned *bits)
{
    int64_t list[FL_ONNX_RANK];
    const int count = fl_onnx_list(im, "axes", k, FL_ONNX_RANK, list);
    *bits = count > 0 ? 0 : (1u << rank) - 1;
    for (int i = 0; i < count; i++) {
        int axis = 0;
        if (!fl_onnx_axis(im, list[i], rank, &axis)) return false;
        *bits |= 1u << axis;
    }
    return count > -2;
}

bool fl_onnx_reduces_nothing(fl_onnx_import *im, int k)
{
    int64_t list[FL_ONNX_RANK];
    return fl_onnx_int(im, "noop_with_empty_axes", 0) && fl_onnx_list(im, "axes", k, FL_ONNX_RANK, list) < 1;
}

static int64_t within(int64_t i, int64_t low, int64_t high) { return i < low ? low : i > high ? high : i; }

int64_t fl_onnx_range(int64_t begin, int64_t end, int64_t step, int64_t length, int64_t *first)
{
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? length : length - 1;
    begin = within(begin < 0 ? begin + length : begin, low, high);
    end = within(end < 0 ? end + length : end, low, high);
    const int64_t span = step > 0 ? end - begin : begin - end;
    *first = begin;
    return span > 0 ? (span - 1) / (step > 0 ? step : -step) + 1 : 0;
}

/* ---- constants ---- */

bool fl_onnx_is_whole(fl_scalar type)
{
    return type != FL_SCALAR_F64 && type != FL_SCALAR_F32 && type != FL_SCALAR_F16 && type != FL_SCALAR_BF16;
}

int64_t fl_onnx_count(const fl_onnx_value *v)
{
    int64_t count = 1;                       /* the sizes were checked when the value was made */
    for (int i = 0; i < v->rank; i++) count *= v->dim[i];
    return count;
}

const double *fl_onnx_as_reals(fl_onnx_import *im, const fl_onnx_value *v)
{
    const int64_t count = fl_onnx_count(v);
    if (v->reals) return v->reals;
    double *values = FL_NEW(im->arena, double, count);
    if (values && v->stored) fl_onnx_reals(v->stored, values);
    for (int64_t i = 0; values && v->integers && i < count; i++) values[i] = (double)v->integers[i];
    return values;
}

const int64_t *fl_onnx_as_integers(fl_onnx_import *im, const fl_onnx_value *v)
{
    const int64_t count = fl_onnx_count(v);
    if (v->integers) return v->integers;
    int64_t *values = FL_NEW(im->arena, int64_t, count);
    for (int64_t i = 0; values && i < count; i++) {
        const double x = v->reals ? v->reals[i] : 0;
        if (v->stored) values[i] = fl_onnx_integer(v->stored, i);
        else values[i] = x > -9e18 && x < 9e18 ? (int64_t)x : 0;
    }
    return values;
}

/* ---- results ---- */

bool fl_onnx_wanted(const fl_onnx_import *im, int k) { return k < im->node->n_out && im->node->out[k] >= 0; }

void fl_onnx_set(fl_onnx_import *im, int k, fl_onnx_value v)
{
    if (!fl_onnx_ok(im) || !fl_onnx_wanted(im, k)) return;
    fl_onnx_value *to = &im->value[im->node->out[k]];
    v.name = to->name;
    *to = v;
}

void fl_onnx_result(fl_onnx_import *im, int k, fl_id node, int rank, const int *seat)
{
    if (!fl_onnx_ok(im)) return;
    fl_onnx_value v = {.kind = FL_ONNX_DYNAMIC, .rank = rank, .node = node};
    fl_shape s = fl_graph_shape(im->g, node);
    unsigned seen = 0;
    for (int i = 0; i < rank; i++) {
        v.dim[i] = seat[i] < 0 ? 1 : *fl_shape_axis(&s, seat[i]);
        v.seat[i] = v.dim[i] == 1 ? FL_SEAT_NONE : seat[i];
        if (seat[i] >= 0) seen |= 1u << seat[i];
    }
    for (int axis = 0; axis < 5; axis++) fl_assert(seen >> axis & 1 || *fl_shape_axis(&s, axis) == 1);
    fl_onnx_set(im, k, v);
}
