/* test_attribution_sampling.c: methods that change the clip and watch, on a linear network, by their closed forms; memory, messages. */
#include "tests/sampling_rig.h"

/* ---- a linear network ---- */

TEST(attribution_occlusion_of_a_linear_network)
{
    static const struct { const char *window, *stride; int size[3], step[3]; bool sums; } cases[] = {
        {"1", "1", {1, 1, 1}, {1, 1, 1}, false}, {"2,3,2", "1,2,1", {2, 3, 2}, {1, 2, 1}, false},
        {"3,4,4", NULL, {3, 4, 4}, {1, 2, 2}, false}, {"4,6,5", NULL, {4, 6, 5}, {2, 3, 2}, false},
        {"100,6,2", "7,3,2", {4, 6, 2}, {7, 3, 2}, false}, {"2,3,3", "2,2,1", {2, 3, 3}, {2, 2, 1}, true}};
    for (int batch = 1; batch <= 3; batch += 2)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            fl_rig r;
            linear_up(&r, batch);
            rig_explain(&r, "occlusion", clip, WITH(OF_CLASS_1, .window = cases[i].window, .stride = cases[i].stride,
                                                    .as_published = cases[i].sums));
            double sum[PIXELS] = {0};
            int n[PIXELS] = {0}, windows = 0;
            const int *s = cases[i].size, *d = cases[i].step, side[3] = {T, H, W};
            for (int t = 0; t == 0 || t + s[0] < T + d[0]; t += d[0])          /* the last window is the first that reaches the end */
                for (int y = 0; y == 0 || y + s[1] < H + d[1]; y += d[1])
                    for (int x = 0; x == 0 || x + s[2] < W + d[2]; x += d[2]) {
                        double e = 0;
                        if (cases[i].sums && (t + s[0] > side[0] || y + s[1] > side[1] || x + s[2] > side[2])) continue;
                        windows++;
                        for (int pass = 0; pass < 2; pass++)
                            for (int p = 0; p < PIXELS; p++) {
                                const int at[3] = {p / (H * W), p / W % H, p % W};
                                if (at[0] < t || at[0] >= t + s[0] || at[1] < y || at[1] >= y + s[1] || at[2] < x ||
                                    at[2] >= x + s[2]) continue;
                                if (pass == 0) e += effect(p);
                                else sum[p] += e, n[p]++;
                            }
                    }
            for (int p = 0; p < PIXELS; p++)
                if (!cases[i].sums) sum[p] /= n[p];
            CHECK(r.map.samples == windows && r.map.passes == windows + 2);
            check_map(cases[i].window, &r, sum, NEAR_ZERO);
            for (int p = 0; p < PIXELS; p++) CHECK(r.map.standard_error[p] == 0);
            rig_down(&r);
        }
    fl_rig r;
    linear_up(&r, 1);
    CHECK(fl_explain(r.e, fl_method_find("occlusion"), clip, &WITH(.window = "2,2,2", .stride = "1,3,1"), &r.results, &r.map) == FL_USAGE);
    CHECK_SAY(strstr(r.error.message, "never be hidden") != NULL, "%s", r.error.message);
    static const char *const bad[] = {"", "2,", "2,2", "2,2,2,", "2,2,2,2", "0", "1,0,1", "a", "2 2 2", "-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error_clear(&r.error);
        CHECK_SAY(fl_explain(r.e, fl_method_find("occlusion"), clip, &WITH(.window = bad[i]), &r.results, &r.map) == FL_USAGE, "'%s'",
                  bad[i]);
    }
    rig_down(&r);
}

/* Sets of segments on an additive score: LOCO, UP, Shapley values, KernelSHAP and LIME without ridge all give each segment's effect. */
TEST(attribution_segments_of_a_linear_network)
{
    static const char *const methods[] = {"loco", "up", "shapley_exact", "shapley_sampled", "kernel_shap", "lime"};
    double wanted[PIXELS] = {0}, cell[8] = {0};
    fl_rig r;
    for (int m = 0; m < 6; m++) {
        linear_up(&r, 1 + 2 * (m % 2));
        memset(cell, 0, sizeof cell);
        for (int p = 0; p < PIXELS; p++) cell[p / (H * W) / 2 * 4 + p / W % H / 3 * 2 + p % W / 3] += effect(p);
        for (int p = 0; p < PIXELS; p++) wanted[p] = cell[p / (H * W) / 2 * 4 + p / W % H / 3 * 2 + p % W / 3];
        rig_explain(&r, methods[m], clip, WITH(OF_CLASS_1, .segments = "grid", .cell = "2,3,3", .hide = FL_HIDE_BASELINE,
                                               .meant = FL_READS(ridge)));
        check_map(methods[m], &r, wanted, 20 * NEAR_ZERO);
        CHECK(r.map.segments == 8);
        if (r.map.method->law == FL_LAW_SHARES) {
            CHECK_NEAR(r.map.sum, whole_score() + 1, NEAR_ZERO);
            CHECK_NEAR(r.map.wanted, whole_score() + 1, NEAR_ZERO);
            CHECK_NEAR(r.map.residual, 0, 1e-12);
        }
        rig_down(&r);
    }
}

