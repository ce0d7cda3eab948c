/* normals_neon.c: normal numbers for 64-bit ARM. */
#if defined(__aarch64__)
#define ISA neon
#include "tensor/normals_body.h"
#endif
