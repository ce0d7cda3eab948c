/* conv_part.h: a part of a convolution against the same place of the whole, bit for bit. */
#ifndef FL_TEST_CONV_PART_H
#define FL_TEST_CONV_PART_H

#include "tensor/conv.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <string.h>

/* Places lo .. lo+shape of `from`, with zeros where there is nothing. */
static inline void part_cut(fl_shape whole, const real *from, const int lo[3], fl_shape part, real *to)
{
    for (int n = 0; n < part.n; n++)
        for (int t = 0; t < part.t; t++)
            for (int h = 0; h < part.h; h++)
                for (int w = 0; w < part.w; w++, to += part.c) {
                    const int at[3] = {lo[0] + t, lo[1] + h, lo[2] + w};
                    const bool inside = at[0] >= 0 && at[1] >= 0 && at[2] >= 0 && at[0] < whole.t && at[1] < whole.h && at[2] < whole.w;
                    memset(to, 0, (size_t)part.c * sizeof *to);
                    if (inside) memcpy(to, from + fl_at(whole, n, 0, at[0], at[1], at[2]), (size_t)part.c * sizeof *to);
                }
}

/* Zeros where a part reaches beyond the whole. */
static inline void part_trim(fl_shape whole, const int lo[3], fl_shape part, real *y)
{
    for (int64_t p = 0; p < fl_shape_pixels(part); p++) {
        const int w = (int)(p % part.w), h = (int)(p / part.w % part.h), t = (int)(p / part.w / part.h % part.t);
        if (lo[0] + t >= whole.t || lo[1] + h >= whole.h || lo[2] + w >= whole.w)
            memset(y + p * part.c, 0, (size_t)part.c * sizeof *y);
    }
}

/* A random box of whole tiles, the last of which may reach beyond the end; along some axes all of it, with the padding of its own. */
static inline void part_draw(const fl_conv *whole, fl_rng *rng, fl_conv *part, int y_lo[3], int x_lo[3])
{
    const int extent[3] = {whole->y.t, whole->y.h, whole->y.w}, x[3] = {whole->x.t, whole->x.h, whole->x.w};
    int grid[3], y_size[3], x_size[3];
    fl_conv_grid(whole, grid);
    *part = *whole;
    part->part = true;
    part->whole_x = whole->x, part->whole_y = whole->y;
    for (int i = 0; i < 3; i++) {
        const fl_window *win = &whole->win;
        y_lo[i] = fl_rng_next_below(rng, (extent[i] + grid[i] - 1) / grid[i]) * grid[i];
        y_size[i] = (1 + fl_rng_next_below(rng, (extent[i] - y_lo[i] + grid[i] - 1) / grid[i])) * grid[i];
        if (fl_rng_next_below(rng, 2) && y_lo[i] + y_size[i] > extent[i]) y_size[i] = extent[i] - y_lo[i];
        x_lo[i] = y_lo[i] * win->s[i] - win->lo[i];
        x_size[i] = (y_size[i] - 1) * win->s[i] + (win->k[i] - 1) * win->d[i] + 1;
        if (fl_rng_next_below(rng, 3)) {
            part->win.lo[i] = part->win.hi[i] = 0;
        } else {
            y_lo[i] = x_lo[i] = 0;
            y_size[i] = extent[i];
            x_size[i] = x[i];
        }
    }
    part->y.t = y_size[0], part->y.h = y_size[1], part->y.w = y_size[2];
    part->x.t = x_size[0], part->x.h = x_size[1], part->x.w = x_size[2];
}

/* x, packed, b, y: of the whole, which is there already. */
static inline void part_check(const fl_conv *whole, const real *x, const real *packed, const real *b, const real *y, int which,
                              fl_arena *arena)
{
    fl_rng rng = {31, (uint64_t)which, 0};
    for (int draw = 0; draw < 12; draw++) {
        const fl_mark mark = fl_arena_mark(arena);
        fl_conv part;
        int y_lo[3], x_lo[3];
        part_draw(whole, &rng, &part, y_lo, x_lo);
        CHECK(fl_conv_packed_count(&part, FL_CONV_FORWARD) == fl_conv_packed_count(whole, FL_CONV_FORWARD));
        const int64_t count = fl_shape_count(part.y);
        const size_t bytes = fl_conv_scratch(&part, FL_CONV_FORWARD);
        real *from = FL_NEW(arena, real, fl_shape_count(part.x)), *got = FL_NEW(arena, real, count), *want = FL_NEW(arena, real, count);
        void *scratch = FL_NEW(arena, char, bytes);
        memset(scratch, 0xFF, bytes);
        memset(got, 0xFF, (size_t)count * sizeof *got);
        part_cut(whole->x, x, x_lo, part.x, from);
        part_cut(whole->y, y, y_lo, part.y, want);
        fl_conv_forward(&part, from, packed, b, got, scratch);
        part_trim(whole->y, y_lo, part.y, got);
        CHECK_SAY(memcmp(got, want, (size_t)count * sizeof *got) == 0, "geometry %d, part %d: %d,%d,%d from %d,%d,%d", which, draw,
                  part.y.t, part.y.h, part.y.w, y_lo[0], y_lo[1], y_lo[2]);
        fl_arena_release(arena, mark);
    }
}

#endif
