/* disc_avx512.c: soft discs for x86 with AVX-512. */
#if defined(__AVX512F__) && defined(__AVX512VL__)
#define ISA          avx512
#define VECTOR_BYTES 64
#include "tensor/disc_body.h"
#endif
