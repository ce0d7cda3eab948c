/* winograd_case.h: what the tests of Winograd's tiles share: a convolution from a line of a table, arrays inside of NaN, errors against
 * true values. */
#ifndef FL_TEST_WINOGRAD_CASE_H
#define FL_TEST_WINOGRAD_CASE_H

#include "tensor/arena.h"
#include "tensor/conv.h"
#include "tensor/rng.h"

#include <math.h>
#include <string.h>

typedef struct geometry { int n, ci, co, size[3], k[3], lo[3], hi[3], m[3]; } geometry;   /* m: the tile it takes forward */

#define HALF {1, 1, 1}

static inline fl_conv geometry_conv(const geometry *g)
{
    fl_conv c = {.x = {g->n, g->ci, g->size[0], g->size[1], g->size[2]}, .groups = 1, .win = {.s = {1, 1, 1}, .d = {1, 1, 1}}};
    int y[3];
    memcpy(c.win.k, g->k, sizeof g->k);
    memcpy(c.win.lo, g->lo, sizeof g->lo);
    memcpy(c.win.hi, g->hi, sizeof g->hi);
    for (int i = 0; i < 3; i++) y[i] = fl_window_extent(&c.win, i, g->size[i]);
    c.y = (fl_shape){g->n, g->co, y[0], y[1], y[2]};
    return c;
}

static inline int64_t geometry_weights(const geometry *g) { return (int64_t)g->ci * g->co * g->k[0] * g->k[1] * g->k[2]; }

enum { MARGIN = 64, EMPTY = 0 };                          /* reals before and behind; a stream that leaves an array as it is: NaN */

/* n normals of this stream, inside of NaN: what reads outside shows. */
static inline real *fenced_array(fl_arena *a, int64_t n, uint64_t stream)
{
    real *p = FL_NEW(a, real, n + 2 * MARGIN);
    memset(p, 0xFF, (size_t)(n + 2 * MARGIN) * sizeof *p);
    if (stream != EMPTY) fl_rng_fill_normal(9, stream, 0, p + MARGIN, n);
    return p + MARGIN;
}

/* Nothing was written outside. */
static inline bool fenced_clean(const real *p, int64_t n)
{
    bool clean = true;
    for (int i = 1; i <= MARGIN; i++) clean = clean && isnan(p[-i]) && isnan(p[n + i - 1]);
    return clean;
}

/* Root mean square errors of up to two results, relative to the size of the true values. */
typedef struct error_sum { long double size, squares[2]; } error_sum;

static inline void error_add(error_sum *e, long double want, const real *const result[], int results, int64_t i)
{
    e->size += want * want;
    for (int r = 0; r < results; r++) e->squares[r] += ((long double)result[r][i] - want) * ((long double)result[r][i] - want);
}

static inline double error_of(const error_sum *e, int result) { return sqrt((double)(e->squares[result] / e->size)); }

#endif
