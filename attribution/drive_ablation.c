/* drive_ablation.c: Ablation-CAM (Desai and Ramaswamy 2020): how much of the score goes when a channel of a layer is taken away.
 *
 *   m = relu( sum_k [(s - s_k) / |s|] A_k ),    s_k: the score with channel k of the layer set to 0 at all places and frames
 *
 * The paper divides by s, which turns every sign round where a logit is negative. Only what lies above the layer is computed again. */
#include "attribution/explainer.h"

#include <math.h>
#include <string.h>

typedef struct ablation { fl_shape s; int64_t count; real *a; double *without; bool *changed; } ablation;

static fl_status drop_channels(fl_run *r, const ablation *l)
{
    real *value = fl_graph_value(r->g, r->wrt);
    for (int k = 0; k < l->s.c; k += r->batch) {
        const int rows = l->s.c - k < r->batch ? l->s.c - k : r->batch;
        for (int row = 0; row < rows; row++) {
            real *to = value + row * l->count;
            memcpy(to, l->a, (size_t)l->count * sizeof *to);
            for (int64_t p = k + row; p < l->count; p += l->s.c) to[p] = 0;
        }
        fl_graph_forward_above(r->g, r->wrt, l->changed);
        if (!l->changed[r->end.node])
            return fl_error_set(r->g->error, FL_USAGE, "%s: the score does not depend on node '%s'", r->method->name,
                                r->g->node[r->wrt].name);
        for (int row = 0; row < rows; row++) l->without[k + row] = fl_run_score(r, row);
        if (fl_run_count(r, rows)) return r->g->error->status;
    }
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    ablation l = {.s = r->g->node[r->wrt].shape};
    l.s.n = 1;
    l.count = fl_shape_count(l.s);
    l.a = FL_NEW(r->scratch, real, l.count);
    l.changed = FL_NEW(r->scratch, bool, r->g->count);
    l.without = fl_run_doubles(r, l.s.c);
    if (!l.a || !l.changed || !l.without) return fl_run_no_memory(r);
    for (int row = 1; row < r->batch; row++) memcpy(fl_run_row(r, row), r->x, (size_t)r->voxels * sizeof(real));
    if (r->batch > 1) fl_graph_forward(r->g);            /* what lies beside the layer is the clip's in every row */
    memcpy(l.a, fl_run_value(r, 0), (size_t)l.count * sizeof *l.a);
    const double score = fl_run_score(r, 0), size = fabs(score) > 0 ? fabs(score) : 1;
    r->total += l.s.c;
    if (drop_channels(r, &l)) return r->g->error->status;
    for (int k = 0; k < l.s.c; k++) l.without[k] = (score - l.without[k]) / size;          /* from here on the channel's weight */
    fl_run_weigh_channels(r, l.s, l.a, l.without, fl_shape_pixels(l.s), r->o.signed_cam);
    return FL_OK;
}

const fl_driver fl_drive_ablation = {.name = "ablation", .uses = {FL_READS(layer) | FL_READS(signed_cam)}, .run = run, .keeps_all = true};
