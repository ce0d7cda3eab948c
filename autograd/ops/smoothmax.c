/* smoothmax: a dense mask from a coarse grid: every cell lights up a soft disc, and where discs meet, a smooth maximum decides
 * (Fong, Patrick and Vedaldi 2019; the study's mask generator). Frames alone; s: step, M: margin, R = 1 + ceil(sigma/s),
 * P = 1 + ceil((M+sigma)/s). The result is wider than the grid's frame by a margin of M, and has s (n + 2P - 2R) - s + 1 rows.
 *
 *   d     distance of pixel (h,w) from (M + s i, M + s j), the centre of cell (i,j)
 *   v_k   = kappa(d) x_k,    kappa(d) = exp(-2 max(d/sigma - 1/2, 0)^2)
 *   y     = sum v_k e_k / sum e_k,    e_k = exp(cold v_k),
 *
 * over the (2R+1)^2 cells i = h/s - P .. h/s - P + 2R; cells outside the grid have v = 0, and take part.
 *
 * gx_k = sum over pixels of gy q_k (1 + cold (v_k - y)) kappa(d),    q_k = e_k / sum of e.
 *
 * Distances repeat: a cell needs one exponential for each pair of |h|, |w|, and not for each pixel; a cell of its neighbour's
 * value needs none at all, and a cell of 0 adds nothing. exp(u) = exp(k/32) exp(r), r < 1/32, by a table and r's series to r^7/7!. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/math.h"
#include "tensor/par.h"

#include <string.h>

typedef struct layout {
    int step, taps, rows[2];       /* pixels a cell can reach along an axis; rows and columns of the result */
    int first, reach, far;         /* first row of cell 0; offset of that row from the centre; largest distance along an axis */
    int window;                    /* cells that take part in a pixel */
    double cold;
    const double *table;           /* of exponentials, with so many entries */
    int entries;
} layout;

static int ceil_div(double a, int b)
{
    int n = 0;
    while ((double)n * b < a) n++;
    return n;
}

int fl_smoothmax_length(int cells, int step, int margin, double sigma)
{
    return step * (cells + 2 * ceil_div(margin + sigma, step) - 2 * ceil_div(sigma, step)) - step + 1;
}

enum { PER_UNIT = 32 };                /* of the table of exponentials */

static int table_size(const fl_node *node)
{
    const double cold = node->attr.smoothmax.cold;
    return cold > 0 && cold < 100 ? (int)cold * PER_UNIT + PER_UNIT + 1 : 1;
}

static layout layout_of(const fl_node *node)
{
    const int s = node->attr.smoothmax.step, m = node->attr.smoothmax.margin;
    const double sigma = node->attr.smoothmax.sigma;
    const int r = 1 + ceil_div(sigma, s), p = 1 + ceil_div(m + sigma, s), n[2] = {node->in_shape[0].h, node->in_shape[0].w};
    layout a = {.step = s, .taps = (2 * r + 1) * s, .first = s * (p - 2 * r), .window = (2 * r + 1) * (2 * r + 1),
                .cold = node->attr.smoothmax.cold, .table = node->work, .entries = table_size(node)};
    a.reach = a.first - m;
    const int last = a.reach + a.taps - 1;
    a.far = last > -a.reach ? last : -a.reach;
    for (int i = 0; i < 2; i++) a.rows[i] = fl_smoothmax_length(n[i], s, m, sigma);
    return a;
}

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    const double sigma = node->attr.smoothmax.sigma;
    if (x.c != 1 || node->attr.smoothmax.step < 1 || !(sigma > 0 && sigma <= 1000) || node->attr.smoothmax.margin < 0)
        return fl_graph_fail(g, node, "expected one channel, a step of at least 1, sigma in (0,1000] and a margin, got %d, %d, %g and %d",
                             x.c, node->attr.smoothmax.step, sigma, node->attr.smoothmax.margin);
    const layout a = layout_of(node);
    return (fl_shape){x.n, 1, x.t, a.rows[0], a.rows[1]};
}

/* ---- one frame: all in the thread's own memory ---- */

typedef struct frame {
    double *kappa;                 /* far+1 squared, by |h|, |w|; shared */
    double *small[2];              /* the same size: two functions of v */
    double *line[2];               /* far+1 x taps: the same, by |h| and column */
    double *top, *bottom;          /* the result's size: sum of v e, sum of e */
    double *sum;                   /* taps */
    double value;                  /* that the lines are for */
} frame;

static size_t doubles(const layout *a)
{
    const size_t square = (size_t)(a->far + 1) * (size_t)(a->far + 1), lines = (size_t)(a->far + 1) * (size_t)a->taps;
    return 2 * square + 2 * lines + 2 * (size_t)a->rows[0] * (size_t)a->rows[1] + (size_t)a->taps;
}

