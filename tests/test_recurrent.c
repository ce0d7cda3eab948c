/* test_recurrent.c: LSTM and ConvLSTM against loops from their definition, and by finite differences. The first
 * states are inputs of the graph and are not zero here. */
#include "autograd/gradcheck.h"
#include "layers/layers.h"
#include "tests/test.h"

#include <string.h>

#ifdef FL_F64
static const double NAIVE_BOUND = 1e-13, DIFFERENCE_BOUND = 1e-8;
#else
static const double NAIVE_BOUND = 1e-6, DIFFERENCE_BOUND = 1e-2;
#endif

enum { MOST_LEAVES = 24 };

typedef struct rig {
    fl_error error;
    fl_arena arena;
    fl_graph *g;
    fl_id x, y, leaf[MOST_LEAVES];
    int leaves;
} rig;

static void rig_up(rig *r, fl_shape x)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    r->g = fl_graph_new(&r->arena);
    r->x = fl_node_input(r->g, "x", x);
}

/* Plans for the gradients of all leaves: parameters, input and first states; gives them normal values, halved. */
static bool plan_and_fill(rig *r, const char *name, int leaves)
{
    for (fl_id i = 0; i < r->g->count && r->leaves < MOST_LEAVES; i++)
        if (r->g->node[i].role != FL_COMPUTED) r->leaf[r->leaves++] = i;
    fl_graph_plan(r->g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &r->y, .n_out = 1, .root = r->y,
                                   .wrt = r->leaf, .n_wrt = r->leaves});
    if (!CHECK_SAY(fl_graph_ok(r->g), "%s: %s", name, r->error.message)) return false;
    for (int k = 0; k < r->leaves; k++) {
        const fl_node *node = &r->g->node[r->leaf[k]];
        fl_rng_fill_normal(1, (uint64_t)k, 0, node->value, fl_shape_count(node->shape));
        fl_scale(node->value, R(0.5), fl_shape_count(node->shape));
    }
    fl_graph_touch(r->g);
    return CHECK_SAY(r->leaves == leaves, "%s: %d leaves", name, r->leaves);
}

static void check(rig *r, const char *name, const real *want)
{
    fl_gradcheck result;
    const int64_t count = fl_shape_count(fl_graph_shape(r->g, r->y));
    const double error = fl_relative_error(fl_graph_value(r->g, r->y), want, count);
    CHECK_SAY(error <= NAIVE_BOUND, "%s: relative error %g", name, error);
    fl_gradcheck_run(r->g, r->leaf, r->leaves, &(fl_gradcheck_options){.samples = 3, .seed = 5}, &result);
    CHECK_SAY(result.worst <= DIFFERENCE_BOUND, "%s: worst %g at %s", name, result.worst, result.where);
    CHECK_SAY(result.directional <= DIFFERENCE_BOUND, "%s: along a direction %g", name, result.directional);
    CHECK_SAY(result.directions > 0 && result.checked > 4 * result.kinks && result.checked > 0,
              "%s: %d directions, %d elements, %d kinks", name, result.directions, result.checked, result.kinks);
}

static const real *value(const rig *r, const char *name)
{
    return fl_graph_value(r->g, fl_graph_find(r->g, name));
}

static double logistic(double x) { return 1 / (1 + exp(-x)); }
static double positive(double x) { return x > 0 ? x : 0; }

/* ---- LSTM ---- */

enum { IN = 5, HIDDEN = 7, FRAMES = 6, CLIPS = 3 };

typedef struct matrices { const real *wx, *wh, *bx, *bh; } matrices;      /* bh: NULL where there is none */

static double row_times(matrices m, int row, const real *x, const double *h)
{
    double z = (double)m.bx[row] + (m.bh ? (double)m.bh[row] : 0);
    for (int i = 0; i < IN; i++) z += (double)m.wx[row * IN + i] * (double)x[i];
    for (int i = 0; i < HIDDEN; i++) z += (double)m.wh[row * HIDDEN + i] * h[i];
    return z;
}

