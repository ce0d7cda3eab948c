/* ops_recurrent.c: LSTM, GRU and RNN, unrolled: each step is its own nodes, all steps share the parameters.
 *
 *   LSTM   i, o, f = sigmoid(z), g = tanh(z)      c_t = f c + i g       h_t = o tanh(c_t)         rows of W: i o f g
 *   GRU    z, r = sigmoid(..)                     h_t = (1 - z) n + z h                           rows of W: z r n
 *          n = tanh(W x + Wb + r (R h + Rb)), or with linear_before_reset 0: tanh(W x + Wb + R (r h) + Rb)
 *   RNN    h_t = tanh(W x + R h + b)
 *
 * x [T,N,I]; W [directions, gates H, I], R [directions, gates H, H], b [directions, 2 gates H]: first W's, then R's.
 * Time lies on T, features on C, the batch on N; the directions of the result on H. */
#include "io/onnx/import.h"

#include <stdio.h>
#include <string.h>

enum { MOST_STEPS = 1024, MOST_HIDDEN = 1 << 16 };

typedef enum cell_kind { LSTM, GRU, RNN } cell_kind;

typedef struct cell {
    fl_onnx_import *im;
    cell_kind kind;
    int gates, hidden, steps, batch, directions;
    bool reset_after;                        /* GRU: linear_before_reset */
    const fl_onnx_value *w, *r, *b;          /* b: or NULL */
    const char *way;                         /* the direction at work */
    int direction;
    fl_id wr, br, wn, bn;                    /* of the recurrent product; of the GRU's n where it stands alone */
} cell;

static const char *name_of(const cell *c, int t, const char *part)
{
    char text[64];
    snprintf(text, sizeof text, "%s.t%d.%s", c->way, t, part);
    return fl_onnx_name(c->im, text);
}

/* The part of a constant, for the direction at work, that begins `first` values into it, as a parameter of that
 * shape. */
static fl_id part_of(const cell *c, const fl_onnx_value *v, const char *how, int64_t first, fl_shape s)
{
    bool fresh = false;
    const char *name = fl_arena_text(c->im->arena, "%s%s", c->way, how);
    const fl_id id = name ? fl_onnx_parameter_node(c->im, v, NULL, name, s, FL_PARAM, &fresh) : FL_NONE;
    if (!fresh) return id;
    const fl_mark mark = fl_arena_mark(c->im->arena);
    const real *values = fl_onnx_weights(c->im, v); /* vectors and matrices: memory order is file order */
    if (values)
        memcpy(fl_graph_value(c->im->g, id), values + c->direction * (fl_onnx_count(v) / c->directions) + first,
               (size_t)fl_shape_count(s) * sizeof(real));
    fl_arena_release(c->im->arena, mark);
    return id;
}

static fl_id bias_of(const cell *c, const char *how, int first_row, int rows)
{
    return c->b ? part_of(c, c->b, how, first_row, fl_shape_vector(1, rows)) : FL_NONE;
}

static fl_id gate(const cell *c, int t, const char *part, fl_id z, int which)
{
    return fl_node_slice(c->im->g, name_of(c, t, part), z, FL_AXIS_C, which * c->hidden, (which + 1) * c->hidden);
}

static fl_id squash(const cell *c, int t, const char *part, fl_id z)
{
    return fl_node_sigmoid(c->im->g, name_of(c, t, part), z);
}

static void step_lstm(const cell *c, int t, fl_id zx, fl_id *h, fl_id *state)
{
    fl_graph *g = c->im->g;
    const fl_id zh = fl_node_linear(g, name_of(c, t, "zh"), *h, c->wr, c->br);
    const fl_id z = fl_node_add(g, name_of(c, t, "z"), zx, zh);
    const fl_id i = squash(c, t, "i", gate(c, t, "zi", z, 0));
    const fl_id o = squash(c, t, "o", gate(c, t, "zo", z, 1));
    const fl_id f = squash(c, t, "f", gate(c, t, "zf", z, 2));
    const fl_id in = fl_node_tanh(g, name_of(c, t, "g"), gate(c, t, "zg", z, 3));
    const fl_id kept = fl_node_mul(g, name_of(c, t, "kept"), f, *state);
    const fl_id added = fl_node_mul(g, name_of(c, t, "added"), i, in);
    *state = fl_node_add(g, name_of(c, t, "c"), kept, added);
    *h = fl_node_mul(g, name_of(c, t, "h"), o, fl_node_tanh(g, name_of(c, t, "squashed"), *state));
}

