/* kernels_avx2.c: the hot loops for x86 with AVX2 and FMA: 16 registers, tiles of 6 x 2 vectors. */
#if defined(__AVX2__) && defined(__FMA__)
#define ISA          avx2
#define VECTOR_BYTES 32
#define VECTORS      2
#define ROWS_WIDE    6
#define ROWS_ONE     12
#define NEAR         16
#include "tensor/kernels_body.h"
#endif
