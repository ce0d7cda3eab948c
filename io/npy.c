/* npy.c: magic "\x93NUMPY", version, header length, a Python dictionary as text, then the numbers.
 *
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (16, 112, 112), }
 */
#include "io/npy.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static const char MAGIC[] = "\x93NUMPY";
enum { HEADER_CAP = 1 << 16 };

bool fl_npy_is(fl_bytes b) { return fl_bytes_begin(b, MAGIC); }

/* The header's text, read from left to right. */
typedef struct cursor {
    const char *start, *p, *end, *name;
    fl_error *error;
} cursor;

static fl_status expected(const cursor *c, const char *what)
{
    return fl_error_set(c->error, FL_UNREADABLE, "%s: npy header, byte %td: expected %s, got '%.*s'", c->name,
                        c->p - c->start, what, (int)(c->end - c->p > 24 ? 24 : c->end - c->p), c->p);
}

static void skip_space(cursor *c)
{
    while (c->p < c->end && isspace((unsigned char)*c->p)) c->p++;
}

static bool accept(cursor *c, const char *word)
{
    size_t n = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0) return false;
    c->p += n;
    return true;
}

/* 'text' or "text" of at most size - 1 bytes. */
static bool accept_text(cursor *c, char *to, size_t size)
{
    skip_space(c);
    if (c->p >= c->end || (*c->p != '\'' && *c->p != '"')) return false;
    const char *close = memchr(c->p + 1, *c->p, (size_t)(c->end - c->p - 1));
    if (!close || (size_t)(close - c->p - 1) >= size) return false;
    memcpy(to, c->p + 1, (size_t)(close - c->p - 1));
    to[close - c->p - 1] = 0;
    c->p = close + 1;
    return true;
}

fl_scalar fl_npy_scalar(const char *code)
{
    static const struct { const char *code; fl_scalar type; } known[] = {
        {"f8", FL_SCALAR_F64}, {"f4", FL_SCALAR_F32}, {"f2", FL_SCALAR_F16}, {"b1", FL_SCALAR_BOOL},
        {"i8", FL_SCALAR_I64}, {"i4", FL_SCALAR_I32}, {"i2", FL_SCALAR_I16}, {"i1", FL_SCALAR_I8},
        {"u8", FL_SCALAR_U64}, {"u4", FL_SCALAR_U32}, {"u2", FL_SCALAR_U16}, {"u1", FL_SCALAR_U8},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(code, known[i].code) == 0) return known[i].type;
    return FL_SCALAR_NONE;
}

static fl_status read_type(cursor *c, fl_npy *npy)
{
    char code[16];
    if (!accept_text(c, code, sizeof code)) return expected(c, "a type such as '<f4'");
    if (code[0] && strchr("<>|=", code[0])) npy->type = fl_npy_scalar(code + 1);
    npy->big_endian = code[0] == '>';
    if (npy->type != FL_SCALAR_NONE) return FL_OK;
    return fl_error_set(c->error, FL_UNREADABLE, "%s: numbers of type '%s' are not read here (%s); "
                        "save with array.astype('float32')", c->name, code,
                        strchr(code, 'O') ? "pickled objects are never loaded" : "only real and whole numbers are");
}

static bool accept_size(cursor *c, int64_t *n)
{
    const int64_t most = (int64_t)1 << 40;
    const char *digits = c->p;
    for (*n = 0; c->p < c->end && isdigit((unsigned char)*c->p) && *n <= most; c->p++) *n = 10 * *n + (*c->p - '0');
    return c->p > digits && *n <= most;
}

static fl_status read_shape(cursor *c, fl_npy *npy)
{
    if (!accept(c, "(")) return expected(c, "a shape such as (3, 16, 112, 112)");
    npy->count = 1;
    while (!accept(c, ")")) {
        int64_t n;
        if (!accept_size(c, &n)) return expected(c, "a number from 0 to 2^40");
        if (npy->axes == FL_MAX_AXES) return expected(c, "at most 8 axes");
        if (n && npy->count > ((int64_t)1 << 40) / n) return expected(c, "at most 2^40 numbers");
        npy->size[npy->axes++] = n;
        npy->count *= n;
        accept(c, "L");                      /* Python 2 wrote its long integers so */
        bool comma = accept(c, ",");
        skip_space(c);
        if (!comma && (c->p >= c->end || *c->p != ')')) return expected(c, "',' or ')'");
    }
    return FL_OK;
}

