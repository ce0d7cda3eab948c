/* fuzz_clip.c: any bytes as a clip in memory: Y4M, PNM, PNG, npy, raw. The last byte picks the options. */
#include "io/clip.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const layouts[] = {NULL, "thwc", "tchw", "cthw"};
    fl_error err = {0};
    fl_arena a;
    fl_clip clip;
    fl_clip_options o = {0};
    if (size) {
        unsigned pick = data[--size];
        o.matrix = pick & 1 ? "bt709" : NULL;
        o.layout = layouts[pick >> 1 & 3];
        if (pick & 128) o.raw_width = (int)(pick >> 3 & 7) + 1, o.raw_height = (int)(pick >> 6 & 1) + 1;
    }
    fl_arena_init(&a, &err);
    a.limit = (size_t)256 << 20;
    fl_status status = fl_clip_decode(&a, (fl_bytes){data, size}, "fuzz", &o, &clip);
    if (status != err.status) abort();
    if (status == FL_OK) {
        size_t bytes = (size_t)clip.frames * (size_t)clip.height * (size_t)clip.width * 3;
        volatile unsigned char last = clip.rgb[bytes - 1];       /* is it all there? */
        (void)last;
    }
    fl_arena_free(&a);
    return 0;
}
