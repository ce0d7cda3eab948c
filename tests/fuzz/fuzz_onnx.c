/* fuzz_onnx.c: any bytes through the ONNX reader, and what it accepts through the builder, with open lengths given.
 *
 * Start from the small networks: build/fuzz/fuzz_onnx CORPUS tests/golden/onnx */
#include "io/onnx/onnx.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a, work;
    fl_onnx *onnx;
    fl_arena_init(&a, &err);
    fl_arena_init(&work, &err);
    a.limit = work.limit = (size_t)64 << 20;
    uint8_t *copy = fl_arena_array(&a, size + 1, 1);
    if (!copy) abort();
    if (size) memcpy(copy, data, size);
    const fl_status status = fl_onnx_of_bytes(&a, (fl_bytes){copy, size}, "fuzz", &onnx);
    if (status != err.status || (status == FL_OK) != (onnx != NULL)) abort();
    fl_graph *g = onnx ? fl_graph_new(&work) : NULL;
    if (g) {
        const fl_card_input *in = &onnx->model.input;
        const fl_model_options o = {.frames = in->frames ? in->frames : 4, .height = in->height ? in->height : 8,
                                    .width = in->width ? in->width : 8};
        const fl_network net = fl_model_build(g, &onnx->model, &o);
        if ((err.status == FL_OK) != (net.output != FL_NONE)) abort();
        if (err.status == FL_OK && fl_shape_count(fl_graph_shape(g, net.output)) != fl_graph_shape(g, net.output).c)
            abort();
    }
    fl_arena_free(&work);
    fl_arena_free(&a);
    return 0;
}
