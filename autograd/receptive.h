/* receptive.h: which part of an input an element of a node can see, and how much work a node is.
 *
 * Along every axis of T,H,W, element p of the node reads the input's elements  p*jump + lo .. p*jump + hi.  Taps in the padding
 * count. Where two ways meet (a sum, a concatenation) it is the hull of both; after a sum over an axis it is all of it. */
#ifndef FL_RECEPTIVE_H
#define FL_RECEPTIVE_H

#include "autograd/graph.h"

typedef struct fl_receptive { double jump[3], lo[3], hi[3]; bool sees; } fl_receptive;   /* sees false: not the input */

/* field: one per node. input: the node that is looked at. */
void fl_receptive_fields(const fl_graph *, fl_id input, fl_receptive *field);

/* hi - lo + 1, at most the length of the input along that axis (0..2: t, h, w). */
int fl_receptive_size(const fl_receptive *, int axis, int input_length);

/* Multiply-adds of a forward pass: convolutions and linear layers, taps in the padding included; 0 for all else. */
double fl_node_macs(const fl_node *);

#endif
