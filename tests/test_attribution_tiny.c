/* test_attribution_tiny.c: the methods on the network `tiny` against Captum's numbers (golden/tiny_maps.txt), and
 * what must not change a bit of them: threads, clips per pass, the order of methods. */
#include "attribution/rulesets.h"
#include "tests/attribution_rig.h"

#include "tensor/math.h"
#include "tensor/par.h"
#include "tensor/rng.h"

#include <stdlib.h>

enum { CLIP = 3 * 8 * 24 * 24 };
static const fl_shape SHAPE = {1, 3, 8, 24, 24};
static real clip[CLIP];                                  /* channels last */
static float golden[CLIP];

/* The reference clip: sin(2 pi (x + 2t) / W) cos(2 pi y / H) k[c] + 0.5 (2u - 1), u from the name in file order. */
static void make_clip(void)
{
    static const double k[] = {1, 0.5, -0.75};
    const uint64_t name = fl_rng_name("input:tiny");
    uint64_t i = 0;
    for (int c = 0; c < 3; c++)
        for (int t = 0; t < 8; t++)
            for (int y = 0; y < 24; y++)
                for (int x = 0; x < 24; x++, i++) {
                    const double wave = fl_sin64(2 * FL_PI * (x + 2 * t) / 24) * fl_cos64(2 * FL_PI * y / 24);
                    clip[fl_at(SHAPE, 0, c, t, y, x)] =
                        (real)(float)(wave * k[c] + 0.5 * (2 * fl_rng_named(name, i) - 1));
                }
}

static bool tiny_up(fl_rig *r, int batch)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    fl_arena_init(&r->results, &r->result_error);
    r->g = fl_graph_new(&r->arena);
    const fl_model *m = fl_model_find("tiny");
    r->net = fl_model_build(r->g, m, &(fl_model_options){.n = batch});
    fl_model_fill_formula(r->g, m->gamma);
    r->e = fl_explainer_new(r->g, r->net, &m->input);
    make_clip();
    return CHECK_SAY(r->e != NULL, "%s", r->error.message);
}

/* Every step-th value of the array in file order, norm and sum of all; values read, or 0 when it is not there. */
static int read_golden(const char *name, int *count, int *step, double *norm, double *sum)
{
    FILE *f = fopen("tests/golden/tiny_maps.txt", "r");
    char line[512], found[64];
    int n = 0;
    bool inside = false;
    while (f && fgets(line, sizeof line, f)) {
        int c, s;
        double a, b;
        if (sscanf(line, "array %63s %d %d %lf %lf", found, &c, &s, &a, &b) == 5) {
            inside = strcmp(found, name) == 0;
            if (inside) *count = c, *step = s, *norm = a, *sum = b;
            continue;
        }
        for (char *at = line, *end; inside && line[0] != '#'; at = end) {
            const float v = strtof(at, &end);
            if (end == at) break;
            golden[n++] = v;
        }
    }
    if (f) fclose(f);
    return n;
}

/* Relative Euclidean distance over the stored values; the whole array by its norm. */
static void check_golden(const char *name, fl_shape s, const real *map, double tolerance)
{
    int count = 0, step = 1;
    double norm = 0, sum = 0, off = 0, size = 0;
    static real file[CLIP];
    const int n = read_golden(name, &count, &step, &norm, &sum);
    if (!CHECK_SAY(n > 0 && count == fl_shape_count(s) && n == (count + step - 1) / step && map,
                   "%s: no golden values", name))
        return;
    fl_to_file_order(s, map, file);
    for (int i = 0; i < n; i++) {
        const double want = (double)golden[i], d = (double)file[i * step] - want;
        off += d * d;
        size += want * want;
    }
    CHECK_SAY(sqrt(off / size) <= tolerance, "%s: off by %g", name, sqrt(off / size));
    CHECK_NEAR(fl_norm(map, count), norm, tolerance * norm);
    CHECK_NEAR(fl_sum(map, count), sum, tolerance * norm * sqrt((double)count));
}

/* The golden numbers were computed in float32. One of the 50 Gauss-Legendre points lies within 1e-7 of a kink: there
 * float32 and float64 stand on different sides, and one part in fifty of one unit's gradient changes, 1.2e-4 of the
 * map. Moving the clip by 1e-7 makes the float64 map jump by that amount; moving it by 1e-9 does not. */
TEST(attribution_tiny_like_captum)
{
    const double beside_a_kink = FL_REAL_EPSILON < 1e-10 ? 1.3e-4 : 2e-6;
    const struct { const char *array, *method; fl_explain_options o; double tolerance; } cases[] = {
        {"gradient", "gradient", {.steps = 0}, 2e-6},
        {"input_x_gradient", "gradient_x_input", {.steps = 0}, 2e-6},
        {"ig_gausslegendre_50", "integrated_gradients", {.steps = 0}, beside_a_kink},
        {"ig_riemann_middle_25", "integrated_gradients", {.steps = 25, .rule = FL_QUADRATURE_MIDDLE}, 2e-6},
        {"ig_riemann_left_25", "integrated_gradients", {.steps = 25, .rule = FL_QUADRATURE_LEFT}, 2e-6},
        {"gradcam_relus2_raw", "grad_cam", {.signed_cam = true}, 2e-6}};
    fl_rig r;
    if (!tiny_up(&r, 1)) return;
    check_golden("input", SHAPE, clip, 1e-7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const real *map = rig_explain(&r, cases[i].method, clip, cases[i].o);
        check_golden(cases[i].array, r.map.shape, map, cases[i].tolerance);
    }
    rig_down(&r);
}

