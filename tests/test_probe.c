/* test_probe.c: scores of variants of a clip: against closed forms and whole passes, in any grouping. */
#include "tests/attribution_rig.h"

#include "attribution/probe.h"
#include "tensor/rng.h"

#include <stdlib.h>

/* ---- a linear network: score_c = w_c . x + b_c ---- */

enum { T = 3, H = 2, W = 4, C = 2, VOXELS = T * H * W * C, CLASSES = 3 };

static void linear_up(fl_rig *r, int batch, double w[CLASSES * VOXELS])
{
    static const double bias[CLASSES] = {0.5, -1, 2};
    for (int i = 0; i < CLASSES * VOXELS; i++) w[i] = (i * 7 % 11 - 5) / 4.0;       /* sums of quarters are exact */
    rig_up(r, (fl_shape){batch, C, T, H, W});
    rig_ready(r, rig_linear(r, "fc", fl_node_flatten(r->g, "flat", r->net.input), CLASSES, w, bias));
}

static double linear_score(const double *w, int c, const real *clip)              /* clip: channels last; w: file order */
{
    double sum = c == 0 ? 0.5 : c == 1 ? -1 : 2;
    for (int p = 0; p < T * H * W; p++)
        for (int k = 0; k < C; k++) sum += w[c * VOXELS + k * T * H * W + p] * (double)clip[p * C + k];
    return sum;
}

typedef struct watcher {
    real expected[VOXELS];              /* what clip must hold when fill is called */
    bool cumulative;
    int64_t filled, taken, stop;        /* calls; stop: take refuses then, or 0 */
    double score[64];
    bool strange;
} watcher;

/* Variant k changes the voxels of one column, another one each time. */
static int column(int64_t k) { return (int)(k * 3 % (H * W)); }

static fl_region where(void *user, int64_t k)
{
    (void)user;
    const int h = column(k) / W, w = column(k) % W;
    return k % 5 == 4 ? (fl_region){{0, 0, 0}, {0, H, W}} : (fl_region){{0, h, w}, {T, h + 1, w + 1}};
}

static void change(int64_t k, real *clip)
{
    for (int t = 0; t < T; t++)
        for (int c = 0; c < C; c++) clip[(t * H * W + column(k)) * C + c] = (real)(k % 4) - 1;
}

static void fill(void *user, int64_t k, real *clip)
{
    watcher *me = user;
    if (memcmp(clip, me->expected, sizeof me->expected) != 0) me->strange = true;
    change(k, clip);
    if (me->cumulative) change(k, me->expected);
    me->filled++;
}

static bool take(void *user, int64_t k, double score, const real *y)
{
    watcher *me = user;
    if (k != me->taken || (double)y[1] != score) me->strange = true;
    me->score[k] = score;
    me->taken = k + 1;
    return me->taken != me->stop;
}

static void linear_clip(real *x)
{
    for (int i = 0; i < VOXELS; i++) x[i] = (real)(i * 5 % 13 - 6) / 2;
}

TEST(probe_scores_follow_the_formula_for_any_batch)
{
    for (int batch = 1; batch <= 4; batch++)
        for (int mode = 0; mode < 4; mode++) {           /* with regions or without, each from the base or from the last */
            fl_rig r;
            double w[CLASSES * VOXELS];
            real x[VOXELS], now[VOXELS];
            linear_up(&r, batch, w);
            linear_clip(x);
            const fl_target target = {.class_index = 1};
            fl_probe *p = fl_probe_open(r.e, &target, x, &r.results);
            if (CHECK_SAY(p != NULL, "%s", r.error.message)) {
                CHECK(fl_probe_base(p) == linear_score(w, 1, x) && memcmp(fl_probe_clip(p), x, sizeof x) == 0);
                CHECK(fl_probe_target(p).class_index == 1 && fl_probe_target(p).score == FL_SCORE_LOGIT);
                watcher me = {.cumulative = mode >= 2};
                memcpy(me.expected, x, sizeof x);
                memcpy(now, x, sizeof x);
                const fl_variants v = {.end = 13, .region = mode % 2 ? where : NULL, .fill = fill, .take = take,
                                       .cumulative = me.cumulative, .user = &me};
                CHECK(fl_probe_score(p, &v) == FL_OK && me.taken == 13 && !me.strange);
                CHECK(me.filled == (mode % 2 ? 11 : 13));
                for (int k = 0; k < 13; k++) {
                    if (!me.cumulative) memcpy(now, x, sizeof x);
                    if (!(mode % 2) || k % 5 != 4) change(k, now);
                    CHECK_SAY(me.score[k] == linear_score(w, 1, now), "batch %d mode %d variant %d: %g, wanted %g", batch, mode, k,
                              me.score[k], linear_score(w, 1, now));
                }
                CHECK(memcmp(fl_probe_clip(p), me.cumulative ? now : x, sizeof x) == 0);
                CHECK(fl_probe_base(p) == linear_score(w, 1, me.cumulative ? now : x));
                fl_probe_rebase(p, x);
                CHECK(fl_probe_base(p) == linear_score(w, 1, x));
            }
            rig_down(&r);
        }
}

