/* perturbation.c: lesson: hide a part of the clip and ask the network again; what the gradient had promised.
 *
 *   e_j = s(x) - s(x with 0 in box j)                     the gradient's promise: sum over box j of x ds/dx */
#include "io/cli/lesson/lecture.h"

#include <math.h>

enum { PARTS = 4, BOXES = PARTS * PARTS * PARTS, SHOWN = 4 };

typedef struct hidden { fl_region box[BOXES]; double effect[BOXES], promise[BOXES], sizes[BOXES], inside[BOXES]; } hidden;

static fl_region box_at(fl_shape s, int j)
{
    const int at[3] = {j / PARTS / PARTS, j / PARTS % PARTS, j % PARTS}, side[3] = {s.t, s.h, s.w};
    fl_region r;
    for (int a = 0; a < 3; a++) {
        const int size = (side[a] + PARTS - 1) / PARTS;
        r.lo[a] = at[a] * size < side[a] ? at[a] * size : side[a];
        r.hi[a] = r.lo[a] + size < side[a] ? r.lo[a] + size : side[a];
    }
    return r;
}

/* Calls with the place of every pixel of a box. */
#define FOR_BOX(s, r, p)                                                                                                       \
    for (int t_ = (r).lo[0]; t_ < (r).hi[0]; t_++)                                                                             \
        for (int y_ = (r).lo[1]; y_ < (r).hi[1]; y_++)                                                                         \
            for (int64_t p = fl_at(s, 0, 0, t_, y_, (r).lo[2]) / (s).c; p < fl_at(s, 0, 0, t_, y_, (r).hi[2]) / (s).c; p++)

/* A part of the box is taken away: 1 hides it. */
static double ask(fl_lecture *l, fl_region r, double part, real *clip)
{
    const fl_shape s = l->s.input.shape;
    FOR_BOX(s, r, p)
        for (int64_t i = p * s.c; i < (p + 1) * s.c; i++) clip[i] = (real)((1 - part) * (double)l->s.input.values[i]);
    const double score = fl_lecture_score(l, clip);
    FOR_BOX(s, r, p)
        for (int64_t i = p * s.c; i < (p + 1) * s.c; i++) clip[i] = l->s.input.values[i];
    return l->score - score;
}

static int strongest(const hidden *h, double below)
{
    int best = -1;
    for (int j = 0; j < BOXES; j++)
        if (h->effect[j] < below && (best < 0 || h->effect[j] > h->effect[best])) best = j;
    return best;
}

static void show_boxes(fl_lecture *l, const hidden *h)
{
    double below = (double)INFINITY, sum = 0;
    fl_lecture_say(l, "The clip is cut into %d boxes; each is made grey, alone, and the network is asked again. The boxes that "
                   "it misses most:", BOXES);
    fl_lecture_show(l, "%8s %10s %10s %14s %20s%s", "frames", "rows", "columns", "the score loses", "gradient had promised",
                    l->boxes ? "  in actor's box" : "");
    for (int k = 0; k < SHOWN; k++) {
        const int j = strongest(h, below);
        if (j < 0) break;
        const fl_region r = h->box[j];
        char inside[32] = "";
        below = h->effect[j];
        if (l->boxes) snprintf(inside, sizeof inside, "%15.0f%%", 100 * h->inside[j]);
        fl_lecture_show(l, "%3d - %2d %5d - %2d %5d - %2d %15.4f %21.4f%s", r.lo[0], r.hi[0] - 1, r.lo[1], r.hi[1] - 1, r.lo[2],
                        r.hi[2] - 1, h->effect[j], h->promise[j], inside);
    }
    for (int j = 0; j < BOXES; j++) sum += h->effect[j];
    fl_lecture_say(l, "All %d losses add up to %.4f; the score is %.4f. Boxes that only say something together are missed twice, and those "
                   "that say the same are not missed at all.", BOXES, sum, l->score);
}

static void show_place(fl_lecture *l, const hidden *h)
{
    double plain = 0, missed = 0, all = 0;
    for (int j = 0; j < BOXES; j++) {
        const double loss = fmax(h->effect[j], 0);
        plain += h->inside[j] / BOXES;
        missed += loss * h->inside[j];
        all += loss;
    }
    fl_lecture_less(l, "part of a box that lies on the actor: on average < where boxes count as much as they are missed", plain,
                    missed / all, "the network has learned to look at what moves");
}

