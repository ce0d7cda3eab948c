/* test_onnx_formulas.c: operators that PyTorch does not export, or never with such values, against their formulas: small files written by
 * hand (onnx_writer.h). */
#include "io/onnx/onnx.h"
#include "tests/onnx_writer.h"
#include "tests/test.h"

#include <string.h>

static double at_01(int64_t i) { return (double)((float)i * 0.1f); }       /* value i of a constant (onnx_writer.h) */

/* A file with one node from x [1,3,T,1,1] to y; extra: its other constants, written by the caller. slope: NULL, or the gradient of the
 * sum of y, in the order of time and channel. */
static void run_with_slope(wire *graph, int frames, double (*value)(int c, int t), double *y, int count, double *slope)
{
    wire model = {.size = 0};
    fl_error error = {0};
    fl_arena a;
    fl_onnx *onnx;
    fl_arena_init(&a, &error);
    onnx_port(graph, 11, "x", 1, 5, (const int64_t[]){1, 3, frames, 1, 1});
    onnx_port(graph, 12, "y", 1, 1, (const int64_t[]){count});
    onnx_model(&model, graph, 13);
    fl_onnx_of_bytes(&a, (fl_bytes){model.bytes, model.size}, "one.onnx", &onnx);
    fl_graph *g = onnx ? fl_graph_new(&a) : NULL;
    const fl_network net = g ? fl_model_build(g, &onnx->model, &(fl_model_options){.n = 1}) : fl_network_none;
    if (CHECK_SAY(error.status == FL_OK, "%s", error.message) && CHECK(fl_graph_shape(g, net.output).c == count)) {
        fl_graph_plan(g, &(fl_plan){.keep = slope ? FL_KEEP_FOR_BACKWARD : FL_KEEP_OUTPUTS, .out = &net.output, .n_out = 1,
                                    .root = net.output, .wrt = &net.input, .n_wrt = slope ? 1 : 0});
        real *seed = FL_NEW(&a, real, count);
        for (int k = 0; seed && k < count; k++) seed[k] = 1;
        for (int i = 0; i < 3 * frames; i++) fl_graph_value(g, net.input)[i] = (real)value(i % 3, i / 3);
        fl_graph_forward(g);
        for (int k = 0; k < count; k++) y[k] = (double)fl_graph_value(g, net.output)[k];
        if (slope && CHECK(seed)) fl_graph_backward(g, seed);
        for (int i = 0; slope && i < 3 * frames; i++) slope[i] = (double)fl_graph_signal(g, net.input)[i];
    }
    fl_arena_free(&a);
}

static void run_one(wire *graph, int frames, double (*value)(int c, int t), double *y, int count)
{
    run_with_slope(graph, frames, value, y, count, NULL);
}

static double wave(int c, int t) { return 0.5 - 0.4 * c + 0.3 * t * t; }

TEST(onnx_lrn_follows_its_formula)
{
    wire graph = {.size = 0}, n = {.size = 0};
    double y[3] = {0};
    onnx_node(&n, "LRN", "x", "y");
    onnx_number(&n, "size", 3);
    wire_inside(&graph, 1, &n);
    run_one(&graph, 1, wave, y, 3);
    for (int c = 0; c < 3; c++) {
        double sum = 0;
        for (int j = c - 1; j <= c + 1; j++) sum += j < 0 || j > 2 ? 0 : wave(j, 0) * wave(j, 0);
        CHECK_NEAR(y[c], wave(c, 0) / pow(1 + 1e-4 / 3 * sum, 0.75), 1e-6);
    }
}