/* Occlusion differences cancel: the score has some ten units, and a window moves it by thousandths. */
TEST(attribution_tiny_sampling_like_captum)
{
    #define LOGIT .target = {.class_index = 0, .score = FL_SCORE_LOGIT}
    static const struct { const char *array, *method; fl_explain_options o; double tolerance; } cases[] = {
        {"occlusion_2x6x6_s2x6x6", "occlusion", {LOGIT, .window = "2,6,6", .stride = "2,6,6"}, 3e-5},
        {"occlusion_3x8x8_s1x4x4", "occlusion", {LOGIT, .window = "3,8,8", .stride = "1,4,4"}, 3e-5},
        {"shapley_exact_8_segments", "shapley_exact", {LOGIT}, 2e-6},
        {"shapley_exact_8_segments", "kernel_shap", {LOGIT, .cell = "4,12,12"}, 2e-6}};
    fl_rig r;
    if (!tiny_up(&r, 1)) return;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const real *map = rig_explain(&r, cases[i].method, clip, cases[i].o);
        real corner[8];
        for (int k = 0; k < 8 && map; k++) corner[k] = map[fl_at(SHAPE, 0, 0, k / 4 * 4, k / 2 % 2 * 12, k % 2 * 12)];
        if (r.map.segments) check_golden(cases[i].array, fl_shape_vector(1, 8), map ? corner : NULL, cases[i].tolerance);
        else check_golden(cases[i].array, SHAPE, map, cases[i].tolerance);
    }
    rig_down(&r);
}

/* Rule sets against Captum, zennit and TorchRay; in the first arrays of LRP, norms are layers of their own. */
TEST(attribution_tiny_rules_like_zennit)
{
    const struct { const char *array, *method; fl_explain_options o; } cases[] = {
        {"guided_backprop", "guided_backprop", {.steps = 0}},
        {"deconvnet", "deconvnet", {.steps = 0}},
        {"deeplift_rescale", "deeplift", {.rules = &fl_rules_deeplift_pools_by_gradient}},
        {"lrp_epsilon_plus", "lrp_epsilon_plus", {.unfolded = true}},
        {"lrp_epsilon_plus_flat", "lrp_epsilon_plus_flat", {.unfolded = true}},
        {"lrp_epsilon_alpha2_beta1", "lrp_epsilon_alpha2_beta1", {.unfolded = true}},
        {"lrp_epsilon_gamma_box", "lrp_epsilon_gamma_box", {.unfolded = true, .lowest = -3, .highest = 3}},
        {"lrp_epsilon_all", "lrp_epsilon", {.unfolded = true}},
        {"folded_lrp_epsilon_plus_flat", "lrp_epsilon_plus_flat", {.steps = 0}},
        {"folded_lrp_epsilon_gamma_box", "lrp_epsilon_gamma_box", {.lowest = -3, .highest = 3}},
        {"folded_lrp_alpha2_beta1", "lrp_epsilon_alpha2_beta1", {.steps = 0}},
        {"folded_excitation_zennit", "lrp_excitation", {.steps = 0}},
        {"ebp_at_relus2_sum", "excitation", {.unfolded = true}}};
    fl_rig r;
    if (!tiny_up(&r, 1)) return;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const real *map = rig_explain(&r, cases[i].method, clip, cases[i].o);
        check_golden(cases[i].array, r.map.shape, map, 2e-6);
    }
    rig_down(&r);
}

