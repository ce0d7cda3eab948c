/* fuzz_npy.c: any bytes through the .npy reader. */
#include "io/npy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a;
    fl_npy npy;
    fl_arena_init(&a, &err);
    a.limit = (size_t)256 << 20;
    fl_status status = fl_npy_parse((fl_bytes){data, size}, "fuzz", &npy, &err);
    if (status != err.status) abort();
    if (status == FL_OK && !fl_npy_values(&a, &npy) && err.status == FL_OK) abort();
    fl_arena_free(&a);
    return 0;
}
