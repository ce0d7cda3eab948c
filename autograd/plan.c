/* plan.c: which buffer lives when.
 *
 * Time runs 0 .. 2n-1: node i is computed at time i and its vjp runs at time 2n-1-i. A value is born at i and
 * dies with its last reader; a signal is born at the vjp of its last consumer and dies at its own node's.
 * Buffers that never live together may share memory (slab.h). */
#include "autograd/fuse.h"
#include "autograd/packings.h"
#include "autograd/recompute.h"
#include "autograd/remainder.h"
#include "autograd/rules.h"
#include "autograd/slab.h"

#include "tensor/par.h"

#include <string.h>

enum { FOREVER = 1 << 30 };

typedef struct planner {
    fl_graph *g;
    const fl_plan *plan;
    bool *wanted;              /* fl_plan.out and the root: values that survive */
    bool *signals;             /* fl_plan.wrt: signals that survive */
    real **notes;              /* of each node, or NULL */
    real **work;               /* of each node: scratch of its own, where it lies among values and signals (has_own_work) */
    fl_homes home;
    bool *passing;             /* parameters that are packed whenever they are used */
    fl_lives life;             /* of the value of each node */
    int *rest_use;             /* last use of its remainder */
    bool settled;              /* fl_packings_settle */
    fl_buffer *list, **room;
    int count;
    int64_t slab;              /* its length, in reals */
} planner;

static bool stops(const fl_node *node) { return (node->op->flags & FL_STOP) != 0; }

static int backward_time(const fl_graph *g, fl_id i) { return 2 * g->count - 1 - i; }

/* computed: ancestors of what is read or differentiated. carries: on a path from something wanted up to the root. */
static void mark_nodes(planner *p)
{
    fl_graph *g = p->g;
    for (int i = 0; i < p->plan->n_out; i++) g->computed[p->plan->out[i]] = p->wanted[p->plan->out[i]] = true;
    if (g->root != FL_NONE) {
        g->computed[g->root] = p->wanted[g->root] = true;
        for (int i = 0; i < p->plan->n_wrt; i++) g->carries[p->plan->wrt[i]] = true;
        for (fl_id i = 0; i <= g->root; i++)
            for (int k = 0; k < g->node[i].n_in && !stops(&g->node[i]); k++) g->carries[i] |= g->carries[g->node[i].in[k]];
        bool *above = p->wanted + g->count;              /* ancestors of the root that its signal reaches */
        above[g->root] = true;
        for (fl_id i = g->root; i >= 0; i--)
            for (int k = 0; above[i] && k < g->node[i].n_in && !stops(&g->node[i]); k++) above[g->node[i].in[k]] = true;
        for (fl_id i = 0; i < g->count; i++) g->carries[i] &= above[i];
    }
    for (fl_id i = g->count - 1; i >= 0; i--)
        for (int k = 0; g->computed[i] && k < g->node[i].n_in; k++) g->computed[g->node[i].in[k]] = true;
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        node->spared = 0;
        for (int k = 0; k < node->n_in && k < FL_SPARED; k++)
            if (!g->carries[i] || !g->carries[node->in[k]]) node->spared |= 1u << k;
    }
}

/* Whether the backward walk reads the value of operand k at node i. */
static bool vjp_reads(const fl_graph *g, fl_id i, int k)
{
    const fl_node *node = &g->node[i];
    if (!g->carries[i] || (k == 0 && node->noted)) return false;
    if (g->rules && g->rules->rule[i]) return k == 1 && node->op->flags & FL_WEIGHTED ? true : (fl_rules_reads(g, i) & FL_READS_IN) != 0;
    if (!(node->op->flags & FL_WEIGHTED)) return (node->op->flags & FL_READS_IN) != 0;
    return k == 1 ? g->carries[node->in[0]] : k == 0 && g->carries[node->in[1]];
}

