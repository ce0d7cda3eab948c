/* torch_storage.c: blocks of numbers that a checkpoint's pickle refers to: ('storage', type, key, place, count[,
 * view]). */
#include "io/torch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Types that are not read have a size all the same: in a stream one must get past them. */
static const fl_storage_type types[] = {
    {"FloatStorage", FL_SCALAR_F32, 4}, {"DoubleStorage", FL_SCALAR_F64, 8}, {"HalfStorage", FL_SCALAR_F16, 2},
    {"BFloat16Storage", FL_SCALAR_BF16, 2}, {"LongStorage", FL_SCALAR_I64, 8}, {"IntStorage", FL_SCALAR_I32, 4},
    {"ShortStorage", FL_SCALAR_I16, 2}, {"CharStorage", FL_SCALAR_I8, 1}, {"ByteStorage", FL_SCALAR_U8, 1},
    {"BoolStorage", FL_SCALAR_BOOL, 1}, {"UntypedStorage", FL_SCALAR_U8, 1},
    {"ComplexFloatStorage", FL_SCALAR_NONE, 8}, {"ComplexDoubleStorage", FL_SCALAR_NONE, 16},
    {"QInt8Storage", FL_SCALAR_NONE, 1}, {"QUInt8Storage", FL_SCALAR_NONE, 1}, {"QInt32Storage", FL_SCALAR_NONE, 4},
    {"QUInt4x2Storage", FL_SCALAR_NONE, 1}, {"QUInt2x4Storage", FL_SCALAR_NONE, 1},
};

static const fl_storage_type dtypes[] = {
    {"float32", FL_SCALAR_F32, 4}, {"float64", FL_SCALAR_F64, 8}, {"float16", FL_SCALAR_F16, 2},
    {"bfloat16", FL_SCALAR_BF16, 2}, {"int64", FL_SCALAR_I64, 8}, {"int32", FL_SCALAR_I32, 4},
    {"int16", FL_SCALAR_I16, 2}, {"int8", FL_SCALAR_I8, 1}, {"uint8", FL_SCALAR_U8, 1}, {"uint16", FL_SCALAR_U16, 2},
    {"uint32", FL_SCALAR_U32, 4}, {"uint64", FL_SCALAR_U64, 8}, {"bool", FL_SCALAR_BOOL, 1},
};

