/* torch.c: the two containers of a checkpoint.
 *
 *     zip: TOP/data.pkl, TOP/data/KEY for every storage, TOP/byteorder
 *     stream: four pickles (magic number, version 1001, machine, object), one of the keys in order, then for each key
 *             an 8-byte count and its numbers */
#include "io/torch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the pickle would import ---- */

static int by_danger(const void *a, const void *b)
{
    const fl_import *p = a, *q = b;
    if (p->class != q->class) return p->class > q->class ? -1 : 1;
    const int module = strcmp(p->module, q->module);
    return module ? module : strcmp(p->name, q->name);
}

static fl_status list_imports(fl_arena *a, const fl_pickle *p, fl_weights_file *w)
{
    fl_import *all = FL_NEW(a, fl_import, p->globals);
    w->imports = 0;
    if (!all) return a->error->status;
    for (int i = 0; i < p->globals; i++) {
        const fl_pickled *g = p->global[i];
        all[i] = (fl_import){g->module, g->name, fl_import_classify(g->module, g->name), 1};
    }
    if (p->globals) qsort(all, (size_t)p->globals, sizeof *all, by_danger);
    for (int i = 0; i < p->globals; i++) {
        if (w->imports && by_danger(&all[w->imports - 1], &all[i]) == 0) all[w->imports - 1].count++;
        else all[w->imports++] = all[i];
    }
    w->import = all;
    return FL_OK;
}

/* A pickle that breaks off would have run in Python up to there: what it names is listed in any case. */
static fl_status parse_and_list(fl_torch *t, fl_bytes b, size_t begin, fl_pickle *p)
{
    fl_status status = fl_pickle_parse(t->arena, b, begin, t->name, p);
    fl_status listed = list_imports(t->arena, p, t->out);
    return status != FL_OK ? status : listed;
}

/* ---- zip ---- */

static fl_status read_byte_order(fl_torch *t)
{
    fl_bytes text;
    const char *path = fl_arena_text(t->arena, "%sbyteorder", t->top);
    const fl_zip_member *m = path ? fl_zip_find(t->zip, path) : NULL;
    if (!m) return path ? FL_OK : t->arena->error->status;          /* older writers: little-endian machines all */
    if (fl_zip_read(t->arena, m, t->name, t->mapped, &text) != FL_OK) return t->arena->error->status;
    t->big_endian = text.size == 3 && memcmp(text.data, "big", 3) == 0;
    if (t->big_endian || (text.size == 6 && memcmp(text.data, "little", 6) == 0)) return FL_OK;
    return fl_torch_wrong(t, "its byteorder is neither little nor big") ? FL_OK : FL_UNREADABLE;
}

/* The folder of data.pkl, whatever it is called; there must be one. */
static const fl_zip_member *find_top(fl_torch *t)
{
    const fl_zip_member *found = NULL;
    for (int i = 0; i < t->zip->count; i++) {
        const char *name = t->zip->member[i].name, *slash = strchr(name, '/');
        if (strcmp(slash ? slash + 1 : name, "data.pkl") != 0) continue;
        if (found) return fl_torch_wrong(t, "has two checkpoints in it: %s and %s", found->name, name), NULL;
        found = &t->zip->member[i];
        t->top = fl_arena_text(t->arena, "%.*s", slash ? (int)(slash + 1 - name) : 0, name);
    }
    if (!found) fl_torch_wrong(t, "has no data.pkl");
    return t->top ? found : NULL;
}

fl_status fl_torch_read_zip(fl_arena *a, const char *name, bool mapped, const fl_zip *zip, fl_weights_file *w)
{
    fl_torch t = {.arena = a, .name = name, .out = w, .mapped = mapped, .zip = zip};
    fl_pickle p;
    fl_bytes content;
    const fl_zip_member *m = find_top(&t);
    w->kind = "PyTorch checkpoint (zip)";
    if (!m || read_byte_order(&t) != FL_OK || fl_zip_read(a, m, name, mapped, &content) != FL_OK)
        return a->error->status;
    if (parse_and_list(&t, content, 0, &p) != FL_OK) return a->error->status;
    if (p.end != content.size) return fl_torch_wrong(&t, "something follows the pickle in data.pkl"), FL_UNREADABLE;
    if (fl_torch_storages(&t, &p) != FL_OK) return a->error->status;
    return fl_torch_walk(&t, p.root);
}

