/* convlstm.c: the LSTM whose products are convolutions (Shi 2015), unrolled.
 *
 *   i, f = sigmoid(W_x* * x_t + W_h* * h_(t-1) + b + w_c* c_(t-1))     c_t = f c_(t-1) + i tanh(W_xc * x_t + W_hc * h_(t-1) + b)
 *   o    = sigmoid(W_xo * x_t + W_ho * h_(t-1) + b + w_co c_t)         h_t = o tanh(c_t)
 *
 * w_c*, the peepholes, are one number per unit and place; Manttari 2020 keeps them zero, and then they are left out.
 * The four convolutions of the input are done for all frames at once. Explanations make one convolution of these four, and of the four
 * of every step (autograd/stack.h): the same numbers within rounding. */
#include "layers/layers.h"

enum { GATES = 4, I = 0, F = 1, C = 2, O = 3, MOST_FRAMES = 1024 };

typedef struct cell { fl_id zx[GATES], wh[GATES], wc[GATES]; fl_window win; fl_bptt bptt; } cell;

/* c: what a peephole looks at. */
static fl_id gate(fl_graph *g, const cell *all, int which, fl_id h, fl_id c, int t)
{
    static const char *const scope[GATES] = {"i", "f", "c", "o"};
    size_t mark = fl_graph_enter(g, "%s", scope[which]);
    const fl_id zh = fl_node_conv(g, "zh", h, all->wh[which], FL_NONE, all->win, 1);
    fl_id z = fl_node_add(g, "z", fl_node_slice(g, "zx", all->zx[which], FL_AXIS_T, t, t + 1), zh);
    if (all->wc[which] != FL_NONE) z = fl_node_add(g, "peeped", z, fl_node_mul(g, "zc", c, all->wc[which]));
    z = which == C ? fl_node_tanh(g, "tanh", z) : fl_node_sigmoid(g, "sigmoid", z);
    fl_graph_leave(g, mark);
    return z;
}

static void step(fl_graph *g, const cell *all, int t, fl_id *h, fl_id *c)
{
    size_t mark = fl_graph_enter(g, "t%d", t);
    if (all->bptt == FL_BPTT_NONE && t > 0) {
        *h = fl_node_detach(g, "h_before", *h);
        *c = fl_node_detach(g, "c_before", *c);
    }
    const fl_id kept = fl_node_mul(g, "kept", gate(g, all, F, *h, *c, t), *c);
    const fl_id in = gate(g, all, C, *h, *c, t), open = gate(g, all, I, *h, *c, t);
    *c = fl_node_add(g, "state", kept, fl_node_mul(g, "added", open, in));
    fl_id o = gate(g, all, O, *h, *c, t);
    *h = fl_node_mul(g, "h", o, fl_node_tanh(g, "squashed", *c));
    fl_graph_leave(g, mark);
}

static cell parameters(fl_graph *g, fl_id x, fl_convlstm p)
{
    static const char *const wx[GATES] = {"Wxi", "Wxf", "Wxc", "Wxo"}, *const wc[GATES] = {"Wci", "Wcf", NULL, "Wco"};
    static const char *const wh[GATES] = {"Whi.weight", "Whf.weight", "Whc.weight", "Who.weight"};
    cell all = {.win = fl_window_cube(1, p.k, p.k, 1, 1, 1), .bptt = p.bptt};
    for (int q = 0; q < GATES; q++) {
        all.zx[q] = fl_layer_conv(g, wx[q], x, p.hidden, fl_window_cube(1, p.k, p.k, 1, p.stride, p.stride), 1, true);
        all.wh[q] = fl_node_param(g, wh[q], (fl_shape){p.hidden, p.hidden, 1, p.k, p.k});
        const fl_shape s = fl_graph_shape(g, all.zx[q]);
        all.wc[q] = p.peepholes && wc[q] ? fl_node_param(g, wc[q], (fl_shape){1, s.c, 1, s.h, s.w}) : FL_NONE;
    }
    return all;
}

fl_id fl_layer_convlstm(fl_graph *g, const char *scope, fl_id x, fl_convlstm p)
{
    fl_id states[MOST_FRAMES];
    const int frames = fl_graph_shape(g, x).t;
    if (frames > MOST_FRAMES) {
        fl_error_set(g->error, FL_USAGE, "convlstm '%s%s': expected at most %d frames, got %d", g->scope, scope, MOST_FRAMES, frames);
        return FL_NONE;
    }
    size_t mark = fl_graph_enter(g, "%s", scope);
    const cell all = parameters(g, x, p);
    fl_shape state = fl_graph_shape(g, all.zx[I]);
    state.t = 1;
    fl_id h = fl_node_input(g, "h0", state), c = fl_node_input(g, "c0", state);
    for (int t = 0; t < frames; t++) {
        step(g, &all, t, &h, &c);
        states[t] = h;
    }
    fl_id out = fl_node_concat(g, "states", FL_AXIS_T, frames, states);
    fl_graph_leave(g, mark);
    return out;
}
