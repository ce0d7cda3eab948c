/* conv_weights.c: gradient of the weights.
 *
 *   gw[o,i,kt,kh,kw] = sum over pixels p of y of  gy[p,o] * x[p*s + k*d - lo, i]
 *
 * The pixels of y are cut into fixed blocks of about BLOCK_PIXELS; a block's sum runs over its pixels in order
 * (n, t, h, w), and the sums of the blocks are added in order. The cut depends on shapes only. The sums
 * are kept as [group, block of lanes][kt][kh][kw][i][FL_BLOCK lanes of o], one item per (block, kt, kh, ...), then
 * turned round. x is copied once with zeros along w where the window needs them, gy into blocks of lanes
 * where its channels do not fill vectors; some clips at a time, so that the copies stay small. */
#include "tensor/conv_plan.h"
#include "tensor/par.h"

#include <string.h>

enum { BLOCK_PIXELS = 512, ROWS_PER_ITEM = 84, COPY_BYTES = 64 << 20 };

typedef struct job {
    fl_conv c;
    const fl_kernels *kernels;
    bool depthwise, joined, copy_x, copy_gy;
    int groups, blocks, lanes, channels, outputs;     /* groups: 1 when depthwise; lanes and channels of a group */
    int width;                                        /* pixels of a row of x, or of its copy */
    int clips;                                        /* that are copied at a time */
    int pieces, kernel_columns, rows;                 /* items along a run of rows of the tile; runs along kw */
    const real *x, *gy;                               /* of the clips at hand, as the kernels read them */
    int64_t gy_step, gy_block;                        /* from pixel to pixel, from block to block */
    real *sums;
} job;

static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

static int64_t rounded(int64_t reals) { return (reals + FL_BLOCK - 1) / FL_BLOCK * FL_BLOCK; }

static int64_t x_copy_count(const job *j, int clips)
{
    return j->copy_x ? rounded((int64_t)clips * j->c.x.t * j->c.x.h * j->width * j->c.x.c + FL_BLOCK) : 0;
}

static int64_t gy_copy_count(const job *j, int clips)
{
    return j->copy_gy ? (int64_t)clips * j->c.y.t * j->c.y.h * j->c.y.w * j->groups * j->blocks * FL_BLOCK : 0;
}

static int64_t sums_count(const job *j)
{
    const int *k = j->c.win.k;
    return (int64_t)j->groups * j->blocks * k[0] * k[1] * k[2] * j->channels * FL_BLOCK;
}

static job job_make(const fl_conv *conv)
{
    job j = {.c = fl_conv_collapse(conv), .kernels = fl_kernels_now()};
    const fl_window *win = &j.c.win;
    const fl_shape x = j.c.x, y = j.c.y;
    j.depthwise = fl_conv_is_depthwise(&j.c);
    j.groups = j.depthwise ? 1 : j.c.groups;
    j.lanes = y.c / j.groups;
    j.channels = j.depthwise ? 1 : x.c / j.groups;
    j.blocks = ceil_div(j.lanes, FL_BLOCK);
    j.joined = j.groups == 1 && !j.depthwise && win->d[2] == 1;
    j.kernel_columns = j.joined || j.depthwise ? 1 : win->k[2];
    j.rows = j.joined || j.depthwise ? win->k[2] * j.channels : j.channels;
    j.pieces = ceil_div(j.rows, ROWS_PER_ITEM);
    const int needed = (y.w - 1) * win->s[2] + (win->k[2] - 1) * win->d[2] + 1;
    j.copy_x = win->lo[2] > 0 || needed > x.w || (j.depthwise && x.c % FL_BLOCK != 0);
    j.width = j.copy_x ? needed : x.w;
    j.copy_gy = j.lanes % FL_BLOCK != 0;
    const double clip = (double)sizeof(real) * (double)(x_copy_count(&j, 1) + gy_copy_count(&j, 1));
    j.clips = clip <= COPY_BYTES / (double)y.n ? y.n : max(1, (int)(COPY_BYTES / clip));
    return j;
}

size_t fl_conv_weights_scratch(const fl_conv *conv)
{
    const job j = job_make(conv);
    return (size_t)(sums_count(&j) + x_copy_count(&j, j.clips) + gy_copy_count(&j, j.clips)) * sizeof(real);
}

