/* test_layers.c: the layers against PyTorch.
 *
 * golden/layers_<name>.npy: output, then the gradient of <seed, output> with respect to the input; the parameters
 * come from the formula, so they are right only if their names and shapes are. Made by golden/make_golden.py. */
#include "io/npy.h"
#include "layers/layers.h"
#include "models/model.h"
#include "tests/formula.h"
#include "tests/test.h"

#include <string.h>

#ifdef FL_F64
static const double GOLDEN_BOUND = 1e-6;      /* the file holds float32 */
#else
static const double GOLDEN_BOUND = 1e-5;
#endif

/* ---- against PyTorch ---- */

typedef fl_id (*builder)(fl_graph *, fl_id x);

static fl_id lstm_tanh(fl_graph *g, fl_id x) { return fl_layer_lstm(g, "layer", x, 7, FL_LSTM_TANH, FL_BPTT_FULL); }
static fl_id lstm_relu(fl_graph *g, fl_id x) { return fl_layer_lstm(g, "layer", x, 7, FL_LSTM_RELU, FL_BPTT_FULL); }
static fl_id convlstm_k3_s1(fl_graph *g, fl_id x) { return fl_layer_convlstm(g, "layer", x, (fl_convlstm){4, 3, 1, false, FL_BPTT_FULL}); }
static fl_id convlstm_k3_s2(fl_graph *g, fl_id x) { return fl_layer_convlstm(g, "layer", x, (fl_convlstm){4, 3, 2, false, FL_BPTT_FULL}); }
static fl_id convlstm_k5_s1(fl_graph *g, fl_id x) { return fl_layer_convlstm(g, "layer", x, (fl_convlstm){3, 5, 1, false, FL_BPTT_FULL}); }
static fl_id convlstm_k5_s2(fl_graph *g, fl_id x) { return fl_layer_convlstm(g, "layer", x, (fl_convlstm){3, 5, 2, false, FL_BPTT_FULL}); }
static fl_id plus1d_s1(fl_graph *g, fl_id x) { return fl_layer_residual(g, "layer", x, FL_BLOCK_TWO_PLUS_ONE, 5, 1); }
static fl_id plus1d_s2(fl_graph *g, fl_id x) { return fl_layer_residual(g, "layer", x, FL_BLOCK_TWO_PLUS_ONE, 6, 2); }
static fl_id block_3d_s1(fl_graph *g, fl_id x) { return fl_layer_residual(g, "layer", x, FL_BLOCK_3D, 5, 1); }
static fl_id block_3d_s2(fl_graph *g, fl_id x) { return fl_layer_residual(g, "layer", x, FL_BLOCK_3D, 6, 2); }
static fl_id block_2d_s1(fl_graph *g, fl_id x) { return fl_layer_residual(g, "layer", x, FL_BLOCK_2D, 6, 1); }
static fl_id block_2d_s2(fl_graph *g, fl_id x) { return fl_layer_residual(g, "layer", x, FL_BLOCK_2D, 6, 2); }
static fl_id bottleneck_s1(fl_graph *g, fl_id x) { return fl_layer_bottleneck(g, "layer", x, 3, 1, 0); }
static fl_id bottleneck_shift_s1(fl_graph *g, fl_id x) { return fl_layer_bottleneck(g, "layer", x, 3, 1, 2); }
static fl_id bottleneck_shift_s2(fl_graph *g, fl_id x) { return fl_layer_bottleneck(g, "layer", x, 4, 2, 1); }
static fl_id unit3d_7(fl_graph *g, fl_id x) { return fl_layer_unit3d(g, "layer", x, 5, 7, 2, 1e-3); }
static fl_id unit3d_3(fl_graph *g, fl_id x) { return fl_layer_unit3d(g, "layer", x, 5, 3, 2, 1e-3); }
static fl_id head_average(fl_graph *g, fl_id x) { return fl_head_average(g, "layer", x, 4); }
static fl_id head_per_frame(fl_graph *g, fl_id x) { return fl_head_per_frame(g, "layer", x, 4); }
static fl_id head_last(fl_graph *g, fl_id x) { return fl_head_last(g, "layer", x, 4); }

static fl_id inception(fl_graph *g, fl_id x)
{
    return fl_layer_inception(g, "layer", fl_node_relu(g, "relu", x), (fl_inception_widths){2, 3, 4, 2, 3, 5}, 1e-3);
}

static fl_id same_pool(fl_graph *g, fl_id x)
{
    return fl_layer_same_pool(g, "layer", fl_node_relu(g, "relu", x), (int[]){3, 3, 3}, (int[]){2, 2, 2});
}

