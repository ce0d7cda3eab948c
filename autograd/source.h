/* source.h: weights that are made when they are wanted.
 *
 * In a graph with `on_demand` a large parameter has no values until somebody asks for them (fl_graph_value): it knows a source,
 * and a plan that only needs its packed form takes it from there, some rows at a time, straight into the packing. So a weight is
 * in memory once, in the form in which it is used: not as its file has it, not with a norm folded in, not as an array of its own.
 *
 *     file's entry -> rows, channels last -> times the folded norm -> packed          a piece at a time, in the cache */
#ifndef FL_SOURCE_H
#define FL_SOURCE_H

#include "autograd/op.h"

enum { FL_ON_DEMAND_LEAST = 1 << 14 };       /* values; smaller parameters have theirs at once */

typedef struct fl_source {
    /* Places first .. first+count-1 on axis N of the node's values, channels last, to `to`. work: as much room again. Called by
     * several threads at once. */
    void (*rows)(const struct fl_source *, int first, int count, real *to, real *work);
    const void *from;                        /* for rows; lives as long as the graph */
    const fl_graph *g;
    fl_id node;                              /* whose values they are */
    double number;                           /* for rows */
} fl_source;

/* A parameter that has no values yet gets them from there; false, and nothing happens, where it has. */
bool fl_graph_attach(fl_graph *, fl_id, fl_source);

/* Rows of a leaf, whether it has values or a source; zeros where it has neither. */
void fl_leaf_rows(const fl_graph *, fl_id, int first, int count, real *to, real *work);

/* Bytes that a leaf has no values for yet. */
size_t fl_leaf_missing(const fl_graph *, fl_id);

/* What fl_graph_value does first, and fl_graph_plan where a plan reads the values: places them, fills them. */
real *fl_leaf_values(const fl_graph *, fl_id);

#endif
