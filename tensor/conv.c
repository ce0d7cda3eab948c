/* conv.c: forward and to-input: each tile of output pixels gathers its taps; nothing is unrolled into memory.
 *
 * Along t and h, taps outside the array are skipped. Along w, tiles that touch an edge read from a small copy of
 * the rows of their band, with true zeros around it (the strip); all other tiles read the array itself. */
#include "tensor/conv_scatter.h"
#include "tensor/conv_tiles.h"
#include "tensor/par.h"
#include "tensor/winograd.h"

enum {
    WEIGHTS_PER_ITEM = 256 << 10,              /* bytes: an item goes through its weights again and again, from L2 */
    PAGE = 4096, CROWDED_ROWS = 10,            /* bytes in one way of a first cache, and fewer rows than it has ways */
    GROUP_BYTES = 24 << 10                     /* of input: a group's, and those that are asked for meanwhile, stay in the first cache */
};
static const double LEAST_WORK = 1e6;          /* of an item, multiply-adds times two: about 10 microseconds */

static int min(int a, int b) { return a < b ? a : b; }

size_t fl_conv_gather_scratch(const fl_conv *conv, fl_conv_pass pass)
{
    const fl_conv c = fl_conv_collapse(conv);
    int64_t most = 0;
    for (int phase = 0; phase < fl_gather_phases(&c, pass); phase++) {
        const fl_gather g = fl_gather_make(&c, pass, phase);
        const int64_t all = fl_room_make(&c, &g).all;
        if (all > most) most = all;
    }
    return (size_t)(fl_apart(most) * fl_threads()) * sizeof(real);
}

static int at_most(double wish, int64_t most) { return wish < 1 ? 1 : wish > (double)most ? (int)most : (int)wish; }
static int ceil_div(int a, int b) { return (a + b - 1) / b; }

static fl_cut cut_make(const fl_conv_job *j)
{
    const fl_gather *g = &j->g;
    const int64_t planes = (int64_t)g->out.n * g->axis[0].count;
    const int height = g->axis[1].count, width = g->axis[2].count;
    fl_cut c = {.all = g->groups * g->blocks};
    c.blocks = j->block_size ? at_most(WEIGHTS_PER_ITEM / ((double)j->block_size * sizeof(real)), c.all) : c.all;
    c.sheets = ceil_div(c.all, c.blocks);
    const double pixel = 2.0 * (double)(j->block_size > FL_BLOCK ? j->block_size : FL_BLOCK) * c.blocks;
    c.tiles = ceil_div(width, j->tile_rows);
    c.work = pixel * (double)(planes * height * width) * c.sheets;
    const double item = c.work / FL_CONV_ITEMS > LEAST_WORK ? c.work / FL_CONV_ITEMS : LEAST_WORK;
    c.per_segment = at_most(item / (pixel * j->tile_rows), c.tiles);
    c.segments = ceil_div(c.tiles, c.per_segment);
    int rows = min(fl_band_rows(g), height);
    while (rows > 1 && planes * c.sheets * ceil_div(height, rows) < FL_CONV_ITEMS) rows--;
    c.bands = ceil_div(height, rows);
    c.heap = c.segments > 1 ? 1 : at_most(item / (pixel * width * rows), planes * c.bands);
    c.heaps = (planes * c.bands + c.heap - 1) / c.heap;
    return c;
}

static void run_item(const fl_conv_job *j, const fl_cut *c, int64_t item, real *strip)
{
    const fl_axis *at = &j->g.axis[0], *aw = &j->g.axis[2];
    const int64_t bands = (int64_t)j->g.out.n * at->count * c->bands;
    const int sheet = (int)(item / (c->heaps * c->segments)), segment = (int)(item % c->segments);
    const int64_t heap = item / c->segments % c->heaps, from = heap * c->heap;
    const int64_t to = from + c->heap < bands ? from + c->heap : bands;
    const int first = sheet * c->blocks, last = min(c->all, first + c->blocks);
    const int last_tile = min(c->tiles, (segment + 1) * c->per_segment);
    for (int64_t i = from; i < to; i++) {
        const fl_band b = fl_band_make(j, c, i);
        for (int k = segment * c->per_segment, next; k < last_tile; k = next) {         /* tiles of even size */
            next = min(k + j->group, last_tile);
            const int q = (int)((int64_t)aw->count * k / c->tiles);
            const int rows = (int)((int64_t)aw->count * next / c->tiles) - q;
            const fl_view v = fl_band_input(j, &b, q, rows, strip);
            for (int h = b.h; h < b.end; h++) fl_conv_tile(j, &b, &v, h, q, rows, first, last, next < last_tile);
        }
    }
}

