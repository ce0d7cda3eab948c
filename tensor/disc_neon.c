/* disc_neon.c: soft discs for 64-bit ARM. */
#if defined(__aarch64__)
#define ISA          neon
#define VECTOR_BYTES 16
#include "tensor/disc_body.h"
#endif
