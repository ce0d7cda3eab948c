/* fault.c: the table of mistakes. Each spoils what the right op made. */
#include "autograd/fault.h"

#include "tensor/par.h"

#include <string.h>

static const fl_op *right(const fl_node *node) { return fl_op_table[node->op->kind]; }
static int64_t results(const fl_node *node) { return fl_shape_count(node->shape); }

/* ---- weights ---- */

/* Weights that a rule put in are packed for the op as it is. */
static bool own_weight(const fl_node *node, const real *const in[]) { return in[1] == node->operand[1]; }

static bool has_bias(const fl_node *node) { return node->n_in == 3; }
static void dropped_bias(const fl_node *node, const real *const in[], real *y)
{
    right(node)->forward(node, (const real *const[]){in[0], in[1], NULL}, y);
}

static bool has_taps(const fl_node *node) { return node->in_shape[1].t * node->in_shape[1].h * node->in_shape[1].w > 1; }
static void transposed_kernel(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    const real *const turned[3] = {in[0], node->aside, node->n_in == 3 ? in[2] : NULL};
    right(node)->vjp(node, k, k == 0 && own_weight(node, in) && node->aside ? turned : in, y, gy, gx);
}

static bool has_padding(const fl_node *node) { return node->attr.conv.win.lo[2] > 0; }
static fl_node shifted(const fl_node *node)
{
    fl_node moved = *node;
    moved.attr.conv.win.lo[2]--;
    moved.attr.conv.win.hi[2]++;
    moved.packed[0] = moved.packed[1] = NULL;                   /* packed for another window */
    return moved;
}
static void shifted_padding(const fl_node *node, const real *const in[], real *y)
{
    const fl_node moved = shifted(node);
    right(node)->forward(own_weight(node, in) ? &moved : node, in, y);
}
static void shifted_padding_vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    const fl_node moved = shifted(node);
    right(node)->vjp(own_weight(node, in) ? &moved : node, k, in, y, gy, gx);
}

static size_t shifted_scratch(const fl_node *node)
{
    const fl_node moved = shifted(node);
    const size_t a = right(node)->scratch(node), b = right(node)->scratch(&moved);
    return a > b ? a : b;
}

/* Every row of results as a sum of as many parts as there are threads: its bits follow the machine. */
static void thread_order(const fl_node *node, const real *const in[], real *y)
{
    const int c = node->in_shape[0].c, parts = fl_threads();
    right(node)->forward(node, in, y);
    if (!own_weight(node, in)) return;
    for (int n = 0; n < node->shape.n; n++)
        for (int o = 0; o < node->shape.c; o++) {
            real sum = node->n_in == 3 && in[2] ? in[2][o] : 0;
            for (int p = 0; p < parts; p++) {
                real part = 0;
                for (int i = (int)((int64_t)c * p / parts); i < (int)((int64_t)c * (p + 1) / parts); i++)
                    part += in[0][(int64_t)n * c + i] * in[1][(int64_t)o * c + i];
                sum += part;
            }
            y[(int64_t)n * node->shape.c + o] = sum;
        }
}

/* ---- maps ---- */

static void missing_mask(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    memcpy(gx, gy, (size_t)results(node) * sizeof *gx);
}

/* Each sample but the first is let through where the one before it is positive. */
static void batch_leak(const fl_node *node, const real *const in[], real *y)
{
    const int64_t sample = results(node) / node->shape.n;
    right(node)->forward(node, in, y);
    for (int64_t i = results(node) - 1; i >= sample; i--) y[i] = in[0][i - sample] > 0 ? in[0][i] : 0;
}

static void wrong_slope(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in;
    for (int64_t i = 0; i < results(node); i++) gx[i] = gy[i] * (1 - y[i]);
}

static void small_error(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    right(node)->vjp(node, k, in, y, gy, gx);
    for (int64_t i = 0; i < results(node); i++) gx[i] += gx[i] / 1000;
}

/* ---- sums and pools ---- */

static bool has_two(const fl_node *node) { return node->n_in > 1; }
static void forgotten_operand(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    right(node)->vjp(node, k, in, y, gy, gx);
    if (k == 1) memset(gx, 0, (size_t)fl_shape_count(node->in_shape[1]) * sizeof *gx);
}

