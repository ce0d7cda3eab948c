/* weighted.h: what conv, linear and deconv share. attr.conv holds the window; operands x, w and perhaps b. */
#ifndef FL_WEIGHTED_H
#define FL_WEIGHTED_H

#include "autograd/op.h"

/* What conv and deconv ask of window, weight and bias before they look at sizes. outputs: channels that a bias has. False after
 * fl_graph_fail. */
bool    fl_weighted_window_fits(fl_graph *, const fl_node *, int outputs);

int64_t fl_weighted_packed (const fl_node *, int pass);
void    fl_weighted_pack   (const fl_node *, int pass, int first, int count, const real *w, real *to);
int     fl_weighted_unit   (const fl_node *, int pass);
bool    fl_weighted_turns  (const fl_node *);
size_t  fl_weighted_scratch(const fl_node *);
void    fl_weighted_forward(const fl_node *, const real *const in[], real *y);
void    fl_weighted_vjp    (const fl_node *, int k, const real *const in[], const real *y, const real *gy, real *gx);

/* conv and linear (in a deconv of an exact graph remainders end): exact sums of exact numbers. */
void    fl_weighted_forward_rest(const fl_node *, const real *const in[], const real *const rest[], real *y, real *y_rest, uint8_t *notes);
/* conv and linear: a deconv adds its bias in a pass of its own. */
void    fl_weighted_finished(const fl_node *, int pass, const real *from, const fl_finish *, real *to);

#define FL_WEIGHTED_OP .flags = FL_LINEAR | FL_WEIGHTED, .arity = 2, \
                       .forward = fl_weighted_forward, .vjp = fl_weighted_vjp, \
                       .scratch = fl_weighted_scratch, .packed = fl_weighted_packed, .pack = fl_weighted_pack, \
                       .unit = fl_weighted_unit, .turns = fl_weighted_turns

#endif
