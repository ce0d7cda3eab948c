/* conv_weights.c: gradient of the weights.
 *
 *   gw[o,kt,kh,kw,i] = sum over pixels p of y of  gy[p,o] * x[p*s + k*d - lo, i]
 *
 * For one (kt, kh) this is a matrix product over pixels, with o on one side and the run (kw, i), contiguous in x and
 * in gw, on the other. The longer or better fitting side becomes lanes: if that is (kw, i), tiles go straight
 * into gw; if it is o, they go into sums that are turned round at the end. Both give the same bits.
 *
 * The pixels of y are cut into fixed blocks of about BLOCK_PIXELS. A block's sum runs over its pixels in order
 * (n, t, h, w), and the sums of the blocks are added in order. The cut depends on the shape of y only. Some
 * blocks at a time are gone through by all items, (kt, kh) x lanes x rows, so that x and gy come from cache. */
#include "tensor/conv_weights.h"

#include "tensor/conv_scatter.h"
#include "tensor/par.h"
#include "tensor/winograd.h"

#include <string.h>

enum { BLOCK_PIXELS = 256, ROWS_PER_ITEM = 140, CHUNK_BYTES = 3 << 18, WHOLE = 64 / (int)sizeof(real) };

static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

static fl_weights weights_make(const fl_conv *conv)
{
    fl_weights j = {.c = fl_conv_collapse(conv), .kernels = fl_kernels_now()};
    const fl_window *win = &j.c.win;
    const fl_shape y = j.c.y;
    j.depthwise = fl_conv_is_depthwise(&j.c);
    j.groups = j.depthwise ? 1 : j.c.groups;
    j.outputs = y.c / j.groups;
    j.channels = j.depthwise ? 1 : j.c.x.c / j.groups;
    j.joined = j.groups == 1 && !j.depthwise && win->d[2] == 1;
    j.columns = j.joined || j.depthwise ? 1 : win->k[2];
    const int run = j.columns == 1 ? win->k[2] * j.channels : j.channels;
    const int64_t straight = (int64_t)ceil_div(run, WHOLE) * j.outputs;
    const int64_t turned = (int64_t)ceil_div(j.outputs, WHOLE) * run;
    j.straight = !j.depthwise && (double)straight <= 1.1 * (double)turned;
    j.lanes = j.straight ? run : j.outputs;
    j.rows = j.straight ? j.outputs : run;
    j.blocks = ceil_div(j.lanes, FL_BLOCK);
    j.pieces = ceil_div(j.rows, ROWS_PER_ITEM);
    j.extent[0] = y.t, j.extent[1] = y.h, j.extent[2] = y.w;
    j.cut[2] = min(y.w, BLOCK_PIXELS);
    j.cut[1] = min(y.h, max(1, BLOCK_PIXELS / y.w));
    j.cut[0] = min(y.t, max(1, j.cut[1] < y.h ? 1 : BLOCK_PIXELS / y.w / y.h));
    for (int i = 0; i < 3; i++) j.cuts[i] = ceil_div(j.extent[i], j.cut[i]);
    return j;
}

static int64_t sums_count(const fl_weights *j)
{
    const int *k = j->c.win.k;
    return j->straight ? 0 : (int64_t)j->blocks * j->groups * k[0] * k[1] * j->columns * j->rows * FL_BLOCK;
}

static int strip_width(const fl_weights *j, int pixels)
{
    return (pixels - 1) * j->c.win.s[2] + (j->c.win.k[2] - 1) * j->c.win.d[2] + 1;
}

/* x is the right side and pixels overlap or are short: a copy of the rows serves better than one of every run. */
static bool needs_strip(const fl_weights *j)
{
    return !j->straight || (j->joined && j->c.win.s[2] * j->channels <= FL_BLOCK);
}

