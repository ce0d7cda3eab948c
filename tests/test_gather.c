/* test_gather.c: sums of gradients that are added up above a network's first weights, against the same sums at the input. */
#include "tests/attribution_rig.h"

#include "attribution/explainer.h"
#include "layers/layers.h"
#include "models/model.h"
#include "tensor/rng.h"

static void network_up(fl_rig *r, const char *name, int batch)
{
    rig_up(r, (fl_shape){1, 1, 1, 1, 1});
    r->g = fl_graph_new(&r->arena);
    const fl_model *model = fl_model_find(name);
    r->net = fl_model_build(r->g, model, &(fl_model_options){.n = batch, .frames = 4, .height = 32, .width = 28});
    fl_model_fill_random(r->g, 3);
    r->e = fl_explainer_new(r->g, r->net, &model->input);
    CHECK_SAY(r->e != NULL, "%s: %s", name, r->error.message);
}

/* How far maps differ, over the largest value of the first. */
static double distance(int64_t n, const real *a, const real *b)
{
    double most = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - (double)b[i]), v = fabs((double)a[i]);
        most = d > most ? d : most;
        largest = v > largest ? v : largest;
    }
    return most / largest;
}

/* An explainer that keeps all has the plain way: every gradient goes down to the input. */
static void compare(const char *name, const char *method, fl_explain_options o)
{
    fl_rig plain, one, two;
    network_up(&plain, name, 1);
    network_up(&one, name, 1);
    network_up(&two, name, 2);
    const int64_t n = fl_shape_count(fl_graph_shape(one.g, one.net.input));
    real *x = FL_NEW(&one.results, real, n);
    fl_rng_fill_normal(1, 2, 0, x, n);
    plain.e->keep_all = true;
    const real *want = rig_explain(&plain, method, x, o), *got = rig_explain(&one, method, x, o), *rows = rig_explain(&two, method, x, o);
    if (want && got && rows) {
        CHECK(fl_graph_linear_end(one.e->g, one.e->net.input) != one.e->net.input);
        CHECK(fl_graph_linear_end(plain.e->g, plain.e->net.input) == plain.e->net.input);
        const double off = distance(n, want, got), bound = sizeof(real) == 4 ? 1e-6 : 1e-14;
        CHECK_SAY(off <= bound, "%s of %s: off by %.3g", method, name, off);
        CHECK_SAY(memcmp(got, rows, (size_t)n * sizeof *got) == 0, "%s of %s: other bits in a batch", method, name);
    }
    rig_down(&plain);
    rig_down(&one);
    rig_down(&two);
}

TEST(gather_gives_the_sum_of_whole_gradients)
{
    static const char *const list[] = {"tiny", "r2plus1d_small", "cnn_lstm_small", "convlstm_small"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        compare(list[i], IG, WITH(.steps = 5, .baseline = "zero"));
        compare(list[i], "smoothgrad", WITH(.samples = 5, .noise = 0.1));
        compare(list[i], "smoothgrad", WITH(.samples = 3, .noise = 0.1, .unfolded = true));
    }
}

/* Squares are not linear in gradients: they have the bits of whole ones. */
TEST(gather_leaves_squares_alone)
{
    fl_rig plain, one;
    network_up(&plain, "r2plus1d_small", 1);
    network_up(&one, "r2plus1d_small", 1);
    const int64_t n = fl_shape_count(fl_graph_shape(one.g, one.net.input));
    real *x = FL_NEW(&one.results, real, n);
    fl_rng_fill_normal(1, 2, 0, x, n);
    plain.e->keep_all = true;
    static const char *const methods[] = {"smoothgrad_squared", "vargrad"};
    for (int i = 0; i < 2; i++) {
        const fl_explain_options o = WITH(.samples = 3, .noise = 0.1);
        const real *want = rig_explain(&plain, methods[i], x, o), *got = rig_explain(&one, methods[i], x, o);
        CHECK(want && got && memcmp(want, got, (size_t)n * sizeof *got) == 0);
    }
    rig_down(&plain);
    rig_down(&one);
}

/* Which node the sum is taken at: how = 0 a convolution, 1 a padding, a convolution and a norm, 2 two convolutions of the input, 3 a
 * convolution whose input is read once more above it. */
TEST(gather_ends_where_the_network_is_not_linear_or_parts)
{
    static const char *const end[] = {"a", "norm", "x", "x"};
    for (int how = 0; how < 4; how++) {
        fl_rig r;
        rig_up(&r, (fl_shape){1, 3, 2, 6, 6});
        fl_graph *g = r.g;
        fl_id x = r.net.input;
        const fl_window win = fl_window_cube(1, 3, 3, 1, 1, 1);
        const fl_id w = fl_node_param(g, "w", (fl_shape){3, 3, 1, 3, 3});
        if (how == 1) x = fl_node_pad(g, "pad", x, (const int[5]){0, 0, 0, 1, 1}, (const int[5]){0, 0, 0, 1, 1});
        fl_id y = fl_node_conv(g, "a", x, w, FL_NONE, win, 1);
        if (how == 1) y = fl_layer_norm(g, "norm", y, 1e-5);
        if (how == 2)
            y = fl_node_add(g, "sum", y, fl_node_conv(g, "b", x, fl_node_param(g, "v", (fl_shape){3, 3, 1, 3, 3}), FL_NONE, win, 1));
        if (how == 3) y = fl_node_add(g, "sum", fl_node_relu(g, "relu", y), x);
        else y = fl_node_relu(g, "relu", y);
        const fl_id root = fl_node_mean(g, "mean", y, 1u << FL_AXIS_T | 1u << FL_AXIS_H | 1u << FL_AXIS_W);
        const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .out = &root, .n_out = 1, .root = root, .wrt = &r.net.input, .n_wrt = 1};
        if (CHECK_SAY(fl_graph_plan(g, &plan) == FL_OK, "%s", r.error.message)) {
            const char *got = g->node[fl_graph_linear_end(g, r.net.input)].name;
            CHECK_SAY(how == 1 ? strncmp(got, "norm", 4) == 0 : strcmp(got, end[how]) == 0, "%d: %s", how, got);
        }
        rig_down(&r);
    }
}
