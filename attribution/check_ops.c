/* check_ops.c: every op that the network uses, against its definition, its transpose and its slope (autograd/opcheck.h): on the
 * op's own examples, which are small and awkward, and at every node of the network, with the values that it has there. */
#include "attribution/checker.h"

#include "autograd/gradcheck.h"
#include "autograd/opcheck.h"

#include <math.h>
#include <string.h>

static const char GROUP[] = "ops";

typedef enum measure { VALUE, ADJOINT, SLOPE, MEASURES } measure;
static const char *const measure_name[] = {"forward = definition", "transpose <Jv,g> = <v,J'g>", "slope = differences of the definition"};
static const char ROUNDING[] = "rounding of a sum of n products: units in the last place times 1 + sqrt(n)";

/* The worst of many nodes, as a part of each one's own bound. */
typedef struct tally {
    double worst, bound, share;          /* of the worst: figure, bound, figure / bound */
    int64_t compared;
    int nodes;
    const char *where;
} tally;

static bool is_worse(double share, double than) { return isnan(share) || (!isnan(than) && share >= than); }

static void add(tally *t, const fl_opcheck *r, double bound, const char *where)
{
    const double share = r->worst / bound;
    t->compared += r->checked;
    if (t->nodes++ && !is_worse(share, t->share)) return;
    t->worst = r->worst, t->bound = bound, t->share = share, t->where = where;
}

static double slope_bound(void) { return FL_REAL_EPSILON > 1e-10 ? 1e-6 : 1e-9; }

/* All three on one node. False: memory. */
static bool measure_node(const fl_node *node, const real *const in[], const real *y, int samples, fl_arena *a, tally t[MEASURES],
                         const char *where)
{
    fl_opcheck r;
    fl_opcheck_value(node, in, y, samples, 3, &r);
    add(&t[VALUE], &r, fl_opcheck_bound(node), where);
    for (int k = 0; k < node->n_in; k++) {
        if (!fl_opcheck_affine(node, k)) continue;
        if (!fl_opcheck_adjoint(node, in, k, 5, a, &r)) return false;
        add(&t[ADJOINT], &r, fl_opcheck_bound(node), where);
    }
    if (!(node->op->flags & FL_MAP)) return true;
    if (!fl_opcheck_slope(node, in, samples, 7, a, &r)) return false;
    add(&t[SLOPE], &r, slope_bound(), where);
    return true;
}

static void say(fl_checker *c, const char *op, const char *place, const tally t[MEASURES])
{
    for (int m = 0; m < MEASURES; m++)
        if (t[m].nodes)
            fl_report_figure(c, (fl_finding){.group = GROUP, .name = fl_arena_text(c->arena, "%s, %s: %s", op, place, measure_name[m]),
                                             .figure = t[m].worst, .bound = t[m].bound, .compared = t[m].compared, .unit = "values",
                                             .where = t[m].where, .bound_from = m == SLOPE ? "rounding of one element" : ROUNDING});
}

/* ---- examples ---- */

typedef struct differences { double worst; int examples; int64_t checked; const char *where; } differences;

static void differentiate(fl_graph *g, const fl_node *node, const char *where, differences *d)
{
    fl_gradcheck r;
    const fl_gradcheck_options o = {.samples = 12, .seed = 3};
    if (node->op->flags & FL_STOP || fl_gradcheck_run(g, node->in, node->n_in, &o, &r)) return;
    const double worst = r.worst > r.directional || isnan(r.worst) ? r.worst : r.directional;
    d->checked += r.checked;
    if (d->examples++ && !is_worse(worst, d->worst)) return;
    d->worst = worst;
    d->where = where;
}

/* False after the last example, or without memory. */
static bool check_example(fl_checker *c, const fl_op *op, int which, tally t[MEASURES], differences *d)
{
    fl_arena a;
    fl_error error = {0};
    fl_rng rng = {11, (uint64_t)which, 0};
    fl_arena_init(&a, &error);
    fl_graph *g = fl_graph_new(&a);
    const fl_id y = g ? op->example(g, &rng, which) : FL_NONE;
    bool more = y != FL_NONE;
    if (more && g->node[y].n_in) {
        const fl_node *node = &g->node[y];
        const char *where = fl_arena_text(c->arena, "example %d", which);
        if (c->o->fault && c->o->fault->kind == op->kind) fl_fault_inject(c->o->fault, g);
        more = fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &y, .n_out = 1, .root = y, .wrt = node->in,
                                           .n_wrt = node->n_in}) == FL_OK;
        if (more) fl_graph_forward(g);
        more = more && measure_node(node, node->operand, node->value, 1 << 20, &a, t, where);
        if (more) differentiate(g, node, where, d);
    }
    if (!more && error.status != FL_OK) fl_error_set(c->arena->error, error.status, "%s example %d: %s", op->name, which, error.message);
    fl_arena_free(&a);
    return more;
}

static fl_status check_examples(fl_checker *c, const fl_op *op)
{
    tally t[MEASURES] = {0};
    differences d = {0};
    for (int which = 0; check_example(c, op, which, t, &d);) which++;
    if (c->arena->error->status != FL_OK) return c->arena->error->status;
    say(c, op->name, "examples", t);
    if (d.examples)
        fl_report_figure(c, (fl_finding){.group = GROUP,
                                         .name = fl_arena_text(c->arena, "%s, examples: gradient = finite differences", op->name),
                                         .figure = d.worst, .bound = FL_REAL_EPSILON > 1e-10 ? 2e-3 : 1e-9, .compared = d.checked,
                                         .unit = "elements", .where = d.where,
                                         .bound_from = "five points: rounding / h and h^4 meet there"});
    return FL_OK;
}

/* ---- the network's own nodes ---- */

typedef struct visit { fl_checker *c; tally t[FL_OPS][MEASURES]; bool failed; } visit;

static void see(fl_graph *g, fl_id i, void *user)
{
    visit *v = user;
    const fl_node *node = &g->node[i];
    if (!v->failed)
        v->failed = !measure_node(node, node->operand, node->value, v->c->o->samples, v->c->arena, v->t[node->op->kind], node->name);
}

fl_status fl_check_ops(fl_checker *c)
{
    fl_explainer *e = c->e;
    visit *v = FL_NEW(c->arena, visit, 1);
    if (!v) return c->arena->error->status;
    v->c = c;
    bool used[FL_OPS] = {false};
    for (fl_id i = 0; i < e->g->count; i++)
        if (e->g->computed[i] && e->g->node[i].role == FL_COMPUTED) used[e->g->node[i].op->kind] = true;
    for (int kind = 0; kind < FL_OPS; kind++)
        if (used[kind] && check_examples(c, fl_op_table[kind])) return c->arena->error->status;
    const fl_watch watch = {.value = see, .user = v};
    memcpy(fl_graph_value(e->g, e->net.input), c->clip, (size_t)c->voxels * sizeof(real));
    e->g->watch = &watch;
    fl_graph_forward(e->g);
    e->g->watch = NULL;
    if (v->failed) return c->arena->error->status;
    for (int kind = 0; kind < FL_OPS; kind++) say(c, fl_op_table[kind]->name, "network", v->t[kind]);
    return FL_OK;
}
