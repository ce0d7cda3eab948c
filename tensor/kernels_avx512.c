/* kernels_avx512.c: the hot loops for x86 with AVX-512: 32 registers, tiles of 14 x 2 vectors. */
#if defined(__AVX512F__) && defined(__AVX512VL__)
#define ISA          avx512
#define VECTOR_BYTES 64
#define VECTORS      2
#define ROWS_WIDE    14
#define ROWS_ONE     14
#include "tensor/kernels_body.h"
#endif