/* The tool's windows, made to fit: every voxel lies in one of them, so its value is that window's effect. */
static void compare(fl_lecture *l, const hidden *h)
{
    const fl_shape s = l->s.input.shape;
    const char *window = fl_arena_text(l->cli->arena, "%d,%d,%d",
                                       (s.t + PARTS - 1) / PARTS, (s.h + PARTS - 1) / PARTS, (s.w + PARTS - 1) / PARTS);
    const fl_explain_options o = {.window = window, .stride = window, .baseline = "zero"};
    double worst = 0, most = 0;
    fl_map m;
    if (!window || fl_lecture_map(l, "occlusion", l->s.input.values, &o, &m) != FL_OK) return;
    for (int j = 0; j < BOXES; j++) {
        const fl_region r = h->box[j];
        if (r.lo[0] >= r.hi[0] || r.lo[1] >= r.hi[1] || r.lo[2] >= r.hi[2]) continue;
        const int64_t at = fl_at(m.shape, 0, 0, r.lo[0], r.lo[1], r.lo[2]);
        worst = fmax(worst, fabs(h->effect[j] - (double)m.data[at]));
        most = fmax(most, fabs(h->effect[j]));
    }
    fl_lecture_small(l, "what the boxes cost by hand = the map of occlusion: largest difference", worst,
                     (fl_lecture_fine() ? 1e-9 : 1e-4) * fmax(fabs(l->score), most),
                     "rounding: the tool computes only what a box can change, in other tiles of sums");
}

/* Little by little the promise comes true. */
static void fade(fl_lecture *l, const hidden *h, real *clip)
{
    const int j = strongest(h, (double)INFINITY);
    double loss = 0, part = 1;
    fl_lecture_say(l, "The gradient is about small changes, so make it small: fade the first of these boxes instead of hiding it. Loss "
                   "divided by part, beside the promise %.*g:", fl_lecture_digits(), h->promise[j]);
    fl_lecture_show(l, "%12s %16s %18s", "part faded", "loss", "loss / part");
    for (int k = 0; k < (fl_lecture_fine() ? 8 : 5); k++) {
        part = ldexp(1, -3 * k);
        loss = ask(l, h->box[j], part, clip);
        fl_lecture_show(l, "%12.3g %16.8g %18.*g", part, loss, fl_lecture_digits(), loss / part);
    }
    fl_lecture_same(l, "loss / part of the smallest step = the gradient's promise", loss / part, h->promise[j],
                    64 * FL_REAL_EPSILON * fabs(l->score) / part + 0.02 * h->sizes[j],
                    "rounding of two scores, divided by the part; and a fiftieth of what the promise sums up, "
                    "for ReLUs that still change sides");
}

static fl_status give(fl_lecture *l)
{
    const fl_shape s = l->s.input.shape;
    real *clip = fl_lecture_copy(l, l->s.input.values);
    hidden *h = FL_NEW(l->cli->arena, hidden, 1);
    fl_map m;
    if (!clip || !h || fl_lecture_map(l, "gradient_x_input", clip, NULL, &m) != FL_OK) return l->cli->error->status;
    for (int j = 0; j < BOXES; j++) {
        int64_t pixels = 0, in = 0;
        h->box[j] = box_at(s, j);
        FOR_BOX(s, h->box[j], p) {
            pixels++;
            if (l->boxes) in += l->boxes->truth.mask[p] != 0;
            for (int64_t i = p * s.c; i < (p + 1) * s.c; i++) {
                h->promise[j] += (double)m.data[i];
                h->sizes[j] += fabs((double)m.data[i]);
            }
        }
        h->inside[j] = pixels ? (double)in / (double)pixels : 0;
        h->effect[j] = ask(l, h->box[j], 1, clip);
    }
    show_boxes(l, h);
    if (l->sure) show_place(l, h);
    compare(l, h);
    fade(l, h, clip);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_perturbation = {
    "perturbation", "hide a part, and ask the network again",
    "The plainest question needs no calculus: what does the score lose if this part is not there? It costs one pass of the network for "
    "every part, and the answer depends on what is shown instead. The gradient answers the same question for a very small part of hiding.",
    "e_j = s(x) - s(x with grey in box j)\n"
    "gradient's promise for box j = sum over the box of x_i ds/dx_i",
    "attribution/drive_windows.c for occlusion, attribution/probe.h for many variants of one clip, autograd/cone.h for why that is cheap",
    "explain footlight-demo/clip.ppm --model c3d_small --method occlusion,rise --samples 200 -o hidden",
    "Grey boxes have edges that no training clip had. How would you find out whether the network answers to what is hidden or to the "
    "edges? (--baseline lists what else can be shown.)", give};
