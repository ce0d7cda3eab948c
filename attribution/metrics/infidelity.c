/* infidelity.c: does the map foretell what a change does? Yeh et al. 2019, arXiv:1901.09392, equation 1.
 *
 *   infidelity          E (s - d)^2         s = sum of a over a random box, d = f(x) - f(x with the box hidden)
 *   infidelity_scaled   E (beta s - d)^2    beta = E(s d) / E(s^2), so that the map's scale does not count (their section 4)
 *
 * a: what each place adds to the score f (a global attribution in their words: the change is counted in parts of x - b). Boxes: each
 * side uniform from 1 to a quarter of the clip's (rounded up), each place equally likely. A zero map has beta 0. */
#include "attribution/metrics/trial.h"

#include "tensor/math.h"
#include "tensor/rng.h"

#include <string.h>

enum { PLAIN, SCALED, STREAM = 0x49000000 };

typedef struct hiding { fl_substrate substrate; uint64_t seed; bool *shown; } hiding;

static fl_region box_of(fl_shape s, uint64_t seed, int k)
{
    const int side[3] = {s.t, s.h, s.w};
    fl_region b;
    for (int a = 0; a < 3; a++) {
        const uint64_t index = 6 * (uint64_t)k + 2 * (uint64_t)a;
        const int length = 1 + fl_rng_below(seed, STREAM, index, (side[a] + 3) / 4);
        b.lo[a] = fl_rng_below(seed, STREAM, index + 1, side[a] - length + 1);
        b.hi[a] = b.lo[a] + length;
    }
    return b;
}

static fl_region where(void *user, int k)
{
    const hiding *h = user;
    return box_of(h->substrate.shape, h->seed, k);
}

static void hide(void *user, int k, real *clip)
{
    const hiding *h = user;
    const fl_shape s = h->substrate.shape;
    const fl_region b = where(user, k);
    for (int64_t i = 0; i < fl_shape_pixels(s); i++) h->shown[i] = true;
    for (int t = b.lo[0]; t < b.hi[0]; t++)
        for (int y = b.lo[1]; y < b.hi[1]; y++)
            memset(h->shown + ((int64_t)t * s.h + y) * s.w + b.lo[2], 0, (size_t)(b.hi[2] - b.lo[2]) * sizeof(bool));
    fl_substrate_apply(&h->substrate, h->shown, &b, clip);
}

static double inside(fl_shape s, const double *a, fl_region b)
{
    double sum = 0;
    for (int t = b.lo[0]; t < b.hi[0]; t++)
        for (int y = b.lo[1]; y < b.hi[1]; y++)
            for (int x = b.lo[2]; x < b.hi[2]; x++) sum += a[((int64_t)t * s.h + y) * s.w + x];
    return sum;
}

fl_status fl_score_infidelity(fl_trial *t, fl_measure *m)
{
    const int n = t->o.trials;
    const double *a = fl_trial_signed(t);
    double *d = fl_trial_doubles(t, n), *s = fl_trial_doubles(t, n), whole, sd = 0, ss = 0, square = 0;
    hiding h = {.seed = t->o.seed, .shown = FL_NEW(t->scratch, bool, t->voxels)};
    if (!a || !d || !s || !h.shown || fl_trial_substrate(t, &h.substrate) ||
        fl_trial_passes(t, &(fl_passes){FL_READ_SCORE, n, where, hide, &h}, d, &whole))
        return t->error->status;
    for (int k = 0; k < n; k++) {
        s[k] = inside(t->map_shape, a, box_of(t->map_shape, h.seed, k));
        d[k] = whole - d[k];
        sd += s[k] * d[k];
        ss += s[k] * s[k];
    }
    const double beta = t->metric->variant == PLAIN ? 1 : ss > 0 ? sd / ss : 0;
    m->value = 0;
    for (int k = 0; k < n; k++) {
        const double off = beta * s[k] - d[k], e = off * off;
        m->value += e / n;
        square += e * e / n;
    }
    const double variance = square - m->value * m->value;
    m->error = sqrt((variance > 0 ? variance : 0) / (n - 1));
    return FL_OK;
}
