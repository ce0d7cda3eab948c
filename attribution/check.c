/* check.c: all checks in their order, and what they share. */
#include "attribution/checker.h"

#include "tensor/par.h"

#include <math.h>
#include <string.h>

void fl_report_figure(fl_checker *c, fl_finding f)
{
    f.passed = f.figure <= f.bound && f.compared > 0;                /* never with a NaN, and never where nothing was looked at */
    if (!f.where) f.where = "";
    f.size = c->size;
    c->failed += !f.passed;
    c->o->found(&f, c->o->listener);
}

void fl_report_skipped(fl_checker *c, const char *group, const char *name, const char *why)
{
    const fl_finding f = {.group = group, .name = name, .figure = (double)NAN, .bound = (double)NAN, .where = "", .skipped = why,
                          .size = c->size, .unit = "", .bound_from = "", .passed = true};
    c->o->found(&f, c->o->listener);
}

double fl_relative_l2(const real *a, const real *b, int64_t n)
{
    double off = 0, all = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = (double)a[i] - (double)b[i];
        off += d * d;
        all += (double)b[i] * (double)b[i];
    }
    return sqrt(off / fmax(all, 1e-300));
}

/* What a method refuses (FL_USAGE) is no failure of the network. */
const real *fl_checker_map(fl_checker *c, const char *group, const char *name, const char *method, fl_explain_options o, fl_map *m)
{
    fl_error *err = c->e->g->error;
    o.target = c->target;
    if (fl_explain(c->e, fl_method_find(method), c->clip, &o, c->arena, m) == FL_OK) return m->data;
    if (err->status == FL_USAGE) {
        fl_report_skipped(c, group, name, fl_arena_text(c->arena, "%s", err->message));
        fl_error_clear(err);
    } else if (err->status == FL_FAILED && strstr(err->message, "value")) {              /* no numbers: that is a finding */
        fl_report_figure(c, (fl_finding){.group = group, .name = name, .figure = (double)NAN, .unit = "",
                                         .where = fl_arena_text(c->arena, "%s", err->message), .bound_from = "a map holds numbers"});
        fl_error_clear(err);
    }
    return NULL;
}

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

int fl_checker_strike(fl_explainer *e, const fl_fault *fault)
{
    if (fl_explainer_fold(e, true)) return -1;
    const int struck = fl_fault_inject(fault, e->whole_g);
    e->plan = NULL;                                                  /* of the right ops; the spoilt ones want passes of their own */
    e->parts = true;
    return struck >= 0 && e->fold->count && fl_fault_inject(fault, e->fold->g) < 0 ? -1 : struck;
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
