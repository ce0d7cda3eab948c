/* fill.c: parameters without a file: the reference formula, and the values that training starts from. */
#include "models/model.h"

#include "autograd/source.h"
#include "tensor/math.h"
#include "tensor/par.h"
#include "tensor/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Number of axes that the tensor has in a checkpoint, as far as it matters here: 1 (a vector per channel) or more. */
static bool is_vector(fl_shape s) { return s.n == 1 && s.t == 1 && s.h == 1 && s.w == 1; }

/* A vector of one channel and a weight of one output unit have the same shape; only weights of norms are vectors. */
static bool is_norm_weight(const fl_graph *g, fl_id id)
{
    for (fl_id i = id + 1; i < g->count; i++)
        if (g->node[i].op->kind == FL_OP_batchnorm && g->node[i].in[1] == id) return true;
    return false;
}

static bool is_weight(const fl_graph *g, fl_id id)
{
    return !is_vector(g->node[id].shape) || (ends_with(g->node[id].name, "weight") && !is_norm_weight(g, id));
}

static double fan_in(fl_shape s) { return (double)s.c * s.t * s.h * s.w; }

/* A tensor's values: factor (2u - 1), or factor (3/4 + u/2). */
typedef struct formula { double factor; bool positive; } formula;

static formula formula_of(const fl_graph *g, fl_id id, double gamma)
{
    const fl_node *node = &g->node[id];
    if (is_weight(g, id)) return (formula){sqrt(6.0 / fan_in(node->shape)), false};
    if (ends_with(node->name, "running_var")) return (formula){1, true};
    if (ends_with(node->name, "weight")) return (formula){gamma, true};
    return (formula){0.1, false};                    /* biases, running means */
}

/* A recurrent cell should remember before it has learned what to forget (Gers 2000): the forget gate begins at sigmoid(3) = 0.95.
 * Its biases are the second quarter of an LSTM's, and ConvLSTM's Wxf.bias. */
static bool is_forget_bias(const fl_node *node, int64_t i)
{
    const bool lstm = ends_with(node->name, "bias_ih") || ends_with(node->name, "fc_x.bias");
    return ends_with(node->name, "Wxf.bias") || (lstm && i >= node->shape.c / 4 && i < node->shape.c / 2);
}

static double start(const fl_graph *g, fl_id id, int64_t i, double u)
{
    const fl_node *node = &g->node[id];
    if (is_forget_bias(node, i)) return 3;
    if (is_weight(g, id)) return (2 * u - 1) * sqrt(6.0 / fan_in(node->shape));       /* He 2015, uniform */
    return ends_with(node->name, "running_var") || ends_with(node->name, "weight") ? 1 : 0;
}

static bool is_filled(const fl_node *node) { return node->role == FL_PARAM || node->role == FL_BUFFER; }

/* i counts in file order; one row (a place on axis N) after the other lies in memory. */
static void fill_row(fl_shape s, formula f, uint64_t name, int row, real *to)
{
    const int64_t plane = (int64_t)s.t * s.h * s.w;
    for (int c = 0; c < s.c; c++)
        for (int64_t p = 0; p < plane; p++) {
            const double u = fl_rng_named(name, (uint64_t)((row * (int64_t)s.c + c) * plane + p));
            const double value = f.factor * (f.positive ? 0.75 + 0.5 * u : 2 * u - 1);
            to[p * s.c + c] = (real)(float)value;
        }
}

static void formula_rows(const fl_source *from, int first, int count, real *to, real *work)
{
    (void)work;
    const fl_node *node = &from->g->node[from->node];
    const formula f = {from->number, false};
    const int64_t row = fl_shape_count(node->shape) / node->shape.n;
    for (int i = 0; i < count; i++) fill_row(node->shape, f, fl_rng_name(node->name), first + i, to + i * row);
}

void fl_model_fill_formula(fl_graph *g, double gamma)
{
    for (fl_id id = 0; id < g->count; id++) {
        const fl_node *node = &g->node[id];
        if (!is_filled(node)) continue;
        const formula f = formula_of(g, id, gamma);
        const uint64_t name = fl_rng_name(node->name);
        if (!f.positive && fl_graph_attach(g, id, (fl_source){.rows = formula_rows, .number = f.factor})) continue;
        real *to = fl_graph_value(g, id);
        const int64_t each = fl_shape_count(node->shape) / node->shape.n;
        FL_PARALLEL(row, node->shape.n, fl_shape_count(node->shape) * 8) { fill_row(node->shape, f, name, (int)row, to + row * each); }
    }
    fl_graph_touch(g);
}

/* sin(2 pi (x + 2t) / W) cos(2 pi y / H) k[c] + 0.5 (2u - 1), rounded to float32; k = 1, 0.5, -0.75, 1, ... */
static double clip_at(fl_shape s, int c, int t, int h, int w, double u)
{
    static const double k[3] = {1.0, 0.5, -0.75};
    return fl_sin64(2 * FL_PI * (w + 2 * t) / s.w) * fl_cos64(2 * FL_PI * h / s.h) * k[c % 3] + 0.5 * (2 * u - 1);
}

void fl_model_formula_clip(const char *name, fl_shape s, real *to)
{
    char key[96];
    snprintf(key, sizeof key, "input:%s", name);
    const uint64_t hash = fl_rng_name(key);
    uint64_t i = 0;
    for (int n = 0; n < s.n; n++)
        for (int c = 0; c < s.c; c++)
            for (int t = 0; t < s.t; t++)
                for (int h = 0; h < s.h; h++)
                    for (int w = 0; w < s.w; w++, i++)
                        to[fl_at(s, n, c, t, h, w)] = (real)(float)clip_at(s, c, t, h, w, fl_rng_named(hash, i));
}

void fl_model_fill_random_node(fl_graph *g, fl_id id, uint64_t seed)
{
    const fl_node *node = &g->node[id];
    const uint64_t stream = fl_rng_name(node->name);
    if (!is_filled(node)) return;
    real *to = fl_graph_value(g, id);
    for (int64_t i = 0; i < fl_shape_count(node->shape); i++)
        to[i] = (real)(float)start(g, id, i, fl_rng_uniform(seed, stream, (uint64_t)i));
}

void fl_model_fill_random(fl_graph *g, uint64_t seed)
{
    for (fl_id id = 0; id < g->count; id++) fl_model_fill_random_node(g, id, seed);
    fl_graph_touch(g);
}
