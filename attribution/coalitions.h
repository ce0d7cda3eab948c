/* coalitions.h: which of m segments a sample shows: the designs of LOCO, UP, Shapley values, KernelSHAP and LIME.
 *
 *   all_but_one   sample k: all but segment k
 *   one           only segment k
 *   subsets       all 2^m: segment i is shown where bit i of k is 1
 *   orders        k = r (m-1) + i: the first i+1 segments of the random order r          (Castro et al. 2009, Strumbelj 2014)
 *   kernel        sizes s and m-s from the outside in, whole where the samples suffice; the rest by chance, each with its complement
 *                 (Lundberg and Lee 2017, as in shap); weight of a subset of size s:  (m-1) / (C(m,s) s (m-s)), all together 1
 *   sizes         a size with probability ~ (m-1) / (s (m-s)), then any subset of it; weight 1          (KernelSHAP of Captum)
 *   chance        sample 0: all; then each segment with probability 1/2; weight 1        (LIME)
 *
 * Sample k is a function of (seed, k). */
#ifndef FL_COALITIONS_H
#define FL_COALITIONS_H

#include "tensor/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum fl_design {
    FL_DESIGN_ALL_BUT_ONE, FL_DESIGN_ONE, FL_DESIGN_SUBSETS, FL_DESIGN_ORDERS, FL_DESIGN_KERNEL, FL_DESIGN_SIZES, FL_DESIGN_CHANCE
} fl_design;

enum { FL_MOST_SUBSETS = 20 };   /* segments of which all subsets are made */

typedef struct fl_coalitions {
    fl_design design;
    int m;
    uint64_t seed;
    int64_t count;               /* samples */
    int64_t fixed;               /* kernel: so many are whole sizes, no chance in them */
    double left;                 /* kernel: weight of the sizes that are drawn */
    double *size_weight;         /* kernel, sizes: of size s at [s-1], normalised */
    int sizes, whole;            /* kernel: sizes 1 .. sizes, their complements with them; 1 .. whole are whole */
    int *order;                  /* of the sample made last, where its design has one */
} fl_coalitions;

/* samples: orders, subsets, or rows; 0 takes shap's 2 m + 2048. Memory of the arena. FL_USAGE: too many subsets. FL_FAILED: memory. */
fl_status fl_coalitions_init(fl_coalitions *, fl_design, int m, int64_t samples, uint64_t seed, fl_arena *, fl_error *);

/* on[i]: whether sample k shows segment i. Returns its weight in a regression. */
double fl_coalition(const fl_coalitions *, int64_t k, bool *on);

#endif
