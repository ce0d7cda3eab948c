/* fold_parts.c: operands and results of nodes that are worked out (fold.h). */
#include "io/onnx/fold.h"

#include <string.h>

/* Before memory for so many values is taken, which stays until the network is built. */
static bool count_in(fl_onnx_import *im, int64_t count)
{
    im->folded += count;
    return im->folded <= im->most_folded ||
           fl_onnx_fail(im, "constants worked out up to here would have %lld values, expected at most %lld; simplify the network, or "
                        "store them in the file", (long long)im->folded, (long long)im->most_folded);
}

fl_fold fl_fold_operand(fl_onnx_import *im, int k)
{
    const fl_onnx_value *v = fl_onnx_operand(im, k);
    fl_fold l = {.count = 0};
    if (!v) return l;
    l = (fl_fold){.rank = v->rank, .whole = v->whole, .count = fl_onnx_count(v)};
    memcpy(l.dim, v->dim, sizeof l.dim);
    const bool at_hand = l.whole ? v->integers != NULL : v->reals != NULL;
    if (l.count > FL_ONNX_MOST_VALUES) fl_onnx_fail(im, "a constant of %lld values is too large to be worked on here",
                                                   (long long)l.count);
    else if (at_hand || count_in(im, l.count)) {
        fl_onnx_value *own = &im->value[im->node->in[k]];    /* unpacked once, however often it is asked for */
        if (l.whole) own->integers = l.i = fl_onnx_as_integers(im, v);
        else own->reals = l.f = fl_onnx_as_reals(im, v);
    }
    if (!l.i && !l.f) l.count = 0;
    return l;
}

int64_t fl_fold_count(int rank, const int64_t *dim)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0 || (dim[i] && count > FL_ONNX_MOST_VALUES / dim[i])) return -1;
        count *= dim[i];
    }
    return count;
}

bool fl_fold_room(fl_onnx_import *im, fl_onnx_value *y, bool whole, int64_t **i, double **f)
{
    const int64_t count = fl_fold_count(y->rank, y->dim);
    y->kind = FL_ONNX_CONSTANT;
    y->whole = whole;
    if (!fl_onnx_ok(im)) return false;
    if (count < 0) return fl_onnx_fail(im, "the result would have more than 2^24 values, or fewer than none");
    if (!count_in(im, count)) return false;
    if (whole) y->integers = *i = FL_NEW(im->arena, int64_t, count);
    else y->reals = *f = FL_NEW(im->arena, double, count);
    return whole ? *i != NULL : *f != NULL;
}

void fl_fold_strides(const fl_fold *x, int64_t *stride)
{
    int64_t s = 1;
    for (int i = x->rank - 1; i >= 0; i--) {
        stride[i] = s;
        s *= x->dim[i];
    }
}
