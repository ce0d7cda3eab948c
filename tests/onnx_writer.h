/* onnx_writer.h: writes small ONNX files by hand, for what exporters do not write: wrong ones.
 *
 *     wire w = {0};                                     a message is a span of bytes; fields are appended
 *     wire_text(&w, 4, "Relu");  wire_int(&w, 3, 7);  wire_inside(&w, 1, &inner); */
#ifndef FL_ONNX_WRITER_H
#define FL_ONNX_WRITER_H

#include "tensor/error.h"
#include <stdint.h>
#include <string.h>

typedef struct wire { unsigned char bytes[6000]; size_t size; } wire;

static inline void wire_byte(wire *w, unsigned char b)
{
    fl_assert(w->size < sizeof w->bytes);
    w->bytes[w->size++] = b;
}

static inline void wire_varint(wire *w, uint64_t v)
{
    for (; v > 127; v >>= 7) wire_byte(w, (unsigned char)(v | 128));
    wire_byte(w, (unsigned char)v);
}

static inline void wire_int(wire *w, int field, int64_t v)
{
    wire_varint(w, (uint64_t)field << 3);
    wire_varint(w, (uint64_t)v);
}

static inline void wire_span(wire *w, int field, const void *bytes, size_t size)
{
    wire_varint(w, (uint64_t)field << 3 | 2);
    wire_varint(w, size);
    for (size_t i = 0; i < size; i++) wire_byte(w, ((const unsigned char *)bytes)[i]);
}

static inline void wire_text(wire *w, int field, const char *text) { wire_span(w, field, text, strlen(text)); }
static inline void wire_inside(wire *w, int field, const wire *inner)
{
    wire_span(w, field, inner->bytes, inner->size);
}

static inline void wire_float(wire *w, int field, float v)
{
    wire_varint(w, (uint64_t)field << 3 | 5);
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    for (int i = 0; i < 4; i++) wire_byte(w, (unsigned char)(bits >> 8 * i));
}

/* ---- of onnx.proto ---- */

/* A tensor: type 1 (float) with value i*0.1, or 7 (int64) with the given integers. */
static inline void onnx_tensor(wire *w, const char *name, int type, int rank, const int64_t *dim,
                               const int64_t *value)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++) {
        wire_int(w, 1, dim[i]);
        count *= dim[i];
    }
    wire_int(w, 2, type);
    wire_text(w, 8, name);
    for (int64_t i = 0; i < count; i++) {
        if (type == 1) wire_float(w, 4, (float)i * 0.1f);
        else wire_int(w, 7, value[i]);
    }
}

/* A float tensor of given values; rank 0: of one. */
static inline void onnx_reals(wire *w, const char *name, int rank, const int64_t *dim, const float *value)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++) {
        wire_int(w, 1, dim[i]);
        count *= dim[i];
    }
    wire_int(w, 2, 1);
    wire_text(w, 8, name);
    for (int64_t i = 0; i < count; i++) wire_float(w, 4, value[i]);
}

/* An attribute without a value, as proto3 writes zero: type 1 (float) or 2 (int). */
static inline void onnx_bare(wire *node, const char *name, int type)
{
    wire a = {.size = 0};
    wire_text(&a, 1, name);
    wire_int(&a, 20, type);
    wire_inside(node, 5, &a);
}

/* An attribute of a number, a text, or a list of count integers. */
static inline void onnx_number(wire *node, const char *name, int64_t v)
{
    wire a = {.size = 0};
    wire_text(&a, 1, name);
    wire_int(&a, 3, v);
    wire_int(&a, 20, 2);
    wire_inside(node, 5, &a);
}

static inline void onnx_text(wire *node, const char *name, const char *v)
{
    wire a = {.size = 0};
    wire_text(&a, 1, name);
    wire_text(&a, 4, v);
    wire_inside(node, 5, &a);
}

static inline void onnx_list(wire *node, const char *name, int count, const int64_t *v)
{
    wire a = {.size = 0};
    wire_text(&a, 1, name);
    for (int i = 0; i < count; i++) wire_int(&a, 8, v[i]);
    wire_inside(node, 5, &a);
}

/* A node without attributes: names of operands and results with spaces between. */
static inline void onnx_node(wire *node, const char *op, const char *in, const char *out)
{
    const char *const list[2] = {in, out};
    for (int k = 0; k < 2; k++)
        for (const char *at = list[k]; *at; at += strcspn(at, " "), at += *at == ' ')
            wire_span(node, k + 1, at, strcspn(at, " "));
    wire_text(node, 3, "the_node");
    wire_text(node, 4, op);
}

static inline void onnx_port(wire *graph, int field, const char *name, int type, int rank, const int64_t *dim)
{
    wire shape = {.size = 0}, tensor = {.size = 0}, kind = {.size = 0}, port = {.size = 0};
    for (int i = 0; i < rank; i++) {
        wire d = {.size = 0};
        if (dim[i] > 0) wire_int(&d, 1, dim[i]);
        else wire_text(&d, 2, "open");
        wire_inside(&shape, 1, &d);
    }
    wire_int(&tensor, 1, type);
    wire_inside(&tensor, 2, &shape);
    wire_inside(&kind, 1, &tensor);
    wire_text(&port, 1, name);
    wire_inside(&port, 2, &kind);
    wire_inside(graph, field, &port);
}

static inline void onnx_model(wire *model, const wire *graph, int opset)
{
    wire version = {.size = 0};
    wire_int(&version, 2, opset);
    wire_int(model, 1, 7);
    wire_inside(model, 8, &version);
    wire_inside(model, 7, graph);
}

#endif
