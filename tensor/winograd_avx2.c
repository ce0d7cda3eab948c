/* winograd_avx2.c: the transforms for x86 with AVX2. */
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#ifdef FL_F64
#define FUSED        _mm256_fmadd_pd
#else
#define FUSED        _mm256_fmadd_ps
#endif
#define ISA          avx2
#define VECTOR_BYTES 32
#include "tensor/winograd_body.h"
#endif
