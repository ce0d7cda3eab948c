/* import.h: what the files that turn ONNX nodes into graph nodes share.
 *
 * A value of the program is a constant, or the result of a graph node. An array of the graph has the five axes
 * N,C,T,H,W; an ONNX tensor has any number without names. Each axis of a value therefore has a *seat*, the graph axis
 * on which it lies, or none when its length is 1; graph axes that are no axis's seat have length 1. Most nodes leave
 * the seats alone. A node that wants its axes elsewhere (channels on C, places on T,H,W) says so, and a permute comes
 * in between where they are not there yet; so [T,3,H,W], [1,T,3,H,W] and [1,3,T,H,W] are the same array here. */
#ifndef FL_ONNX_IMPORT_H
#define FL_ONNX_IMPORT_H

#include "autograd/graph.h"
#include "autograd/ops.h"
#include "io/onnx/program.h"

enum { FL_SEAT_NONE = -1, FL_SEAT_ANY = -2 };
enum { FL_ONNX_MOST_VALUES = 1 << 24, FL_ONNX_MOST_FOLDED = 1 << 26, FL_ONNX_MOST_GRAPH_NODES = 50000 };

typedef enum fl_onnx_kind { FL_ONNX_ABSENT, FL_ONNX_CONSTANT, FL_ONNX_DYNAMIC } fl_onnx_kind;

typedef struct fl_onnx_value {
    fl_onnx_kind kind;
    const char *name;
    int rank;
    int64_t dim[FL_ONNX_RANK];
    /* dynamic */
    fl_id node;
    int seat[FL_ONNX_RANK];
    /* constant: in the file, or computed; lists are filled when they are asked for */
    const fl_onnx_tensor *stored;
    bool whole;                              /* integers or truth values */
    const int64_t *integers;
    const double *reals;
} fl_onnx_value;

typedef struct fl_onnx_parameter {           /* a constant that has become a node */
    const fl_onnx_value *of;
    const char *how;                         /* what was done to its values; "": nothing */
    int seat[FL_ONNX_RANK];                  /* of its axes, where they do not ascend */
    fl_id node;
} fl_onnx_parameter;

typedef struct fl_onnx_taken {               /* the name of a node, and the number behind it that may be free */
    const char *name;
    int next;
} fl_onnx_taken;

typedef struct fl_onnx_import {
    const fl_onnx_program *program;
    fl_graph *g;
    fl_arena *arena;                         /* scratch; its error is the graph's */
    fl_onnx_value *value;                    /* by number */
    const fl_onnx_node *node;                /* the one being imported */
    const char *label;                       /* its name in the graph */
    fl_onnx_parameter *parameter;
    int parameters, parameter_room;
    fl_onnx_taken *taken;                    /* a table (names.c) */
    int64_t taken_room;
    int names_seen;                          /* so many nodes of the graph are in it */
    int64_t folded, most_folded;             /* values worked out so far (fold.h), and how many there may be */
} fl_onnx_import;

/* ---- names.c ---- */

/* The label of the node with ".part" behind it (NULL: the label), such as no node has yet. */
const char *fl_onnx_name(fl_onnx_import *, const char *part);
const char *fl_onnx_clean_name(fl_onnx_import *, const char *name);      /* of any text */

/* ---- values.c: messages, operands, attributes, results ---- */

