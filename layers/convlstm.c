/* convlstm.c: the LSTM whose products are convolutions (Shi 2015), unrolled; no peepholes (Manttari 2020 keeps them zero).
 *
 *   i, f, o = sigmoid(W_x* * x_t + W_h* * h_(t-1) + b)     c_t = f c_(t-1) + i tanh(W_xc * x_t + W_hc * h_(t-1) + b)
 *   h_t = o tanh(c_t)
 *
 * The four convolutions of the input are done for all frames at once. */
#include "layers/layers.h"

enum { GATES = 4, I = 0, F = 1, C = 2, O = 3 };

typedef struct gates { fl_id zx[GATES], wh[GATES]; fl_window win; } gates;

static fl_id gate(fl_graph *g, const gates *all, int which, fl_id h, int t)
{
    static const char *const scope[GATES] = {"i", "f", "c", "o"};
    size_t mark = fl_graph_enter(g, "%s", scope[which]);
    fl_id z = fl_node_add(g, "z", fl_node_slice(g, "zx", all->zx[which], FL_AXIS_T, t, t + 1),
                          fl_node_conv(g, "zh", h, all->wh[which], FL_NONE, all->win, 1));
    z = which == C ? fl_node_tanh(g, "tanh", z) : fl_node_sigmoid(g, "sigmoid", z);
    fl_graph_leave(g, mark);
    return z;
}

static void step(fl_graph *g, const gates *all, int t, fl_id *h, fl_id *c)
{
    size_t mark = fl_graph_enter(g, "t%d", t);
    fl_id kept = fl_node_mul(g, "kept", gate(g, all, F, *h, t), *c);
    fl_id added = fl_node_mul(g, "added", gate(g, all, I, *h, t), gate(g, all, C, *h, t));
    fl_id o = gate(g, all, O, *h, t);
    *c = fl_node_add(g, "state", kept, added);
    *h = fl_node_mul(g, "h", o, fl_node_tanh(g, "squashed", *c));
    fl_graph_leave(g, mark);
}

fl_id fl_layer_convlstm(fl_graph *g, const char *scope, fl_id x, int hidden, int k, int stride)
{
    enum { MOST_FRAMES = 1024 };
    static const char *const wx[GATES] = {"Wxi", "Wxf", "Wxc", "Wxo"}, *const wh[GATES] = {"Whi.weight", "Whf.weight", "Whc.weight", "Who.weight"};
    const fl_shape s = fl_graph_shape(g, x);
    fl_id states[MOST_FRAMES];
    if (s.t > MOST_FRAMES) {
        fl_error_set(g->error, FL_USAGE, "convlstm '%s%s': expected at most %d frames, got %d", g->scope, scope, MOST_FRAMES, s.t);
        return FL_NONE;
    }
    size_t mark = fl_graph_enter(g, "%s", scope);
    gates all = {.win = fl_window_cube(1, k, k, 1, 1, 1)};
    for (int q = 0; q < GATES; q++) {
        all.zx[q] = fl_layer_conv(g, wx[q], x, hidden, fl_window_cube(1, k, k, 1, stride, stride), 1, true);
        all.wh[q] = fl_node_param(g, wh[q], (fl_shape){hidden, hidden, 1, k, k});
    }
    fl_shape state = fl_graph_shape(g, all.zx[I]);
    state.t = 1;
    fl_id h = fl_node_input(g, "h0", state), c = fl_node_input(g, "c0", state);
    for (int t = 0; t < s.t; t++) {
        step(g, &all, t, &h, &c);
        states[t] = h;
    }
    fl_id out = fl_node_concat(g, "states", FL_AXIS_T, s.t, states);
    fl_graph_leave(g, mark);
    return out;
}
