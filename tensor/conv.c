/* conv.c: forward and to-input: each tile of output pixels gathers its taps; nothing is unrolled into memory.
 *
 * Along t and h, taps outside the array are skipped. Along w, a tile that touches the edge reads from a small
 * copy of its rows with true zeros around it (the strip); all other tiles read the array itself. */
#include "tensor/conv_plan.h"
#include "tensor/par.h"

#include <string.h>

enum { WEIGHTS_PER_ITEM = 256 << 10 };         /* bytes: an item goes through its weights again and again, from L2 */
static const double WORK_PER_ITEM = 1e6;       /* multiply-adds times two: about 10 microseconds */

typedef struct job {                           /* one phase of one call */
    fl_gather g;
    const fl_kernels *kernels;
    const real *in, *packed, *bias;
    real *out;
    int tile_rows;
    int64_t block_size;
} job;

typedef struct row { int n, position[3], first[2], last[2]; } row;   /* of output pixels; taps inside along t, h */

static int64_t strip_count(const fl_gather *g)
{
    const fl_axis *w = &g->axis[2];
    const int64_t width = (int64_t)(FL_TILE_ROWS - 1) * w->in_step + (int64_t)(w->taps ? w->taps - 1 : 0) * w->tap_step + 1;
    const int64_t count = g->axis[0].taps * g->axis[1].taps * width * g->in.c + FL_BLOCK;
    return (count * (int64_t)sizeof(real) + 63) / 64 * 64 / (int64_t)sizeof(real);
}

static int64_t strip_count_most(const fl_conv *c, fl_conv_pass pass)
{
    int64_t most = 0;
    for (int phase = 0; phase < fl_gather_phases(c, pass); phase++) {
        const fl_gather g = fl_gather_make(c, pass, phase);
        const int64_t count = strip_count(&g);
        if (count > most) most = count;
    }
    return most;
}

size_t fl_conv_gather_scratch(const fl_conv *c, fl_conv_pass pass)
{
    return (size_t)strip_count_most(c, pass) * sizeof(real) * (size_t)fl_threads();
}

static const real *pixel(const job *j, const row *r, int t, int h, int64_t w)
{
    const fl_shape s = j->g.in;
    return j->in + (((int64_t)(r->n * (int64_t)s.t + t) * s.h + h) * s.w + w) * s.c;
}

static int tap_pixel(const job *j, const row *r, int axis, int tap)
{
    const fl_axis *a = &j->g.axis[axis];
    return r->position[axis] * a->in_step + a->offset + tap * a->tap_step;
}

/* Copies the input rows of a tile, `width` pixels from pixel `start` on, with zeros where there is no pixel. */
static void fill_strip(const job *j, const row *r, int64_t start, int64_t width, real *strip)
{
    const int64_t c = j->g.in.c, end = start + width, in = j->g.in.w;
    const int64_t from = start < 0 ? (end < 0 ? end : 0) : start;
    const int64_t to = end > in ? (from > in ? from : in) : end;
    for (int t = r->first[0]; t < r->last[0]; t++)
        for (int h = r->first[1]; h < r->last[1]; h++) {
            memset(strip, 0, (size_t)((from - start) * c) * sizeof *strip);
            if (to > from) memcpy(strip + (from - start) * c, pixel(j, r, tap_pixel(j, r, 0, t), tap_pixel(j, r, 1, h), from),
                                  (size_t)((to - from) * c) * sizeof *strip);
            memset(strip + (to - start) * c, 0, (size_t)((end - to) * c) * sizeof *strip);
            strip += width * c;
        }
    memset(strip, 0, FL_BLOCK * sizeof *strip);
}

