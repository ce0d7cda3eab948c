/* check_laws.c: what the sum of a map must be, method by method, and where on the way down it is kept or lost.
 *
 *   law        |sum of the map + absorbed - wanted| over the larger of |wanted| and a hundredth of the sum of |map|
 *   ledger     at every node: what it handed on, by transposes, and what its rule's forward terms say is due
 *              (autograd/rules_audit.c), apart by at most rounding of the sizes that were summed; the worst node is named */
#include "attribution/checker.h"

#include <math.h>
#include <string.h>

static bool in_f64(void) { return FL_REAL_EPSILON < 1e-10; }

/* Exact laws are off by rounding of signals that cancel; a path by what is left of its integral. */
static double law_bound(const fl_method *m)
{
    if (m->driver == &fl_drive_guided_path) return 0.25;             /* by design it makes 4 % of the way on one gradient */
    if (m->law == FL_LAW_COMPLETE && !m->defaults.rules) return 0.05;
    return in_f64() ? 1e-8 : 1e-3;
}

static double sum_of_sizes(const fl_map *m)
{
    double sum = 0;
    for (int64_t i = 0; i < fl_shape_count(m->shape); i++) sum += fabs((double)m->data[i]);
    return sum;
}

static double law_gap(const fl_map *m)
{
    const double absorbed = isnan(m->absorbed) ? 0 : m->absorbed, scale = fmax(fabs(m->wanted), 0.01 * sum_of_sizes(m));
    return scale > 0 ? fabs(m->sum + absorbed - m->wanted) / scale : 0;
}

/* A path may want more steps than its default: then the gap must close as they grow,
 * and the moves with them that are made on one gradient. */
static void check_steps(fl_checker *c, const fl_method *method, const char *name, const fl_map *few)
{
    const int n = 4 * few->options.steps;
    const double gap = law_gap(few);
    fl_map m;
    if (!fl_checker_map(c, "laws", name, method->name,
                        (fl_explain_options){.steps = n, .max_distance = few->options.max_distance / 4, .seed = 1}, &m))
        return;
    const bool met = law_gap(&m) <= law_bound(method);
    const char *moves = method->driver == &fl_drive_guided_path ? " and moves of a quarter" : "";
    fl_report_figure(c, (fl_finding){.group = "laws",
                                     .name = met ? name : fl_arena_text(c->arena, "%s: gap closes with steps", method->name),
                                     .figure = met ? law_gap(&m) : law_gap(&m) / gap, .bound = met ? law_bound(method) : 0.75,
                                     .compared = fl_shape_count(m.shape), .unit = "values",
                                     .where = fl_arena_text(c->arena, "gap %.2g with %d steps, %.2g with %d%s",
                                                            gap, few->options.steps, law_gap(&m), n, moves),
                                     .bound_from = met ? "a path of finitely many steps across kinks"
                                                       : "four times the steps leave three quarters of the gap at most"});
}

static void check_law(fl_checker *c, const fl_method *method, const fl_map *m)
{
    const char *name = fl_arena_text(c->arena, "%s: %s", method->name, fl_law_name[method->law]);
    const bool path = !method->defaults.rules && m->options.steps > 0;
    if (path && !(law_gap(m) <= law_bound(method))) check_steps(c, method, name, m);
    else
        fl_report_figure(c, (fl_finding){.group = "laws", .name = name, .figure = law_gap(m), .bound = law_bound(method),
                                         .compared = fl_shape_count(m->shape), .unit = "values",
                                         .bound_from = path ? "a path of finitely many steps across kinks"
                                                            : "rounding of signals that cancel"});
}

static void check_ledger(fl_checker *c, const fl_method *method)
{
    const fl_graph *g = c->e->g;
    double worst = 0;
    int nodes = 0, promised = 0;
    const char *where = "";
    for (fl_id i = 0; i < g->count; i++) {
        if (!g->carries[i]) continue;
        const fl_ledger l = fl_graph_ledger(g, i);
        nodes++;
        if (isnan(l.due)) continue;
        const double off = fabs(l.handed_on - l.due) / fmax(l.size, 1e-30);
        promised++;
        if (isnan(worst) || off <= worst) continue;
        worst = off;
        where = g->node[i].name;
    }
    fl_report_figure(c, (fl_finding){.group = "laws", .name = fl_arena_text(c->arena, "%s: ledger of every node", method->name),
                                     .figure = worst, .bound = in_f64() ? 1e-10 : 1e-4, .compared = promised,
                                     .unit = promised == nodes ? "nodes, all" : "nodes that promise a sum", .where = where,
                                     .bound_from = "rounding, over the sizes that were summed"});
}

void fl_checker_audit(const fl_explainer *e, bool on)
{
    e->whole_g->audit = on;
    if (e->fold) e->fold->g->audit = on;
}

/* A plan that was made without the audit has no room for it. */
static void check_method(fl_checker *c, const fl_method *method)
{
    const bool shares = method->defaults.rules && method->law != FL_LAW_COMPLETE;
    const fl_mark mark = fl_arena_mark(c->arena);
    const char *name = fl_arena_text(c->arena, "%s: %s", method->name, fl_law_name[method->law]);
    fl_map m;
    if (shares && method->defaults.rules->fold) fl_explainer_fold(c->e, true);
    fl_checker_audit(c->e, shares);
    if (fl_checker_map(c, "laws", name, method->name, (fl_explain_options){.seed = 1}, &m)) {
        check_law(c, method, &m);
        if (shares) check_ledger(c, method);
    }
    fl_checker_audit(c->e, false);
    fl_arena_release(c->arena, mark);
}

fl_status fl_check_laws(fl_checker *c)
{
    for (const fl_method *m = fl_method_table; m->name; m++) {
        if (m->law == FL_LAW_NONE) continue;
        check_method(c, m);
        if (c->e->g->error->status != FL_OK) return c->e->g->error->status;
        if (c->arena->error->status != FL_OK) return c->arena->error->status;
    }
    return FL_OK;
}
