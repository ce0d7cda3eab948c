/* fuzz_npz.c: archives of arrays and of checkpoints, their checksums set to "not computed" so that damage gets past
 * them. */
#include "tests/fuzz/weights_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy = malloc(size + 1);
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    for (size_t i = 0; i + 46 <= size; i++) {
        if (memcmp(copy + i, "PK\3\4", 4) == 0) memset(copy + i + 14, 0, 4);
        if (memcmp(copy + i, "PK\1\2", 4) == 0) memset(copy + i + 16, 0, 4);
    }
    fuzz_weights(copy, size);
    free(copy);
    return 0;
}