static fl_status read_entry(cursor *c, fl_npy *npy, unsigned *seen)
{
    char key[32];
    if (!accept_text(c, key, sizeof key) || !accept(c, ":")) return expected(c, "a key and ':'");
    skip_space(c);
    unsigned bit = 0;
    if (strcmp(key, "descr") == 0) bit = 1;
    if (strcmp(key, "fortran_order") == 0) bit = 2;
    if (strcmp(key, "shape") == 0) bit = 4;
    if (!bit || *seen & bit) return expected(c, "the keys 'descr', 'fortran_order', 'shape', each once, before this");
    *seen |= bit;
    if (bit == 1) return read_type(c, npy);
    if (bit == 4) return read_shape(c, npy);
    npy->fortran_order = accept(c, "True");
    return npy->fortran_order || accept(c, "False") ? FL_OK : expected(c, "True or False");
}

static fl_status read_dictionary(cursor *c, fl_npy *npy)
{
    unsigned seen = 0;
    if (!accept(c, "{")) return expected(c, "'{'");
    while (!accept(c, "}")) {
        fl_status status = read_entry(c, npy, &seen);
        if (status != FL_OK) return status;
        if (accept(c, ",")) continue;
        if (c->p >= c->end || *c->p != '}') return expected(c, "',' or '}'");
    }
    skip_space(c);
    if (c->p != c->end) return expected(c, "the end of the header");
    return seen == 7 ? FL_OK : expected(c, "all of 'descr', 'fortran_order', 'shape'");
}

fl_status fl_npy_parse(fl_bytes b, const char *name, fl_npy *npy, fl_error *err)
{
    memset(npy, 0, sizeof *npy);
    if (!fl_npy_is(b))
        return fl_error_set(err, FL_UNREADABLE, "%s: not an .npy file: it does not begin with \\x93NUMPY", name);
    int major = b.size > 6 ? b.data[6] : 0;
    size_t fixed = major == 1 ? 10 : 12;
    if (major < 1 || major > 3 || b.size < fixed)
        return fl_error_set(err, FL_UNREADABLE, "%s: npy version 1, 2 or 3 expected at byte 6, got %d", name, major);
    size_t length = b.data[8] | (size_t)b.data[9] << 8;
    if (major > 1) length |= (size_t)b.data[10] << 16 | (size_t)b.data[11] << 24;
    if (length > HEADER_CAP || length > b.size - fixed)
        return fl_error_set(err, FL_UNREADABLE, "%s: npy header of %zu bytes at byte %zu does not fit (the file has "
                            "%zu bytes; a header may have %d)", name, length, fixed, b.size, HEADER_CAP);
    const char *text = (const char *)b.data + fixed;
    cursor c = {text, text, text + length, name, err};
    fl_status status = read_dictionary(&c, npy);
    if (status != FL_OK) return status;
    npy->values = b.data + fixed + length;
    size_t held = (b.size - fixed - length) / (size_t)fl_scalar_size(npy->type);
    if ((uint64_t)npy->count > held)
        return fl_error_set(err, FL_UNREADABLE, "%s: the file is cut short: its shape needs %" PRId64 " numbers from "
                            "byte %zu on, it holds %zu", name, npy->count, fixed + length, held);
    return FL_OK;
}

/* Fortran order has the first axis fastest: walk the target in order, step through the source with its strides. */
static void to_row_major(const fl_npy *npy, const real *from, real *to)
{
    int64_t stride[FL_MAX_AXES] = {0}, index[FL_MAX_AXES] = {0}, at = 0;
    for (int64_t a = 0, step = 1; a < npy->axes; step *= npy->size[a++]) stride[a] = step;
    for (int64_t i = 0; i < npy->count; i++) {
        to[i] = from[at];
        for (int a = npy->axes - 1; a >= 0; a--) {
            at += stride[a];
            if (++index[a] < npy->size[a]) break;
            at -= stride[a] * npy->size[a];
            index[a] = 0;
        }
    }
}

real *fl_npy_values(fl_arena *a, const fl_npy *npy)
{
    real *values = FL_NEW(a, real, npy->count);
    if (!values) return NULL;
    if (!npy->fortran_order || npy->axes < 2) {
        fl_scalar_decode(npy->type, npy->values, npy->big_endian, npy->count, values);
        return values;
    }
    fl_mark mark = fl_arena_mark(a);
    real *turned = FL_NEW(a, real, npy->count);
    if (!turned) return NULL;
    fl_scalar_decode(npy->type, npy->values, npy->big_endian, npy->count, turned);
    to_row_major(npy, turned, values);
    fl_arena_release(a, mark);
    return values;
}

