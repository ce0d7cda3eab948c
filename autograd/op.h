/* op.h: what an op is. One op is one file under ops/: what it computes, its shape rule, its forward, its
 * transpose (vjp) under it, and a small awkward example of itself.
 *
 * forward and vjp take their operands as arguments and keep no state, so a rule may call them with
 * substituted operands (x+, w+, w*w, 1, a reference input), and every rule works on every op.
 *
 * The alphabet of all op files:   x input   w weight   b bias   y output
 *                                 gx gw gb gy  what the backward pass carries
 *                                 n c t h w  indices (w: width where no weight is in sight)
 *                                 o output channel   kt kh kw kernel
 * in[k] is operand k, in_shape[k] its shape; arrays are channels last (tensor.h). */
#ifndef FL_OP_H
#define FL_OP_H

#include "tensor/blur.h"
#include "tensor/conv.h"
#include "tensor/finish.h"
#include "tensor/resample.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"

typedef int fl_id;                       /* index of a node in its graph; FL_NONE where there is none */
enum { FL_NONE = -1, FL_SPARED = 8 };     /* weighted ops, which ask what is spared, have three operands */

typedef struct fl_graph fl_graph;
typedef struct fl_node fl_node;

enum {                                   /* flags: all that rules and the planner know of an op */
    FL_LINEAR    = 1 << 0,               /* linear in operand 0 (affine when it has a bias) */
    FL_WEIGHTED  = 1 << 1,               /* operands x, w and perhaps b; linear in each of them */
    FL_MAP       = 1 << 2,               /* element by element, one operand; has deriv */
    FL_GATE      = 1 << 3,               /* a product of operands */
    FL_ROUTE     = 1 << 4,               /* every output element is one input element, or zero */
    FL_ALL       = 1 << 5,               /* not element by element and not linear: softmax, norms over channels */
    FL_READS_IN  = 1 << 6,               /* vjp with respect to operand 0 reads operand values (weights aside) */
    FL_READS_OUT = 1 << 7,               /* vjp reads y */
    FL_STOP      = 1 << 8,               /* no signal passes: the backward walk ends here */
    FL_POSITIVE  = 1 << 9,               /* linear in all operands, with factors that are never negative: sums, means, moves */
    FL_FRACTION  = 1 << 10               /* values of 0 to 1: what opens and closes gates */
};

typedef enum fl_op_kind {
#define FL_OP(name) FL_OP_##name,
#include "autograd/ops.def"
#undef FL_OP
    FL_OPS
} fl_op_kind;

typedef struct fl_op {
    const char *name, *doc, *file;
    fl_op_kind kind;
    unsigned flags;
    int arity;                           /* operands at least; concat and add take more, conv may take a bias */
    /* vjp writes all of gx, the signal of operand k. pass: 0 for forward, 1 for vjp. */
    fl_shape (*infer)  (fl_graph *, const fl_node *);                     /* axes of 0 after fl_graph_fail */
    void     (*forward)(const fl_node *, const real *const in[], real *y);
    void     (*vjp)    (const fl_node *, int k, const real *const in[], const real *y, const real *gy, real *gx);
    void     (*vjp_add)(const fl_node *, const real *gy, real *gx);       /* gx of operand 0 += gy where it came from; or NULL */
    /* Of the exact numbers in + rest (remainder.h; rest[k] NULL: 0) y, rounded, what rounding took off, and notes as below, if not NULL;
     * or NULL. */
    void     (*forward_rest)(const fl_node *, const real *const in[], const real *const rest[], real *y, real *y_rest, uint8_t *notes);
    real     (*deriv)  (const fl_node *, real x, real y);                 /* FL_MAP: dy/dx */
    fl_id    (*example)(fl_graph *, fl_rng *, int which);      /* which = 0, 1, ...; FL_NONE after the last */
    size_t   (*scratch)(const fl_node *);                      /* bytes of node->work for forward and for vjps not spared, or NULL */
    int64_t  (*packed) (const fl_node *, int pass);            /* reals of operand 1 for pass 0, 1, or NULL */
    /* Places first .. first+count-1 on axis N of operand 1, from w on, packed: in pieces of whole units, each on its own. */
    void     (*pack)   (const fl_node *, int pass, int first, int count, const real *w, real *packed);
    int      (*unit)   (const fl_node *, int pass);
    bool     (*turns)  (const fl_node *);                      /* pass 1 can read what is packed for pass 0 */
    /* Pass 0: y from x, pass 1: gx from gy, through the node's own weight and bias if it has any, finished (tensor/finish.h); or NULL. */
    void     (*finished)(const fl_node *, int pass, const real *from, const fl_finish *, real *to);
    /* For vjps that need no values: bytes that forward can leave for them instead (0: it cannot), from the beginning of a cache line on,
     * one forward that does, and the vjp of operand 0 that reads them. The same values. */
    int64_t  (*notes)  (const fl_node *);
    void     (*note)   (const fl_node *, const real *const in[], real *y, uint8_t *notes);
    void     (*vjp_by_notes)(const fl_node *, const uint8_t *notes, const real *gy, real *gx);
} fl_op;

