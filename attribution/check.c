/* check.c: all checks in their order. */
#include "attribution/checker.h"

#include "tensor/par.h"

#include <math.h>
#include <string.h>

fl_status fl_check_plan(fl_checker *c)
{
    fl_explainer *e = c->e;
    fl_target target = c->target;
    fl_end end;
    if (fl_explainer_fold(e, false) || fl_target_end(e->g, &e->net, &target, &end)) return e->g->error->status;
    const fl_demand demand = {.root = end.node, .wrt = e->net.input};
    const int threads = fl_threads();
    fl_threads_set(fl_checker_threads(c));                           /* scratch for as many as will be tried */
    const fl_status status = fl_explainer_plan(e, &demand);
    fl_threads_set(threads);
    return status;
}

/* ---- weights ---- */

static uint64_t hash_weights(const fl_graph *g)
{
    uint64_t hash = 0;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (node->role != FL_PARAM && node->role != FL_BUFFER) continue;
        hash = hash * 31 + fl_hash(fl_graph_value(g, i), (size_t)fl_shape_count(node->shape) * sizeof(real));
    }
    return hash;
}

static fl_status resolve(fl_checker *c)
{
    fl_end end;
    double *logits = FL_NEW(c->arena, double, c->e->classes);
    c->target = c->o->target;
    if (!logits || fl_explainer_predict(c->e, c->clip, logits, NULL)) return c->e->g->error->status;
    if (fl_target_end(c->e->g, &c->e->net, &c->target, &end)) return c->e->g->error->status;
    return fl_target_resolve(&c->target, c->e->classes, fl_explainer_row(c->e, end.node, 0), c->e->g->error);
}

static fl_status look_again(fl_checker *c, const double *before, uint64_t weights)
{
    double *after = FL_NEW(c->arena, double, c->e->classes);
    int differ = 0;
    if (!after || fl_explainer_predict(c->e, c->clip, NULL, after)) return c->e->g->error->status;
    for (int k = 0; k < c->e->classes; k++) differ += before[k] != after[k];
    fl_report_figure(c, (fl_finding){.group = "bits", .name = "the same clip after all of this", .figure = differ,
                                     .compared = c->e->classes, .unit = "probabilities", .bound_from = "bits"});
    fl_report_figure(c, (fl_finding){.group = "bits", .name = "weights untouched", .figure = hash_weights(c->e->whole_g) != weights,
                                     .compared = 1, .unit = "hash", .bound_from = "bits"});
    return FL_OK;
}

const char *const fl_check_group_name[] = {"ops", "network", "laws", "identities", NULL};

static bool wanted(const fl_checker *c, const char *group) { return !c->o->only || strcmp(c->o->only, group) == 0; }

static fl_status check_maps(fl_checker *c)
{
    if ((wanted(c, "laws") && fl_check_laws(c)) || (wanted(c, "identities") && fl_check_identities(c)))
        return c->e->g->error->status ? c->e->g->error->status : c->arena->error->status;
    return FL_OK;
}

static fl_status run(fl_checker *c)
{
    double *before = FL_NEW(c->arena, double, c->e->classes);
    const uint64_t weights = hash_weights(c->e->whole_g);
    c->macs = fl_checker_macs(c->e->whole_g) / c->e->batch;
    if (!before || resolve(c) || fl_explainer_predict(c->e, c->clip, NULL, before) || fl_check_plan(c) ||
        (wanted(c, "ops") && fl_check_ops(c)) || (wanted(c, "network") && fl_check_network(c)) ||
        ((wanted(c, "laws") || wanted(c, "identities")) && fl_check_smaller(c, check_maps)))
        return c->e->g->error->status ? c->e->g->error->status : c->arena->error->status;
    return look_again(c, before, weights);
}

fl_status fl_check_run(fl_explainer *e, const real *clip, const fl_check_options *o, fl_arena *scratch, int *failed)
{
    fl_check_options options = *o;
    fl_checker c = {.e = e, .o = &options, .clip = clip, .arena = scratch,
                    .voxels = fl_shape_count(fl_graph_shape(e->whole_g, e->whole.input)) / e->batch};
    if (options.samples < 1) options.samples = 64;
    if (options.large <= 0) options.large = 1.25e9;
    *failed = 0;
    const int struck = options.fault ? fl_checker_strike(e, options.fault) : 1;
    if (struck < 0) return e->whole_g->error->status;
    if (!struck)
        return fl_error_set(e->whole_g->error, FL_USAGE, "fault %s: this network has no node that it could strike (%s nodes)",
                            options.fault->name, fl_op_table[options.fault->kind]->name);
    e->plan = NULL;                                                  /* every op is looked at; scratch may be larger now */
    e->parts = true;
    const fl_status status = run(&c);
    e->plan = NULL;
    e->parts = false;
    *failed = c.failed;
    return status;
}
