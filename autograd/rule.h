/* rule.h: how a signal crosses a node, as data. A rule set is a list of rows (which nodes -> which rule), the first that fits
 * wins, and what no row fits crosses as the gradient does. One executor (rules_walk.c) reads all of it; no op knows of it, and it
 * knows an op by its flags.
 *
 * The rule FL_RULE_SHARE is a list of terms. f is the op, R the signal that arrives, f' the op's transpose. For each group
 *
 *     z = sum of sign * f(x part, w part, b part)        s = R / (z + epsilon * sign(z)), sign(0) = 1; 0 where that is below 1e-30
 *     R_in += sum of coefficient * x part * f'(s, w part)
 *
 * over its terms. The part "1" of x multiplies nothing. Ops without a weight have w >= 0 where they are FL_POSITIVE. */
#ifndef FL_RULE_H
#define FL_RULE_H

#include <stdbool.h>

typedef enum fl_part {       /* of x, w or b, written v here; g is the rule's gamma */
    FL_NONE_OF,              /* 0 */
    FL_ALL_OF,               /* v */
    FL_POSITIVE_OF,          /* max(v, 0) */
    FL_NEGATIVE_OF,          /* min(v, 0) */
    FL_SIZE_OF,              /* |v| */
    FL_SQUARE_OF,            /* v^2 */
    FL_ONES,                 /* 1 */
    FL_LEAN_POSITIVE,        /* v + g max(v, 0) */
    FL_LEAN_NEGATIVE,        /* v + g min(v, 0) */
    FL_LOWEST, FL_HIGHEST,   /* of x only: the bounds of the plan, per channel */
    FL_PARTS
} fl_part;

typedef enum fl_when { FL_ALWAYS, FL_Y_POSITIVE, FL_Y_NEGATIVE } fl_when;     /* outputs whose R goes through a group */

typedef struct fl_term {
    fl_part x, w, b;
    int group;               /* 0 or 1; terms of a group stand together and have the same `when` */
    double sign, coefficient;
    fl_when when;
} fl_term;

typedef enum fl_rule_kind {
    FL_RULE_GRADIENT,             /* the op's vjp */
    FL_RULE_SHARE,                /* terms: ops that are FL_LINEAR */
    FL_RULE_PASS,                 /* R_in = R: operands of the result's shape */
    FL_RULE_BLOCK,                /* R_in = 0 */
    FL_RULE_GUIDED,               /* vjp of max(R, 0)                                   (Springenberg 2014) */
    FL_RULE_DECONVNET,            /* max(R, 0), whatever x was                         (Zeiler & Fergus 2013) */
    FL_RULE_CARRIER,              /* a gate: all of R to the operand that is no gate   (Arras 2017, LRP-all) */
    FL_RULE_RESCALE,              /* a map: R * dy / dx, d: difference to the reference (Shrikumar 2017) */
    FL_RULE_PRODUCT,              /* a gate: R * (mean of the others, here and at the reference) */
    FL_RULE_SWITCHES,             /* a maximum: dy is routed as here and as at the reference, and divided by dx */
    FL_RULE_REVEAL_CANCEL,        /* a weight in front of a map: both at once, parts of dx by sign (Shrikumar 2017) */
    FL_RULE_JOINT,                /* a sum of weighted sums: as if they were one: operands count as their rules' z */
    FL_RULE_CENTRED,              /* softmax and its logarithm: as a map of each score less the mean of all (Shrikumar 2017) */
    FL_RULE_BOUNDED,              /* a map: vjp of R where min(0, y0) <= y <= max(0, y0): no evidence that was not there (Wagner 2019) */
    FL_RULE_KINDS
} fl_rule_kind;

enum { FL_MAX_TERMS = 6, FL_MAX_GROUPS = 2 };

typedef struct fl_rule {
    const char *name;
    fl_rule_kind kind;
    double epsilon;          /* the stabiliser of shares */
    bool tuned;              /* epsilon is a method's parameter; else it belongs to the rule */
    double gamma;            /* of the parts that lean */
    bool spread;             /* share, one group: what bias and stabiliser would keep goes to all operands alike
                                (by their factors, where the op has no weight) */
    int n_terms;
    fl_term term[FL_MAX_TERMS];
} fl_rule;

typedef enum fl_place {      /* where in the network, seen along the way of the signal */
    FL_ANYWHERE,
    FL_AT_FIRST,                /* no weight between the node and the input */
    FL_AT_TOP,                  /* no weight between the node and the score */
    FL_BEFORE_MAP,           /* its one consumer is a map */
    FL_AFTER_WEIGHT,         /* its operand is a weighted node with no other consumer */
    FL_SUM_OF_WEIGHTS,       /* its operands are weighted nodes, moved about at most */
    FL_IN_SUM,               /* a weighted node; all that reads it, moved about at most, is such sums */
    FL_DENSE,                /* a linear layer, on its own or at every place (ops.h) */
    FL_PLACES
} fl_place;

typedef struct fl_rule_row { /* NOLINT(clang-analyzer-optin.performance.Padding): the order in which a row is read */
    unsigned flags;          /* all of these, of op.h */
    const char *op;          /* name of an op, or NULL */
    fl_place place;
    const char *node;        /* the node's name; * and ? stand for any text and any letter; or NULL */
    const fl_rule *rule;     /* NULL ends a list */
} fl_rule_row;

typedef enum fl_start {      /* what the signal is at the score */
    FL_START_GRADIENT,       /* the gradient of the score */
    FL_START_VALUE,          /* the score itself, at its class */
    FL_START_POSITIVE,       /* the score itself, 0 where it is negative */
    FL_START_ONE             /* 1, at its class */
} fl_start;

typedef struct fl_ruleset {
    const char *name, *paper, *doc;
    fl_start start;
    bool reference;          /* signals are multipliers of differences: rules read a second forward pass */
    bool fold;               /* norms are folded into the weights in front of them (fold.h) */
    const fl_rule_row *match;
} fl_ruleset;

/* Names by value, up to a NULL. */
extern const char *const fl_rule_kind_name[], *const fl_place_name[], *const fl_when_name[], *const fl_start_name[];
extern const char *const fl_flag_name[];             /* bit 0, bit 1, ... of op.h: those that rows may ask for */

#endif
