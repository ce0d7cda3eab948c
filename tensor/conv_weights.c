/* conv_weights.c: gradient of the weights.
 *
 *   gw[o,kt,kh,kw,i] = sum over pixels p of y of  gy[p,o] * x[p*s + k*d - lo, i]
 *
 * For one (kt, kh) this is a matrix product over pixels, with o on one side and the run (kw, i), contiguous in x and
 * in gw, on the other. The longer or better fitting side becomes lanes: if that is (kw, i), tiles go straight
 * into gw; if it is o, they go into sums that are turned round at the end. Both give the same bits.
 *
 * The pixels of y are cut into fixed blocks of about BLOCK_PIXELS. A block's sum runs over its pixels in order
 * (n, t, h, w), and the sums of the blocks are added in order. The cut depends on the shape of y only.
 *
 * A tile wants a few channels of pixel after pixel. Channels lie last, so that is a long step, and lines of memory so far apart fall on
 * each other in the cache. Both sides are copied into strips as wide as a tile (conv_panels.c): gy, which all taps share, once for
 * some blocks at a time; x by every item, (kt, kh) x lanes x rows, for itself. */
#include "tensor/conv_weights.h"

#include "tensor/conv_scatter.h"
#include "tensor/par.h"
#include "tensor/winograd.h"

enum {
    BLOCK_PIXELS = 256,
    ROWS_PER_ITEM = 256,                       /* share a copy of x */
    MANY_ITEMS = 8, LEAST_ROWS = 48,           /* rather so many items, but none of fewer rows */
    CHUNK_BYTES = 3 << 18,                     /* of x and gy that all items go through before the next */
    LONG_CHUNK_BYTES = 4 << 20, OFTEN = 40,    /* where each serves so many operations: it may come from farther,
                                                  and threads meet less often */
    LONG_LINE = 24,
    WHOLE = 64 / (int)sizeof(real)
};

static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int min(int a, int b) { return a < b ? a : b; }
static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

/* Which side is lanes, and whether the run (kw, i) is one: apart, columns share a copy of x, but end to end lines sum without a break. */
static void choose_sides(fl_weights *j)
{
    const fl_window *win = &j->c.win;
    j->columns = (j->groups == 1 && win->d[2] == 1) || j->depthwise ? 1 : win->k[2];
    const int run = j->columns == 1 ? win->k[2] * j->channels : j->channels;
    const int64_t straight = (int64_t)ceil_div(run, WHOLE) * j->outputs;
    const int64_t turned = (int64_t)ceil_div(j->outputs, WHOLE) * run;
    j->straight = !j->depthwise && (double)straight <= 1.1 * (double)turned;
    j->lanes = j->straight ? run : j->outputs;
    j->rows = j->straight ? j->outputs : run;
    const bool apart = win->s[2] == 1 && j->channels % WHOLE == 0 && j->c.y.w >= LONG_LINE;
    if (j->straight && j->columns == 1 && apart) j->columns = win->k[2], j->lanes = j->channels;
}