static bool result_is_read(const fl_graph *g, fl_id i)
{
    const unsigned reads = g->rules && g->rules->rule[i] ? fl_rules_reads(g, i) : g->node[i].op->flags;
    return (reads & FL_READS_OUT) != 0 && !g->node[i].noted;
}

static void later(int *use, int time)
{
    if (*use < time) *use = time;
}

/* Readers come in ascending order, so the last of them on the way up is the first on the way down. */
static void find_uses(planner *p)
{
    fl_graph *g = p->g;
    const fl_lives *v = &p->life;
    const size_t bytes = (size_t)g->count * sizeof(int);
    memset(v->last, 0, bytes), memset(v->up, 0, bytes), memset(v->down, 0, bytes), memset(v->again, 0, bytes);
    memset(p->rest_use, 0, bytes);
    for (fl_id i = 0; i < g->count; i++) {
        const int now = fl_fuse_time(g, i), back = backward_time(g, i);
        if (!g->computed[i]) continue;
        later(&v->last[i], now), later(&v->up[i], now);
        for (int k = 0; k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            later(&v->last[x], now), later(&v->up[x], now);
            if (g->node[i].has_rest) later(&p->rest_use[x], now);
            if (!vjp_reads(g, i, k)) continue;
            later(&v->last[x], back);
            v->down[x] = back;
        }
        if (g->carries[i] && result_is_read(g, i)) v->last[i] = v->down[i] = back;
        if (p->wanted[i] || p->plan->keep == FL_KEEP_ALL) p->life.last[i] = FOREVER;
        p->rest_use[i] = p->plan->keep == FL_KEEP_ALL ? FOREVER : now;
    }
}

static void add_buffer(planner *p, real **to, int64_t count, int birth, int death)
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
        if (i == g->root) first[i] = backward_time(g, i);
        for (int k = 0; k < g->node[i].n_in; k++) {
            const fl_id x = g->node[i].in[k];
            if (!g->carries[x]) continue;
            if (first[x] && !goes_through_spill(g, i, k)) continue;
            if (first[x]) spill = spill > fl_shape_count(g->node[x].shape) ? spill : fl_shape_count(g->node[x].shape);
            else first[x] = backward_time(g, i);
        }
    }
    return spill;
}

/* A buffer dies with the last of those who share it. */
static int last_death(const planner *p, fl_id owner)
{
    int death = 0;
    for (fl_id i = 0; i <= owner; i++) {
        if (p->home.signal[i] != owner || !p->g->carries[i]) continue;
        const int own = p->signals[i] || p->plan->keep == FL_KEEP_ALL ? FOREVER : backward_time(p->g, i);
        if (own > death) death = own;
    }
    return death;
}

static void add_signal(planner *p, fl_id i, int birth)
{
    if (p->home.signal[i] == i) add_buffer(p, &p->g->node[i].signal, fl_shape_count(p->g->node[i].shape), birth, last_death(p, i));
}

static int value_death(const planner *p, fl_id owner)
{
    int death = 0;
    for (fl_id i = owner; i < p->g->count; i++)
        if (p->home.value[i] == owner && p->life.last[i] > death) death = p->life.last[i];
    return death;
}

/* On a way up and down that nobody else walks a node's scratch is one more buffer, alive while the node runs: where values are
 * largest kernels want little. */
static bool has_own_work(const fl_graph *g) { return g->root != FL_NONE && !g->parts; }

static int64_t reals_of(size_t bytes) { return (int64_t)((bytes + sizeof(real) - 1) / sizeof(real)); }

static void add_work(planner *p, fl_id i)
{
    const fl_node *node = &p->g->node[i];
    if (!node->op->scratch) return;
    add_buffer(p, &p->work[i], reals_of(node->op->scratch(node)), i, i);
    fl_buffer *b = &p->list[p->count - 1];
    if (p->g->carries[i]) b->again = b->end = backward_time(p->g, i);
}

