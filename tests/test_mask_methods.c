/* test_mask_methods.c: methods that search for a mask: the study's core terms, losses and pieces by hand, and each method on a small
 * network of which the answer is known. */
#include "attribution/mask.h"
#include "autograd/ops.h"
#include "tests/attribution_rig.h"

/* ---- the core of STEP (../shared/spec/study.md, sections 5.6 and 11.3) ---- */

TEST(mask_cores_have_the_studys_sizes)
{
    static const struct { int k, ellipsoid, cylinder; } list[] = {{3, 83, 243}, {5, 205, 405}, {7, 311, 567}, {8, 352, 648}, {11, 515, 891},
                                                                  {14, 662, 1134}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        CHECK(fl_core_fill(FL_CORE_ELLIPSOID, list[i].k, 11, NULL) == list[i].ellipsoid);
        CHECK(fl_core_fill(FL_CORE_CYLINDER, list[i].k, 11, NULL) == list[i].cylinder);
    }
    real box[8];
    CHECK(fl_core_fill(FL_CORE_ELLIPSOID, 2, 2, box) == 8 && box[7] == 1);        /* all corners: the whole box */
}

TEST(mask_core_terms_of_the_study)
{
    static const struct { int k; double ellipsoid[4], cylinder[4]; } list[] = {
        {5, {258.716, 257.753, 256.710, 247.664}, {257.703, 256.701, 255.625, 246.284}},
        {8, {259.390, 258.616, 257.774, 250.877}, {257.861, 257.041, 256.153, 248.914}},
        {11, {259.264, 258.385, 257.504, 249.686}, {257.789, 256.861, 255.934, 247.732}},
        {14, {258.888, 257.491, 255.981, 240.490}, {257.220, 255.745, 254.163, 237.798}}};
    static const double areas[4] = {0.05, 0.10, 0.15, 0.50};
    for (size_t i = 0; i < 2 * sizeof list / sizeof *list; i++) {
        const fl_core_shape shape = i % 2 ? FL_CORE_CYLINDER : FL_CORE_ELLIPSOID;
        const int k = list[i / 2].k;
        const double *want = i % 2 ? list[i / 2].cylinder : list[i / 2].ellipsoid;
        fl_error error = {0};
        fl_arena arena;
        fl_arena_init(&arena, &error);
        fl_graph *g = fl_graph_new(&arena);
        const fl_id cells = fl_node_input(g, "cells", (fl_shape){1, 1, 16, 16, 16}), ones = fl_node_input(g, "ones", fl_shape_vector(1, 1));
        const fl_id draw = fl_node_input(g, "draw", fl_shape_vector(1, 1)), core = fl_node_param(g, "core", (fl_shape){1, 1, k, 11, 11});
        const fl_id u = fl_node_conv(g, "u", fl_node_smoothmax(g, "padded", cells, 7, 11, 11, 20), core, FL_NONE,
                                     (fl_window){{k, 11, 11}, {1, 11, 11}, {1, 1, 1}, {0}, {0}}, 1);
        const fl_id y = fl_node_vecnorm(g, "y", u, ones, draw, false, true, 0);
        fl_graph_plan(g, &(fl_plan){.out = (fl_id[]){y}, .n_out = 1, .root = FL_NONE});
        CHECK_SAY(fl_graph_ok(g), "%s", error.message);
        for (int n = 0; n < 16 * 16 * 16; n++) fl_graph_value(g, cells)[n] = 1;
        const int count = fl_core_fill(shape, k, 11, fl_graph_value(g, core));
        for (int n = 0; n < k * 121; n++) fl_graph_value(g, core)[n] /= (real)count;
        fl_graph_touch(g);
        for (int a = 0; a < 4; a++) {
            fl_graph_value(g, ones)[0] = (real)ceil(areas[a] * 16 * 134 * 134 / floor(k * 121 * 0.5236));
            fl_graph_forward(g);
            CHECK_NEAR(300 * (double)fl_graph_value(g, y)[0], want[a], 0.0015);
        }
        fl_arena_free(&arena);
    }
}

/* ---- pieces ---- */

