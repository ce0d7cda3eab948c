/* time.c: lesson: what a video classifier makes of time: the clip backwards, frozen, and without one frame after the other.
 *
 *   p( x_T .. x_1 )          p( x_t x_t .. x_t )          e_t = s(x) - s(x with frame t shown as the frame before it) */
#include "io/cli/lesson/lecture.h"

#include <math.h>
#include <string.h>

/* Frame t of a clip at place i of another. */
static void put(const fl_lecture *l, const real *from, int t, int i, real *clip)
{
    const int64_t size = fl_lecture_voxels(l) / l->s.input.shape.t;
    memcpy(clip + i * size, from + t * size, (size_t)size * sizeof *clip);
}

static void reverse(fl_lecture *l, real *clip)
{
    const int n = l->s.input.shape.t, twin = l->best ^ 1;
    for (int t = 0; t < n; t++) put(l, l->s.input.values, n - 1 - t, t, clip);
    const double p = fl_lecture_probability(l, l->s.input.values, l->best), back = fl_lecture_probability(l, clip, l->best);
    fl_lecture_say(l, "All frames stay, their order is turned round:");
    fl_lecture_show(l, "%-28s %14s %14s", "probability of", "forwards", "backwards");
    fl_lecture_show(l, "%-28s %14.6f %14.6f", fl_session_label(&l->s, l->best) ? fl_session_label(&l->s, l->best) : "the class", p, back);
    if (!l->sure) return;
    const double other = fl_lecture_probability(l, clip, twin);
    fl_lecture_show(l, "%-28s %14.6f %14.6f", fl_session_label(&l->s, twin), fl_lecture_probability(l, l->s.input.values, twin), other);
    fl_lecture_less(l, "backwards it is rather the other class of the pair", back, other,
                    "the two differ in the order of frames and in nothing else: a network that ignores order cannot tell");
    fl_made made;
    if (fl_lecture_make(l, (uint64_t)fl_cli_int(l->cli, "clip"), l->made->truth.label ^ 1, &made) != FL_OK) return;
    int64_t differ = 0;
    for (int64_t i = 0; i < fl_lecture_voxels(l); i++) differ += clip[i] != made.input.values[i];
    fl_lecture_say(l, "There is another way to that clip: make the same scene with the other motion, %s.", made.boxes.label);
    fl_lecture_small(l, "values in which the clip made that way differs from the one turned round", (double)differ, 0,
                     "models/synth.h promises the same bits");
}

/* A clip that shows one frame all the time has no motion. */
static void freeze(fl_lecture *l, real *clip)
{
    const int n = l->s.input.shape.t;
    double most = 0, mean = 0;
    int best = 0;
    for (int t = 0; t < n; t++) {
        for (int i = 0; i < n; i++) put(l, l->s.input.values, t, i, clip);
        const double p = fl_lecture_probability(l, clip, l->best);
        mean += p / n;
        if (p > most) most = p, best = t;
    }
    const double p = fl_lecture_probability(l, l->s.input.values, l->best);
    fl_lecture_say(l, "A clip that shows one frame all the time has no motion. Of the %d frames, number %d alone says most, %.4f, and all "
                   "of them on average %.4f; the clip says %.4f.", n, best, most, mean, p);
    if (l->sure)
        fl_lecture_less(l, "a single frame says less than the clip, on average", mean, p,
                        "these classes are motions, and a frame has none");
}

/* Each frame is shown as the one before it: still a possible clip, which stands still for a moment. What the score loses. */
static void skip(fl_lecture *l, const real *x, real *clip, double *effect)
{
    const int n = l->s.input.shape.t;
    const double score = fl_lecture_score(l, x);
    memcpy(clip, x, (size_t)fl_lecture_voxels(l) * sizeof *clip);
    for (int t = 0; t < n; t++) {
        put(l, x, t ? t - 1 : (n > 1), t, clip);
        effect[t] = score - fl_lecture_score(l, clip);
        put(l, x, t, t, clip);
    }
}

