/* test_trace.c: one element followed up and down: by hand on a row of five, against the gradient on networks, its pages. */
#include "attribution/trace.h"
#include "autograd/ops.h"
#include "io/op_words.h"
#include "io/trace_page.h"
#include "tests/attribution_rig.h"

#include <string.h>

/* x of 5 -> correlation with (1, 2, 3), padded -> relu -> sum. The element 2 is seen with 3 by place 1, 2 by 2, 1 by 3. */
TEST(trace_follows_an_element_by_hand)
{
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const real x[5] = {1, R(-2.0), R(0.5), 1, R(-1.0)}, w[3] = {1, 2, 3}, seed = 1;
    const fl_id in = fl_node_input(g, "x", (fl_shape){1, 1, 1, 1, 5}), k = fl_node_param(g, "w", (fl_shape){1, 1, 1, 1, 3});
    const fl_id conv = fl_node_conv(g, "conv", in, k, FL_NONE, fl_window_cube(1, 1, 3, 1, 1, 1), 1), cut = fl_node_relu(g, "relu", conv);
    const fl_id sum = fl_node_sum(g, "sum", cut, 1u << FL_AXIS_W);
    fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &sum, .n_out = 1, .root = sum, .wrt = &in, .n_wrt = 1});
    fl_graph_set(g, in, x);
    fl_graph_set(g, k, w);
    fl_graph_forward(g);
    fl_graph_backward(g, &seed);
    fl_trail t;
    CHECK_SAY(fl_follow(g, in, 2, &arena, &t) == FL_OK, "%s", error.message);
    /* conv: -4, -1.5, 2, -0.5, -1: the relu lets place 2 through, where the element counts twice */
    CHECK(t.met[conv].reached == 3 && t.met[conv].low[2] == 1 && t.met[conv].high[2] == 3 && t.met[conv].most == 3);
    CHECK(t.met[cut].reached == 1 && t.met[cut].low[2] == 2 && t.met[cut].high[2] == 2 && t.met[sum].reached == 1);
    CHECK_NEAR(t.through, 2, 0);
    CHECK_NEAR(t.met[conv].through, 2, 0);
    CHECK(t.steps == 4 && t.step[0].node == sum && t.step[1].node == cut && t.step[2].node == conv && t.step[3].node == in);
    CHECK(t.step[1].at == 2 && t.step[2].at == 2 && t.step[3].at == 2);
    CHECK_NEAR(t.step[2].value, 2, 0);
    CHECK_NEAR(t.step[2].slope, 2, 0);
    CHECK_NEAR(t.step[2].handed_on, 2, 0);
    CHECK_NEAR(t.step[3].signal, 2, 0);
    CHECK(t.step[2].tops == 3 && t.step[2].top[0].x == 1 && t.step[2].top[0].slope == 3 && t.step[2].others == 0 && t.step[2].offset == 0);
    fl_arena_free(&arena);
}

/* The way goes through a weight that is computed: what is multiplied with it hears nothing, but stands in the sum. */
TEST(trace_goes_on_through_a_weight)
{
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const real values[4] = {1, 2, 3, 4}, way[12] = {0}, seed[3] = {1, 2, 3};
    const fl_id x = fl_node_param(g, "x", fl_shape_vector(1, 4)), in = fl_node_input(g, "in", (fl_shape){3, 4, 1, 1, 1});
    const fl_id y = fl_node_linear(g, "y", x, fl_node_tanh(g, "w", in), FL_NONE);
    CHECK(fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_ALL, .root = y, .wrt = &in, .n_wrt = 1}) == FL_OK);
    fl_graph_set(g, x, values);
    fl_graph_set(g, in, way);
    fl_graph_forward(g);
    fl_graph_backward(g, seed);
    fl_trail t;
    CHECK_SAY(fl_follow(g, in, 2, &arena, &t) == FL_OK, "%s", error.message);
    CHECK(t.steps >= 1 && t.step[0].node == y && fl_graph_signal(g, in)[2] == values[2] * seed[0]);
    fl_arena_free(&arena);
}

typedef struct network {
    fl_error error, result_error;
    fl_arena arena, results;
    fl_graph *g;
    fl_explainer *e;
    real *clip;
    fl_shape in;
} network;

static void open_network(network *n, const char *name)
{
    const fl_model *m = fl_model_find(name);
    memset(n, 0, sizeof *n);
    fl_arena_init(&n->arena, &n->error);
    fl_arena_init(&n->results, &n->result_error);
    n->g = fl_graph_new(&n->arena);
    const fl_network net = fl_model_build(n->g, m, &(fl_model_options){.frames = 4, .height = 24, .width = 20});
    fl_model_fill_formula(n->g, 1);
    n->e = fl_explainer_new(n->g, net, &m->input);
    n->in = fl_graph_shape(n->g, net.input);
    n->clip = FL_NEW(&n->results, real, fl_shape_count(n->in));
    fl_model_formula_clip(name, n->in, n->clip);
}

