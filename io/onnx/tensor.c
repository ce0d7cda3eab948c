/* tensor.c: a TensorProto: dims, type, and values in one of six places.
 *
 * raw_data and packed float_data or double_data are used where they lie in the file; lists of varints, and floats
 * that are not packed, are unpacked into the arena. Field numbers are those of onnx.proto. */
#include "io/onnx/program.h"
#include "io/protobuf.h"

#include <inttypes.h>
#include <string.h>

enum {
    DIMS = 1, DATA_TYPE = 2, SEGMENT = 3, FLOAT_DATA = 4, INT32_DATA = 5, INT64_DATA = 7, NAME = 8, RAW_DATA = 9,
    DOUBLE_DATA = 10, UINT64_DATA = 11, EXTERNAL_DATA = 13, DATA_LOCATION = 14
};

fl_scalar fl_onnx_type(int64_t type)
{
    static const fl_scalar list[] = {
        FL_SCALAR_NONE, FL_SCALAR_F32, FL_SCALAR_U8,  FL_SCALAR_I8,   FL_SCALAR_U16, FL_SCALAR_I16,
        FL_SCALAR_I32,  FL_SCALAR_I64, FL_SCALAR_NONE, FL_SCALAR_BOOL, FL_SCALAR_F16, FL_SCALAR_F64,
        FL_SCALAR_U32,  FL_SCALAR_U64, FL_SCALAR_NONE, FL_SCALAR_NONE, FL_SCALAR_BF16};
    return type < 0 || type >= (int64_t)(sizeof list / sizeof *list) ? FL_SCALAR_NONE : list[type];
}

typedef struct reading {
    fl_arena *arena;
    fl_proto all;                        /* the whole message, to go through it again */
    fl_onnx_tensor *t;
    int64_t data_type;
    bool external, has_raw;
    fl_bytes raw;
} reading;

static bool fail(const reading *r, const char *what)
{
    fl_error_set(r->arena->error, FL_UNREADABLE, "%s: tensor '%s': %s", r->all.file, r->t->name, what);
    return false;
}

static bool add_dim(const reading *r, uint64_t size)
{
    fl_onnx_tensor *t = r->t;
    if (t->rank == FL_ONNX_RANK) return fail(r, "more than 8 axes");
    if (size > (uint64_t)1 << 40 || (size && t->count > ((int64_t)1 << 40) / (int64_t)size))
        return fail(r, "a size below 0, or more than 2^40 values");
    t->dim[t->rank++] = (int64_t)size;
    t->count *= (int64_t)size;
    return true;
}

static bool read_dims(const reading *r, const fl_proto_field *f)
{
    uint64_t size;
    if (f->wire == FL_WIRE_VARINT) return add_dim(r, f->bits);
    fl_proto list = fl_proto_inside(&r->all, f);
    if (!fl_proto_is(&r->all, f, FL_WIRE_BYTES, "dims of a tensor")) return false;
    while (fl_proto_varint(&list, &size))
        if (!add_dim(r, size)) return false;
    return list.error->status == FL_OK;
}

/* Everything but the values. */
static bool read_head(reading *r)
{
    fl_proto p = r->all;
    fl_proto_field f;
    while (fl_proto_next(&p, &f)) {
        if (f.number == NAME && !(r->t->name = fl_proto_text(&p, &f, r->arena, "name of a tensor"))) return false;
        if (f.number == DIMS && !read_dims(r, &f)) return false;
        if (f.number == DATA_TYPE) r->data_type = f.wire == FL_WIRE_VARINT ? (int64_t)f.bits : 0;
        if (f.number == EXTERNAL_DATA || (f.number == DATA_LOCATION && f.bits)) r->external = true;
        if (f.number == SEGMENT) return fail(r, "is stored in segments, which are not read");
        if (f.number == RAW_DATA) {
            if (!fl_proto_is(&p, &f, FL_WIRE_BYTES, "raw_data")) return false;
            r->has_raw = true;
            r->raw = f.bytes;
        }
    }
    return p.error->status == FL_OK;
}

static void put(unsigned char *to, uint64_t bits, int size)
{
    for (int i = 0; i < size; i++) to[i] = (unsigned char)(bits >> 8 * i);
}

/* Values that stand in the typed list `field`; each item of the list is a varint, or `fixed` bytes. */
static bool unpack(const reading *r, int field, int fixed)
{
    fl_onnx_tensor *t = r->t;
    const int size = fl_scalar_size(t->type);
    fl_proto p = r->all;
    fl_proto_field f;
    int64_t found = 0;
    if (t->count > r->all.end - r->all.at) return fail(r, "has fewer values than its shape asks for");
    unsigned char *to = FL_NEW(r->arena, unsigned char, t->count * size);
    while (to && fl_proto_next(&p, &f)) {
        if (f.number != field) continue;
        fl_proto list = fl_proto_inside(&p, &f);
        uint64_t bits = f.bits;
        const bool packed = f.wire == FL_WIRE_BYTES;
        if (packed && fixed) {
            if (f.bytes.size % (size_t)fixed || (uint64_t)(t->count - found) < f.bytes.size / (size_t)fixed)
                return fail(r, "has a number of values that does not fit its shape");
            if (f.bytes.size) memcpy(to + found * size, f.bytes.data, f.bytes.size);
            found += (int64_t)(f.bytes.size / (size_t)fixed);
            continue;
        }
        while (!packed || fl_proto_varint(&list, &bits)) {
            if (found == t->count) return fail(r, "has more values than its shape asks for");
            put(to + found++ * size, bits, size);
            if (!packed) break;
        }
    }
    if (!to || p.error->status != FL_OK) return false;
    if (found != t->count) return fail(r, "has fewer values than its shape asks for");
    t->values = to;
    return true;
}

