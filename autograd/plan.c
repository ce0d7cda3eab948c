/* plan.c: which buffer lives when.
 *
 * Time runs 0 .. 2n-1: node i is computed at time i and its vjp runs at time 2n-1-i. A value is born at i and
 * dies with its last reader; a signal is born at the vjp of its last consumer and dies at its own node's.
 * Buffers that never live together may share memory (slab.h).
 *
 * plan_lives.c finds who reads what until when, plan_place.c makes buffers of that, plan_fit.c keeps them within a limit. */
#include "autograd/packings.h"
#include "autograd/planner.h"
#include "autograd/remainder.h"
#include "autograd/rules.h"

static void check_plan(const fl_graph *g, const fl_plan *plan)
{
    for (int i = 0; i < plan->n_out; i++) fl_assert(plan->out[i] >= 0 && plan->out[i] < g->count);
    for (int i = 0; i < plan->n_wrt; i++) fl_assert(plan->wrt[i] >= 0 && plan->wrt[i] < g->count);
    fl_assert(!plan->n_wrt || (plan->root >= 0 && plan->root < g->count));
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

static bool allocate(fl_planner *p)
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
static fl_status join(fl_planner *p)
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
    fl_planner_find_uses(p);
    fl_fuse_down(g, p->signals, &p->home);
    fl_fuse_values(g, p->wanted, p->life.last, &p->home);
    return FL_OK;
}

/* Everything gets its place, in one piece: it ends in a page, not in several. */
static fl_status settle_down(fl_planner *p, size_t bytes)
{
    fl_graph *g = p->g;
    fl_packings_wake(g, p->wanted, p->settled, p->life.kept);
    if (g->error->status) return g->error->status;
    const size_t whole = bytes - (fl_planner_own_work(g) ? 0 : g->bytes_scratch);
    if (g->rules) fl_arena_trim(g->arena);               /* two large pieces: what another plan has left would seldom serve both */
    real *memory = FL_NEW(g->arena, real, whole / sizeof(real));
    if (!memory || !fl_planner_hand_out(p, memory)) return g->error->status;
    g->spill = memory + p->slab;
    fl_packings_list(g, p->passing, p->settled, memory + (whole - g->bytes_packed) / sizeof(real));
    g->stale = true;
    return fl_planner_scratch(g) ? fl_rules_place(g) : g->error->status;
}

fl_status fl_graph_plan(fl_graph *g, const fl_plan *plan)
{
    if (!fl_graph_ok(g)) return g ? g->error->status : FL_FAILED;
    check_plan(g, plan);
    fl_planner p = {.g = g, .plan = plan};
    size_t bytes = 0;
    begin(g, plan);
    if (!allocate(&p)) return g->error->status;
    for (int i = 0; i < plan->n_wrt; i++) p.signals[plan->wrt[i]] = true;
    fl_planner_mark(&p);
    if (fl_rules_match(g, plan) || join(&p)) return g->error->status;
    if (!plan->forecast && fl_rules_count(g)) return g->error->status;
    if (fl_planner_fit(&p, &bytes)) return g->error->status;
    return plan->forecast ? forget(g) : settle_down(&p, bytes);
}
