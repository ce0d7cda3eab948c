/* kernels_neon.c: the hot loops for 64-bit ARM: 32 registers of 16 bytes, tiles of 6 x 4 vectors. */
#if defined(__aarch64__)
#define ISA          neon
#define VECTOR_BYTES 16
#define VECTORS      4
#define ROWS_WIDE    6
#define ROWS_ONE     16
#include "tensor/kernels_body.h"
#endif
