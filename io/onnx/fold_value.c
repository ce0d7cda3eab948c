/* fold_value.c: constants out of nothing, out of lengths, and of another type. */
#include "io/onnx/fold.h"

#include <math.h>
#include <string.h>

static void fold_shape(fl_onnx_import *im)               /* of any operand: lengths are known */
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    int64_t *i = NULL, first = fl_onnx_int(im, "start", 0), end = fl_onnx_int(im, "end", FL_ONNX_RANK);
    if (!x) return;
    if (first < 0) first += x->rank;
    if (end < 0) end += x->rank;
    first = first < 0 ? 0 : first;
    end = end > x->rank ? x->rank : end;
    fl_onnx_value y = {.rank = 1, .dim = {end > first ? end - first : 0}};
    if (!fl_fold_room(im, &y, true, &i, NULL)) return;
    for (int64_t k = 0; k < y.dim[0]; k++) i[k] = x->dim[first + k];
    fl_onnx_set(im, 0, y);
}

static void fold_size(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    fl_onnx_value y = {.rank = 0};
    int64_t *i = NULL;
    if (!x || !fl_fold_room(im, &y, true, &i, NULL)) return;
    i[0] = fl_onnx_count(x);
    fl_onnx_set(im, 0, y);
}

static void fold_constant(fl_onnx_import *im)
{
    static const char *const kinds[] = {"value", "value_float", "value_int", "value_floats", "value_ints"};
    const fl_onnx_attribute *a = NULL;
    for (int i = 0; i < 5 && !a; i++) a = fl_onnx_attribute_of(im, kinds[i]);
    if (!a || !(a->t || a->has_f || a->has_i || a->n_floats || a->n_ints)) {
        fl_onnx_fail(im, "expected a constant of numbers");
        return;
    }
    fl_onnx_value y = {.kind = FL_ONNX_CONSTANT, .stored = a->t};
    if (a->t) {
        y.rank = a->t->rank;
        y.whole = fl_onnx_is_whole(a->t->type);
        memcpy(y.dim, a->t->dim, sizeof y.dim);
    } else {
        y.rank = a->n_floats || a->n_ints;
        y.dim[0] = a->n_floats ? a->n_floats : a->n_ints;
        y.whole = a->n_ints || a->has_i;
        y.integers = a->n_ints ? a->ints : y.whole ? &a->i : NULL;
        y.reals = y.whole ? NULL : a->n_floats ? a->floats : &a->f;
    }
    fl_onnx_set(im, 0, y);
}

static void fold_constant_of_shape(fl_onnx_import *im)
{
    const fl_onnx_attribute *a = fl_onnx_attribute_of(im, "value");
    const fl_onnx_tensor *t = a ? a->t : NULL;
    fl_onnx_value y = {.kind = FL_ONNX_CONSTANT};
    int64_t *i = NULL;
    double *f = NULL, value = 0;
    y.rank = fl_onnx_list(im, "shape", 0, FL_ONNX_RANK, y.dim);
    if (!fl_onnx_ok(im)) return;
    if (t && t->count != 1) {
        fl_onnx_fail(im, "value: expected one number");
        return;
    }
    const bool whole = t && fl_onnx_is_whole(t->type);
    if (t && !whole) fl_onnx_reals(t, &value);
    if (!fl_fold_room(im, &y, whole, &i, &f)) return;
    const int64_t count = fl_onnx_count(&y), one = whole ? fl_onnx_integer(t, 0) : 0;
    for (int64_t k = 0; k < count; k++) {
        if (i) i[k] = one;
        else f[k] = value;
    }
    fl_onnx_set(im, 0, y);
}