static fl_weights weights_make(const fl_conv *conv)
{
    fl_weights j = {.c = fl_conv_collapse(conv), .kernels = fl_kernels_now()};
    const fl_shape y = j.c.y;
    j.depthwise = fl_conv_is_depthwise(&j.c);
    j.groups = j.depthwise ? 1 : j.c.groups;
    j.outputs = y.c / j.groups;
    j.channels = j.depthwise ? 1 : j.c.x.c / j.groups;
    choose_sides(&j);
    fl_strips_cut(&j);
    const int64_t items = (int64_t)j.groups * j.blocks * j.c.win.k[0] * j.c.win.k[1];
    j.pieces = max(ceil_div(j.rows, ROWS_PER_ITEM), items < MANY_ITEMS ? min(ceil_div(MANY_ITEMS, (int)items), j.rows / LEAST_ROWS) : 1);
    j.extent[0] = y.t, j.extent[1] = y.h, j.extent[2] = y.w;
    j.cut[2] = min(y.w, BLOCK_PIXELS);
    j.cut[1] = min(y.h, max(1, BLOCK_PIXELS / y.w));
    j.cut[0] = min(y.t, max(1, j.cut[1] < y.h ? 1 : BLOCK_PIXELS / y.w / y.h));
    for (int i = 0; i < 3; i++) j.cuts[i] = ceil_div(j.extent[i], j.cut[i]);
    j.pixels = (int64_t)j.cut[0] * j.cut[1] * j.cut[2];
    j.patch = j.pixels * j.groups * (j.straight ? j.strips * j.tall : j.blocks * FL_BLOCK);
    j.patches = (int64_t)y.n * j.cuts[0] * j.cuts[1] * j.cuts[2];
    const int64_t reals = fl_shape_count(j.c.x) + fl_shape_count(y), bytes = reals * (int64_t)sizeof(real);
    const int64_t most = fl_conv_flops(&j.c) > (double)OFTEN * (double)bytes ? LONG_CHUNK_BYTES : CHUNK_BYTES;
    j.chunk = max(1, (int)min64(most / (bytes / j.patches + 1), j.patches));
    return j;
}

static int64_t sums_count(const fl_weights *j)
{
    const int *k = j->c.win.k;
    return j->straight ? 0 : (int64_t)j->blocks * j->groups * k[0] * k[1] * k[2] * j->channels * FL_BLOCK;
}

static int64_t left_count(const fl_weights *j) { return (j->chunk * j->patch + FL_BLOCK - 1) / FL_BLOCK * FL_BLOCK; }

size_t fl_conv_weights_scratch(const fl_conv *conv)
{
    const fl_weights j = weights_make(conv);
    return (size_t)(sums_count(&j) + 2 * left_count(&j) + fl_panel_count(&j) * fl_threads()) * sizeof(real);
}

static fl_patch patch_make(const fl_weights *j, int64_t number)
{
    const int64_t line = number / j->cuts[2], plane = line / j->cuts[1];
    const int at[3] = {(int)(plane % j->cuts[0]), (int)(line % j->cuts[1]), (int)(number % j->cuts[2])};
    fl_patch p = {.n = (int)(plane / j->cuts[0])};
    for (int i = 0; i < 3; i++) {
        p.from[i] = at[i] * j->cut[i];
        p.to[i] = min(j->extent[i], p.from[i] + j->cut[i]);
    }
    return p;
}

/* Only the pixels whose taps kt, kh lie inside x. */
static fl_patch patch_inside(const fl_weights *j, fl_patch p, const int k[2])
{
    const fl_window *win = &j->c.win;
    const int in[2] = {j->c.x.t, j->c.x.h};
    for (int i = 0; i < 2; i++) {
        const int shift = win->lo[i] - k[i] * win->d[i];                      /* position*s - shift is in 0 .. in-1 */
        if (shift > 0) p.from[i] = max(p.from[i], ceil_div(shift, win->s[i]));
        p.to[i] = in[i] + shift > 0 ? min(p.to[i], ceil_div(in[i] + shift, win->s[i])) : p.from[i];
    }
    return p;
}

static int64_t items_count(const fl_weights *j) { return (int64_t)j->groups * j->blocks * j->c.win.k[0] * j->c.win.k[1] * j->pieces; }

static fl_item item_make(const fl_weights *j, int64_t number)
{
    const int *k = j->c.win.k, piece = (int)(number % j->pieces);
    const int64_t rest = number / j->pieces, outer = rest / k[1] / k[0];
    return (fl_item){.number = (int)number, .group = (int)(outer / j->blocks), .block = (int)(outer % j->blocks),
                     .k = {(int)(rest / k[1] % k[0]), (int)(rest % k[1])},
                     .first = fl_piece_strip(j, piece), .last = fl_piece_strip(j, piece + 1)};
}

/* An item's part of what will be read: every second one asks for x of the next chunk, the others for gy of the one after that, which is
 * copied then. */
