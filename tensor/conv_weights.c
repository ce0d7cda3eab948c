/* conv_weights.c: gradient of the weights.
 *
 *   gw[o,kt,kh,kw,i] = sum over pixels p of y of  gy[p,o] * x[p*s + k*d - lo, i]
 *
 * For one (kt, kh) this is a matrix product over pixels, with o on one side and the run (kw, i), contiguous in x and
 * in gw, on the other. The longer or better fitting side becomes lanes: (kw, i) straight, as in gw; or o, which is
 * turned round at the end. Both give the same bits.
 *
 * The pixels of y are cut into fixed blocks of about BLOCK_PIXELS. A block's sum runs over its pixels in order
 * (n, t, h, w), and the sums of the blocks are added in order. The cut depends on the shape of y only.
 *
 * A tile wants a few channels of pixel after pixel. Channels lie last, so that is a long step, and lines of memory so far apart fall on
 * each other in the cache. Both sides are copied into strips as wide as a tile (conv_panels.c): x by every item, (kt, kh) x lanes x rows,
 * for itself; gy once for those items of a thread that share a part of it. A thread goes through the blocks with some items, its bundle,
 * and meets no other thread on its way.
 *
 * Where all sums together are small beside a block's pixels, two threads would do little but copy the same. There a block is one thread's,
 * with all items, and has sums of its own until all blocks are there. */
#include "tensor/conv_weights_parts.h"

#include "tensor/axpy.h"
#include "tensor/conv_scatter.h"
#include "tensor/par.h"
#include "tensor/winograd.h"

#include <string.h>

enum {
    BLOCK_PIXELS = 256,
    ROWS_PER_ITEM = 256,                       /* share a copy of x */
    MANY_ITEMS = 8, LEAST_ROWS = 48,           /* rather so many items, but none of fewer rows */
    MOST_BUNDLES = 4,                          /* of a thread: if it is held up, another one takes them over. But each reads and copies */
    OFTEN = 40, LEAST_ITEMS = 8,               /* for itself: so many operations for a byte, and items for a copy, or there are fewer; */
    SUMS_BYTES = 256 << 10,                    /* and more, where the sums of one would not stay near */
    /* Each block has sums of its own, where there are so many blocks, each reads so many times what it sums, and all sums are no more
     * than so many bytes. */
    LEAST_BLOCKS = 32, READ_OVER_SUMS = 4, MOST_SUMS_BYTES = 32 << 20,
    LONG_LINE = 24,
    LINE_BYTES = 64, WHOLE = LINE_BYTES / (int)sizeof(real)
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
    j.patch = j.pixels * (j.straight ? ceil_div(j.strips, j.pieces) * j.tall : FL_BLOCK);
    j.patches = (int64_t)y.n * j.cuts[0] * j.cuts[1] * j.cuts[2];
    j.in_place = j.straight && j.patches == 1 && j.channels % FL_BLOCK == 0;
    return j;
}

