/* math_avx512.c: runs of functions for x86 with AVX-512. */
#if defined(__AVX512F__) && defined(__AVX512VL__)
#define ISA avx512
#include "tensor/math_body.h"
#endif
