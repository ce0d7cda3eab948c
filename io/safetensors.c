/* safetensors.c: header, checks, values; nothing is trusted before it has been compared with the file's length. */
#include "io/safetensors.h"
#include "io/json.h"
#include "io/weights_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_CAP = 16 << 20 };                  /* 20000 tensors with long names need 4 MiB */

const char *fl_metadata_find(const fl_metadata *m, const char *key)
{
    for (int i = 0; i < m->count; i++)
        if (strcmp(m->pair[i].key, key) == 0) return m->pair[i].value;
    return NULL;
}

static fl_status bad_tensor(fl_error *err, const char *file, const char *tensor, const char *what)
{
    return fl_error_set(err, FL_UNREADABLE, "%s: tensor '%s': %s", file, tensor, what);
}

static fl_status read_metadata(fl_arena *a, const char *file, const fl_json_value *v, fl_metadata *m)
{
    if (v->kind != FL_JSON_OBJECT) return bad_tensor(a->error, file, v->key, "expected an object of texts");
    m->pair = FL_NEW(a, fl_metadata_pair, v->count);
    if (!m->pair) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", file);
    for (const fl_json_value *p = v->first; p; p = p->next) {
        if (p->kind != FL_JSON_STRING) return bad_tensor(a->error, file, v->key, "expected texts only");
        m->pair[m->count++] = (fl_metadata_pair){p->key, p->string};
    }
    return FL_OK;
}

static bool non_negative(const fl_json_value *v) { return v && v->is_integer && v->integer >= 0; }

static fl_status read_shape(fl_error *err, const char *file, const fl_json_value *shape, fl_stored *t)
{
    if (!shape || shape->kind != FL_JSON_ARRAY || shape->count > FL_MAX_AXES)
        return bad_tensor(err, file, t->name, "expected a shape of at most 8 axes");
    t->count = 1;
    for (const fl_json_value *v = shape->first; v; v = v->next) {
        if (!non_negative(v)) return bad_tensor(err, file, t->name, "expected whole numbers from 0 up in its shape");
        if (v->integer && t->count > ((int64_t)1 << 40) / v->integer)
            return bad_tensor(err, file, t->name, "expected at most 2^40 values, its shape has more");
        t->size[t->axes++] = v->integer;
        t->count *= v->integer;
    }
    return FL_OK;
}

/* blob: the bytes after the header, of which the tensor must be a part of exactly the right length. */
static fl_status read_tensor(fl_error *err, const char *file, const fl_json_value *v, fl_bytes blob, fl_stored *t)
{
    t->name = v->key;
    const fl_json_value *type = fl_json_get(v, "dtype"), *offsets = fl_json_get(v, "data_offsets");
    t->type = type && type->kind == FL_JSON_STRING ? fl_scalar_named(type->string) : FL_SCALAR_NONE;
    if (t->type == FL_SCALAR_NONE)
        return fl_error_set(err, FL_UNREADABLE, "%s: tensor '%s': expected a dtype of F64 F32 F16 BF16 I64 I32 I16 "
                            "I8 U64 U32 U16 U8 BOOL, got '%s'", file, t->name,
                            type && type->string ? type->string : "none");
    if (read_shape(err, file, fl_json_get(v, "shape"), t) != FL_OK) return FL_UNREADABLE;
    if (!offsets || offsets->kind != FL_JSON_ARRAY || offsets->count != 2 || !non_negative(offsets->first)
        || !non_negative(offsets->first->next))
        return bad_tensor(err, file, t->name, "expected data_offsets [begin, end]");
    int64_t begin = offsets->first->integer, end = offsets->first->next->integer;
    int64_t need = t->count * fl_scalar_size(t->type);
    if (begin > end || end - begin != need)
        return fl_error_set(err, FL_UNREADABLE, "%s: tensor '%s': its shape and dtype need %" PRId64 " bytes, its "
                            "offsets are %" PRId64 " to %" PRId64, file, t->name, need, begin, end);
    if ((uint64_t)end > blob.size)
        return fl_error_set(err, FL_UNREADABLE, "%s: tensor '%s' ends at byte %" PRId64 " after the header, the file "
                            "holds %zu: it is cut short, get it again", file, t->name, end, blob.size);
    t->values = blob.data + begin;
    return FL_OK;
}

static int by_place(const void *a, const void *b)
{
    const fl_stored *p = *(fl_stored *const *)a, *q = *(fl_stored *const *)b;
    if (p->values != q->values) return p->values < q->values ? -1 : 1;
    return (p->count > 0) - (q->count > 0);          /* empty tensors lie before what begins at their place */
}

/* Sorted by place, each begins where the one before it ended, the first at 0, and the last ends with the file. */
static fl_status check_cover(fl_arena *a, const char *file, const fl_safetensors *s, fl_bytes blob)
{
    fl_mark mark = fl_arena_mark(a);
    fl_stored **order = FL_NEW(a, fl_stored *, s->count);
    if (!order) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", file);
    for (int i = 0; i < s->count; i++) order[i] = &s->tensor[i];
    qsort(order, (size_t)s->count, sizeof(fl_stored *), by_place);
    const unsigned char *at = blob.data;
    fl_status status = FL_OK;
    for (int i = 0; i < s->count && status == FL_OK; i++) {
        const fl_stored *t = order[i];
        if (t->values < at) status = bad_tensor(a->error, file, t->name, "overlaps another tensor");
        if (t->values > at) status = bad_tensor(a->error, file, t->name, "begins after bytes that no tensor owns");
        at = t->values + t->count * fl_scalar_size(t->type);
    }
    if (status == FL_OK && at != blob.data + blob.size)
        status = fl_error_set(a->error, FL_UNREADABLE, "%s: %zu bytes after the last tensor belong to none", file,
                              (size_t)(blob.data + blob.size - at));
    fl_arena_release(a, mark);
    return status;
}

