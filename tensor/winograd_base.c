/* winograd_base.c: the transforms for any machine. */
#define ISA          base
#define VECTOR_BYTES 16
#include "tensor/winograd_body.h"
