/* fuzz_inflate.c: any bytes as a deflate stream, into rooms of different sizes; nothing may be written beyond the
 * room. */
#include "io/inflate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char out[(1 << 16) + 1];
    size_t room = size ? (size_t)1 << data[0] % 17 : 0;
    out[room] = 0x5a;
    fl_inflated r = fl_inflate(data + (size > 0), size - (size > 0), out, room);
    if (r.made > room || r.used > size || out[room] != 0x5a) abort();
    r = fl_inflate_zlib(data + (size > 0), size - (size > 0), out, room);
    if (r.made > room || r.used > size || out[room] != 0x5a) abort();
    return 0;
}
