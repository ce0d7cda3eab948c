/* remainder.h: what an exact graph (graph.h) carries beside values, so that ReLUs and maxima fall on the right side.
 *
 *   node = value + rest,   value = round(node),   rest = round(node - value)      two float32 for a number, about 48 bits
 *
 * A sum in double that is rounded once is right to the last bit of float32, and the next layer reads that bit. After thirteen
 * layers of vgg16_lstm some twenty of its 217 million ReLUs, those nearer to zero than what so many last bits add up to, stand
 * wrongly, and the gradient is off by 1.1e-3. With remainders none does, and backward needs nothing of its own: a signal is as
 * smooth as the sums that carry it.
 *
 * conv, linear, batchnorm and add make remainders and read those of their operands; relu and maxpool choose by them and hand them on;
 * what only moves elements (FL_ROUTE and FL_LINEAR) moves them alike. Every other op reads values and has no remainder, which is
 * the same as one of 0: the node is then a number of float32 again. Substituted operands of rules have none either. ReLUs and maxima
 * leave notes for the way down (op.h), as of two values that are equal only the forward pass can tell which is larger; where rules
 * walk down, which read values, the first of the two counts.
 *
 * Only plans with a way down have remainders: a forward pass alone is continuous, and right to 1e-6 without. One lives from its node's
 * turn to its last reader's, upwards only, so it costs as much memory as the two or three largest neighbours, not as the tape; with
 * FL_KEEP_ALL it doubles the values. Without `exact`, and in float64, there is nothing of all this.
 *
 * Instead one could keep doubles in the nodes: every op would have to be written for another type, and substituted operands too. Or
 * compute again, in double, the ReLUs that lie near zero: each asks for all that it sees, down to the clip. */
#ifndef FL_REMAINDER_H
#define FL_REMAINDER_H

#include "autograd/graph.h"

/* For the planner, in every graph: marks the computed nodes that have one, gives them room for their operands', and marks those that
 * leave notes. */
fl_status fl_remainder_mark(fl_graph *);
/* The node's value, its remainder and its notes, from its operands'. */
void fl_remainder_forward(const fl_node *);

/* For ops: element i as it is, and what rounding it took off; infinities have none. */
static inline double fl_whole(const real *x, const real *rest, int64_t i) { return rest ? (double)x[i] + (double)rest[i] : (double)x[i]; }
static inline real fl_rest(double whole, real rounded)
{
    return (double)rounded - (double)rounded == 0 ? (real)(whole - (double)rounded) : 0;
}

#endif
