/* naive_masks.c: the ops of masks from their definitions: full sorts, no tables. */
#include "autograd/naive_rows.h"

#include "tensor/math.h"

#include <stdlib.h>

/* ---- smoothmax: every tap of the window of the study's section 5.1 ---- */

static int radius(const fl_node *node) { return 1 + (int)ceil(node->attr.smoothmax.sigma / node->attr.smoothmax.step); }
static int padding(const fl_node *node)
{
    return 1 + (int)ceil((node->attr.smoothmax.margin + node->attr.smoothmax.sigma) / node->attr.smoothmax.step);
}

static fl_shape smoothmax_shape(const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    const int s = node->attr.smoothmax.step, more = 2 * padding(node) - 2 * radius(node);
    return (fl_shape){x.n, 1, x.t, s * (x.h + more) - s + 1, s * (x.w + more) - s + 1};
}

static double smoothmax(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w)
{
    const int s = node->attr.smoothmax.step, m = node->attr.smoothmax.margin, r = radius(node), p = padding(node);
    const double sigma = node->attr.smoothmax.sigma, cold = node->attr.smoothmax.cold;
    double top = 0, bottom = 0;
    for (int i = 0; i <= 2 * r; i++)
        for (int j = 0; j <= 2 * r; j++) {
            const int gy = h / s + i - p, gx = w / s + j - p;
            const double dy = h - m - s * gy, dx = w - m - s * gx, z = fmax(sqrt(dy * dy + dx * dx) / sigma - 0.5, 0);
            const bool there = gy >= 0 && gx >= 0 && gy < node->in_shape[0].h && gx < node->in_shape[0].w;
            const double v = there ? fl_exp64(-2 * z * z) * spread(node, in, 0, n, c, t, gy, gx) : 0;
            top += v * fl_exp64(cold * v);
            bottom += fl_exp64(cold * v);
        }
    return top / bottom;
}

/* ---- vecnorm: sort, compare, average ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static fl_shape vecnorm_shape(const fl_node *node) { return (fl_shape){node->in_shape[0].n, 1, 1, 1, 1}; }

static double group(const fl_node *node, const real *const in[], int n, int first, int frames)
{
    enum { MOST = 256 };
    const fl_shape s = node->in_shape[0];
    double v[MOST] = {0}, low = 0, high = 0;
    int count = 0;
    for (int t = first; t < first + frames; t++)
        for (int h = 0; h < s.h; h++)
            for (int w = 0; w < s.w; w++)
                for (int c = 0; c < s.c; c++) v[count++] = spread(node, in, 0, n, c, t, h, w);
    qsort(v, (size_t)count, sizeof *v, ascending);
    const double wanted = floor(spread(node, in, 1, n, 0, 0, 0, 0) + 0.5);
    const int ones = wanted < 0 ? 0 : wanted > count ? count : (int)wanted;
    for (int i = 0; i < count; i++) {
        if (i < count - ones) low += v[i] * v[i];
        else high += (v[i] - 1) * (v[i] - 1);
    }
    if (!node->attr.vecnorm.parted) return (low + high) / count;
    return (ones < count ? low / (count - ones) : 0) + (ones ? high / ones : 0);
}

static double vecnorm(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w)
{
    (void)c, (void)t, (void)h, (void)w;
    const int frames = node->in_shape[0].t;
    if (!node->attr.vecnorm.frames) return group(node, in, n, 0, frames);
    double sum = 0;
    for (int f = 0; f < frames; f++) sum += group(node, in, n, f, 1) / frames;
    return sum;
}

/* ---- pyramid ---- */

static fl_shape pyramid_shape(const fl_node *node)
{
    const fl_shape x = node->in_shape[0], m = node->in_shape[1];
    return (fl_shape){m.n, x.c / node->attr.pyramid.levels, m.t, m.h, m.w};
}

