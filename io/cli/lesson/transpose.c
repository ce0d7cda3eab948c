/* transpose.c: lesson: what a convolution does on the way down: the same weights, from the output back to the input.
 *
 *   <J v, g> = <v, J'g>  for any v and g          J'e = the kernel, for a signal e of 1 at one value */
#include "io/cli/lesson/lecture.h"

#include "autograd/graph.h"
#include "autograd/ops.h"

#include <math.h>
#include <string.h>

typedef struct lone { fl_graph *g; fl_id x, y; int64_t in, out; int products; real *down; } lone;

/* That convolution alone, without a bias, on a graph of its own: y = J x. */
static bool build(const fl_lecture *l, const fl_node *n, fl_arena *a, lone *c)
{
    fl_graph *g = c->g = fl_graph_new(a);
    if (!g) return false;
    c->x = fl_node_input(g, "x", n->in_shape[0]);
    const fl_id w = fl_graph_borrow(g, l->s.graph, n->in[1]);
    c->y = fl_node_conv(g, "y", c->x, w, FL_NONE, n->attr.conv.win, n->attr.conv.groups);
    if (!fl_graph_ok(g) || (l->fault && fl_fault_inject(l->fault, g) < 0)) return false;
    c->in = fl_shape_count(n->in_shape[0]);
    c->out = fl_shape_count(n->shape);
    c->products = (int)(fl_shape_count(n->in_shape[1]) / n->in_shape[1].n);
    c->down = FL_NEW(a, real, c->out);
    return c->down && fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_ALL, .parts = true, .root = c->y, .wrt = &c->x, .n_wrt = 1}) == FL_OK;
}

static void pair(fl_lecture *l, const lone *c)
{
    fl_lecture_say(l, "Take any v for the input and any g for the output; here both are random, %lld and %lld values. "
                   "Going up, v gives J v. Going down, g gives J'g. If both ways are right, two products are one number:",
                   (long long)c->in, (long long)c->out);
    fl_rng_fill_normal(l->cli->seed, 1, 0, fl_graph_value(c->g, c->x), c->in);
    fl_rng_fill_normal(l->cli->seed, 2, 0, c->down, c->out);
    fl_graph_forward(c->g);
    fl_graph_backward(c->g, c->down);
    const real *jv = fl_graph_value(c->g, c->y), *v = fl_graph_value(c->g, c->x), *jg = fl_graph_signal(c->g, c->x);
    fl_lecture_show(l, "%-28s %14.6g     %-28s %14.6g", "length of v", fl_norm(v, c->in), "length of J v", fl_norm(jv, c->out));
    fl_lecture_show(l, "%-28s %14.6g     %-28s %14.6g", "length of g", fl_norm(c->down, c->out), "length of J'g", fl_norm(jg, c->in));
    fl_lecture_same(l, "<J v, g> = <v, J'g>: up and down are one matrix", fl_dot(jv, c->down, c->out), fl_dot(v, jg, c->in),
                    8 * FL_REAL_EPSILON * sqrt(c->products + 4096.0) * fl_norm(jv, c->out) * fl_norm(c->down, c->out) /
                        sqrt((double)c->out),
                    "rounding: every value has its own, of either sign, so they add up as square roots do; eight deviations");
}

/* Whether all taps of the value in the middle lie inside the input. */
static bool fits(const fl_node *n)
{
    const fl_window *win = &n->attr.conv.win;
    const int at[3] = {n->shape.t / 2, n->shape.h / 2, n->shape.w / 2}, side[3] = {n->in_shape[0].t, n->in_shape[0].h, n->in_shape[0].w};
    for (int a = 0; a < 3; a++) {
        const int first = at[a] * win->s[a] - win->lo[a];
        if (first < 0 || first + (win->k[a] - 1) * win->d[a] >= side[a]) return false;
    }
    return true;
}

/* Values that are more than what rounding may leave. */
static int64_t count(const real *v, int64_t n, double least)
{
    int64_t found = 0;
    for (int64_t i = 0; i < n; i++) found += fabs((double)v[i]) > least;
    return found;
}

static void single(fl_lecture *l, const lone *c, const fl_node *n)
{
    const fl_shape y = n->shape;
    const int o = y.c / 2;
    const real *kernel = n->operand[1] + (int64_t)o * c->products, *came = fl_graph_signal(c->g, c->x);
    memset(c->down, 0, (size_t)c->out * sizeof *c->down);
    c->down[fl_at(y, 0, o, y.t / 2, y.h / 2, y.w / 2)] = 1;
    fl_graph_forward(c->g);
    fl_graph_backward(c->g, c->down);
    const double sizes = fl_sum_sizes(kernel, c->products), least = 64 * FL_REAL_EPSILON * sizes / c->products;
    const int64_t places = count(came, c->in, least);
    fl_lecture_say(l, "Now a signal of 1 at a single value (channel %d, frame %d, row %d, column %d) and 0 everywhere else. What "
                   "comes down is the kernel itself, laid where that value looked: of %lld values of the input, %lld are not 0. So "
                   "the gradient of one value by its input is nothing but its weights.", o, y.t / 2, y.h / 2, y.w / 2,
                   (long long)c->in, (long long)places);
    fl_lecture_same(l, "values that are not 0 = weights of the kernel that are not 0", (double)places,
                    (double)count(kernel, c->products, least), 0,
                    "they are copies, and nothing is lost; what is smaller than rounding counts as 0");
    fl_lecture_same(l, "their sizes, added up = those of the kernel's weights", fl_sum_sizes(came, c->in), sizes,
                    fl_lecture_rounding(c->products, sizes), "rounding of this sum");
}

static fl_status give(fl_lecture *l)
{
    fl_arena a;
    lone c = {.g = NULL};
    const fl_node *n = fl_lecture_walk(l, &l->s.net.input, 1) == FL_OK ? fl_lecture_convolution(l) : NULL;
    if (!n) return l->cli->error->status;
    fl_lecture_say(l, "'%s' alone: a matrix J that makes %d x %d x %d places of %d channels out of %d x %d x %d places of %d. Nobody "
                   "writes it down: it would have %.3g entries, nearly all of them 0.", n->name, n->shape.t, n->shape.h, n->shape.w,
                   n->shape.c, n->in_shape[0].t, n->in_shape[0].h, n->in_shape[0].w, n->in_shape[0].c,
                   (double)fl_shape_count(n->shape) * (double)fl_shape_count(n->in_shape[0]));
    fl_arena_init_beside(&a, l->cli->arena);
    if (build(l, n, &a, &c)) {
        pair(l, &c);
        if (fits(n)) single(l, &c, n);
    }
    fl_arena_free(&a);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_transpose = {
    "transpose", "the same weights on the way down",
    "A convolution is a matrix: it sends the input to the output. A gradient travels the other way, by the transpose of that matrix. "
    "Whoever writes both by hand gets one of them wrong sooner or later; a single equation finds it, for any numbers whatever.",
    "up:    y = J x,    y_j = sum over i of J_ji x_i\n"
    "down:  gx = J'gy,  gx_i = sum over j of J_ji gy_j\n"
    "<J v, g> = <v, J'g>",
    "autograd/weighted.c for both ways of a convolution, autograd/opcheck.h for this test on every op",
    "check --model tiny --weights formula --only ops",
    "With --inject shifted_padding this lesson finds nothing wrong, and lesson convolution does. Why?", give};
