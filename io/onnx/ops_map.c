/* ops_map.c: element by element, and two operands that are broadcast.
 *
 * What has no op of its own is put together from those that do: HardSwish(x) = x * clip(x / 6 + 1/2, 0, 1). */
#include "io/onnx/import.h"

#include "autograd/runs.h"

#include <float.h>
#include <math.h>

/* The result has the seats of x. */
static void keep(fl_onnx_import *im, const fl_onnx_value *x, fl_id node)
{
    fl_onnx_result(im, 0, node, x->rank, x->seat);
}

static fl_id times(fl_onnx_import *im, const char *part, fl_id x, double factor)
{
    const fl_id scalar = fl_onnx_scalar(im, part, factor);
    return fl_node_mul(im->g, fl_onnx_name(im, "scaled"), x, scalar);
}

static fl_id plus(fl_onnx_import *im, const char *part, fl_id x, double term)
{
    const fl_id scalar = fl_onnx_scalar(im, part, term);
    return fl_node_add(im->g, fl_onnx_name(im, "shifted"), x, scalar);
}

/* ---- one operand ---- */

/* call: an expression in g, name and x that gives the node */
#define MAP(id, call)                                              \
    static void id(fl_onnx_import *im)                             \
    {                                                              \
        const fl_onnx_value *v = fl_onnx_data(im, 0);              \
        if (!v) return;                                            \
        fl_graph *const g = im->g;                                 \
        const fl_id x = v->node;                                   \
        const char *name = fl_onnx_name(im, NULL);                 \
        (void)g;                                                   \
        keep(im, v, call);                                         \
    }

MAP(import_relu, fl_node_relu(g, name, x))
MAP(import_sigmoid, fl_node_sigmoid(g, name, x))
MAP(import_tanh, fl_node_tanh(g, name, x))
MAP(import_exp, fl_node_exp(g, name, x))
MAP(import_log, fl_node_log(g, name, x))
MAP(import_erf, fl_node_erf(g, name, x))
MAP(import_sqrt, fl_node_power(g, name, x, 0.5))
MAP(import_reciprocal, fl_node_power(g, name, x, -1))
MAP(import_neg, fl_node_mul(g, name, x, fl_onnx_scalar(im, "minus", -1)))
MAP(import_leakyrelu, fl_node_leakyrelu(g, name, x, fl_onnx_real(im, "alpha", 0.01)))

/* relu(x) + relu(-x) */
static fl_id absolute(fl_onnx_import *im, const char *name, fl_id x)
{
    const fl_id above = fl_node_relu(im->g, fl_onnx_name(im, "above"), x);
    const fl_id below = fl_node_relu(im->g, fl_onnx_name(im, "below"), times(im, "minus", x, -1));
    return fl_node_add(im->g, name, above, below);
}
MAP(import_abs, absolute(im, name, x))

/* clip(alpha x + beta, 0, 1) */
static fl_id hard_sigmoid(fl_onnx_import *im, const char *name, fl_id x, double alpha, double beta)
{
    return fl_node_clip(im->g, name, plus(im, "beta", times(im, "alpha", x, alpha), beta), 0, 1);
}

MAP(import_hardsigmoid, hard_sigmoid(im, name, x, fl_onnx_real(im, "alpha", 0.2), fl_onnx_real(im, "beta", 0.5)))
MAP(import_hardswish, fl_node_mul(g, name, x, hard_sigmoid(im, fl_onnx_name(im, "gate"), x, 1.0 / 6, 0.5)))

/* x above 0, alpha (e^x - 1) below */
static fl_id elu(fl_onnx_import *im, const char *name, fl_id x, double alpha)
{
    const fl_id below = fl_node_clip(im->g, fl_onnx_name(im, "below"), x, -(double)INFINITY, 0);
    const fl_id e = plus(im, "minus_one", fl_node_exp(im->g, fl_onnx_name(im, "exp"), below), -1);
    const fl_id bent = times(im, "alpha", e, alpha), above = fl_node_relu(im->g, fl_onnx_name(im, "above"), x);
    return fl_node_add(im->g, name, above, bent);
}
MAP(import_elu, elu(im, name, x, fl_onnx_real(im, "alpha", 1)))

static void import_clip(fl_onnx_import *im)
{
    const fl_onnx_value *v = fl_onnx_data(im, 0);
    if (!v) return;
    const double low = fl_onnx_number(im, "min", 1, -(double)INFINITY);
    const double high = fl_onnx_number(im, "max", 2, (double)INFINITY);
    if (!fl_onnx_ok(im)) return;
    keep(im, v, fl_node_clip(im->g, fl_onnx_name(im, NULL), v->node, low <= -FLT_MAX ? -(double)INFINITY : low,
                             high >= FLT_MAX ? (double)INFINITY : high));
}

/* ---- two operands ---- */

/* Operand k where both meet. how and factor: of a constant. */
static fl_id meet(fl_onnx_import *im, const fl_onnx_value *v, int rank, const int *want, const char *how,
                  double factor)
{
    if (v->kind == FL_ONNX_CONSTANT) return fl_onnx_seated(im, v, want + (rank - v->rank), how, factor);
    return fl_onnx_arrange(im, v, want + (rank - v->rank));
}

