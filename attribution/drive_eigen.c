/* drive_eigen.c: Eigen-CAM (Muhammad 2020): activations A (places x K) of a layer seen along their strongest direction.
 *
 *   A = U S V',   m = A v1;   v1 by power iteration on A'A, in double, from the sum of the places. No class, no gradient.
 *
 * The sign of v1 is free: the one is taken whose map has a positive sum. */
#include "attribution/driver.h"

#include "tensor/par.h"

#include <math.h>

enum { MOST_ROUNDS = 1000 };
static const double ENOUGH = 1e-15;                      /* distance of two rounds */

static void project(fl_shape s, const real *a, const double *v, double *m)
{
    FL_PARALLEL(p, fl_shape_pixels(s), 2 * fl_shape_count(s)) {
        double sum = 0;
        for (int k = 0; k < s.c; k++) sum += (double)a[p * s.c + k] * v[k];
        m[p] = sum;
    }
}

static void project_back(fl_shape s, const real *a, const double *m, double *v)
{
    const int64_t places = fl_shape_pixels(s);
    FL_PARALLEL(k, s.c, 2 * fl_shape_count(s)) {
        double sum = 0;
        for (int64_t p = 0; p < places; p++) sum += (double)a[p * s.c + k] * m[p];
        v[k] = sum;
    }
}

static double normalise(double *v, int n)
{
    double square = 0;
    for (int k = 0; k < n; k++) square += v[k] * v[k];
    const double length = sqrt(square);
    for (int k = 0; k < n && length > 0; k++) v[k] /= length;
    return length;
}

static fl_status run(fl_run *r)
{
    fl_shape s = r->g->node[r->wrt].shape;
    s.n = 1;
    const real *a = fl_run_value(r, 0);
    const int64_t places = fl_shape_pixels(s);
    double *v = fl_run_doubles(r, s.c), *next = fl_run_doubles(r, s.c), *m = fl_run_doubles(r, places);
    if (!v || !next || !m) return r->g->error->status;
    for (int64_t p = 0; p < places; p++) m[p] = 1;
    project_back(s, a, m, v);
    if (normalise(v, s.c) == 0) v[0] = 1;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        project(s, a, v, m);
        project_back(s, a, m, next);
        if (normalise(next, s.c) == 0) break;            /* no activation at all: a map of zeros */
        double square = 0;
        for (int k = 0; k < s.c; k++) {
            square += (next[k] - v[k]) * (next[k] - v[k]);
            v[k] = next[k];
        }
        if (square < ENOUGH * ENOUGH) break;
    }
    project(s, a, v, m);
    double sum = 0;
    for (int64_t p = 0; p < places; p++) sum += m[p];
    for (int64_t p = 0; p < places; p++) r->map->data[p] = (real)(sum < 0 ? -m[p] : m[p]);
    return FL_OK;
}

const fl_driver fl_drive_eigen = {.name = "eigen", .uses = {FL_READS(layer)}, .run = run};
