/* test_metrics_agreement.c: how alike maps are, against the definitions written down again; layers that forget; sanity of time. */
#include "tests/attribution_rig.h"

#include "attribution/metrics/agreement.h"
#include "attribution/metrics/randomise.h"
#include "attribution/metrics/sanity.h"
#include "models/model.h"
#include "tensor/math.h"
#include "tensor/rng.h"

#include <stdlib.h>

static fl_error error;
static fl_arena arena;

static void begin(void)
{
    error = (fl_error){FL_OK, ""};
    fl_arena_init(&arena, &error);
}

static double of(const char *name, fl_shape s, const real *a, const real *b)
{
    for (const fl_agreement *g = fl_agreement_table; g->name; g++)
        if (strcmp(g->name, name) == 0) return g->measure(s, a, b, &arena);
    CHECK_SAY(false, "no agreement is called %s", name);
    return 0;
}

static void noise(uint64_t stream, int n, real *a)
{
    for (int i = 0; i < n; i++) a[i] = (real)fl_rng_normal(11, stream, (uint64_t)i);
}

TEST(agreement_of_a_map_with_itself_its_negative_and_nothing)
{
    enum { N = 3 * 20 * 17 };
    const fl_shape s = {1, 1, 3, 20, 17};
    real a[N], scaled[N], minus[N], flat[N];
    begin();
    noise(1, N, a);
    for (int i = 0; i < N; i++) scaled[i] = 3 * a[i], minus[i] = -3 * a[i], flat[i] = 2;
    for (const fl_agreement *g = fl_agreement_table; g->name; g++) {
        CHECK_SAY(fabs(g->measure(s, a, a, &arena) - 1) < 1e-12, "%s", g->name);
        CHECK_SAY(fabs(g->measure(s, a, scaled, &arena) - 1) < 1e-5, "%s", g->name);
        CHECK_SAY(isnan(g->measure(s, a, flat, &arena)), "%s of a constant map", g->name);
        CHECK_SAY(g->doc && strlen(g->doc) > 10, "%s", g->name);
    }
    CHECK_NEAR(of("spearman", s, a, minus), -1, 1e-12);
    CHECK_NEAR(of("pearson", s, a, minus), -1, 1e-6);
    CHECK_NEAR(of("spearman_abs", s, a, minus), 1, 1e-12);
    CHECK(of("overlap", s, a, minus) == 0);
    CHECK(arena.used == 0);
    fl_arena_free(&arena);
}

TEST(agreement_overlap_and_disagreement)
{
    static const real a[10] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, b[10] = {9, 0, 7, 6, 5, 4, 3, 2, 1, 8},
        ties[10] = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0};
    double difference;
    begin();
    CHECK(fl_top_overlap(10, a, b, 1, &arena) == 1 && fl_top_overlap(10, a, b, 2, &arena) == 0.5);
    CHECK(fl_top_overlap(10, a, ties, 3, &arena) == 1);                      /* of equal values the first */
    CHECK(fl_largest_disagreement(10, a, b, &difference, &arena) == 1);      /* of two equally far the first */
    CHECK_NEAR(difference, -8.0 / 9, 1e-6);
    const real *d = fl_rank_difference(10, a, b, &arena);
    CHECK_NEAR((double)d[9], 8.0 / 9, 1e-6);
    CHECK(d[0] == 0);
    fl_arena_free(&arena);
}

/* SSIM from its definition: every window, the 2-D Gaussian of 11 x 11 places, in double. */
static double naive_ssim(fl_shape s, const real *a, const real *b)
{
    double w[11][11], all = 0, sum = 0;
    int places = 0;
    for (int i = 0; i < 11; i++)
        for (int j = 0; j < 11; j++) all += w[i][j] = fl_exp64(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 1.5 * 1.5));
    double *x[2] = {fl_unit_range(fl_shape_pixels(s), a, &arena), fl_unit_range(fl_shape_pixels(s), b, &arena)};
    for (int t = 0; t < s.t; t++)
        for (int y = 5; y < s.h - 5; y++)
            for (int c = 5; c < s.w - 5; c++, places++) {
                double m[2] = {0, 0}, v[2] = {0, 0}, cross = 0;
                for (int i = 0; i < 121; i++) {
                    const int64_t at = ((int64_t)t * s.h + y + i / 11 - 5) * s.w + c + i % 11 - 5;
                    m[0] += w[i / 11][i % 11] / all * x[0][at];
                    m[1] += w[i / 11][i % 11] / all * x[1][at];
                }
                for (int i = 0; i < 121; i++) {
                    const int64_t at = ((int64_t)t * s.h + y + i / 11 - 5) * s.w + c + i % 11 - 5;
                    const double g = w[i / 11][i % 11] / all * 121 / 120, d0 = x[0][at] - m[0], d1 = x[1][at] - m[1];
                    v[0] += g * d0 * d0;
                    v[1] += g * d1 * d1;
                    cross += g * d0 * d1;
                }
                sum += (2 * m[0] * m[1] + 1e-4) * (2 * cross + 9e-4) / ((m[0] * m[0] + m[1] * m[1] + 1e-4) * (v[0] + v[1] + 9e-4));
            }
    return sum / places;
}