static fl_id same_pool_flat(fl_graph *g, fl_id x)
{
    return fl_layer_same_pool(g, "layer", fl_node_relu(g, "relu", x), (int[]){1, 3, 3}, (int[]){1, 2, 2});
}

static const struct golden { const char *name; fl_shape x, y; builder build; } GOLDEN[] = {
    {"lstm_tanh", {2, 5, 6, 1, 1}, {2, 7, 6, 1, 1}, lstm_tanh},
    {"lstm_relu", {2, 5, 6, 1, 1}, {2, 7, 6, 1, 1}, lstm_relu},
    {"convlstm_k3_s1", {2, 3, 4, 5, 6}, {2, 4, 4, 5, 6}, convlstm_k3_s1},
    {"convlstm_k3_s2", {1, 3, 4, 7, 8}, {1, 4, 4, 4, 4}, convlstm_k3_s2},
    {"convlstm_k5_s1", {1, 2, 3, 7, 5}, {1, 3, 3, 7, 5}, convlstm_k5_s1},
    {"convlstm_k5_s2", {2, 3, 3, 8, 9}, {2, 3, 3, 4, 5}, convlstm_k5_s2},
    {"residual_2plus1d_s1", {1, 5, 4, 5, 6}, {1, 5, 4, 5, 6}, plus1d_s1},
    {"residual_2plus1d_s2", {2, 4, 5, 6, 7}, {2, 6, 3, 3, 4}, plus1d_s2},
    {"residual_3d_s1", {1, 5, 4, 5, 6}, {1, 5, 4, 5, 6}, block_3d_s1},
    {"residual_3d_s2", {2, 4, 5, 6, 7}, {2, 6, 3, 3, 4}, block_3d_s2},
    {"residual_2d_s1", {1, 4, 3, 5, 6}, {1, 6, 3, 5, 6}, block_2d_s1},
    {"residual_2d_s2", {1, 6, 3, 5, 6}, {1, 6, 3, 3, 3}, block_2d_s2},
    {"bottleneck_s1", {1, 12, 3, 5, 4}, {1, 12, 3, 5, 4}, bottleneck_s1},
    {"bottleneck_shift_s1", {2, 12, 4, 5, 4}, {2, 12, 4, 5, 4}, bottleneck_shift_s1},
    {"bottleneck_shift_s2", {1, 9, 4, 7, 6}, {1, 16, 4, 4, 3}, bottleneck_shift_s2},
    {"unit3d_even", {1, 3, 6, 8, 10}, {1, 5, 3, 4, 5}, unit3d_7},
    {"unit3d_odd", {2, 3, 5, 9, 7}, {2, 5, 3, 5, 4}, unit3d_3},
    {"inception_even", {1, 6, 4, 6, 4}, {1, 14, 4, 6, 4}, inception},
    {"inception_odd", {1, 6, 3, 5, 7}, {1, 14, 3, 5, 7}, inception},
    {"same_pool_even", {1, 3, 4, 8, 6}, {1, 3, 2, 4, 3}, same_pool},
    {"same_pool_odd", {2, 3, 5, 7, 9}, {2, 3, 3, 4, 5}, same_pool},
    {"same_pool_flat", {1, 3, 3, 8, 7}, {1, 3, 3, 4, 4}, same_pool_flat},
    {"head_average", {3, 5, 3, 4, 2}, {3, 4, 1, 1, 1}, head_average},
    {"head_per_frame", {3, 5, 6, 1, 1}, {3, 4, 1, 1, 1}, head_per_frame},
    {"head_last", {3, 5, 3, 4, 2}, {3, 4, 1, 1, 1}, head_last},
};

typedef struct rig { fl_error error; fl_arena arena; fl_graph *g; fl_id x, y; } rig;

static void rig_up(rig *r, fl_shape x, builder build)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    r->g = fl_graph_new(&r->arena);
    r->x = fl_node_input(r->g, "x", x);
    r->y = build(r->g, r->x);
}

static void compare(rig *r, const char *name, const char *what, fl_id id, const real *got, const real *want)
{
    const fl_shape s = fl_graph_shape(r->g, id);
    real *ours = FL_NEW(&r->arena, real, fl_shape_count(s));
    fl_to_file_order(s, got, ours);
    const double error = fl_relative_error(ours, want, fl_shape_count(s));
    CHECK_SAY(error <= GOLDEN_BOUND, "%s, %s: relative error %.3g, wanted <= %g", name, what, error, GOLDEN_BOUND);
}

