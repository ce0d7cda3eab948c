/* judge.c: lesson: is a map any good: against the truth, against the network, and against a random map.
 *
 *   hit: the largest value lies on the thing          deletion: area under p(class) while the best places are hidden first
 *   P(hits >= k of n by chance) = sum over i >= k of  C(n,i) q^i (1-q)^(n-i) */
#include "io/cli/lesson/lecture.h"

#include "attribution/metric.h"
#include "attribution/metrics/rank.h"

#include <math.h>
#include <string.h>

static const char method[] = "grad_cam";

/* The least k of n that chance q reaches less than once in a thousand. */
static int beyond_chance(int n, double q)
{
    double tail = 0;
    for (int k = n; k >= 0; k--) {
        double term = 1;
        for (int i = 1; i <= n - k; i++) term *= (double)(k + i) / i * (1 - q);
        for (int i = 0; i < k; i++) term *= q;
        tail += term;
        if (tail >= 0.001) return k + 1;
    }
    return 0;
}

static real *drawn(fl_lecture *l, const real *clip, fl_map *m)
{
    return fl_lecture_map(l, method, clip, NULL, m) == FL_OK ? fl_map_reduce(m, NULL, l->cli->arena) : NULL;
}

/* ---- against the truth, and against chance, on a series of made clips ---- */

static double deletion(fl_lecture *l, const real *clip, const real *map, fl_measure *m)
{
    fl_judged j = {.shape = l->s.input.shape, .map = map, .sum = (double)NAN, .explainer = l->s.explainer, .clip = clip,
                   .target = {.class_index = l->best, .other = FL_CLASS_AUTO}, .wanted = (double)NAN};
    const fl_metric_options o = {.points = 20, .substrate = "zero", .unit = FL_UNIT_VOXEL};
    return fl_metric_judge(fl_metric_find("deletion"), &j, &o, l->cli->arena, m) == FL_OK ? m->value : (double)NAN;
}

static real *random_map(const fl_lecture *l, uint64_t stream)
{
    const int64_t n = fl_shape_pixels(l->s.input.shape);
    real *map = FL_NEW(l->cli->arena, real, n);
    if (map) fl_rng_fill_normal(l->cli->seed, stream, 0, map, n);
    return map;
}

typedef struct series { int hits; double chance, area, random; } series;

/* One clip of it, for the class that it shows. */
static bool add(fl_lecture *l, uint64_t index, bool curves, series *sum)
{
    fl_made made;
    fl_map m;
    fl_measure measure;
    if (fl_lecture_make(l, index, -1, &made) != FL_OK) return false;
    const int own = l->best;
    l->best = made.truth.label;
    const real *map = drawn(l, made.input.values, &m), *noise = random_map(l, 5 + index);
    if (map && noise) {
        const fl_shape s = {1, 1, m.clip.t, m.clip.h, m.clip.w};
        sum->hits += fl_pointing_hit(s, map, &made.boxes.truth);
        sum->chance += fl_pointing_chance(s, &made.boxes.truth);
        sum->area += curves ? deletion(l, made.input.values, map, &measure) : 0;
        sum->random += curves ? deletion(l, made.input.values, noise, &measure) : 0;
    }
    l->best = own;
    return l->cli->error->status == FL_OK;
}

