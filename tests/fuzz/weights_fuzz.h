/* weights_fuzz.h: what the targets of weight files share: read every tensor that was accepted, in the two ways. */
#ifndef FL_WEIGHTS_FUZZ_H
#define FL_WEIGHTS_FUZZ_H

#include "io/weights_file.h"

#include <stdlib.h>
#include <string.h>

static void read_piece(const fl_stored *t, int64_t first, int64_t count)
{
    static real values[256];
    static unsigned char packed[256 * 8], again[256 * 8];
    fl_stored_decode(t, first, count, values);
    fl_stored_pack(t, first, count, packed);
    if (count > 1) fl_stored_pack(t, first + 1, count - 1, again);
    const size_t bytes = (size_t)fl_scalar_size(t->type);
    if (count > 1 && memcmp(packed + bytes, again, (size_t)(count - 1) * bytes) != 0) abort();
}

static void read_tensors(fl_arena *a, const fl_weights_file *w)
{
    fl_bundle b;
    fl_bundle_init(&b, a);
    for (int i = 0; i < w->count; i++) {
        const fl_stored *t = &w->tensor[i];
        const int64_t first = t->count < 256 ? t->count : 256;
        read_piece(t, 0, first);
        read_piece(t, t->count - first, first);
    }
    if (w->count < 1000 && fl_weights_file_bundle(w, &b) != FL_OK && a->error->status != FL_LIMIT) abort();
}

/* Any bytes as a file of weights. */
static void fuzz_weights(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a;
    fl_weights_file w;
    fl_arena_init(&a, &err);
    a.limit = (size_t)256 << 20;
    fl_status status = fl_weights_file_parse(&a, (fl_bytes){data, size}, "fuzz", &w);
    if (status != err.status || (status != FL_OK && status != FL_UNREADABLE && status != FL_LIMIT)) abort();
    if (status == FL_OK) read_tensors(&a, &w);
    fl_arena_free(&a);
}

#endif
