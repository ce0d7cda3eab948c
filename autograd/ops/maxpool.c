/* maxpool: y[n,c,t,h,w] = max over the window of x; padding counts as minus infinity.
 *
 * gx: gy goes to the first maximum in the order t,h,w of the window. A window that sees no input gives 0, one that
 * sees a NaN gives NaN. */
#include "autograd/ops.h"
#include "autograd/pool.h"
#include "tensor/kernels.h"
#include "tensor/par.h"

#include <math.h>
#include <string.h>

typedef struct window { fl_span t, h, w; } window;

enum { NOBODY = 255 };           /* in notes: the window saw padding alone */

static int64_t element_at(const fl_node *node, int n, const window *at, int i, int j, int k)
{
    return fl_at(node->in_shape[0], n, 0, at->t.begin + i * at->t.step, at->h.begin + j * at->h.step, at->w.begin + k * at->w.step);
}

/* Element p against element q; rest: remainders (remainder.h), or NULL. */
static bool beats(const real *x, const real *rest, int64_t p, int64_t q)
{
    return x[p] > x[q] || isnan(x[p]) || (rest && x[p] == x[q] && rest[p] > rest[q]);
}

/* The place of the largest element of channel c in a window, or -1; which element of the window that is, if not NULL. */
static int64_t winner(const fl_node *node, const real *x, const real *rest, int n, int c, const window *at, uint8_t *which)
{
    const int *kernel = node->attr.pool.win.k;
    int64_t best = -1;
    for (int i = at->t.first; i < at->t.last; i++)
        for (int j = at->h.first; j < at->h.last; j++)
            for (int k = at->w.first; k < at->w.last; k++) {
                const int64_t p = element_at(node, n, at, i, j, k) + c;
                if (best >= 0 && !beats(x, rest, p, best)) continue;
                best = p;
                if (which) *which = (uint8_t)((i * kernel[1] + j) * kernel[2] + k);
            }
    return best;
}

/* Where the window's largest is 0, a ReLU below lets nothing through (fuse.h). */
static void shut(const real *y, int channels, uint8_t *notes)
{
    for (int c = 0; c < channels; c++) notes[c] = y[c] > 0 ? notes[c] : NOBODY;
}

/* All channels of a window at once, so that the inner loop runs along memory. notes: which element was the largest, or NULL; then a
 * window has no more elements than fit. */
static void forward_pixel(const fl_node *node, const real *x, int n, const window *at, real *y, uint8_t *notes)
{
    const int channels = node->shape.c, *kernel = node->attr.pool.win.k;
    const fl_kernels *kernels = fl_kernels_now();
    const real *from[NOBODY];
    uint8_t which[NOBODY];
    int seen = 0;
    for (int i = at->t.first; i < at->t.last; i++)
        for (int j = at->h.first; j < at->h.last; j++)
            for (int k = at->w.first; k < at->w.last; k++) {
                if (seen == NOBODY) {                             /* the largest of these is one of the rest */
                    kernels->largest(from, which, seen, channels, y, NULL);
                    from[0] = y;
                    seen = 1;
                }
                from[seen] = x + element_at(node, n, at, i, j, k);
                which[seen++] = (uint8_t)((i * kernel[1] + j) * kernel[2] + k);
            }
    if (seen) {
        kernels->largest(from, which, seen, channels, y, notes);
        return;
    }
    memset(y, 0, (size_t)channels * sizeof *y);
    if (notes) memset(notes, NOBODY, (size_t)channels);
}

static void forward_row(const fl_node *node, const real *x, int64_t row, real *y, uint8_t *notes)
{
    const fl_shape s = node->shape;
    const int h = (int)(row % s.h), t = (int)(row / s.h % s.t), n = (int)(row / s.h / s.t);
    window at = {.t = fl_pool_span(node, 0, t), .h = fl_pool_span(node, 1, h)};
    for (int w = 0; w < s.w; w++) {
        const int64_t to = (row * s.w + w) * s.c;
        at.w = fl_pool_span(node, 2, w);
        forward_pixel(node, x, n, &at, y + to, notes ? notes + to : NULL);
        if (notes && node->shut) shut(y + to, s.c, notes + to);
    }
}

