/* flow_round.c: one round of TV-L1: threshold, primal step, dual step (formulas in flow.h).
 *
 * The dual row y - 1 follows the primal row y: then u is new in both rows that its gradient needs, and p is still old
 * in both rows that the divergence of row y needed. So a round is one walk through memory. The change is summed per
 * column, which vectorises, and then over columns in double: one fixed order. */
#include "tensor/flow_parts.h"

#include <math.h>

#ifdef FL_F64
#define root sqrt
#else
#define root sqrtf
#endif

static void primal_row(const fl_flow_level *l, int64_t at, real theta, real most)
{
    const int64_t pitch = l->pitch;
    const real *gx = l->g[0] + at, *gy = l->g[1] + at, *inverse = l->inverse + at, *rest = l->rest + at;
    const real *px = l->p[0][0] + at, *py = l->p[0][1] + at, *qx = l->p[1][0] + at, *qy = l->p[1][1] + at;
    real *restrict u = l->u[0] + at, *restrict v = l->u[1] + at, *restrict change = l->change;
    for (int x = 0; x < l->width; x++) {
        real k = -(rest[x] + gx[x] * u[x] + gy[x] * v[x]) * inverse[x];
        k = k < most ? k : most;
        k = k > -most ? k : -most;
        const real du = k * gx[x] + theta * (px[x] - px[x - 1] + py[x] - py[x - pitch]);
        const real dv = k * gy[x] + theta * (qx[x] - qx[x - 1] + qy[x] - qy[x - pitch]);
        u[x] += du;
        v[x] += dv;
        change[x] += du * du + dv * dv;
    }
    u[l->width] = u[l->width - 1];
    v[l->width] = v[l->width - 1];
}

static void dual_row(const fl_flow_level *l, int k, int64_t at, real rate)
{
    const int64_t pitch = l->pitch;
    const real *u = l->u[k] + at;
    real *restrict px = l->p[k][0] + at, *restrict py = l->p[k][1] + at;
    for (int x = 0; x < l->width; x++) {
        const real ux = rate * (u[x + 1] - u[x]), uy = rate * (u[x + pitch] - u[x]);
        const real shrink = 1 / (1 + root(ux * ux + uy * uy));
        px[x] = (px[x] + ux) * shrink;
        py[x] = (py[x] + uy) * shrink;
    }
}

void fl_flow_close(const fl_flow_level *l, real *plane)
{
    for (int y = 0; y < l->height; y++) plane[fl_flow_at(l, y, l->width)] = plane[fl_flow_at(l, y, l->width - 1)];
    for (int x = 0; x < l->width; x++) plane[fl_flow_at(l, l->height, x)] = plane[fl_flow_at(l, l->height - 1, x)];
}

double fl_flow_round(const fl_flow_level *l, const fl_flow_params *p)
{
    const real theta = (real)p->theta, rate = (real)(p->tau / p->theta), most = (real)(p->lambda * p->theta);
    for (int x = 0; x < l->width; x++) l->change[x] = 0;
    for (int y = 0; y < l->height; y++) {
        primal_row(l, fl_flow_at(l, y, 0), theta, most);
        for (int k = 0; k < 2 && y > 0; k++) dual_row(l, k, fl_flow_at(l, y - 1, 0), rate);
    }
    for (int k = 0; k < 2; k++) {
        fl_flow_close(l, l->u[k]);
        dual_row(l, k, fl_flow_at(l, l->height - 1, 0), rate);
    }
    double sum = 0;
    for (int x = 0; x < l->width; x++) sum += (double)l->change[x];
    return sum / ((double)l->height * l->width);
}
