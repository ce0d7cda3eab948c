/* test_flow.c: optical flow against motion that is known, its pieces against naive loops, its bits, its failures. */
#include "tensor/flow.h"
#include "tensor/flow_parts.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"
#include "tests/flow_scene.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

enum { H = 96, W = 128, PIXELS = H * W };

static real frame0[PIXELS], frame1[PIXELS], flow[2 * PIXELS], other[2 * PIXELS];

/* Flow of the two frames at hand; false after a failed check. */
static bool solve(const real *from, const real *to, int height, int width, real *uv)
{
    fl_error err = {0};
    fl_arena a;
    const fl_flow_params p = fl_flow_default();
    fl_arena_init(&a, &err);
    const bool ok = CHECK_SAY(fl_flow_tvl1(&a, from, to, height, width, &p, uv) == FL_OK, "%s", err.message);
    fl_arena_free(&a);
    return ok;
}

static void show(const scene *s)
{
    scene_frame(s, 0, H, W, frame0);
    scene_frame(s, 1, H, W, frame1);
}

static double largest(const real *a, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++) most = fmax(most, fabs((double)a[i]));
    return most;
}

/* What is asked for, in pixels: a hundredth for a shift, three hundredths where pixels enter and leave or motion is
 * not constant, a tenth with borders of objects. And the second frame is explained, up to what no flow can explain.
 * */
TEST(flow_finds_known_motion)
{
    static const struct { scene scene; double error, rest; } table[] = {
        {{SCENE_SHIFT, 1, 0}, 0.01, 0.1},           {{SCENE_SHIFT, 0.5, -0.25}, 0.01, 0.1},
        {{SCENE_SHIFT, 2.3, 1.7}, 0.015, 0.1},      {{SCENE_SHIFT, 5, -3}, 0.01, 0.1},
        {{SCENE_SHIFT, 8, 0}, 0.05, 0.1},           {{SCENE_SHIFT, 0, -8}, 0.05, 0.1},
        {{SCENE_TURN, 2, 0}, 0.035, 0.1},           {{SCENE_TURN, -5, 0}, 0.07, 0.1},
        {{SCENE_ZOOM, 1.03, 0}, 0.035, 0.1},        {{SCENE_ZOOM, 0.95, 0}, 0.035, 0.1},
        {{SCENE_OBJECT, 3, 1}, 0.05, 0.25},         {{SCENE_OBJECT, -6, 2}, 0.1, 0.25},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const scene *s = &table[i].scene;
        show(s);
        if (!solve(frame0, frame1, H, W, flow)) return;
        memset(other, 0, sizeof other);
        const double error = scene_error(s, H, W, flow), before = fl_flow_residual(frame0, frame1, H, W, other);
        const double after = fl_flow_residual(frame0, frame1, H, W, flow);
        CHECK_SAY(error <= table[i].error, "scene %zu (%g, %g): %.4f pixels off", i, s->a, s->b, error);
        CHECK_SAY(after <= table[i].rest * before, "scene %zu (%g, %g): grey values off by %.3f, before %.3f", i,
                  s->a, s->b, after, before);
    }
}

TEST(flow_of_what_rests_is_zero)
{
    show(&(scene){SCENE_SHIFT, 0, 0});
    if (!solve(frame0, frame1, H, W, flow)) return;
    CHECK(largest(flow, 2 * PIXELS) == 0);
    for (int i = 0; i < PIXELS; i++) {          /* two flat frames of different light: nothing says which way */
        frame0[i] = 40;
        frame1[i] = 200;
    }
    if (!solve(frame0, frame1, H, W, flow)) return;
    CHECK(largest(flow, 2 * PIXELS) == 0);
}