/* h_t = n + z (h - n) */
static fl_id mix(const cell *c, int t, fl_id z, fl_id n, fl_id h, fl_id minus)
{
    fl_graph *g = c->im->g;
    const fl_id negative = fl_node_mul(g, name_of(c, t, "negative"), n, minus);
    const fl_id away = fl_node_add(g, name_of(c, t, "away"), h, negative);
    const fl_id kept = fl_node_mul(g, name_of(c, t, "kept"), z, away);
    return fl_node_add(g, name_of(c, t, "h"), n, kept);
}

static void step_gru(const cell *c, int t, fl_id zx, fl_id *h, fl_id minus)
{
    fl_graph *g = c->im->g;
    const fl_id zh = fl_node_linear(g, name_of(c, t, "zh"), *h, c->wr, c->br);
    const fl_id xz = gate(c, t, "xz", zx, 0), hz = gate(c, t, "hz", zh, 0);
    const fl_id xr = gate(c, t, "xr", zx, 1), hr = gate(c, t, "hr", zh, 1);
    const fl_id z = squash(c, t, "z", fl_node_add(g, name_of(c, t, "zz"), xz, hz));
    const fl_id r = squash(c, t, "r", fl_node_add(g, name_of(c, t, "zr"), xr, hr));
    fl_id hn;
    if (c->reset_after) {
        hn = fl_node_mul(g, name_of(c, t, "reset"), r, gate(c, t, "hn", zh, 2));
    } else {
        const fl_id reset = fl_node_mul(g, name_of(c, t, "reset"), r, *h);
        hn = fl_node_linear(g, name_of(c, t, "hn"), reset, c->wn, c->bn);
    }
    const fl_id xn = gate(c, t, "xn", zx, 2), zn = fl_node_add(g, name_of(c, t, "zn"), xn, hn);
    *h = mix(c, t, z, fl_node_tanh(g, name_of(c, t, "n"), zn), *h, minus);
}

static void step_rnn(const cell *c, int t, fl_id zx, fl_id *h)
{
    const fl_id zh = fl_node_linear(c->im->g, name_of(c, t, "zh"), *h, c->wr, c->br);
    *h = fl_node_tanh(c->im->g, name_of(c, t, "h"), fl_node_add(c->im->g, name_of(c, t, "z"), zx, zh));
}

/* The state before the first step: operand k, [directions,N,H], or zeros. */
static fl_id first_state(const cell *c, int k, const char *part)
{
    fl_onnx_import *im = c->im;
    char text[32];
    snprintf(text, sizeof text, "%s.%s", c->way, part);
    if (!fl_onnx_given(im, k))
        return fl_node_input(im->g, fl_onnx_name(im, text), fl_shape_vector(c->batch, c->hidden));
    const fl_onnx_value *v = fl_onnx_data(im, k);
    const int want[3] = {FL_AXIS_T, FL_AXIS_N, FL_AXIS_C};
    if (!v) return FL_NONE;
    if (v->rank != 3 || v->dim[0] != c->directions || v->dim[1] != c->batch || v->dim[2] != c->hidden) {
        fl_onnx_fail(im, "operand %d, a first state, has another shape than %d,%d,%d", k, c->directions, c->batch,
                     c->hidden);
        return FL_NONE;
    }
    const fl_id all = fl_onnx_arrange(im, v, want);
    if (c->directions == 1) return all;
    return fl_node_slice(im->g, fl_onnx_name(im, text), all, FL_AXIS_T, c->direction, c->direction + 1);
}

typedef struct states { fl_id all, h, c; } states;       /* N,H,T and, of the last step, N,H */

