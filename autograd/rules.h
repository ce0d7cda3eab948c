/* rules.h: the executor of rules (rule.h), as the planner and the walk see it. */
#ifndef FL_RULES_H
#define FL_RULES_H

#include "autograd/graph.h"

typedef struct fl_rule_at { real *s[FL_MAX_GROUPS], *kept; } fl_rule_at;     /* what fl_rules_enter left for the operands */

typedef struct fl_want { real **to; int64_t count; } fl_want;                /* memory that is to come */

typedef struct fl_rules {                /* of one plan */
    const fl_ruleset *set;
    const fl_rule **rule;                /* per node; NULL: the gradient */
    const real *low, *high;              /* per channel of the input; NULL: none */
    int bounds;                          /* channels */
    double *arrived, *handed_on;         /* per node: the ledger */
    double *due, *size;                  /* per node, of audited graphs; else NULL */
    real *ones, *whole;                  /* for the audit of nodes without a rule: operands of 1, and what they make */
    real **shadow;                       /* per node: its z, for sums of weighted sums; NULL where nobody asks */
    real *work;                          /* scratch of one node's rule */
    int64_t used, room;
    const real **operand;                /* substituted operands */
    fl_rule_at at;
    real *weight;                        /* a substituted weight before it is packed */
    fl_want *wants;                      /* all that has to be placed */
    int n_wants;
} fl_rules;

/* ---- planning (rules_plan.c) ---- */

/* Which rule each node has. FL_USAGE when a rule cannot work where it was put. NULL rules in the plan: g->rules = NULL. */
fl_status fl_rules_match(fl_graph *, const fl_plan *);
bool fl_rules_cross(const fl_graph *, fl_id i);          /* whether a signal goes on from node i */
/* What the walk down reads at node i because of its rule: FL_READS_IN, FL_READS_OUT. */
unsigned fl_rules_reads(const fl_graph *, fl_id i);
bool fl_rules_use_weight(const fl_graph *, fl_id i);     /* whether the walk down uses the weight as it is */
/* Substituted weights, reference values, scratch: g->bytes_rules of them; and their places. */
fl_status fl_rules_count(fl_graph *);
fl_status fl_rules_place(fl_graph *);
void fl_rules_pack(fl_graph *, bool moving);            /* substituted weights; moving: of those that forward computes */

/* ---- the walk (rules_walk.c) ---- */

void fl_rules_begin(fl_graph *);
/* Quotients that all operands of node i need. Its signal is complete. */
void fl_rules_enter(fl_graph *, fl_id i);
/* The signal of operand k. */
void fl_rules_down(fl_graph *, fl_id i, int k, real *gx);
/* The same of operand 0, added to gx, of a node that does so in place (fuse.h). */
void fl_rules_add(fl_graph *, fl_id i, real *gx);

/* ---- shared by the files of rules ---- */

static inline real fl_part_of(fl_part part, real v, real gamma)
{
    switch (part) {
    case FL_ALL_OF:        return v;
    case FL_POSITIVE_OF:   return v > 0 ? v : 0;
    case FL_NEGATIVE_OF:   return v < 0 ? v : 0;
    case FL_SIZE_OF:       return v < 0 ? -v : v;
    case FL_SQUARE_OF:     return v * v;
    case FL_ONES:          return 1;
    case FL_LEAN_POSITIVE: return v > 0 ? v + gamma * v : v;
    case FL_LEAN_NEGATIVE: return v < 0 ? v + gamma * v : v;
    default:               return 0;
    }
}

static inline bool fl_part_leans(fl_part p) { return p == FL_LEAN_POSITIVE || p == FL_LEAN_NEGATIVE; }

/* Quotients whose denominator is as good as nothing would overflow: their R is absorbed. */
static inline real fl_quotient(real r, real z, real epsilon)
{
    const real d = z < 0 ? z - epsilon : z + epsilon, size = d < 0 ? -d : d;
    return size >= R(1e-30) ? r / d : 0;
}

/* rules_terms.c */
const real *fl_rule_weight(const fl_node *, fl_part, double gamma);      /* stands for the weight, in a list of operands */
real *fl_rule_room(fl_rules *, int64_t count);
int fl_rule_groups(const fl_rule *);
/* What a term puts in place of a node's operands, and its factor. From here to the end of the term's use, the room it takes is in use. */
typedef struct fl_operands { const real *const *in; double scale; } fl_operands;
fl_operands fl_rule_substitute(fl_rules *, const fl_node *, const fl_rule *, const fl_term *);
/* z of a group. `to` has the node's shape; `part` as well. */
void fl_rule_sum(fl_rules *, const fl_node *, const fl_rule *, int group, real *to, real *part);
/* rules_joint.c */
void fl_rules_fill_shadows(fl_graph *);                                   /* z of the nodes that are operands of joint sums */
real *fl_rule_enter_joint(fl_rules *, const fl_graph *, const fl_node *, const fl_rule *);
void fl_rule_joint(fl_rules *, const fl_graph *, const fl_node *, const real *s, int k, real *gx);
bool fl_rules_plan_audit(fl_graph *);                                     /* rules_audit.c */
void fl_rules_audit(fl_graph *, fl_id);                                   /* after fl_rules_enter has put down its quotients */
void fl_rule_rescale(fl_graph *, fl_id, real *gx);                        /* rules_differences.c */
void fl_rule_bounded(fl_graph *, fl_id, real *gx);
void fl_rule_centred(fl_graph *, fl_id, real *gx);
void fl_rule_product(fl_graph *, fl_id, int k, real *gx);
void fl_rule_switches(fl_graph *, fl_id, real *gx);
void fl_rules_enter_reveal(fl_graph *, fl_id);
void fl_rule_reveal(fl_graph *, fl_id, real *gx);
bool fl_name_matches(const char *pattern, const char *name);

#endif