/* Mirrored, transposed, and backwards in time: the flow follows, up to the sidedness of the differences. */
TEST(flow_follows_symmetries)
{
    static real mirrored0[PIXELS], mirrored1[PIXELS];
    show(&(scene){SCENE_OBJECT, 4, -2});
    if (!solve(frame0, frame1, H, W, flow)) return;
    for (int i = 0; i < PIXELS; i++) {
        mirrored0[i] = frame0[i / W * W + W - 1 - i % W];
        mirrored1[i] = frame1[i / W * W + W - 1 - i % W];
    }
    if (!solve(mirrored0, mirrored1, H, W, other)) return;
    double off = 0;
    for (int i = 0; i < PIXELS; i++) {
        const int m = i / W * W + W - 1 - i % W;
        off += hypot((double)(flow[2 * i] + other[2 * m]), (double)(flow[2 * i + 1] - other[2 * m + 1])) / PIXELS;
    }
    CHECK_SAY(off < 0.05, "mirrored: %g", off);

    for (int i = 0; i < PIXELS; i++) {          /* now W high and H wide */
        mirrored0[i] = frame0[i % H * W + i / H];
        mirrored1[i] = frame1[i % H * W + i / H];
    }
    if (!solve(mirrored0, mirrored1, W, H, other)) return;
    off = 0;
    for (int i = 0; i < PIXELS; i++) {
        const int m = i % H * W + i / H;
        off += hypot((double)(flow[2 * m] - other[2 * i + 1]), (double)(flow[2 * m + 1] - other[2 * i])) / PIXELS;
    }
    CHECK_SAY(off < 1e-3, "transposed: %g", off);

    show(&(scene){SCENE_SHIFT, 3, -1});
    if (!solve(frame0, frame1, H, W, flow) || !solve(frame1, frame0, H, W, other)) return;
    off = 0;
    for (int y = 8; y < H - 8; y++)
        for (int x = 8; x < W - 8; x++) {
            const int i = 2 * (y * W + x);
            off = fmax(off, hypot((double)(flow[i] + other[i]), (double)(flow[i + 1] + other[i + 1])));
        }
    CHECK_SAY(off < 0.2, "backwards in time: %g", off);
}

TEST(flow_small_frames_have_a_flow_too)
{
    static const int sizes[][2] = {{1, 1}, {1, 40}, {33, 1}, {2, 2}, {15, 16}, {24, 24}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int h = sizes[i][0], w = sizes[i][1];
        scene_frame(&(scene){SCENE_SHIFT, 0.5, 0}, 0, h, w, frame0);
        scene_frame(&(scene){SCENE_SHIFT, 0.5, 0}, 1, h, w, frame1);
        if (!solve(frame0, frame1, h, w, flow)) return;
        for (int k = 0; k < 2 * h * w; k++)
            if (!CHECK_SAY(fabs((double)flow[k]) < 3, "%d x %d: %g", h, w, (double)flow[k])) return;
    }
}

/* ---- the pieces against their definitions ---- */

enum { SH = 7, SW = 19, SMALL = SH * SW };

static fl_flow_level small_level(fl_arena *a)
{
    fl_flow_level l = {.height = SH, .width = SW, .pitch = SW + 2};
    const int padded = (SH + 2) * (SW + 2);
    for (int k = 0; k < 2; k++) {
        l.u[k] = FL_NEW(a, real, padded);
        l.g[k] = FL_NEW(a, real, padded);
        for (int i = 0; i < 2; i++) l.p[k][i] = FL_NEW(a, real, padded);
    }
    l.inverse = FL_NEW(a, real, padded);
    l.rest = FL_NEW(a, real, padded);
    l.change = FL_NEW(a, real, SW);
    l.k = FL_NEW(a, real, SW);
    l.image = FL_NEW(a, real, 3 * SMALL);
    l.row = FL_NEW(a, real, fl_flow_median_scratch(SW));
    return l;
}

static double draw(uint64_t stream, int i) { return 2 * fl_rng_uniform(7, stream, (uint64_t)i) - 1; }

typedef struct naive { double u[2][SMALL], p[2][2][SMALL], g[2][SMALL], rest[SMALL]; } naive;

