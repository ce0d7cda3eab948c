/* fold.c: nodes whose operands are all constants are worked out while the graph is built: the arithmetic of shapes
 * that exporters leave behind, and tables such as anchors or masks. */
#include "io/onnx/fold.h"

#include <string.h>

static bool run(const fl_onnx_op *list, fl_onnx_import *im)
{
    for (; list->name; list++) {
        if (strcmp(list->name, im->node->op) != 0) continue;
        list->import(im);
        return true;
    }
    return false;
}

bool fl_onnx_fold(fl_onnx_import *im)
{
    const bool lengths = strcmp(im->node->op, "Shape") == 0 || strcmp(im->node->op, "Size") == 0;
    for (int k = 0; k < im->node->n_in && !lengths; k++)       /* lengths are known of every operand */
        if (im->node->in[k] >= 0 && im->value[im->node->in[k]].kind != FL_ONNX_CONSTANT) return false;
    return run(fl_fold_moves, im) || run(fl_fold_values, im) || run(fl_fold_math, im);
}
