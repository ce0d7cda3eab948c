/* fuzz_boxes.c: any bytes as boxes or masks of a clip: an error with a message, or a mask whose boxes lie in the frames. */
#include "io/cli/boxes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAMES = 6, HEIGHT = 10, WIDTH = 12 };

/* Every third frame of a clip of 18 frames of 40 x 30, resized and cut at the sides. */
static const int taken[FRAMES] = {0, 3, 6, 9, 12, 15};
static const fl_input input = {
    .shape = {1, 3, FRAMES, HEIGHT, WIDTH}, .title = "P01_02_12-turn-tap", .frames = 18, .height = 30, .width = 40, .frame = taken,
    .fitting = {HEIGHT, WIDTH, 10, 14, 0, 1, 10 / 30.0, 14 / 40.0}};

static void look(const fl_boxes *b, const bool *known)
{
    int frames = 0, marked = 0;
    for (int t = 0; t < FRAMES; t++) {
        const fl_box x = b->box[t];
        if (x.x0 < 0 || x.y0 < 0 || x.x1 > WIDTH || x.y1 > HEIGHT || x.x1 < x.x0 || x.y1 < x.y0) abort();
        frames += x.x1 > x.x0;
        for (int i = 0; i < HEIGHT * WIDTH; i++) marked += b->truth.mask[t * HEIGHT * WIDTH + i] > 1;
        if (known && !known[t] && x.x1 > x.x0) abort();
    }
    if (frames != b->frames || marked) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char mask[FRAMES * HEIGHT * WIDTH];
    fl_error err = {0};
    fl_arena a;
    fl_cli cli = {.arena = &a, .error = &err};
    fl_boxes boxes = {.label = NULL};
    fl_box_reader r = {.cli = &cli, .path = "no such file", .input = &input, .boxes = &boxes, .mask = mask};
    memset(mask, 0, sizeof mask);
    fl_arena_init(&a, &err);
    a.limit = (size_t)64 << 20;
    const fl_status status = fl_boxes_parse(&r, (fl_bytes){data, size});
    if (status != err.status || (status != FL_OK && !err.message[0])) abort();
    if (status == FL_OK && fl_boxes_of_mask(&a, input.shape, mask, &boxes) == FL_OK) look(&boxes, r.known);
    fl_arena_free(&a);
    return 0;
}
