/* hold.c: ops whose forward remembers the point.
 *
 *   relu, leakyrelu, clip    y = below | x | above, as it was        a byte per element
 *   maxpool                  y = x at the winner's place             its address per element, -1: the window saw nothing
 *   detach                   y = y at the point */
#include "autograd/hold.h"

#include "autograd/pool.h"

#include <string.h>

struct fl_hold {
    fl_graph *g;
    fl_arena *arena;
    const fl_op **was;                   /* per node */
    fl_op held[FL_OPS];
    int64_t switches;
    bool failed;
};

enum { BELOW, INSIDE, ABOVE };

/* ---- taking ---- */

static unsigned char side(const fl_node *node, real x)
{
    if (node->op->kind == FL_OP_clip) return (double)x <= node->attr.clip.low ? BELOW : (double)x >= node->attr.clip.high ? ABOVE : INSIDE;
    return x > 0 ? INSIDE : BELOW;
}

static const void *take_sides(const fl_node *node, fl_arena *a)
{
    const int64_t count = fl_shape_count(node->shape);
    unsigned char *to = FL_NEW(a, unsigned char, count);
    for (int64_t i = 0; to && i < count; i++) to[i] = side(node, node->operand[0][i]);
    return to;
}

/* The first place of the window, in the order t,h,w, that holds the result. */
static int64_t winner(const fl_node *node, const real *x, int n, int c, const fl_span at[3], real y)
{
    for (int i = at[0].first; i < at[0].last; i++)
        for (int j = at[1].first; j < at[1].last; j++)
            for (int k = at[2].first; k < at[2].last; k++) {
                const int64_t p = fl_at(node->in_shape[0], n, c, at[0].begin + i * at[0].step, at[1].begin + j * at[1].step,
                                        at[2].begin + k * at[2].step);
                if (x[p] == y) return p;
            }
    return -1;
}

static const void *take_winners(const fl_node *node, fl_arena *a)
{
    const fl_shape s = node->shape;
    int64_t *to = FL_NEW(a, int64_t, fl_shape_count(s)), next = 0;
    for (int n = 0; to && n < s.n; n++)
        for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++) {
                    const fl_span at[3] = {fl_pool_span(node, 0, t), fl_pool_span(node, 1, h), fl_pool_span(node, 2, w)};
                    for (int c = 0; c < s.c; c++, next++)
                        to[next] = winner(node, node->operand[0], n, c, at, node->value[next]);
                }
    return to;
}

static const void *take_values(const fl_node *node, fl_arena *a)
{
    const int64_t count = fl_shape_count(node->shape);
    real *to = FL_NEW(a, real, count);
    if (to) memcpy(to, node->value, (size_t)count * sizeof *to);
    return to;
}

/* ---- forward, held ---- */

static void by_side(const fl_node *node, const real *const in[], real *y)
{
    const unsigned char *at = node->aside;
    const fl_op_kind kind = node->op->kind;
    const real low = kind == FL_OP_clip ? (real)node->attr.clip.low : 0, high = kind == FL_OP_clip ? (real)node->attr.clip.high : 0;
    const real slope = kind == FL_OP_leakyrelu ? (real)node->attr.leak.slope : 0;
    for (int64_t i = 0; i < fl_shape_count(node->shape); i++)
        y[i] = at[i] == INSIDE ? in[0][i] : at[i] == ABOVE ? high : kind == FL_OP_leakyrelu ? slope * in[0][i] : low;
}

static void by_winner(const fl_node *node, const real *const in[], real *y)
{
    const int64_t *at = node->aside;
    for (int64_t i = 0; i < fl_shape_count(node->shape); i++) y[i] = at[i] < 0 ? 0 : in[0][at[i]];
}

static void by_value(const fl_node *node, const real *const in[], real *y)
{
    (void)in;
    memcpy(y, node->aside, (size_t)fl_shape_count(node->shape) * sizeof *y);
}

static const struct {
    fl_op_kind kind;
    const void *(*take)(const fl_node *, fl_arena *);
    void (*forward)(const fl_node *, const real *const in[], real *y);
} holders[] = {{FL_OP_relu, take_sides, by_side},       {FL_OP_leakyrelu, take_sides, by_side}, {FL_OP_clip, take_sides, by_side},
               {FL_OP_maxpool, take_winners, by_winner}, {FL_OP_detach, take_values, by_value}};
enum { HOLDERS = sizeof holders / sizeof *holders };

static int holder_of(const fl_node *node)
{
    for (int h = 0; h < HOLDERS; h++)
        if (holders[h].kind == node->op->kind) return h;
    return -1;
}

static void take(fl_graph *g, fl_id i, void *user)
{
    fl_hold *hold = user;
    fl_node *node = &g->node[i];
    const int h = holder_of(node);
    if (h < 0) return;
    node->aside = holders[h].take(node, hold->arena);
    hold->failed |= !node->aside;
    hold->switches += fl_shape_count(node->shape);
}

/* ---- the graph ---- */

fl_hold *fl_hold_new(fl_graph *g, fl_arena *a)
{
    fl_assert(g->parts);
    fl_hold *hold = FL_NEW(a, fl_hold, 1);
    if (!hold) return NULL;
    *hold = (fl_hold){.g = g, .arena = a, .was = FL_NEW(a, const fl_op *, g->count)};
    if (!hold->was) return NULL;
    const fl_watch *before = g->watch, watch = {.value = take, .user = hold};
    for (fl_id i = 0; i < g->count; i++) hold->was[i] = g->node[i].op;
    g->watch = &watch;
    fl_graph_forward(g);
    g->watch = before;
    for (fl_id i = 0; i < g->count; i++) {
        const int h = holder_of(&g->node[i]);
        if (h < 0 || !g->node[i].aside) continue;
        fl_op *held = &hold->held[g->node[i].op->kind];
        *held = *g->node[i].op;                                  /* with its own vjp, right or wrong */
        held->forward = holders[h].forward;
        held->notes = NULL;
        held->forward_rest = NULL;
        g->node[i].op = held;
    }
    if (!hold->failed) return hold;
    fl_hold_end(hold);
    return NULL;
}

int64_t fl_hold_switches(const fl_hold *hold) { return hold->switches; }

void fl_hold_end(fl_hold *hold)
{
    for (fl_id i = 0; i < hold->g->count; i++) {
        if (hold->g->node[i].op != hold->was[i]) hold->g->node[i].aside = NULL;
        hold->g->node[i].op = hold->was[i];
    }
}