static int64_t panels_count(const fl_weights *j)       /* one thread's: a panel of lanes, and a strip of x */
{
    const int64_t lines = (int64_t)j->cut[0] * j->cut[1], panel = lines * j->cut[2] * FL_BLOCK;
    const int64_t strip = !needs_strip(j) ? 0 : lines * strip_width(j, j->cut[2]) * fl_strip_channels(j);
    return panel + (strip + 2 * FL_BLOCK) / FL_BLOCK * FL_BLOCK;
}

size_t fl_conv_weights_scratch(const fl_conv *conv)
{
    const fl_weights j = weights_make(conv);
    return (size_t)(sums_count(&j) + panels_count(&j) * fl_threads()) * sizeof(real);
}

static void inside(const fl_window *win, int axis, int k, int in, int *from, int *to)
{
    const int shift = win->lo[axis] - k * win->d[axis];                       /* position*s - shift is in 0 .. in-1 */
    if (shift > 0) *from = max(*from, ceil_div(shift, win->s[axis]));
    *to = in + shift > 0 ? min(*to, ceil_div(in + shift, win->s[axis])) : *from;
}

static fl_patch patch_make(const fl_weights *j, int64_t block, const int k[3])
{
    const int64_t line = block / j->cuts[2], plane = line / j->cuts[1];
    const int at[3] = {(int)(plane % j->cuts[0]), (int)(line % j->cuts[1]), (int)(block % j->cuts[2])};
    fl_patch p = {.n = (int)(plane / j->cuts[0])};
    for (int i = 0; i < 3; i++) {
        p.k[i] = k[i];
        p.from[i] = at[i] * j->cut[i];
        p.to[i] = min(j->extent[i], p.from[i] + j->cut[i]);
    }
    inside(&j->c.win, 0, k[0], j->c.x.t, &p.from[0], &p.to[0]);
    inside(&j->c.win, 1, k[1], j->c.x.h, &p.from[1], &p.to[1]);
    return p;
}

/* c[rows][lanes] (+)= left * right, tile by tile; room: lanes that may be written, the rest of a vector may not. */
static void product(const fl_weights *j, fl_tile t, int rows, int lanes, int room, real *c, bool fresh)
{
    const fl_kernels *kernels = j->kernels;
    const real *a = t.a, *b = t.b;
    const int64_t c_row = t.c_row;
    real corner[FL_TILE_ROWS * FL_BLOCK] = {0};
    for (int lane = 0; lane < lanes;) {
        const int vectors = lanes - lane > kernels->width * (kernels->vectors - 1) ? kernels->vectors : 1;
        const int wide = vectors * kernels->width, most = vectors > 1 ? kernels->rows_wide : kernels->rows_one;
        const int tiles = ceil_div(rows, most);
        const bool direct = lane + wide <= room;
        for (int i = 0; i < tiles; i++) {
            const int p = rows * i / tiles, n = rows * (i + 1) / tiles - p;
            t.a = a + p * t.a_row + (j->depthwise ? lane : 0);
            t.b = b + lane;
            t.c = direct ? c + p * c_row + lane : corner;
            t.c_row = direct ? c_row : FL_BLOCK;
            t.add = direct && !fresh;
            (j->depthwise ? kernels->lanes : kernels->tile)(&t, n, vectors);
            for (int q = 0; !direct && q < n; q++)
                for (int v = 0; v < lanes - lane; v++) {
                    real *to = c + (p + q) * c_row + lane + v;
                    *to = fresh ? corner[q * FL_BLOCK + v] : *to + corner[q * FL_BLOCK + v];
                }
        }
        lane += wide;
    }
}

/* Lanes that all belong to one kernel column lie in x as they are wanted: no copy, and no pixels outside x. */
static bool reads_x(const fl_weights *j, int block)
{
    const int first = block * FL_BLOCK, last = min(j->lanes, first + FL_BLOCK) - 1;
    return j->straight && !needs_strip(j) && j->channels % WHOLE == 0 && first / j->channels == last / j->channels;
}

static int column_of(const fl_weights *j, int block, const fl_patch *p)
{
    return j->columns > 1 ? p->k[2] : block * FL_BLOCK / j->channels;
}

