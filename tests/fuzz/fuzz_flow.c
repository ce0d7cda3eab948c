/* fuzz_flow.c: any bytes as a file of optical flow. */
#include "io/flow_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a;
    fl_flow_file f;
    real sum = 0;
    fl_arena_init(&a, &err);
    a.limit = (size_t)256 << 20;
    const fl_status status = fl_flow_file_decode(&a, (fl_bytes){data, size}, "fuzz", &f);
    if (status != err.status) abort();
    for (int64_t i = 0; status == FL_OK && i < 2 * (int64_t)f.flows * f.height * f.width; i++) sum += f.uv[i];
    if (sum != sum) abort();
    fl_arena_free(&a);
    return 0;
}
