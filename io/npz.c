/* npz.c: every member an array; its name is the member's without .npy. */
#include "io/npz.h"
#include "io/npy.h"

#include <stdlib.h>
#include <string.h>

static const char SUFFIX[] = ".npy";
enum { SUFFIX_SIZE = sizeof SUFFIX - 1 };

static bool is_array(const char *name)
{
    const size_t n = strlen(name);
    return n > SUFFIX_SIZE && strcmp(name + n - SUFFIX_SIZE, SUFFIX) == 0;
}

bool fl_npz_is(const fl_zip *z)
{
    for (int i = 0; i < z->count; i++)
        if (!is_array(z->member[i].name)) return false;
    return z->count > 0;
}

static fl_status add_array(fl_arena *a, fl_bytes content, const char *where, const char *tensor,
                           fl_weights_file *w)
{
    fl_npy npy;
    fl_stored s;
    if (fl_npy_parse(content, where, &npy, a->error) != FL_OK) return a->error->status;
    const size_t before = (size_t)(npy.values - content.data);
    if (before + (size_t)npy.count * (size_t)fl_scalar_size(npy.type) != content.size)
        return fl_error_set(a->error, FL_UNREADABLE, "%s: something follows the array", where);
    fl_npy_stored(&npy, tensor, &s);
    return fl_weights_file_add(a, w, tensor, &s);
}

static int by_offset(const void *a, const void *b)
{
    const size_t p = (*(const fl_zip_member *const *)a)->offset, q = (*(const fl_zip_member *const *)b)->offset;
    return (p > q) - (p < q);
}

fl_status fl_npz_read(fl_arena *a, const char *name, bool mapped, const fl_zip *z, fl_weights_file *w)
{
    const fl_zip_member **order = FL_NEW(a, const fl_zip_member *, z->count);
    w->kind = "NumPy archive (.npz)";
    if (!order) return a->error->status;
    for (int i = 0; i < z->count; i++) order[i] = &z->member[i];
    qsort(order, (size_t)z->count, sizeof(fl_zip_member *), by_offset);                 /* as they were written */
    for (int i = 0; i < z->count; i++) {
        const fl_zip_member *m = order[i];
        fl_bytes content;
        const char *where = fl_arena_text(a, "%s: %s", name, m->name);
        const char *tensor = fl_arena_text(a, "%.*s", (int)(strlen(m->name) - SUFFIX_SIZE), m->name);
        if (!where || !tensor || fl_zip_read(a, m, name, mapped, &content) != FL_OK) return a->error->status;
        if (add_array(a, content, where, tensor, w) != FL_OK) return a->error->status;
    }
    return FL_OK;
}

fl_status fl_npz_read_npy(fl_arena *a, fl_bytes b, const char *name, fl_weights_file *w)
{
    w->kind = "NumPy array (.npy)";
    return add_array(a, b, name, "arr_0", w);
}
