/* lstm.c: recurrent cells over frames, unrolled: each step is its own nodes, all steps share the parameters.
 *
 *   i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)     z = W x_t + U h_(t-1) + b
 *   c_t = f c_(t-1) + i phi(z_g)      h_t = o phi(c_t)     phi = tanh (Hochreiter 1997), or relu (the study's cell)
 *
 * W x_t is one product for all frames; only U h_(t-1) waits for its turn. */
#include "layers/layers.h"

enum { I, F, G, O };

typedef struct lstm_cell {
    fl_lstm_kind kind;
    fl_bptt bptt;
    int hidden;
    int place[4];              /* of the gates I F G O among the four quarters */
    fl_id wh, bh;
} lstm_cell;

static fl_id phi(fl_graph *g, const char *name, fl_lstm_kind kind, fl_id x)
{
    return kind == FL_LSTM_RELU ? fl_node_relu(g, name, x) : fl_node_tanh(g, name, x);
}

static fl_id quarter(fl_graph *g, const char *name, const lstm_cell *cell, fl_id z, int gate)
{
    return fl_node_slice(g, name, z, FL_AXIS_C, cell->place[gate] * cell->hidden, (cell->place[gate] + 1) * cell->hidden);
}

static void step(fl_graph *g, const lstm_cell *cell, fl_id zx, int t, fl_id *h, fl_id *c)
{
    size_t mark = fl_graph_enter(g, "t%d", t);
    if (cell->bptt == FL_BPTT_NONE && t > 0) {
        *h = fl_node_detach(g, "h_before", *h);
        *c = fl_node_detach(g, "c_before", *c);
    }
    const fl_id zh = fl_node_linear(g, "zh", *h, cell->wh, cell->bh), now = fl_node_slice(g, "zx", zx, FL_AXIS_T, t, t + 1);
    fl_id z = fl_node_add(g, "z", now, zh);
    fl_id i = fl_node_sigmoid(g, "i", quarter(g, "zi", cell, z, I));
    fl_id f = fl_node_sigmoid(g, "f", quarter(g, "zf", cell, z, F));
    fl_id o = fl_node_sigmoid(g, "o", quarter(g, "zo", cell, z, O));
    fl_id in = phi(g, "g", cell->kind, quarter(g, "zg", cell, z, G));
    const fl_id added = fl_node_mul(g, "added", i, in);
    *c = fl_node_add(g, "c", fl_node_mul(g, "kept", f, *c), added);
    *h = fl_node_mul(g, "h", o, phi(g, "phi", cell->kind, *c));
    fl_graph_leave(g, mark);
}

fl_id fl_layer_lstm(fl_graph *g, const char *scope, fl_id x, int hidden, fl_lstm_kind kind, fl_bptt bptt)
{
    enum { MOST_FRAMES = 1024 };
    const fl_shape s = fl_graph_shape(g, x);
    const bool relu = kind == FL_LSTM_RELU;
    fl_id states[MOST_FRAMES];
    if (s.t > MOST_FRAMES) {
        fl_error_set(g->error, FL_USAGE, "lstm '%s%s': expected at most %d frames, got %d", g->scope, scope, MOST_FRAMES, s.t);
        return FL_NONE;
    }
    size_t mark = fl_graph_enter(g, "%s", scope);
    lstm_cell cell = {.kind = kind, .bptt = bptt, .hidden = hidden, .place = {0, 1, relu ? 3 : 2, relu ? 2 : 3}};
    fl_id wx = fl_node_param(g, relu ? "fc_x.weight" : "weight_ih", fl_shape_vector(4 * hidden, s.c));
    cell.wh = fl_node_param(g, relu ? "fc_h.weight" : "weight_hh", fl_shape_vector(4 * hidden, hidden));
    fl_id bx = fl_node_param(g, relu ? "fc_x.bias" : "bias_ih", fl_shape_vector(1, 4 * hidden));
    cell.bh = relu ? FL_NONE : fl_node_param(g, "bias_hh", fl_shape_vector(1, 4 * hidden));
    fl_id zx = fl_node_dense(g, "zx", x, wx, bx);
    fl_id h = fl_node_input(g, "h0", fl_shape_vector(s.n, hidden)), c = fl_node_input(g, "c0", fl_shape_vector(s.n, hidden));
    for (int t = 0; t < s.t; t++) {
        step(g, &cell, zx, t, &h, &c);
        states[t] = h;
    }
    fl_id all = fl_node_concat(g, "states", FL_AXIS_T, s.t, states);
    fl_graph_leave(g, mark);
    return all;
}