static states run(cell *c, fl_id x, bool backwards)
{
    fl_graph *g = c->im->g;
    fl_onnx_import *im = c->im;
    const int hidden = c->hidden, features = fl_graph_shape(g, x).c, rows = c->gates * hidden;
    const bool apart = c->kind == GRU && !c->reset_after;         /* R of n is a product of its own */
    const int joint = apart ? 2 * hidden : rows;
    fl_id h[MOST_STEPS];
    const fl_id wx = part_of(c, c->w, ".weight_x", 0, fl_shape_vector(rows, features));
    const fl_id bx = bias_of(c, ".bias_x", 0, rows);
    c->wr = part_of(c, c->r, ".weight_h", 0, fl_shape_vector(joint, hidden));
    c->br = bias_of(c, ".bias_h", rows, joint);
    c->wn = apart ? part_of(c, c->r, ".weight_n", (int64_t)joint * hidden, fl_shape_vector(hidden, hidden)) : FL_NONE;
    c->bn = apart ? bias_of(c, ".bias_n", rows + joint, hidden) : FL_NONE;
    if (!fl_onnx_ok(im)) return (states){FL_NONE, FL_NONE, FL_NONE};
    const fl_id zx = fl_node_dense(g, fl_onnx_name(im, c->direction ? "zx_back" : "zx"), x, wx, bx);
    states s = {.h = first_state(c, 5, "h0")};
    s.c = c->kind == LSTM ? first_state(c, 6, "c0") : FL_NONE;
    const fl_id minus = c->kind == GRU ? fl_onnx_scalar(im, c->direction ? "minus_back" : "minus", -1) : FL_NONE;
    for (int i = 0; i < c->steps && fl_onnx_ok(im); i++) {
        const int t = backwards ? c->steps - 1 - i : i;
        const fl_id zt = fl_node_slice(g, name_of(c, t, "zx"), zx, FL_AXIS_T, t, t + 1);
        if (c->kind == LSTM) step_lstm(c, t, zt, &s.h, &s.c);
        else if (c->kind == GRU) step_gru(c, t, zt, &s.h, minus);
        else step_rnn(c, t, zt, &s.h);
        h[t] = s.h;
    }
    if (fl_onnx_ok(im))
        s.all = fl_node_concat(g, fl_onnx_name(im, c->direction ? "states_back" : "states"), FL_AXIS_T, c->steps, h);
    return s;
}

/* The shapes of the constants, and what is left out. */
static bool check(const cell *c, const fl_onnx_value *x)
{
    fl_onnx_import *im = c->im;
    const int64_t rows = (int64_t)c->gates * c->hidden;
    const fl_onnx_attribute *activations = fl_onnx_attribute_of(im, "activations");
    static const char *const usual[3][3] = {{"Sigmoid", "Tanh", "Tanh"}, {"Sigmoid", "Tanh"}, {"Tanh"}};
    static const int per_direction[3] = {3, 2, 1};
    for (int i = 0; activations && i < activations->n_strings; i++)
        if (strcmp(activations->strings[i], usual[c->kind][i % per_direction[c->kind]]) != 0)
            return fl_onnx_fail(im, "activation '%.40s' is not available; expected the usual ones",
                                activations->strings[i]);
    if (fl_onnx_attribute_of(im, "clip") || fl_onnx_int(im, "input_forget", 0) || fl_onnx_int(im, "layout", 0))
        return fl_onnx_fail(im, "clip, input_forget and layout 1 are not available");
    if (c->kind == LSTM && fl_onnx_given(im, 7)) return fl_onnx_fail(im, "peepholes are not available");
    if (c->steps > MOST_STEPS)
        return fl_onnx_fail(im, "expected at most %d steps, got %d", (int)MOST_STEPS, c->steps);
    if (c->w->rank != 3 || c->r->rank != 3 || c->w->dim[0] != c->directions || c->r->dim[0] != c->directions ||
        c->w->dim[1] != rows || c->r->dim[1] != rows || c->w->dim[2] != x->dim[2] || c->r->dim[2] != c->hidden ||
        (c->b && fl_onnx_count(c->b) != 2 * rows * c->directions))
        return fl_onnx_fail(im, "its weights do not fit %d directions, %d units and %lld features", c->directions,
                            c->hidden, (long long)x->dim[2]);
    if (!fl_onnx_given(im, 4)) return true;
    const fl_onnx_value *lengths = fl_onnx_constant(im, 4, "the lengths");
    const int64_t *length = lengths ? fl_onnx_as_integers(im, lengths) : NULL;
    for (int64_t i = 0; length && i < fl_onnx_count(lengths); i++)
        if (length[i] != c->steps) return fl_onnx_fail(im, "expected sequences of the full length");
    return fl_onnx_ok(im);
}