/* Pixels that are whole pages apart lie in the same few lines of the first cache: a tile has no more than fit there. */
static int tile_rows(const fl_gather *g, const fl_kernels *kernels)
{
    const int most = g->lanes <= kernels->width ? kernels->rows_one : kernels->rows_wide;
    const bool crowded = (int64_t)g->axis[2].in_step * g->in.c * (int64_t)sizeof(real) % PAGE == 0;
    return crowded ? min(most, CROWDED_ROWS) : most;
}

/* With a single tap or few products a tile is short, and what surrounds it is long: then some of them make a group. */
static int group_tiles(const fl_conv_job *j)
{
    const fl_gather *g = &j->g;
    const bool single = g->axis[0].taps * g->axis[1].taps * g->axis[2].taps == 1 && !j->strip;
    if (!(single || fl_gather_short(g)) || j->exact || g->depthwise) return 1;
    const int64_t tile = (int64_t)j->tile_rows * g->channels * (int64_t)sizeof(real);
    return at_most((double)GROUP_BYTES / (double)tile, FL_GROUP_ROWS / j->tile_rows);
}

/* j: the arrays. */
static void gather(const fl_conv *conv, fl_conv_pass pass, fl_conv_job j, real *scratch)
{
    const fl_conv c = fl_conv_collapse(conv);
    j.kernels = fl_kernels_now();
    j.exact = conv->exact, j.turned = conv->turned;
    for (int phase = 0; phase < fl_gather_phases(&c, pass); phase++) {
        j.g = fl_gather_make(&c, pass, phase);
        j.block_size = fl_gather_block_size(&j.g);
        j.out_count = fl_shape_count(j.g.out);
        j.tile_rows = tile_rows(&j.g, j.kernels);
        if ((int64_t)j.g.axis[0].count * j.g.axis[1].count * j.g.axis[2].count > 0) {
            const fl_cut k = cut_make(&j);
            const fl_room r = fl_room_make(&c, &j.g);
            j.strip = r.strip;
            j.group = group_tiles(&j);
            if (fl_by_pieces(&c, &j.g)) {
                fl_run_pieces(conv, &j, &k, &r, scratch);
            } else {
                FL_PARALLEL(item, k.heaps * k.segments * k.sheets, k.work) run_item(&j, &k, item, scratch + fl_thread() * fl_apart(r.all));
            }
        }
        if (!conv->turned) j.packed += j.g.groups * j.g.blocks * j.block_size;
    }
}

void fl_conv_run(const fl_conv *c, fl_conv_pass pass, const real *from, const real *packed, const real *b,
                 const fl_finish *finish, real *to, void *scratch)
{
    fl_winograd w;
    if (fl_winograd_make(c, pass, &w)) fl_winograd_run(&w, from, packed, b, finish, to, scratch);
    else if (fl_scatter_suits(c, pass)) fl_scatter_run(c, from, packed, finish, to, scratch);
    else gather(c, pass, (fl_conv_job){.in = from, .packed = packed, .bias = b, .finish = finish, .out = to}, scratch);
}

void fl_conv_forward_rest(const fl_conv *c, const real *x, const real *x_rest, const real *packed, const real *b, real *y, real *y_rest,
                          void *scratch)
{
    fl_assert(c->exact && c->direct);
    const fl_conv_job j = {.in = x, .in_rest = x_rest, .packed = packed, .bias = b, .out = y, .out_rest = y_rest};
    gather(c, FL_CONV_FORWARD, j, scratch);
}

void fl_conv_forward(const fl_conv *c, const real *x, const real *packed, const real *b, real *y, void *scratch)
{
    fl_conv_run(c, FL_CONV_FORWARD, x, packed, b, NULL, y, scratch);
}

void fl_conv_to_input(const fl_conv *c, const real *gy, const real *packed, real *gx, void *scratch)
{
    fl_conv_run(c, FL_CONV_TO_INPUT, gy, packed, NULL, NULL, gx, scratch);
}

void fl_conv_grid(const fl_conv *c, int tile[3])
{
    fl_winograd w;
    const bool tiles = fl_winograd_make(c, FL_CONV_FORWARD, &w);
    for (int i = 0; i < 3; i++) tile[i] = tiles ? w.m[i] : 1;
}