void fl_npy_stored(const fl_npy *npy, const char *tensor, fl_stored *t)
{
    *t = (fl_stored){.name = tensor, .type = npy->type, .big_endian = npy->big_endian, .axes = npy->axes,
                     .count = npy->count, .values = npy->values, .strided = npy->fortran_order && npy->axes > 1};
    int64_t step = 1;
    for (int a = 0; a < npy->axes; step *= npy->size[a++]) {
        t->size[a] = npy->size[a];
        t->stride[a] = step;
    }
}

real *fl_npy_read(fl_arena *a, const char *path, fl_npy *npy)
{
    fl_arena file;
    fl_bytes bytes;
    real *values = NULL;
    fl_arena_init_beside(&file, a);
    memset(npy, 0, sizeof *npy);
    if (fl_file_read(&file, path, FL_FILE_CAP, &bytes) == FL_OK && fl_npy_parse(bytes, path, npy, a->error) == FL_OK)
        values = fl_npy_values(a, npy);
    npy->values = NULL;
    fl_arena_free(&file);
    return values;
}

enum { LONGEST_HEADER = 640 };

/* The header is padded with spaces so that the numbers begin at a multiple of 64, as numpy does it. Returns its length. */
static int make_header(unsigned char to[LONGEST_HEADER], fl_scalar type, int axes, const int64_t *size)
{
    char text[512];
    int n = snprintf(text, sizeof text, "{'descr': '<f%d', 'fortran_order': False, 'shape': (", fl_scalar_size(type));
    for (int i = 0; i < axes; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, i ? ", %" PRId64 : "%" PRId64, size[i]);
    if (axes == 1) text[n++] = ',';
    n += snprintf(text + n, sizeof text - (size_t)n, "), }");
    const int length = (10 + n + 1 + 63) / 64 * 64 - 10;
    fl_assert(length + 10 <= LONGEST_HEADER);
    memcpy(to, MAGIC, 6);
    to[6] = 1, to[7] = 0;
    to[8] = (unsigned char)(length & 255), to[9] = (unsigned char)(length >> 8);
    memset(to + 10, ' ', (size_t)length);
    memcpy(to + 10, text, (size_t)n);
    to[10 + length - 1] = '\n';
    return 10 + length;
}

static int64_t count_values(int axes, const int64_t *size)
{
    int64_t count = 1;
    fl_assert(axes >= 0 && axes <= FL_MAX_AXES);
    for (int i = 0; i < axes; i++) count *= size[i];
    return count;
}

enum { AT_ONCE = 512 };

void fl_npy_append(fl_buffer *b, int axes, const int64_t *size, const real *values)
{
    const fl_scalar type = sizeof(real) == 8 ? FL_SCALAR_F64 : FL_SCALAR_F32;
    unsigned char header[LONGEST_HEADER], packed[AT_ONCE * 8];
    const int64_t count = count_values(axes, size);
    fl_buffer_add(b, header, (size_t)make_header(header, type, axes, size));
    for (int64_t done = 0, n; done < count && !b->failed; done += n) {
        n = count - done < AT_ONCE ? count - done : AT_ONCE;
        fl_scalar_encode(type, values + done, n, packed);
        fl_buffer_add(b, packed, (size_t)n * (size_t)fl_scalar_size(type));
    }
}

fl_status fl_npy_write_as(fl_scalar type, const char *path, int axes, const int64_t *size, const real *values,
                          fl_error *err)
{
    fl_writer w;
    unsigned char header[LONGEST_HEADER], packed[AT_ONCE * 8];
    const int64_t count = count_values(axes, size);
    if (fl_write_begin(&w, path, err) == FL_OK) {
        const size_t length = (size_t)make_header(header, type, axes, size);
        fwrite(header, 1, length, w.stream);
        for (int64_t done = 0, n; done < count; done += n) {
            n = count - done < AT_ONCE ? count - done : AT_ONCE;
            fl_scalar_encode(type, values + done, n, packed);
            fwrite(packed, (size_t)fl_scalar_size(type), (size_t)n, w.stream);
        }
    }
    return fl_write_end(&w, true);
}

fl_status fl_npy_write(const char *path, int axes, const int64_t *size, const real *values, fl_error *err)
{
    return fl_npy_write_as(sizeof(real) == 8 ? FL_SCALAR_F64 : FL_SCALAR_F32, path, axes, size, values, err);
}
