/* plan_place.c: values, remainders, notes, signals and scratch as buffers with a birth and a death, and where they lie. */
#include "autograd/packings.h"
#include "autograd/planner.h"

#include "tensor/par.h"

static void add_buffer(fl_planner *p, real **to, int64_t count, int birth, int death)
{
    p->list[p->count++] = fl_buffer_make(to, count, birth, death);
}

static bool goes_through_spill(const fl_graph *g, fl_id i, int k)
{
    if (fl_fuse_adds(g, i)) return false;
    return g->parts || !(fl_fuse_hands_on(&g->node[i], k) || (k == 0 && g->node[i].op->finished));
}

/* first[i]: when the signal of node i is born, 0 for never. Returns the room that later arrivals want. */
static int64_t find_first_arrivals(const fl_graph *g, int *first)
{
    int64_t spill = 0;
    for (fl_id i = g->count - 1; i >= 0; i--) {
        if (!g->carries[i]) continue;
        if (i == g->root) first[i] = fl_backward_time(g, i);
        for (int k = 0; k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            if (!g->carries[x]) continue;
            if (first[x] && !goes_through_spill(g, i, k)) continue;
            if (first[x]) spill = spill > fl_shape_count(g->node[x].shape) ? spill : fl_shape_count(g->node[x].shape);
            else first[x] = fl_backward_time(g, i);
        }
    }
    return spill;
}

/* A buffer dies with the last of those who share it. */
static int last_death(const fl_planner *p, fl_id owner)
{
    int death = 0;
    for (fl_id i = 0; i <= owner; i++) {
        if (p->home.signal[i] != owner || !p->g->carries[i]) continue;
        const int own = p->signals[i] || p->plan->keep == FL_KEEP_ALL ? FL_FOREVER : fl_backward_time(p->g, i);
        if (own > death) death = own;
    }
    return death;
}

static void add_signal(fl_planner *p, fl_id i, int birth)
{
    if (p->home.signal[i] == i) add_buffer(p, &p->g->node[i].signal, fl_shape_count(p->g->node[i].shape), birth, last_death(p, i));
}

static int value_death(const fl_planner *p, fl_id owner)
{
    int death = 0;
    for (fl_id i = owner; i < p->g->count; i++)
        if (p->home.value[i] == owner && p->life.last[i] > death) death = p->life.last[i];
    return death;
}

/* Where nodes are fused and there is a way down, a node's scratch is one more buffer among the values, alive only while the node runs. It
 * fills gaps between them: nodes with the largest values want the least scratch. */
bool fl_planner_own_work(const fl_graph *g) { return g->root != FL_NONE && !g->parts; }

static int64_t reals_of(size_t bytes) { return (int64_t)((bytes + sizeof(real) - 1) / sizeof(real)); }

static void add_work(fl_planner *p, fl_id i)
{
    const fl_node *node = &p->g->node[i];
    if (!node->op->scratch) return;
    add_buffer(p, &p->work[i], reals_of(node->op->scratch(node)), i, i);
    fl_buffer *b = &p->list[p->count - 1];
    if (p->g->carries[i]) b->again = b->end = fl_backward_time(p->g, i);
}

/* What node i leaves when its turn comes: the value of itself, or of the head of its chain; its remainder; notes. */
static void add_value(fl_planner *p, fl_id at)
{
    const fl_graph *g = p->g;
    const fl_id i = g->node[at].head != FL_NONE ? g->node[at].head : at;
    const fl_node *node = &g->node[i];
    if (p->home.value[i] == i) add_buffer(p, &p->g->node[i].value, fl_shape_count(node->shape), at, value_death(p, i));
    if (p->life.again[i]) {
        fl_buffer *b = &p->list[p->count - 1];
        b->end = b->death, b->death = p->life.up[i], b->again = p->life.again[i];
    }
    if (node->has_rest) add_buffer(p, &p->g->node[i].rest, fl_shape_count(node->shape), at, p->rest_use[i]);
    const int64_t bytes = node->noted ? node->op->notes(node) : 0, unit = (int64_t)sizeof(real);
    if (node->noted) add_buffer(p, &p->notes[i], (bytes + unit - 1) / unit, at, fl_backward_time(g, i));
}

