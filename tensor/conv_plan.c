/* conv_plan.c: axes, phases and pixels that are computed together. */
#include "tensor/conv_plan.h"

#include <limits.h>

/* A plan is the same for all instruction sets: it thinks in AVX-512. */
enum { PREFERRED_WIDTH = 64 / (int)sizeof(real) };

static int ceil_div(int a, int b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }   /* b > 0 */

static int extent(fl_shape s, int i) { return *fl_shape_axis(&s, 2 + i); }           /* along t, h, w */

static int64_t reach(const fl_window *win, int axis) { return (int64_t)win->d[axis] * (win->k[axis] - 1) + 1; }
static int within_int(int64_t length) { return length < 0 || length > INT_MAX ? 0 : (int)length; }

int fl_window_extent(const fl_window *win, int axis, int length)
{
    const int64_t room = (int64_t)length + win->lo[axis] + win->hi[axis] - reach(win, axis);
    return room < 0 ? 0 : within_int(room / win->s[axis] + 1);
}

int fl_window_spread(const fl_window *win, int axis, int length)
{
    return within_int((int64_t)(length - 1) * win->s[axis] - win->lo[axis] - win->hi[axis] + reach(win, axis));
}

double fl_conv_flops(const fl_conv *c)
{
    const double taps = (double)c->win.k[0] * c->win.k[1] * c->win.k[2];
    const int channels = c->x.c / c->groups;
    return 2.0 * (double)fl_shape_count(c->y) * taps * channels;
}

bool fl_conv_is_depthwise(const fl_conv *c) { return c->groups > 1 && c->x.c == c->groups && c->y.c == c->groups; }

static bool trivial(const fl_window *win, int axis)
{
    return win->k[axis] == 1 && win->s[axis] == 1 && !win->lo[axis] && !win->hi[axis];
}

static bool fits(int a, int b) { return (int64_t)a * b < (int64_t)1 << 30; }

/* A kernel as large as the frame, as linear layers on top of frames are: one output per frame. */
static bool sees_frames(const fl_conv *c)
{
    const fl_window *win = &c->win;
    bool whole = c->groups == 1 && trivial(win, 0) && fits(c->x.n, c->x.t) && fits(c->x.n * c->x.t, c->x.h * c->x.w) &&
                 fits(c->x.h * c->x.w, c->x.c) && c->x.h * c->x.w > 1;
    for (int i = 1; i < 3; i++)
        whole = whole && win->k[i] == extent(c->x, i) && win->d[i] == 1 && !win->lo[i] && !win->hi[i] && extent(c->y, i) == 1;
    return whole;
}

fl_conv fl_conv_collapse(const fl_conv *conv)
{
    fl_conv c = *conv;
    if (trivial(&c.win, 0) && fits(c.x.n, c.x.t)) {
        c.x.t *= c.x.n, c.y.t *= c.y.n;
        c.x.n = c.y.n = 1;
        if (trivial(&c.win, 1) && fits(c.x.t, c.x.h) && !sees_frames(&c)) {
            c.x.h *= c.x.t, c.y.h *= c.y.t;
            c.x.t = c.y.t = 1;
        }
    }
    if (trivial(&c.win, 1) && trivial(&c.win, 2) && fits(c.x.h, c.x.w)) {
        c.x.w *= c.x.h, c.y.w *= c.y.h;
        c.x.h = c.y.h = 1;
    }
    return c;
}

/* Taps that `together` pixels read between them. */
static int joint_taps(const fl_window *win, fl_conv_pass pass, int together)
{
    if (pass == FL_CONV_FORWARD) return (together - 1) * win->s[2] + win->k[2];
    const int low = ceil_div(win->lo[2] - (win->k[2] - 1), win->s[2]);
    const int high = ceil_div(together + win->lo[2], win->s[2]) - 1;
    return high - low + 1;
}

/* The number of pixels whose joint computation costs least: vectors x taps per pixel. 1 when nothing is gained. */
static int choose_together(const fl_conv *c, fl_conv_pass pass, int outputs)
{
    const int unit = pass == FL_CONV_FORWARD ? 1 : c->win.s[2];
    if (c->groups > 1 || c->win.d[2] > 1) return 1;
    int best = 1;
    const int vectors_alone = (outputs + PREFERRED_WIDTH - 1) / PREFERRED_WIDTH;
    double least = (double)vectors_alone * c->win.k[2] / unit;
    for (int n = unit; n * outputs <= FL_BLOCK; n += unit) {
        const int vectors = (n * outputs + PREFERRED_WIDTH - 1) / PREFERRED_WIDTH;
        const double cost = (double)vectors * joint_taps(&c->win, pass, n) / n;
        if (n > 1 && cost < 0.95 * least) {
            least = cost;
            best = n;
        }
    }
    return best;
}

static fl_axis forward_axis(const fl_window *win, int i, int in, int out)
{
    return (fl_axis){.in = in, .out = out, .count = out, .out_step = 1, .in_step = win->s[i],
                     .offset = -win->lo[i], .taps = win->k[i], .tap_step = win->d[i]};
}

/* Input pixel u takes from output pixel (u + lo - k*d) / s where that is whole. */
static fl_axis transposed_axis(const fl_window *win, int i, int in, int out, int phase)
{
    const int s = win->s[i], d = win->d[i], lo = win->lo[i];
    fl_axis a = {.in = in, .out = out, .out_step = s, .out_first = phase, .in_step = 1, .tap_step = 1};
    a.count = out > phase ? (out - phase + s - 1) / s : 0;
    int last = -1, before = -1;
    for (int k = 0; k < win->k[i]; k++) {
        if ((phase + lo - k * d) % s != 0) continue;
        before = last;
        last = k;
        a.taps++;
    }
    if (a.taps) a.offset = (phase + lo - last * d) / s;
    if (a.taps > 1) a.tap_step = (last - before) * d / s;
    return a;
}

