/* graph.h: a network is an array of nodes. A node's operands have smaller indices; forward walks up,
 * backward walks down, and nothing else ever decides an order.
 *
 *     fl_graph *g = fl_graph_new(&arena);            build with ops.h, or with layers/ and models/
 *     fl_graph_plan(g, &(fl_plan){...});             every buffer gets its place
 *     fl_graph_set(g, x, values);  fl_graph_forward(g);
 *     fl_graph_backward(g, root, seed);              signals of fl_plan.wrt are then in fl_graph_signal
 *
 * The arena (borrowed) owns everything, and its error takes every message. */
#ifndef FL_GRAPH_H
#define FL_GRAPH_H

#include "autograd/op.h"
#include "autograd/rule.h"
#include "tensor/bundle.h"

typedef enum fl_keep { FL_KEEP_OUTPUTS, FL_KEEP_FOR_BACKWARD, FL_KEEP_ALL } fl_keep;

typedef struct fl_plan {
    fl_keep keep;            /* forward only with buffers used again; what the vjps read; every value and signal */
    const fl_id *out;        /* values that the caller will read; they and their ancestors are computed */
    int n_out;
    fl_id root;              /* where backward starts; used when n_wrt > 0 */
    const fl_id *wrt;        /* nodes whose signal is wanted */
    int n_wrt;
    bool parts;              /* every node in a pass of its own, as with rules, exact sums, in training, where all is kept (fuse.h) */
    bool forecast;           /* count bytes only (fl_graph_bytes): the graph cannot run until it is planned again */
    const fl_ruleset *rules; /* how the signal goes down; NULL: as the gradient */
    const real *low, *high;  /* for rules with bounds: least and largest value of each channel; borrowed */
    int bounds;              /* channels */
} fl_plan;

typedef struct fl_ledger {   /* of one node: arrived - handed_on = absorbed, by biases and stabilisers */
    double arrived, handed_on;
    double due, size;        /* audited graphs: what the rule's forward terms say must be handed on, and what its rounding is a part
                              * of; due NAN where a rule promises no sum */
} fl_ledger;

typedef struct fl_watch {    /* sees every value and every complete signal while they are there: plans use memory again */
    void (*value)(fl_graph *, fl_id, void *user);          /* a forward has just computed node i; may be NULL */
    void (*signal)(fl_graph *, fl_id, void *user);         /* a backward is about to take node i's signal further down; may be NULL */
    void *user;
} fl_watch;

struct fl_graph {
    fl_arena *arena;         /* borrowed */
    fl_error *error;         /* arena->error */
    fl_node *node;
    int count, room;
    char scope[192];
    bool audit;                    /* ledgers say what is due as well: set before planning with rules; costs another forward */
    bool exact;              /* weighted sums in double, rounded once (tensor/conv.h), and with a way down what that takes off goes
                                on beside values (remainder.h): slower, the same bits on every machine; set before planning */
    bool on_demand;          /* large parameters have no values until somebody asks; what fills them must last (source.h);
                                set before building */
    bool batch_statistics;   /* norms take the moments of their input: set before building for training */
    /* the plan */
    bool *computed, *carries;      /* per node: forward runs it; backward carries a signal through it */
    int *arrivals, *arrived;       /* per node: how often its signal is added to; so far, during a backward */
    bool parts;                    /* nothing is fused */
    int *packs_from, n_packs;      /* nodes whose packing is their own (others share it) */
    void *packing_work;            /* scratch for that */
    fl_id *segment;                /* NULL, or per node at the top of a segment that is computed again (recompute.h): its first node */
    int *again;                    /* per node: not 0 where it is */
    int passing;                   /* weights that are packed whenever they are used, because memory is short */
    bool stale;                    /* a parameter changed since the last packing */
    unsigned version;              /* counts such changes */
    bool fresh, keeps_all;         /* a forward ran and no backward has used its values up; a backward never does */
    int threads;                   /* that the scratch is large enough for */
    const fl_watch *watch;         /* borrowed; NULL: nobody looks on */
    fl_id root;
    real *spill;                   /* one signal, for the second and later arrivals at a node */
    struct fl_rules *rules;        /* NULL: signals are gradients (rules.h) */
    size_t bytes_values, bytes_packed, bytes_scratch, bytes_params, bytes_rules;
};

fl_graph *fl_graph_new(fl_arena *borrowed);                    /* NULL when memory ran out */
static inline bool fl_graph_ok(const fl_graph *g) { return g && g->error->status == FL_OK; }