/* Buffers in the order of birth: values and notes upwards, then signals downwards; work: with every node's own scratch. Returns the
 * room for spilled signals, -1 without memory. */
static int64_t list_buffers(fl_planner *p, bool work)
{
    fl_graph *g = p->g;
    const fl_mark mark = fl_arena_mark(g->arena);
    int *first = FL_NEW(g->arena, int, g->count);
    if (!first) return -1;
    p->count = 0;
    const int64_t spill = find_first_arrivals(g, first);
    if (work) add_buffer(p, &p->work[g->count], reals_of(fl_packings_scratch(g)), -1, -1);
    for (fl_id i = 0; i < g->count; i++) {
        if (!g->computed[i] || g->node[i].role != FL_COMPUTED || g->node[i].into != FL_NONE) continue;
        if (work) add_work(p, i);
        add_value(p, i);
    }
    for (fl_id i = g->count - 1; i >= 0; i--) {
        if (!g->carries[i]) continue;
        if (i == g->root) add_signal(p, i, first[i]);
        for (int k = 0; k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            if (!g->carries[x] || first[x] != fl_backward_time(g, i)) continue;
            add_signal(p, x, first[x]);
            first[x] = 0;                                /* listed: x may be the next operand as well */
        }
    }
    fl_arena_release(g->arena, mark);
    return spill;
}

static void count_scratch(fl_graph *g)
{
    size_t most = fl_packings_scratch(g);
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (!g->computed[i] || !node->op->scratch) continue;
        size_t bytes = node->op->scratch(node);
        if (bytes > most) most = bytes;
    }
    g->bytes_scratch = most;
}

/* Finds the place of every buffer and counts the bytes; where scratch lies among values it takes what it makes the slab longer by.
 * Returns the length of the slab, in reals; -1 without memory. */
int64_t fl_planner_place(fl_planner *p)
{
    fl_graph *g = p->g;
    int64_t spill = list_buffers(p, false);
    if (spill < 0) return -1;
    const int64_t values = fl_slab_place(p->list, p->count, p->room);
    int64_t slab = values;
    spill = (spill + 15) / 16 * 16;
    count_scratch(g);
    if (fl_planner_own_work(g)) {
        if (list_buffers(p, true) < 0) return -1;
        slab = fl_slab_place(p->list, p->count, p->room);
        g->bytes_scratch = slab > values ? (size_t)(slab - values) * sizeof(real) : 0;
    }
    g->bytes_values = (size_t)((slab < values ? slab : values) + spill) * sizeof(real);
    return slab;
}

bool fl_planner_scratch(fl_graph *g)
{
    g->threads = fl_threads();
    if (fl_planner_own_work(g)) return true;
    void *work = FL_NEW(g->arena, char, g->bytes_scratch);
    for (fl_id i = 0; i < g->count; i++) g->node[i].work = work;
    g->packing_work = work;
    return work != NULL;
}

bool fl_planner_hand_out(fl_planner *p, real *slab)
{
    fl_graph *g = p->g;
    fl_slab_hand_out(p->list, p->count, slab);
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        node->notes = (uint8_t *)p->notes[i];
        node->work = p->work[i];
        if (p->home.value[i] != i) node->value = g->node[p->home.value[i]].value;
        if (g->carries[i] && p->home.signal[i] != i) node->signal = g->node[p->home.signal[i]].signal;
    }
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; k < g->node[i].n_in; k++) {
            const fl_node *x = &g->node[g->node[i].in[k]];
            g->node[i].operand[k] = x->value;
            if (g->node[i].has_rest) g->node[i].operand_rest[k] = x->rest;
        }
    g->packing_work = p->work[g->count];
    for (int i = 0; i < p->plan->n_wrt; i++) {           /* what the root does not depend on has a signal of zeros */
        fl_node *node = &g->node[p->plan->wrt[i]];
        const int64_t count = fl_shape_count(node->shape);
        if (node->signal) continue;
        node->signal = FL_NEW(g->arena, real, count);
        if (!node->signal) return false;
        g->bytes_values += (size_t)count * sizeof(real);
    }
    return true;
}