TEST(probe_stops_when_told_and_goes_on_from_there)
{
    for (int cumulative = 0; cumulative < 2; cumulative++) {
        fl_rig r;
        double w[CLASSES * VOXELS];
        real x[VOXELS], now[VOXELS];
        linear_up(&r, 3, w);
        linear_clip(x);
        const fl_target strongest = {.class_index = FL_CLASS_AUTO};
        fl_probe *p = fl_probe_open(r.e, &strongest, x, &r.results);
        if (CHECK(p != NULL)) {
            const int best = fl_probe_target(p).class_index;
            for (int c = 0; c < CLASSES; c++) CHECK(linear_score(w, best, x) >= linear_score(w, c, x));
        }
        const fl_target first = {.class_index = 1};
        p = fl_probe_open(r.e, &first, x, &r.results);
        if (CHECK(p != NULL)) {
            watcher me = {.cumulative = cumulative, .stop = 4};
            memcpy(me.expected, x, sizeof x);
            memcpy(now, x, sizeof x);
            fl_variants v = {.end = 9, .fill = fill, .take = take, .cumulative = cumulative, .user = &me};
            CHECK(fl_probe_score(p, &v) == FL_LIMIT && me.taken == 4 && r.error.status == FL_LIMIT);
            fl_error_clear(&r.error);
            for (int k = 0; k < 4 && cumulative; k++) change(k, now);
            CHECK(memcmp(fl_probe_clip(p), now, sizeof x) == 0 && fl_probe_base(p) == linear_score(w, 1, now));
            memcpy(me.expected, now, sizeof x);
            v.first = 4;
            CHECK(fl_probe_score(p, &v) == FL_OK && me.taken == 9 && !me.strange);
            for (int k = 4; k < 9 && cumulative; k++) change(k, now);
            if (!cumulative) change(8, now);
            CHECK(me.score[8] == linear_score(w, 1, now));
        }
        rig_down(&r);
    }
}

TEST(probe_refuses_what_is_not_there)
{
    fl_rig r;
    double w[CLASSES * VOXELS];
    real x[VOXELS];
    linear_up(&r, 1, w);
    linear_clip(x);
    const fl_target beyond = {.class_index = CLASSES};
    CHECK(fl_probe_open(r.e, &beyond, x, &r.results) == NULL && r.error.status == FL_USAGE);
    CHECK(strstr(r.error.message, "0 to 2") != NULL);
    fl_error_clear(&r.error);
    bool done = false;
    for (long k = 1; k < 200 && !done; k++) {            /* every allocation fails once */
        fl_rig fresh;
        linear_up(&fresh, 2, w);
        fl_arena_fail_at(k);
        const fl_target zeroth = {.class_index = 0};
        fl_probe *p = fl_probe_open(fresh.e, &zeroth, x, &fresh.results);
        watcher me = {.filled = 0};
        memcpy(me.expected, x, sizeof x);
        const fl_variants v = {.end = 5, .region = where, .fill = fill, .take = take, .user = &me};
        const fl_status status = p ? fl_probe_score(p, &v) : FL_FAILED;
        done = fl_arena_count() < k;
        fl_arena_fail_at(0);
        CHECK_SAY(done ? status == FL_OK : status == FL_FAILED && fresh.error.status == FL_FAILED && fresh.error.message[0],
                  "allocation %ld: %d, %s", k, (int)status, fresh.error.message);
        rig_down(&fresh);
    }
    CHECK(done);
    rig_down(&r);
}

/* ---- networks: boxes against whole clips, together and one after the other ---- */

enum { NETWORK_VARIANTS = 9 };

typedef struct painter {
    fl_shape shape;
    double score[NETWORK_VARIANTS];
} painter;

static fl_region window(void *user, int64_t k)
{
    const fl_shape s = ((const painter *)user)->shape;
    const int i = (int)k % 3, j = (int)k / 3;
    return (fl_region){{k % 2 ? s.t / 2 : 0, s.h * i / 3, s.w * j / 3}, {k % 2 ? s.t : 1, s.h * (i + 1) / 3, s.w * (j + 1) / 3}};
}

static void paint(void *user, int64_t k, real *clip)
{
    const fl_shape s = ((const painter *)user)->shape;
    const fl_region r = window(user, k);
    for (int t = r.lo[0]; t < r.hi[0]; t++)
        for (int h = r.lo[1]; h < r.hi[1]; h++)
            for (int w = r.lo[2]; w < r.hi[2]; w++)
                for (int c = 0; c < s.c; c++) clip[fl_at(s, 0, c, t, h, w)] = (real)(k + c) / 4;
}

static bool note(void *user, int64_t k, double score, const real *y)
{
    (void)y;
    ((painter *)user)->score[k] = score;
    return true;
}

