/* disc_base.c: soft discs for any machine. */
#define ISA          base
#define VECTOR_BYTES 16
#include "tensor/disc_body.h"
