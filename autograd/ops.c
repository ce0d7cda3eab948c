/* ops.c: the table of ops, in the order of ops.def. */
#include "autograd/ops.h"

const fl_op *const fl_op_table[FL_OPS] = {
#define FL_OP(name) &fl_op_##name,
#include "autograd/ops.def"
#undef FL_OP
};
