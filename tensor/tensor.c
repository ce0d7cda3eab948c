/* tensor.c: shapes, order of axes, sums in a fixed order. */
#include "tensor/tensor.h"

#include "tensor/par.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char fl_precision[] = FL_REAL_NAME;

bool fl_shape_equal(fl_shape a, fl_shape b)
{
    return a.n == b.n && a.c == b.c && a.t == b.t && a.h == b.h && a.w == b.w;
}

bool fl_shape_valid(fl_shape s)
{
    const int axes[5] = {s.n, s.c, s.t, s.h, s.w};
    int64_t count = 1;
    for (int i = 0; i < 5; i++) {
        if (axes[i] < 1) return false;
        count *= axes[i];
        if (count > (int64_t)1 << 40) return false;
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

enum { BLOCK = 4096 };

double fl_dot(const real *a, const real *b, int64_t n)
{
    double total = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        double part = 0;
        int64_t end = i + BLOCK < n ? i + BLOCK : n;
        for (int64_t j = i; j < end; j++) part += (double)a[j] * (double)b[j];
        total += part;
    }
    return total;
}

double fl_sum(const real *a, int64_t n)
{
    double total = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        double part = 0;
        int64_t end = i + BLOCK < n ? i + BLOCK : n;
        for (int64_t j = i; j < end; j++) part += (double)a[j];
        total += part;
    }
    return total;
}

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