/* x: T rows of IN, y: T rows of HIDDEN; h, c: states of this clip. Gates lie i f g o, or i f o g with ReLU. */
static void naive_lstm(matrices m, bool relu, const real *h0, const real *c0, const real *x, real *y)
{
    double h[HIDDEN], c[HIDDEN], z[4 * HIDDEN];
    for (int j = 0; j < HIDDEN; j++) h[j] = (double)h0[j], c[j] = (double)c0[j];
    for (int t = 0; t < FRAMES; t++) {
        for (int row = 0; row < 4 * HIDDEN; row++) z[row] = row_times(m, row, x + t * IN, h);
        for (int j = 0; j < HIDDEN; j++) {
            const double i = logistic(z[j]), f = logistic(z[HIDDEN + j]);
            const double g = z[(relu ? 3 : 2) * HIDDEN + j], o = logistic(z[(relu ? 2 : 3) * HIDDEN + j]);
            c[j] = f * c[j] + i * (relu ? positive(g) : tanh(g));
            h[j] = o * (relu ? positive(c[j]) : tanh(c[j]));
            y[t * HIDDEN + j] = (real)h[j];
        }
    }
}

static void check_lstm(const char *name, fl_lstm_kind kind)
{
    const bool relu = kind == FL_LSTM_RELU;
    rig r;
    rig_up(&r, (fl_shape){CLIPS, IN, FRAMES, 1, 1});
    r.y = fl_layer_lstm(r.g, "cell", r.x, HIDDEN, kind, FL_BPTT_FULL);
    if (plan_and_fill(&r, name, relu ? 6 : 7)) {
        const matrices m = relu ? (matrices){value(&r, "cell.fc_x.weight"), value(&r, "cell.fc_h.weight"),
                                             value(&r, "cell.fc_x.bias"), NULL}
                                : (matrices){value(&r, "cell.weight_ih"), value(&r, "cell.weight_hh"),
                                             value(&r, "cell.bias_ih"), value(&r, "cell.bias_hh")};
        real want[CLIPS * FRAMES * HIDDEN];
        fl_graph_forward(r.g);
        for (int n = 0; n < CLIPS; n++)
            naive_lstm(m, relu, value(&r, "cell.h0") + n * HIDDEN, value(&r, "cell.c0") + n * HIDDEN,
                       value(&r, "x") + n * FRAMES * IN, want + n * FRAMES * HIDDEN);
        check(&r, name, want);
    }
    fl_arena_free(&r.arena);
}

TEST(recurrent_lstm_is_its_definition)
{
    check_lstm("tanh", FL_LSTM_TANH);
    check_lstm("relu", FL_LSTM_RELU);
}

/* ---- ConvLSTM ---- */

enum { GATES = 4, MOST_STATE = 128 };

typedef struct plane { int h, w, c; } plane;                 /* channels last */
typedef struct gate { const real *wx, *bx, *wh, *wc; } gate;      /* wc: the peephole, or NULL */

/* One output of a convolution: w is k x k x c of one output channel, centred at row, column; zeros outside. */
static double convolve(plane s, const double *x, const real *w, int k, int row, int column)
{
    double sum = 0;
    for (int i = 0; i < k; i++)
        for (int j = 0; j < k; j++) {
            const int y0 = row + i - k / 2, x0 = column + j - k / 2;
            if (y0 < 0 || y0 >= s.h || x0 < 0 || x0 >= s.w) continue;
            for (int c = 0; c < s.c; c++) sum += x[(y0 * s.w + x0) * s.c + c] * (double)w[(i * k + j) * s.c + c];
        }
    return sum;
}

/* One step: h and c of one clip move on; x is its frame. */
static void naive_step(const gate *q, int k, int stride, plane in, plane out, const double *x, double *h, double *c)
{
    double next[MOST_STATE] = {0};
    const int count = out.h * out.w * out.c;
    for (int i = 0; i < count; i++) {
        const int o = i % out.c, row = i / out.c / out.w, column = i / out.c % out.w;
        double z[GATES];
        for (int g = 0; g < GATES; g++)
            z[g] = (double)q[g].bx[o] + convolve(out, h, q[g].wh + o * k * k * out.c, k, row, column) +
                   convolve(in, x, q[g].wx + o * k * k * in.c, k, row * stride, column * stride);
        for (int g = 0; g < 2; g++) z[g] += q[g].wc ? (double)q[g].wc[i] * c[i] : 0;
        c[i] = logistic(z[1]) * c[i] + logistic(z[0]) * tanh(z[2]);
        z[3] += q[3].wc ? (double)q[3].wc[i] * c[i] : 0;
        next[i] = logistic(z[3]) * tanh(c[i]);
    }
    memcpy(h, next, (size_t)count * sizeof *h);
}