static void fold_range(fl_onnx_import *im)
{
    const fl_fold from = fl_fold_operand(im, 0), to = fl_fold_operand(im, 1), by = fl_fold_operand(im, 2);
    fl_onnx_value y = {.rank = 1};
    int64_t *i = NULL;
    double *f = NULL;
    if (!fl_onnx_ok(im)) return;
    const bool single = from.count == 1 && to.count == 1 && by.count == 1;
    const double steps = single ? ceil((fl_fold_real(&to, 0) - fl_fold_real(&from, 0)) / fl_fold_real(&by, 0)) : -1;
    if (!(steps < FL_ONNX_MOST_VALUES) || !single || fl_fold_real(&by, 0) == 0) {
        fl_onnx_fail(im, "expected begin, end and step of at most 2^24 numbers");
        return;
    }
    y.dim[0] = steps > 0 ? (int64_t)steps : 0;
    const bool whole = from.whole && by.whole;
    if (!fl_fold_room(im, &y, whole, &i, &f)) return;
    for (int64_t k = 0; k < y.dim[0]; k++) {
        if (i) i[k] = (int64_t)((uint64_t)from.i[0] + (uint64_t)k * (uint64_t)by.i[0]);
        else f[k] = fl_fold_real(&from, 0) + (double)k * fl_fold_real(&by, 0);
    }
    fl_onnx_set(im, 0, y);
}

/* v as a type with `bits` bits of fraction has it, whose smallest normal number is 2^least: the nearest, of two the even one. Above
 * `most` lies infinity. */
static double rounded(double v, int bits, int least, double most)
{
    int exponent;
    if (v == 0 || !isfinite(v)) return v;
    frexp(v, &exponent);                                   /* 2^(exponent - 1) <= |v| < 2^exponent */
    const int last = (exponent - 1 < least ? least : exponent - 1) - bits;
    const double r = ldexp(nearbyint(ldexp(v, -last)), last);
    return fabs(r) > most ? copysign((double)INFINITY, v) : r;
}

static double narrow_real(fl_scalar to, double v)
{
    switch (to) {
    case FL_SCALAR_F16:  return rounded(v, 10, -14, 65504);
    case FL_SCALAR_BF16: return rounded((double)(float)v, 7, -126, 0x1.fep127);
    case FL_SCALAR_F32:  return (double)(float)v;
    default:             return v;
    }
}

/* The low bits, as that type reads them. */
static int64_t narrow_whole(fl_scalar to, int64_t v)
{
    const int bits = 8 * fl_scalar_size(to);
    const bool is_signed = to == FL_SCALAR_I8 || to == FL_SCALAR_I16 || to == FL_SCALAR_I32;
    if (bits >= 64) return v;
    const uint64_t half = (uint64_t)1 << (bits - 1), low = (uint64_t)v & (2 * half - 1);
    return is_signed && low >= half ? (int64_t)low - (int64_t)(2 * half) : (int64_t)low;
}

static void fold_cast(fl_onnx_import *im)
{
    const fl_fold x = fl_fold_operand(im, 0);
    const fl_scalar to = fl_onnx_type(fl_onnx_int(im, "to", 0));
    fl_onnx_value y = {.rank = x.rank};
    int64_t *i = NULL;
    double *f = NULL;
    memcpy(y.dim, x.dim, sizeof y.dim);
    if (to == FL_SCALAR_NONE) fl_onnx_fail(im, "to a type that is not read");
    if (!fl_fold_room(im, &y, fl_onnx_is_whole(to), &i, &f)) return;
    for (int64_t k = 0; k < x.count; k++) {
        const double v = fl_fold_real(&x, k);
        if (f) f[k] = narrow_real(to, v);
        else if (to == FL_SCALAR_BOOL) i[k] = v != 0;
        else i[k] = narrow_whole(to, x.whole ? x.i[k] : v > -9e18 && v < 9e18 ? (int64_t)v : 0);
    }
    fl_onnx_set(im, 0, y);
}

const fl_onnx_op fl_fold_values[] = {
    {"Shape", fold_shape}, {"Size", fold_size}, {"Constant", fold_constant},
    {"ConstantOfShape", fold_constant_of_shape}, {"Range", fold_range}, {"Cast", fold_cast}, {NULL, NULL}};