/* Rows that go together: neighbours read the same, and a few items are enough. */
static int64_t rows_of_item(fl_shape s)
{
    enum { ITEMS = 32 };
    const int64_t rows = (int64_t)s.n * s.t * s.h;
    return rows > ITEMS ? rows / ITEMS : 1;
}

static void go_over(const fl_node *node, const real *x, real *y, uint8_t *notes)
{
    const fl_shape s = node->shape;
    const int64_t rows = (int64_t)s.n * s.t * s.h, some = rows_of_item(s);
    FL_PARALLEL(item, (rows + some - 1) / some, fl_shape_count(s) * 9)
        for (int64_t row = item * some; row < rows && row < (item + 1) * some; row++) forward_row(node, x, row, y, notes);
}

static void forward(const fl_node *node, const real *const in[], real *y) { go_over(node, in[0], y, NULL); }

/* Windows may overlap: the items are samples and groups of channels, and each writes into its own part of gx. */
static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)y;
    enum { GROUP = 16 };
    const fl_shape s = node->shape, from = node->in_shape[0];
    const int groups = (s.c + GROUP - 1) / GROUP;
    memset(gx, 0, (size_t)fl_shape_count(from) * sizeof(real));
    FL_PARALLEL(item, (int64_t)s.n * groups, fl_shape_count(s) * 9) {
        const int n = (int)(item / groups), c0 = (int)(item % groups) * GROUP,
                  c1 = c0 + GROUP < s.c ? c0 + GROUP : s.c;
        for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++) {
                    const window at = {fl_pool_span(node, 0, t), fl_pool_span(node, 1, h), fl_pool_span(node, 2, w)};
                    for (int c = c0; c < c1; c++) {
                        const int64_t p = winner(node, in[0], NULL, n, c, &at, NULL);
                        if (p >= 0) gx[p] += gy[fl_at(s, n, c, t, h, w)];
                    }
                }
    }
}

/* ---- by notes: which element of its window an output is ---- */

static int64_t note_bytes(const fl_node *node)
{
    const fl_window *w = &node->attr.pool.win;
    return w->k[0] * w->k[1] * w->k[2] <= NOBODY ? fl_shape_count(node->shape) : 0;
}

static void note(const fl_node *node, const real *const in[], real *y, uint8_t *notes) { go_over(node, in[0], y, notes); }

/* With remainders: of two equal values the larger remainder wins. */
static void forward_rest(const fl_node *node, const real *const in[], const real *const rest[], real *y, real *y_rest, uint8_t *notes)
{
    const fl_shape s = node->shape;
    FL_PARALLEL(row, (int64_t)s.n * s.t * s.h, fl_shape_count(s) * 9) {
        const int h = (int)(row % s.h), t = (int)(row / s.h % s.t), n = (int)(row / s.h / s.t);
        for (int w = 0; w < s.w; w++) {
            const window at = {fl_pool_span(node, 0, t), fl_pool_span(node, 1, h), fl_pool_span(node, 2, w)};
            for (int c = 0; c < s.c; c++) {
                uint8_t which = NOBODY;
                const int64_t to = (row * s.w + w) * s.c + c, p = winner(node, in[0], rest[0], n, c, &at, &which);
                y[to] = p < 0 ? 0 : in[0][p];
                y_rest[to] = p < 0 ? 0 : rest[0][p];
                if (notes) notes[to] = which;
            }
        }
    }
}

/* The windows along an axis that see position p: outputs first .. last-1, those for which element() is not negative. */
typedef struct seen { int first, last; } seen;

static seen windows_of(const fl_node *node, int axis, int p)
{
    const fl_window *win = &node->attr.pool.win;
    const int outputs = axis == 0 ? node->shape.t : axis == 1 ? node->shape.h : node->shape.w;
    const int low = p + win->lo[axis] - (win->k[axis] - 1) * win->d[axis], high = (p + win->lo[axis]) / win->s[axis] + 1;
    return (seen){low > 0 ? (low + win->s[axis] - 1) / win->s[axis] : 0, high < outputs ? high : outputs};
}