/* One matrix added to x and to its transpose: two arrays of the graph, though they have one shape. */
TEST(onnx_a_constant_may_lie_both_ways)
{
    enum { T = 3 };
    wire graph = {.size = 0}, p = {.size = 0}, one = {.size = 0}, n[6];
    double y[3 * T] = {0};
    memset(n, 0, sizeof n);
    onnx_tensor(&p, "p", 1, 2, (const int64_t[]){3, T}, NULL);
    onnx_tensor(&one, "all", 7, 1, (const int64_t[]){1}, (const int64_t[]){3 * T});
    onnx_node(&n[0], "Squeeze", "x", "ct");
    onnx_node(&n[1], "Transpose", "ct", "tc");
    onnx_node(&n[2], "Add", "ct p", "first");
    onnx_node(&n[3], "Add", "tc p", "second");
    onnx_node(&n[4], "Mul", "first second", "both");
    onnx_node(&n[5], "Reshape", "both all", "y");
    for (int i = 0; i < 6; i++) wire_inside(&graph, 1, &n[i]);
    wire_inside(&graph, 5, &p);
    wire_inside(&graph, 5, &one);
    run_one(&graph, T, wave, y, 3 * T);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) CHECK_NEAR(y[3 * i + k], (wave(i, k) + at_01(3 * i + k)) * (wave(k, i) + at_01(3 * i + k)), 1e-6);
}

/* Arithmetic on constants: y = x / 1e9 + values worked out while the graph is built. op on two lists of three; ones: of whole numbers. */
static void fold_whole(const char *op, int fmod_one, const int64_t *a, const int64_t *b, const double *want)
{
    wire graph = {.size = 0}, t[5], n[4];
    double y[3] = {0};
    memset(t, 0, sizeof t);
    memset(n, 0, sizeof n);
    onnx_tensor(&t[0], "a", 7, 1, (const int64_t[]){3}, a);
    onnx_tensor(&t[1], "b", 7, 1, (const int64_t[]){3}, b);
    onnx_tensor(&t[2], "axes", 7, 1, (const int64_t[]){4}, (const int64_t[]){0, 2, 3, 4});
    onnx_node(&n[0], op, "a b", "c");
    if (fmod_one) onnx_number(&n[0], "fmod", 1);
    onnx_node(&n[1], "Cast", "c", "r");
    onnx_number(&n[1], "to", 1);
    onnx_node(&n[2], "Squeeze", "x axes", "s");
    onnx_node(&n[3], "Mul", "s r", "y");
    for (int i = 0; i < 4; i++) wire_inside(&graph, 1, &n[i]);
    for (int i = 0; i < 3; i++) wire_inside(&graph, 5, &t[i]);
    run_one(&graph, 1, wave, y, 3);
    for (int i = 0; i < 3; i++) CHECK_NEAR(y[i] / wave(i, 0), want[i], 1e-6 * fabs(want[i]));
}

TEST(onnx_powers_and_remainders_of_whole_numbers)
{
    fold_whole("Pow", 0, (const int64_t[]){2, -3, 10}, (const int64_t[]){10, 3, 6}, (const double[]){1024, -27, 1e6});
    fold_whole("Pow", 0, (const int64_t[]){2, -1, 7}, (const int64_t[]){-2, -3, 0}, (const double[]){0, -1, 1});
    fold_whole("Mod", 0, (const int64_t[]){7, -7, 7}, (const int64_t[]){3, 3, -3}, (const double[]){1, 2, -2});
    fold_whole("Mod", 1, (const int64_t[]){7, -7, 7}, (const int64_t[]){3, 3, -3}, (const double[]){1, -1, 1});
    for (int n = 1; n <= 11; n++) {
        const int64_t e[3] = {n, n, n};
        fold_whole("Pow", 0, (const int64_t[]){2, 3, 5}, e, (const double[]){pow(2, n), pow(3, n), pow(5, n)});
    }
}

/* Behind the nodes of graph, which end in "m": y = m in one row. */
static void in_a_row(wire *graph)
{
    wire n = {.size = 0}, all = {.size = 0};
    onnx_tensor(&all, "all", 7, 1, (const int64_t[]){1}, (const int64_t[]){-1});
    onnx_node(&n, "Reshape", "m all", "y");
    wire_inside(graph, 1, &n);
    wire_inside(graph, 5, &all);
}