static bool read_values(const reading *r)
{
    fl_onnx_tensor *t = r->t;
    if (r->external)
        return fail(r, "its values are in another file, which is not read; save the network as one file "
                       "(onnx.save without save_as_external_data)");
    if (t->type == FL_SCALAR_NONE)
        return fail(r, "expected a type of numbers (float, double, float16, bfloat16, integers, bool)");
    if (r->has_raw) {
        if (r->raw.size != (uint64_t)t->count * (uint64_t)fl_scalar_size(t->type))
            return fl_error_set(r->arena->error, FL_UNREADABLE, "%s: tensor '%s': its shape and type need %" PRId64
                                " bytes, it has %zu", r->all.file, t->name, t->count * fl_scalar_size(t->type),
                                r->raw.size) == FL_OK;
        t->values = r->raw.data;
        return true;
    }
    switch (t->type) {
    case FL_SCALAR_F32: return unpack(r, FLOAT_DATA, 4);
    case FL_SCALAR_F64: return unpack(r, DOUBLE_DATA, 8);
    case FL_SCALAR_I64: return unpack(r, INT64_DATA, 0);
    case FL_SCALAR_U32:
    case FL_SCALAR_U64: return unpack(r, UINT64_DATA, 0);
    default:            return unpack(r, INT32_DATA, 0);
    }
}

bool fl_onnx_parse_tensor(fl_arena *arena, fl_proto message, fl_onnx_tensor *t)
{
    reading r = {.arena = arena, .all = message, .t = t};
    *t = (fl_onnx_tensor){.name = "", .count = 1};
    if (!read_head(&r)) return false;
    t->type = fl_onnx_type(r.data_type);
    return read_values(&r);
}

/* ---- values ---- */

static uint64_t bits_of(const fl_onnx_tensor *t, int64_t i)
{
    const int size = fl_scalar_size(t->type);
    uint64_t bits = 0;
    for (int k = 0; k < size; k++) bits |= (uint64_t)t->values[i * size + k] << 8 * k;
    return bits;
}

/* The low `bits` bits as a number with a sign. */
static int64_t with_sign(uint64_t value, int bits)
{
    const uint64_t top = (uint64_t)1 << (bits - 1);
    const uint64_t low = value & (top | (top - 1));
    return low & top ? -(int64_t)(top - (low & (top - 1))) : (int64_t)low;
}

static double real_of(const fl_onnx_tensor *t, int64_t i)
{
    if (t->type == FL_SCALAR_F64) {
        const uint64_t bits = bits_of(t, i);
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    real value;                          /* float32 and narrower: exact in either precision */
    fl_scalar_decode(t->type, t->values + i * fl_scalar_size(t->type), false, 1, &value);
    return (double)value;
}

static int64_t whole(double x)
{
    if (!(x > -9.2e18)) return INT64_MIN / 2;                    /* and NaN */
    return x < 9.2e18 ? (int64_t)x : INT64_MAX / 2;
}

int64_t fl_onnx_integer(const fl_onnx_tensor *t, int64_t i)
{
    switch (t->type) {
    case FL_SCALAR_I64: {
        const uint64_t bits = bits_of(t, i);
        int64_t value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    case FL_SCALAR_I32:  return with_sign(bits_of(t, i), 32);
    case FL_SCALAR_I16:  return with_sign(bits_of(t, i), 16);
    case FL_SCALAR_I8:   return with_sign(bits_of(t, i), 8);
    case FL_SCALAR_U64: {
        const uint64_t bits = bits_of(t, i);
        return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
    }
    case FL_SCALAR_U32:
    case FL_SCALAR_U16:
    case FL_SCALAR_U8:   return (int64_t)bits_of(t, i);
    case FL_SCALAR_BOOL: return bits_of(t, i) != 0;
    default:             return whole(real_of(t, i));
    }
}

void fl_onnx_reals(const fl_onnx_tensor *t, double *to)
{
    const bool floating = t->type == FL_SCALAR_F64 || t->type == FL_SCALAR_F32 || t->type == FL_SCALAR_F16 ||
                          t->type == FL_SCALAR_BF16;
    for (int64_t i = 0; i < t->count; i++) to[i] = floating ? real_of(t, i) : (double)fl_onnx_integer(t, i);
}
