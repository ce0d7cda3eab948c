/* conv_product.c: one block of pixels of the gradient of the weights: two copies, multiplied tile by tile.
 *
 *     c[row][lane] += sum over the block's pixels p of  left[p, row] * right[p, lane]
 *
 * Straight, left is a copy of gy and right one of x; turned round it is the other way. */
#include "tensor/conv_weights_parts.h"

#include "tensor/par.h"

void fl_strips_multiply(const fl_weights *j, int first, int last, int lanes, fl_tile t, int64_t left_strip, int64_t right_strip, bool fresh,
                        fl_soon soon[2])
{
    const fl_kernels *kernels = j->kernels;
    const real *a = t.a, *b = t.b;
    real *c = t.c;
    const int64_t asks = t.run / 2 * t.count[0] * t.count[1];
    t.ahead = 12 * t.a_step, t.ahead_step = 2 * t.a_step;
    t.add = !fresh;
    for (int lane = 0; lane < lanes;) {
        const int vectors = lanes - lane > kernels->width * (kernels->vectors - 1) ? kernels->vectors : 1;
        t.b = b + lane / j->wide * right_strip + lane % j->wide;
        for (int strip = first; strip < last; strip++) {
            const int row = fl_strip_row(j, strip) - fl_strip_row(j, first);
            const int rows = fl_strip_row(j, strip + 1) - fl_strip_row(j, strip);
            t.a = j->straight ? a + (strip - first) * left_strip : a + row * t.a_row + (j->depthwise ? lane : 0);
            fl_soon *next = soon[0].columns ? &soon[0] : &soon[1];
            t.later_step = next->step;
            t.later = fl_soon_take(next, asks);
            t.c = c + row * t.c_row + lane;
            (j->depthwise ? kernels->lanes : kernels->tile)(&t, rows, vectors);
        }
        lane += vectors * kernels->width;
    }
}

void fl_weights_add(const fl_weights *j, const fl_item *item, const fl_patch *whole, const fl_patch *inside, const real *gy, bool fresh,
                    fl_soon soon[2])
{
    const fl_window *win = &j->c.win;
    const int nt = inside->to[0] - inside->from[0], nh = inside->to[1] - inside->from[1], nw = inside->to[2] - inside->from[2];
    const int all = whole->to[1] - whole->from[1], line = fl_line_of_panel(j, nw), lanes = fl_item_lanes(j, item);
    const int64_t before = ((inside->from[0] - whole->from[0]) * (int64_t)all + inside->from[1] - whole->from[1]) * nw;
    real *panel = j->panels + fl_thread() * j->apart;
    fl_tile t = {.a_row = 1, .run = nw, .count = {nt, nh, 1}, .c_row = fl_sums_row(j)};
    if (j->straight) {
        fl_panel_of_x(j, inside, item, panel);
        t.a = gy + before * j->tall;
        t.a_step = j->tall, t.a_jump[1] = (int64_t)nw * j->tall, t.a_jump[0] = (int64_t)all * nw * j->tall;
        t.b_step = j->columns > 1 ? win->s[2] * j->wide : j->wide;
        t.b_jump[1] = (int64_t)line * j->wide, t.b_jump[0] = (int64_t)nh * line * j->wide;
        if (line == nw && t.b_step == j->wide) {                               /* lines lie end to end on both sides */
            t.run *= nh, t.count[1] = 1;
            if (nh == all) t.run *= nt, t.count[0] = 1;
        }
        const int64_t left_strip = fl_patch_pixels(whole) * j->tall, right_strip = (int64_t)nt * nh * line * j->wide;
        for (int column = 0; column < j->columns; column++) {
            t.b = panel + column * win->d[2] * j->wide;
            t.c = fl_item_sums(j, item, column);
            fl_strips_multiply(j, item->first, item->last, lanes, t, left_strip, right_strip, fresh, soon);
        }
        return;
    }
    const int c = fl_strip_channels(j);
    fl_strip_of_x(j, inside, item, panel);
    t.a_row = j->depthwise ? win->d[2] * c : 1;
    t.a_step = win->s[2] * c, t.a_jump[1] = (int64_t)line * c, t.a_jump[0] = (int64_t)nh * line * c;
    t.b = gy + before * j->wide;
    t.b_step = j->wide, t.b_jump[1] = (int64_t)nw * j->wide, t.b_jump[0] = (int64_t)all * nw * j->wide;
    const int64_t right_strip = fl_patch_pixels(whole) * j->wide;
    for (int column = 0; column < j->columns; column++) {
        t.a = panel + column * win->d[2] * c + fl_strip_row(j, item->first) * t.a_row;
        t.c = fl_item_sums(j, item, column);
        fl_strips_multiply(j, item->first, item->last, lanes, t, 0, right_strip, fresh, soon);
    }
}