/* One block of lanes of a tile. t holds everything but b, start and c. */
static void tile_block(const job *j, fl_tile t, int rows, int block, int last_lanes, const real *b, const real *start, real *out)
{
    const fl_gather *g = &j->g;
    const int width = j->kernels->width, left = g->lanes - block * FL_BLOCK;
    const int lanes = left < FL_BLOCK ? left : FL_BLOCK;
    const int64_t out_row = t.c_row;
    for (int lane = 0; lane < lanes;) {
        const int vectors = lanes - lane > width * (j->kernels->vectors - 1) ? j->kernels->vectors : 1;
        const int wide = vectors * width, keep = lanes - lane < wide ? lanes - lane : wide;
        const bool direct = keep == wide && last_lanes == g->lanes;
        real corner[FL_TILE_ROWS * FL_BLOCK];
        t.b = b + lane;
        t.start = start ? start + lane : NULL;
        t.c = direct ? out + lane : corner;
        t.c_row = direct ? out_row : FL_BLOCK;
        if (g->depthwise) {
            fl_tile at = t;
            at.a += lane;
            j->kernels->lanes(&at, rows, vectors);
        } else {
            j->kernels->tile(&t, rows, vectors);
        }
        for (int p = 0; !direct && p < rows; p++) {
            const int limit = p == rows - 1 ? last_lanes - block * FL_BLOCK - lane : keep;
            if (limit > 0) memcpy(out + p * out_row + lane, corner + p * FL_BLOCK, (size_t)(limit < keep ? limit : keep) * sizeof *out);
        }
        lane += wide;
    }
}

/* Output pixels q .. q+rows-1 of a row, lanes of the packed blocks first .. last-1 (counted over all groups). */
static void tile(const job *j, const row *r, int q, int rows, int first, int last, real *strip)
{
    const fl_gather *g = &j->g;
    const fl_axis *w = &g->axis[2];
    const int64_t c = g->in.c, start = (int64_t)q * w->in_step + w->offset;
    const int64_t width = (int64_t)(rows - 1) * w->in_step + (int64_t)(w->taps ? w->taps - 1 : 0) * w->tap_step + 1;
    const int nt = r->last[0] > r->first[0] ? r->last[0] - r->first[0] : 0;
    const int nh = r->last[1] > r->first[1] ? r->last[1] - r->first[1] : 0;
    const bool some = nt && nh && w->taps;
    const bool edge = start < 0 || start + width > w->in || (g->depthwise && g->in.c % FL_BLOCK != 0);
    const bool joined = g->groups == 1 && !g->depthwise && w->tap_step == 1;
    const int64_t row_size = (edge ? width : g->in.w) * c;
    fl_tile t = {.a_row = w->in_step * c, .a_step = 1, .b_step = FL_BLOCK, .c_row = (int64_t)w->out_step * g->out.c};
    t.count[0] = some ? nt : 0, t.count[1] = nh, t.count[2] = w->taps;
    t.a_jump[0] = edge ? nh * row_size : (int64_t)g->axis[0].tap_step * g->in.h * row_size;
    t.a_jump[1] = edge ? row_size : g->axis[1].tap_step * row_size;
    t.a_jump[2] = w->tap_step * c;
    t.b_jump[2] = (int64_t)g->channels * FL_BLOCK;
    t.b_jump[1] = w->taps * t.b_jump[2];
    t.b_jump[0] = g->axis[1].taps * t.b_jump[1];
    t.run = g->channels;
    if (joined || g->depthwise) {                    /* the taps along w follow one another like channels do */
        t.run = (int64_t)w->taps * g->channels;
        t.count[2] = 1;
    }
    if (g->depthwise) t.a_step = t.a_jump[2];
    const int64_t skipped = r->first[0] * t.b_jump[0] + r->first[1] * t.b_jump[1];
    const real *a = strip;
    if (some && edge) fill_strip(j, r, start, width, strip);
    else if (some) a = pixel(j, r, tap_pixel(j, r, 0, r->first[0]), tap_pixel(j, r, 1, r->first[1]), start);

    const fl_axis *at = &g->axis[0], *ah = &g->axis[1];
    const int out_t = r->position[0] * at->out_step + at->out_first, out_h = r->position[1] * ah->out_step + ah->out_first;
    real *out = j->out + fl_at(g->out, r->n, 0, out_t, out_h, q * w->out_step + w->out_first);
    const int outputs = g->lanes / g->together, missing = (q + rows) * g->together - w->out;
    const int last_lanes = g->together > 1 && missing > 0 ? g->lanes - missing * outputs : g->lanes;
    for (int b = first; b < last; b++) {
        const int group = b / g->blocks, block = b % g->blocks;
        const int left = g->lanes - block * FL_BLOCK, lanes = left < FL_BLOCK ? left : FL_BLOCK;
        real bias[FL_BLOCK] = {0};
        for (int v = 0; j->bias && v < lanes; v++) bias[v] = j->bias[group * outputs + (block * FL_BLOCK + v) % outputs];
        t.a = a + (g->depthwise ? block * FL_BLOCK : group * g->channels);
        tile_block(j, t, rows, block, last_lanes, j->packed + b * j->block_size + (some ? skipped : 0), j->bias ? bias : NULL,
                   out + group * outputs + block * FL_BLOCK);
    }
}