/* What node i leaves when its turn comes: the value of itself, or of the head of its chain; its remainder; notes. */
static void add_value(planner *p, fl_id at)
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
    if (node->noted) add_buffer(p, &p->notes[i], (bytes + unit - 1) / unit, at, backward_time(g, i));
}

/* Buffers in the order of birth: values and notes upwards, then signals downwards; work: with every node's own scratch. Returns the
 * room for spilled signals, -1 without memory. */
static int64_t list_buffers(planner *p, bool work)
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
            if (!g->carries[x] || first[x] != backward_time(g, i)) continue;
            add_signal(p, x, first[x]);
            first[x] = 0;                                /* listed: x may be the next operand as well */
        }
    }
    fl_arena_release(g->arena, mark);
    return spill;
}

/* What callers keep beside a plan: some arrays of the size of the clip. */
static size_t room_beside(const fl_graph *g)
{
    enum { ARRAYS = 4 };
    int64_t most = 0;
    for (fl_id i = 0; i < g->count; i++)
        if (g->node[i].role == FL_INPUT && fl_shape_count(g->node[i].shape) > most) most = fl_shape_count(g->node[i].shape);
    return ARRAYS * (size_t)most * sizeof(real);
}

static fl_status say_least(const fl_graph *g, size_t bytes)
{
    const size_t least = fl_arena_charged(g->arena) + bytes + room_beside(g);
    return fl_error_set(g->error, FL_LIMIT, "memory: a plan of %zu bytes, %zu in use, pass the limit of %zu, though all weights are packed "
                        "when they are used%s: --mem %zuM is the least that would do", bytes, fl_arena_charged(g->arena),
                        fl_arena_charged(g->arena) + fl_arena_left(g->arena), g->segment ? " and values are computed again" : "",
                        (least >> 20) + 1);
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
static int64_t place_buffers(planner *p)
{
    fl_graph *g = p->g;
    int64_t spill = list_buffers(p, false);
    if (spill < 0) return -1;
    const int64_t values = fl_slab_place(p->list, p->count, p->room);
    int64_t slab = values;
    spill = (spill + 15) / 16 * 16;
    count_scratch(g);
    if (has_own_work(g)) {
        if (list_buffers(p, true) < 0) return -1;
        slab = fl_slab_place(p->list, p->count, p->room);
        g->bytes_scratch = slab > values ? (size_t)(slab - values) * sizeof(real) : 0;
    }
    g->bytes_values = (size_t)((slab < values ? slab : values) + spill) * sizeof(real);
    return slab;
}

static bool plan_scratch(fl_graph *g)
{
    g->threads = fl_threads();
    if (has_own_work(g)) return true;
    void *work = FL_NEW(g->arena, char, g->bytes_scratch);
    for (fl_id i = 0; i < g->count; i++) g->node[i].work = work;
    g->packing_work = work;
    return work != NULL;
}

static bool hand_out(planner *p, real *slab)
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

static void check_plan(const fl_graph *g, const fl_plan *plan)
{
    for (int i = 0; i < plan->n_out; i++) fl_assert(plan->out[i] >= 0 && plan->out[i] < g->count);
    for (int i = 0; i < plan->n_wrt; i++) fl_assert(plan->wrt[i] >= 0 && plan->wrt[i] < g->count);
    fl_assert(!plan->n_wrt || (plan->root >= 0 && plan->root < g->count));
}

/* What reads values after the way up, and not node by node on the way down: references, and sums of weighted sums. */
static bool can_recompute(const fl_graph *g, const fl_plan *plan)
{
    bool can = g->rules && !g->rules->set->reference && !g->exact && plan->keep == FL_KEEP_FOR_BACKWARD && plan->n_wrt > 0;
    for (fl_id i = 0; can && i < g->count; i++) can = !g->rules->rule[i] || g->rules->rule[i]->kind != FL_RULE_JOINT;
    return can;
}

/* Places everything, values in so many segments. Returns the bytes of all; p->slab: as place_buffers. */
static size_t measure(planner *p, int segments)
{
    fl_graph *g = p->g;
    if (g->segment) {
        find_uses(p);
        fl_recompute_mark(g, segments, FOREVER, &p->life);
    }
    fl_packings_list(g, p->passing, p->settled, NULL);
    p->slab = place_buffers(p);
    return g->bytes_values + g->bytes_packed + g->bytes_scratch;
}

/* The fewest segments whose plan fits; where none does, those whose plan is the smallest. least: bytes of the plan that is not cut. */
static int cut(planner *p, size_t least, size_t fits)
{
    enum { MOST = 64 };
    int best = 1;
    for (int n = 2; n <= MOST && least > fits; n += (n + 1) / 2) {
        const size_t bytes = measure(p, n);
        if (p->slab < 0) return best;
        if (bytes < least) least = bytes, best = n;
    }
    return best;
}

/* Places everything; where the arena's limit is short first values are computed again, then weights are packed when they are used. */
static fl_status fit(planner *p, size_t *bytes)
{
    fl_graph *g = p->g;
    if (can_recompute(g, p->plan) && !(g->segment = FL_NEW(g->arena, fl_id, g->count))) return g->error->status;
    const size_t left = fl_arena_left(g->arena), missing = g->bytes_rules + fl_packings_missing(g, p->wanted, p->settled, p->life.kept);
    const size_t beside = room_beside(g) + missing, fits = left > beside ? left - beside : 0;
    int segments = 1;
    *bytes = measure(p, segments);
    if (*bytes > fits && g->segment) {
        segments = cut(p, *bytes, fits);
        *bytes = measure(p, segments);
    }
    while (p->slab >= 0 && *bytes > fits && fl_packings_pass_largest(g, p->passing)) *bytes = measure(p, segments);
    if (p->slab < 0) return g->error->status;
    return *bytes + missing > left && !p->plan->forecast ? say_least(g, *bytes + missing) : FL_OK;
}

/* After a forecast nothing of the plan is there to be used. */
static fl_status forget(fl_graph *g)
{
    for (fl_id i = 0; i < g->count; i++) {
        g->node[i].packed[0] = g->node[i].packed[1] = NULL;
        g->computed[i] = g->carries[i] = false;
        g->node[i].spared = 0;
    }
    g->n_packs = 0;
    g->root = FL_NONE;
    return FL_OK;
}

static bool allocate(planner *p)
{
    fl_graph *g = p->g;
    const size_t n = (size_t)g->count + 1;
    fl_lives *v = &p->life;
    return (g->computed = FL_NEW(g->arena, bool, n)) && (g->carries = FL_NEW(g->arena, bool, n)) &&
           (g->arrived = FL_NEW(g->arena, int, n)) && (g->arrivals = FL_NEW(g->arena, int, n)) &&
           (g->packs_from = FL_NEW(g->arena, int, n)) &&
           (p->wanted = FL_NEW(g->arena, bool, 2 * n)) && (p->signals = FL_NEW(g->arena, bool, n)) &&
           (v->last = FL_NEW(g->arena, int, n)) && (v->up = FL_NEW(g->arena, int, n)) && (v->down = FL_NEW(g->arena, int, n)) &&
           (v->again = g->again = FL_NEW(g->arena, int, n)) && (v->kept = FL_NEW(g->arena, bool, n)) &&
           (p->rest_use = FL_NEW(g->arena, int, n)) && (p->home.value = FL_NEW(g->arena, fl_id, n)) &&
           (p->home.signal = FL_NEW(g->arena, fl_id, n)) && (p->notes = FL_NEW(g->arena, real *, n)) &&
           (p->work = FL_NEW(g->arena, real *, n)) && (p->passing = FL_NEW(g->arena, bool, n)) &&
           (p->list = FL_NEW(g->arena, fl_buffer, 5 * n)) && (p->room = FL_NEW(g->arena, fl_buffer *, 10 * n));
}

/* Nothing is left of a plan from before. */
static void begin(fl_graph *g, const fl_plan *plan)
{
    g->root = plan->n_wrt > 0 ? plan->root : FL_NONE;
    g->segment = NULL;
    g->passing = 0;
    g->bytes_rules = 0;
    g->keeps_all = plan->keep == FL_KEEP_ALL;
    g->fresh = false;
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        node->signal = node->reference = node->rest = NULL;
        node->has_rest = false;
        node->notes = NULL;
        node->into = node->head = node->beside = FL_NONE;
        node->noted = node->early = node->shut = false;
        node->n_variants = 0;
        if (node->role == FL_COMPUTED) node->value = NULL;
    }
}