fl_status fl_safetensors_parse(fl_arena *a, fl_bytes b, const char *name, fl_safetensors *s)
{
    memset(s, 0, sizeof *s);
    uint64_t n = 0;
    for (int i = 7; i >= 0 && b.size >= 8; i--) n = n << 8 | b.data[i];
    const char *other = fl_weights_other_kind(b);
    if (b.size < 10 || n < 2 || n > b.size - 8 || b.data[8] != '{')
        return fl_error_set(a->error, FL_UNREADABLE, "%s: not a safetensors file (8 bytes of length, then '{'): it "
                            "looks like %s", name, other ? other : "something else, or damaged");
    if (n > HEADER_CAP)
        return fl_error_set(a->error, FL_UNREADABLE, "%s: a header of %" PRIu64 " bytes is more than %d",
                            name, n, HEADER_CAP);
    fl_bytes blob = {b.data + 8 + n, b.size - 8 - (size_t)n};
    const fl_json_value *root = fl_json_parse(a, name, b.data + 8, (size_t)n);
    s->tensor = root ? FL_NEW(a, fl_stored, root->count) : NULL;
    if (!s->tensor) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", name);
    for (const fl_json_value *v = root->first; v; v = v->next) {
        fl_status status = strcmp(v->key, "__metadata__") == 0
            ? read_metadata(a, name, v, &s->metadata)
            : read_tensor(a->error, name, v, blob, &s->tensor[s->count++]);
        if (status != FL_OK) return status;
    }
    return check_cover(a, name, s, blob);
}

/* Numbers that already are what real is, at a fit address, are used where they lie; the others are converted. */
static const real *values_of(fl_arena *a, const fl_stored *t)
{
    bool same = t->type == (sizeof(real) == 8 ? FL_SCALAR_F64 : FL_SCALAR_F32) && fl_scalar_host_is_little();
    if (same && (uintptr_t)t->values % sizeof(real) == 0) return (const real *)(const void *)t->values;
    real *values = FL_NEW(a, real, t->count);
    if (values) fl_scalar_decode(t->type, t->values, false, t->count, values);
    return values;
}

fl_status fl_safetensors_read(fl_bundle *bundle, const char *path, fl_metadata *metadata)
{
    fl_arena *a = bundle->arena;
    fl_bytes bytes;
    fl_safetensors s;
    fl_status status = fl_file_read(a, path, FL_FILE_CAP, &bytes);
    if (status == FL_OK) status = fl_safetensors_parse(a, bytes, path, &s);
    for (int i = 0; status == FL_OK && i < s.count; i++) {
        const fl_stored *t = &s.tensor[i];
        const real *values = values_of(a, t);
        status = values ? fl_bundle_add(bundle, t->name, t->axes, t->size, values)
                        : fl_error_set(a->error, FL_FAILED, "%s: memory ran out", path);
    }
    if (metadata) *metadata = status == FL_OK ? s.metadata : (fl_metadata){0};
    return status;
}

static void header_text(fl_json *j, const fl_bundle *b, const fl_metadata *metadata)
{
    int64_t at = 0;
    fl_json_object(j, NULL);
    if (metadata && metadata->count) {
        fl_json_object(j, "__metadata__");
        for (int i = 0; i < metadata->count; i++) fl_json_string(j, metadata->pair[i].key, metadata->pair[i].value);
        fl_json_close(j);
    }
    for (int i = 0; i < b->count; i++) {
        const fl_entry *e = &b->entry[i];
        fl_json_object(j, e->name);
        fl_json_string(j, "dtype", "F32");
        fl_json_array(j, "shape");
        for (int k = 0; k < e->axes; k++) fl_json_int(j, NULL, e->size[k]);
        fl_json_close(j);
        fl_json_array(j, "data_offsets");
        fl_json_int(j, NULL, at);
        at += 4 * fl_entry_count(e);
        fl_json_int(j, NULL, at);
        fl_json_close(j);
        fl_json_close(j);
    }
    fl_json_close(j);
}

static void write_values(FILE *f, const fl_entry *e)
{
    unsigned char packed[1024 * 4];
    real values[1024];
    int64_t count = fl_entry_count(e);
    for (int64_t done = 0, n; done < count; done += n) {
        n = count - done < 1024 ? count - done : 1024;
        fl_entry_read(e, done, n, values);
        fl_scalar_encode(FL_SCALAR_F32, values, n, packed);
        fwrite(packed, 4, (size_t)n, f);
    }
}

fl_status fl_safetensors_write(const char *path, const fl_bundle *b, const fl_metadata *metadata, fl_error *err)
{
    fl_arena scratch;
    fl_json j;
    fl_writer w;
    fl_arena_init(&scratch, err);
    fl_json_to_text(&j, &scratch, false);
    header_text(&j, b, metadata);
    const char *text = fl_json_end(&j);
    fl_status status = text ? FL_OK : fl_error_set(err, FL_FAILED, "%s: memory ran out", path);
    if (text) status = fl_write_begin(&w, path, err);
    if (text && status == FL_OK) {
        size_t size = strlen(text) - 1, padded = (size + 7) / 8 * 8;      /* no line break; spaces up to 8 bytes */
        for (int i = 0; i < 8; i++) fputc((int)((uint64_t)padded >> 8 * i & 255), w.stream);
        fprintf(w.stream, "%.*s%*s", (int)size, text, (int)(padded - size), "");
        for (int i = 0; i < b->count; i++) write_values(w.stream, &b->entry[i]);
        status = fl_write_end(&w, true);
    }
    fl_arena_free(&scratch);
    return status;
}
