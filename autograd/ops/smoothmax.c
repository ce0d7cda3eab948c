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
 * value needs none at all, and a cell of 0 adds nothing. The loops over a cell's pixels are those of tensor/disc.h.
 *
 * Forward can leave the sums of e, which the way down would have to make again: notes hold them, and x and y. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/disc.h"
#include "tensor/kernels.h"
#include "tensor/math.h"
#include "tensor/par.h"

#include <string.h>

typedef struct layout {
    fl_disc disc;
    int step, rows[2];             /* rows and columns of the result */
    int first;                     /* first row of the disc of cell 0; column too */
    int window;                    /* cells that take part in a pixel */
    int64_t before, width;         /* a frame with margins, wherever a disc begins: columns before its first, and of a row */
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

static layout layout_of(const fl_node *node)
{
    const int s = node->attr.smoothmax.step, m = node->attr.smoothmax.margin;
    const double sigma = node->attr.smoothmax.sigma;
    const int r = 1 + ceil_div(sigma, s), p = 1 + ceil_div(m + sigma, s), n[2] = {node->in_shape[0].h, node->in_shape[0].w};
    const int first = s * (p - 2 * r);
    layout a = {.disc = fl_disc_of((2 * r + 1) * s, m - first, node->attr.smoothmax.cold), .step = s, .first = first,
                .window = (2 * r + 1) * (2 * r + 1), .before = first < 0 ? -first : 0};
    for (int i = 0; i < 2; i++) a.rows[i] = fl_smoothmax_length(n[i], s, m, sigma);
    const int64_t last = (int64_t)s * (n[1] - 1) + first + a.disc.width;
    a.width = fl_disc_lanes(a.before + (last > a.rows[1] ? last : a.rows[1]));
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
    const fl_disc_loops *loops;
    const double *kappa;           /* shared */
    double *line[3];
    double *top, *bottom;          /* with margins: sum of v e, sum of e */
    double value;                  /* that the lines are for */
} frame;

static int64_t plane(const layout *a) { return a->rows[0] * a->width; }
static int64_t doubles(const layout *a) { return 2 * (fl_disc_numbers(&a->disc) + plane(a)) + fl_disc_square(&a->disc); }

static size_t scratch(const fl_node *node)
{
    const layout a = layout_of(node);
    return (size_t)(fl_disc_square(&a.disc) + doubles(&a) * fl_threads()) * sizeof(double);
}

static double *kappa_table(const fl_node *node, const fl_disc *d)
{
    double *kappa = node->work;
    const double sigma = node->attr.smoothmax.sigma;
    const int64_t half = fl_disc_half(d);
    for (int64_t h = 0; h < half; h++)
        for (int64_t w = 0; w < half; w++) {
            const double z = sqrt((double)(h * h + w * w)) / sigma - 0.5;
            kappa[h * half + w] = h > d->far || w > d->far ? 0 : z > 0 ? fl_exp64(-2 * z * z) : 1.0;
        }
    return kappa;
}

static frame frame_of(const layout *a, double *kappa)
{
    double *p = kappa + fl_disc_square(&a->disc) + fl_thread() * doubles(a);
    frame f = {.loops = fl_kernels_now()->disc, .kappa = kappa, .value = (double)NAN};
    for (int i = 0; i < 2; i++, p += fl_disc_numbers(&a->disc)) f.line[i] = p;
    f.line[2] = p;
    f.top = p + fl_disc_square(&a->disc);
    f.bottom = f.top + plane(a);
    return f;
}

typedef struct place { int begin, end; int64_t at; } place;      /* rows of a cell's disc that exist; where its first one begins */

static place place_of(const layout *a, int i, int j)
{
    const int first = a->step * i + a->first, room = a->rows[0] - first;
    return (place){first < 0 ? -first : 0, room < a->disc.taps ? room : a->disc.taps,
                   first * a->width + a->before + a->step * j + a->first};
}

/* Every cell that is 0, or is not there, adds e^0 to the window's sum of e. with_top: not only that sum. */
static void add_cells(const layout *a, frame *f, fl_shape s, const real *x, bool with_top)
{
    for (int64_t p = 0; p < plane(a); p++) {
        f->top[p] = 0;
        f->bottom[p] = a->window;
    }
    for (int cell = 0; cell < s.h * s.w; cell++) {
        if (x[cell] == 0) continue;
        if (f->value != (double)x[cell]) f->loops->light(&a->disc, f->kappa, f->value = (double)x[cell], f->line);
        const place d = place_of(a, cell / s.w, cell % s.w);
        if (with_top) f->loops->add(&a->disc, f->line[0], d.begin, d.end, f->top + d.at, a->width);
        f->loops->add(&a->disc, f->line[1], d.begin, d.end, f->bottom + d.at, a->width);
    }
}

/* ---- what forward leaves: sums of e, without margins, x and y ---- */

typedef struct layout_of_notes { size_t x, y, end; } layout_of_notes;      /* in bytes; the sums come first */

static layout_of_notes notes_of(const fl_node *node)
{
    const size_t pixels = (size_t)fl_shape_count(node->shape), cells = (size_t)fl_shape_count(node->in_shape[0]);
    const size_t x = pixels * sizeof(double), y = x + cells * sizeof(real);
    return (layout_of_notes){x, y, y + pixels * sizeof(real)};
}

static int64_t notes_bytes(const fl_node *node) { return (int64_t)notes_of(node).end; }

/* ---- the op ---- */

static void run(const fl_node *node, const real *x, real *y, double *sums)
{
    const fl_shape s = node->in_shape[0];
    const layout a = layout_of(node);
    const int64_t cells = (int64_t)s.h * s.w, taps = a.disc.taps;
    double *kappa = kappa_table(node, &a.disc);
    FL_PARALLEL(item, (int64_t)s.n * s.t, fl_shape_count(s) * taps * taps) {
        frame f = frame_of(&a, kappa);
        add_cells(&a, &f, s, x + item * cells, true);
        for (int64_t h = 0; h < a.rows[0]; h++) {
            const int64_t at = (item * a.rows[0] + h) * a.rows[1];
            const double *top = f.top + h * a.width + a.before, *bottom = f.bottom + h * a.width + a.before;
            for (int w = 0; w < a.rows[1]; w++) y[at + w] = (real)(top[w] / bottom[w]);
            if (sums) memcpy(sums + at, bottom, (size_t)a.rows[1] * sizeof *sums);
        }
    }
}

static void forward(const fl_node *node, const real *const in[], real *y) { run(node, in[0], y, NULL); }

static void note(const fl_node *node, const real *const in[], real *y, uint8_t *notes)
{
    const layout_of_notes at = notes_of(node);
    run(node, in[0], y, (void *)notes);
    memcpy(notes + at.x, in[0], at.y - at.x);
    memcpy(notes + at.y, y, at.end - at.y);
}

/* What a cell's pixels are weighted with: top becomes gy / sum of e, bottom that times y, and bottom's margins 0; top's are it already.
 * sums: where those of e lie, and `step` from row to row. */
static void set_signals(const layout *a, frame *f, const double *sums, int64_t step, const real *y, const real *gy)
{
    for (int64_t h = 0; h < a->rows[0]; h++, sums += step, y += a->rows[1], gy += a->rows[1]) {
        double *top = f->top + h * a->width, *bottom = f->bottom + h * a->width;
        for (int64_t w = 0; w < a->before; w++) bottom[w] = 0;
        for (int64_t w = a->before + a->rows[1]; w < a->width; w++) bottom[w] = 0;
        for (int w = 0; w < a->rows[1]; w++) {
            const int64_t at = a->before + w;
            top[at] = (double)gy[w] / sums[w];
            bottom[at] = top[at] * (double)y[w];
        }
    }
    f->value = (double)NAN;                              /* other lines */
}

static void run_back(const fl_node *node, const double *sums, const real *x, const real *y, const real *gy, real *gx)
{
    const fl_shape s = node->in_shape[0];
    const layout a = layout_of(node);
    const int64_t cells = (int64_t)s.h * s.w, pixels = (int64_t)a.rows[0] * a.rows[1], taps = a.disc.taps;
    double *kappa = kappa_table(node, &a.disc);
    FL_PARALLEL(item, (int64_t)s.n * s.t, fl_shape_count(s) * taps * taps * 2) {
        frame f = frame_of(&a, kappa);
        const real *cell_x = x + item * cells;
        if (sums) memset(f.top, 0, (size_t)plane(&a) * sizeof *f.top);
        else add_cells(&a, &f, s, cell_x, false);
        set_signals(&a, &f, sums ? sums + item * pixels : f.bottom + a.before, sums ? a.rows[1] : a.width, y + item * pixels,
                    gy + item * pixels);
        for (int cell = 0; cell < cells; cell++) {
            if (f.value != (double)cell_x[cell]) f.loops->slope(&a.disc, kappa, f.value = (double)cell_x[cell], f.line);
            const place d = place_of(&a, cell / s.w, cell % s.w);
            gx[item * cells + cell] = (real)f.loops->gather(&a.disc, f.line, d.begin, d.end, f.top + d.at, f.bottom + d.at, a.width);
        }
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k;
    run_back(node, NULL, in[0], y, gy, gx);
}

static void vjp_by_notes(const fl_node *node, const uint8_t *notes, const real *gy, real *gx)
{
    const layout_of_notes at = notes_of(node);
    run_back(node, (const void *)notes, (const void *)(notes + at.x), (const void *)(notes + at.y), gy, gx);
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
    .notes = notes_bytes, .note = note, .vjp_by_notes = vjp_by_notes,
};

fl_id fl_node_smoothmax(fl_graph *g, const char *name, fl_id x, int step, int margin, double sigma, double cold)
{
    fl_attr attr = {.smoothmax = {step, margin, sigma, cold}};
    return fl_graph_add(g, &fl_op_smoothmax, name, &attr, 1, &x);
}