static int element(const fl_node *node, int axis, int p, int output)
{
    const fl_window *win = &node->attr.pool.win;
    const int way = p + win->lo[axis] - output * win->s[axis];
    return way % win->d[axis] ? -1 : way / win->d[axis];
}

/* What arrives at one pixel, window by window in their order. */
static void gather_pixel(const fl_node *node, const uint8_t *notes, const real *gy, int n, int t, int h, int w, real *gx)
{
    const fl_shape s = node->shape;
    const int *kernel = node->attr.pool.win.k;
    const seen at = windows_of(node, 0, t), ah = windows_of(node, 1, h), aw = windows_of(node, 2, w);
    const uint8_t *noted[NOBODY];
    const real *from[NOBODY];
    uint8_t which[NOBODY];
    int windows = 0;
    for (int i = at.first; i < at.last; i++)
        for (int j = ah.first; j < ah.last; j++)
            for (int k = aw.first; k < aw.last; k++) {
                const int et = element(node, 0, t, i), eh = element(node, 1, h, j), ew = element(node, 2, w, k);
                if (et < 0 || eh < 0 || ew < 0) continue;
                const int64_t p = fl_at(s, n, 0, i, j, k);
                noted[windows] = notes + p;
                from[windows] = gy + p;
                which[windows++] = (uint8_t)((et * kernel[1] + eh) * kernel[2] + ew);
            }
    memset(gx, 0, (size_t)s.c * sizeof *gx);
    fl_kernels_now()->add_noted(noted, which, from, windows, s.c, gx);
}

static void vjp_by_notes(const fl_node *node, const uint8_t *notes, const real *gy, real *gx)
{
    const fl_shape x = node->in_shape[0];
    const int64_t rows = (int64_t)x.n * x.t * x.h, some = rows_of_item(x);
    FL_PARALLEL(item, (rows + some - 1) / some, fl_shape_count(x) * 4) {
        for (int64_t row = item * some; row < rows && row < (item + 1) * some; row++) {
            const int h = (int)(row % x.h), t = (int)(row / x.h % x.t), n = (int)(row / x.h / x.t);
            for (int w = 0; w < x.w; w++) gather_pixel(node, notes, gy, n, t, h, w, gx + (row * x.w + w) * x.c);
        }
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; fl_window win; bool ceil; } list[] = {
        {{2, 3, 4, 6, 5}, {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}}, false},
        /* overlapping, padded, ceil */
        {{1, 17, 3, 7, 6}, {{3, 3, 3}, {1, 2, 2}, {1, 1, 1}, {1, 1, 1}, {1, 0, 1}}, true},
        {{1, 2, 5, 5, 5}, {{2, 1, 2}, {1, 1, 3}, {2, 1, 3}, {1, 0, 1}, {0, 0, 2}}, false},     /* dilated */
        /* ceil: a window all in padding is none */
        {{1, 2, 3, 3, 4}, {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {1, 1, 0}, {1, 0, 1}}, true},
        /* every window sees padding alone */
        {{1, 2, 1, 3, 3}, {{2, 2, 1}, {1, 1, 1}, {2, 1, 1}, {1, 0, 0}, {1, 0, 0}}, false},
    };
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    return fl_node_maxpool(g, "y", fl_example_operand(g, rng, "x", list[which].x), list[which].win, list[which].ceil);
}

const fl_op fl_op_maxpool = {
    .name = "maxpool", .doc = "maximum over windows", .file = "autograd/ops/maxpool.c",
    .kind = FL_OP_maxpool, .flags = FL_ROUTE | FL_READS_IN, .arity = 1,
    .infer = fl_pool_infer, .forward = forward, .vjp = vjp, .forward_rest = forward_rest, .example = example,
    .notes = note_bytes, .note = note, .vjp_by_notes = vjp_by_notes,
};

fl_id fl_node_maxpool(fl_graph *g, const char *name, fl_id x, fl_window win, bool ceil)
{
    fl_attr attr = {.pool = {win, ceil, false}};
    return fl_graph_add(g, &fl_op_maxpool, name, &attr, 1, &x);
}
