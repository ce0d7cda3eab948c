/* scalar.c: bits to numbers, one small function per type; bytes are put together by hand, so that neither the host's
 * byte order nor alignment plays a part. */
#include "io/scalar.h"
#include "tensor/error.h"

#include <math.h>
#include <string.h>

static const struct { const char *name; int size; } types[] = {
    [FL_SCALAR_NONE] = {"none", 1},
    [FL_SCALAR_F64] = {"F64", 8}, [FL_SCALAR_F32] = {"F32", 4},
    [FL_SCALAR_F16] = {"F16", 2}, [FL_SCALAR_BF16] = {"BF16", 2},
    [FL_SCALAR_I64] = {"I64", 8}, [FL_SCALAR_I32] = {"I32", 4},
    [FL_SCALAR_I16] = {"I16", 2}, [FL_SCALAR_I8] = {"I8", 1},
    [FL_SCALAR_U64] = {"U64", 8}, [FL_SCALAR_U32] = {"U32", 4},
    [FL_SCALAR_U16] = {"U16", 2}, [FL_SCALAR_U8] = {"U8", 1},
    [FL_SCALAR_BOOL] = {"BOOL", 1},
};
enum { TYPES = sizeof types / sizeof types[0] };

const char *fl_scalar_name(fl_scalar type) { return types[type].name; }
int fl_scalar_size(fl_scalar type) { return types[type].size; }

fl_scalar fl_scalar_named(const char *name)
{
    for (int i = 1; i < TYPES; i++)
        if (strcmp(types[i].name, name) == 0) return (fl_scalar)i;
    return FL_SCALAR_NONE;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE half: 1 sign, 5 exponent, 10 fraction bits. (1 + f/1024) 2^(e-15); e = 0: f 2^-24; e = 31: infinity or NaN. */
static double half_of(unsigned bits)
{
    unsigned e = bits >> 10 & 31, f = bits & 1023;
    double x = e == 31 ? (f ? NAN : INFINITY) : e ? ldexp(1024 + f, (int)e - 25) : ldexp(f, -24);
    return bits >> 15 ? -x : x;
}

static int64_t signed_of(uint64_t bits, int bytes)
{
    uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    return bits & sign ? -(int64_t)(~bits & (sign - 1)) - 1 : (int64_t)bits;
}

static real real_of(fl_scalar type, uint64_t bits, int bytes)
{
    switch (type) {
    case FL_SCALAR_F64:  return (real)double_of(bits);
    case FL_SCALAR_F32:  return (real)float_of((uint32_t)bits);
    case FL_SCALAR_F16:  return (real)half_of((unsigned)bits);
    case FL_SCALAR_BF16: return (real)float_of((uint32_t)bits << 16);
    case FL_SCALAR_I64: case FL_SCALAR_I32: case FL_SCALAR_I16: case FL_SCALAR_I8:
        return (real)signed_of(bits, bytes);
    case FL_SCALAR_BOOL: return bits != 0;
    default:             return (real)bits;
    }
}

bool fl_scalar_host_is_little(void)
{
    const uint16_t one = 1;
    unsigned char low;
    memcpy(&low, &one, 1);
    return low == 1;
}

static bool as_in_memory(fl_scalar type, bool big_endian)
{
    return type == (sizeof(real) == 8 ? FL_SCALAR_F64 : FL_SCALAR_F32) && big_endian != fl_scalar_host_is_little();
}

void fl_scalar_decode(fl_scalar type, const void *from, bool big_endian, int64_t count, real *to)
{
    const unsigned char *p = from;
    int bytes = fl_scalar_size(type);
    if (as_in_memory(type, big_endian)) {
        if (count) memcpy(to, from, (size_t)count * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < count; i++, p += bytes) {
        uint64_t bits = 0;
        for (int k = 0; k < bytes; k++) bits = bits << 8 | p[big_endian ? k : bytes - 1 - k];
        to[i] = real_of(type, bits, bytes);
    }
}

void fl_scalar_encode(fl_scalar type, const real *from, int64_t count, void *to)
{
    fl_assert(type == FL_SCALAR_F32 || type == FL_SCALAR_F64);
    unsigned char *p = to;
    int bytes = fl_scalar_size(type);
    for (int64_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        float narrow = (float)from[i];
        double wide = (double)from[i];
        if (type == FL_SCALAR_F32) {
            uint32_t half;
            memcpy(&half, &narrow, sizeof half);
            bits = half;
        } else {
            memcpy(&bits, &wide, sizeof bits);
        }
        for (int k = 0; k < bytes; k++) *p++ = (unsigned char)(bits >> 8 * k);
    }
}