/* A constant of any size takes nothing from x where x is the answer. */
static void extreme_of_one(const char *op, const char *in, float bound)
{
    enum { T = 2 };
    wire graph = {.size = 0}, n = {.size = 0}, c = {.size = 0};
    double y[3 * T] = {0}, slope[3 * T] = {0};
    onnx_reals(&c, "c", 0, NULL, &bound);
    onnx_node(&n, op, in, "m");
    wire_inside(&graph, 1, &n);
    wire_inside(&graph, 5, &c);
    in_a_row(&graph);
    run_with_slope(&graph, T, wave, y, 3 * T, slope);
    for (int i = 0; i < 3 * T; i++) {
        const double x = (double)(real)wave(i / T, i % T), b = (double)bound;
        const bool is_x = strcmp(op, "Max") == 0 ? x > b : x < b;
        CHECK_SAY(y[i] == (is_x ? x : b), "%s of %g and %g: %.9g", op, x, b, y[i]);
        CHECK_SAY(slope[i % T * 3 + i / T] == (is_x ? 1 : 0), "%s of %g and %g: slope %g", op, x, b, slope[i % T * 3 + i / T]);
    }
}

TEST(onnx_extremes_with_a_constant_keep_every_bit)
{
    static const float bound[] = {0.25f, -1e4f, -65504.0f, -1e9f, -3.4e38f, -INFINITY};
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
        extreme_of_one("Max", "x c", bound[i]);
        extreme_of_one("Max", "c x", bound[i]);
        extreme_of_one("Min", "x c", -bound[i]);
        extreme_of_one("Min", "c x", -bound[i]);
    }
}

/* Two operands that both have values: here x and x times a constant, and a constant per channel. */
static void extreme_of_two(const char *op, const char *in)
{
    enum { T = 2 };
    static const float factor[3] = {1e9f, -2.0f, -1e9f}, size[3] = {-1e9f, 0.2f, 1e9f};
    const bool max = strcmp(op, "Max") == 0, twice = in[2] == 'p';
    wire graph = {.size = 0}, k = {.size = 0}, s = {.size = 0}, n[2];
    double y[3 * T] = {0};
    memset(n, 0, sizeof n);
    onnx_reals(&k, "k", 3, (const int64_t[]){3, 1, 1}, factor);
    onnx_reals(&s, "s", 4, (const int64_t[]){3, 1, 1, 1}, size);
    wire scale = {.size = 0}, shape = {.size = 0};
    onnx_node(&scale, "Reshape", "k shape", "k4");
    onnx_tensor(&shape, "shape", 7, 1, (const int64_t[]){4}, (const int64_t[]){3, 1, 1, 1});
    onnx_node(&n[0], "Mul", "x k4", "p");
    onnx_node(&n[1], op, in, "m");
    wire_inside(&graph, 1, &scale);
    for (int i = 0; i < 2; i++) wire_inside(&graph, 1, &n[i]);
    wire_inside(&graph, 5, &k);
    wire_inside(&graph, 5, &s);
    wire_inside(&graph, 5, &shape);
    in_a_row(&graph);
    run_one(&graph, T, wave, y, 3 * T);
    for (int i = 0; i < 3 * T; i++) {
        const real x = (real)wave(i / T, i % T), other = twice ? x * (real)factor[i / T] : (real)size[i / T];
        CHECK_SAY(y[i] == (double)((max ? x > other : x < other) ? x : other), "%s of %g and %g: %.9g", op, (double)x, (double)other, y[i]);
    }
}

TEST(onnx_extremes_of_two_keep_every_bit)
{
    for (int i = 0; i < 2; i++) {
        extreme_of_two(i ? "Min" : "Max", "x p");
        extreme_of_two(i ? "Min" : "Max", "x s");
    }
}

/* Values inside keep their bits, whatever stands around them. */
static void pad_by(float value)
{
    enum { T = 2 };
    wire graph = {.size = 0}, n = {.size = 0}, v = {.size = 0}, p = {.size = 0};
    double y[3 * (T + 3)] = {0}, slope[3 * T] = {0};
    onnx_reals(&v, "v", 0, NULL, &value);
    onnx_tensor(&p, "p", 7, 1, (const int64_t[]){10}, (const int64_t[]){0, 0, 1, 0, 0, 0, 0, 2, 0, 0});
    onnx_node(&n, "Pad", "x p v", "m");
    wire_inside(&graph, 1, &n);
    wire_inside(&graph, 5, &v);
    wire_inside(&graph, 5, &p);
    in_a_row(&graph);
    run_with_slope(&graph, T, wave, y, 3 * (T + 3), slope);
    for (int c = 0; c < 3; c++)
        for (int t = 0; t < T + 3; t++) {
            const double want = t < 1 || t > T ? (double)value : (double)(real)wave(c, t - 1);
            CHECK_SAY(y[c * (T + 3) + t] == want, "padded by %g: %.9g at %d, wanted %.9g", (double)value, y[c * (T + 3) + t], t, want);
        }
    for (int i = 0; i < 3 * T; i++) CHECK(slope[i] == 1);
}

