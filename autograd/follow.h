/* follow.h: one element of an input, followed up the tape to the score, and the score's signal, followed down to it.
 *
 * Up goes a tangent: how much every value changes per unit of change at the element (forward-mode differentiation, with the
 * switches as they stand). Down comes the signal. At every element j the product  signal_j * tangent_j  is the part of the
 * element's own gradient that passes through j; over any set of nodes that cuts all ways it sums to the whole.
 *
 * The way is the strongest one: from the score down, at every node to the operand's element that gets most of the signal times
 * what it changes by (with rules, where signals are shares and not slopes: that gets most, among those that are reached). */
#ifndef FL_FOLLOW_H
#define FL_FOLLOW_H

#include "autograd/graph.h"

enum { FL_MOST_SUMMANDS = 5 };

typedef struct fl_summand { int operand; int64_t at; double x, slope; } fl_summand;       /* slope: d y / d x */

typedef struct fl_step {                 /* an element of the way */
    fl_id node;
    int64_t at;                          /* as it lies in memory */
    double value, signal, tangent;       /* signal: all that arrives there */
    int operand;                         /* by which the way goes on; -1: it ends here */
    double slope;                        /* d y / d x along it */
    double handed_on;                    /* what this element's signal gives to the next one */
    fl_summand top[FL_MOST_SUMMANDS];    /* largest |x * slope| first; the way's own is among them */
    int tops;
    int64_t others;                      /* other summands that are not 0, and their sum */
    double rest, offset;                 /* y = summands + rest + offset (a bias) where the op is linear */
} fl_step;

typedef struct fl_met {                  /* a node of the tape */
    bool on_tape;                        /* the signal passes, on its way from the score to the input */
    int64_t reached;                     /* elements that the input element changes */
    int low[3], high[3];                 /* t,h,w: the box around them; low > high: none */
    double most;                         /* largest |tangent| */
    double signal, through;              /* sum of its signal; sum of signal * tangent */
    fl_ledger ledger;                    /* with rules; NAN without */
} fl_met;

typedef struct fl_trail {
    fl_step *step;                       /* from the score down to the element, which is the last unless the way ends before */
    int steps;
    fl_met *met;                         /* per node */
    double through;                      /* sum of seed * tangent: the element's gradient, by the way up alone */
} fl_trail;

/* The graph has run forward and backward in a plan with FL_KEEP_ALL. element: of the input, as it lies in memory. Values and
 * signals stay as they are; ledgers of the graph do not. The trail is the arena's, which also gives scratch. */
fl_status fl_follow(fl_graph *, fl_id input, int64_t element, fl_arena *, fl_trail *);

#endif
