/* vector_body.h: what the loops for several instruction sets begin with (kernels_body.h, winograd_body.h, disc_body.h).
 *
 *   VECTOR_BYTES  bytes of a vector
 *   ELEMENT       what it is made of
 *   UNROLL        before a loop; may be defined already */
#define WIDTH (VECTOR_BYTES / (int)sizeof(ELEMENT))
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define INLINE static inline __attribute__((always_inline))

#if !defined(UNROLL) && defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif !defined(UNROLL)
#define UNROLL _Pragma("GCC unroll 8")
#endif

typedef ELEMENT vector __attribute__((vector_size(VECTOR_BYTES)));
typedef ELEMENT loose __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(ELEMENT)), may_alias));   /* in memory */
