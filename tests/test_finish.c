/* test_finish.c: a convolution that finishes its results gives the bits of one whose results are finished afterwards. */
#include "tensor/arena.h"
#include "tensor/conv.h"
#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <string.h>

static const struct { fl_shape x; int o, groups; fl_window win; } cases[] = {
    {{2, 5, 3, 5, 9}, 7, 1, {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}},      /* direct; several pixels together */
    {{1, 33, 2, 7, 6}, 70, 1, {{1, 1, 1}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}}},    /* strided: phases without taps */
    {{1, 40, 3, 7, 9}, 45, 1, {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}},    /* Winograd, odd channels */
    {{1, 64, 9, 3, 3}, 32, 1, {{3, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 0, 0}, {1, 0, 0}}},
    {{2, 93, 8, 12, 13}, 64, 1, {{3, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 0, 0}, {1, 0, 0}}}, /* tiles along t: all channels in one go */
    {{1, 384, 1, 8, 8}, 384, 1, {{1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}},  /* Winograd with large weights */
    {{1, 3, 4, 17, 16}, 32, 1, {{3, 7, 7}, {1, 2, 2}, {1, 1, 1}, {1, 3, 3}, {1, 3, 3}}},   /* a stem: scattering */
    {{1, 20, 2, 5, 5}, 20, 20, {{1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}},   /* depthwise */
    {{1, 6, 2, 5, 5}, 8, 2, {{1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}},
};

/* From the definition; sums are given. */
static void finish_plainly(const fl_finish *f, const real *sum, int64_t count, real *to, uint8_t *sign)
{
    for (int64_t i = 0; i < count; i++) {
        real v = f->add ? sum[i] + f->add[i] : sum[i];
        if (f->relu && v < 0) v = 0;
        if (sign) sign[i] = v > 0 ? 255 : 0;
        if (f->gate && !f->gate[i]) v = 0;
        to[i] = v;
    }
}

static void check_finish(const fl_conv *c, fl_conv_pass pass, int what, fl_arena *arena)
{
    const bool forward = pass == FL_CONV_FORWARD;
    const int64_t n = fl_shape_count(forward ? c->x : c->y), count = fl_shape_count(forward ? c->y : c->x);
    const fl_shape ws = {c->y.c, c->x.c / c->groups, c->win.k[0], c->win.k[1], c->win.k[2]};
    const fl_mark mark = fl_arena_mark(arena);
    real *from = FL_NEW(arena, real, n), *w = FL_NEW(arena, real, fl_shape_count(ws)), *bias = FL_NEW(arena, real, c->y.c);
    real *packed = FL_NEW(arena, real, fl_conv_packed_count(c, pass)), *sum = FL_NEW(arena, real, count);
    real *want = FL_NEW(arena, real, count), *got = FL_NEW(arena, real, count), *add = FL_NEW(arena, real, count);
    uint8_t *sign = FL_NEW(arena, uint8_t, count), *want_sign = FL_NEW(arena, uint8_t, count), *gate = FL_NEW(arena, uint8_t, count);
    void *scratch = FL_NEW(arena, char, fl_conv_scratch(c, pass));
    fl_rng_fill_normal(1, 0, 0, from, n), fl_rng_fill_normal(1, 1, 0, w, fl_shape_count(ws));
    fl_rng_fill_normal(1, 2, 0, bias, c->y.c), fl_rng_fill_normal(1, 3, 0, add, count);
    for (int64_t i = 0; i < count; i++) gate[i] = (uint8_t)(fl_rng_bits(1, 4, (uint64_t)i) & 1 ? 255 : 0);
    fl_conv_pack(c, pass, w, packed);
    fl_conv_run(c, pass, from, packed, forward ? bias : NULL, NULL, sum, scratch);
    const bool in_place = (what & 9) == 9;                               /* a second arrival adds to what is there */
    if (in_place) memcpy(got, add, (size_t)count * sizeof *got);
    const fl_finish f = {what & 1 ? (in_place ? got : add) : NULL, (what & 2) != 0, what & 4 ? sign : NULL, what & 8 ? gate : NULL};
    const fl_finish plain = {what & 1 ? add : NULL, f.relu, NULL, f.gate};
    finish_plainly(&plain, sum, count, want, f.sign ? want_sign : NULL);
    fl_conv_run(c, pass, from, packed, forward ? bias : NULL, &f, got, scratch);
    CHECK_SAY(memcmp(got, want, (size_t)count * sizeof *got) == 0 && memcmp(sign, want_sign, (size_t)count) == 0,
              "%d>%d %dx%dx%d, pass %d, finish %d on %s differs", c->x.c, c->y.c, c->win.k[0], c->win.k[1], c->win.k[2], (int)pass, what,
              fl_isa_name());
    if (!in_place) {
        fl_finish_all(&f, sum, count, sum);                              /* a pass of its own, in place */
        CHECK(memcmp(sum, want, (size_t)count * sizeof *sum) == 0);
    }
    fl_arena_release(arena, mark);
}

TEST(finish_is_the_same_in_the_convolution_and_after_it)
{
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_parallel_min = 0;
    for (int isa = 0; fl_isa_available(isa); isa++) {
        fl_isa_choose(fl_isa_available(isa), &error);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            fl_conv c = {.x = cases[i].x, .win = cases[i].win, .groups = cases[i].groups};
            c.y = (fl_shape){c.x.n, cases[i].o, fl_window_extent(&c.win, 0, c.x.t), fl_window_extent(&c.win, 1, c.x.h),
                             fl_window_extent(&c.win, 2, c.x.w)};
            for (int what = 0; what < 16; what += c.x.c > 100 ? 5 : 1)
                for (int pass = FL_CONV_FORWARD; pass <= FL_CONV_TO_INPUT; pass++) check_finish(&c, (fl_conv_pass)pass, what, &arena);
        }
    }
    fl_isa_choose(NULL, &error);
    fl_parallel_min = FL_PARALLEL_MIN;
    fl_arena_free(&arena);
}