static fl_soon soon_of(const fl_weights *j, const fl_item *item, int64_t next)
{
    const bool of_x = item->number % 2 == 0;
    const int64_t from = min64(of_x ? next : next + j->chunk, j->patches), to = min64(from + j->chunk, j->patches);
    const int64_t share = (items_count(j) + of_x) / 2, reals = fl_shape_count(of_x ? j->c.x : j->c.y);
    const real *start = (of_x ? j->x : j->gy) + reals * from / j->patches;
    const int64_t all = reals * to / j->patches - reals * from / j->patches;
    return (fl_soon){start + all * (item->number / 2) / share, start + all * (item->number / 2 + 1) / share};
}

/* Blocks of pixels from .. to-1. */
static void run_item(const fl_weights *j, int64_t number, int64_t from, int64_t to)
{
    const fl_item item = item_make(j, number);
    const int strip = j->straight ? item.first : item.block * (FL_BLOCK / j->wide);
    fl_soon soon = soon_of(j, &item, to);
    bool fresh = from == 0;
    for (int64_t i = from; i < to; i++) {
        const fl_patch whole = patch_make(j, i), inside = patch_inside(j, whole, item.k);
        if (inside.to[0] <= inside.from[0] || inside.to[1] <= inside.from[1]) continue;
        const real *gy = j->left + (i - from) * j->patch + fl_strip_start(j, &whole, item.group, strip);
        fl_weights_add(j, &item, &whole, &inside, gy, fresh, &soon);
        fresh = false;
    }
    if (fresh) fl_weights_none(j, &item);
}

/* The copies of gy: of a block of pixels, a piece of the rows or a block of lanes. */
static int64_t copies_count(const fl_weights *j) { return (int64_t)j->groups * (j->straight ? j->pieces : j->blocks); }

static void copy_gy(const fl_weights *j, int64_t number, int64_t from, real *copies)
{
    const int parts = j->straight ? j->pieces : j->blocks;
    const int64_t i = number / copies_count(j);
    const fl_patch p = patch_make(j, from + i);
    fl_strips_of_gy(j, &p, (int)(number / parts % j->groups), (int)(number % parts), copies + i * j->patch);
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
    fl_winograd w;
    if (fl_winograd_weights_suit(conv, &w)) {
        fl_winograd_weights(&w, x, gy, gw, scratch);
        return;
    }
    fl_weights j = weights_make(conv);
    j.x = x, j.gy = gy, j.gw = gw;
    j.sums = scratch;
    real *left[2] = {j.sums + sums_count(&j), j.sums + sums_count(&j) + left_count(&j)};
    j.panels = left[1] + left_count(&j);
    FL_PARALLEL(item, j.chunk * copies_count(&j), (double)(j.chunk * j.patch)) copy_gy(&j, item, 0, left[0]);
    for (int64_t from = 0, turn = 0; from < j.patches; from += j.chunk, turn = !turn) {
        const int64_t to = min64(from + j.chunk, j.patches), after = min64(to + j.chunk, j.patches);
        const int64_t copies = (after - to) * copies_count(&j);
        const double work = fl_conv_flops(&j.c) * (double)(to - from) / (double)j.patches;
        j.left = left[turn];
        FL_PARALLEL(item, copies + items_count(&j), work) {                    /* the next chunk's copies on the way: threads meet once */
            if (item < copies) copy_gy(&j, item, to, left[!turn]);
            else run_item(&j, item - copies, from, to);
        }
    }
    if (!j.straight) turn_round(&j, gw);
}

size_t fl_conv_scratch(const fl_conv *c, fl_conv_pass pass)
{
    fl_winograd w;
    if (pass != FL_CONV_TO_WEIGHTS && fl_winograd_make(c, pass, &w)) return fl_winograd_scratch(&w);
    if (fl_scatter_suits(c, pass)) return fl_scatter_scratch(c);
    if (pass != FL_CONV_TO_WEIGHTS) return fl_conv_gather_scratch(c, pass);
    return fl_winograd_weights_suit(c, &w) ? fl_winograd_weights_scratch(&w) : fl_conv_weights_scratch(c);
}