/* ---- memory, messages ---- */

static size_t peak_of(const char *method, int samples, size_t *graph)
{
    fl_rig r;
    net_up(&r, M, 2);
    rig_explain(&r, method, frames_of_one, WITH(CLASS_0, .samples = samples, .grid = "5,1,1", .segments = "frames"));
    const size_t peak = r.results.peak;
    *graph = r.arena.peak;
    rig_down(&r);
    return peak;
}

TEST(attribution_sampling_memory_is_flat)
{
    static const char *const methods[] = {"rise", "rise_3d", "lime", "kernel_shap", "shapley_sampled"};
    for (int k = 0; k < 5; k++) {
        size_t few, many;
        CHECK_SAY(peak_of(methods[k], 400, &few) == peak_of(methods[k], 1900, &many) && few == many, "%s: memory grows with samples",
                  methods[k]);
    }
}

TEST(attribution_sampling_survives_every_failed_allocation)
{
    static const char *const methods[] = {"occlusion", "aosa", "sos", "rise", "lime", "kernel_shap", "shapley_exact", "loco"};
    for (int k = 0; k < 8; k++) {
        bool done = false;
        for (long n = 1; !done && n < 400; n++) {
            fl_rig r;
            linear_up(&r, 1);
            fl_arena_fail_at(n);
            const fl_status status = fl_explain(r.e, fl_method_find(methods[k]), clip,
                                                &WITH(OF_CLASS_1, .window = "4,6,5", .samples = 4, .grid = "1,2,2",
                                                      .stride = k == 2 ? "1" : NULL,
                                                      .segments = "grid", .cell = "2,6,5", .balanced = k == 3), &r.results, &r.map);
            done = fl_arena_count() < n;
            fl_arena_fail_at(0);
            CHECK_SAY(done ? status == FL_OK : r.map.data == NULL && r.error.status == FL_FAILED && r.error.message[0],
                      "%s, allocation %ld: status %d, %s", methods[k], n, (int)status, r.error.message);
            rig_down(&r);
        }
        CHECK(done);
    }
}

TEST(attribution_sampling_says_what_is_wrong)
{
    static const struct { const char *method; fl_explain_options o; const char *says; } cases[] = {
        {"shapley_exact", {.cell = "1"}, "2^120"}, {"loco", {.cell = "9"}, "at least 2 segments"}, {"rise", {.grid = "1,7,2"}, "6 rows"},
        {"rise", {.grid = "x"}, "grid: expected"}, {"rise", {.keep = 1.5}, "keep"}, {"rise", {.grid = "1,2,2", .meant = FL_READS(keep)},
                                                                                     "nothing would be seen"},
        {"kernel_shap", {.segments = "cubes"}, "there are none called 'cubes'"}, {"lime", {.kernel_width = -1}, "kernel-width"},
        {"occlusion", {.window = "1", .stride = "0"}, "window-stride"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_rig r;
        linear_up(&r, 1);
        CHECK_SAY(fl_explain(r.e, fl_method_find(cases[i].method), clip, &cases[i].o, &r.results, &r.map) == FL_USAGE &&
                      strstr(r.error.message, cases[i].says), "%s, case %zu: %s", cases[i].method, i, r.error.message);
        rig_down(&r);
    }
    fl_rig r;                                            /* too few samples to tell the segments apart: a warning, and a map */
    linear_up(&r, 1);
    rig_explain(&r, "kernel_shap", clip, WITH(OF_CLASS_1, .cell = "2,3,3", .samples = 4));
    CHECK(r.map.warnings > 0 && strstr(r.map.warning[0], "left open"));
    rig_down(&r);
}
