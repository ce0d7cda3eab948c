/* tensor.h: shapes, and the little that is done to plain arrays of numbers.
 *
 * Every array has five axes. They are written N,C,T,H,W as in the field and lie in memory channels last,
 * N,T,H,W,C: element (n,c,t,h,w) is at (((n*T + t)*H + h)*W + w)*C + c. A feature vector is N,C,1,1,1; a
 * convolution weight is O,I,KT,KH,KW as N,C,T,H,W; a bias is 1,C,1,1,1. Files hold the same five axes in
 * row-major N,C,T,H,W order ("file order"); the two converters below are the only crossing. */
#ifndef FL_TENSOR_H
#define FL_TENSOR_H

#include "tensor/arena.h"
#include "tensor/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fl_shape { int n, c, t, h, w; } fl_shape;

typedef struct fl_tensor {
    fl_shape shape;
    real *data;          /* channels last; owned by the arena that it came from */
} fl_tensor;

int *fl_shape_axis(fl_shape *, int axis);            /* axis 0..4 of N,C,T,H,W */
static inline int64_t fl_shape_count(fl_shape s) { return (int64_t)s.n * s.c * s.t * s.h * s.w; }
static inline int64_t fl_shape_pixels(fl_shape s) { return (int64_t)s.n * s.t * s.h * s.w; }
static inline int64_t fl_at(fl_shape s, int n, int c, int t, int h, int w)
{
    return ((((int64_t)n * s.t + t) * s.h + h) * s.w + w) * s.c + c;
}
static inline fl_shape fl_shape_vector(int n, int c) { return (fl_shape){n, c, 1, 1, 1}; }

/* A box of places: lo <= p < hi along t, h, w, all channels. Empty when hi <= lo somewhere. */
typedef struct fl_region { int lo[3], hi[3]; } fl_region;

bool fl_shape_equal(fl_shape, fl_shape);
bool fl_shape_valid(fl_shape);          /* every axis >= 1 and the count below 2^40 */

/* "N,C,T,H,W" as text, into a small buffer that the caller owns; returns it for use inside a printf. */
typedef struct fl_shape_text { char text[64]; } fl_shape_text;
const char *fl_shape_print(fl_shape, fl_shape_text *);

fl_tensor fl_tensor_new(fl_arena *, fl_shape);                 /* zeroed; data NULL when memory ran out */
void fl_turn_row(int channels, int64_t plane, const real *cthw, real *thwc);      /* of one row, by one thread */
void fl_from_file_order(fl_shape, const real *ncthw, real *channels_last);
void fl_to_file_order(fl_shape, const real *channels_last, real *ncthw);

/* Plain arrays, in a fixed order of summation (double, blocks of 4096, blocks in order). */
double fl_sum(const real *, int64_t n);
double fl_sum_sizes(const real *, int64_t n);                   /* of |x| */
double fl_dot(const real *, const real *, int64_t n);
double fl_norm(const real *, int64_t n);                       /* Euclidean */
void fl_add_into(real *to, const real *from, int64_t n);       /* to += from */
void fl_scale(real *, real factor, int64_t n);
void fl_min_max(const real *, int64_t n, real *min, real *max);
double fl_relative_error(const real *got, const real *want, int64_t n);   /* |got-want| / |want|, Euclidean; |got| when want is 0 */
uint64_t fl_hash(const void *, size_t bytes);                  /* FNV-1a, 64 bit: to compare results, not for security */

#endif
