/* conv_panels.c: the copies of x and gy from which the gradient of the weights is made, zeros outside x included. */
#include "tensor/conv_weights_parts.h"

#include <string.h>

static int min(int a, int b) { return a < b ? a : b; }

/* The row of x that row (t, h) of y meets. */
static const real *row_of_x(const fl_weights *j, const fl_patch *p, const int k[2], int t, int h)
{
    const fl_window *win = &j->c.win;
    const int64_t xt = t * win->s[0] + k[0] * win->d[0] - win->lo[0];
    const int64_t xh = h * win->s[1] + k[1] * win->d[1] - win->lo[1];
    return j->x + ((p->n * (int64_t)j->c.x.t + xt) * j->c.x.h + xh) * j->c.x.w * j->c.x.c;
}

/* `count` reals, the first at position `start` of a row with `length`, zeros outside. */
static void copy_inside(real *to, const real *row, int64_t start, int64_t count, int64_t length)
{
    int64_t first = start < 0 ? -start : 0, end = length - start;
    if (first > count) first = count;
    if (end > count) end = count;
    if (end < first) end = first;
    memset(to, 0, (size_t)first * sizeof *to);
    memcpy(to + first, row + start + first, (size_t)(end - first) * sizeof *to);
    memset(to + end, 0, (size_t)(count - end) * sizeof *to);
}

/* A line, strip by strip: the pixels that lie whole in the row by vectors, the others number by number. */
static void line_of_panel(const fl_weights *j, const real *row, int64_t start, int64_t step, int lanes, int pixels, int64_t strip, real *to)
{
    const int64_t length = j->c.x.w * (int64_t)j->c.x.c, fit = length - FL_BLOCK - start;
    const int64_t before = start < 0 ? (-start + step - 1) / step : 0;
    const int first = (int)(before < pixels ? before : pixels);
    const int end = fit < first * step ? first : (int)(fit / step + 1 < pixels ? fit / step + 1 : pixels);
    for (int lane = 0; lane < lanes; lane += j->wide, to += strip) {
        const int run = min(j->wide, lanes - lane);
        for (int w = 0; w < first; w++) copy_inside(to + w * j->wide, row, start + w * step + lane, run, length);
        j->kernels->copy_runs(row + start + first * step + lane, step, run, end - first, to + first * j->wide, j->wide);
        for (int w = end; w < pixels; w++) copy_inside(to + w * j->wide, row, start + w * step + lane, run, length);
    }
}

void fl_panel_of_x(const fl_weights *j, const fl_patch *p, const fl_item *item, real *to)
{
    const fl_window *win = &j->c.win;
    const int64_t leftmost = (int64_t)p->from[2] * win->s[2] - win->lo[2];
    const int64_t start = leftmost * j->c.x.c + item->group * j->channels + item->block * FL_BLOCK;
    const int64_t step = (int64_t)j->c.x.c * (j->columns == 1 ? win->s[2] : 1);
    const int lanes = min(FL_BLOCK, j->lanes - item->block * FL_BLOCK), line = fl_line_of_panel(j, p->to[2] - p->from[2]);
    const int64_t strip = (int64_t)(p->to[0] - p->from[0]) * (p->to[1] - p->from[1]) * line * j->wide;
    for (int t = p->from[0]; t < p->to[0]; t++)
        for (int h = p->from[1]; h < p->to[1]; h++, to += line * j->wide)
            line_of_panel(j, row_of_x(j, p, item->k, t, h), start, step, lanes, line, strip, to);
}

/* n channels of some pixels of a line, from `from` on, by vectors as long as they do not go beyond gy. */
static void run_of_gy(const fl_weights *j, const real *from, int n, int pixels, int apart, real *to)
{
    const int64_t c = j->c.y.c, left = j->gy + fl_shape_count(j->c.y) - from;
    const int width = j->kernels->width, reach = (n + width - 1) / width * width;
    int by_vectors = pixels;
    while (by_vectors > 0 && left < (by_vectors - 1) * c + reach) by_vectors--;
    j->kernels->copy_runs(from, c, n, by_vectors, to, apart);
    for (int w = by_vectors; w < pixels; w++) memcpy(to + w * apart, from + w * c, (size_t)n * sizeof *to);
}

enum { AT_ONCE = 32 };   /* pixels whose lines stay near while all strips take from them */

void fl_strips_of_gy(const fl_weights *j, const fl_patch *p, int group, int part, real *copy)
{
    const int apart = j->straight ? j->tall : j->wide, each = FL_BLOCK / j->wide, all = (j->outputs + j->wide - 1) / j->wide;
    const int begin = j->straight ? fl_piece_strip(j, part) : part * each;
    const int end = j->straight ? fl_piece_strip(j, part + 1) : min(all, begin + each);
    for (int t = p->from[0]; t < p->to[0]; t++)
    for (int h = p->from[1]; h < p->to[1]; h++)
    for (int w = p->from[2]; w < p->to[2]; w += AT_ONCE) {
        const real *from = j->gy + fl_at(j->c.y, p->n, group * j->outputs, t, h, w);
        const int pixels = min(AT_ONCE, p->to[2] - w);
        for (int strip = begin; strip < end; strip++) {
            const int first = j->straight ? fl_strip_row(j, strip) : strip * j->wide;
            const int n = j->straight ? fl_strip_row(j, strip + 1) - first : min(j->wide, j->outputs - first);
            run_of_gy(j, from + first, n, pixels, apart, copy + (strip - begin) * fl_patch_pixels(p) * apart);
        }
        copy += pixels * apart;
    }
}

void fl_strip_of_x(const fl_weights *j, const fl_patch *p, const fl_item *item, real *to)
{
    const int64_t c = j->c.x.c, start = (int64_t)p->from[2] * j->c.win.s[2] - j->c.win.lo[2];
    const int first = j->depthwise ? item->block * FL_BLOCK : item->group * j->channels, line = fl_line_of_panel(j, p->to[2] - p->from[2]);
    const int wanted = fl_strip_channels(j), have = min(wanted, (int)c - first);
    for (int t = p->from[0]; t < p->to[0]; t++)
        for (int h = p->from[1]; h < p->to[1]; h++) {
            const real *row = row_of_x(j, p, item->k, t, h) + first;
            if (wanted == c) {
                copy_inside(to, row, start * c, line * c, j->c.x.w * c);
                to += line * c;
                continue;
            }
            for (int64_t w = start; w < start + line; w++, to += wanted) {
                if (w < 0 || w >= j->c.x.w) memset(to, 0, (size_t)wanted * sizeof *to);
                else if (have == FL_BLOCK) memcpy(to, row + w * c, FL_BLOCK * sizeof *to);
                else for (int v = 0; v < wanted; v++) to[v] = v < have ? row[w * c + v] : R(0.0);
            }
        }
    memset(to, 0, FL_BLOCK * sizeof *to);
}