TEST(agreement_ssim_follows_its_definition)
{
    enum { N = 2 * 15 * 18 };
    const fl_shape s = {1, 1, 2, 15, 18};
    real a[N], b[N];
    begin();
    noise(1, N, a);
    noise(2, N, b);
    for (int i = 0; i < N; i++) b[i] += 2 * a[i];
    CHECK_NEAR(fl_ssim(s, a, b, &arena), naive_ssim(s, a, b), 1e-5);
    CHECK(fl_ssim(s, a, b, &arena) > 0.5 && fl_ssim(s, a, b, &arena) < 0.99);
    fl_arena_free(&arena);
}

/* A ramp along a direction: all of its gradient lies in one bin, and every block is that bin alone, cut and scaled to length 1. */
TEST(agreement_hog_bins_are_directions)
{
    enum { SIDE = 48 };
    static double frame[64 * 64];
    static const struct { double dx, dy; int bin; } cases[] = {{1, 0, 0}, {-1, 0, 0}, {0, 1, 4}, {0, -2, 4}, {1, 1, 2}, {1, -1, 6},
        {-1, 1, 6},
                                                              {1, 0.3, 0}, {1, 0.4, 1}, {-1, 0.1, 8}};
    begin();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int count;
        for (int i = 0; i < SIDE * SIDE; i++) frame[i] = cases[k].dx * (double)(i % SIDE) + cases[k].dy * floor((double)i / SIDE);
        const double *v = fl_hog(SIDE, SIDE, frame, &count, &arena);
        CHECK(count == 81);
        /* the middle cell sees no border: 4 of the 9 cells' shares are smaller, but only one bin is filled at its place */
        for (int b = 0; b < 9; b++) CHECK_SAY((v[4 * 9 + b] > 0.1) == (b == cases[k].bin), "direction %zu, bin %d: %g", k, b, v[4 * 9 + b]);
        double square = 0;
        for (int i = 0; i < count; i++) square += v[i] * v[i];
        CHECK_NEAR(square, 1, 1e-6);
    }
    int count;
    CHECK(fl_hog(2, 9, frame, &count, &arena) && count == 0);                /* no room for three cells */
    CHECK(fl_hog(24, 24, frame, &count, &arena) && count == 81);             /* cells of 8 */
    CHECK(fl_hog(64, 64 - 16, frame, &count, &arena) && count == 2 * 81);
    fl_arena_free(&arena);
}

/* ---- layers that forget ---- */

static void tiny(fl_rig *r, const fl_card_input **card)
{
    const fl_model *m = fl_model_find("tiny");
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    fl_arena_init(&r->results, &r->result_error);
    r->g = fl_graph_new(&r->arena);
    r->net = fl_model_build(r->g, m, &(fl_model_options){.n = 1});
    fl_model_fill_formula(r->g, 1);
    r->e = fl_explainer_new(r->g, r->net, &m->input);
    *card = &m->input;
    CHECK(r->e != NULL);
}

static uint64_t hash_of(const fl_graph *g, const int *of, int layer, bool same)
{
    uint64_t h = 1;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *n = &g->node[i];
        if ((n->role == FL_PARAM || n->role == FL_BUFFER) && (of[i] == layer) == same)
            h = h * 31 + fl_hash(n->value, (size_t)fl_shape_count(n->shape) * sizeof(real));
    }
    return h;
}

