/* conv_product.c: one block of pixels of the gradient of the weights: two copies, multiplied tile by tile.
 *
 *     c[row][lane] += sum over the block's pixels p of  left[p, row] * right[p, lane]
 *
 * Straight, left is a copy of gy and right one of x, and c lies in gw; turned round it is the other way, and c lies in sums. */
#include "tensor/conv_weights.h"

#include "tensor/par.h"

#include <string.h>

/* Where an item's product for one kernel column goes. */
static fl_target target_of(const fl_weights *j, const fl_item *item, int column)
{
    const int *k = j->c.win.k, lanes = j->lanes - item->block * FL_BLOCK < FL_BLOCK ? j->lanes - item->block * FL_BLOCK : FL_BLOCK;
    const int row = fl_strip_row(j, item->first);
    const int64_t taps = (int64_t)k[0] * k[1] * k[2], tap = ((int64_t)item->k[0] * k[1] + item->k[1]) * k[2] + column;
    const int64_t of_row = taps * j->channels;
    if (j->straight) {
        real *c = j->gw + (item->group * j->outputs + row) * of_row + tap * j->channels + item->block * FL_BLOCK;
        return (fl_target){c, of_row, lanes, lanes};
    }
    const int64_t before = ((int64_t)item->group * j->blocks + item->block) * of_row, at = tap * j->channels;
    return (fl_target){j->sums + (before + at + row) * FL_BLOCK, FL_BLOCK, lanes, FL_BLOCK};
}

/* A tile whose lanes or vectors have no room beside it: by way of a corner. */
static void add_corner(const real *corner, int rows, int lanes, bool fresh, fl_target to)
{
    for (int p = 0; p < rows; p++, corner += FL_BLOCK, to.c += to.row)
        for (int v = 0; v < lanes; v++) to.c[v] = fresh ? corner[v] : to.c[v] + corner[v];
}

void fl_strips_multiply(const fl_weights *j, int first, int last, fl_tile t, int64_t left_strip, int64_t right_strip, fl_target to,
                        bool fresh, fl_soon *soon)
{
    const fl_kernels *kernels = j->kernels;
    const real *a = t.a, *b = t.b;
    const int64_t asks = t.run / 2 * t.count[0] * t.count[1], line = 64 / (int64_t)sizeof(real);
    real corner[FL_TILE_ROWS * FL_BLOCK] = {0};
    t.ahead = 12 * t.a_step, t.ahead_step = 2 * t.a_step, t.later_step = line;
    for (int lane = 0; lane < to.lanes;) {
        const int vectors = to.lanes - lane > kernels->width * (kernels->vectors - 1) ? kernels->vectors : 1;
        const bool direct = lane + vectors * kernels->width <= to.room;
        t.b = b + lane / j->wide * right_strip + lane % j->wide;
        for (int strip = first; strip < last; strip++) {
            const int row = fl_strip_row(j, strip) - fl_strip_row(j, first);
            const int rows = fl_strip_row(j, strip + 1) - fl_strip_row(j, strip);
            const fl_target here = {to.c + row * to.row + lane, to.row, 0, 0};
            t.a = j->straight ? a + (strip - first) * left_strip : a + row * t.a_row + (j->depthwise ? lane : 0);
            t.later = soon->at < soon->end ? soon->at : NULL;
            soon->at += soon->at < soon->end ? asks * line : 0;
            t.c = direct ? here.c : corner;
            t.c_row = direct ? to.row : FL_BLOCK;
            t.add = direct && !fresh;
            (j->depthwise ? kernels->lanes : kernels->tile)(&t, rows, vectors);
            if (!direct) add_corner(corner, rows, to.lanes - lane, fresh, here);
        }
        lane += vectors * kernels->width;
    }
}

void fl_weights_add(const fl_weights *j, const fl_item *item, const fl_patch *whole, const fl_patch *inside, const real *gy, bool fresh,
                    fl_soon *soon)
{
    const fl_window *win = &j->c.win;
    const int nt = inside->to[0] - inside->from[0], nh = inside->to[1] - inside->from[1], nw = inside->to[2] - inside->from[2];
    const int all = whole->to[1] - whole->from[1], line = fl_line_of_panel(j, nw);
    const int64_t before = ((inside->from[0] - whole->from[0]) * (int64_t)all + inside->from[1] - whole->from[1]) * nw;
    real *panel = j->panels + fl_thread() * fl_panel_count(j);
    fl_tile t = {.a_row = 1, .run = nw, .count = {nt, nh, 1}};
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
            fl_strips_multiply(j, item->first, item->last, t, left_strip, right_strip, target_of(j, item, column), fresh, soon);
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
        fl_strips_multiply(j, item->first, item->last, t, 0, right_strip, target_of(j, item, column), fresh, soon);
    }
}

void fl_weights_none(const fl_weights *j, const fl_item *item)
{
    for (int column = 0; column < j->columns; column++) {
        const fl_target to = target_of(j, item, column);
        const int rows = fl_strip_row(j, item->last) - fl_strip_row(j, item->first);
        for (int row = 0; row < rows; row++) memset(to.c + row * to.row, 0, (size_t)to.room * sizeof *to.c);
    }
}
