/* weights_file.c: tell the kind by the first bytes, and hand over to its reader. */
#include "io/weights_file.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/torch.h"

#include <stdlib.h>
#include <string.h>

static fl_status parse_safetensors(fl_arena *a, fl_bytes b, const char *name, fl_weights_file *w)
{
    fl_safetensors s;
    w->kind = "safetensors";
    if (fl_safetensors_parse(a, b, name, &s) != FL_OK) return a->error->status;
    w->tensor = s.tensor;
    w->count = w->room = s.count;
    w->metadata = s.metadata;
    return FL_OK;
}

static fl_status refuse(fl_error *err, const char *name, const char *kind)
{
    return fl_error_set(err, FL_UNREADABLE, "%s: holds no weights that are read here: it is %s", name, kind);
}

static bool zip_has(const fl_zip *z, const char *file)
{
    for (int i = 0; i < z->count; i++) {
        const char *slash = strchr(z->member[i].name, '/');
        if (strcmp(slash ? slash + 1 : z->member[i].name, file) == 0) return true;
    }
    return false;
}

static fl_status parse_zip(fl_arena *a, fl_bytes b, const char *name, bool mapped, fl_weights_file *w)
{
    fl_zip z;
    w->kind = "zip archive";
    if (fl_zip_parse(a, b, name, &z) != FL_OK) return a->error->status;
    if (fl_npz_is(&z)) return fl_npz_read(a, name, mapped, &z, w);
    if (zip_has(&z, "constants.pkl"))
        return refuse(a->error, name, "a TorchScript program: in Python "
                      "torch.save(torch.jit.load(FILE).state_dict(), NEW) gives its weights");
    if (zip_has(&z, "data.pkl")) return fl_torch_read_zip(a, name, mapped, &z, w);
    if (zip_has(&z, "config.json") && fl_zip_find(&z, "model.weights.h5"))
        return refuse(a->error, name, "a Keras model: load it in Python and save the arrays with numpy.savez");
    return refuse(a->error, name, z.count ? "a zip archive of something else: unpack it" : "an empty zip archive");
}

static bool looks_like_safetensors(fl_bytes b)
{
    uint64_t n = 0;
    for (int i = 7; i >= 0 && b.size > 8; i--) n = n << 8 | b.data[i];
    return b.size > 8 && b.data[8] == '{' && n < (uint64_t)1 << 40;
}

static bool looks_like_pickle(fl_bytes b)
{
    if (b.size < 2) return false;
    if (b.data[0] == 0x80) return b.data[1] <= 5;
    return strchr("(]}c", b.data[0]) && b.data[b.size - 1] == '.';            /* protocol 0 and 1 have no magic */
}

static fl_status parse(fl_arena *a, fl_bytes b, const char *name, bool mapped, fl_weights_file *w)
{
    if (fl_bytes_begin(b, "PK\3\4") || fl_bytes_begin(b, "PK\5\6")) return parse_zip(a, b, name, mapped, w);
    if (fl_npy_is(b)) return fl_npz_read_npy(a, b, name, w);
    if (looks_like_safetensors(b)) return parse_safetensors(a, b, name, w);
    if (looks_like_pickle(b)) return fl_torch_read_stream(a, b, name, w);
    const char *other = fl_weights_other_kind(b);
    if (other) return refuse(a->error, name, other);
    return fl_error_set(a->error, FL_UNREADABLE, "%s: not a file of weights: expected safetensors, a PyTorch "
                        "checkpoint, .npz or .npy, got bytes %02x %02x %02x %02x first; it may be damaged", name,
                        b.data[0], b.size > 1 ? b.data[1] : 0,
                        b.size > 2 ? b.data[2] : 0, b.size > 3 ? b.data[3] : 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(fl_stored *const *)a)->name, (*(fl_stored *const *)b)->name);
}

/* Names go into JSON and onto terminals: UTF-8 without control characters. */
static bool is_name(const char *name)
{
    const unsigned char *p = (const unsigned char *)name, *end = p + strlen(name);
    for (int n; p < end; p += n) {
        n = *p >= 32 && *p != 127 ? fl_utf8_length(p, (size_t)(end - p)) : 0;
        if (n == 0) return false;
    }
    return *name != 0;
}

static fl_status check_names(fl_arena *a, const char *name, const fl_weights_file *w)
{
    const fl_mark mark = fl_arena_mark(a);
    fl_stored **order = FL_NEW(a, fl_stored *, w->count);
    if (!order) return a->error->status;
    for (int i = 0; i < w->count; i++) order[i] = &w->tensor[i];
    if (w->count) qsort(order, (size_t)w->count, sizeof(fl_stored *), by_name);
    for (int i = 0; i < w->count; i++)
        if (!is_name(w->tensor[i].name))
            fl_error_set(a->error, FL_UNREADABLE, "%s: tensor %d has no name of printable UTF-8", name, i);
    for (int i = 1; i < w->count; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            fl_error_set(a->error, FL_UNREADABLE, "%s: two tensors have the name '%s'", name, order[i]->name);
    fl_arena_release(a, mark);
    return a->error->status;
}

/* Numbers that were unpacked or decoded lie in the arena: its pages must not be given back, they would come back empty. */
static void tell_mapped(fl_bytes b, fl_weights_file *w)
{
    const uintptr_t begin = (uintptr_t)b.data, end = begin + b.size;
    for (int i = 0; i < w->count; i++) {
        const uintptr_t at = (uintptr_t)w->tensor[i].values;
        w->tensor[i].mapped = at >= begin && at < end;
    }
}

static fl_status parse_all(fl_arena *a, fl_bytes b, const char *name, bool mapped, fl_weights_file *w)
{
    fl_status status = parse(a, b, name, mapped, w);
    if (mapped) tell_mapped(b, w);
    return status == FL_OK ? check_names(a, name, w) : status;
}

fl_status fl_weights_file_parse(fl_arena *a, fl_bytes b, const char *name, fl_weights_file *w)
{
    memset(w, 0, sizeof *w);
    return parse_all(a, b, name, false, w);
}

fl_status fl_weights_file_open(fl_arena *a, const char *path, fl_weights_file *w)
{
    memset(w, 0, sizeof *w);
    fl_status status = fl_map_open(a, path, &w->file);
    if (status == FL_OK) status = parse_all(a, w->file.bytes, path, w->file.mapped, w);
    if (status != FL_OK) fl_map_close(&w->file);
    return status;
}

void fl_weights_file_close(fl_weights_file *w) { fl_map_close(&w->file); }

fl_status fl_weights_file_bundle(const fl_weights_file *w, fl_bundle *b)
{
    fl_status status = FL_OK;
    for (int i = 0; i < w->count && status == FL_OK; i++) status = fl_stored_add(b, &w->tensor[i]);
    return status;
}