static void gather_together(fl_axis *a, const fl_window *win, fl_conv_pass pass, int together)
{
    a->count = (a->out + together - 1) / together;
    a->out_step = together;
    a->out_first = 0;
    a->taps = joint_taps(win, pass, together);
    a->tap_step = 1;
    if (pass == FL_CONV_FORWARD) {
        a->in_step = together * win->s[2];
    } else {
        a->in_step = together / win->s[2];
        a->offset = ceil_div(win->lo[2] - (win->k[2] - 1), win->s[2]);
    }
}

static int outputs_of_group(const fl_conv *c, fl_conv_pass pass)
{
    return (pass == FL_CONV_FORWARD ? c->y.c : c->x.c) / c->groups;
}

bool fl_conv_spreads(const fl_conv *c, fl_conv_pass pass) { return pass == FL_CONV_TO_INPUT && sees_frames(c); }

int fl_gather_phases(const fl_conv *c, fl_conv_pass pass)
{
    if (pass == FL_CONV_FORWARD || fl_conv_spreads(c, pass)) return 1;
    const int along_w = choose_together(c, pass, outputs_of_group(c, pass)) > 1 ? 1 : c->win.s[2];
    return c->win.s[0] * c->win.s[1] * along_w;
}

static const fl_axis one = {.in = 1, .out = 1, .count = 1, .out_step = 1, .in_step = 1, .taps = 1, .tap_step = 1};

/* Then the outputs of all frames lie in a row, and a tile takes many of them. */
static void gather_frames(fl_gather *g)
{
    const int frames = g->in.n * g->in.t, pixels = g->in.h * g->in.w;
    g->axis[0] = one;
    g->axis[2].in = frames * pixels;
    g->axis[2].out = g->axis[2].count = frames;
    g->axis[2].in_step = pixels;
    g->in.n = g->in.t = 1;
    g->out = (fl_shape){1, g->out.c, 1, 1, frames};
}

/* And to the input, all pixels of a frame are lanes of its one output pixel: no tap falls outside. */
static void spread_frames(fl_gather *g)
{
    const int frames = g->out.n * g->out.t, lanes = g->out.h * g->out.w * g->out.c;
    for (int i = 0; i < 3; i++) g->axis[i] = one;
    g->axis[2].in = g->axis[2].out = g->axis[2].count = frames;
    g->in = (fl_shape){1, g->in.c, 1, 1, frames};
    g->out = (fl_shape){1, lanes, 1, 1, frames};
    g->lanes = lanes;
    g->blocks = ceil_div(lanes, FL_BLOCK);
    g->together = 1;
}

fl_gather fl_gather_make(const fl_conv *c, fl_conv_pass pass, int phase)
{
    const bool forward = pass == FL_CONV_FORWARD;
    fl_gather g = {.in = forward ? c->x : c->y, .out = forward ? c->y : c->x, .groups = c->groups};
    const int outputs = outputs_of_group(c, pass);
    g.channels = (forward ? c->x.c : c->y.c) / c->groups;
    g.together = choose_together(c, pass, outputs);
    g.depthwise = fl_conv_is_depthwise(c);
    g.lanes = outputs * g.together;
    if (g.depthwise) {
        g.lanes = c->groups;
        g.groups = 1;
    }
    g.blocks = (g.lanes + FL_BLOCK - 1) / FL_BLOCK;
    for (int i = 2; i >= 0; i--) {
        const int in = extent(g.in, i), out = extent(g.out, i), s = c->win.s[i];
        if (forward) g.axis[i] = forward_axis(&c->win, i, in, out);
        else if (i == 2 && g.together > 1) g.axis[i] = (fl_axis){.in = in, .out = out};
        else g.axis[i] = transposed_axis(&c->win, i, in, out, phase % s), phase /= s;
    }
    if (g.together > 1) gather_together(&g.axis[2], &c->win, pass, g.together);
    if (fl_conv_spreads(c, pass)) spread_frames(&g);
    else if (forward && g.together == 1 && g.in.n * g.in.t > 1 && sees_frames(c)) gather_frames(&g);
    return g;
}

int64_t fl_gather_block_size(const fl_gather *g)
{
    return (int64_t)g->axis[0].taps * g->axis[1].taps * g->axis[2].taps * g->channels * FL_BLOCK;
}

int fl_gather_kernel(const fl_conv *c, fl_conv_pass pass, const fl_gather *g, int axis, int tap, int which)
{
    const fl_window *win = &c->win;
    const fl_axis *a = &g->axis[axis];
    const int at = a->offset + tap * a->tap_step;      /* pixel that is read, for position 0 */
    const int steps = pass == FL_CONV_FORWARD ? at + win->lo[axis] - which * win->s[axis]
                                              : a->out_first + which + win->lo[axis] - win->s[axis] * at;
    if (steps < 0 || steps % win->d[axis] != 0) return -1;
    return steps / win->d[axis] < win->k[axis] ? steps / win->d[axis] : -1;
}

void fl_axis_inside(const fl_axis *a, int position, int *first, int *last)
{
    const int start = position * a->in_step + a->offset;
    *first = start >= 0 ? 0 : ceil_div(-start, a->tap_step);
    *last = a->in > start ? ceil_div(a->in - start, a->tap_step) : 0;
    if (*last > a->taps) *last = a->taps;
}