TEST(mask_losses_by_hand)
{
    const real z[3] = {0, (real)0.69314718055994530942, (real)1.38629436111989061883};        /* log 1, 2, 4: p is 1/7, 2/7, 4/7 */
    const real p[3] = {R(0.25), R(0.75), 0};
    real seed[3];
    fl_target t = {.class_index = 1, .score = FL_SCORE_LOG_PROBABILITY};
    const double tolerance = 8 * FL_REAL_EPSILON;
    CHECK_NEAR(fl_mask_loss(&t, (fl_end){.node = 0}, 3, z, -1, 2, seed), log(3.5), tolerance);           /* -log p */
    const double keep[3] = {2.0 / 7, -10.0 / 7, 8.0 / 7};
    check_values("preserve", seed, keep, 3, tolerance);
    CHECK_NEAR(fl_mask_loss(&t, (fl_end){.node = 0}, 3, z, 1, 1, seed), log(1.4), tolerance);            /* -log(1 - 2/7) */
    const double del[3] = {-2.0 / 35, 2.0 / 7, -8.0 / 35};
    check_values("delete", seed, del, 3, tolerance);
    CHECK_NEAR(fl_mask_loss(&t, (fl_end){.probabilities = true}, 3, p, 1, 1, seed), log(4.0), tolerance);
    check_values("delete a probability", seed, (const double[]){0, 4, 0}, 3, tolerance);
    t.class_index = 2;
    /* log of 0: no infinity */
    CHECK_NEAR(fl_mask_loss(&t, (fl_end){.probabilities = true}, 3, p, -1, 1, seed), 12 * log(10.0), 1e-5);
    t.score = FL_SCORE_LOGIT;
    CHECK_NEAR(fl_mask_loss(&t, (fl_end){.node = 0}, 3, z, 1, 3, seed), 2 * log(2.0), tolerance);
    check_values("logit", seed, (const double[]){0, 0, 3}, 3, 0);
    const real sure[2] = {0, 200};
    t = (fl_target){.class_index = 1, .score = FL_SCORE_LOG_PROBABILITY};
    CHECK_NEAR(fl_mask_loss(&t, (fl_end){.node = 0}, 2, sure, 1, 1, seed), 200, 1e-4);                   /* 1 - p is 1e-87 */
    check_values("sure", seed, (const double[]){-1, 1}, 2, tolerance);
}

TEST(mask_areas_are_read)
{
    double a[FL_MASK_AREAS];
    fl_error error = {0};
    CHECK(fl_areas_read("0.05,0.1,0.5", a, &error) == 3 && a[0] == 0.05 && a[1] == 0.1 && a[2] == 0.5);
    static const char *const bad[] = {"", "0.1,", "0", "1", "0.2,0.1", "0.1;0.2", "0.1,0.1", "nan", "0.1,x",
                                      "0.01,0.02,0.03,0.04,0.05,0.06,0.07,0.08,0.09,0.1,0.11,0.12,0.13,0.14,0.15,0.16,0.17"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error_clear(&error);
        CHECK_SAY(fl_areas_read(bad[i], a, &error) == 0 && error.status == FL_USAGE, "'%s' was taken", bad[i]);
    }
}

TEST(mask_discs_cover_frames_of_any_size)
{
    for (int h = 1; h < 70; h++)
        for (int step = 1; step < 8; step++) {
            const fl_discs d = fl_discs_of((fl_shape){1, 3, 4, h, 2 * h}, step, 0.5 * step + 1);
            CHECK(fl_smoothmax_length(d.rows, d.step, d.margin, d.sigma) >= d.margin + h);
            CHECK(fl_smoothmax_length(d.columns, d.step, d.margin, d.sigma) >= d.margin + 2 * h);
        }
    const fl_discs small = fl_discs_of((fl_shape){1, 3, 16, 112, 112}, 0, 0), large = fl_discs_of((fl_shape){1, 3, 16, 224, 224}, 0, 0);
    CHECK(small.step == 7 && small.sigma == 11 && small.margin == 11 && small.rows == 16);
    CHECK(large.step == 14 && large.sigma == 23 && large.margin == 23 && large.rows == 16);
}

/* ---- methods on a network whose evidence is known: what lies in one corner of some frames speaks for class 0 ---- */

enum { T = 4, S = 12, VOXELS = T * S * S };
static bool is_evidence(int t, int h, int w) { return t >= 1 && t <= 2 && h < 6 && w >= 6; }

