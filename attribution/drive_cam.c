/* drive_cam.c: activations A_k (K,T',H',W') of a layer, weighted by the gradient G = ds/dA (Selvaraju et al. 2017).
 *
 *   global           m = relu( sum_k mean_{t,h,w}(G_k) A_k )             3-D networks
 *   per_frame        m_t = relu( sum_k mean_{h,w}(G_k,t) A_k,t )         the study; 2-D networks on every frame */
#include "attribution/driver.h"

#include "tensor/par.h"

/* weight[t*K + k]: one row of K for all frames, or one per frame. */
static void pool_gradient(fl_shape s, const real *g, bool per_frame, double *weight)
{
    const int64_t frame = (int64_t)s.h * s.w;
    for (int64_t p = 0; p < s.t * frame; p++) {
        double *row = weight + (per_frame ? p / frame * s.c : 0);
        for (int k = 0; k < s.c; k++) row[k] += (double)g[p * s.c + k];
    }
    const int64_t rows = per_frame ? s.t : 1, pooled = per_frame ? frame : s.t * frame;
    for (int64_t i = 0; i < rows * s.c; i++) weight[i] /= (double)pooled;
}

static void weigh(fl_shape s, const real *a, const double *weight, bool per_frame, bool keep_negative, real *m)
{
    const int64_t frame = (int64_t)s.h * s.w;
    FL_PARALLEL(p, s.t * frame, 2 * fl_shape_count(s)) {
        const double *row = weight + (per_frame ? p / frame * s.c : 0);
        double sum = 0;
        for (int k = 0; k < s.c; k++) sum += row[k] * (double)a[p * s.c + k];
        m[p] = (real)(sum > 0 || keep_negative ? sum : 0.0);
    }
}

static fl_status run(fl_run *r)
{
    fl_shape s = r->g->node[r->wrt].shape;
    const bool per_frame = r->o.pooling == FL_CAM_PER_FRAME;
    s.n = 1;
    fl_run_backward(r, 1);
    double *weight = fl_run_doubles(r, (int64_t)s.t * s.c);
    if (!weight) return r->g->error->status;
    pool_gradient(s, fl_run_signal(r, 0), per_frame, weight);
    weigh(s, fl_run_value(r, 0), weight, per_frame, r->o.signed_cam, r->map->data);
    return FL_OK;
}

const fl_driver fl_drive_cam = {
    .name = "cam",
    .uses = {[FL_CAM_MEAN_GRADIENT] = FL_USES_LAYER},
    .run = run
};