TEST(randomise_layers_are_whole_and_come_back)
{
    const fl_card_input *card;
    fl_rig r;
    fl_weight_layers l;
    tiny(&r, &card);
    CHECK(fl_weight_layers_find(r.g, &r.results, &l) == FL_OK && l.count >= 4);
    int params = 0, placed = 0;
    for (fl_id i = 0; i < r.g->count; i++) {
        params += r.g->node[i].role == FL_PARAM || r.g->node[i].role == FL_BUFFER;
        placed += l.of[i] >= 0;
    }
    CHECK_SAY(params == placed, "%d parameters, %d of them belong to a layer", params, placed);
    CHECK_SAY(strstr(l.name[0], "fc") != NULL, "the classifier is called %s", l.name[0]);
    for (int k = 0; k < l.count; k++) {
        const uint64_t own = hash_of(r.g, l.of, k, true), others = hash_of(r.g, l.of, k, false);
        fl_bundle kept;
        fl_bundle_init(&kept, &r.results);
        CHECK(fl_graph_store(r.g, &kept) == FL_OK);
        fl_weight_layers_forget(r.g, &l, k, k, 5);
        CHECK_SAY(hash_of(r.g, l.of, k, true) != own && hash_of(r.g, l.of, k, false) == others, "layer %s", l.name[k]);
        CHECK(fl_graph_load_found(r.g, &kept) == FL_OK && hash_of(r.g, l.of, k, true) == own);
    }
    CHECK(fl_sanity_stage_end(0, 3, 10) == 2 && fl_sanity_stage_end(1, 3, 10) == 5 && fl_sanity_stage_end(2, 3, 10) == 9);
    rig_down(&r);
}

static void look(fl_rig *r, fl_sanity *s, const fl_card_input *card, const char *method, const real *clip)
{
    const fl_explain_options o = {.target = {.class_index = 1}};
    CHECK(fl_sanity_begin(s, r->e, r->g, fl_method_find(method), &o, card, clip, &r->results) == FL_OK);
}

/* The gradient forgets with the network; a random map does not care. Afterwards all is as before. */
TEST(sanity_sees_maps_that_do_not_depend_on_weights)
{
    enum { STAGES = 3 };
    static real clip[3 * 8 * 24 * 24];
    const fl_card_input *card;
    fl_rig r;
    fl_sanity s;
    fl_weight_layers l;
    fl_likeness alike[STAGES], again[STAGES];
    double before[5], after[5];
    tiny(&r, &card);
    noise(3, 3 * 8 * 24 * 24, clip);
    CHECK(fl_weight_layers_find(r.g, &r.results, &l) == FL_OK && fl_explainer_predict(r.e, clip, before, NULL) == FL_OK);
    look(&r, &s, card, "gradient", clip);
    CHECK(fl_sanity_weights(&s, &l, true, STAGES, 2, 1, alike) == FL_OK);
    CHECK_SAY(alike[STAGES - 1].of[1] < 0.5, "rank correlation %g after all layers forgot", alike[STAGES - 1].of[1]);
    CHECK(fl_sanity_weights(&s, &l, true, STAGES, 2, 1, again) == FL_OK && memcmp(alike, again, sizeof alike) == 0);
    CHECK(fl_sanity_weights(&s, &l, false, STAGES, 2, 1, again) == FL_OK && memcmp(&alike[0], &again[0], sizeof alike[0]) == 0);
    CHECK(fl_explainer_predict(r.e, clip, after, NULL) == FL_OK && memcmp(before, after, sizeof before) == 0);
    look(&r, &s, card, "random", clip);
    CHECK(fl_sanity_weights(&s, &l, true, STAGES, 1, 1, alike) == FL_OK);
    for (int k = 0; k < FL_AGREEMENTS; k++) CHECK_NEAR(alike[STAGES - 1].of[k], 1, 1e-12);
    rig_down(&r);
}

/* A network that takes the mean of all frames cannot see their order: its gradient x input goes with them. */
TEST(sanity_of_time_on_a_network_without_order)
{
    enum { T = 4, H = 6, W = 6, N = T * H * W };
    real clip[N], importance[T];
    double alone[T];
    fl_rig r;
    fl_sanity s;
    fl_temporal time[FL_TEMPORAL];
    const double w[] = {0, 1};
    rig_up(&r, (fl_shape){1, 1, T, H, W});
    rig_ready(&r, rig_linear(&r, "fc", fl_node_global_average(r.g, "mean", fl_node_relu(r.g, "relu", r.net.input)), 2, w, NULL));
    noise(4, N, clip);
    for (int i = 0; i < N; i++) for (int t = 0; t < i / (H * W); t++) clip[i] *= 2;          /* later frames say more */
    look(&r, &s, NULL, "gradient_x_input", clip);
    CHECK(fl_sanity_time(&s, time, alone, importance) == FL_OK);
    for (int i = 0; i < 2; i++) {
        CHECK_NEAR(time[i].probability, s.probability, 1e-6);
        CHECK_NEAR(time[i].followed.of[0], 1, 1e-12);
        CHECK(time[i].to_map.of[0] < 0.9);
    }
    for (int t = 0; t < T; t++) CHECK_NEAR((double)time[0].importance[t], (double)importance[T - 1 - t], 1e-5);
    CHECK_NEAR(alone[0], time[2].probability, 1e-6);                         /* frozen at the first frame */
    CHECK(alone[3] > alone[0] && fabs(time[2].probability - s.probability) > 1e-3);
    rig_down(&r);
}