static void show_frames(fl_lecture *l, real *clip, double *effect)
{
    const int n = l->s.input.shape.t;
    const fl_synth_truth *truth = l->knows ? &l->made->truth : NULL;
    real *size = FL_NEW(l->cli->arena, real, n), *map;
    double most = 1e-30;
    fl_map m;
    if (!size || fl_lecture_map(l, "gradient_x_input", l->s.input.values, NULL, &m) != FL_OK ||
        !(map = fl_map_reduce(&m, NULL, l->cli->arena))) return;
    fl_frame_importance(n, fl_shape_pixels(m.clip) / n, map, size);
    skip(l, l->s.input.values, clip, effect);
    for (int t = 0; t < n; t++) most = fmax(most, fabs(effect[t]));
    fl_lecture_say(l, "Which frames matter? Each in turn is shown as the frame before it (the first as the second), and the network is "
                   "asked again. Beside it how much gradient x input had put into the frame.");
    fl_lecture_show(l, "%5s %14s %18s   %s", "frame", "score loses", "gradient x input", truth ? "loss; * while the actor acts" : "loss");
    for (int t = 0; t < n; t++) {
        char bar[24] = "";
        const int length = (int)(20 * fmax(effect[t], 0) / most + 0.5);
        memset(bar, '#', (size_t)length);
        bar[length] = 0;
        fl_lecture_show(l, "%5d %14.4f %18.4f  %s%s", t, effect[t], (double)size[t],
                        truth && t >= truth->begin && t < truth->end ? "* " : "  ", bar);
    }
    fl_lecture_small(l, "with all frames back in place: score - score", l->score - fl_lecture_score(l, clip), 0,
                     "the same clip, the same bits");
}

/* One clip proves little. */
static void run_series(fl_lecture *l, real *clip, double *effect)
{
    enum { CLIPS = 8 };
    double sum[2] = {0, 0};
    int count[2] = {0, 0};
    const int own = l->best;
    for (int k = 0; k < CLIPS; k++) {
        const fl_mark mark = fl_arena_mark(l->cli->arena);
        fl_made made;
        if (fl_lecture_make(l, (uint64_t)k, -1, &made) != FL_OK) return;
        l->best = made.truth.label;
        skip(l, made.input.values, clip, effect);
        l->best = own;
        for (int t = 0; t < l->s.input.shape.t; t++) {
            const bool acts = t >= made.truth.begin && t < made.truth.end;
            sum[acts] += fabs(effect[t]);
            count[acts]++;
        }
        fl_arena_release(l->cli->arena, mark);
    }
    if (count[0] && count[1])
        fl_lecture_less(l, fl_arena_text(l->cli->arena, "in made clips 0 to %d a frame outside the action changes the score less than "
                                         "one inside, on average", CLIPS - 1),
                        sum[0] / count[0], sum[1] / count[1], "before and after the action the actor stands still");
}

static fl_status give(fl_lecture *l)
{
    real *clip = fl_lecture_copy(l, l->s.input.values);
    double *effect = FL_NEW(l->cli->arena, double, l->s.input.shape.t);
    if (!clip || !effect) return l->cli->error->status;
    reverse(l, clip);
    freeze(l, clip);
    show_frames(l, clip, effect);
    if (l->knows) run_series(l, clip, effect);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_time = {
    "time", "does the order of the frames matter, and which of them do?",
    "A clip is more than its frames. A network that only looks for things says the same of a clip played backwards, or of one frame shown "
    "all the time; one that sees motion does not. So ask it, before you explain what it sees.",
    "p(frames backwards),   p(one frame, all the time),   e_t = s(x) - s(x without frame t)",
    "attribution/metrics/sanity.h for these questions as checks, models/synth.h for clips that differ in their order alone",
    "sanity footlight-demo/clip.ppm --model c3d_small --method grad_cam --checks time",
    "The layers of c3d_small look at three frames each. Which frames would you expect to matter for a motion that begins and ends: those "
    "in its middle, or those at its ends?", give};
