/* kernels_base.c: the hot loops for any machine. Multiply and add stay separate: same numbers within rounding. */
#define ISA          base
#define VECTOR_BYTES 16
#define VECTORS      2
#define ROWS_WIDE    4
#define ROWS_ONE     8
#include "tensor/kernels_body.h"