static void naive_convlstm(const rig *r, int k, int stride, real *y)
{
    const fl_shape sx = fl_graph_shape(r->g, r->x), sy = fl_graph_shape(r->g, r->y);
    const plane in = {sx.h, sx.w, sx.c}, out = {sy.h, sy.w, sy.c};
    const int n_in = sx.h * sx.w * sx.c, n_out = sy.h * sy.w * sy.c;
    const bool peeps = fl_graph_find(r->g, "cell.Wci") != FL_NONE;
    const gate q[GATES] = {
        {value(r, "cell.Wxi.weight"), value(r, "cell.Wxi.bias"), value(r, "cell.Whi.weight"), peeps ? value(r, "cell.Wci") : NULL},
        {value(r, "cell.Wxf.weight"), value(r, "cell.Wxf.bias"), value(r, "cell.Whf.weight"), peeps ? value(r, "cell.Wcf") : NULL},
        {value(r, "cell.Wxc.weight"), value(r, "cell.Wxc.bias"), value(r, "cell.Whc.weight"), NULL},
        {value(r, "cell.Wxo.weight"), value(r, "cell.Wxo.bias"), value(r, "cell.Who.weight"), peeps ? value(r, "cell.Wco") : NULL}};
    double h[MOST_STATE], c[MOST_STATE], frame[MOST_STATE];
    fl_assert(n_in <= MOST_STATE && n_out <= MOST_STATE);
    for (int n = 0; n < sx.n; n++) {
        for (int i = 0; i < n_out; i++) h[i] = (double)value(r, "cell.h0")[n * n_out + i];
        for (int i = 0; i < n_out; i++) c[i] = (double)value(r, "cell.c0")[n * n_out + i];
        for (int t = n * sx.t; t < (n + 1) * sx.t; t++) {
            for (int i = 0; i < n_in; i++) frame[i] = (double)value(r, "x")[t * n_in + i];
            naive_step(q, k, stride, in, out, frame, h, c);
            for (int i = 0; i < n_out; i++) y[t * n_out + i] = (real)h[i];
        }
    }
}

static void check_convlstm(const char *name, int k, int stride, bool peepholes, fl_shape x)
{
    rig r;
    rig_up(&r, x);
    r.y = fl_layer_convlstm(r.g, "cell", r.x, (fl_convlstm){3, k, stride, peepholes, FL_BPTT_FULL});
    if (plan_and_fill(&r, name, peepholes ? 18 : 15)) {
        real want[4 * MOST_STATE];
        fl_assert(fl_shape_count(fl_graph_shape(r.g, r.y)) <= 4 * MOST_STATE);
        fl_graph_forward(r.g);
        naive_convlstm(&r, k, stride, want);
        check(&r, name, want);
    }
    fl_arena_free(&r.arena);
}

TEST(recurrent_convlstm_is_its_definition)
{
    check_convlstm("kernel 3, stride 1", 3, 1, false, (fl_shape){2, 3, 2, 4, 5});
    check_convlstm("kernel 3, stride 2", 3, 2, false, (fl_shape){1, 2, 3, 5, 6});
    check_convlstm("kernel 5, stride 2", 5, 2, false, (fl_shape){1, 2, 3, 6, 7});
    check_convlstm("peepholes", 3, 1, true, (fl_shape){2, 3, 2, 4, 5});
    check_convlstm("peepholes, stride 2", 3, 2, true, (fl_shape){1, 2, 3, 5, 6});
}

