/* fold_math.c: arithmetic on constants, as the exporters of shapes need it. */
#include "io/onnx/fold.h"

#include "tensor/math.h"

#include <string.h>

typedef enum arithmetic {
    ADD, SUB, MUL, DIV, MOD, POW, MIN, MAX, EQUAL, LESS, GREATER, LESS_EQUAL, GREATER_EQUAL, AND, OR,
    REMAINDER                /* Mod with fmod = 1: the sign of the dividend; Mod has that of the divisor */
} arithmetic;

static const char *const arithmetic_name[] = {
    [ADD] = "Add", [SUB] = "Sub", [MUL] = "Mul", [DIV] = "Div", [MOD] = "Mod", [POW] = "Pow", [MIN] = "Min", [MAX] = "Max",
    [EQUAL] = "Equal", [LESS] = "Less", [GREATER] = "Greater", [LESS_EQUAL] = "LessOrEqual", [GREATER_EQUAL] = "GreaterOrEqual",
    [AND] = "And", [OR] = "Or"};

/* By squaring, on unsigned numbers: what does not fit wraps around. 1 / a^-b is cut off: 0, but for 1 and -1. */
static int64_t whole_power(int64_t a, int64_t b)
{
    if (b < 0) return a == 1 || (a == -1 && b % 2 == 0) ? 1 : a == -1 ? -1 : 0;
    uint64_t y = 1, square = (uint64_t)a;
    for (; b; b >>= 1, square *= square)
        if (b & 1) y *= square;
    return (int64_t)y;
}

/* On unsigned numbers, so that what does not fit wraps around. Division by zero gives 0. */
static int64_t on_integers(arithmetic op, int64_t a, int64_t b)
{
    switch (op) {
    case ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
    case SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
    case MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
    case DIV: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    case MOD: return b == 0 || b == -1 ? 0 : a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0);
    case REMAINDER: return b == 0 || b == -1 ? 0 : a % b;
    case POW: return whole_power(a, b);
    case MIN: return a < b ? a : b;
    case MAX: return a > b ? a : b;
    case EQUAL: return a == b;
    case LESS: return a < b;
    case GREATER: return a > b;
    case LESS_EQUAL: return a <= b;
    case GREATER_EQUAL: return a >= b;
    case AND: return a && b;
    case OR: return a || b;
    default: return 0;
    }
}

/* Small whole exponents by squaring: 2^3 is 8. A negative base wants a whole exponent. */
static double power(double a, double b)
{
    const bool whole = b == floor(b);
    if (b == 0.5) return sqrt(a);
    if (whole && fabs(b) <= 64) {
        double y = 1, square = a;
        for (int n = (int)fabs(b); n; n >>= 1, square *= square)
            if (n & 1) y *= square;
        return b < 0 ? 1 / y : y;
    }
    if (a < 0 && !whole) return (double)NAN;
    const double size = fl_pow64(fabs(a), b);
    return a < 0 && fmod(b, 2) != 0 ? -size : size;
}

static double on_reals(arithmetic op, double a, double b)
{
    switch (op) {
    case ADD: return a + b;
    case SUB: return a - b;
    case MUL: return a * b;
    case DIV: return a / b;
    case MOD: return fmod(a, b);
    case POW: return power(a, b);
    case MIN: return a < b ? a : b;
    case MAX: return a > b ? a : b;
    case EQUAL: return a == b;
    case LESS: return a < b;
    case GREATER: return a > b;
    case LESS_EQUAL: return a <= b;
    default: return a >= b;
    }
}

/* Lengths of a result whose operands are broadcast, and how far each operand moves along its axes. */
static bool broadcast(fl_onnx_import *im, int n, const fl_fold *x, fl_onnx_value *y, int64_t step[][FL_ONNX_RANK])
{
    for (int k = 0; k < n; k++) y->rank = x[k].rank > y->rank ? x[k].rank : y->rank;
    for (int i = 0; i < y->rank; i++) y->dim[i] = 1;
    for (int k = 0; k < n; k++) {
        int64_t stride[FL_ONNX_RANK];
        const int shift = y->rank - x[k].rank;
        fl_fold_strides(&x[k], stride);
        for (int i = 0; i < y->rank; i++) {
            const int64_t length = i < shift ? 1 : x[k].dim[i - shift];
            step[k][i] = length == 1 ? 0 : stride[i - shift];
            if (length == 1) continue;
            if (y->dim[i] != 1 && y->dim[i] != length) return fl_onnx_fail(im, "the operands do not fit");
            y->dim[i] = length;
        }
    }
    return true;
}