/* Names: everything built between enter and leave is called "scope.name". leave takes what enter returned. */
size_t fl_graph_enter(fl_graph *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void   fl_graph_leave(fl_graph *, size_t mark);

fl_id    fl_graph_borrow(fl_graph *, const fl_graph *from, fl_id leaf);    /* a leaf of another graph, with its name, shape and memory */
fl_id    fl_graph_find(const fl_graph *, const char *name);    /* FL_NONE when there is none */
fl_shape fl_graph_shape(const fl_graph *, fl_id);              /* 1,1,1,1,1 for FL_NONE, so that builders can go on */

/* Plans buffers: afterwards forward and backward cannot fail. May be called again with another plan (new memory: the
 * old plan's stays with the arena). Where the arena's limit is short, plans with rules compute values again (recompute.h), and
 * weights are packed when they are used, the largest first, same bits; FL_LIMIT says what would do. Scratch is for the threads of now:
 * call fl_threads_set before, not after. */
fl_status fl_graph_plan(fl_graph *, const fl_plan *);
size_t    fl_graph_bytes(const fl_graph *);        /* parameters, packed weights, values, signals, scratch */

/* Values, channels last. set copies; the pointer of value is valid until the next forward (or for good, for inputs,
 * parameters, fl_plan.out and the root). Call touch after writing through the pointer of a parameter. */
void  fl_graph_set(fl_graph *, fl_id, const real *);
real *fl_graph_value(const fl_graph *, fl_id);                 /* of parameters too: the first call may have to make them */
real *fl_graph_signal(const fl_graph *, fl_id);
void  fl_graph_touch(fl_graph *);

void fl_graph_forward(fl_graph *);
void fl_graph_pack(fl_graph *);                                /* weights that have changed; forward does it first */
/* After a forward under FL_KEEP_ALL: computes again what depends on node `from`, whose value the caller has changed, and nothing else.
 * changed: count entries, filled in: which nodes those are. */
void fl_graph_forward_above(fl_graph *, fl_id from, bool *changed);
/* seed: the signal at the root, its shape. Gives d(sum seed*root)/d(wrt) in the signals of wrt. Signals lie where
 * values were that nobody reads any more: a second backward needs a forward before it, except with FL_KEEP_ALL. */
void fl_graph_backward(fl_graph *, const real *seed);

/* A walk down in two parts, for sums over many passes: below a network's first weights it is linear, so the sum of the signals that
 * come there goes down once. linear_end: the last node at or above `from`, the plan's only wrt, below which a gradient's way down is
 * convolutions, norms, paddings and shifts alone, which keep samples apart; `from` itself where there is none, or where signals are
 * not plain gradients in a plan of their own (rules, exact sums, all kept, somebody who looks on).
 * backward_to: as fl_graph_backward, until the signal of `last` is complete. backward_from: from there on, with what the caller
 * has left in its signal; no forward between the two. */
fl_id fl_graph_linear_end(const fl_graph *, fl_id from);
void  fl_graph_backward_to(fl_graph *, const real *seed, fl_id last);
void  fl_graph_backward_from(fl_graph *, fl_id first);

/* For rule sets with a reference: the values of the forward just run become the reference; run the clip's own next. */
void fl_graph_remember(fl_graph *);
/* With rules: what came to node i and what went on from it in the last backward, summed. The absorbed parts of all nodes and
 * the signals of the leaves make up the seed. */
fl_ledger fl_graph_ledger(const fl_graph *, fl_id i);
double fl_graph_absorbed(const fl_graph *);                    /* by all nodes */
const fl_rule *fl_graph_rule(const fl_graph *, fl_id i);       /* of the plan; NULL: the gradient */

/* Whether an entry can be a parameter of this shape: axes of length 1 do not count, and a matrix O x I may stand for a kernel
 * O,I/..,KT,KH,KW of as many values (a linear layer that is a convolution here), or the reverse. */
typedef enum fl_fit_of_entry { FL_ENTRY_MISFIT, FL_ENTRY_FITS, FL_ENTRY_RESHAPED } fl_fit_of_entry;
fl_fit_of_entry fl_entry_fit(const fl_entry *, fl_shape);

/* Parameters and buffers from a bundle, by name. FL_MISFIT names the first that is missing or of another shape. Of a graph with
 * on_demand the bundle, and what it reads from, must live as long as the graph. */
fl_status fl_graph_load(fl_graph *, const fl_bundle *);
fl_status fl_graph_load_found(fl_graph *, const fl_bundle *);  /* what is missing keeps its values */
fl_status fl_graph_store(const fl_graph *, fl_bundle *);       /* copies into the bundle's arena, in file order */
/* The same for those whose names begin so: a network that learns beside one that stays as it is. */
fl_status fl_graph_load_part(fl_graph *, const char *begin, const fl_bundle *);
fl_status fl_graph_store_part(const fl_graph *, const char *begin, fl_bundle *);

/* trace.c: the tape as text, one node a line: index, op, name, shape, plan, bytes, operands. Into the arena;
 * NULL without memory. */
char *fl_graph_print(const fl_graph *, fl_arena *);
/* One node's line, for messages. */
const char *fl_node_describe(const fl_graph *, fl_id, char *to, size_t size);

#endif