typedef enum kind { ADD, SUB, MUL, DIV, MAX, MIN } kind;

/* x with all values of s: one that is broadcast is added to zeros, which changes none. */
static fl_id filled(fl_onnx_import *im, fl_id x, fl_shape s)
{
    if (!fl_onnx_ok(im) || fl_shape_equal(fl_graph_shape(im->g, x), s)) return x;
    const fl_id zeros = fl_node_buffer(im->g, fl_onnx_name(im, "zeros"), s);
    return fl_node_add(im->g, fl_onnx_name(im, "filled"), x, zeros);
}

/* The larger of two, or the smaller: min(a,b) = -max(-a,-b). Exact at any size, which b + relu(a - b) is not: b lies behind a on T,
 * and a pool of two taps, as far apart as a is long, sees one value of each. Of equals the first wins. */
static fl_id extreme(fl_onnx_import *im, const char *name, kind k, fl_id a, fl_id b)
{
    fl_window win = {{2, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    fl_shape s = fl_graph_shape(im->g, a), other = fl_graph_shape(im->g, b);
    for (int axis = 0; axis < 5; axis++)
        if (*fl_shape_axis(&s, axis) == 1) *fl_shape_axis(&s, axis) = *fl_shape_axis(&other, axis);
    const fl_id first = filled(im, k == MIN ? times(im, "minus", a, -1) : a, s);
    const fl_id second = filled(im, k == MIN ? times(im, "minus", b, -1) : b, s);
    const fl_id both = fl_node_concat(im->g, fl_onnx_name(im, "both"), FL_AXIS_T, 2, (const fl_id[]){first, second});
    win.d[0] = s.t;
    if (k == MAX) return fl_node_maxpool(im->g, name, both, win, false);
    const fl_id largest = fl_node_maxpool(im->g, fl_onnx_name(im, "largest"), both, win, false), minus = fl_onnx_scalar(im, "minus", -1);
    return fl_node_mul(im->g, name, largest, minus);
}

static fl_id combine(fl_onnx_import *im, kind k, fl_id a, fl_id b)
{
    const char *name = fl_onnx_name(im, NULL);
    switch (k) {
    case ADD: return fl_node_add(im->g, name, a, b);
    case SUB: return fl_node_add(im->g, name, a, times(im, "minus", b, -1));
    case MUL: return fl_node_mul(im->g, name, a, b);
    case DIV: return fl_node_mul(im->g, name, a, fl_node_power(im->g, fl_onnx_name(im, "reciprocal"), b, -1));
    default:  return extreme(im, name, k, a, b);
    }
}

/* 1 / v, element by element: a constant divisor is a factor. */
static const fl_onnx_value *reciprocal(fl_onnx_import *im, const fl_onnx_value *v)
{
    const int64_t count = fl_onnx_count(v);
    const double *from = fl_onnx_as_reals(im, v);
    double *to = FL_NEW(im->arena, double, count);
    fl_onnx_value *r = FL_NEW(im->arena, fl_onnx_value, 1);
    if (!from || !to || !r) return NULL;
    for (int64_t i = 0; i < count; i++) to[i] = 1 / from[i];
    *r = *v;
    r->stored = NULL;
    r->integers = NULL;
    r->whole = false;
    r->reals = to;
    return r;
}

static void import_two(fl_onnx_import *im, kind k)
{
    const fl_onnx_value *a = fl_onnx_operand(im, 0), *b = fl_onnx_operand(im, 1);
    int want[FL_ONNX_RANK], rank;
    if (!a || !b) return;
    const bool subtract = k == SUB && b->kind == FL_ONNX_CONSTANT, divide = k == DIV && b->kind == FL_ONNX_CONSTANT;
    if (divide) b = reciprocal(im, b);
    if (!b || !fl_onnx_meet(im, a, b, &rank, want)) return;
    if (subtract || divide) k = subtract ? ADD : MUL;
    const fl_id x = meet(im, a, rank, want, "", 1);
    const fl_id y = meet(im, b, rank, want, subtract ? "negative" : divide ? "reciprocal" : "", subtract ? -1 : 1);
    fl_onnx_result(im, 0, combine(im, k, x, y), rank, want);
}

static void import_add(fl_onnx_import *im) { import_two(im, ADD); }
static void import_sub(fl_onnx_import *im) { import_two(im, SUB); }
static void import_mul(fl_onnx_import *im) { import_two(im, MUL); }
static void import_div(fl_onnx_import *im) { import_two(im, DIV); }

/* A constant of one value beside x, which depends on the clip. */
static bool is_bound(const fl_onnx_value *c, const fl_onnx_value *x)
{
    return c->kind == FL_ONNX_CONSTANT && x->kind == FL_ONNX_DYNAMIC && fl_onnx_count(c) == 1;
}

/* Max and Min of x and such a bound are a clip. */
static void import_bound(fl_onnx_import *im, kind k, const fl_onnx_value *x, const fl_onnx_value *c)
{
    const double *bound = fl_onnx_as_reals(im, c);
    int want[FL_ONNX_RANK], rank;
    if (!bound || !fl_onnx_meet(im, x, c, &rank, want)) return;
    const fl_id at = fl_onnx_arrange_right(im, x, rank, want);
    const double low = k == MAX ? bound[0] : -(double)INFINITY, high = k == MIN ? bound[0] : (double)INFINITY;
    fl_onnx_result(im, 0, fl_node_clip(im->g, fl_onnx_name(im, NULL), at, low, high), rank, want);
}

static void import_two_of_many(fl_onnx_import *im, kind k, const fl_onnx_value *a, const fl_onnx_value *b)
{
    int want[FL_ONNX_RANK], rank;
    if (k != ADD && is_bound(b, a)) import_bound(im, k, a, b);
    else if (k != ADD && is_bound(a, b)) import_bound(im, k, b, a);
    else if (fl_onnx_meet(im, a, b, &rank, want)) {
        const fl_id x = meet(im, a, rank, want, "", 1), y = meet(im, b, rank, want, "", 1);
        fl_onnx_result(im, 0, combine(im, k, x, y), rank, want);
    }
}

/* Sum, Max, Min of any number of operands: one after the other. */
static void import_many(fl_onnx_import *im, kind k)
{
    const fl_onnx_value *a = im->node->n_in > 1 ? fl_onnx_operand(im, 0) : fl_onnx_data(im, 0);
    fl_onnx_value so_far;
    if (!a) return;
    if (im->node->n_in == 1) fl_onnx_set(im, 0, *a);
    for (int i = 1; i < im->node->n_in; i++) {
        const fl_onnx_value *b = fl_onnx_operand(im, i);
        if (b) import_two_of_many(im, k, a, b);
        if (!fl_onnx_ok(im) || !fl_onnx_wanted(im, 0)) return;
        so_far = im->value[im->node->out[0]];
        a = &so_far;
    }
}
static void import_sum(fl_onnx_import *im) { import_many(im, ADD); }
static void import_max(fl_onnx_import *im) { import_many(im, MAX); }
static void import_min(fl_onnx_import *im) { import_many(im, MIN); }

static void import_pow(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0), *p = fl_onnx_constant(im, 1, "the exponent");
    if (!x || !p) return;
    const double *exponent = fl_onnx_count(p) == 1 ? fl_onnx_as_reals(im, p) : NULL;
    if (!exponent) {
        fl_onnx_fail(im, "expected one exponent");
        return;
    }
    if (exponent[0] == 1) fl_onnx_set(im, 0, *x);
    else keep(im, x, fl_node_power(im->g, fl_onnx_name(im, NULL), x->node, exponent[0]));
}

/* relu(x) - slope * relu(-x) */
static void import_prelu(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0), *slope = fl_onnx_constant(im, 1, "the slope");
    int want[FL_ONNX_RANK], rank;
    if (!x || !slope || !fl_onnx_meet(im, x, slope, &rank, want)) return;
    const fl_id at = fl_onnx_arrange_right(im, x, rank, want);
    const fl_id factor = meet(im, slope, rank, want, "negative", -1);
    const fl_id above = fl_node_relu(im->g, fl_onnx_name(im, "above"), at);
    const fl_id below = fl_node_relu(im->g, fl_onnx_name(im, "below"), times(im, "minus", at, -1));
    const fl_id bent = fl_node_mul(im->g, fl_onnx_name(im, "bent"), below, factor);
    fl_onnx_result(im, 0, fl_node_add(im->g, fl_onnx_name(im, NULL), above, bent), rank, want);
}

