/* checker.c: what all checks share: findings, a map to look at, the fault that is put in (checker.h). */
#include "attribution/checker.h"

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

int fl_checker_strike(fl_explainer *e, const fl_fault *fault)
{
    if (fl_explainer_fold(e, true)) return -1;
    const int struck = fl_fault_inject(fault, e->whole_g);
    e->plan = NULL;                                                  /* of the right ops; the spoilt ones want passes of their own */
    e->parts = true;
    return struck >= 0 && e->fold->count && fl_fault_inject(fault, e->fold->g) < 0 ? -1 : struck;
}
