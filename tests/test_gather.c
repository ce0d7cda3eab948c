/* test_gather.c: sums of gradients that are added up above a network's first weights, against the same sums at the input. */
#include "tests/attribution_rig.h"

#include "attribution/explainer.h"
#include "models/model.h"
#include "tensor/rng.h"

typedef struct pair { const char *name; bool shared; } pair;       /* shared: the network begins with a convolution that pays */

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
static void compare(pair which, const char *method, fl_explain_options o)
{
    fl_rig plain, one, two;
    network_up(&plain, which.name, 1);
    network_up(&one, which.name, 1);
    network_up(&two, which.name, 2);
    const int64_t n = fl_shape_count(fl_graph_shape(one.g, one.net.input));
    real *x = FL_NEW(&one.results, real, n);
    fl_rng_fill_normal(1, 2, 0, x, n);
    plain.e->keep_all = true;
    const real *want = rig_explain(&plain, method, x, o), *got = rig_explain(&one, method, x, o), *rows = rig_explain(&two, method, x, o);
    if (want && got && rows) {
        const bool shared = fl_graph_linear_end(one.e->g, one.e->net.input) != one.e->net.input;
        CHECK_SAY(shared == which.shared, "%s: shared %d", which.name, (int)shared);
        CHECK(fl_graph_linear_end(plain.e->g, plain.e->net.input) == plain.e->net.input);
        const double off = distance(n, want, got), bound = sizeof(real) == 4 ? 1e-6 : 1e-14;
        CHECK_SAY(off <= bound, "%s of %s: off by %.3g", method, which.name, off);
        CHECK_SAY(memcmp(got, rows, (size_t)n * sizeof *got) == 0, "%s of %s: other bits in a batch", method, which.name);
    }
    rig_down(&plain);
    rig_down(&one);
    rig_down(&two);
}

TEST(gather_gives_the_sum_of_whole_gradients)
{
    static const pair list[] = {{"tiny", true}, {"r2plus1d_small", true}, {"cnn_lstm_small", true}, {"convlstm_small", false}};
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