typedef struct side { const real *start; int64_t pixel, line, plane; } side;   /* steps along w, h, t */
typedef struct target { real *c; int64_t row; int lanes, room; } target;       /* where an item's product goes */

/* One block of pixels, for rows first .. last-1 and one block of lanes. */
static void add_patch(const fl_weights *j, const fl_patch *p, int group, int block, int first, int last, target to,
                      bool fresh)
{
    const fl_shape y = j->c.y;
    const fl_window *win = &j->c.win;
    const int nt = p->to[0] - p->from[0], nh = p->to[1] - p->from[1], nw = p->to[2] - p->from[2];
    real *panel = j->panels + fl_thread() * panels_count(j);
    real *strip = panel + (int64_t)j->cut[0] * j->cut[1] * j->cut[2] * FL_BLOCK;
    const real *gy = j->gy + fl_at(y, p->n, group * j->outputs, p->from[0], p->from[1], p->from[2]);
    const int width = strip_width(j, nw), c = fl_strip_channels(j);
    const side of_gy = {gy, y.c, y.w * y.c, (int64_t)y.h * y.w * y.c};
    const side in_panel = {panel, FL_BLOCK, nw * FL_BLOCK, (int64_t)nh * nw * FL_BLOCK};
    side in_strip = {strip, win->s[2] * c, (int64_t)width * c, (int64_t)nh * width * c}, left = of_gy, right = of_gy;
    if (needs_strip(j)) {
        fl_strip_of_x(j, p, j->depthwise ? block * FL_BLOCK : group * j->channels, width, strip);
        if (j->columns > 1) in_strip.start += p->k[2] * win->d[2] * c;
    }
    if (j->straight && needs_strip(j)) {
        right = in_strip;
        right.start += block * FL_BLOCK;
    } else if (reads_x(j, block)) {
        const fl_shape x = j->c.x;
        int at[3];
        for (int i = 0; i < 3; i++) {
            const int tap = i < 2 ? p->k[i] : column_of(j, block, p);
            at[i] = p->from[i] * win->s[i] + tap * win->d[i] - win->lo[i];
        }
        const int channel = group * j->channels + block * FL_BLOCK % j->channels;
        right = (side){j->x + fl_at(x, p->n, channel, at[0], at[1], at[2]), win->s[2] * x.c,
                       (int64_t)win->s[1] * x.w * x.c, (int64_t)win->s[0] * x.h * x.w * x.c};
    } else if (j->straight) {
        fl_panel_of_x(j, p, group, block, panel);
        right = in_panel;
    } else {
        left = in_strip;
        right.start += block * FL_BLOCK;
        if (j->outputs % WHOLE != 0) {
            fl_panel_of_gy(j, p, group, block, panel);
            right = in_panel;
        }
    }
    const int64_t a_row = j->depthwise ? win->d[2] * c : 1;
    const fl_tile t = {
        .a = left.start + first * a_row, .b = right.start,
        .ahead = 12 * left.pixel, .ahead_step = 2 * left.pixel, .later = right.start + 12 * right.pixel, .later_step = 2 * right.pixel,
        .a_row = a_row, .a_step = left.pixel, .b_step = right.pixel, .c_row = to.row,
        .run = nw, .count = {nt, nh, 1}, .a_jump = {left.plane, left.line, 0}, .b_jump = {right.plane, right.line, 0}
    };
    product(j, t, last - first, to.lanes, to.room, to.c, fresh);
}

