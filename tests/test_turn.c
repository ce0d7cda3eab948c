/* test_turn.c: the way to the input that reads what is packed for the way forward gives the bits of its own packing. */
#include "tensor/conv.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <string.h>

static fl_conv layer(int ci, int co, const int k[3], int stride, int t, int extent)
{
    fl_conv c = {.x = {1, ci, t, extent, extent}, .y = {1, co, 0, 0, 0}, .groups = 1};
    int *const y[3] = {&c.y.t, &c.y.h, &c.y.w};
    const int x[3] = {t, extent, extent};
    for (int axis = 0; axis < 3; axis++) {
        c.win.k[axis] = k[axis], c.win.d[axis] = 1;
        c.win.s[axis] = k[axis] > 1 ? stride : 1;
        c.win.lo[axis] = c.win.hi[axis] = k[axis] / 2;
        *y[axis] = fl_window_extent(&c.win, axis, x[axis]);
    }
    return c;
}

static void check(fl_arena *a, const char *what, fl_conv c)
{
    const int64_t weights = (int64_t)c.y.c * c.win.k[0] * c.win.k[1] * c.win.k[2] * c.x.c, inputs = fl_shape_count(c.x);
    if (!CHECK_SAY(fl_conv_can_turn(&c), "%s: cannot be turned", what)) return;
    const fl_mark mark = fl_arena_mark(a);
    real *w = FL_NEW(a, real, weights), *gy = FL_NEW(a, real, fl_shape_count(c.y));
    real *forward = FL_NEW(a, real, fl_conv_packed_count(&c, FL_CONV_FORWARD));
    real *own = FL_NEW(a, real, fl_conv_packed_count(&c, FL_CONV_TO_INPUT));
    real *want = FL_NEW(a, real, inputs), *got = FL_NEW(a, real, inputs);
    fl_rng_fill_normal(5, 1, 0, w, weights);
    fl_rng_fill_normal(5, 2, 0, gy, fl_shape_count(c.y));
    fl_conv_pack(&c, FL_CONV_FORWARD, w, forward);
    fl_conv_pack(&c, FL_CONV_TO_INPUT, w, own);
    fl_conv_run(&c, FL_CONV_TO_INPUT, gy, own, NULL, NULL, want, FL_NEW(a, char, fl_conv_scratch(&c, FL_CONV_TO_INPUT)));
    c.turned = true;
    const int before = fl_threads();
    for (int threads = 1; threads <= 3; threads += 2) {
        fl_threads_set(threads);
        void *scratch = FL_NEW(a, char, fl_conv_scratch(&c, FL_CONV_TO_INPUT));
        memset(got, 1, (size_t)inputs * sizeof *got);
        fl_conv_run(&c, FL_CONV_TO_INPUT, gy, forward, NULL, NULL, got, scratch);
        CHECK_SAY(memcmp(want, got, (size_t)inputs * sizeof *got) == 0, "%s: other bits with %d threads", what, threads);
    }
    fl_threads_set(before);
    fl_arena_release(a, mark);
}

TEST(turn_weights_have_the_bits_of_their_own_packing)
{
    static const int cube[3] = {3, 3, 3}, plane[3] = {1, 3, 3}, line[3] = {3, 1, 1}, point[3] = {1, 1, 1};
    fl_error error = {0};
    fl_arena a;
    fl_arena_init(&a, &error);
    check(&a, "1x3x3, tiles of 4", layer(250, 300, plane, 1, 4, 28));
    check(&a, "1x3x3", layer(256, 150, plane, 1, 3, 14));
    check(&a, "3x1x1 and many channels", layer(576, 600, line, 1, 4, 5));
    check(&a, "3x3x3, tiles of 4, few rows", layer(256, 200, cube, 1, 4, 14));
    check(&a, "3x3x3, tiles of 2, few rows", layer(300, 520, cube, 1, 3, 10));
    check(&a, "3x3x3, tiles in two pieces, odd channels", layer(170, 333, cube, 1, 8, sizeof(real) == 4 ? 19 : 13));
    check(&a, "3x3x3, direct", layer(200, 201, cube, 1, 1, 3));
    check(&a, "3x3x3 with stride 2", layer(250, 170, cube, 2, 3, 7));
    fl_conv whole = layer(70, 600, plane, 1, 6, 3);
    whole.win.lo[1] = whole.win.hi[1] = whole.win.lo[2] = whole.win.hi[2] = 0;
    whole.y.h = whole.y.w = 1;
    check(&a, "a kernel as large as the frame", whole);
    check(&a, "3x3x3 and a row of taps in parts", layer(64, 900, cube, 1, 2, 5));
    check(&a, "1x1x1 in parts", layer(90, 2100, point, 1, 3, 5));
    check(&a, "1x1x1", layer(1000, 1100, point, 1, 1, 1));
    CHECK(error.status == FL_OK);
    fl_arena_free(&a);
}

TEST(turn_what_is_small_a_stem_or_long_panels_is_packed_twice)
{
    static const int cube[3] = {3, 3, 3}, stem[3] = {7, 7, 7};
    fl_conv small = layer(64, 64, cube, 1, 2, 14), first = layer(3, 2000, stem, 2, 8, 32), grouped = layer(1024, 1024, cube, 1, 2, 7);
    grouped.groups = 2;
    const fl_conv long_panels = layer(256, 256, cube, 1, 8, 28);
    CHECK(!fl_conv_can_turn(&long_panels));
    CHECK(!fl_conv_turns(&small) && !fl_conv_turns(&first) && !fl_conv_turns(&grouped));
}