static void close_network(network *n)
{
    fl_arena_free(&n->results);
    fl_arena_free(&n->arena);
}

/* Forward mode and reverse mode share no code: they must find the same derivative, on ReLUs, maxima, shifts and gates. */
TEST(trace_ways_up_and_down_agree)
{
    static const char *const models[] = {"tiny", "i3d_small", "tsm_small", "cnn_lstm_small", "convlstm_small"};
    for (int i = 0; i < 5; i++) {
        network n;
        open_network(&n, models[i]);
        for (int k = 0; k < 4; k++) {
            const int place[4] = {k % 3, k, 5 * k + 2, 3 * k + 4};
            fl_traced t;
            CHECK_SAY(fl_trace(n.e, fl_method_find("gradient"), n.clip, NULL, k == 3 ? (const int[4]){-1, -1, -1, -1} : place,
                               &n.results, &t) == FL_OK, "%s: %s", models[i], n.error.message);
            const double most = fmax(fabs(t.signal), 1e-3 * (FL_REAL_EPSILON > 1e-10 ? 1 : 1e-3));
            CHECK_SAY(fabs(t.trail.through - t.signal) <= (FL_REAL_EPSILON > 1e-10 ? 2e-4 : 1e-8) * most,
                      "%s, %d: up %g, down %g", models[i], k, t.trail.through, t.signal);
            CHECK(t.signal == (double)t.map.data[t.element]);
            const fl_step *last = &t.trail.step[t.trail.steps - 1];
            CHECK_SAY(t.signal == 0 || (last->node == t.input && last->at == t.element),
                      "%s, %d: the way ends at node %d", models[i], k, last->node);
            for (int s = 0; s + 1 < t.trail.steps; s++) {
                const fl_step *a = &t.trail.step[s];
                double sum = a->rest + a->offset;
                for (int q = 0; q < a->tops; q++) sum += a->top[q].x * a->top[q].slope;
                CHECK_NEAR(a->handed_on, a->slope * a->signal, 1e-6 * fabs(a->handed_on));
                if (t.g->node[a->node].op->flags & FL_LINEAR) CHECK_NEAR(sum, a->value, 2e-5 * fmax(1, fabs(a->value)));
            }
        }
        close_network(&n);
    }
}

TEST(trace_of_rules_hands_on_by_their_ledger)
{
    network n;
    fl_traced t;
    fl_id kept[5];
    open_network(&n, "tiny");
    CHECK(fl_trace(n.e, fl_method_find("lrp_zplus"), n.clip, NULL, (const int[4]){-1, -1, -1, -1}, &n.results, &t) == FL_OK);
    CHECK(t.g->rules && t.trail.step[t.trail.steps - 1].node == t.input && t.place[1] < 4);
    double absorbed = 0;
    for (fl_id i = 0; i < t.g->count; i++)
        if (t.trail.met[i].on_tape) absorbed += t.trail.met[i].ledger.arrived - t.trail.met[i].ledger.handed_on;
    CHECK_NEAR(absorbed, t.map.absorbed, 1e-5 * fabs(t.map.wanted));
    const int most = fl_trace_absorbers(&t, kept, 3);
    CHECK(most == 3);
    for (int k = 1; k < most; k++) {
        const fl_ledger a = t.trail.met[kept[k - 1]].ledger, b = t.trail.met[kept[k]].ledger;
        CHECK(fabs(a.arrived - a.handed_on) >= fabs(b.arrived - b.handed_on));
    }
    /* z+ shares out what is positive: no element hands on more than it has */
    for (int s = 0; s + 1 < t.trail.steps; s++)
        CHECK(fabs(t.trail.step[s].handed_on) <= fabs(t.trail.step[s].signal) * 1.001);
    CHECK(fl_trace(n.e, fl_method_find("integrated_gradients"), n.clip, NULL, kept, &n.results, &t) == FL_USAGE);
    fl_error_clear(&n.error);
    CHECK(fl_trace(n.e, fl_method_find("gradient"), n.clip, NULL, (const int[4]){0, 4, 0, 0}, &n.results, &t) == FL_USAGE &&
          strstr(n.error.message, "below 4,24,20"));
    close_network(&n);
}

TEST(trace_has_words_for_every_op_and_rule)
{
    for (int kind = 0; kind < FL_OPS; kind++) {
        const fl_op_words *w = fl_op_words_of((fl_op_kind)kind);
        CHECK_SAY(w->up && w->down, "%s has no words in io/op_words.c", fl_op_table[kind]->name);
    }
    for (int kind = 0; kind < FL_RULE_KINDS; kind++) CHECK(fl_rule_words(&(fl_rule){.kind = (fl_rule_kind)kind}) != NULL);
    CHECK(fl_trace_scope("layer1.0.conv1.2") == 8 && fl_trace_scope("lstm1.t3.i") == 8 &&
          fl_trace_scope("stem.2") == 4 && fl_trace_scope("fc") == 2);
}