/* The blocks of pixels from .. to-1, for one (group, block of lanes), (kt, kh), column and piece of the rows. */
static void run_item(const fl_weights *j, int64_t item, int64_t from, int64_t to)
{
    const fl_window *win = &j->c.win;
    const int piece = (int)(item % j->pieces), column = (int)(item / j->pieces % j->columns);
    const int64_t rest = item / j->pieces / j->columns, outer = rest / win->k[1] / win->k[0];
    const int k[3] = {(int)(rest / win->k[1] % win->k[0]), (int)(rest % win->k[1]), column};
    const int group = (int)(outer / j->blocks), block = (int)(outer % j->blocks);
    const int first = (int)((int64_t)j->rows * piece / j->pieces);
    const int last = (int)((int64_t)j->rows * (piece + 1) / j->pieces);
    target at = {.lanes = min(FL_BLOCK, j->lanes - block * FL_BLOCK)};
    if (j->straight) {
        const int64_t tap = ((int64_t)k[0] * win->k[1] + k[1]) * win->k[2] + (j->columns > 1 ? column : 0);
        at.row = (int64_t)win->k[0] * win->k[1] * win->k[2] * j->channels;
        at.c = j->gw + (group * j->outputs + first) * at.row + tap * j->channels + block * FL_BLOCK;
        at.room = at.lanes;
    } else {
        at.row = at.room = FL_BLOCK;
        at.c = j->sums + ((rest * j->columns + column) * j->rows + first) * FL_BLOCK;
    }
    bool fresh = from == 0;
    for (int64_t block_of_pixels = from; block_of_pixels < to; block_of_pixels++) {
        fl_patch p = patch_make(j, block_of_pixels, k);
        if (reads_x(j, block)) inside(win, 2, column_of(j, block, &p), j->c.x.w, &p.from[2], &p.to[2]);
        if (p.to[0] <= p.from[0] || p.to[1] <= p.from[1] || p.to[2] <= p.from[2]) continue;
        add_patch(j, &p, group, block, first, last, at, fresh);
        fresh = false;
    }
    for (int row = first; fresh && row < last; row++)
        memset(at.c + (row - first) * at.row, 0, (size_t)at.room * sizeof *at.c);
}

/* sums[group, block][kt][kh][kw][i][lane] -> gw[o][kt][kh][kw][i] */
static void turn_round(const fl_weights *j, real *gw)
{
    const int64_t size = (int64_t)j->c.win.k[0] * j->c.win.k[1] * j->c.win.k[2] * j->channels;
    FL_PARALLEL(o, j->c.y.c, (double)(size * j->c.y.c * 4)) {
        const int64_t group = o / j->lanes, lane = o % j->lanes;
        const real *from = j->sums + (group * j->blocks + lane / FL_BLOCK) * size * FL_BLOCK + lane % FL_BLOCK;
        for (int64_t i = 0; i < size; i++) gw[o * size + i] = from[i * FL_BLOCK];
    }
}

void fl_conv_to_weights(const fl_conv *conv, const real *x, const real *gy, real *gw, void *scratch)
{
    fl_weights j = weights_make(conv);
    j.x = x, j.gy = gy, j.gw = gw;
    j.sums = scratch;
    j.panels = j.sums + sums_count(&j);
    const int64_t total = (int64_t)j.c.y.n * j.cuts[0] * j.cuts[1] * j.cuts[2];
    const double bytes = (double)sizeof(real) * (double)(fl_shape_count(j.c.x) + fl_shape_count(j.c.y));
    const int64_t chunk = max(1, (int)(CHUNK_BYTES / (bytes / (double)total)));
    const int64_t items = (int64_t)j.groups * j.blocks * j.c.win.k[0] * j.c.win.k[1] * j.columns * j.pieces;
    for (int64_t from = 0; from < total; from += chunk) {
        const int64_t to = from + chunk < total ? from + chunk : total;
        const double work = fl_conv_flops(&j.c) * (double)(to - from) / (double)total;
        FL_PARALLEL(item, items, work) run_item(&j, item, from, to);
    }
    if (!j.straight) turn_round(&j, gw);
}

size_t fl_conv_scratch(const fl_conv *c, fl_conv_pass pass)
{
    fl_winograd w;
    if (pass != FL_CONV_TO_WEIGHTS && fl_winograd_make(c, pass, &w)) return fl_winograd_scratch(&w);
    if (fl_scatter_suits(c, pass)) return fl_scatter_scratch(c);
    return pass == FL_CONV_TO_WEIGHTS ? fl_conv_weights_scratch(c) : fl_conv_gather_scratch(c, pass);
}