/* The next index of y; at[k] follows in each operand. */
static void advance(const fl_onnx_value *y, int n, int64_t *index, int64_t step[][FL_ONNX_RANK], int64_t *at)
{
    for (int a = y->rank - 1; a >= 0; a--) {
        const bool carry = ++index[a] == y->dim[a];
        for (int k = 0; k < n; k++) at[k] += carry ? -step[k][a] * (y->dim[a] - 1) : step[k][a];
        if (!carry) return;
        index[a] = 0;
    }
}

/* A real power of a whole number is whole again: cut off, but not for the sake of a last bit. */
static int64_t cut_off(double r)
{
    const double near = nearbyint(r);
    if (!(fabs(r) < 9e18)) return 0;
    return (int64_t)(fabs(r - near) <= 1e-12 * fabs(r) ? near : r);
}

static bool check_two(fl_onnx_import *im, arithmetic op, bool whole)
{
    const bool as_c = fl_onnx_int(im, "fmod", 0) != 0;
    if (im->node->n_in > 2) return fl_onnx_fail(im, "expected two operands, got %d", im->node->n_in);
    if ((op == AND || op == OR) && !whole) return fl_onnx_fail(im, "expected truth values");
    if (op == MOD && !whole && !as_c) return fl_onnx_fail(im, "of real numbers there is only the remainder with fmod = 1");
    return true;
}

static void fold_two(fl_onnx_import *im)
{
    const fl_fold x[2] = {fl_fold_operand(im, 0), fl_fold_operand(im, 1)};
    int64_t step[2][FL_ONNX_RANK], index[FL_ONNX_RANK] = {0}, at[2] = {0}, *i = NULL;
    double *f = NULL;
    fl_onnx_value y = {.rank = 0};
    arithmetic op = ADD;
    while (strcmp(arithmetic_name[op], im->node->op) != 0) op++;
    if (!fl_onnx_ok(im) || !broadcast(im, 2, x, &y, step)) return;
    const bool compares = op >= EQUAL, whole = x[0].whole && x[1].whole;
    if (!check_two(im, op, whole) || !fl_fold_room(im, &y, whole || compares || (op == POW && x[0].whole), &i, &f)) return;
    if (op == MOD && whole && fl_onnx_int(im, "fmod", 0) != 0) op = REMAINDER;
    const int64_t count = fl_onnx_count(&y);
    for (int64_t k = 0; k < count; k++) {
        const double r = whole ? 0 : on_reals(op, fl_fold_real(&x[0], at[0]), fl_fold_real(&x[1], at[1]));
        if (whole) i[k] = on_integers(op, x[0].i[at[0]], x[1].i[at[1]]);
        else if (i) i[k] = cut_off(r);
        else f[k] = r;
        advance(&y, 2, index, step, at);
    }
    fl_onnx_set(im, 0, y);
}

static void fold_where(fl_onnx_import *im)
{
    const fl_fold x[3] = {fl_fold_operand(im, 0), fl_fold_operand(im, 1), fl_fold_operand(im, 2)};
    int64_t step[3][FL_ONNX_RANK], index[FL_ONNX_RANK] = {0}, at[3] = {0}, *i = NULL;
    double *f = NULL;
    fl_onnx_value y = {.rank = 0};
    if (!fl_onnx_ok(im) || !broadcast(im, 3, x, &y, step)) return;
    const bool whole = x[1].whole && x[2].whole;
    if (!fl_fold_room(im, &y, whole, &i, &f)) return;
    const int64_t count = fl_onnx_count(&y);
    for (int64_t k = 0; k < count; k++) {
        const int from = fl_fold_real(&x[0], at[0]) != 0 ? 1 : 2;
        if (i) i[k] = x[from].i[at[from]];
        else f[k] = fl_fold_real(&x[from], at[from]);
        advance(&y, 3, index, step, at);
    }
    fl_onnx_set(im, 0, y);
}

/* ---- one operand ---- */

typedef enum function { NEG, ABS, FLOOR, CEIL, ROUND, SQRT, EXP, LOG, RECIPROCAL, NOT, SIGN } function;

static const char *const function_name[] = {
    [NEG] = "Neg", [ABS] = "Abs", [FLOOR] = "Floor", [CEIL] = "Ceil", [ROUND] = "Round", [SQRT] = "Sqrt", [EXP] = "Exp", [LOG] = "Log",
    [RECIPROCAL] = "Reciprocal", [NOT] = "Not", [SIGN] = "Sign"};

static double on_real(function op, double x)
{
    switch (op) {
    case NEG: return -x;
    case ABS: return fabs(x);
    case FLOOR: return floor(x);
    case CEIL: return ceil(x);
    case ROUND: return nearbyint(x);
    case SQRT: return sqrt(x);
    case EXP: return fl_exp64(x);
    case LOG: return fl_log64(x);
    case RECIPROCAL: return 1 / x;
    default: return x > 0 ? 1 : x < 0 ? -1 : 0;
    }
}

