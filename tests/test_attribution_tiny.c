/* test_attribution_tiny.c: the methods on the network `tiny` against Captum's numbers (golden/tiny_maps.txt), and
 * what must not change a bit of them: threads, clips per pass, the order of methods. */
#include "tests/tiny_maps.h"

#include "tensor/math.h"
#include "tensor/par.h"
#include "tensor/rng.h"

#include <stdlib.h>

static real clip[TINY_CLIP];                             /* channels last */
static float golden[TINY_CLIP];

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
                    clip[fl_at(TINY_SHAPE, 0, c, t, y, x)] =
                        (real)(float)(wave * k[c] + 0.5 * (2 * fl_rng_named(name, i) - 1));
                }
}

static bool rig_tiny(fl_rig *r, int batch)
{
    make_clip();
    return tiny_up(r, batch);
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
    static real file[TINY_CLIP];
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

TEST(attribution_tiny_like_captum_and_zennit)
{
    fl_rig r;
    if (!rig_tiny(&r, 1)) return;
    check_golden("input", TINY_SHAPE, clip, 1e-7);
    for (int i = 0; i < TINY_MAPS; i++) {
        real corner[8];
        const real *values, *map = rig_explain(&r, tiny_maps[i].method, clip, tiny_maps[i].o);
        const fl_shape s = tiny_values(&r, map, corner, &values);
        check_golden(tiny_maps[i].array, s, values, tiny_maps[i].tolerance);
    }
    rig_down(&r);
}

/* Every method that promises a law keeps it; the residual is of a network with kinks, not of rounding. */
TEST(attribution_tiny_laws)
{
    fl_rig r;
    if (!rig_tiny(&r, 1)) return;
    for (const fl_method *m = fl_method_table; m->name; m++) {
        /* no quadrature rule: an error like 1 / steps */
        const bool first_order = !(fl_method_uses(m) & FL_READS(rule)) && !m->defaults.rules;
        const fl_explain_options o = m->law != FL_LAW_NONE && first_order ? WITH(.steps = 600, .iterations = 2) : WITH(.iterations = 2);
        rig_explain(&r, m->name, clip, o);
        if (m->law == FL_LAW_NONE) {
            CHECK(isnan(r.map.residual) && isnan(r.map.wanted));
            continue;
        }
        if (m->law == FL_LAW_SHARES) {                   /* sets of segments: as good as sums in double are */
            CHECK_SAY(r.map.residual < 1e-9 && r.map.wanted == r.map.score - r.map.baseline_score,
                      "%s: off by %g", m->name, r.map.residual);
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
    if (rig_tiny(&r, batch)) {
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
    if (!rig_tiny(&r, 1)) return;
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
    if (!rig_tiny(&r, batch)) return 0;
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