TEST(onnx_padding_keeps_every_bit)
{
    static const float value[] = {0, 1.5f, -65504.0f, -1e9f, -3.4e38f, -INFINITY};
    for (size_t i = 0; i < sizeof value / sizeof *value; i++) pad_by(value[i]);
}

/* proto3 leaves zero out: an attribute that has a type and no value is 0, not its preset. */
TEST(onnx_attributes_without_a_value_are_zero)
{
    enum { T = 2 };
    wire graph = {.size = 0}, n[2];
    double y[3 * T] = {0};
    memset(n, 0, sizeof n);
    onnx_node(&n[0], "LeakyRelu", "x", "m");
    onnx_bare(&n[0], "alpha", 1);
    wire_inside(&graph, 1, &n[0]);
    in_a_row(&graph);
    run_one(&graph, T, wave, y, 3 * T);
    for (int i = 0; i < 3 * T; i++) CHECK_NEAR(y[i], wave(i / T, i % T) > 0 ? wave(i / T, i % T) : 0, 1e-6);
    graph.size = n[0].size = 0;
    onnx_node(&n[0], "Squeeze", "x", "ct");
    onnx_node(&n[1], "Softmax", "ct", "m");
    onnx_bare(&n[1], "axis", 2);
    for (int i = 0; i < 2; i++) wire_inside(&graph, 1, &n[i]);
    in_a_row(&graph);
    run_one(&graph, T, wave, y, 3 * T);
    for (int t = 0; t < T; t++) CHECK_NEAR(y[t] + y[T + t] + y[2 * T + t], 1, 1e-6);
}

/* An empty list of axes, of a value that depends on the clip and of a constant. */
TEST(onnx_empty_axes_may_reduce_nothing)
{
    wire graph = {.size = 0}, none = {.size = 0}, k = {.size = 0}, n[3];
    double y[3] = {0};
    memset(n, 0, sizeof n);
    onnx_tensor(&none, "none", 7, 1, (const int64_t[]){0}, (const int64_t[]){0});
    onnx_tensor(&k, "k", 1, 4, (const int64_t[]){3, 1, 1, 1}, NULL);
    onnx_node(&n[0], "ReduceSum", "x none", "a");
    onnx_node(&n[1], "ReduceSum", "k none", "b");
    onnx_node(&n[2], "Mul", "a b", "m");
    for (int i = 0; i < 2; i++) onnx_number(&n[i], "noop_with_empty_axes", 1);
    for (int i = 0; i < 3; i++) wire_inside(&graph, 1, &n[i]);
    wire_inside(&graph, 5, &none);
    wire_inside(&graph, 5, &k);
    in_a_row(&graph);
    run_one(&graph, 1, wave, y, 3);
    for (int i = 0; i < 3; i++) CHECK_NEAR(y[i], wave(i, 0) * at_01(i), 1e-6);
}

/* y = x times what three constants become under a Cast to a narrow type and back. whole: they begin as int64. */
static void cast_to(int type, const int64_t *whole, const float *from, const double *want)
{
    wire graph = {.size = 0}, k = {.size = 0}, n[3];
    double y[3] = {0};
    memset(n, 0, sizeof n);
    if (whole) onnx_tensor(&k, "k", 7, 4, (const int64_t[]){3, 1, 1, 1}, whole);
    else onnx_reals(&k, "k", 4, (const int64_t[]){3, 1, 1, 1}, from);
    onnx_node(&n[0], "Cast", "k", "narrow");
    onnx_number(&n[0], "to", type);
    onnx_node(&n[1], "Cast", "narrow", "r");
    onnx_number(&n[1], "to", 1);
    onnx_node(&n[2], "Mul", "x r", "m");
    for (int i = 0; i < 3; i++) wire_inside(&graph, 1, &n[i]);
    wire_inside(&graph, 5, &k);
    in_a_row(&graph);
    run_one(&graph, 1, wave, y, 3);
    for (int i = 0; i < 3; i++)
        CHECK_SAY(y[i] == (double)((real)wave(i, 0) * (real)(float)want[i]), "cast to %d: value %d is %.9g, wanted %.9g", type, i,
                  y[i] / wave(i, 0), want[i]);
}