static const fl_storage_type *type_named(const fl_storage_type *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

const fl_storage_type *fl_torch_dtype(const fl_pickled *v)
{
    if (!v || v->kind != FL_PICKLED_GLOBAL || strcmp(v->module, "torch") != 0) return NULL;
    return type_named(dtypes, sizeof dtypes / sizeof *dtypes, v->name);
}

static const fl_storage_type *storage_type(const fl_pickled *v)
{
    if (!v || v->kind != FL_PICKLED_GLOBAL) return NULL;
    if (strcmp(v->module, "torch") != 0 && strcmp(v->module, "torch.cuda") != 0
        && strcmp(v->module, "torch.storage") != 0)
        return NULL;
    return type_named(types, sizeof types / sizeof *types, v->name);
}

static int compare_keys(const fl_pickled *a, const fl_pickled *b)
{
    const size_t n = a->size < b->size ? a->size : b->size;
    const int order = n ? memcmp(a->text, b->text, n) : 0;
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int by_key(const void *a, const void *b)
{
    return compare_keys(((const fl_storage *)a)->key, ((const fl_storage *)b)->key);
}

static bool is_key(const fl_pickled *v)
{
    return v->kind == FL_PICKLED_TEXT || v->kind == FL_PICKLED_BYTES;
}

/* The tuple of a storage's id, or NULL: ids of other things (the source of a module's class) mean nothing to us. */
static const fl_pickled *storage_id(const fl_pickled *persistent)
{
    if (!persistent || persistent->kind != FL_PICKLED_PERSISTENT) return NULL;
    const fl_pickled *id = fl_pickled_tuple(persistent->id, 5, 6);
    return id && fl_pickled_is_text(id->item[0], "storage") ? id : NULL;
}

/* One id; an error when it is none that makes sense. */
static bool read_id(fl_torch *t, const fl_pickled *id, fl_storage *s)
{
    const fl_pickled *type = id->item[1], *count = id->item[4];
    *s = (fl_storage){.key = id->item[2], .type = storage_type(type), .count = count->integer};
    if (!is_key(s->key)) return fl_torch_wrong(t, "a storage's key is no text");
    if (!s->type)
        return fl_torch_wrong(t, "storage '%.*s' is of type %s, which is not known here",
                              (int)(s->key->size < 40 ? s->key->size : 40),
                              (const char *)s->key->text, fl_torch_maker(t, type));
    if (count->kind != FL_PICKLED_INT || s->count < 0 || s->count > FL_STORED_MOST)
        return fl_torch_wrong(t, "a storage's count of numbers is no whole number from 0 to 2^40");
    return true;
}

fl_status fl_torch_storages(fl_torch *t, const fl_pickle *p)
{
    int unique = 0;
    t->storage = FL_NEW(t->arena, fl_storage, p->persistents);
    if (!t->storage) return t->arena->error->status;
    for (int i = 0; i < p->persistents; i++) {
        const fl_pickled *id = storage_id(p->persistent[i]);
        if (id && !read_id(t, id, &t->storage[t->storages++])) return t->arena->error->status;
    }
    if (t->storages) qsort(t->storage, (size_t)t->storages, sizeof *t->storage, by_key);
    for (int i = 0; i < t->storages; i++) {
        const fl_storage *s = &t->storage[i], *before = unique ? &t->storage[unique - 1] : NULL;
        if (!before || by_key(before, s) != 0) t->storage[unique++] = *s;
        else if (before->type != s->type || before->count != s->count)
            return fl_torch_wrong(t, "one storage is said to have two types or sizes"), t->arena->error->status;
    }
    t->storages = unique;
    return FL_OK;
}

fl_storage *fl_torch_storage_keyed(fl_torch *t, const fl_pickled *key)
{
    const fl_storage wanted = {.key = key};
    if (!is_key(key) || !t->storages) return NULL;
    return bsearch(&wanted, t->storage, (size_t)t->storages, sizeof wanted, by_key);
}

/* Its member of the zip, which must hold exactly its numbers. */
static bool find_data(fl_torch *t, fl_storage *s)
{
    const int shown = (int)(s->key->size < 64 ? s->key->size : 64);
    const char *key = (const char *)s->key->text;
    if (s->data) return true;
    if (!t->zip) return fl_torch_wrong(t, "storage '%.*s' is not in the file", shown, key);
    const char *path = fl_arena_text(t->arena, "%sdata/%.*s", t->top,
                                     (int)(s->key->size < 4096 ? s->key->size : 4096), key);
    if (!path) return false;
    const fl_zip_member *m = fl_zip_find(t->zip, path);
    fl_bytes content;
    if (!m) return fl_torch_wrong(t, "the archive has no member %s", path);
    if (m->size != (uint64_t)s->count * (uint64_t)s->type->size)
        return fl_torch_wrong(t, "its storage has %" PRId64 " numbers of %d bytes, the member %s holds %" PRIu64 " "
                              "bytes", s->count,
                              s->type->size, path, m->size);
    if (fl_zip_read(t->arena, m, t->name, t->mapped, &content) != FL_OK) return false;
    s->data = content.data;
    return true;
}

/* A view, as files of before 2017 have it: (key, first, count) of a part of the storage. */
static bool read_view(fl_torch *t, const fl_pickled *view, const fl_storage *s, int64_t *first, int64_t *count)
{
    if (view->kind == FL_PICKLED_NONE) return true;
    const fl_pickled *tuple = fl_pickled_tuple(view, 3, 3);
    const fl_pickled *from = tuple ? tuple->item[1] : NULL, *size = tuple ? tuple->item[2] : NULL;
    if (!tuple || from->kind != FL_PICKLED_INT || size->kind != FL_PICKLED_INT || from->integer < 0
        || size->integer < 0
        || from->integer > s->count || size->integer > s->count - from->integer)
        return fl_torch_wrong(t, "its storage is a view that lies outside of the storage");
    *first = from->integer;
    *count = size->integer;
    return true;
}

fl_storage *fl_torch_storage(fl_torch *t, const fl_pickled *persistent, int64_t *first, int64_t *count)
{
    const fl_pickled *id = storage_id(persistent);
    if (!id) return fl_torch_wrong(t, "its storage is %s", fl_torch_maker(t, persistent)), NULL;
    fl_storage *s = fl_torch_storage_keyed(t, id->item[2]);
    fl_assert(s);                                    /* all ids of the pickle are in the list */
    if (s->type->type == FL_SCALAR_NONE)
        return fl_torch_wrong(t, "its numbers are of type torch.%s, which is not read here; save it as float32",
                              s->type->name), NULL;
    *first = 0;
    *count = s->count;
    if (id->count == 6 && !read_view(t, id->item[5], s, first, count)) return NULL;
    return find_data(t, s) ? s : NULL;
}