static void corner_up(fl_rig *r, real *x)
{
    static double w[2 * VOXELS];
    rig_up(r, (fl_shape){1, 1, T, S, S});
    for (int i = 0; i < VOXELS; i++) {
        const int t = i / S / S, h = i / S % S, c = i % S;
        w[i] = is_evidence(t, h, c) ? 0.3 : 0;
        w[VOXELS + i] = 0.001;
        x[i] = (real)(is_evidence(t, h, c) ? 1 + 0.1 * ((h + c) % 3) : 0.2 * ((h * c + t) % 2));
    }
    rig_ready(r, rig_linear(r, "fc", fl_node_flatten(r->g, "flat", r->net.input), 2, w, (const double[]){-18, 0}));
}

/* Share of the map that lies where the evidence is: 1/8 by chance. */
static double share_of_evidence(const real *map)
{
    double in = 0, all = 0;
    for (int i = 0; i < VOXELS; i++) {
        all += (double)map[i];
        if (is_evidence(i / S / S, i / S % S, i % S)) in += (double)map[i];
    }
    return in / all;
}

TEST(mask_methods_find_the_evidence)                     /* twice what chance finds, or more, in each of three searches */
{
    enum { SEARCHES = 3 };
    static const struct { const char *name; fl_explain_options o; } list[] = {
        {"ep_3d", {.iterations = 300, .areas = "0.1,0.2", .baseline = "zero", .rate = 0.5}},
        {"ep_2d", {.iterations = 300, .areas = "0.1,0.2", .baseline = "zero", .rate = 0.5}},
        {"step", {.iterations = 300, .areas = "0.1,0.2", .baseline = "zero", .rate = 0.5}},
        {"extremal_perturbation", {.iterations = 300, .areas = "0.1,0.2", .baseline = "zero", .rate = 0.5}},
        {"meaningful_perturbation", {.iterations = 200, .baseline = "zero"}},
        {"meaningful_perturbation_3d", {.iterations = 200, .baseline = "zero"}},
        {"igos", {.iterations = 10, .baseline = "zero"}},
        {"igos_plus_plus", {.iterations = 10, .baseline = "zero"}},
        {"fgvis", {.iterations = 100, .baseline = "zero"}}};
    static real x[VOXELS];
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        for (uint64_t seed = 0; seed < SEARCHES; seed++) {
            fl_rig r;
            fl_explain_options o = list[i].o;
            o.seed = seed;
            corner_up(&r, x);
            const real *map = rig_explain(&r, list[i].name, x, o);
            const double share = map ? share_of_evidence(map) : 0;
            CHECK_SAY(share > 0.25, "%s, seed %d: %g of the map is where the evidence is", list[i].name, (int)seed, share);
            rig_down(&r);
        }
    }
}

/* Closed form (methods.md, P4): the score is a sum over cells, and so is the price: a cell is deleted where it gives more than it
 * costs. Two frames of one cell each: logits 3 and 0.5 against a price of 1. */