static int at_most(double wish, int64_t most) { return wish < 1 ? 1 : wish > (double)most ? (int)most : (int)wish; }

/* Rows x segments x groups of blocks: cut so that an item's weights stay in cache and items are neither tiny nor few. */
static void run_phase(const job *j, real *scratch, int64_t strip)
{
    const fl_gather *g = &j->g;
    const fl_axis *at = &g->axis[0], *ah = &g->axis[1], *aw = &g->axis[2];
    const int64_t rows = (int64_t)g->out.n * at->count * ah->count;
    if (rows * aw->count == 0) return;
    const int all = g->groups * g->blocks;
    const double block_bytes = (double)j->block_size * sizeof(real);
    const int blocks = at_most(block_bytes > 0 ? WEIGHTS_PER_ITEM / block_bytes : all, all);
    const double pixel_work = 2.0 * (double)(j->block_size > FL_BLOCK ? j->block_size : FL_BLOCK) * blocks;
    const int tiles = (aw->count + j->tile_rows - 1) / j->tile_rows;
    const int per_item = at_most(WORK_PER_ITEM / (pixel_work * j->tile_rows), tiles);          /* tiles of a row */
    const int segments = (tiles + per_item - 1) / per_item;
    const int lines = at_most(WORK_PER_ITEM / (pixel_work * aw->count), rows);                  /* rows of an item */
    const int64_t sheets = (all + blocks - 1) / blocks, heaps = (rows + lines - 1) / lines;
    FL_PARALLEL(item, sheets * heaps * segments, pixel_work * (double)(rows * aw->count) * (double)sheets) {
        const int sheet = (int)(item / (heaps * segments)), segment = (int)(item % segments);
        const int64_t heap = item / segments % heaps;
        const int first = sheet * blocks, last = first + blocks < all ? first + blocks : all;
        const int64_t end = (heap + 1) * lines < rows ? (heap + 1) * lines : rows;
        const int last_tile = (segment + 1) * per_item < tiles ? (segment + 1) * per_item : tiles;
        for (int64_t i = heap * lines; i < end; i++) {
            row r = {.n = (int)(i / ah->count / at->count), .position = {(int)(i / ah->count % at->count), (int)(i % ah->count), 0}};
            for (int axis = 0; axis < 2; axis++)
                fl_axis_inside(&g->axis[axis], r.position[axis], &r.first[axis], &r.last[axis]);
            for (int k = segment * per_item; k < last_tile; k++) {                             /* tiles of even size */
                const int q = (int)((int64_t)aw->count * k / tiles), next = (int)((int64_t)aw->count * (k + 1) / tiles);
                tile(j, &r, q, next - q, first, last, scratch + fl_thread() * strip);
            }
        }
    }
}

static void gather(const fl_conv *conv, fl_conv_pass pass, const real *in, const real *packed, const real *bias, real *out,
                   real *scratch)
{
    const fl_conv c = fl_conv_collapse(conv);
    const int64_t strip = strip_count_most(conv, pass);
    job j = {.kernels = fl_kernels_now(), .in = in, .packed = packed, .bias = bias, .out = out};
    for (int phase = 0; phase < fl_gather_phases(&c, pass); phase++) {
        j.g = fl_gather_make(&c, pass, phase);
        j.block_size = fl_gather_block_size(&j.g);
        j.tile_rows = j.g.lanes <= j.kernels->width ? j.kernels->rows_one : j.kernels->rows_wide;
        run_phase(&j, scratch, strip);
        j.packed += j.g.groups * j.g.blocks * j.block_size;
    }
}

void fl_conv_forward(const fl_conv *c, const real *x, const real *packed, const real *b, real *y, void *scratch)
{
    gather(c, FL_CONV_FORWARD, x, packed, b, y, scratch);
}

void fl_conv_to_input(const fl_conv *c, const real *gy, const real *packed, real *gx, void *scratch)
{
    gather(c, FL_CONV_TO_INPUT, gy, packed, NULL, gx, scratch);
}
