/* normals_avx2.c: normal numbers for x86 with AVX2. */
#if defined(__AVX2__)
#define ISA avx2
#include "tensor/normals_body.h"
#endif