TEST(mask_meaningful_deletes_what_is_worth_it)
{
    fl_rig r;
    real x[2 * 4 * 4];
    double w[2 * 32];
    rig_up(&r, (fl_shape){1, 1, 2, 4, 4});
    for (int i = 0; i < 32; i++) {
        x[i] = 1;
        w[i] = (i < 16 ? 3.0 : 0.5) / 16;
        w[32 + i] = 0;
    }
    rig_ready(&r, rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", r.net.input), 2, w, NULL));
    const real *map = rig_explain(&r, "meaningful_perturbation", x,
                                  WITH(.target = {.score = FL_SCORE_LOGIT}, .iterations = 200, .baseline = "zero", .area_weight = 2));
    for (int i = 0; map && i < 32; i++) CHECK_NEAR((double)map[i], i < 16 ? 1 : 0, 1e-3);
    rig_down(&r);
}

/* logit 0 = sum of |differences| would need a map; here: the change from frame 1 to frame 2 alone, times 6. Frozen at frame 2, it is
 * gone; no other frame matters. */
TEST(mask_frames_find_the_moment)
{
    fl_rig r;
    const real x[5] = {0, 0, 1, 1, 1};
    rig_up(&r, (fl_shape){1, 1, 5, 1, 1});
    const double w[10] = {0, -6, 6};
    rig_ready(&r, rig_linear(&r, "fc", fl_node_flatten(r.g, "flat", r.net.input), 2, w, NULL));
    const real *map = rig_explain(&r, "temporal_freeze", x, WITH(.target = {.class_index = 0}, .iterations = 150));
    for (int t = 0; map && t < 5; t++) CHECK_SAY(t == 0 || (map[t] > R(0.5)) == (t == 2), "freeze: frame %d has %g", t, (double)map[t]);
    map = rig_explain(&r, "temporal_reverse", x, WITH(.target = {.class_index = 0}, .iterations = 150));
    CHECK(map && map[1] > R(0.5));                       /* the first half of the run decides */
    rig_down(&r);
}

/* ---- going on ---- */

typedef struct memory { unsigned char data[1 << 16]; size_t used; int saves, stop_at; } memory;

static bool due(void *user) { (void)user; return true; }
static fl_status save(void *user, const fl_state *s)
{
    memory *m = user;
    m->used = 0;
    m->saves++;
    for (int i = 0; i < s->parts; i++) {
        CHECK(m->used + s->part[i].size <= sizeof m->data);
        memcpy(m->data + m->used, s->part[i].data, s->part[i].size);
        m->used += s->part[i].size;
    }
    return FL_OK;
}
static fl_status load(void *user, const fl_state *s, bool *found)
{
    const memory *m = user;
    size_t at = 0;
    *found = m->used > 0;
    for (int i = 0; i < s->parts && *found; at += s->part[i].size, i++) memcpy(s->part[i].data, m->data + at, s->part[i].size);
    return FL_OK;
}
static bool until(int done, int total, void *user)
{
    CHECK(done <= total);
    return done < ((memory *)user)->stop_at;
}

TEST(mask_methods_go_on_to_the_last_bit)
{
    static const char *const names[] = {"step", "ep_2d", "meaningful_perturbation", "igos", "igos_plus_plus", "fgvis", "temporal_freeze"};
    static real x[VOXELS];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        static memory m;
        fl_rig r;
        memset(&m, 0, sizeof m);
        const fl_keeper keeper = {"", due, save, load, &m};
        fl_explain_options o = {.iterations = 7, .steps = 3, .seed = 5}, with = o;
        with.keeper = &keeper;
        with.progress = until;
        with.user = &m;
        corner_up(&r, x);
        const real *map = rig_explain(&r, names[i], x, o);
        const uint64_t whole = map ? fl_hash(map, (size_t)fl_shape_count(r.map.shape) * sizeof *map) : 0;
        const int passes = r.map.passes;
        m.stop_at = passes / 2;
        rig_explain(&r, names[i], x, with);
        CHECK_SAY(r.map.partial && m.saves > 0, "%s: was not stopped", names[i]);
        m.stop_at = 1 << 30;
        map = rig_explain(&r, names[i], x, with);
        const uint64_t again = map ? fl_hash(map, (size_t)fl_shape_count(r.map.shape) * sizeof *map) : 0;
        CHECK_SAY(!r.map.partial && again == whole, "%s: other bits", names[i]);
        CHECK_SAY(r.map.passes == passes, "%s: %d passes, not %d", names[i], r.map.passes, passes);
        rig_down(&r);
    }
}

/* ---- what cannot be ---- */

TEST(mask_methods_refuse)
{
    static const struct { const char *name; fl_explain_options o; } list[] = {
        {"step", {.areas = "0.2,0.1"}}, {"step", {.areas = "2"}}, {"ep_3d", {.mask_step = 500}},
        {"meaningful_perturbation", {.goal = FL_GOAL_DUAL}}, {"step", {.core_size = 100}},
        {"ep_2d", {.target = {.score = FL_SCORE_LOG_PROBABILITY, .class_index = 7}}}};
    static real x[VOXELS];
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        fl_rig r;
        corner_up(&r, x);
        fl_explain_options o = list[i].o;
        o.iterations = 1;
        const fl_status status = fl_explain(r.e, fl_method_find(list[i].name), x, &o, &r.results, &r.map);
        CHECK_SAY(status == FL_USAGE, "case %d: '%s'", (int)i, r.error.message);
        rig_down(&r);
    }
}
