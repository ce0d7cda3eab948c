/* convolution.c: lesson: one value of the network's first convolution, product by product.
 *
 *   y[o,t,h,w] = b[o] + sum over c,kt,kh,kw of  x[c, t s - lo + kt d, ..] * w[o,c,kt,kh,kw] */
#include "io/cli/lesson/lecture.h"

#include "autograd/naive.h"

#include <math.h>
#include <string.h>

typedef struct view {                    /* of one value */
    const fl_node *node;
    const real *x, *w;
    fl_window win;
    int o, at[3], first, channels, products;     /* first: channel that it looks at */
    double sizes;                        /* of the products, added up */
} view;

/* In the middle of the thing, where that is known; there, the strongest channel. */
static void choose(const fl_lecture *l, view *v)
{
    const fl_shape y = v->node->shape, clip = l->s.input.shape;
    const int t = l->made ? (l->made->truth.begin + l->made->truth.end) / 2 : clip.t / 2;
    const fl_box b = l->boxes ? l->boxes->box[t] : (fl_box){0, 0, clip.w, clip.h};
    const int middle[3] = {t * y.t / clip.t, (b.y0 + b.y1) / 2 * y.h / clip.h, (b.x0 + b.x1) / 2 * y.w / clip.w};
    memcpy(v->at, middle, sizeof middle);
    for (int o = 0; o < y.c; o++)
        if (fabs((double)v->node->value[fl_at(y, 0, o, v->at[0], v->at[1], v->at[2])]) >
            fabs((double)v->node->value[fl_at(y, 0, v->o, v->at[0], v->at[1], v->at[2])])) v->o = o;
    v->first = v->o / (y.c / v->node->attr.conv.groups) * v->channels;
}

/* x and w of a tap; false outside the clip. */
static bool tap(const view *v, int c, int kt, int kh, int kw, double *x, double *weight)
{
    const fl_shape s = v->node->in_shape[0];
    const int k[3] = {kt, kh, kw}, side[3] = {s.t, s.h, s.w};
    int p[3];
    *x = 0;
    *weight = (double)v->w[fl_at(v->node->in_shape[1], v->o, c, kt, kh, kw)];
    for (int a = 0; a < 3; a++) {
        p[a] = v->at[a] * v->win.s[a] - v->win.lo[a] + k[a] * v->win.d[a];
        if (p[a] < 0 || p[a] >= side[a]) return false;
    }
    *x = (double)v->x[fl_at(s, 0, v->first + c, p[0], p[1], p[2])];
    return true;
}

/* The products of one frame of the kernel and one channel; their sizes are added up. */
static double part(view *v, int c, int kt)
{
    double sum = 0, x, w;
    for (int kh = 0; kh < v->win.k[1]; kh++)
        for (int kw = 0; kw < v->win.k[2]; kw++) {
            if (!tap(v, c, kt, kh, kw, &x, &w)) continue;
            sum += x * w;
            v->sizes += fabs(x * w);
        }
    return sum;
}

static void show_taps(fl_lecture *l, const view *v, int kt)
{
    if (v->win.k[2] > 3) return;
    fl_lecture_show(l, "%-26s %-26s %s", "x, channel 0", "w", "x * w");
    for (int kh = 0; kh < v->win.k[1]; kh++) {
        char row[3][40] = {"", "", ""};
        for (int kw = 0; kw < v->win.k[2]; kw++) {
            double x, w;
            tap(v, 0, kt, kh, kw, &x, &w);
            const double n[3] = {x, w, x * w};
            for (int i = 0; i < 3; i++) snprintf(row[i] + strlen(row[i]), sizeof row[i] - strlen(row[i]), "%8.4f", n[i]);
        }
        fl_lecture_show(l, "%-26s %-26s %s", row[0], row[1], row[2]);
    }
}

static double show_parts(fl_lecture *l, view *v)
{
    const int shown = v->channels < 4 ? v->channels : 4;
    double sum = 0;
    fl_lecture_say(l, "The same for all channels and frames: sums of %d products each.", v->win.k[1] * v->win.k[2]);
    char row[160] = "";
    for (int c = 0; c < shown; c++) snprintf(row + strlen(row), sizeof row - strlen(row), "  channel %d", c);
    fl_lecture_show(l, "%-15s%s         sum", "kernel's frame", row);
    for (int kt = 0; kt < v->win.k[0]; kt++) {
        double frame = 0;
        *row = 0;
        for (int c = 0; c < v->channels; c++) {
            const double p = part(v, c, kt);
            frame += p;
            if (c < shown) snprintf(row + strlen(row), sizeof row - strlen(row), " %10.6f", p);
        }
        fl_lecture_show(l, "%15d%s%s  %10.6f", kt, row, shown < v->channels ? " .." : "", frame);
        sum += frame;
    }
    return sum;
}