static void check_golden(const struct golden *c)
{
    rig r;
    rig_up(&r, c->x, c->build);
    fl_graph_plan(r.g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &r.y, .n_out = 1, .root = r.y,
                                  .wrt = &r.x, .n_wrt = 1});
    if (CHECK_SAY(fl_graph_ok(r.g), "%s: %s", c->name, r.error.message) &&
        CHECK_SAY(fl_shape_equal(fl_graph_shape(r.g, r.y), c->y), "%s: shape", c->name)) {
        const int64_t n_y = fl_shape_count(c->y), n_x = fl_shape_count(c->x);
        real *seed = FL_NEW(&r.arena, real, 2 * n_y);
        fl_npy file;
        const char *path = fl_arena_text(&r.arena, "tests/golden/layers_%s.npy", c->name);
        const real *want = fl_npy_read(&r.arena, path, &file);
        fl_model_fill_formula(r.g, 1);
        formula_clip(c->name, c->x, fl_graph_value(r.g, r.x));
        formula_seed(c->name, n_y, seed + n_y);
        fl_from_file_order(c->y, seed + n_y, seed);
        if (CHECK_SAY(want && file.count == n_y + n_x, "%s: %s", path, r.error.message)) {
            fl_graph_forward(r.g);
            compare(&r, c->name, "output", r.y, fl_graph_value(r.g, r.y), want);
            fl_graph_backward(r.g, seed);
            compare(&r, c->name, "gradient", r.x, fl_graph_signal(r.g, r.x), want + n_y);
        }
    }
    fl_arena_free(&r.arena);
}

TEST(layers_match_pytorch)
{
    for (size_t i = 0; i < sizeof GOLDEN / sizeof *GOLDEN; i++) check_golden(&GOLDEN[i]);
}

TEST(layers_names_are_unique_below_their_scope)
{
    for (size_t i = 0; i < sizeof GOLDEN / sizeof *GOLDEN; i++) {
        rig r;
        rig_up(&r, GOLDEN[i].x, GOLDEN[i].build);
        const size_t mark = fl_graph_enter(r.g, "again");
        const fl_id y = GOLDEN[i].build(r.g, r.x);
        CHECK_SAY(fl_graph_ok(r.g) && y != FL_NONE, "%s: a second copy in another scope: %s", GOLDEN[i].name,
                  r.error.message);
        fl_graph_leave(r.g, mark);
        const fl_id third = GOLDEN[i].build(r.g, r.x);
        CHECK_SAY(third == FL_NONE && r.error.status == FL_MISFIT && strstr(r.error.message, "exists already"),
                  "%s: a second copy in the same scope: '%s'", GOLDEN[i].name, r.error.message);
        CHECK(r.g->scope[0] == 0);
        fl_arena_free(&r.arena);
    }
}

/* ---- groups, padding, widths, messages ---- */

/* Two groups are two convolutions, each of its half of the channels. */
TEST(layers_groups_are_separate_convolutions)
{
    const fl_window win = fl_window_cube(1, 3, 3, 1, 2, 1);
    const fl_shape x = {2, 6, 2, 5, 4};
    rig r;
    memset(&r, 0, sizeof r);
    fl_arena_init(&r.arena, &r.error);
    r.g = fl_graph_new(&r.arena);
    r.x = fl_node_input(r.g, "x", x);
    r.y = fl_layer_conv(r.g, "both", r.x, 8, win, 2, true);
    const fl_id half[2] = {
        fl_layer_conv(r.g, "first", fl_node_slice(r.g, "low", r.x, FL_AXIS_C, 0, 3), 4, win, 1, true),
        fl_layer_conv(r.g, "second", fl_node_slice(r.g, "high", r.x, FL_AXIS_C, 3, 6), 4, win, 1, true)};
    const fl_id apart = fl_node_concat(r.g, "apart", FL_AXIS_C, 2, half), out[2] = {r.y, apart};
    fl_graph_plan(r.g, &(fl_plan){.keep = FL_KEEP_OUTPUTS, .out = out, .n_out = 2});
    if (CHECK_SAY(fl_graph_ok(r.g), "%s", r.error.message)) {
        const real *w = fl_graph_value(r.g, fl_graph_find(r.g, "both.weight"));
        const real *b = fl_graph_value(r.g, fl_graph_find(r.g, "both.bias"));
        fl_model_fill_random(r.g, 1);
        formula_seed("bias", 8, fl_graph_value(r.g, fl_graph_find(r.g, "both.bias")));
        formula_clip("groups", x, fl_graph_value(r.g, r.x));
        fl_graph_set(r.g, fl_graph_find(r.g, "first.weight"), w);
        fl_graph_set(r.g, fl_graph_find(r.g, "second.weight"), w + 4 * 3 * 9);
        fl_graph_set(r.g, fl_graph_find(r.g, "first.bias"), b);
        fl_graph_set(r.g, fl_graph_find(r.g, "second.bias"), b + 4);
        fl_graph_forward(r.g);
        const int64_t count = fl_shape_count(fl_graph_shape(r.g, r.y));
        CHECK(fl_norm(fl_graph_value(r.g, apart), count) > 0);
        CHECK_NEAR(fl_relative_error(fl_graph_value(r.g, r.y), fl_graph_value(r.g, apart), count), 0, 1e-6);
    }
    fl_arena_free(&r.arena);
}