TEST(onnx_casts_of_constants_narrow)
{
    const int64_t big = (int64_t)1 << 32;
    cast_to(2, (const int64_t[]){300, -1, 7}, NULL, (const double[]){44, 255, 7});
    cast_to(3, (const int64_t[]){200, -129, 7}, NULL, (const double[]){-56, 127, 7});
    cast_to(4, (const int64_t[]){65537, -1, 7}, NULL, (const double[]){1, 65535, 7});
    cast_to(5, (const int64_t[]){40000, -32769, 7}, NULL, (const double[]){-25536, 32767, 7});
    cast_to(6, (const int64_t[]){big + 5, -big - 5, big / 2}, NULL, (const double[]){5, -5, -2147483648.0});
    cast_to(12, (const int64_t[]){big + 5, -1, 7}, NULL, (const double[]){5, 4294967295.0, 7});
    cast_to(2, NULL, (const float[]){300.7f, 2.9f, 255.0f}, (const double[]){44, 2, 255});
    cast_to(10, NULL, (const float[]){2049, 2051, 1.0001f}, (const double[]){2048, 2052, 1});
    cast_to(10, NULL, (const float[]){65519, -65519, 0.1f}, (const double[]){65504, -65504, 0.0999755859375});
    cast_to(10, NULL, (const float[]){6e-8f, 3.1e-5f, 2e-8f}, (const double[]){0x1p-24, 520 * 0x1p-24, 0});
    cast_to(16, NULL, (const float[]){257, 259, 1.01f}, (const double[]){256, 260, 1.0078125});
    cast_to(10, (const int64_t[]){2049, 4099, 7}, NULL, (const double[]){2048, 4100, 7});
}

/* Nodes of one name get numbers, as few as possible. */
TEST(onnx_nodes_of_one_name_are_numbered)
{
    static const char *const want[] = {"the_node", "the_node_2", "the_node_3", "the_node_4", NULL};
    static const char *const in[] = {"x", "a", "b", "c"}, *const out[] = {"a", "b", "c", "y"};
    wire graph = {.size = 0}, model = {.size = 0};
    fl_error error = {0};
    fl_arena a;
    fl_onnx *onnx;
    fl_arena_init(&a, &error);
    for (int i = 0; i < 4; i++) {
        wire n = {.size = 0};
        onnx_node(&n, "Relu", in[i], out[i]);
        wire_inside(&graph, 1, &n);
    }
    onnx_port(&graph, 11, "x", 1, 5, (const int64_t[]){1, 3, 1, 1, 1});
    onnx_port(&graph, 12, "y", 1, 1, (const int64_t[]){3});
    onnx_model(&model, &graph, 13);
    fl_onnx_of_bytes(&a, (fl_bytes){model.bytes, model.size}, "one.onnx", &onnx);
    fl_graph *g = onnx ? fl_graph_new(&a) : NULL;
    if (g) {
        fl_node_buffer(g, "the_node_3", (fl_shape){1, 1, 1, 1, 1});              /* names that were there before count */
        fl_model_build(g, &onnx->model, &(fl_model_options){.n = 1});
    }
    if (CHECK_SAY(error.status == FL_OK, "%s", error.message))
        for (int i = 0; want[i]; i++) CHECK_SAY(fl_graph_find(g, want[i]) != FL_NONE, "no node is called %s", want[i]);
    if (g && error.status == FL_OK) CHECK(fl_graph_find(g, "the_node_5") != FL_NONE && fl_graph_find(g, "the_node_6") == FL_NONE);
    fl_arena_free(&a);
}

