/* math_base.c: runs of functions for any machine. */
#define ISA base
#include "tensor/math_body.h"
