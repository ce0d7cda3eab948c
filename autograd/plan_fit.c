/* plan_fit.c: where the arena's limit is short, values are computed again on the way down, and then weights are packed when they are used,
 * the largest first: slower, the same bits. */
#include "autograd/packings.h"
#include "autograd/planner.h"
#include "autograd/rules.h"

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

/* What reads values after the way up, and not node by node on the way down: references, and sums of weighted sums. */
static bool can_recompute(const fl_graph *g, const fl_plan *plan)
{
    bool can = g->rules && !g->rules->set->reference && !g->exact && plan->keep == FL_KEEP_FOR_BACKWARD && plan->n_wrt > 0;
    for (fl_id i = 0; can && i < g->count; i++) can = !g->rules->rule[i] || g->rules->rule[i]->kind != FL_RULE_JOINT;
    return can;
}

/* Places everything, values in so many segments. Returns the bytes of all; p->slab: as place_buffers. */
static size_t measure(fl_planner *p, int segments)
{
    fl_graph *g = p->g;
    if (g->segment) {
        fl_planner_find_uses(p);
        fl_recompute_mark(g, segments, FL_FOREVER, &p->life);
    }
    fl_packings_list(g, p->passing, p->settled, NULL);
    p->slab = fl_planner_place(p);
    return g->bytes_values + g->bytes_packed + g->bytes_scratch;
}

/* The fewest segments whose plan fits; where none does, those whose plan is the smallest. least: bytes of the plan that is not cut. */
static int cut(fl_planner *p, size_t least, size_t fits)
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
fl_status fl_planner_fit(fl_planner *p, size_t *bytes)
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
