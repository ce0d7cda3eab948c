/* drive_cam.c: activations A_k (K,T',H',W') of a layer, weighted by the gradient G = ds/dA. Sums run over all places, or with
 * per_frame pooling (the study; 2-D networks on every frame) over the places of each frame.
 *
 *   mean gradient    m = relu( sum_k mean(G_k) A_k )                                      Grad-CAM (Selvaraju 2017)
 *   normalised       m = relu( sum_k [sum(G_k A_k) / sum(A_k)] A_k )                      XGrad-CAM (Fu 2020)
 *   plus plus        m = relu( sum_k sum(a_k max(G_k,0)) A_k ), a = G^2 / (2 G^2 + sum(A_k) G^3), 0 where G is 0
 *                                                                                          Grad-CAM++ (Chattopadhay 2018)
 *   product          m = sum_k G_k A_k, place by place                                     HiResCAM (Draelos 2020)
 *   positive         m = relu( sum_k max(G_k,0) A_k ), place by place                      Layer-CAM (Jiang 2021)
 *   head             m = sum_k w_k A_k, w the weights of a linear head behind a mean       CAM (Zhou 2016): then G_k = w_k / places */
#include "attribution/driver.h"

#include "tensor/par.h"

typedef struct layer { fl_shape s; const real *a, *g; int64_t pooled, pools; } layer;   /* places in a pool; pools */

/* One weight of channel k from the places of a pool. a, g: its first place. */
static double mean_gradient(const layer *l, const real *a, const real *g, int k)
{
    (void)a;
    double sum = 0;
    for (int64_t p = 0; p < l->pooled; p++) sum += (double)g[p * l->s.c + k];
    return sum / (double)l->pooled;
}

static double normalised(const layer *l, const real *a, const real *g, int k)
{
    double product = 0, sum = 0;
    for (int64_t p = 0; p < l->pooled; p++) {
        product += (double)g[p * l->s.c + k] * (double)a[p * l->s.c + k];
        sum += (double)a[p * l->s.c + k];
    }
    return product / (sum + 1e-7);
}

static double plus_plus(const layer *l, const real *a, const real *g, int k)
{
    double sum = 0, weight = 0;
    for (int64_t p = 0; p < l->pooled; p++) sum += (double)a[p * l->s.c + k];
    for (int64_t p = 0; p < l->pooled; p++) {
        const double d = (double)g[p * l->s.c + k], below = 2 * d * d + sum * d * d * d;
        if (d > 0 && below != 0) weight += d * d / below * d;
    }
    return weight;
}

static double (*const weight_of[FL_MAX_VARIANTS])(const layer *, const real *, const real *, int) = {
    [FL_CAM_MEAN_GRADIENT] = mean_gradient, [FL_CAM_NORMALISED] = normalised, [FL_CAM_PLUS_PLUS] = plus_plus};

/* weight[pool*K + k] */
static void weigh_channels(const layer *l, int variant, double *weight)
{
    FL_PARALLEL(i, l->pools * l->s.c, 4 * fl_shape_count(l->s)) {
        const int64_t first = i / l->s.c * l->pooled * l->s.c;
        weight[i] = weight_of[variant](l, l->a + first, l->g + first, (int)(i % l->s.c));
    }
}

static double clipped(double v, bool keep_negative) { return v > 0 || keep_negative ? v : 0; }

static void multiply_places(const layer *l, bool positive, bool keep_negative, real *m)
{
    FL_PARALLEL(p, fl_shape_pixels(l->s), 2 * fl_shape_count(l->s)) {
        double sum = 0;
        for (int k = 0; k < l->s.c; k++) {
            const double d = (double)l->g[p * l->s.c + k];
            sum += (positive && d < 0 ? 0 : d) * (double)l->a[p * l->s.c + k];
        }
        m[p] = (real)clipped(sum, keep_negative);
    }
}

/* Behind a mean over all places and one linear layer the gradient of a channel is the same everywhere. */
static fl_status head_weights(const fl_run *r, const layer *l, double *weight)
{
    const int64_t places = fl_shape_pixels(l->s);
    for (int k = 0; k < l->s.c; k++) {
        for (int64_t p = 1; p < places; p++)
            if (l->g[p * l->s.c + k] != l->g[k])
                return fl_error_set(r->g->error, FL_USAGE, "%s: needs a layer with nothing but a mean and one linear layer behind it, and "
                                    "'%s' has more: use grad_cam, or --layer", r->method->name, r->g->node[r->wrt].name);
        weight[k] = (double)l->g[k] * (double)places;
    }
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    fl_shape s = r->g->node[r->wrt].shape;
    const int variant = r->method->variant;
    const bool per_frame = r->o.pooling == FL_CAM_PER_FRAME && weight_of[variant], keep = r->o.signed_cam;
    s.n = 1;
    fl_run_backward(r, 1);
    const int64_t places = fl_shape_pixels(s);
    const layer l = {s, fl_run_value(r, 0), fl_run_signal(r, 0), per_frame ? places / s.t : places, per_frame ? s.t : 1};
    double *weight = fl_run_doubles(r, l.pools * s.c);
    if (!weight) return r->g->error->status;
    if (variant == FL_CAM_PRODUCT || variant == FL_CAM_POSITIVE) {
        multiply_places(&l, variant == FL_CAM_POSITIVE, keep || variant == FL_CAM_PRODUCT, r->map->data);
        return FL_OK;
    }
    if (variant == FL_CAM_HEAD && head_weights(r, &l, weight) != FL_OK) return r->g->error->status;
    if (variant != FL_CAM_HEAD) weigh_channels(&l, variant, weight);
    fl_run_weigh_channels(r, s, l.a, weight, l.pooled, keep || variant == FL_CAM_HEAD);
    return FL_OK;
}

const fl_driver fl_drive_cam = {
    .name = "cam",
    .uses = {[FL_CAM_MEAN_GRADIENT] = FL_READS(layer) | FL_READS(pooling) | FL_READS(signed_cam),
             [FL_CAM_NORMALISED] = FL_READS(layer) | FL_READS(pooling) | FL_READS(signed_cam),
             [FL_CAM_PLUS_PLUS] = FL_READS(layer) | FL_READS(pooling) | FL_READS(signed_cam),
             [FL_CAM_PRODUCT] = FL_READS(layer), [FL_CAM_POSITIVE] = FL_READS(layer) | FL_READS(signed_cam),
             [FL_CAM_HEAD] = FL_READS(layer)},
    .run = run
};
