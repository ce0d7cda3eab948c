/* fuzz_pickle.c: any bytes as a pickle: as the tree that it makes, and as a file of weights. */
#include "io/pickle.h"
#include "tests/fuzz/weights_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a;
    fl_pickle p;
    fl_arena_init(&a, &err);
    a.limit = (size_t)256 << 20;
    fl_status status = fl_pickle_parse(&a, (fl_bytes){data, size}, 0, "fuzz", &p);
    if (status != err.status || (status == FL_OK) != (p.root != NULL) || p.end > size) abort();
    fl_arena_free(&a);
    fuzz_weights(data, size);
    return 0;
}
