/* fuzz_zip.c: any bytes as an archive: every member unpacked, each found again by its name. */
#include "io/zip.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a;
    fl_zip z;
    fl_arena_init(&a, &err);
    a.limit = (size_t)256 << 20;
    fl_status status = fl_zip_parse(&a, (fl_bytes){data, size}, "fuzz", &z);
    if (status != err.status) abort();
    size_t packed = 0;
    for (int i = 0; status == FL_OK && i < z.count; i++) {
        const fl_zip_member *m = &z.member[i];
        fl_bytes content;
        if (fl_zip_find(&z, m->name) != m) abort();
        packed += m->packed.size;
        const fl_mark mark = fl_arena_mark(&a);
        if (fl_zip_read(&a, m, "fuzz", false, &content) == FL_OK && content.size != m->size) abort();
        fl_error_clear(&err);
        fl_arena_release(&a, mark);
    }
    if (packed > size) abort();                  /* members do not overlap */
    fl_arena_free(&a);
    return 0;
}
