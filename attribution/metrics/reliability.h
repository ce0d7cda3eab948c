/* reliability.h: is a metric a reliable judge? Every clip is a rater that ranks the methods by the metric's values; a good metric
 * makes the raters agree, and puts a random map last (Li et al. 2021, arXiv:2109.00222).
 *
 *   w_i   = (M - 1 - place of the random map among the M values of clip i, sorted from worst to best) / (M - 1); of equal values
 *           the first in the table's order has the lower place, and the random map comes first of all
 *   rho_ij  Spearman correlation of the values of clips i and j, over methods
 *   alpha = sum_{i<j} w_i w_j rho_ij / sum_{i<j} w_i w_j
 *
 * A clip for which all methods have one value ranks nothing: it counts as rho 0 with all others. Computed in O(clips methods) from
 * sum_{i<j} w_i w_j rho_ij = (|sum w_i z_i|^2 - sum w_i^2 |z_i|^2) / 2, z_i the centred ranks of clip i, of length 1.
 *
 * Krippendorff's alpha (2011, Computing Krippendorff's Alpha-Reliability): units are the methods, raters the clips,
 *   alpha = 1 - D_o / D_e,   D_o = (1/n) sum_units sum_{ordered pairs of its values} d / (m_u - 1),
 *   D_e = sum_{all ordered pairs} d / (n (n-1)),
 * d nominal [a != b], interval (a - b)^2 or ratio ((a - b) / (a + b))^2; n values, m_u of them in unit u. */
#ifndef FL_RELIABILITY_H
#define FL_RELIABILITY_H

#include "tensor/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum fl_distance { FL_DISTANCE_NOMINAL, FL_DISTANCE_INTERVAL, FL_DISTANCE_RATIO } fl_distance;

typedef struct fl_reliability {
    double alpha;                /* weighted agreement; NAN where no two clips have weight, or with fewer than 2 methods */
    double weight;               /* mean w_i: 1 when the random map is always worst */
    double krippendorff;         /* nominal, of the places; NAN when all clips agree that all places are one */
} fl_reliability;

/* value: clips x methods, the random map's in column 0; finite. FL_FAILED: memory. */
fl_status fl_reliability_of(int clips, int methods, const double *value, bool higher_is_better, fl_arena *, fl_reliability *);

/* value: raters x units; NAN: not rated. NAN when there is nothing to compare, or nothing differs. */
double fl_krippendorff(int raters, int units, const double *value, fl_distance);

#endif