static fl_id both(fl_onnx_import *im, const char *part, int directions, const fl_id *node)
{
    return directions == 1 ? node[0] : fl_node_concat(im->g, fl_onnx_name(im, part), FL_AXIS_H, directions, node);
}

static void recurrent(fl_onnx_import *im, cell_kind kind)
{
    static const int gates[3] = {4, 3, 1};
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    const fl_onnx_value *w = fl_onnx_constant(im, 1, "W"), *r = fl_onnx_constant(im, 2, "R");
    const fl_onnx_value *b = fl_onnx_given(im, 3) ? fl_onnx_constant(im, 3, "B") : NULL;
    const bool reverse = fl_onnx_is(im, "direction", "forward", "reverse");
    const bool two = fl_onnx_is(im, "direction", "forward", "bidirectional");
    const int want[3] = {FL_AXIS_T, FL_AXIS_N, FL_AXIS_C};
    const int64_t hidden = fl_onnx_int(im, "hidden_size", r && r->rank == 3 ? r->dim[2] : 0);
    if (!x || !w || !r || !fl_onnx_ok(im)) return;
    if (x->rank != 3 || hidden < 1 || hidden > MOST_HIDDEN) {
        fl_onnx_fail(im, "expected time, batch, features and 1 to %d units, got %d axes and %lld units",
                     (int)MOST_HIDDEN, x->rank, (long long)hidden);
        return;
    }
    cell c = {.im = im, .kind = kind, .gates = gates[kind], .hidden = (int)hidden, .directions = two ? 2 : 1,
              .steps = x->dim[0] <= MOST_STEPS ? (int)x->dim[0] : MOST_STEPS + 1, .batch = (int)x->dim[1],
              .w = w, .r = r, .b = b, .reset_after = fl_onnx_int(im, "linear_before_reset", 0) != 0};
    if (!check(&c, x)) return;
    const fl_id seated = fl_onnx_arrange(im, x, want);
    fl_id all[2], h[2], state[2];
    for (int d = 0; d < c.directions; d++) {
        c.direction = d;
        c.way = d || reverse ? "back" : "forward";
        const states s = run(&c, seated, d || reverse);
        all[d] = s.all;
        h[d] = s.h;
        state[d] = s.c;
    }
    if (!fl_onnx_ok(im)) return;
    const int at = c.directions == 2 ? FL_AXIS_H : FL_SEAT_NONE;
    if (fl_onnx_wanted(im, 0))
        fl_onnx_result(im, 0, both(im, NULL, c.directions, all), 4,
                       (const int[]){FL_AXIS_T, at, FL_AXIS_N, FL_AXIS_C});
    if (fl_onnx_wanted(im, 1))
        fl_onnx_result(im, 1, both(im, "last", c.directions, h), 3, (const int[]){at, FL_AXIS_N, FL_AXIS_C});
    if (kind == LSTM && fl_onnx_wanted(im, 2))
        fl_onnx_result(im, 2, both(im, "last_c", c.directions, state), 3, (const int[]){at, FL_AXIS_N, FL_AXIS_C});
}

static void import_lstm(fl_onnx_import *im) { recurrent(im, LSTM); }
static void import_gru(fl_onnx_import *im) { recurrent(im, GRU); }
static void import_rnn(fl_onnx_import *im) { recurrent(im, RNN); }

const fl_onnx_op fl_onnx_recurrent_ops[] = {
    {"LSTM", import_lstm}, {"GRU", import_gru}, {"RNN", import_rnn}, {NULL, NULL}};