/* Every method that promises a law keeps it; the residual is of a network with kinks, not of rounding. */
TEST(attribution_tiny_laws)
{
    fl_rig r;
    if (!tiny_up(&r, 1)) return;
    for (const fl_method *m = fl_method_table; m->name; m++) {
        const bool first_order = !(fl_method_uses(m) & FL_READS(rule)) && !m->defaults.rules;      /* no quadrature rule: an error like 1 / steps */
        const fl_explain_options o = m->law != FL_LAW_NONE && first_order ? WITH(.steps = 600, .iterations = 2) : WITH(.iterations = 2);
        rig_explain(&r, m->name, clip, o);
        if (m->law == FL_LAW_NONE) {
            CHECK(isnan(r.map.residual) && isnan(r.map.wanted));
            continue;
        }
        if (m->law == FL_LAW_SHARES) {                   /* sets of segments: as good as sums in double are */
            CHECK_SAY(r.map.residual < 1e-9 && r.map.wanted == r.map.score - r.map.baseline_score, "%s: off by %g", m->name, r.map.residual);
            continue;
        }
        if (m->law != FL_LAW_COMPLETE) {                 /* the ledger closes to rounding */
            CHECK_SAY(r.map.residual < 200 * FL_REAL_EPSILON && isfinite(r.map.absorbed), "%s: %g + %g instead of %g", m->name,
                      r.map.sum, r.map.absorbed, r.map.wanted);
            CHECK(r.map.wanted == (m->law == FL_LAW_SUMS_TO_ONE ? 1 : r.map.score));
            continue;
        }
        if (m->defaults.rules) CHECK_SAY(r.map.residual < 200 * FL_REAL_EPSILON, "%s: off by %g", m->name, r.map.residual);
        /* Guided paths move single values by up to twice max_distance, 4 % of their way, on one gradient: more steps do not help. */
        const double bound = strcmp(m->name, "guided_ig") == 0 ? 0.06 : 0.01;
        CHECK_NEAR(r.map.sum, r.map.score - r.map.baseline_score, bound * fabs(r.map.wanted));
        CHECK(r.map.wanted == r.map.score - r.map.baseline_score && r.map.residual < bound);
        const double from_zero = r.map.baseline_score;
        if (!(fl_method_uses(m) & FL_READS(baseline))) continue;
        rig_explain(&r, m->name, clip, WITH(.baseline = "black", .steps = o.steps));
        CHECK_NEAR(r.map.sum, r.map.score - r.map.baseline_score, bound * fabs(r.map.wanted));
        CHECK(r.map.baseline_score != from_zero);
    }
    rig_down(&r);
}

/* Few steps and samples, not multiples of 4, so that the last pass is partly filled. */
static fl_explain_options short_run(void)
{
    return WITH(.target = {.class_index = 1}, .steps = 6, .samples = 6, .iterations = 2, .seed = 3);
}

enum { MOST_METHODS = 128 };
typedef struct bits { uint64_t hash[MOST_METHODS]; double score[MOST_METHODS]; } bits;

static bits run_all(int batch, int threads)
{
    static bits b;
    memset(&b, 0, sizeof b);
    fl_rig r;
    fl_threads_set(threads);
    if (tiny_up(&r, batch)) {
        int i = 0;
        for (const fl_method *m = fl_method_table; m->name && i < MOST_METHODS; m++, i++) {
            const real *map = rig_explain(&r, m->name, clip, short_run());
            b.hash[i] = map ? fl_hash(map, (size_t)fl_shape_count(r.map.shape) * sizeof(real)) : 0;
            b.score[i] = r.map.score;
        }
    }
    rig_down(&r);
    fl_threads_set(0);
    return b;
}

TEST(attribution_tiny_same_bits)
{
    const bits one = run_all(1, 1);
    static const struct { int batch, threads; } other[] = {{1, 2}, {1, 3}, {1, 7}, {4, 1}, {4, 2}, {5, 3}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        const bits b = run_all(other[i].batch, other[i].threads);
        for (int m = 0; fl_method_table[m].name; m++)
            CHECK_SAY(b.hash[m] == one.hash[m] && b.score[m] == one.score[m],
                      "%s: other bits with %d clips per pass and %d threads", fl_method_table[m].name, other[i].batch,
                      other[i].threads);
    }
}

/* Results do not depend on what was explained before; the memory of plans is used again. */
TEST(attribution_tiny_order_and_memory)
{
    fl_rig r;
    if (!tiny_up(&r, 1)) return;
    const bits fresh = run_all(1, 1);
    size_t arena = 0, results = 0;
    for (int round = 0; round < 4; round++) {
        for (int m = 6; m >= 0; m--) {
            const fl_mark mark = fl_arena_mark(&r.results);
            const real *map = rig_explain(&r, fl_method_table[m].name, clip, short_run());
            CHECK(map && fl_hash(map, (size_t)fl_shape_count(r.map.shape) * sizeof(real)) == fresh.hash[m]);
            fl_arena_release(&r.results, mark);
        }
        if (round == 0) arena = r.arena.peak, results = r.results.peak;
    }
    CHECK(r.arena.peak == arena && r.results.peak == results);
    rig_down(&r);
}

static size_t peak_of(const char *method, int count, int batch)
{
    fl_rig r;
    if (!tiny_up(&r, batch)) return 0;
    rig_explain(&r, method, clip, WITH(.steps = count, .samples = count, .iterations = count));
    const size_t peak = r.results.peak;
    CHECK(r.map.passes >= count);
    rig_down(&r);
    return peak;
}

TEST(attribution_tiny_memory_is_flat)
{
    CHECK(peak_of("smoothgrad", 2, 1) == peak_of("smoothgrad", 40, 1));
    CHECK(peak_of("vargrad", 2, 4) == peak_of("vargrad", 40, 4));
    CHECK(peak_of("integrated_gradients", 40, 1) - peak_of("integrated_gradients", 2, 1) <=
          38 * 2 * sizeof(double) + 128);
}