/* SAME means: as many windows as strides that begin inside the input, and the padding no larger than they need. */
TEST(layers_same_padding_covers_the_input)
{
    for (int n = 1; n <= 12; n++)
        for (int k = 1; k <= 7; k++)
            for (int s = 1; s <= 3; s++) {
                const fl_window w = fl_window_same((fl_shape){1, 1, n, 1, n}, (int[]){k, 1, k}, (int[]){s, 1, s});
                const int windows = (n + s - 1) / s, needed = (windows - 1) * s + k;
                const int total = needed > n ? needed - n : 0;
                CHECK_SAY(fl_window_extent(&w, 0, n) == windows && fl_window_extent(&w, 2, n) == windows,
                          "length %d, kernel %d, stride %d: %d windows", n, k, s, fl_window_extent(&w, 0, n));
                CHECK_SAY(w.lo[0] + w.hi[0] == total && w.lo[0] == total / 2,
                          "length %d, kernel %d, stride %d: padding %d, %d", n, k, s, w.lo[0], w.hi[0]);
                CHECK(w.lo[2] == w.lo[0] && w.hi[2] == w.hi[0] && w.lo[1] == 0 && w.hi[1] == 0);
            }
}

/* The widths of torchvision's r2plus1d_18: floor, not rounding; and one whose products do not fit into 32 bits. */
TEST(layers_two_plus_one_keeps_the_number_of_parameters)
{
    static const int widths[][3] = {{64, 64, 144},   {64, 128, 230},  {128, 128, 288},   {128, 256, 460},
                                    {256, 256, 576}, {256, 512, 921}, {512, 512, 1152}, {100000, 100000, 225000}};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        CHECK_SAY(fl_two_plus_one_mid(widths[i][0], widths[i][1]) == widths[i][2], "from %d to %d: %d", widths[i][0],
                  widths[i][1], fl_two_plus_one_mid(widths[i][0], widths[i][1]));
}

static fl_id too_long(fl_graph *g, fl_id x) { return fl_layer_lstm(g, "layer", x, 2, FL_LSTM_TANH, FL_BPTT_FULL); }
static fl_id too_long_conv(fl_graph *g, fl_id x) { return fl_layer_convlstm(g, "layer", x, (fl_convlstm){2, 3, 1, false, FL_BPTT_FULL}); }

static fl_id misfit(fl_graph *g, fl_id x)
{
    const size_t mark = fl_graph_enter(g, "outer");
    x = fl_layer_linear(g, "fc", x, 3, true);                       /* x has frames: a linear layer takes none */
    x = fl_layer_residual(g, "block", x, FL_BLOCK_3D, 4, 2);
    x = fl_head_last(g, "head", fl_layer_lstm(g, "lstm", x, 3, FL_LSTM_RELU, FL_BPTT_FULL), 2);
    fl_graph_leave(g, mark);
    return x;
}

/* A failure is named once, by the node where it happened; what follows is built in silence and gives FL_NONE. */
TEST(layers_failures_name_the_node)
{
    static const struct { fl_shape x; builder build; fl_status status; const char *says; } list[] = {
        {{1, 2, 1025, 1, 1}, too_long, FL_USAGE, "1024 frames, got 1025"},
        {{1, 1, 1025, 1, 1}, too_long_conv, FL_USAGE, "1024 frames, got 1025"},
        {{1, 2, 3, 1, 1}, misfit, FL_MISFIT, "outer.fc"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        rig r;
        rig_up(&r, list[i].x, list[i].build);
        CHECK(r.y == FL_NONE && r.error.status == list[i].status && r.g->scope[0] == 0);
        CHECK_SAY(strstr(r.error.message, list[i].says), "'%s' does not say '%s'", r.error.message, list[i].says);
        fl_arena_free(&r.arena);
    }
}
