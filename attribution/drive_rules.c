/* drive_rules.c: one walk down by a rule set (rule.h) instead of the gradient.
 *
 *   signal           a = what arrives: excitation, relevance, modified gradient; at a layer, its sum over channels
 *   clamped          the same, max(a, 0) at the end: contrastive excitation
 *   difference       a = m (x - b), m the multipliers that arrive; the rules compare the clip x with the baseline b
 *   expected         the mean of that over baselines that are drawn: DeepLIFT-SHAP (Lundberg and Lee 2017)
 *
 * Where the signal is shared out, the ledger says what biases and stabilisers kept. */
#include "attribution/baseline.h"
#include "attribution/explainer.h"

#include "tensor/par.h"

#include <math.h>
#include <string.h>

/* The network sees the baseline, remembers it, and sees the clip again. y0: what it says of the baseline. */
static fl_status compare(fl_run *r, const real *baseline, real *y0)
{
    memcpy(fl_run_row(r, 0), baseline, (size_t)r->voxels * sizeof(real));
    if (fl_run_forward(r, 1)) return r->g->error->status;
    r->map->baseline_score = fl_run_score(r, 0);
    memcpy(y0, fl_explainer_row(r->e, r->end.node, 0), (size_t)r->end.count * sizeof *y0);
    fl_graph_remember(r->g);
    memcpy(fl_run_row(r, 0), r->x, (size_t)r->voxels * sizeof(real));
    return fl_run_forward(r, 1);
}

static void sum_channels(fl_shape s, const real *signal, bool clamp, real *a)
{
    FL_PARALLEL(p, fl_shape_pixels(s), fl_shape_count(s)) {
        double sum = 0;
        for (int c = 0; c < s.c; c++) sum += (double)signal[p * s.c + c];
        a[p] = (real)(sum > 0 || !clamp ? sum : 0.0);
    }
}

static void weigh(fl_run *r, double wanted, double sum)
{
    fl_map *m = r->map;
    m->absorbed = fl_graph_absorbed(r->g);
    m->sum = sum;
    m->wanted = wanted;
    m->residual = fabs(m->sum + m->absorbed - m->wanted) / (fabs(m->wanted) + 1e-12);
}

static fl_status differences(fl_run *r)
{
    const bool drawn = r->method->variant == FL_RULES_EXPECTED;
    const int n = drawn ? r->o.samples : 1;
    real *b = FL_NEW(r->scratch, real, drawn ? r->voxels : 0), *y0 = FL_NEW(r->scratch, real, r->end.count);
    double *sum = fl_run_doubles(r, r->voxels), scores = 0;
    if (!b || !y0 || !sum) return fl_run_no_memory(r);
    for (int k = 0; k < n; k++) {
        const real *from = drawn ? b : r->baseline;
        if ((drawn && fl_baselines_draw(r, k, b)) || compare(r, from, y0)) return r->g->error->status;
        scores += r->map->baseline_score;
        fl_run_compare(r, y0);
        const real *signal = fl_run_signal(r, 0);
        FL_EACH(i, r->voxels) sum[i] += ((double)r->x[i] - (double)from[i]) * (double)signal[i];
    }
    r->map->baseline_score = scores / n;
    fl_round(r->voxels, 1.0 / n, sum, r->map->data);
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    fl_map *m = r->map;
    fl_shape s = r->g->node[r->wrt].shape;
    s.n = 1;
    if (r->rules->reference) return differences(r);
    const double wanted = fl_run_start(r);
    const real *signal = fl_run_signal(r, 0);
    if (r->method->level == FL_LEVEL_LAYER)
        sum_channels(s, signal, r->method->variant == FL_RULES_CLAMPED && !r->o.signed_cam, m->data);
    else memcpy(m->data, signal, (size_t)r->voxels * sizeof(real));
    if (r->method->law == FL_LAW_CONSERVES || r->method->law == FL_LAW_SUMS_TO_ONE)
        weigh(r, wanted, fl_sum(signal, fl_shape_count(s)));
    return FL_OK;
}

const fl_driver fl_drive_rules = {
    .name = "rules",
    .uses = {[FL_RULES_SIGNAL] = 0, [FL_RULES_DIFFERENCE] = FL_READS_BASELINE,
             [FL_RULES_EXPECTED] = FL_READS_BASELINE | FL_READS(samples) | FL_READS(seed), [FL_RULES_CLAMPED] = FL_READS(signed_cam)},
    .run = run
};