static double pyramid(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w)
{
    const int last = node->attr.pyramid.levels - 1, channels = node->in_shape[0].c / (last + 1);
    const double u = fmin(fmax(spread(node, in, 1, n, 0, t, h, w), 0), 1) * last;
    const int k = (int)floor(u), next = k < last ? k + 1 : k;
    const double low = spread(node, in, 0, n, k * channels + c, t, h, w), high = spread(node, in, 0, n, next * channels + c, t, h, w);
    return (1 - (u - k)) * low + (u - k) * high;
}

/* ---- jitter ---- */

static double jitter(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w)
{
    const fl_shape s = node->in_shape[0];
    const double dy = spread(node, in, 1, n, 0, 0, 0, 0), dx = spread(node, in, 1, n, 1, 0, 0, 0);
    if (spread(node, in, 1, n, 2, 0, 0, 0) > 0.5) w = s.w - 1 - w;
    const double y = fmin(fmax(floor(h + dy + 0.5), 0), s.h - 1), x = fmin(fmax(floor(w + dx + 0.5), 0), s.w - 1);
    return spread(node, in, 0, n, c, t, (int)y, (int)x);
}

/* ---- variation ---- */

static fl_shape variation_shape(const fl_node *node) { return (fl_shape){node->in_shape[0].n, 1, 1, 1, 1}; }

static double variation(const fl_node *node, const real *const in[], int n, int c_, int t_, int h_, int w_)
{
    (void)c_, (void)t_, (void)h_, (void)w_;
    const fl_shape s = node->in_shape[0];
    const double *weight = node->attr.variation.weight;
    double sum = 0;
    for (int c = 0; c < s.c; c++)
        for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++) {
                    const double x = spread(node, in, 0, n, c, t, h, w);
                    const double d[3] = {t + 1 < s.t ? spread(node, in, 0, n, c, t + 1, h, w) - x : 0,
                                         h + 1 < s.h ? spread(node, in, 0, n, c, t, h + 1, w) - x : 0,
                                         w + 1 < s.w ? spread(node, in, 0, n, c, t, h, w + 1) - x : 0};
                    double here = 0;
                    for (int a = 0; a < 3; a++)
                        here += weight[a] * (node->n_in > 1 ? spread(node, in, 1, n, a, t, h, w) : 1) * d[a] * d[a];
                    sum += here == 0 ? 0 : fl_pow64(here, node->attr.variation.beta / 2);
                }
    return sum;
}

/* ---- freeze and reverse ---- */

static fl_shape freeze_shape(const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    return (fl_shape){node->in_shape[1].n, x.c, x.t, x.h, x.w};
}

static double freeze(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w)
{
    const double x = spread(node, in, 0, n, c, t, h, w), m = spread(node, in, 1, n, 0, t, 0, 0);
    return t ? (1 - m) * x + m * freeze(node, in, n, c, t - 1, h, w) : x;
}

static double reverse(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w)
{
    const int frames = node->in_shape[0].t;
    for (int a = 0; a < frames; a++) {                   /* all runs, one after the other */
        int b = a;
        while (b < frames && spread(node, in, 1, n, 0, b, 0, 0) > node->attr.reverse.above) b++;
        if (a <= t && t < b) {
            const int other = a + b - 1 - t, first = t < other ? t : other;
            const double m = spread(node, in, 1, n, 0, first, 0, 0), x = spread(node, in, 0, n, c, t, h, w);
            return other == t ? x : (1 - m) * x + m * spread(node, in, 0, n, c, other, h, w);
        }
        if (b > a) a = b;
    }
    return spread(node, in, 0, n, c, t, h, w);
}

ROW(smoothmax, smoothmax_shape, smoothmax, 0)
ROW(vecnorm, vecnorm_shape, vecnorm, 0)
ROW(pyramid, pyramid_shape, pyramid, 1)                  /* levels, for a given mask */
ROW(jitter, same, jitter, 1)
ROW(variation, variation_shape, variation, 0)
ROW(freeze, freeze_shape, freeze, 1)
ROW(reverse, freeze_shape, reverse, 1)