/* ---- nothing at all ---- */

static void import_identity(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_operand(im, 0);
    if (x && fl_onnx_wanted(im, 1)) fl_onnx_fail(im, "its second output, the mask, is not available");
    if (x) fl_onnx_set(im, 0, *x);
}

static void import_cast(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    const int64_t to = fl_onnx_int(im, "to", 0);
    if (!x) return;
    if (to == 1 || to == 10 || to == 11 || to == 16) fl_onnx_set(im, 0, *x); /* float, float16, double, bfloat16 */
    else fl_onnx_fail(im, "a value that depends on the clip can only be a floating-point number");
}

const fl_onnx_op fl_onnx_map_ops[] = {
    {"Relu", import_relu}, {"Sigmoid", import_sigmoid}, {"Tanh", import_tanh}, {"Exp", import_exp},
    {"Log", import_log}, {"Erf", import_erf}, {"Sqrt", import_sqrt}, {"Reciprocal", import_reciprocal},
    {"Neg", import_neg}, {"Abs", import_abs}, {"LeakyRelu", import_leakyrelu}, {"HardSigmoid", import_hardsigmoid},
    {"HardSwish", import_hardswish}, {"Elu", import_elu}, {"Clip", import_clip}, {"Add", import_add},
    {"Sub", import_sub}, {"Mul", import_mul}, {"Div", import_div}, {"Sum", import_sum}, {"Max", import_max},
    {"Min", import_min}, {"Pow", import_pow}, {"PRelu", import_prelu}, {"Identity", import_identity},
    {"Dropout", import_identity}, {"Cast", import_cast}, {NULL, NULL}};