static size_t scratch(const fl_node *node)
{
    const layout a = layout_of(node);
    const size_t square = (size_t)(a.far + 1) * (size_t)(a.far + 1);
    return ((size_t)table_size(node) + square + doubles(&a) * (size_t)fl_threads()) * sizeof(double);
}

static double *exp_table(const fl_node *node)
{
    double *table = node->work;
    for (int k = 0; k < table_size(node); k++) table[k] = fl_exp64((double)k / PER_UNIT);
    return table;
}

static inline double quick_exp(const double *table, int size, double u)
{
    const double at = u * PER_UNIT;
    if (!(at >= 0 && at < size - 1)) return fl_exp64(u);
    const int k = (int)at;
    const double r = (at - k) / PER_UNIT;
    return table[k] * (1 + r * (1 + r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720 + r / 5040)))))));
}

static double *kappa_table(const fl_node *node, const layout *a)
{
    double *kappa = exp_table(node) + table_size(node);
    const double sigma = node->attr.smoothmax.sigma;
    for (int i = 0; i <= a->far; i++)
        for (int j = 0; j <= a->far; j++) {
            const double z = sqrt((double)(i * i + j * j)) / sigma - 0.5;
            kappa[i * (a->far + 1) + j] = z > 0 ? fl_exp64(-2 * z * z) : 1.0;
        }
    return kappa;
}

static frame frame_of(const layout *a, double *kappa)
{
    const int64_t square = (int64_t)(a->far + 1) * (a->far + 1), lines = (int64_t)(a->far + 1) * a->taps;
    const int64_t pixels = (int64_t)a->rows[0] * a->rows[1];
    double *p = kappa + square + fl_thread() * (int64_t)doubles(a);
    frame f = {.kappa = kappa, .value = (double)NAN};
    for (int i = 0; i < 2; i++) {
        f.small[i] = p;
        f.line[i] = p + square;
        p += square + lines;
    }
    f.top = p;
    f.bottom = p + pixels;
    f.sum = p + 2 * pixels;
    return f;
}

static void spread(const layout *a, const double *small, double *line)
{
    const int left = -a->reach, right = a->taps - left;  /* columns before the centre; from the centre on */
    for (int i = 0; i <= a->far; i++) {
        const double *from = small + i * (a->far + 1);
        double *to = line + i * a->taps + left;
        for (int w = 1; w <= left; w++) to[-w] = from[w];
        memcpy(to, from, (size_t)right * sizeof *to);
    }
}

typedef struct part { int begin, end; } part;            /* of the pixels that a cell reaches, those that exist */

static part part_of(const layout *a, int axis, int cell)
{
    const int first = a->step * cell + a->first, room = a->rows[axis] - first;
    return (part){first < 0 ? -first : 0, room < a->taps ? room : a->taps};
}

/* to += from, side by side */
static void add_line(double *restrict to, const double *restrict from, part w)
{
    for (int q = w.begin; q < w.end; q++) to[q] += from[q];
}

/* The tables of a cell of value x: v e and e - 1. */
static void tabulate(const layout *a, frame *f, double x)
{
    if (f->value == x) return;
    f->value = x;
    for (int p = 0; p <= a->far; p++)
        for (int q = 0; q <= p; q++) {
            const int at = p * (a->far + 1) + q, mirror = q * (a->far + 1) + p;
            const double v = f->kappa[at] * x, e = quick_exp(a->table, a->entries, a->cold * v);
            f->small[0][at] = f->small[0][mirror] = v * e;
            f->small[1][at] = f->small[1][mirror] = e - 1;
        }
    for (int k = 0; k < 2; k++) spread(a, f->small[k], f->line[k]);
}

/* with_top: not only the sum of e. */
static void add_cells(const layout *a, frame *f, fl_shape s, const real *x, bool with_top)
{
    const int64_t pixels = (int64_t)a->rows[0] * a->rows[1];
    for (int64_t p = 0; p < pixels; p++) {
        f->top[p] = 0;
        f->bottom[p] = a->window;                        /* every cell that is 0, or is not there, adds e^0 */
    }
    for (int cell = 0; cell < s.h * s.w; cell++) {
        const int i = cell / s.w, j = cell % s.w;
        if (x[cell] == 0) continue;
        tabulate(a, f, (double)x[cell]);
        const part h = part_of(a, 0, i), w = part_of(a, 1, j);
        for (int p = h.begin; p < h.end; p++) {
            const int row = a->reach + p < 0 ? -(a->reach + p) : a->reach + p;
            const int64_t to = (int64_t)(a->step * i + a->first + p) * a->rows[1] + a->step * j + a->first;
            if (with_top) add_line(f->top + to, f->line[0] + (int64_t)row * a->taps, w);
            add_line(f->bottom + to, f->line[1] + (int64_t)row * a->taps, w);
        }
    }
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const fl_shape s = node->in_shape[0];
    const layout a = layout_of(node);
    const int64_t cells = (int64_t)s.h * s.w, pixels = (int64_t)a.rows[0] * a.rows[1];
    double *kappa = kappa_table(node, &a);
    FL_PARALLEL(item, (int64_t)s.n * s.t, fl_shape_count(s) * a.taps * a.taps * 4) {
        frame f = frame_of(&a, kappa);
        add_cells(&a, &f, s, in[0] + item * cells, true);
        for (int64_t p = 0; p < pixels; p++) y[item * pixels + p] = (real)(f.top[p] / f.bottom[p]);
    }
}

