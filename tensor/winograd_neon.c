/* winograd_neon.c: the transforms for 64-bit ARM. */
#if defined(__aarch64__)
#include <arm_neon.h>
#ifdef FL_F64
#define FUSED(a, b, c) vfmaq_f64(c, a, b)
#else
#define FUSED(a, b, c) vfmaq_f32(c, a, b)
#endif
#define ISA            neon
#define VECTOR_BYTES   16
#include "tensor/winograd_body.h"
#endif