TEST(probe_of_boxes_gives_the_scores_of_whole_clips)
{
    for (int m = 0; fl_model_table[m] && fl_model_table[m]->parameters < 1000000; m++) {
        const fl_model *model = fl_model_table[m];
        fl_rig r;
        rig_up(&r, (fl_shape){1, 1, 1, 1, 1});
        fl_graph *g = fl_graph_new(&r.arena);
        const fl_network net = fl_model_build(g, model, &(fl_model_options){.frames = 4, .height = 32, .width = 28});
        fl_model_fill_random(g, 3);
        fl_explainer *e = fl_explainer_new(g, net, &model->input);
        if (!CHECK_SAY(e != NULL, "%s: %s", model->name, r.error.message)) continue;
        fl_shape s = fl_graph_shape(g, net.input);
        real *x = FL_NEW(&r.results, real, fl_shape_count(s));
        fl_rng_fill_normal(1, 2, 0, x, fl_shape_count(s));
        const fl_target first = {.class_index = 1};
        fl_probe *p = fl_probe_open(e, &first, x, &r.results);
        painter boxes = {.shape = s}, clips = boxes;
        for (int cumulative = 0; cumulative < 2 && CHECK(p != NULL); cumulative++) {
            fl_variants v = {.end = NETWORK_VARIANTS, .region = window, .fill = paint, .take = note,
                             .cumulative = cumulative, .user = &boxes};
            CHECK(fl_probe_score(p, &v) == FL_OK);
            const double end = fl_probe_base(p);
            fl_probe_rebase(p, x);
            v.region = NULL;
            v.user = &clips;
            CHECK(fl_probe_score(p, &v) == FL_OK && fabs(fl_probe_base(p) - end) <= (cumulative ? 0 : 1e-5 * fabs(end)));
            for (int k = 0; k < NETWORK_VARIANTS; k++) {
                const double bound = cumulative ? 0 : 1e-5 * fabs(clips.score[k]);
                CHECK_SAY(fabs(boxes.score[k] - clips.score[k]) <= bound, "%s, cumulative %d, variant %d: %.9g and %.9g", model->name,
                          cumulative, k, boxes.score[k], clips.score[k]);
            }
            CHECK(boxes.score[1] != boxes.score[2]);
            fl_probe_rebase(p, x);
        }
        rig_down(&r);
    }
}

/* A network whose values fill more than a cache: its whole clips take the graph's own pass. */
static void wide_up(fl_rig *r, int batch)
{
    rig_up(r, (fl_shape){batch, 3, 4, 32, 32});
    const fl_id wide = fl_node_conv(r->g, "wide", r->net.input, fl_node_param(r->g, "w", (fl_shape){400, 3, 1, 3, 3}), FL_NONE,
                                    fl_window_cube(1, 3, 3, 1, 1, 1), 1);
    const fl_id mean = fl_node_mean(r->g, "mean", fl_node_relu(r->g, "relu", wide), 1u << FL_AXIS_T | 1u << FL_AXIS_H | 1u << FL_AXIS_W);
    const fl_id y = fl_node_linear(r->g, "y", mean, fl_node_param(r->g, "v", fl_shape_vector(3, 400)), FL_NONE);
    fl_model_fill_random(r->g, 7);
    rig_ready(r, y);
}

TEST(probe_of_large_clips_gives_them_the_graphs_own_pass)
{
    const fl_target first = {.class_index = 1};
    painter boxes = {.shape = {1, 3, 4, 32, 32}};
    static real x[3 * 4 * 32 * 32];
    fl_rng_fill_normal(1, 2, 0, x, fl_shape_count(boxes.shape));
    for (int cumulative = 1; cumulative >= 0; cumulative--)
        for (int batch = 1; batch <= 2; batch++) {
            fl_rig r;
            wide_up(&r, batch);
            fl_probe *p = fl_probe_open(r.e, &first, x, &r.results);
            const size_t before = r.results.used;
            painter clips = {.shape = boxes.shape};
            fl_variants v = {.end = NETWORK_VARIANTS, .fill = paint, .take = note, .cumulative = cumulative, .user = &clips};
            if (CHECK_SAY(p != NULL, "%s", r.error.message)) CHECK(fl_probe_score(p, &v) == FL_OK && r.results.used == before);
            const double end = p ? fl_probe_base(p) : 0;
            if (p) fl_probe_rebase(p, x);
            v.region = window;
            v.user = &boxes;
            if (p && cumulative && batch == 1) CHECK(fl_probe_score(p, &v) == FL_OK && fl_probe_base(p) == end);
            for (int k = 0; k < NETWORK_VARIANTS && cumulative; k++) CHECK(clips.score[k] == boxes.score[k]);
            real *now = FL_NEW(&r.results, real, fl_shape_count(boxes.shape));
            double logits[3];
            for (int k = 0; k < NETWORK_VARIANTS && !cumulative; k++) {
                memcpy(now, x, sizeof x);
                paint(&clips, k, now);
                CHECK(fl_explainer_predict(r.e, now, logits, NULL) == FL_OK && logits[1] == clips.score[k]);
            }
            rig_down(&r);
        }
}
