/* math_avx2.c: runs of functions for x86 with AVX2. */
#if defined(__AVX2__)
#define ISA avx2
#include "tensor/math_body.h"
#endif