static void copy_x(const job *j, const real *x, int clips, real *to)
{
    const fl_shape s = j->c.x;
    const int64_t c = s.c, rows = (int64_t)clips * s.t * s.h, width = j->width, lo = min(j->c.win.lo[2], j->width);
    const int64_t inner = min(s.w, (int)(width - lo));
    FL_PARALLEL(row, rows, (double)(rows * width * c)) {
        real *out = to + row * width * c;
        memset(out, 0, (size_t)(lo * c) * sizeof *out);
        memcpy(out + lo * c, x + row * s.w * c, (size_t)(inner * c) * sizeof *out);
        memset(out + (lo + inner) * c, 0, (size_t)((width - lo - inner) * c) * sizeof *out);
    }
    memset(to + rows * width * c, 0, FL_BLOCK * sizeof *to);
}

static void copy_gy(const job *j, const real *gy, int64_t pixels, real *to)
{
    const int all = j->groups * j->blocks;
    const int64_t strip = 256, strips = (pixels + strip - 1) / strip;
    FL_PARALLEL(item, all * strips, (double)(all * pixels * FL_BLOCK)) {
        const int b = (int)(item / strips), group = b / j->blocks, block = b % j->blocks;
        const int lanes = min(FL_BLOCK, j->lanes - block * FL_BLOCK);
        const int64_t end = (item % strips + 1) * strip < pixels ? (item % strips + 1) * strip : pixels;
        for (int64_t p = item % strips * strip; p < end; p++) {
            real *out = to + (b * pixels + p) * FL_BLOCK;
            memcpy(out, gy + p * j->c.y.c + group * j->lanes + block * FL_BLOCK, (size_t)lanes * sizeof *out);
            memset(out + lanes, 0, (size_t)(FL_BLOCK - lanes) * sizeof *out);
        }
    }
}

/* Output positions whose tap k lies inside, cut to from .. to. */
static void inside(const job *j, int axis, int k, int in, int *from, int *to)
{
    const fl_window *win = &j->c.win;
    const int shift = win->lo[axis] - k * win->d[axis];                       /* position * s - shift is in 0 .. in-1 */
    if (shift > 0) *from = max(*from, ceil_div(shift, win->s[axis]));
    *to = in + shift > 0 ? min(*to, ceil_div(in + shift, win->s[axis])) : *from;
}

/* sums of rows [first, last) of the tile += product over the pixels [from, to) of one block. */
static void add_block(const job *j, const int k[3], int b, int first, int last, int n, const int from[3], const int to[3], real *sums)
{
    const fl_shape x = j->c.x, y = j->c.y;
    const fl_window *win = &j->c.win;
    const int group = b / j->blocks, left = j->lanes - b % j->blocks * FL_BLOCK, lanes = min(left, FL_BLOCK);
    int at[2];
    for (int i = 0; i < 2; i++) at[i] = from[i] * win->s[i] + k[i] * win->d[i] - win->lo[i];
    const int64_t row = (int64_t)j->width * x.c, pixel = (((int64_t)n * y.t + from[0]) * y.h + from[1]) * y.w + from[2];
    fl_tile t = {
        .a_row = j->depthwise ? (int64_t)win->d[2] * x.c : 1, .a_step = (int64_t)win->s[2] * x.c, .b_step = j->gy_step,
        .run = to[2] - from[2], .count = {to[0] - from[0], to[1] - from[1], 1},
        .a_jump = {win->s[0] * x.h * row, win->s[1] * row, 0},
        .b_jump = {(int64_t)y.h * y.w * j->gy_step, y.w * j->gy_step, 0}, .c_row = FL_BLOCK
    };
    const real *a = j->x + (((int64_t)n * x.t + at[0]) * x.h + at[1]) * row +
                    ((int64_t)from[2] * win->s[2] + k[2] * win->d[2]) * x.c + (j->depthwise ? b * FL_BLOCK : group * j->channels);
    const real *gy = j->gy + b * j->gy_block + pixel * j->gy_step;
    real part[FL_TILE_ROWS * FL_BLOCK];
    t.c = part;
    for (int lane = 0; lane < lanes;) {
        const int vectors = lanes - lane > j->kernels->width * (j->kernels->vectors - 1) ? j->kernels->vectors : 1;
        const int most = vectors > 1 ? j->kernels->rows_wide : j->kernels->rows_one, wide = vectors * j->kernels->width;
        const int tiles = ceil_div(last - first, most);
        for (int i = 0; i < tiles; i++) {
            const int p = first + (last - first) * i / tiles, rows = first + (last - first) * (i + 1) / tiles - p;
            t.a = a + p * t.a_row + (j->depthwise ? lane : 0);
            t.b = gy + lane;
            (j->depthwise ? j->kernels->lanes : j->kernels->tile)(&t, rows, vectors);
            for (int q = 0; q < rows; q++)
                for (int v = 0; v < wide; v++) sums[(int64_t)(p + q) * FL_BLOCK + lane + v] += part[q * FL_BLOCK + v];
        }
        lane += wide;
    }
}

