/* program.h: an ONNX file as it stands in memory: nodes in their order, constants, inputs and outputs.
 *
 * Values are numbered; names are kept for messages and for the parameters of the graph. Nothing is interpreted here:
 * what a node means is import.h's. Everything lives in the arena, large constants in the file's bytes. */
#ifndef FL_ONNX_PROGRAM_H
#define FL_ONNX_PROGRAM_H

#include "io/file.h"
#include "io/scalar.h"

enum { FL_ONNX_RANK = 8, FL_ONNX_MOST_NODES = 1 << 16, FL_ONNX_OLDEST = 7, FL_ONNX_NEWEST = 22 };

typedef struct fl_onnx_tensor {          /* a constant as the file has it */
    const char *name;
    fl_scalar type;
    int rank;
    int64_t dim[FL_ONNX_RANK], count;
    const unsigned char *values;         /* count packed numbers of that type, low byte first, at any alignment */
} fl_onnx_tensor;

typedef struct fl_onnx_attribute {
    const char *name;
    bool has_f, has_i, has_graph;
    double f;
    int64_t i;
    const char *s;                       /* or NULL */
    const fl_onnx_tensor *t;             /* or NULL */
    const int64_t *ints;
    const double *floats;
    const char *const *strings;
    int n_ints, n_floats, n_strings;
} fl_onnx_attribute;

typedef struct fl_onnx_node {
    const char *name, *op, *domain;      /* "" where the file has none */
    const int *in, *out;                 /* numbers of values; -1 where an optional one is left out */
    int n_in, n_out;
    const fl_onnx_attribute *attribute;
    int n_attributes;
} fl_onnx_node;

typedef struct fl_onnx_port {            /* an input or output of the graph */
    int value, rank;                     /* rank -1: not said */
    fl_scalar type;                      /* FL_SCALAR_NONE: not said, or no tensor of numbers */
    int64_t dim[FL_ONNX_RANK];           /* -1: open, a name or nothing */
} fl_onnx_port;

typedef struct fl_onnx_program {
    int opset;                           /* of the standard operators */
    const char *producer;
    const fl_onnx_node *node;
    const fl_onnx_tensor *tensor;        /* initializers */
    const int *tensor_value;             /* their values */
    const fl_onnx_port *input, *output;  /* inputs that are no initializers */
    int n_nodes, n_tensors, n_inputs, n_outputs;
    const char *const *name;             /* of every value */
    int values;
} fl_onnx_program;

/* Reads a whole file in memory, which must outlive the program. FL_UNREADABLE: damaged, values in another file, an
 * opset that is not known, a value that is made twice. */
fl_status fl_onnx_parse(fl_arena *, fl_bytes, const char *file, fl_onnx_program *);

/* tensor.c, for parse.c: one TensorProto. */
struct fl_proto;                         /* io/protobuf.h */
bool fl_onnx_parse_tensor(fl_arena *, struct fl_proto message, fl_onnx_tensor *);
fl_scalar fl_onnx_type(int64_t data_type);       /* FL_SCALAR_NONE: texts, complex numbers, packed ones */

/* Value i of a constant as a whole number (fractions cut off), and all values as numbers. */
int64_t fl_onnx_integer(const fl_onnx_tensor *, int64_t i);
void    fl_onnx_reals(const fl_onnx_tensor *, double *to);

#endif
