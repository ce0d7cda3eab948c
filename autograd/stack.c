/* stack.c: finds convolutions that can be one, and what is done to all of them alike (stack.h). */
#include "autograd/stack.h"

#include "autograd/fuse.h"
#include "autograd/ops.h"

#include <string.h>

static bool has_kind(const fl_graph *g, fl_id i, fl_op_kind kind) { return g->node[i].op->kind == kind; }

static bool can_stack(const fl_graph *g, fl_id i)
{
    const fl_node *node = &g->node[i];
    return has_kind(g, i, FL_OP_conv) && node->attr.conv.groups == 1 && fl_all_stored(g, node);
}

static bool go_together(const fl_graph *g, fl_id a, fl_id b)
{
    const fl_node *p = &g->node[a], *q = &g->node[b];
    return p->in[0] == q->in[0] && p->n_in == q->n_in && fl_shape_equal(p->in_shape[1], q->in_shape[1]) &&
           memcmp(&p->attr.conv.win, &q->attr.conv.win, sizeof(fl_window)) == 0;
}

/* Stacks are in the order of their weights, whatever the order of the convolutions: then parts that belong together have one number. */
static void join(fl_stack *s, const fl_graph *g, fl_id head, fl_id i)
{
    fl_id *at = &head;
    while (*at != FL_NONE && g->node[*at].in[1] < g->node[i].in[1]) at = &s->next[*at];
    s->next[i] = *at;
    *at = i;
    int parts = 0;
    for (fl_id k = head; k != FL_NONE; k = s->next[k]) s->first[k] = head, s->part[k] = parts++;
    for (fl_id k = head; k != FL_NONE; k = s->next[k]) s->parts[k] = parts;
}

static void drop(fl_stack *s, fl_id i)
{
    s->first[i] = s->next[i] = FL_NONE;
    s->part[i] = s->parts[i] = 0;
}

/* The head of the stack that convolution i can join, or FL_NONE: the same weights once more have no place there. */
static fl_id stack_for(const fl_stack *s, const fl_graph *g, fl_id i)
{
    fl_id head = FL_NONE;
    for (fl_id k = i - 1; head == FL_NONE && k > g->node[i].in[0]; k--)
        if (s->first[k] != FL_NONE && go_together(g, k, i)) head = s->first[k];
    for (fl_id k = head; k != FL_NONE; k = s->next[k])
        if (g->node[k].in[1] == g->node[i].in[1]) return FL_NONE;
    return head;
}

static void find_stacks(fl_stack *s, const fl_graph *g, const bool *apart)
{
    for (fl_id i = 0; i < g->count; i++) {
        if (apart[i] || !can_stack(g, i)) continue;
        const fl_id head = stack_for(s, g, i);
        if (head == FL_NONE) s->first[i] = i;
        else join(s, g, head, i);
    }
    for (fl_id i = 0; i < g->count; i++)
        if (s->first[i] == i && s->next[i] == FL_NONE) drop(s, i);
}

/* A frame of a part, or the sum of two parts of one number, is such a part. */
static void find_parts(fl_stack *s, const fl_graph *g)
{
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        const bool frame = has_kind(g, i, FL_OP_slice) && node->attr.slice.axis == FL_AXIS_T;
        const bool sum = fl_fuse_hands_on(node, 0) && fl_fuse_hands_on(node, 1);
        if (!frame && !sum) continue;
        const fl_id a = node->in[0], b = node->in[node->n_in - 1];
        if (s->parts[a] == s->parts[b] && s->part[a] == s->part[b]) s->part[i] = s->part[a], s->parts[i] = s->parts[a];
    }
}

static void find_inner(fl_stack *s, const fl_graph *g)
{
    memset(s->inner, 0, (size_t)g->count * sizeof(bool));
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; k < g->node[i].n_in; k++) s->inner[g->node[i].in[k]] = fl_stack_is_part(s, g->node[i].in[k]);
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; !fl_stack_is_part(s, i) && k < g->node[i].n_in; k++) s->inner[g->node[i].in[k]] = false;
}

/* Convolutions that something else reads stay as they are, and so does what is made of nodes that are no parts or are read as they are. */
static bool drop_some(fl_stack *s, const fl_graph *g)
{
    bool dropped = false;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        bool stays = fl_stack_is_part(s, i);
        if (s->first[i] != FL_NONE) stays = s->inner[i];
        else for (int k = 0; k < node->n_in; k++) stays = stays && s->inner[node->in[k]];
        if (stays || !fl_stack_is_part(s, i)) continue;
        dropped = true;
        if (s->first[i] == FL_NONE) drop(s, i);
        for (fl_id k = s->first[i], next; k != FL_NONE; k = next) {
            next = s->next[k];
            drop(s, k);
        }
    }
    return dropped;
}

bool fl_all_stored(const fl_graph *g, const fl_node *node)
{
    for (int k = 1; k < node->n_in; k++)
        if (g->node[node->in[k]].role != FL_PARAM && g->node[node->in[k]].role != FL_BUFFER) return false;
    return true;
}

bool fl_stack_find(fl_stack *s, const fl_graph *g, const bool *apart)
{
    const size_t n = (size_t)g->count + 1;
    *s = (fl_stack){FL_NEW(g->arena, fl_id, n), FL_NEW(g->arena, fl_id, n), FL_NEW(g->arena, int, n), FL_NEW(g->arena, int, n),
                    FL_NEW(g->arena, bool, n)};
    if (!s->first || !s->next || !s->part || !s->parts || !s->inner) return false;
    for (fl_id i = 0; i < g->count; i++) drop(s, i);
    find_stacks(s, g, apart);
    find_parts(s, g);
    do find_inner(s, g);
    while (drop_some(s, g));
    return true;
}