static void run_series(fl_lecture *l)
{
    enum { CLIPS = 24, CURVES = 8 };
    series sum = {.hits = 0};
    for (int k = 0; k < CLIPS; k++) {
        const fl_mark mark = fl_arena_mark(l->cli->arena);
        if (!add(l, (uint64_t)k, k < CURVES, &sum)) return;
        fl_arena_release(l->cli->arena, mark);
    }
    const double chance = sum.chance / CLIPS;
    const int needed = beyond_chance(CLIPS, chance);
    fl_lecture_say(l, "Against the truth. %d made clips whose actor's place is known: does the largest value of %s lie in the actor's box, "
                   "and in the right frame? %d hits. Boxes hold %.1f %% of all voxels, so a random map hits %.1f times on average.",
                   CLIPS, method, sum.hits, 100 * chance, chance * CLIPS);
    fl_lecture_less(l, fl_arena_text(l->cli->arena, "more hits than chance: %d are needed", needed), needed - 1, sum.hits,
                    "so many a random map has in less than one of a thousand such series (binomial)");
    fl_lecture_less(l, "on the first eight of these clips the area under the deletion curve is smaller than for a random map, on average",
                    sum.area / CURVES, sum.random / CURVES, "a map that knows nothing hides nothing in particular");
}

/* ---- against the network, on this clip ---- */

/* The largest `count` voxels are hidden; of equal ones the first. */
static double hide_by_hand(fl_lecture *l, const real *map, int64_t count)
{
    const fl_shape s = l->s.input.shape;
    const int64_t n = fl_shape_pixels(s);
    real *clip = fl_lecture_copy(l, l->s.input.values);
    int *order = FL_NEW(l->cli->arena, int, n), *merge = FL_NEW(l->cli->arena, int, n);
    double *value = FL_NEW(l->cli->arena, double, n);
    if (!clip || !order || !merge || !value) return (double)NAN;
    for (int64_t p = 0; p < n; p++) value[p] = (double)map[p];
    fl_order_descending((int)n, value, order, merge);
    for (int64_t k = 0; k < count; k++) memset(clip + (int64_t)order[k] * s.c, 0, (size_t)s.c * sizeof *clip);
    return fl_lecture_probability(l, clip, l->best);
}

static void hide(fl_lecture *l, const real *map)
{
    const real *noise = random_map(l, 4), *x = l->s.input.values;
    fl_measure own, other;
    if (!noise || isnan(deletion(l, x, map, &own)) || isnan(deletion(l, x, noise, &other))) return;
    fl_lecture_say(l, "Against the network. Hide the voxels that the map calls most important first, and watch the probability; then the "
                   "same in random order.");
    fl_lecture_show(l, "%-18s %8s %8s %8s %8s %8s %8s", "hidden", "0 %", "5 %", "10 %", "20 %", "40 %", "area");
    for (int i = 0; i < 2; i++) {
        const fl_measure *m = i ? &other : &own;
        fl_lecture_show(l, "%-18s %8.4f %8.4f %8.4f %8.4f %8.4f %8.4f",
                        i ? "in random order" : method, m->y[0], m->y[1], m->y[2], m->y[4], m->y[8], m->value);
    }
    fl_lecture_same(l, "a tenth hidden by hand = the curve of the tool at 10 %",
                    hide_by_hand(l, map, fl_shape_pixels(l->s.input.shape) / 10), own.y[2], fl_lecture_fine() ? 1e-9 : 1e-4,
                    "rounding of a probability");
}

static fl_status give(fl_lecture *l)
{
    fl_map m;
    if (l->knows) run_series(l);
    const real *map = drawn(l, l->s.input.values, &m);
    if (map) hide(l, map);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_judge = {
    "judge", "is the map any good? The truth, the network, and chance",
    "A map always looks like something, so it has to be asked. Does it point where the evidence is known to be? Does the network change "
    "its mind when the map's best places are hidden, and sooner than with random ones? How many hits would chance have?",
    "hit: the largest value lies on the thing\n"
    "deletion: area under p(class) while places are hidden, the most important first\n"
    "by chance: P(k hits or more of n) = sum over i >= k of  C(n,i) q^i (1 - q)^(n - i)",
    "attribution/localise.h for pointing, attribution/metrics/curves.c for deletion and its kin",
    "evaluate --model c3d_small --synth 20 --method grad_cam,gradient --metric pointing,energy",
    "A map that is bright along the edges of things may do well in deletion, since broken edges confuse a network. Which of the two tests "
    "would catch it?", give};