static int64_t items_count(const fl_weights *j) { return (int64_t)j->groups * j->blocks * j->c.win.k[0] * j->c.win.k[1] * j->pieces; }
static int64_t whole_blocks(int64_t reals) { return (reals + FL_BLOCK - 1) / FL_BLOCK * FL_BLOCK; }
static int64_t sums_count(const fl_weights *j) { return j->in_place ? 0 : items_count(j) * j->columns * fl_item_rows(j) * FL_BLOCK; }
static int64_t left_count(const fl_weights *j) { return whole_blocks(j->patch); }
static int64_t apart(const fl_weights *j) { return fl_apart(left_count(j) + fl_panel_count(j)); }
static int64_t begun_count(const fl_weights *j) { return (items_count(j) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES; }   /* of bool */

/* By the shape, save that one thread alone needs none: a plan for many threads has room for fewer. */
static bool sums_by_block(const fl_weights *j)
{
    const int64_t read = (fl_shape_count(j->c.x) + fl_shape_count(j->c.y)) / j->patches, sums = sums_count(j);
    return fl_threads() > 1 && j->patches >= LEAST_BLOCKS && READ_OVER_SUMS * sums <= read
        && sums * j->patches * (int64_t)sizeof(real) <= MOST_SUMS_BYTES;
}

static int64_t sets_count(const fl_weights *j) { return sums_by_block(j) ? j->patches : 1; }  /* of sums, and of what is begun */

size_t fl_conv_weights_scratch(const fl_conv *conv)
{
    const fl_weights j = weights_make(conv);
    const int64_t reals = sums_count(&j) * sets_count(&j) + apart(&j) * fl_threads();
    return (size_t)reals * sizeof(real) + (size_t)(begun_count(&j) * sets_count(&j)) * sizeof(bool);
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

/* Those that share a part of gy follow one another. */
static fl_item item_make(const fl_weights *j, int64_t number)
{
    const int *k = j->c.win.k, parts = j->straight ? j->pieces : j->blocks, others = j->straight ? j->blocks : j->pieces;
    const int64_t outer = number / k[1] / k[0];
    const int part = (int)(outer / others % parts), other = (int)(outer % others), piece = j->straight ? part : other;
    return (fl_item){.number = number, .group = (int)(outer / others / parts), .part = part, .block = j->straight ? other : part,
                     .k = {(int)(number / k[1] % k[0]), (int)(number % k[1])},
                     .first = fl_piece_strip(j, piece), .last = fl_piece_strip(j, piece + 1)};
}

/* What items first .. last-1 will read in block i: x, and their parts of gy. */
static void look_ahead(const fl_weights *j, int64_t i, int64_t first, int64_t last, fl_soon soon[2])
{
    memset(soon, 0, 2 * sizeof *soon);
    if (i >= j->patches) return;
    const fl_item a = item_make(j, first), b = item_make(j, last - 1);
    const fl_patch p = patch_make(j, i);
    const int64_t reals = fl_shape_count(j->c.x), before = reals * i / j->patches;
    const int from = a.group * j->outputs + (j->straight ? fl_strip_row(j, a.first) : a.part * FL_BLOCK);
    const int to = b.group * j->outputs + (j->straight ? fl_strip_row(j, b.last) : min(j->outputs, (b.part + 1) * FL_BLOCK));
    soon[0] = (fl_soon){j->x + before, WHOLE, (reals * (i + 1) / j->patches - before) / WHOLE, 1, 0};
    soon[1] = (fl_soon){j->gy + fl_at(j->c.y, p.n, from, p.from[0], p.from[1], p.from[2]), j->c.y.c, fl_patch_pixels(&p),
                        (to - from + WHOLE - 1) / WHOLE, 0};
}

/* An item's sums[column][row][lane] -> gw[o][kt][kh][kw][i]; zeros, where there are none. */
static void lay_down(const fl_weights *j, int64_t number)
{
    const fl_item item = item_make(j, number);
    const int rows = fl_strip_row(j, item.last) - fl_strip_row(j, item.first), lanes = fl_item_lanes(j, &item);
    if (j->in_place && j->begun[number]) return;
    const int outputs = j->straight ? rows : lanes, run = j->straight ? lanes : rows;
    const int64_t to_output = j->straight ? FL_BLOCK : 1, step = j->straight ? 1 : FL_BLOCK;
    for (int column = 0; column < j->columns; column++) {
        const real *from = j->begun[number] ? fl_item_sums(j, &item, column) : NULL;
        real *to = fl_item_result(j, &item, column);
        for (int n = 0; n < outputs; n++, to += fl_of_output(j))
            for (int r = 0; r < run; r++) to[r] = from ? from[n * to_output + r * step] : 0;
    }
}

/* Items first .. last-1, blocks of pixels from .. to-1. */
static void run_bundle(const fl_weights *j, int64_t first, int64_t last, int64_t from, int64_t to)
{
    real *left = j->left + fl_thread() * j->apart;
    for (int64_t i = from; i < to; i++) {
        const fl_patch whole = patch_make(j, i);
        int group = -1, part = -1;                                             /* of the copy */
        fl_soon soon[2];
        look_ahead(j, i + 1, first, last, soon);
        for (int64_t number = first; number < last; number++) {
            const fl_item item = item_make(j, number);
            const fl_patch inside = patch_inside(j, whole, item.k);
            if (inside.to[0] <= inside.from[0] || inside.to[1] <= inside.from[1]) continue;
            if (item.group != group || item.part != part) fl_strips_of_gy(j, &whole, group = item.group, part = item.part, left);
            fl_weights_add(j, &item, &whole, &inside, left, !j->begun[number], soon);
            if (!j->begun[number]) j->begun[number] = true;
        }
    }
}

static void run_bundle_to_the_end(const fl_weights *j, int64_t first, int64_t last, int64_t from)
{
    run_bundle(j, first, last, from, j->patches);
    for (int64_t number = first; number < last; number++) lay_down(j, number);
}

static int64_t bundles_count(const fl_weights *j)
{
    const double bytes = (double)(fl_shape_count(j->c.x) + fl_shape_count(j->c.y)) * sizeof(real);
    const int64_t by_reading = min64((int64_t)(fl_conv_flops(&j->c) / bytes) / OFTEN / fl_threads(), MOST_BUNDLES);
    const int64_t by_sums = sums_count(j) * (int64_t)sizeof(real) / SUMS_BYTES / fl_threads();
    const int64_t wish = by_sums > by_reading ? by_sums : by_reading, most = items_count(j) / LEAST_ITEMS / fl_threads();
    const int64_t of_thread = min64(wish, most) < 1 ? 1 : min64(wish, most);
    return min64(of_thread * fl_threads(), items_count(j));
}

static void by_items(const fl_weights *j)
{
    const int64_t items = items_count(j), bundles = bundles_count(j), half = items % bundles ? j->patches / 2 : 0;
    memset(j->begun, 0, (size_t)items * sizeof *j->begun);
    /* Where items do not divide evenly, those bundles that have one more in the first half of the blocks leave it to others in the second:
     * what is summed stays, whoever goes on. */
    if (half) FL_PARALLEL(i, bundles, fl_conv_flops(&j->c)) run_bundle(j, items * i / bundles, items * (i + 1) / bundles, 0, half);
    FL_PARALLEL(i, bundles, fl_conv_flops(&j->c))
        run_bundle_to_the_end(j, (items * i + bundles - 1) / bundles, (items * (i + 1) + bundles - 1) / bundles, half);
}

/* With the sums of one block, and what of them is begun. */
static fl_weights set_of(const fl_weights *j, int64_t block)
{
    fl_weights own = *j;
    own.sums += sums_count(j) * block;
    own.begun += begun_count(j) * block;
    return own;
}

/* An item's sums of one block after the other are added to those of the first block that has any, in its own memory. */
static void add_up(const fl_weights *j, int64_t number)
{
    fl_weights all = set_of(j, 0);
    const fl_item item = item_make(j, number);
    const int64_t sums = j->columns * (int64_t)fl_item_rows(j) * FL_BLOCK;
    for (int64_t block = 1; block < j->patches; block++) {
        const fl_weights more = set_of(j, block);
        if (!more.begun[number]) continue;
        if (all.begun[number]) fl_axpy(sums, 1, fl_item_sums(&more, &item, 0), fl_item_sums(&all, &item, 0));
        else all = more;
    }
    lay_down(&all, number);
}

static void by_blocks(const fl_weights *j)
{
    const int64_t items = items_count(j);
    FL_PARALLEL(block, j->patches, fl_conv_flops(&j->c)) {
        const fl_weights own = set_of(j, block);
        memset(own.begun, 0, (size_t)items * sizeof *own.begun);
        run_bundle(&own, 0, items, block, block + 1);
    }
    FL_PARALLEL(number, items, sums_count(j) * j->patches) add_up(j, number);
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
    j.left = j.sums + sums_count(&j) * sets_count(&j);
    j.panels = j.left + left_count(&j);
    j.apart = apart(&j);
    j.begun = (void *)(j.left + j.apart * fl_threads());
    if (sums_by_block(&j)) by_blocks(&j);
    else by_items(&j);
}

size_t fl_conv_scratch(const fl_conv *c, fl_conv_pass pass)
{
    fl_winograd w;
    if (pass != FL_CONV_TO_WEIGHTS && fl_winograd_make(c, pass, &w)) return fl_winograd_scratch(&w);
    if (fl_scatter_suits(c, pass)) return fl_scatter_scratch(c);
    if (pass != FL_CONV_TO_WEIGHTS) return fl_conv_gather_scratch(c, pass);
    return fl_winograd_weights_suit(c, &w) ? fl_winograd_weights_scratch(&w) : fl_conv_weights_scratch(c);
}