/* Sets the error: node, op, opset, and the text. Returns false. */
bool fl_onnx_fail(fl_onnx_import *, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool fl_onnx_ok(const fl_onnx_import *);

bool fl_onnx_given(const fl_onnx_import *, int k);                       /* operand k is there */
const fl_onnx_value *fl_onnx_operand (fl_onnx_import *, int k);          /* any kind; NULL with the error set */
const fl_onnx_value *fl_onnx_constant(fl_onnx_import *, int k, const char *what);

const fl_onnx_attribute *fl_onnx_attribute_of(const fl_onnx_import *, const char *name);     /* NULL: not there */
int64_t     fl_onnx_int (const fl_onnx_import *, const char *name, int64_t preset);
double      fl_onnx_real(const fl_onnx_import *, const char *name, double preset);
const char *fl_onnx_text(const fl_onnx_import *, const char *name, const char *preset);
bool        fl_onnx_is  (const fl_onnx_import *, const char *name, const char *preset, const char *wanted);

/* A short list of whole numbers from the attribute, or from constant operand k (newer opsets; -1: never). Returns
 * their number; -1: neither is there; -2: the error is set. */
int fl_onnx_list(fl_onnx_import *, const char *name, int k, int most, int64_t *to);
/* The one number of attribute or operand; preset where neither is there. */
double fl_onnx_number(fl_onnx_import *, const char *name, int k, double preset);

/* axis (may count from the end) as 0 .. rank-1. */
bool fl_onnx_axis(fl_onnx_import *, int64_t axis, int rank, int *to);
/* The axes of a reduction, squeeze ... as bits; every axis of rank where no list is given. */
bool fl_onnx_axes(fl_onnx_import *, int k, int rank, unsigned *bits);
/* A reduction without axes, or with an empty list of them, that says (noop_with_empty_axes) to leave its operand as it is. */
bool fl_onnx_reduces_nothing(fl_onnx_import *, int k);

/* begin:end:step of Python on an axis, cut to what is there: how many places, and the first one. */
int64_t fl_onnx_range(int64_t begin, int64_t end, int64_t step, int64_t length, int64_t *first);

int64_t fl_onnx_count(const fl_onnx_value *);
bool fl_onnx_is_whole(fl_scalar);            /* integers and truth values */
const double  *fl_onnx_as_reals   (fl_onnx_import *, const fl_onnx_value *);       /* of a constant; NULL: memory */
const int64_t *fl_onnx_as_integers(fl_onnx_import *, const fl_onnx_value *);

/* Output k of the node. set: a constant, or the same value under another shape. The last takes the lengths from the
 * graph: axis i lies on seat[i]; axes of the graph without one must be 1 long. */
bool fl_onnx_wanted(const fl_onnx_import *, int k);                      /* output k has a name */
void fl_onnx_set(fl_onnx_import *, int k, fl_onnx_value);
void fl_onnx_result(fl_onnx_import *, int k, fl_id, int rank, const int *seat);

/* ---- seats.c ---- */

/* Completes want: FL_SEAT_ANY becomes the present seat of the axis, or a free one. Axes of length 1 get a seat only
 * when their bit is in needed, else none. False with the error set: more axes than seats. */
bool fl_onnx_seats(fl_onnx_import *, const fl_onnx_value *, int *want, unsigned needed);
/* The node of x with its axes on those seats: its own, or a permute of it. */
fl_id fl_onnx_arrange(fl_onnx_import *, const fl_onnx_value *, const int *want);
/* x under another shape with the same number of elements: new names for the same seats, or a reshape. */
bool fl_onnx_reshaped(fl_onnx_import *, const fl_onnx_value *x, int rank, const int64_t *dim, fl_onnx_value *y);
/* Seats for two operands that are broadcast: rank of the result, want for each of its axes. */
bool fl_onnx_meet(fl_onnx_import *, const fl_onnx_value *a, const fl_onnx_value *b, int *rank, int *want);
fl_id fl_onnx_arrange_right(fl_onnx_import *, const fl_onnx_value *, int rank, const int *want);  /* right-aligned */
/* Operand k as a node: a constant becomes a buffer. NULL with the error set. */
const fl_onnx_value *fl_onnx_data(fl_onnx_import *, int k);

/* ---- parameters.c ---- */

/* The values of a constant as real, in file order: in place where they fit, else in scratch. NULL: memory. */
const real *fl_onnx_weights(fl_onnx_import *, const fl_onnx_value *);

/* A parameter or buffer named after the constant. seat: where its axes lie; NULL: in the order of the file. how: what was done to the
 * values, "" for nothing; the same constant, seats, how and shape give the same node. *fresh: it is new, and its values are for the
 * caller to set. */
fl_id fl_onnx_parameter_node(fl_onnx_import *, const fl_onnx_value *, const int *seat, const char *how, fl_shape, fl_role,
                             bool *fresh);
fl_id fl_onnx_plain (fl_onnx_import *, const fl_onnx_value *, fl_shape, fl_role);     /* as they are, in file order */
fl_id fl_onnx_vector(fl_onnx_import *, const fl_onnx_value *, int channels, fl_role); /* 1,C; one value: repeated */
fl_id fl_onnx_seated(fl_onnx_import *, const fl_onnx_value *, const int *seat, const char *how, double factor);
fl_id fl_onnx_scalar(fl_onnx_import *, const char *part, double value);               /* a buffer of one value */

/* ---- fold.c: nodes that can be worked out now. False: not one of those. ---- */
bool fl_onnx_fold(fl_onnx_import *);

/* ---- ops_*.c ---- */

typedef struct fl_onnx_op { const char *name; void (*import)(fl_onnx_import *); } fl_onnx_op;
extern const fl_onnx_op fl_onnx_window_ops[], fl_onnx_map_ops[], fl_onnx_move_ops[], fl_onnx_reduce_ops[],
    fl_onnx_product_ops[], fl_onnx_recurrent_ops[];      /* each ends with a row without a name */

#endif