static void unscaled_average(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    right(node)->vjp(node, k, in, y, gy, gx);
    fl_scale(gx, 2, fl_shape_count(node->in_shape[k]));
}

/* The signal of a maximum arrives one place behind the winner. */
static void wrong_winner(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    const int64_t n = fl_shape_count(node->in_shape[0]), c = node->in_shape[0].c;
    right(node)->vjp(node, k, in, y, gy, gx);
    memmove(gx + c, gx, (size_t)(n - c) * sizeof *gx);
    memset(gx, 0, (size_t)c * sizeof *gx);
}

const fl_fault fl_fault_table[] = {
    {"dropped_bias", "convolutions forget their bias on the way up", FL_OP_conv, has_bias, dropped_bias, NULL, NULL, false},
    {"dropped_bias_of_head", "linear layers forget their bias on the way up", FL_OP_linear, has_bias, dropped_bias, NULL, NULL, false},
    {"transposed_kernel", "convolutions use the kernel as it is on the way down, not turned round", FL_OP_conv, has_taps, NULL,
     transposed_kernel, NULL, true},
    {"shifted_padding", "convolutions begin one column too late, up and down alike: gradients are right, values are not", FL_OP_conv,
     has_padding, shifted_padding, shifted_padding_vjp, shifted_scratch, false},
    {"thread_order", "linear layers add up in as many parts as there are threads", FL_OP_linear, NULL, thread_order, NULL, NULL, false},
    {"missing_mask", "the ReLU lets every signal pass on the way down", FL_OP_relu, NULL, NULL, missing_mask, NULL, false},
    {"small_error", "the ReLU's signal is off by a thousandth", FL_OP_relu, NULL, NULL, small_error, NULL, false},
    {"batch_leak", "the ReLU of a sample looks at the sample before it", FL_OP_relu, NULL, batch_leak, NULL, NULL, false},
    {"wrong_slope", "tanh' = 1 - y instead of 1 - y^2", FL_OP_tanh, NULL, NULL, wrong_slope, NULL, false},
    {"forgotten_operand", "sums give their second operand no signal", FL_OP_add, has_two, NULL, forgotten_operand, NULL, false},
    {"unscaled_average", "means hand down twice what they should", FL_OP_mean, NULL, NULL, unscaled_average, NULL, false},
    {"wrong_winner", "maxima send their signal one place too far", FL_OP_maxpool, NULL, NULL, wrong_winner, NULL, false},
    {.name = NULL}};

const fl_fault *fl_fault_find(const char *name)
{
    for (const fl_fault *f = fl_fault_table; f->name; f++)
        if (strcmp(f->name, name) == 0) return f;
    return NULL;
}

/* The taps of a kernel O,C,KT,KH,KW in reverse order. */
static const real *turned(const fl_node *node, const real *w, fl_arena *a)
{
    const fl_shape s = node->in_shape[1];
    real *to = FL_NEW(a, real, fl_shape_count(s));
    const int64_t taps = (int64_t)s.t * s.h * s.w;
    for (int64_t o = 0; to && o < s.n; o++)
        for (int64_t p = 0; p < taps; p++) memcpy(to + (o * taps + p) * s.c, w + (o * taps + taps - 1 - p) * s.c, (size_t)s.c * sizeof *to);
    return to;
}

int fl_fault_inject(const fl_fault *f, fl_graph *g)
{
    fl_op *spoilt = FL_NEW(g->arena, fl_op, 1);
    int struck = 0;
    if (!spoilt) return -1;
    *spoilt = *fl_op_table[f->kind];
    spoilt->finished = NULL;                             /* the parts are spoilt, so they must be used */
    spoilt->notes = NULL;
    spoilt->forward_rest = NULL;
    if (f->forward) spoilt->forward = f->forward;
    if (f->vjp) spoilt->vjp = f->vjp;
    if (f->scratch) spoilt->scratch = f->scratch;
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        if (node->role != FL_COMPUTED || node->op->kind != f->kind || (f->strikes && !f->strikes(node))) continue;
        if (f->turns_weights && !(node->aside = turned(node, fl_graph_value(g, node->in[1]), g->arena))) return -1;
        node->op = spoilt;
        struck++;
    }
    return struck;
}
