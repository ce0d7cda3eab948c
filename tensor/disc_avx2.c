/* disc_avx2.c: soft discs for x86 with AVX2. */
#if defined(__AVX2__)
#define ISA          avx2
#define VECTOR_BYTES 32
#include "tensor/disc_body.h"
#endif
