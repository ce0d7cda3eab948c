/* op_cases.c: examples, and the same op with other numbers of samples. */
#include "tests/op_cases.h"

#include "autograd/ops.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void begin(op_case *c, const fl_op *op, int which)
{
    memset(c, 0, sizeof *c);
    c->op = op;
    c->which = which;
    snprintf(c->label, sizeof c->label, "%s example %d", op->name, which);
    fl_arena_init(&c->arena, &c->error);
    c->g = fl_graph_new(&c->arena);
}

static void plan(op_case *c)
{
    const int n_in = c->g->node[c->y].n_in;
    const fl_plan p = {.keep = FL_KEEP_ALL, .out = &c->y, .n_out = 1, .root = c->y,
                       .wrt = n_in ? c->g->node[c->y].in : &c->y, .n_wrt = n_in ? n_in : 1};
    fl_graph_plan(c->g, &p);
    CHECK_SAY(fl_graph_ok(c->g), "%s: %s", c->label, c->error.message);
    c->node = &c->g->node[c->y];
    c->in = c->node->operand;
    if (n_in) fl_graph_forward(c->g);                   /* packs the weights */
}

bool op_case_batched(const fl_node *node, int k)
{
    if ((node->op->flags & FL_WEIGHTED) || node->op->kind == FL_OP_batchnorm) return k == 0;
    int most = 1;
    for (int i = 0; i < node->n_in; i++) most = node->in_shape[i].n > most ? node->in_shape[i].n : most;
    return node->in_shape[k].n == most;
}

/* The values of the example, again and again: a map may be defined for some numbers only. */
static void repeat_values(op_case *c, fl_id to, const fl_graph *from, fl_id id)
{
    const int64_t count = fl_shape_count(fl_graph_shape(c->g, to)), period = fl_shape_count(fl_graph_shape(from, id));
    for (int64_t i = 0; i < count; i++) fl_graph_value(c->g, to)[i] = fl_graph_value(from, id)[i % period];
}

/* Adds the node of `from` again, on leaves with times/parts as many samples. */
static void rebuild(op_case *c, const fl_graph *from, fl_id id, int times, int parts)
{
    const fl_node *old = &from->node[id];
    fl_attr attr = old->attr;
    fl_id in[8];
    fl_rng rng = {17, 1, 0};
    if (old->op->kind == FL_OP_reshape) attr.reshape.to.n = attr.reshape.to.n * times / parts;
    for (int k = 0; k < old->n_in; k++) {
        fl_shape s = old->in_shape[k];
        if (op_case_batched(old, k)) s.n = s.n * times / parts;
        char name[16];
        snprintf(name, sizeof name, "in%d", k);
        in[k] = fl_example_operand(c->g, &rng, name, s);
        if (!op_case_batched(old, k)) fl_graph_set(c->g, in[k], fl_graph_value(from, old->in[k]));
        else if (old->op->flags & FL_MAP) repeat_values(c, in[k], from, old->in[k]);
    }
    c->y = fl_graph_add(c->g, old->op, "y", &attr, old->n_in, in);
}

bool op_case_open(op_case *c, const fl_op *op, int which, int factor)
{
    begin(c, op, which);
    fl_rng rng = {11, (uint64_t)which, 0};
    c->y = op->example(c->g, &rng, which);
    CHECK_SAY(fl_graph_ok(c->g), "%s: %s", c->label, c->error.message);
    if (c->y == FL_NONE) {
        op_case_close(c);
        return false;
    }
    if (factor > 1 && c->g->node[c->y].n_in) {
        const fl_graph *small = c->g;
        c->g = fl_graph_new(&c->arena);
        rebuild(c, small, c->y, factor, 1);
    }
    plan(c);
    return true;
}

void op_case_close(op_case *c) { fl_arena_free(&c->arena); }

bool op_case_splits(const op_case *c)
{
    const fl_node *node = c->node;
    switch (node->op->kind) {
    case FL_OP_concat:
    case FL_OP_slice:     return node->attr.slice.axis != FL_AXIS_N;
    case FL_OP_reshape:   return node->attr.reshape.to.n == node->in_shape[0].n;
    case FL_OP_permute:   return node->attr.permute.order[0] == FL_AXIS_N;
    case FL_OP_sum:
    case FL_OP_mean:      return !(node->attr.reduce.axes & 1u << FL_AXIS_N);
    case FL_OP_moments:   return false;
    case FL_OP_pad:       return !node->attr.pad.low[FL_AXIS_N] && !node->attr.pad.high[FL_AXIS_N];
    default:              return true;
    }
}

void op_case_open_sample(op_case *c, const op_case *from, int n)
{
    begin(c, from->op, from->which);
    rebuild(c, from->g, from->y, 1, from->node->shape.n);
    for (int k = 0; k < from->node->n_in; k++) {
        if (!op_case_batched(from->node, k)) continue;
        const fl_id leaf = c->g->node[c->y].in[k];
        fl_graph_set(c->g, leaf, from->in[k] + n * fl_shape_count(fl_graph_shape(c->g, leaf)));
    }
    plan(c);
}

int64_t op_case_count(const op_case *c, int k)
{
    return fl_shape_count(k < 0 ? c->node->shape : c->node->in_shape[k]);
}

enum { GUARD = 16, GUARD_VALUE = 4321 };

real *op_case_array(op_case *c, int64_t count)
{
    real *a = FL_NEW(&c->arena, real, count + 2 * GUARD);
    if (!CHECK_SAY(a != NULL, "%s: %s", c->label, c->error.message)) exit(1);
    for (int64_t i = 0; i < count + 2 * GUARD; i++)
        a[i] = i < GUARD || i >= count + GUARD ? (real)GUARD_VALUE : (real)NAN;
    return a + GUARD;
}

bool op_case_guarded(const real *array, int64_t count)
{
    bool whole = true;
    for (int64_t i = 0; i < GUARD; i++)
        whole &= array[-1 - i] == (real)GUARD_VALUE && array[count + i] == (real)GUARD_VALUE;
    return whole;
}

void op_cases_each(int factor, void (*check)(op_case *))
{
    for (int kind = 0; kind < FL_OPS; kind++) {
        op_case c;
        for (int which = 0; op_case_open(&c, fl_op_table[kind], which, factor); which++) {
            if (c.node->n_in) check(&c);
            op_case_close(&c);
        }
    }
}
