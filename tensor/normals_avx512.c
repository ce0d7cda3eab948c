/* normals_avx512.c: normal numbers for x86 with AVX-512. */
#if defined(__AVX512F__) && defined(__AVX512VL__)
#define ISA avx512
#include "tensor/normals_body.h"
#endif
