/* gather.c: where gradients are added up, and how their sum goes on (gather.h). */
#include "attribution/gather.h"

#include "attribution/explainer.h"
#include "autograd/receptive.h"
#include "tensor/par.h"

#include <string.h>

/* Multiply-adds below, for each value that is added up: fewer cost less than the longer sum. */
#define WORTH 32.0

static int64_t per_row(const fl_run *r, fl_id id) { return fl_shape_count(fl_graph_shape(r->g, id)) / r->batch; }

static bool pays(const fl_run *r, fl_id end)
{
    double macs = 0;
    for (fl_id i = r->wrt + 1; i <= end; i++)
        if (r->g->carries[i]) macs += fl_node_macs(&r->g->node[i]);
    return macs >= WORTH * (double)fl_shape_count(fl_graph_shape(r->g, end));
}

fl_status fl_gather_begin(fl_gather *q, fl_run *r)
{
    const fl_id end = fl_graph_linear_end(r->g, r->wrt);
    *q = (fl_gather){.run = r, .at = pays(r, end) ? end : r->wrt};
    q->count = per_row(r, q->at);
    q->sum = fl_run_doubles(r, q->count > per_row(r, r->wrt) ? q->count : per_row(r, r->wrt));
    return q->sum ? FL_OK : r->g->error->status;
}

void fl_gather_backward(const fl_gather *q, int rows) { fl_run_backward_to(q->run, rows, q->at); }

const real *fl_gather_signal(const fl_gather *q, int row) { return fl_graph_signal(q->run->g, q->at) + row * q->count; }

void fl_gather_finish(const fl_gather *q)
{
    const fl_run *r = q->run;
    if (q->at == r->wrt) return;
    real *signal = fl_graph_signal(r->g, q->at);
    fl_round(q->count, 1, q->sum, signal);
    memset(signal + q->count, 0, (size_t)((r->batch - 1) * q->count) * sizeof *signal);
    fl_graph_backward_from(r->g, q->at);
    const real *below = fl_run_signal(r, 0);
    FL_EACH(i, per_row(r, r->wrt)) q->sum[i] = (double)below[i];
}
