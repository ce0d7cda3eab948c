/* packings.c: the packed forms of a plan's weights, and the leaves that it reads as they are. */
#include "autograd/packings.h"

#include "autograd/rules.h"
#include "autograd/source.h"

#include <string.h>

/* One packing per weight and geometry: the steps of a recurrent layer share theirs. Weights that forward computes, or
 * that change from run to run, are packed when they are used. Another algorithm has a packing of another size; and what is turned
 * on the way down has none of its own for that. */
static fl_node *same_packing(fl_graph *g, fl_id i, int pass)
{
    const fl_node *node = &g->node[i];
    for (int j = 0; j < g->n_packs; j++) {
        fl_node *other = &g->node[g->packs_from[j]];
        if (other->packed[pass] && !(pass && other->turned) && other->op == node->op && other->in[1] == node->in[1] &&
            other->in_shape[0].c == node->in_shape[0].c && other->attr.conv.groups == node->attr.conv.groups &&
            memcmp(&other->attr.conv.win, &node->attr.conv.win, sizeof(fl_window)) == 0 &&
            other->op->packed(other, pass) == node->op->packed(node, pass))
            return other;
    }
    return NULL;
}

bool fl_plan_trains(const fl_graph *g, const fl_plan *plan)
{
    for (int i = 0; i < plan->n_wrt; i++)
        if (g->node[plan->wrt[i]].role == FL_PARAM) return true;
    return false;
}

bool fl_packings_settle(const fl_graph *g, const fl_plan *plan)
{
    return !plan->parts && plan->keep != FL_KEEP_ALL && !g->rules && !fl_plan_trains(g, plan);
}

/* read: room; which leaves the plan reads as they are. */
static void mark_read(const fl_graph *g, const bool *wanted, bool settled, bool *read)
{
    for (fl_id i = 0; i < g->count; i++) read[i] = wanted[i] || !settled;
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; g->computed[i] && k < g->node[i].n_in; k++) read[g->node[i].in[k]] |= k != 1 || !g->node[i].op->packed;
    for (fl_id i = 0; i < g->count; i++) read[i] &= g->computed[i] && g->node[i].role != FL_COMPUTED;
}

size_t fl_packings_missing(const fl_graph *g, const bool *wanted, bool settled, bool *room)
{
    size_t bytes = 0;
    mark_read(g, wanted, settled, room);
    for (fl_id i = 0; i < g->count; i++) bytes += room[i] ? fl_leaf_missing(g, i) : 0;
    return bytes;
}

void fl_packings_wake(const fl_graph *g, const bool *wanted, bool settled, bool *room)
{
    mark_read(g, wanted, settled, room);
    for (fl_id i = 0; i < g->count; i++)
        if (room[i]) (void)fl_leaf_values(g, i);
}

void fl_packings_list(fl_graph *g, const bool *passing, bool settled, real *memory)
{
    static real counted;                                 /* stands for a packing that has no place yet */
    int64_t end = 0;
    g->n_packs = 0;
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        node->passing = NULL;
        node->packed[0] = node->packed[1] = NULL;
        node->settled = node->turned = false;
        if (!g->computed[i] || !node->op->packed) continue;
        const fl_role role = g->node[node->in[1]].role;
        if (role != FL_PARAM && role != FL_BUFFER) continue;
        node->settled = settled;
        node->passing = passing[node->in[1]] ? g : NULL;
        if (node->passing) continue;
        bool own = false;
        for (int pass = 0; pass < 2; pass++) {
            if (pass == 1 && !(g->carries[i] && g->carries[node->in[0]] && fl_rules_use_weight(g, i))) continue;
            if (pass == 1 && settled && node->op->turns(node)) {
                node->packed[1] = node->packed[0];
                node->turned = true;
                continue;
            }
            const fl_node *other = same_packing(g, i, pass);
            if (other) {
                node->packed[pass] = other->packed[pass];
                continue;
            }
            node->packed[pass] = memory ? memory + end : &counted;
            end += (node->op->packed(node, pass) + 15) / 16 * 16;
            own = true;
        }
        if (own) g->packs_from[g->n_packs++] = i;
    }
    g->bytes_packed = (size_t)end * sizeof(real);
}

bool fl_packings_pass_largest(fl_graph *g, bool *passing)
{
    int64_t most = 0;
    fl_id largest = FL_NONE;
    for (int k = 0; k < g->n_packs; k++) {
        const fl_node *node = &g->node[g->packs_from[k]];
        int64_t count = 0;
        for (int pass = 0; pass < 2; pass++) count += node->packed[pass] && !(pass && node->turned) ? node->op->packed(node, pass) : 0;
        if (count > most) most = count, largest = node->in[1];
    }
    if (largest == FL_NONE) return false;
    passing[largest] = true;
    g->passing++;
    return true;
}

size_t fl_packings_scratch(const fl_graph *g)
{
    size_t most = 0;
    for (int i = 0; i < g->n_packs; i++) {
        const fl_node *node = &g->node[g->packs_from[i]];
        const size_t bytes = fl_packing_scratch(node, !node->settled || g->node[node->in[1]].value);
        if (bytes > most) most = bytes;
    }
    return most;
}