/* Sums in the documented order. Few channels in training: the bits of the weights that are shipped do not depend on fast algorithms.
 * Weights whose rule divides by sums: where all products are 0 the sum must be 0, and theirs is a difference of rounded numbers. */
static bool is_direct(const fl_graph *g, fl_id i, bool trains)
{
    enum { FEW = 64 };
    const fl_node *node = &g->node[i];
    if (!(node->op->flags & FL_WEIGHTED)) return false;
    return fl_graph_rule(g, i) || (trains && (node->in_shape[0].c < FEW || node->shape.c < FEW));
}

/* Which kernels a node has, and what goes in one pass. */
static fl_status join(planner *p)
{
    fl_graph *g = p->g;
    const bool trains = fl_plan_trains(g, p->plan);
    for (fl_id i = 0; i < g->count; i++) {
        g->node[i].exact = g->exact;
        g->node[i].direct = is_direct(g, i, trains);
    }
    g->parts = p->plan->parts || p->plan->keep == FL_KEEP_ALL || g->rules || g->exact || trains;
    p->settled = fl_packings_settle(g, p->plan);
    if (!g->parts && fl_fuse_up(g, p->wanted)) return g->error->status;
    if (fl_remainder_mark(g)) return g->error->status;
    find_uses(p);
    fl_fuse_down(g, p->signals, &p->home);
    fl_fuse_values(g, p->wanted, p->life.last, &p->home);
    return FL_OK;
}