static int64_t on_integer(function op, int64_t x)
{
    switch (op) {
    case NEG: return (int64_t)(0 - (uint64_t)x);
    case ABS: return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
    case NOT: return !x;
    case SIGN: return (x > 0) - (x < 0);
    default: return x;
    }
}

static void fold_one(fl_onnx_import *im)
{
    const fl_fold x = fl_fold_operand(im, 0);
    int64_t *i = NULL;
    double *f = NULL;
    function op = NEG;
    fl_onnx_value y = {.rank = x.rank};
    memcpy(y.dim, x.dim, sizeof y.dim);
    while (strcmp(function_name[op], im->node->op) != 0) op++;
    if (!fl_fold_room(im, &y, x.whole, &i, &f)) return;
    for (int64_t k = 0; k < x.count; k++) {
        if (i) i[k] = on_integer(op, x.i[k]);
        else f[k] = on_real(op, x.f[k]);
    }
    fl_onnx_set(im, 0, y);
}

/* ---- reductions ---- */

static const char *const reduction_name[] = {"ReduceSum", "ReduceProd", "ReduceMin", "ReduceMax", "ReduceMean"};

static void fold_reduce(fl_onnx_import *im)
{
    static const arithmetic how[] = {ADD, MUL, MIN, MAX, ADD};
    const fl_fold x = fl_fold_operand(im, 0);
    const bool keep = fl_onnx_int(im, "keepdims", 1) != 0;
    int64_t step[1][FL_ONNX_RANK] = {{0}}, index[FL_ONNX_RANK] = {0}, at[1] = {0}, stride = 1, *i = NULL;
    double *f = NULL;
    int op = 0;
    unsigned axes;
    fl_onnx_value y = {.rank = 0}, walk = {.rank = x.rank};
    while (strcmp(reduction_name[op], im->node->op) != 0) op++;
    if (!fl_onnx_ok(im) || !fl_onnx_axes(im, 1, x.rank, &axes)) return;
    if (fl_onnx_reduces_nothing(im, 1)) {
        fl_onnx_set(im, 0, *fl_onnx_operand(im, 0));
        return;
    }
    if (x.count == 0) fl_onnx_fail(im, "nothing to reduce");
    memcpy(walk.dim, x.dim, sizeof walk.dim);
    for (int k = x.rank - 1; k >= 0; k--) {
        if (axes >> k & 1) continue;
        step[0][k] = stride;
        stride *= x.dim[k];
    }
    for (int k = 0; k < x.rank; k++)
        if (keep || !(axes >> k & 1)) y.dim[y.rank++] = axes >> k & 1 ? 1 : x.dim[k];
    if (!fl_fold_room(im, &y, x.whole, &i, &f)) return;
    const bool mean = strcmp(reduction_name[op], "ReduceMean") == 0;
    const int64_t results = fl_onnx_count(&y);
    bool *begun = FL_NEW(im->arena, bool, results);
    for (int64_t k = 0; begun && k < x.count; k++) {
        const int64_t to = at[0];
        if (i) i[to] = begun[to] ? on_integers(how[op], i[to], x.i[k]) : x.i[k];
        else f[to] = begun[to] ? on_reals(how[op], f[to], x.f[k]) : x.f[k];
        begun[to] = true;
        advance(&walk, 1, index, step, at);
    }
    const int64_t each = results ? x.count / results : 1;
    for (int64_t k = 0; mean && k < results; k++) {
        if (i) i[k] /= each;
        else f[k] /= (double)each;
    }
    fl_onnx_set(im, 0, y);
}

const fl_onnx_op fl_fold_math[] = {
    {"Add", fold_two}, {"Sub", fold_two}, {"Mul", fold_two}, {"Div", fold_two}, {"Mod", fold_two}, {"Pow",
    fold_two}, {"Min", fold_two}, {"Max", fold_two}, {"Equal", fold_two}, {"Less", fold_two}, {"Greater",
    fold_two}, {"LessOrEqual", fold_two}, {"GreaterOrEqual", fold_two}, {"And", fold_two}, {"Or", fold_two},
    {"Where", fold_where}, {"Neg", fold_one}, {"Abs", fold_one}, {"Floor", fold_one}, {"Ceil", fold_one},
    {"Round", fold_one}, {"Sqrt", fold_one}, {"Exp", fold_one}, {"Log", fold_one}, {"Reciprocal", fold_one},
    {"Not", fold_one}, {"Sign", fold_one}, {"ReduceSum", fold_reduce}, {"ReduceProd", fold_reduce},
    {"ReduceMin", fold_reduce}, {"ReduceMax", fold_reduce}, {"ReduceMean", fold_reduce}, {NULL, NULL}};
