/* normals_base.c: normal numbers for any machine. */
#define ISA base
#include "tensor/normals_body.h"