/* Everything gets its place, in one piece: it ends in a page, not in several. */
static fl_status settle_down(planner *p, size_t bytes)
{
    fl_graph *g = p->g;
    fl_packings_wake(g, p->wanted, p->settled, p->life.kept);
    if (g->error->status) return g->error->status;
    const size_t whole = bytes - (has_own_work(g) ? 0 : g->bytes_scratch);
    if (g->rules) fl_arena_trim(g->arena);               /* two large pieces: what another plan has left would seldom serve both */
    real *memory = FL_NEW(g->arena, real, whole / sizeof(real));
    if (!memory || !hand_out(p, memory)) return g->error->status;
    g->spill = memory + p->slab;
    fl_packings_list(g, p->passing, p->settled, memory + (whole - g->bytes_packed) / sizeof(real));
    g->stale = true;
    return plan_scratch(g) ? fl_rules_place(g) : g->error->status;
}

fl_status fl_graph_plan(fl_graph *g, const fl_plan *plan)
{
    if (!fl_graph_ok(g)) return g ? g->error->status : FL_FAILED;
    check_plan(g, plan);
    planner p = {.g = g, .plan = plan};
    size_t bytes = 0;
    begin(g, plan);
    if (!allocate(&p)) return g->error->status;
    for (int i = 0; i < plan->n_wrt; i++) p.signals[plan->wrt[i]] = true;
    mark_nodes(&p);
    if (fl_rules_match(g, plan) || join(&p)) return g->error->status;
    if (!plan->forecast && fl_rules_count(g)) return g->error->status;
    if (fit(&p, &bytes)) return g->error->status;
    return plan->forecast ? forget(g) : settle_down(&p, bytes);
}
