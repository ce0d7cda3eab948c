/* conv_scatter.c: products over the channels of gy and the taps along t, row by row, added into a plane of gx with room for its padding.
 *
 * Runs (kw,i) of neighbouring pixels overlap. They are added in rounds, every so-many-th pixel, such that no vector
 * is read while the one before it is still being written. */
#include "tensor/conv_scatter.h"

#include "tensor/kernels.h"
#include "tensor/par.h"

#include <string.h>

enum {
    MOST_CHANNELS = 4, LEAST_OUTPUTS = 16, LEAST_TAPS = 9,
    MOST_OUTPUTS = 2048,                       /* one running sum */
    WHOLE = 64 / (int)sizeof(real),
    ITEMS = 8, LEAST_ROWS = 32                 /* planes are cut where they are few, not below so many rows */
};

typedef struct job {
    fl_conv c;
    const fl_kernels *kernels;
    const real *gy, *packed;
    const fl_finish *finish;
    real *gx;
    int run, lanes, blocks;                    /* kw*ci; kh*run; of FL_BLOCK */
    int width, bands;                          /* of the padded plane, in pixels; of a plane, in bands of rows */
} job;

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }
static int ceil_div(int a, int b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

bool fl_scatter_suits(const fl_conv *c, fl_conv_pass pass)
{
    return pass == FL_CONV_TO_INPUT && !c->direct && c->groups == 1 && c->win.d[2] == 1 && c->x.c <= MOST_CHANNELS &&
           c->y.c >= LEAST_OUTPUTS && c->y.c <= MOST_OUTPUTS && c->win.k[1] * c->win.k[2] >= LEAST_TAPS;
}

static job job_make(const fl_conv *c)
{
    job j = {.c = *c, .kernels = fl_kernels_now()};
    j.run = c->win.k[2] * c->x.c;
    j.lanes = c->win.k[1] * j.run;
    j.blocks = ceil_div(j.lanes, FL_BLOCK);
    j.width = max((c->y.w - 1) * c->win.s[2] + c->win.k[2], c->x.w + c->win.lo[2]);
    j.bands = max(1, min(ceil_div(ITEMS, c->x.t), c->x.h / LEAST_ROWS));
    return j;
}

int64_t fl_scatter_packed_count(const fl_conv *c)
{
    return (int64_t)c->win.k[0] * job_make(c).blocks * c->y.c * FL_BLOCK;
}

void fl_scatter_pack(const fl_conv *c, const real *w, real *packed)
{
    const job j = job_make(c);
    const int64_t of_output = (int64_t)c->win.k[0] * j.lanes;          /* O,KT,KH,KW,I: as the lanes lie */
    for (int kt = 0; kt < c->win.k[0]; kt++)
        for (int block = 0; block < j.blocks; block++)
            for (int o = 0; o < c->y.c; o++)
                for (int v = 0; v < FL_BLOCK; v++) {
                    const int lane = block * FL_BLOCK + v;
                    *packed++ = lane < j.lanes ? w[o * of_output + (int64_t)kt * j.lanes + lane] : R(0.0);
                }
}

static int64_t plane_count(const job *j)      /* of a band; vectors may go beyond its end */
{
    return (int64_t)ceil_div(j->c.x.h, j->bands) * j->width * j->c.x.c + WHOLE;
}

static int64_t row_count(const job *j) { return (int64_t)j->c.y.w * j->blocks * FL_BLOCK + WHOLE; }

static int64_t thread_count(const job *j) { return fl_apart(plane_count(j) + row_count(j)); }

size_t fl_scatter_scratch(const fl_conv *c)
{
    const job j = job_make(c);
    return (size_t)(thread_count(&j) * fl_threads()) * sizeof(real);
}

/* Along t: kt = first, first + apart, ..; planes of gy: from, from - back, .. */
typedef struct taps { int first, count, apart, from, back; } taps;

/* The taps that plane t of gx takes from planes of gy. */
static taps taps_of(const job *j, int t)
{
    taps k = {.apart = 1};
    for (int kt = 0; kt < j->c.win.k[0]; kt++) {
        const int at = t + j->c.win.lo[0] - kt * j->c.win.d[0], from = at / j->c.win.s[0];
        if (at < 0 || at % j->c.win.s[0] != 0 || from >= j->c.y.t) continue;
        if (k.count == 0) k.first = kt, k.from = from;
        if (k.count == 1) k.apart = kt - k.first, k.back = k.from - from;
        k.count++;
    }
    return k;
}

/* s of one row in all these planes of gy, which begins at gy in the first of them: [pixel][block][FL_BLOCK]. */
static void multiply(const job *j, const real *gy, const taps *k, real *s)
{
    const int64_t panel = (int64_t)j->c.y.c * FL_BLOCK, row = (int64_t)j->blocks * FL_BLOCK;
    const int pixels = j->c.y.w, calls = ceil_div(pixels, j->kernels->rows_wide);
    const int wide = j->kernels->vectors * j->kernels->width;
    fl_tile t = {.b_step = FL_BLOCK, .a_row = j->c.y.c, .a_step = 1, .c_row = row, .run = j->c.y.c,
                 .count = {k->count, 1, 1}, .a_jump = {-(int64_t)k->back * j->c.y.h * j->c.y.w * j->c.y.c},
                 .b_jump = {k->apart * j->blocks * panel}, .ahead_step = WHOLE, .in_parts = (int64_t)k->count * j->c.y.c > MOST_OUTPUTS};
    for (int i = 0; i < calls; i++) {
        const int first = (int)((int64_t)pixels * i / calls), rows = (int)((int64_t)pixels * (i + 1) / calls) - first;
        t.a = gy + (int64_t)first * j->c.y.c;
        t.ahead = (int64_t)rows * j->c.y.c;
        t.later_step = WHOLE;
        /* Of the next tile only the beginning is asked for on the way. So is its end, or, if there are more taps to do it in, the first
         * plane of the tile after that: the others have been here before. */
        const real *beyond = t.a + 2 * t.ahead - (k->count > 1 ? 0 : t.run / 2 * WHOLE);
        for (int lane = 0; lane < j->lanes; lane += wide) {
            t.b = j->packed + (k->first * (int64_t)j->blocks + lane / FL_BLOCK) * panel + lane % FL_BLOCK;
            t.c = s + first * row + lane;
            t.later = lane ? NULL : beyond;
            j->kernels->tile(&t, rows, j->kernels->vectors);
        }
    }
}

/* One row of gy into rows top .. end-1 of the plane, which are rows of gx. */
static void add_row(const job *j, const real *s, int y, int top, int end, real *plane)
{
    const fl_window *win = &j->c.win;
    const int channels = j->c.x.c, step = win->s[2] * channels;
    const int rounds = ceil_div(j->run, WHOLE) * WHOLE / step + 1;
    const int64_t row = (int64_t)j->blocks * FL_BLOCK;
    for (int kh = 0; kh < win->k[1]; kh++) {
        const int h = y * win->s[1] + kh * win->d[1] - win->lo[1];
        if (h < top || h >= end) continue;
        real *to = plane + (int64_t)(h - top) * j->width * channels;
        for (int round = 0; round < min(rounds, j->c.y.w); round++)
            j->kernels->add_runs(s + round * row + kh * j->run, rounds * row, j->run,
                                 ceil_div(j->c.y.w - round, rounds), to + (int64_t)round * step,
                                 (int64_t)rounds * step);
    }
}

static void run_item(const job *j, int64_t item, real *plane)
{
    const fl_shape x = j->c.x, y = j->c.y;
    const fl_window *win = &j->c.win;
    const int64_t planes = item / j->bands;
    const int n = (int)(planes / x.t), t = (int)(planes % x.t), band = (int)(item % j->bands);
    const int top = (int)((int64_t)x.h * band / j->bands), end = (int)((int64_t)x.h * (band + 1) / j->bands);
    const int first = max(0, ceil_div(top + win->lo[1] - (win->k[1] - 1) * win->d[1], win->s[1]));
    const int last = min(y.h - 1, ceil_div(end + win->lo[1], win->s[1]) - 1);
    real *s = plane + plane_count(j);
    memset(plane, 0, (size_t)plane_count(j) * sizeof *plane);
    const taps k = taps_of(j, t);
    for (int h = first; h <= last && k.count > 0; h++) {
        multiply(j, j->gy + fl_at(y, n, 0, k.from, h, 0), &k, s);
        add_row(j, s, h, top, end, plane);
    }
    for (int h = top; h < end; h++) {
        const int64_t at = fl_at(x, n, 0, t, h, 0);
        const real *from = plane + ((int64_t)(h - top) * j->width + win->lo[2]) * x.c;
        if (j->finish) j->kernels->finish(j->finish, from, 0, at, 0, 1, (int64_t)x.w * x.c, j->gx);
        else memcpy(j->gx + at, from, (size_t)x.w * (size_t)x.c * sizeof *plane);
    }
}

void fl_scatter_run(const fl_conv *c, const real *gy, const real *packed, const fl_finish *finish, real *gx, void *scratch)
{
    job j = job_make(c);
    j.gy = gy, j.packed = packed, j.gx = gx, j.finish = finish;
    const int64_t count = thread_count(&j);
    FL_PARALLEL(item, (int64_t)c->x.n * c->x.t * j.bands, fl_conv_flops(c))
        run_item(&j, item, (real *)scratch + fl_thread() * count);
}