/* Constants out of nothing, five times 2^24 values: refused before memory is what ends it. */
TEST(onnx_constants_out_of_nothing_have_an_end)
{
    static const char *const made[] = {"a", "b", "c", "d", "e"};
    wire graph = {.size = 0}, model = {.size = 0}, size = {.size = 0}, last = {.size = 0};
    fl_error error = {0};
    fl_arena a;
    fl_onnx *onnx;
    if (!fl_test_big()) SKIP("BIG=0");
    fl_arena_init(&a, &error);
    onnx_tensor(&size, "s", 7, 1, (const int64_t[]){1}, (const int64_t[]){1 << 24});
    for (int i = 0; i < 5; i++) {
        wire n = {.size = 0};
        onnx_node(&n, "ConstantOfShape", "s", made[i]);
        wire_inside(&graph, 1, &n);
    }
    onnx_node(&last, "Relu", "x", "y");
    wire_inside(&graph, 1, &last);
    wire_inside(&graph, 5, &size);
    onnx_port(&graph, 11, "x", 1, 5, (const int64_t[]){1, 3, 1, 1, 1});
    onnx_port(&graph, 12, "y", 1, 1, (const int64_t[]){3});
    onnx_model(&model, &graph, 13);
    if (fl_onnx_of_bytes(&a, (fl_bytes){model.bytes, model.size}, "one.onnx", &onnx) == FL_OK) {
        fl_graph *g = fl_graph_new(&a);
        if (g) fl_model_build(g, &onnx->model, &(fl_model_options){.n = 1});
    }
    CHECK_SAY(error.status == FL_UNREADABLE && strstr(error.message, "expected at most 67108866"), "%s", error.message);
    fl_arena_free(&a);
}

/* linear_before_reset 0, which PyTorch never writes: n = tanh(W x + Wb + R (r h) + Rb). Two units, no shape is
 * square. */
TEST(onnx_gru_resets_before_the_product)
{
    enum { H = 2, I = 3, T = 3 };
    wire graph = {.size = 0}, w = {.size = 0}, r = {.size = 0}, b = {.size = 0}, n[4];
    double y[H] = {0}, h[H] = {0};
    memset(n, 0, sizeof n);
    onnx_tensor(&w, "w", 1, 3, (const int64_t[]){1, 3 * H, I}, NULL);
    onnx_tensor(&r, "r", 1, 3, (const int64_t[]){1, 3 * H, H}, NULL);
    onnx_tensor(&b, "b", 1, 2, (const int64_t[]){1, 6 * H}, NULL);
    onnx_node(&n[0], "Squeeze", "x", "ct");                             /* [3,T] */
    onnx_node(&n[1], "Transpose", "ct", "tc");
    onnx_node(&n[2], "Unsqueeze", "tc one", "tnc");
    onnx_node(&n[3], "GRU", "tnc w r b", "all y");
    for (int i = 0; i < 4; i++) wire_inside(&graph, 1, &n[i]);
    wire one = {.size = 0};
    onnx_tensor(&one, "one", 7, 1, (const int64_t[]){1}, (const int64_t[]){1});
    wire_inside(&graph, 5, &w);
    wire_inside(&graph, 5, &r);
    wire_inside(&graph, 5, &b);
    wire_inside(&graph, 5, &one);
    run_one(&graph, T, wave, y, H);
    for (int t = 0; t < T; t++) {
        double gate[2][H] = {{0}}, next[H] = {0};
        for (int g = 0; g < 3; g++)
            for (int k = 0; k < H; k++) {
                const int row = g * H + k;
                double z = at_01(row) + at_01(3 * H + row);
                for (int i = 0; i < I; i++) z += at_01(row * I + i) * wave(i, t);
                for (int j = 0; j < H; j++) z += at_01(row * H + j) * h[j] * (g == 2 ? gate[1][j] : 1);
                if (g < 2) gate[g][k] = 1 / (1 + exp(-z));
                else next[k] = (1 - gate[0][k]) * tanh(z) + gate[0][k] * h[k];
            }
        memcpy(h, next, sizeof h);
    }
    for (int k = 0; k < H; k++) CHECK_NEAR(y[k], h[k], 1e-6);
}