typedef union fl_attr {                  /* what an op needs to know besides its operands; each op uses one member */
    struct { fl_window win; int groups; bool dense; } conv;       /* dense: a linear layer at every place */
    struct { fl_window win; bool ceil, count_pad; } pool;
    struct { double eps; } norm;
    struct { int axis, begin, end; } slice;                       /* also concat: axis */
    struct { int order[5]; } permute;                             /* output axis i is input axis order[i] */
    struct { fl_shape to; } reshape;                              /* in file order */
    struct { fl_shape to; fl_resize_mode mode; bool align; } resize;
    fl_blur blur;
    struct { int fold; } shift;                                   /* channels per direction */
    struct { int size; double alpha, beta, k; } lrn;
    struct { double slope; } leak;
    struct { double low, high; } clip;
    struct { double exponent; } power;
    struct { int low[5], high[5]; } pad;                          /* zeros before and after each axis of N,C,T,H,W */
    struct { unsigned axes; } reduce;                             /* bit i: axis i of N,C,T,H,W is summed */
    struct { int c, t, h, w; } pick;
    struct { int step, margin; double sigma, cold; } smoothmax;
    struct { uint64_t seed; bool frames, parted; } vecnorm;
    struct { int levels; } pyramid;
    struct { double beta, weight[3]; } variation;                 /* along t, h, w */
    struct { double above; } reverse;
} fl_attr;

typedef enum fl_role { FL_COMPUTED, FL_INPUT, FL_PARAM, FL_BUFFER } fl_role;   /* BUFFER: set, not trained */

typedef struct fl_variant {              /* a weight of which a rule takes a part: packed once per plan */
    int part;                            /* fl_part of rule.h */
    double gamma;
    real *packed[2];                     /* packed[0] is also the pointer that stands for it among operands */
    bool own, moving;                    /* not another node's; packed before each use: the weight is computed */
} fl_variant;

struct fl_node {
    const fl_op *op;
    const char *name;                    /* unique, dotted; the graph's */
    fl_shape shape;
    fl_attr attr;
    fl_role role;
    int n_in;
    const fl_id *in;                     /* all smaller than this node's own index */
    const fl_shape *in_shape;
    /* filled by the planner */
    real *value, *signal;                /* the graph's; NULL where nothing is kept */
    real *room;                          /* where the values of a parameter will be, when somebody asks for them (source.h) */
    struct fl_source *source;            /* whence; NULL: they have always been there */
    real *reference;                     /* the value that fl_graph_remember kept, for rules that read it; else NULL */
    const real **operand;                /* n_in pointers, the operands' values */
    real *packed[2];                     /* operand 1 packed for forward and for vjp, or NULL */
    const fl_node *part_of;              /* a box of that node alone is computed (cone.h): convolutions take its algorithm; else NULL */
    uint8_t *notes;                      /* what forward leaves for the vjp in place of values, where noted */
    fl_id into;                          /* the weighted node whose pass makes this one's value or does without it; FL_NONE */
    fl_id head, beside;                  /* of that one: whose value it writes, and what it adds; FL_NONE */
    bool noted;                          /* forward leaves notes, and the vjp reads those instead of values (fuse.h) */
    bool early;                          /* of a ReLU: whoever writes its signal applies its gate as well, and its own vjp is skipped */
    bool shut;                           /* of a maximum over such a ReLU: its notes say nobody where it is 0, which closes that gate */
    bool direct;                         /* convolutions sum in the documented order (plan.c: where) */
    bool exact;                          /* ... in double (tensor/conv.h) */
    bool has_rest;                       /* and what rounding took off its value is there, while it is read (remainder.h) */
    real *rest;
    const real **operand_rest;           /* n_in pointers, NULL where an operand has none */
    unsigned spared;                     /* bits of the first FL_SPARED operands: the plan sends no signal to them */
    bool turned;                         /* pass 1 reads what is packed for pass 0 */
    bool settled;                        /* operand 1 is used packed, and nothing is put in its place */
    const fl_graph *passing;             /* ... and packed whenever it is used, into scratch: the graph that it comes from; else NULL */
    struct fl_variant *variant;          /* what rules put in place of operand 1 */
    int n_variants;
    void *work;                          /* scratch, shared with others */
    const void *aside;                   /* what a check put aside for this node (hold.h, fault.h); NULL otherwise */
};

#define FL_OP(name) extern const fl_op fl_op_##name;
#include "autograd/ops.def"
#undef FL_OP
extern const fl_op *const fl_op_table[FL_OPS];

/* For op files. */
fl_id fl_graph_add(fl_graph *, const fl_op *, const char *name, const fl_attr *, int n_in, const fl_id *in);
fl_id fl_graph_add_leaf(fl_graph *, const fl_op *, const char *name, fl_shape, fl_role);      /* zeros, until somebody sets it */
fl_shape fl_graph_fail(fl_graph *, const fl_node *, const char *format, ...) __attribute__((format(printf, 3, 4)));
fl_id fl_example_operand(fl_graph *, fl_rng *, const char *name, fl_shape);     /* normal values, a parameter */
/* A copy for one vjp, spared or not, with scratch of its own, the arena's. False: memory. */
bool fl_node_for_vjp(const fl_node *, int k, fl_arena *, fl_node *copy);
static inline bool fl_spared(const fl_node *node, int k) { return k < FL_SPARED && (node->spared >> k & 1); }
/* pack.c. The graph's packing of w, or one made now, in scratch. */
const real *fl_packed_weight(const fl_node *, int pass, const real *w, void *scratch);
size_t fl_packing_scratch(const fl_node *, bool values);      /* bytes that packing takes of it; values: the weight has some */
size_t fl_passing_room(const fl_node *);                      /* bytes of a packing in scratch, and what making it takes */

#endif