/* ---- stream ---- */

static bool is_magic(const fl_pickled *v)
{
    static const unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return v->kind == FL_PICKLED_LONG && v->size == sizeof magic && memcmp(v->text, magic, sizeof magic) == 0;
}

/* After the keys: for each the count and the numbers, up to the end of the file. */
static fl_status read_data(fl_torch *t, fl_bytes b, size_t at, const fl_pickled *keys)
{
    if (keys->kind != FL_PICKLED_LIST)
        return fl_torch_wrong(t, "expected a list of keys before the storages"), FL_UNREADABLE;
    for (int i = 0; i < keys->count; i++) {
        fl_storage *s = fl_torch_storage_keyed(t, keys->item[i]);
        if (!s) return fl_torch_wrong(t, "storage %d of the file belongs to no tensor", i), FL_UNREADABLE;
        if (s->data) return fl_torch_wrong(t, "storage %d of the file is there twice", i), FL_UNREADABLE;
        uint64_t count = 0;
        for (int k = 0; k < 8 && b.size - at >= 8; k++)
            count |= (uint64_t)b.data[at + (size_t)k] << 8 * (t->big_endian ? 7 - k : k);
        if (b.size - at < 8 || (count == (uint64_t)s->count && count > (b.size - at - 8) / (size_t)s->type->size))
            return fl_torch_wrong(t, "storage %d begins at byte %zu and runs past the end: the file is cut short, "
                                  "get it again", i, at),
                   FL_UNREADABLE;
        if (count != (uint64_t)s->count)
            return fl_torch_wrong(t, "storage %d, byte %zu: expected a count of %" PRId64 ", got %" PRIu64, i, at,
                                  s->count, count),
                   FL_UNREADABLE;
        s->data = b.data + at + 8;
        at += 8 + (size_t)count * (size_t)s->type->size;
    }
    if (at != b.size) return fl_torch_wrong(t, "%zu bytes follow the last storage", b.size - at), FL_UNREADABLE;
    return FL_OK;
}

static fl_status read_stream(fl_torch *t, fl_bytes b, size_t at)
{
    fl_pickle version, machine, object, keys;
    if (fl_pickle_parse(t->arena, b, at, t->name, &version) != FL_OK) return FL_UNREADABLE;
    if (version.root->kind != FL_PICKLED_INT || version.root->integer != 1001)
        return fl_torch_wrong(t, "expected version 1001 of the format"), FL_UNREADABLE;
    if (fl_pickle_parse(t->arena, b, version.end, t->name, &machine) != FL_OK) return FL_UNREADABLE;
    const fl_pickled *little = fl_pickled_get(machine.root, "little_endian");
    if (!little || little->kind != FL_PICKLED_BOOL)
        return fl_torch_wrong(t, "does not say in which order its bytes are"), FL_UNREADABLE;
    t->big_endian = !little->integer;
    if (parse_and_list(t, b, machine.end, &object) != FL_OK) return FL_UNREADABLE;
    if (version.globals + machine.globals) return fl_torch_wrong(t, "names code before its object"), FL_UNREADABLE;
    if (fl_torch_storages(t, &object) != FL_OK || fl_pickle_parse(t->arena, b, object.end, t->name, &keys) != FL_OK)
        return FL_UNREADABLE;
    if (keys.globals) return fl_torch_wrong(t, "names code in its list of storages"), FL_UNREADABLE;
    if (read_data(t, b, keys.end, keys.root) != FL_OK) return FL_UNREADABLE;
    return fl_torch_walk(t, object.root);
}

fl_status fl_torch_read_stream(fl_arena *a, fl_bytes b, const char *name, fl_weights_file *w)
{
    fl_torch t = {.arena = a, .name = name, .out = w};
    fl_pickle first;
    w->kind = "pickle";
    if (parse_and_list(&t, b, 0, &first) != FL_OK) return a->error->status;
    if (is_magic(first.root)) {
        w->kind = "PyTorch checkpoint (stream)";
        read_stream(&t, b, first.end);
        return a->error->status;
    }
    if (first.end != b.size)
        return fl_torch_wrong(&t, "%zu bytes follow the pickle", b.size - first.end), FL_UNREADABLE;
    if (fl_torch_storages(&t, &first) != FL_OK) return a->error->status;
    return fl_torch_walk(&t, first.root);
}
