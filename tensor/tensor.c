/* tensor.c: shapes, order of axes, sums in a fixed order. */
#include "tensor/tensor.h"

#include "tensor/par.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool fl_shape_equal(fl_shape a, fl_shape b)
{
    return a.n == b.n && a.c == b.c && a.t == b.t && a.h == b.h && a.w == b.w;
}

int *fl_shape_axis(fl_shape *s, int axis)
{
    int *const list[5] = {&s->n, &s->c, &s->t, &s->h, &s->w};
    fl_assert(axis >= 0 && axis < 5);
    return list[axis];
}

bool fl_shape_valid(fl_shape s)
{
    const int axes[5] = {s.n, s.c, s.t, s.h, s.w};
    int64_t left = (int64_t)1 << 40;
    for (int i = 0; i < 5; i++) {
        if (axes[i] < 1) return false;
        left /= axes[i];
        if (left < 1) return false;
    }
    return true;
}

const char *fl_shape_print(fl_shape s, fl_shape_text *to)
{
    snprintf(to->text, sizeof to->text, "%d,%d,%d,%d,%d", s.n, s.c, s.t, s.h, s.w);
    return to->text;
}

fl_tensor fl_tensor_new(fl_arena *a, fl_shape s)
{
    return (fl_tensor){s, FL_NEW(a, real, fl_shape_count(s))};
}

void fl_turn_row(int channels, int64_t plane, const real *in, real *out)
{
    for (int64_t p = 0; p < plane; p++)
        for (int c = 0; c < channels; c++) out[p * channels + c] = in[c * plane + p];
}

void fl_from_file_order(fl_shape s, const real *in, real *out)
{
    const int64_t plane = (int64_t)s.t * s.h * s.w;
    FL_PARALLEL(n, s.n, fl_shape_count(s) * 4) { fl_turn_row(s.c, plane, in + n * plane * s.c, out + n * plane * s.c); }
}

void fl_to_file_order(fl_shape s, const real *in, real *out)
{
    const int64_t plane = (int64_t)s.t * s.h * s.w;
    FL_PARALLEL(n, s.n, fl_shape_count(s) * 4) {
        for (int c = 0; c < s.c; c++)
            for (int64_t p = 0; p < plane; p++) out[(n * s.c + c) * plane + p] = in[(n * plane + p) * s.c + c];
    }
}

/* Sums in double: of blocks of 4096 numbers one after the other, then of the blocks. Eight blocks go abreast, or each number would wait for
 * the one before it. */
enum { BLOCK = 4096, ABREAST = 8, ROUND = 64 };

typedef enum term { PLAIN, SIZE, PRODUCT } term;

static inline double term_of(const term what, const real *a, const real *b, int64_t i)
{
    return what == PRODUCT ? (double)a[i] * (double)b[i] : what == SIZE ? fabs((double)a[i]) : (double)a[i];
}

static inline void sum_abreast(const term what, const int blocks, const real *a, const real *b, int64_t count, double *part)
{
    double sum[ABREAST] = {0};
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < blocks; k++) sum[k] += term_of(what, a, b, k * (int64_t)BLOCK + i);
    for (int k = 0; k < blocks; k++) part[k] = sum[k];
}

static inline double sum_of(const term what, const real *a, const real *b, int64_t n)
{
    const int64_t blocks = n / BLOCK;
    double total = 0, part[ROUND];
    for (int64_t done = 0; done < blocks; done += ROUND) {
        const int64_t some = blocks - done < ROUND ? blocks - done : ROUND, eights = some / ABREAST, from = done * BLOCK;
        FL_PARALLEL(e, eights + some % ABREAST, some * BLOCK) {
            const int64_t first = e < eights ? e * ABREAST : eights * ABREAST + e - eights, at = from + first * BLOCK;
            if (e < eights) sum_abreast(what, ABREAST, a + at, b + at, BLOCK, part + first);
            else sum_abreast(what, 1, a + at, b + at, BLOCK, part + first);
        }
        for (int64_t k = 0; k < some; k++) total += part[k];
    }
    double rest = 0;
    if (n > blocks * BLOCK) sum_abreast(what, 1, a + blocks * BLOCK, b + blocks * BLOCK, n - blocks * BLOCK, &rest);
    return total + rest;
}

double fl_dot(const real *a, const real *b, int64_t n) { return sum_of(PRODUCT, a, b, n); }
double fl_sum(const real *a, int64_t n) { return sum_of(PLAIN, a, a, n); }
double fl_sum_sizes(const real *a, int64_t n) { return sum_of(SIZE, a, a, n); }

double fl_norm(const real *a, int64_t n) { return sqrt(fl_dot(a, a, n)); }

void fl_add_into(real *to, const real *from, int64_t n)
{
    FL_PARALLEL(block, (n + BLOCK - 1) / BLOCK, n) {
        int64_t end = (block + 1) * BLOCK < n ? (block + 1) * BLOCK : n;
        for (int64_t i = block * BLOCK; i < end; i++) to[i] += from[i];
    }
}

void fl_scale(real *a, real factor, int64_t n)
{
    for (int64_t i = 0; i < n; i++) a[i] *= factor;
}

void fl_min_max(const real *a, int64_t n, real *min, real *max)
{
    *min = *max = n ? a[0] : 0;
    for (int64_t i = 1; i < n; i++) {
        if (a[i] < *min) *min = a[i];
        if (a[i] > *max) *max = a[i];
    }
}

double fl_relative_error(const real *got, const real *want, int64_t n)
{
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)got[i] - (double)want[i];
        difference += d * d;
        size += (double)want[i] * (double)want[i];
    }
    return size > 0 ? sqrt(difference / size) : sqrt(difference);
}

uint64_t fl_hash(const void *data, size_t bytes)
{
    const unsigned char *p = data;
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < bytes; i++) h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}