/* All blocks of pixels of `clips` clips, for one block of lanes, one (kt, kh) and a piece of the rows. */
static void run_item(const job *j, int64_t item, int clips, bool fresh)
{
    const fl_shape y = j->c.y;
    const fl_window *win = &j->c.win;
    const int piece = (int)(item % j->pieces), column = (int)(item / j->pieces % j->kernel_columns);
    const int64_t rest = item / j->pieces / j->kernel_columns;
    const int k[3] = {(int)(rest / win->k[1] % win->k[0]), (int)(rest % win->k[1]), column};
    const int b = (int)(rest / win->k[1] / win->k[0]);
    const int first = piece * ROWS_PER_ITEM, last = min(j->rows, first + ROWS_PER_ITEM);
    real *sums = j->sums + (rest * j->kernel_columns + column) * j->rows * FL_BLOCK;
    if (fresh) memset(sums + (int64_t)first * FL_BLOCK, 0, (size_t)(last - first) * FL_BLOCK * sizeof *sums);

    const int step[3] = {max(1, BLOCK_PIXELS / y.w / y.h), max(1, BLOCK_PIXELS / y.w), min(y.w, BLOCK_PIXELS)};
    for (int n = 0; n < clips; n++)
        for (int t = 0; t < y.t; t += step[0])
            for (int h = 0; h < y.h; h += step[1])
                for (int w = 0; w < y.w; w += step[2]) {
                    int from[3] = {t, h, w}, to[3] = {min(y.t, t + step[0]), min(y.h, h + step[1]), min(y.w, w + step[2])};
                    inside(j, 0, k[0], j->c.x.t, &from[0], &to[0]);
                    inside(j, 1, k[1], j->c.x.h, &from[1], &to[1]);
                    if (to[0] > from[0] && to[1] > from[1]) add_block(j, k, b, first, last, n, from, to, sums);
                }
}

/* sums[b][kt][kh][kw][i][lane] -> gw[o][kt][kh][kw][i] */
static void turn_round(const job *j, real *gw)
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
    job j = job_make(conv);
    const fl_shape xs = j.c.x, ys = j.c.y;
    const int64_t x_clip = fl_shape_count(xs) / xs.n, gy_clip = fl_shape_count(ys) / ys.n, pixels = gy_clip / ys.c;
    real *x_copy = (real *)scratch + sums_count(&j), *gy_copy = x_copy + x_copy_count(&j, j.clips);
    j.sums = scratch;
    for (int n = 0; n < ys.n; n += j.clips) {
        const int clips = min(j.clips, ys.n - n);
        j.x = x + n * x_clip;
        j.gy = gy + n * gy_clip;
        j.gy_step = ys.c;
        j.gy_block = FL_BLOCK;
        if (j.copy_x) {
            copy_x(&j, j.x, clips, x_copy);
            j.x = x_copy;
        }
        if (j.copy_gy) {
            copy_gy(&j, j.gy, clips * pixels, gy_copy);
            j.gy = gy_copy;
            j.gy_step = FL_BLOCK;
            j.gy_block = clips * pixels * FL_BLOCK;
        }
        const int64_t items = (int64_t)j.groups * j.blocks * j.c.win.k[0] * j.c.win.k[1] * j.kernel_columns * j.pieces;
        FL_PARALLEL(item, items, fl_conv_flops(&j.c) * clips / ys.n) run_item(&j, item, clips, n == 0);
    }
    turn_round(&j, gw);
}

size_t fl_conv_scratch(const fl_conv *c, fl_conv_pass pass)
{
    return pass == FL_CONV_TO_WEIGHTS ? fl_conv_weights_scratch(c) : fl_conv_gather_scratch(c, pass);
}