/* Without backpropagation through time the last state hears of the last frame alone; the values are the same. */
static void check_truncated(const char *name, bool convolutional)
{
    fl_rng rng = {4, 0, 0};
    real values[2][512], first[2], last[2];
    for (int cut = 0; cut < 2; cut++) {
        const fl_shape x = convolutional ? (fl_shape){1, 2, 3, 4, 4} : (fl_shape){1, 5, 3, 1, 1};
        const fl_bptt bptt = cut ? FL_BPTT_NONE : FL_BPTT_FULL;
        rig r;
        rig_up(&r, x);
        fl_id states = convolutional ? fl_layer_convlstm(r.g, "cell", r.x, (fl_convlstm){3, 3, 1, true, bptt})
                                     : fl_layer_lstm(r.g, "cell", r.x, 4, FL_LSTM_TANH, bptt);
        r.y = fl_node_slice(r.g, "last", states, FL_AXIS_T, 2, 3);
        const int64_t count = fl_shape_count(fl_graph_shape(r.g, r.y)), frame = fl_shape_count(x) / 3;
        real *seed = FL_NEW(&r.arena, real, count);
        fl_graph_plan(r.g, &(fl_plan){.out = &r.y, .n_out = 1, .keep = FL_KEEP_FOR_BACKWARD, .root = r.y, .wrt = &r.x, .n_wrt = 1});
        for (fl_id i = 0; i < r.g->count; i++)
            if (r.g->node[i].role == FL_PARAM)
                fl_rng_fill_normal(3, (uint64_t)i % 7, 0, r.g->node[i].value, fl_shape_count(r.g->node[i].shape));
        fl_graph_touch(r.g);
        rng.index = 0;
        for (int64_t i = 0; i < 3 * frame; i++) fl_graph_value(r.g, r.x)[i] = (real)fl_rng_next_normal(&rng);
        for (int64_t i = 0; i < count; i++) seed[i] = 1;
        fl_graph_forward(r.g);
        memcpy(values[cut], fl_graph_value(r.g, r.y), (size_t)count * sizeof(real));
        fl_graph_backward(r.g, seed);
        first[cut] = (real)fl_norm(fl_graph_signal(r.g, r.x), 2 * frame);
        last[cut] = (real)fl_norm(fl_graph_signal(r.g, r.x) + 2 * frame, frame);
        if (cut) CHECK_SAY(memcmp(values[0], values[1], (size_t)count * sizeof(real)) == 0, "%s: other values", name);
        fl_arena_free(&r.arena);
    }
    CHECK_SAY(first[0] > 0 && first[1] == 0, "%s: earlier frames get %g and %g", name, (double)first[0], (double)first[1]);
    CHECK_SAY(last[0] > 0 && last[0] == last[1], "%s: the last frame gets %g and %g", name, (double)last[0], (double)last[1]);
}

TEST(recurrent_signals_stop_at_every_step_when_told)
{
    check_truncated("lstm", false);
    check_truncated("convlstm", true);
}

/* In the order of nodes signals are added up: an order that the compiler chose would make other bits with another one. */
static void check_order(rig *r, const char *scope, const char *const *want)
{
    const size_t skip = strlen(scope);
    int k = 0;
    for (fl_id i = 0; i < r->g->count; i++) {
        const char *name = r->g->node[i].name;
        if (strncmp(name, scope, skip) != 0) continue;
        CHECK_SAY(want[k] && strcmp(name + skip, want[k]) == 0, "%s: '%s' where '%s' was",
                  scope, name + skip, want[k] ? want[k] : "nothing");
        if (!want[k++]) return;
    }
    CHECK_SAY(!want[k], "%s: no '%s'", scope, want[k]);
}

TEST(recurrent_nodes_come_in_one_order)
{
    rig r;
    rig_up(&r, (fl_shape){1, 2, 3, 4, 4});
    fl_layer_convlstm(r.g, "cell", r.x, (fl_convlstm){2, 3, 1, false, FL_BPTT_FULL});
    check_order(&r, "cell.t1.", (const char *const[]){"f.zh", "f.zx", "f.z", "f.sigmoid", "kept", "c.zh", "c.zx", "c.z", "c.tanh",
                "i.zh", "i.zx", "i.z", "i.sigmoid", "added", "state", "o.zh", "o.zx", "o.z", "o.sigmoid", "squashed", "h", NULL});
    fl_arena_free(&r.arena);
    rig_up(&r, (fl_shape){1, 2, 3, 1, 1});
    fl_layer_lstm(r.g, "cell", r.x, 2, FL_LSTM_TANH, FL_BPTT_FULL);
    check_order(&r, "cell.t1.", (const char *const[]){"zh", "zx", "z", "zi", "i", "zf", "f", "zo", "o", "zg",
                "g", "added", "kept", "c", "phi", "h", NULL});
    fl_arena_free(&r.arena);
}
