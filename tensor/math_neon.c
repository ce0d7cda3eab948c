/* math_neon.c: runs of functions for 64-bit ARM. */
#if defined(__aarch64__)
#define ISA neon
#include "tensor/math_body.h"
#endif
