/* conv_panels.c: the copies of x and gy from which the gradient of the weights is made, zeros outside x included. */
#include "tensor/conv_weights.h"

#include <string.h>

static int min(int a, int b) { return a < b ? a : b; }

/* The row of x that row (t, h) of y meets. */
static const real *row_of_x(const fl_weights *j, const fl_patch *p, int t, int h)
{
    const fl_window *win = &j->c.win;
    const int64_t xt = t * win->s[0] + p->k[0] * win->d[0] - win->lo[0];
    const int64_t xh = h * win->s[1] + p->k[1] * win->d[1] - win->lo[1];
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

void fl_panel_of_x(const fl_weights *j, const fl_patch *p, int group, int block, real *to)
{
    const fl_window *win = &j->c.win;
    const int64_t c = j->c.x.c, length = j->c.x.w * c, step = win->s[2] * c;
    const int64_t leftmost = (int64_t)p->from[2] * win->s[2] + p->k[2] * win->d[2] - win->lo[2];
    const int lanes = min(FL_BLOCK, j->lanes - block * FL_BLOCK);
    for (int t = p->from[0]; t < p->to[0]; t++)
        for (int h = p->from[1]; h < p->to[1]; h++) {
            const real *row = row_of_x(j, p, t, h);
            int64_t start = leftmost * c + group * j->channels + block * FL_BLOCK;
            for (int w = p->from[2]; w < p->to[2]; w++, to += FL_BLOCK, start += step) {
                if (lanes == FL_BLOCK && start >= 0 && start + FL_BLOCK <= length) {
                    memcpy(to, row + start, FL_BLOCK * sizeof *to);     /* nearly always: a copy of constant size */
                } else {
                    copy_inside(to, row, start, lanes, length);
                    for (int v = lanes; v < FL_BLOCK; v++) to[v] = 0;
                }
            }
        }
}

void fl_panel_of_gy(const fl_weights *j, const fl_patch *p, int group, int block, real *to)
{
    const fl_shape y = j->c.y;
    const int lanes = min(FL_BLOCK, j->lanes - block * FL_BLOCK);
    for (int t = p->from[0]; t < p->to[0]; t++)
        for (int h = p->from[1]; h < p->to[1]; h++) {
            const real *from = j->gy + fl_at(y, p->n, group * j->outputs + block * FL_BLOCK, t, h, p->from[2]);
            for (int w = p->from[2]; w < p->to[2]; w++, to += FL_BLOCK, from += y.c) {
                for (int v = 0; v < lanes; v++) to[v] = from[v];
                for (int v = lanes; v < FL_BLOCK; v++) to[v] = 0;
            }
        }
}

void fl_strip_of_x(const fl_weights *j, const fl_patch *p, int first_channel, int width, real *to)
{
    const int64_t c = j->c.x.c, start = (int64_t)p->from[2] * j->c.win.s[2] - j->c.win.lo[2];
    const int wanted = fl_strip_channels(j), have = min(wanted, (int)c - first_channel);
    for (int t = p->from[0]; t < p->to[0]; t++)
        for (int h = p->from[1]; h < p->to[1]; h++) {
            const real *row = row_of_x(j, p, t, h) + first_channel;
            if (wanted == c) {
                copy_inside(to, row, start * c, width * c, j->c.x.w * c);
                to += width * c;
                continue;
            }
            for (int64_t w = start; w < start + width; w++, to += wanted) {
                if (w < 0 || w >= j->c.x.w) memset(to, 0, (size_t)wanted * sizeof *to);
                else if (have == FL_BLOCK) memcpy(to, row + w * c, FL_BLOCK * sizeof *to);
                else for (int v = 0; v < wanted; v++) to[v] = v < have ? row[w * c + v] : R(0.0);
            }
        }
    memset(to, 0, FL_BLOCK * sizeof *to);
}
