/* winograd_avx512.c: the transforms for x86 with AVX-512. */
#if defined(__AVX512F__) && defined(__AVX512VL__)
#include <immintrin.h>
#ifdef FL_F64
#define FUSED        _mm512_fmadd_pd
#else
#define FUSED        _mm512_fmadd_ps
#endif
#define ISA          avx512
#define VECTOR_BYTES 64
#include "tensor/winograd_body.h"
#endif
