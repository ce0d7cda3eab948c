/* fuzz_legacy.c: PyTorch's older stream: the input is what follows the magic number, so that all of it gets there. */
#include "tests/fuzz/weights_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char magic[] = {0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50,
                                          0x19, '.'};
    unsigned char *exact = malloc(size + sizeof magic);          /* exactly so long: a byte too far is seen */
    if (!exact) return 0;
    memcpy(exact, magic, sizeof magic);
    if (size) memcpy(exact + sizeof magic, data, size);
    fuzz_weights(exact, size + sizeof magic);
    free(exact);
    return 0;
}
