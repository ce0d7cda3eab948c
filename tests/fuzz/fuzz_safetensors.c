/* fuzz_safetensors.c: any bytes through the safetensors reader; every value of what it accepts is converted.
 *
 * The length of the header is set right when the input leaves room, so that inputs get past it. */
#include "io/safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a;
    fl_safetensors s;
    fl_arena_init(&a, &err);
    a.limit = (size_t)256 << 20;
    uint8_t *copy = fl_arena_array(&a, size + 1, 1);
    if (!copy) abort();
    if (size) memcpy(copy, data, size);
    if (size > 10 && data[7] == 0) {
        size_t header = size - 8 - (data[0] | (size_t)data[1] << 8) % (size - 8);        /* what the blob leaves */
        for (int i = 0; i < 8; i++) copy[i] = (uint8_t)((uint64_t)header >> 8 * i);
    }
    fl_status status = fl_safetensors_parse(&a, (fl_bytes){copy, size}, "fuzz", &s);
    if (status != err.status) abort();
    for (int i = 0; status == FL_OK && i < s.count; i++) {
        const fl_stored *t = &s.tensor[i];
        real *values = fl_arena_array(&a, (size_t)t->count, sizeof(real));
        if (values) fl_scalar_decode(t->type, t->values, false, t->count, values);
    }
    fl_arena_free(&a);
    return 0;
}