static void by_hand(fl_lecture *l, view *v)
{
    const fl_node *n = v->node;
    const double y = (double)n->value[fl_at(n->shape, 0, v->o, v->at[0], v->at[1], v->at[2])];
    const double bias = n->n_in == 3 ? (double)n->operand[2][v->o] : 0;
    const int from = v->at[0] * v->win.s[0] - v->win.lo[0];
    fl_lecture_say(l, "'%s' has kernels of %d frames x %d rows x %d columns for each of %d channels. The value of its output channel %d in "
                   "frame %d, row %d, column %d looks at frames %d to %d, and is a sum of %d products. Those of the kernel's frame %d with "
                   "the first channel:", n->name, v->win.k[0], v->win.k[1], v->win.k[2], v->channels, v->o, v->at[0], v->at[1], v->at[2],
                   from, from + (v->win.k[0] - 1) * v->win.d[0], v->products, v->win.k[0] / 2);
    show_taps(l, v, v->win.k[0] / 2);
    const double sum = show_parts(l, v) + bias;
    if (n->n_in == 3) fl_lecture_show(l, "and the bias %.6f", bias);
    fl_lecture_same(l, "the sum by hand = the value that the library computed", sum, y,
                    fl_lecture_rounding(v->products + 1, v->sizes + fabs(bias)),
                    fl_arena_text(l->cli->arena, "rounding in " FL_REAL_NAME ": %d products, whose sizes add up to %.4g",
                                  v->products, v->sizes));
}

/* Other values, everywhere in the layer, by the definition of the op (autograd/naive.c), one at a time. */
static void elsewhere(fl_lecture *l, const view *v)
{
    enum { SAMPLES = 256 };
    const fl_node *n = v->node;
    const int64_t count = fl_shape_count(n->shape);
    double worst = 0, sizes = 0;
    real low, high;
    for (int k = 0; k < SAMPLES; k++) {
        const int64_t i = (int64_t)((double)count * fl_rng_uniform(l->cli->seed, 6, (uint64_t)k));
        worst = fmax(worst, fabs(fl_naive_at(n, n->operand, i) - (double)n->value[i]));
    }
    fl_min_max(v->x, fl_shape_count(n->in_shape[0]), &low, &high);
    for (int o = 0; o < n->shape.c; o++) sizes = fmax(sizes, fl_sum_sizes(v->w + (int64_t)o * v->products, v->products));
    sizes *= fmax(fabs((double)low), fabs((double)high));
    fl_lecture_say(l, "One value proves little. The layer has %lld, and %d of them, taken at random, are computed once more "
                   "from the definition.", (long long)count, SAMPLES);
    fl_lecture_small(l, "these values by the definition = those of the library: largest difference", worst,
                     fl_lecture_rounding(v->products + 1, sizes),
                     "rounding, of the largest values with the largest weights that could have met");
}

static fl_status give(fl_lecture *l)
{
    view v = {.o = 0};
    if (fl_lecture_walk(l, &l->s.net.input, 1) != FL_OK || !(v.node = fl_lecture_convolution(l))) return l->cli->error->status;
    v.x = v.node->operand[0];
    v.w = v.node->operand[1];
    v.win = v.node->attr.conv.win;
    v.channels = v.node->in_shape[1].c;
    v.products = v.channels * v.win.k[0] * v.win.k[1] * v.win.k[2];
    choose(l, &v);
    by_hand(l, &v);
    elsewhere(l, &v);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_convolution = {
    "convolution", "one value in time and space, number by number",
    "A convolution looks at a small box of the clip, a few frames long, and multiplies every value in it with a weight of its own. The sum "
    "is one value of the next layer. The same weights look at every place and every moment. Most of a video network is this and nothing "
    "else.",
    "y[o,t,h,w] = b[o] + sum over c,kt,kh,kw of\n"
    "                    x[c, t s - p + kt, h s - p + kh, w s - p + kw] * w[o,c,kt,kh,kw]\n"
    "s: stride, p: padding; what lies outside the clip counts as 0",
    "autograd/ops/conv.c for the formula, tensor/conv.h for the order of the sum, autograd/naive.c for the same once more",
    "demo --model c3d_small",
    "The value above looks at three frames. At how many frames does a value of the next layer look, and one of the last? "
    "(footlight inspect says so under 'sees'.)", give};
