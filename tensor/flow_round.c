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

/* Rows come as separate arrays, so that the compiler knows that they do not overlap and makes vectors of them. */

/* How far along its gradient g each pixel of a row wants to go: d - u = k g. */
static void threshold(int width, real most, const real *restrict inverse, const real *restrict rest,
                      const real *restrict gx, const real *restrict gy, const real *restrict u,
                      const real *restrict v, real *restrict k)
{
    for (int x = 0; x < width; x++) {
        const real wish = -(rest[x] + gx[x] * u[x] + gy[x] * v[x]) * inverse[x];
        const real cut = wish < most ? wish : most;
        k[x] = cut > -most ? cut : -most;
    }
}

static void primal_row(int width, int64_t pitch, real theta, const real *restrict k, const real *restrict g,
                       const real *restrict px, const real *restrict py, real *restrict u, real *restrict change)
{
    for (int x = 0; x < width; x++) {
        const real du = k[x] * g[x] + theta * (px[x] - px[x - 1] + py[x] - py[x - pitch]);
        u[x] += du;
        change[x] += du * du;
    }
    u[width] = u[width - 1];
}

static void dual_row(int width, int64_t pitch, real rate, const real *restrict u, real *restrict px,
                     real *restrict py)
{
    for (int x = 0; x < width; x++) {
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
        const int64_t at = fl_flow_at(l, y, 0), above = at - l->pitch;
        threshold(l->width, most, l->inverse + at, l->rest + at, l->g[0] + at, l->g[1] + at, l->u[0] + at,
                  l->u[1] + at, l->k);
        for (int i = 0; i < 2; i++) {
            real *const *q = l->p[i];
            primal_row(l->width, l->pitch, theta, l->k, l->g[i] + at, q[0] + at, q[1] + at, l->u[i] + at, l->change);
            if (y > 0) dual_row(l->width, l->pitch, rate, l->u[i] + above, q[0] + above, q[1] + above);
        }
    }
    for (int i = 0; i < 2; i++) {
        const int64_t at = fl_flow_at(l, l->height - 1, 0);
        fl_flow_close(l, l->u[i]);
        dual_row(l->width, l->pitch, rate, l->u[i] + at, l->p[i][0] + at, l->p[i][1] + at);
    }
    double sum = 0;
    for (int x = 0; x < l->width; x++) sum += (double)l->change[x];
    return sum / ((double)l->height * l->width);
}