/* One round as it stands in the papers: three cases of the threshold, borders by name. */
static double naive_round(naive *s, const fl_flow_params *o)
{
    static double next[2][SMALL];
    double change = 0;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < SMALL; i++) {
            const double square = s->g[0][i] * s->g[0][i] + s->g[1][i] * s->g[1][i], limit = o->lambda * o->theta;
            const double r = s->rest[i] + s->g[0][i] * s->u[0][i] + s->g[1][i] * s->u[1][i];
            double d = s->u[k][i];
            if (r < -limit * square) d += limit * s->g[k][i];
            else if (r > limit * square) d -= limit * s->g[k][i];
            else if (square > 0) d -= r * s->g[k][i] / square;
            const double left = i % SW ? s->p[k][0][i - 1] : 0, above = i >= SW ? s->p[k][1][i - SW] : 0;
            const double div = s->p[k][0][i] - left + s->p[k][1][i] - above;
            next[k][i] = d + o->theta * div;
        }
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < SMALL; i++) {
            change += (next[k][i] - s->u[k][i]) * (next[k][i] - s->u[k][i]);
            s->u[k][i] = next[k][i];
        }
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < SMALL; i++) {
            const double ux = i % SW < SW - 1 ? s->u[k][i + 1] - s->u[k][i] : 0;
            const double uy = i / SW < SH - 1 ? s->u[k][i + SW] - s->u[k][i] : 0;
            const double rate = o->tau / o->theta, below = 1 + rate * sqrt(ux * ux + uy * uy);
            s->p[k][0][i] = (s->p[k][0][i] + rate * ux) / below;
            s->p[k][1][i] = (s->p[k][1][i] + rate * uy) / below;
        }
    return change / SMALL;
}

TEST(flow_rounds_follow_the_definition)
{
    static naive s;
    fl_error err = {0};
    fl_arena a;
    const fl_flow_params o = fl_flow_default();
    fl_arena_init(&a, &err);
    const fl_flow_level l = small_level(&a);
    for (int i = 0; i < SMALL; i++) {
        const int64_t at = fl_flow_at(&l, i / SW, i % SW);
        const double steep = i % 5 ? 3 : 0;       /* some pixels without a gradient */
        for (int k = 0; k < 2; k++) {
            s.u[k][i] = (double)(l.u[k][at] = (real)draw((uint64_t)k, i));
            s.g[k][i] = (double)(l.g[k][at] = (real)(steep * draw(2 + (uint64_t)k, i)));
        }
        s.rest[i] = (double)(l.rest[at] = (real)draw(4, i));
        const double square = s.g[0][i] * s.g[0][i] + s.g[1][i] * s.g[1][i];
        l.inverse[at] = (real)(square > 0 ? 1 / square : 1e30);
    }
    for (int k = 0; k < 2; k++) fl_flow_close(&l, l.u[k]);
    for (int round = 0; round < 9; round++) {
        const double want = naive_round(&s, &o), got = fl_flow_round(&l, &o);
        CHECK_NEAR(got, want, 100 * FL_REAL_EPSILON * want);
    }
    double off = 0;
    for (int i = 0; i < SMALL; i++)
        for (int k = 0; k < 2; k++) {
            const int64_t at = fl_flow_at(&l, i / SW, i % SW);
            off = fmax(off, fabs((double)l.u[k][at] - s.u[k][i]));
            for (int j = 0; j < 2; j++) off = fmax(off, fabs((double)l.p[k][j][at] - s.p[k][j][i]));
        }
    CHECK_SAY(off < 50 * FL_REAL_EPSILON, "off by %g", off);
    fl_arena_free(&a);
}

static int ascending(const void *a, const void *b)
{
    const real x = *(const real *)a, y = *(const real *)b;
    return (x > y) - (x < y);
}