/* The tables of the way back: kappa e (1 + cold v) and kappa e cold. */
static void tabulate_slopes(const layout *a, frame *f, double x)
{
    if (f->value == x) return;
    f->value = x;
    for (int p = 0; p <= a->far; p++)
        for (int q = 0; q <= p; q++) {
            const int at = p * (a->far + 1) + q, mirror = q * (a->far + 1) + p;
            const double v = f->kappa[at] * x, e = f->kappa[at] * quick_exp(a->table, a->entries, a->cold * v);
            f->small[0][at] = f->small[0][mirror] = e * (1 + a->cold * v);
            f->small[1][at] = f->small[1][mirror] = e * a->cold;
        }
    for (int k = 0; k < 2; k++) spread(a, f->small[k], f->line[k]);
}

static void pair_line(double *restrict sum, const double *restrict one, const double *restrict top, const double *restrict two,
                      const double *restrict bottom, part w)
{
    for (int q = w.begin; q < w.end; q++) sum[q] += one[q] * top[q] - two[q] * bottom[q];
}

/* The cell's sum over its pixels: top and bottom hold gy / sum of e, and that times y. */
static double gather(const layout *a, frame *f, int i, int j, double x)
{
    tabulate_slopes(a, f, x);
    const part h = part_of(a, 0, i), w = part_of(a, 1, j);
    memset(f->sum, 0, (size_t)a->taps * sizeof *f->sum);
    for (int p = h.begin; p < h.end; p++) {
        const int64_t row = (int64_t)(a->reach + p < 0 ? -(a->reach + p) : a->reach + p) * a->taps;
        const int64_t from = (int64_t)(a->step * i + a->first + p) * a->rows[1] + a->step * j + a->first;
        pair_line(f->sum, f->line[0] + row, f->top + from, f->line[1] + row, f->bottom + from, w);
    }
    double sum = 0;
    for (int q = w.begin; q < w.end; q++) sum += f->sum[q];
    return sum;
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k;
    const fl_shape s = node->in_shape[0];
    const layout a = layout_of(node);
    const int64_t cells = (int64_t)s.h * s.w, pixels = (int64_t)a.rows[0] * a.rows[1];
    double *kappa = kappa_table(node, &a);
    FL_PARALLEL(item, (int64_t)s.n * s.t, fl_shape_count(s) * a.taps * a.taps * 8) {
        frame f = frame_of(&a, kappa);
        const real *x = in[0] + item * cells;
        add_cells(&a, &f, s, x, false);
        for (int64_t p = 0; p < pixels; p++) {
            f.top[p] = (double)gy[item * pixels + p] / f.bottom[p];
            f.bottom[p] = f.top[p] * (double)y[item * pixels + p];
        }
        f.value = (double)NAN;                           /* other tables */
        for (int i = 0; i < s.h; i++)
            for (int j = 0; j < s.w; j++) gx[item * cells + i * s.w + j] = (real)gather(&a, &f, i, j, (double)x[i * s.w + j]);
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; int step, margin; double sigma, cold; } list[] = {
        {{2, 1, 2, 3, 2}, 3, 2, 2.5, 2}, {{1, 1, 1, 2, 4}, 2, 0, 1.5, 5}};
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    const fl_id x = fl_example_operand(g, rng, "x", list[which].x);
    if (fl_graph_ok(g)) fl_graph_value(g, x)[1] = 0;
    return fl_node_smoothmax(g, "y", x, list[which].step, list[which].margin, list[which].sigma, list[which].cold);
}

const fl_op fl_op_smoothmax = {
    .name = "smoothmax", .doc = "a dense mask from a coarse grid: smooth maximum over soft discs", .file = "autograd/ops/smoothmax.c",
    .kind = FL_OP_smoothmax, .flags = FL_ALL | FL_READS_IN | FL_READS_OUT, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example, .scratch = scratch,
};

fl_id fl_node_smoothmax(fl_graph *g, const char *name, fl_id x, int step, int margin, double sigma, double cold)
{
    fl_attr attr = {.smoothmax = {step, margin, sigma, cold}};
    return fl_graph_add(g, &fl_op_smoothmax, name, &attr, 1, &x);
}