static int inside(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

TEST(flow_median_sorts)
{
    fl_error err = {0};
    fl_arena a;
    fl_arena_init(&a, &err);
    for (int size = 3; size <= 5; size += 2) {
        const fl_flow_level l = small_level(&a);
        real *plane = l.u[0], before[SMALL];
        for (int i = 0; i < SMALL; i++)
            plane[fl_flow_at(&l, i / SW, i % SW)] = before[i] = (real)floor(40 * draw(9, i));      /* with equals */
        fl_flow_median(&l, plane, size);
        for (int i = 0; i < SMALL; i++) {
            real around[25] = {0};
            int n = 0;
            for (int dy = -(size / 2); dy <= size / 2; dy++)
                for (int dx = -(size / 2); dx <= size / 2; dx++) {
                    const int y = i / SW + dy, x = i % SW + dx;
                    around[n++] = before[inside(y, SH) * SW + inside(x, SW)];
                }
            qsort(around, (size_t)n, sizeof *around, ascending);
            const real got = plane[fl_flow_at(&l, i / SW, i % SW)];
            CHECK_SAY(got == around[n / 2], "%d: at %d got %g, wanted %g", size, i, (double)got,
                      (double)around[n / 2]);
        }
    }
    fl_arena_free(&a);
}

/* Cubic interpolation is exact on a plane and on a parabola; what leads out of the picture has no data. */
TEST(flow_warp_reads_the_second_frame)
{
    fl_error err = {0};
    fl_arena a;
    real zero[SMALL] = {0}, curved[SMALL];
    fl_arena_init(&a, &err);
    const fl_flow_level l = small_level(&a);
    for (int i = 0; i < SMALL; i++) {
        const int x = i % SW, y = i / SW;
        curved[i] = (real)(x * x + 3 * y);
    }
    for (int64_t i = 0; i < (SH + 2) * (SW + 2); i++) {
        l.u[0][i] = R(1.25);
        l.u[1][i] = R(-0.5);
    }
    fl_flow_image(&l, curved);
    fl_flow_warp(&l, zero);
    for (int y = 0; y < SH; y++)
        for (int x = 0; x < SW; x++) {
            const int64_t at = fl_flow_at(&l, y, x);
            const double place = x + 1.25, gx = 2 * place, gy = 3, value = place * place + 3 * (y - 0.5);
            if (y == 0 || x >= SW - 2) {
                CHECK(l.g[0][at] == 0 && l.g[1][at] == 0 && l.rest[at] == 0);
            } else if (y > 2 && y < SH - 2 && x > 1 && x < SW - 4) {
                CHECK_NEAR((double)l.g[0][at], gx, 1e3 * FL_REAL_EPSILON);
                CHECK_NEAR((double)l.g[1][at], gy, 1e3 * FL_REAL_EPSILON);
                CHECK_NEAR((double)l.rest[at], value - 1.25 * gx + 0.5 * gy, 1e4 * FL_REAL_EPSILON);
                CHECK_NEAR((double)l.inverse[at] * (gx * gx + gy * gy), 1, 1e2 * FL_REAL_EPSILON);
            }
        }
    real uv[2 * SMALL];
    for (int i = 0; i < SMALL; i++) {
        uv[2 * i] = 1;
        uv[2 * i + 1] = 0;
        zero[i] = curved[i] + 2 * (real)(i % SW) + 1 + 5;          /* curved at x + 1, and 5 */
    }
    CHECK_NEAR(fl_flow_residual(zero, curved, SH, SW, uv), 5, 1e3 * FL_REAL_EPSILON);
    fl_arena_free(&a);
}

TEST(flow_grey_is_luma)
{
    const unsigned char rgb[12] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
    const double want[4] = {76.245, 149.685, 29.07, 255};
    real grey[4];
    fl_flow_grey(rgb, 4, grey);
    for (int i = 0; i < 4; i++) CHECK_NEAR((double)grey[i], want[i], 255 * FL_REAL_EPSILON);
}

/* ---- many pairs, bits, failures ---- */

enum { FRAMES = 6, FH = 40, FW = 52, FPIXELS = FH * FW };
static real film[FRAMES * FPIXELS], flows[FRAMES * 2 * FPIXELS];
static const int FIRST[] = {0, 1, 2, 3, 4, 4};

static void make_film(void)
{
    for (int t = 0; t < FRAMES; t++)
        scene_frame(&(scene){SCENE_OBJECT, 1.5 * t, -0.7 * t}, 1, FH, FW, film + t * FPIXELS);
}

static bool stop_after_three(int done, int pairs, void *user)
{
    *(int *)user = done;
    CHECK(done <= pairs);
    return done < 3;
}

static fl_status run_film(fl_flow_told *told, void *user, fl_error *err)
{
    fl_arena a;
    const fl_flow_params p = fl_flow_default();
    fl_arena_init(&a, err);
    const fl_status status = fl_flow_pairs(&a, film, FIRST, FRAMES, FH, FW, &p, told, user, flows);
    CHECK(a.used == 0);
    fl_arena_free(&a);
    return status;
}

TEST(flow_bits_do_not_follow_threads)
{
    fl_error err = {0};
    make_film();
    fl_threads_set(1);
    CHECK_SAY(run_film(NULL, NULL, &err) == FL_OK, "%s", err.message);
    const uint64_t want = fl_hash(flows, sizeof flows);
    fl_parallel_min = 0;
    for (int threads = 1; threads <= 8; threads++)
        for (int backwards = 0; backwards < 2; backwards++) {
            fl_threads_set(threads);
            fl_parallel_backwards = backwards;
            memset(flows, 0, sizeof flows);
            CHECK(run_film(NULL, NULL, &err) == FL_OK);
            CHECK_SAY(fl_hash(flows, sizeof flows) == want, "%d threads%s", threads, backwards ? ", backwards" : "");
        }
    fl_parallel_min = FL_PARALLEL_MIN;
    fl_parallel_backwards = false;
    for (int i = 0; i < FRAMES; i++) {          /* and a pair alone */
        if (!solve(film + FIRST[i] * FPIXELS, film + (FIRST[i] + 1) * FPIXELS, FH, FW, flow)) break;
        CHECK_SAY(memcmp(flow, flows + i * 2 * FPIXELS, 2 * FPIXELS * sizeof *flow) == 0, "pair %d", i);
    }
    fl_threads_set(2);
    int done = 0;
    CHECK(run_film(stop_after_three, &done, &err) == FL_LIMIT);
    CHECK_SAY(done == (fl_threads() > 1 ? 4 : 3), "stopped after %d", done);
    fl_threads_set(0);
}

TEST(flow_survives_every_failed_allocation)
{
    make_film();
    for (long k = 1; k < 10; k++) {
        fl_error err = {0};
        fl_arena_fail_at(k);
        const fl_status status = run_film(NULL, NULL, &err);
        const bool reached = fl_arena_count() >= k;
        fl_arena_fail_at(0);
        CHECK(status == (reached ? FL_FAILED : FL_OK) && (*err.message != 0) == reached);
        if (!reached) {
            CHECK(k > 1);
            return;
        }
    }
    CHECK_SAY(false, "more allocations than one would think");
}

TEST(flow_refuses_what_makes_no_sense)
{
    const fl_flow_params good = fl_flow_default();
    fl_flow_params bad[11];
    const char *const name[11] = {"tau",   "lambda", "theta", "epsilon", "step", "levels",
                                  "warps", "outer",  "inner", "median",  "tau"};
    for (int i = 0; i < 11; i++) bad[i] = good;
    bad[0].tau = 0;
    bad[1].lambda = -1;
    bad[2].theta = INFINITY;
    bad[3].epsilon = -1e-9;
    bad[4].step = 1;
    bad[5].levels = 0;
    bad[6].warps = 0;
    bad[7].outer = -3;
    bad[8].inner = 0;
    bad[9].median = 4;
    bad[10].tau = NAN;
    fl_error err = {0};
    CHECK(fl_flow_check(&good, 1, FL_FLOW_SIDE, &err) == FL_OK);
    for (int i = 0; i < 11; i++) {
        fl_error_clear(&err);
        CHECK(fl_flow_check(&bad[i], 10, 10, &err) == FL_USAGE);
        CHECK_SAY(strstr(err.message, name[i]) != NULL, "%s: %s", name[i], err.message);
    }
    fl_error_clear(&err);
    CHECK(fl_flow_check(&good, 0, 10, &err) == FL_USAGE && strstr(err.message, "height"));
    fl_error_clear(&err);
    CHECK(fl_flow_check(&good, 10, FL_FLOW_SIDE + 1, &err) == FL_USAGE && strstr(err.message, "width"));
}
