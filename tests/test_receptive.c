/* test_receptive.c: receptive fields against signals: what an element can see is where its gradient may be other than zero. */
#include "autograd/receptive.h"

#include "autograd/ops.h"
#include "tests/model_rig.h"
#include "tests/test.h"

/* The interval of the input along an axis that element (t,h,w) of a node reads, by its field, cut at the borders. */
static void interval(const fl_receptive *r, int axis, int place, int length, int *first, int *last)
{
    const double lo = place * r->jump[axis] + r->lo[axis], hi = place * r->jump[axis] + r->hi[axis];
    *first = lo < 0 ? 0 : (int)ceil(lo - 1e-9);
    *last = hi > length - 1 ? length - 1 : (int)floor(hi + 1e-9);
}

/* Hull of the places with a signal, for a seed of ones over the channels of one place. False: no signal anywhere. */
static bool reached(fl_graph *g, fl_id input, fl_id node, const int place[3], int low[3], int high[3])
{
    const fl_shape s = fl_graph_shape(g, node), x = fl_graph_shape(g, input);
    real *seed = FL_NEW(g->arena, real, fl_shape_count(s));
    for (int c = 0; c < s.c; c++) seed[fl_at(s, 0, c, place[0], place[1], place[2])] = (real)(1 + 0.37 * c);
    fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &node, .n_out = 1, .root = node, .wrt = &input, .n_wrt = 1});
    fl_graph_forward(g);
    fl_graph_backward(g, seed);
    bool any = false;
    for (int t = 0; t < x.t; t++) for (int h = 0; h < x.h; h++) for (int w = 0; w < x.w; w++) for (int c = 0; c < x.c; c++) {
        const int at[3] = {t, h, w};
        if (fl_graph_signal(g, input)[fl_at(x, 0, c, t, h, w)] == 0) continue;
        for (int i = 0; i < 3; i++) {
            if (!any || at[i] < low[i]) low[i] = at[i];
            if (!any || at[i] > high[i]) high[i] = at[i];
        }
        any = true;
    }
    return any;
}

static const int *lengths(const fl_shape *s) { return &s->t; }

static void check_node(fl_graph *g, fl_id input, fl_id node, const fl_receptive *field, bool exact, const char *model)
{
    const fl_shape s = fl_graph_shape(g, node), x = fl_graph_shape(g, input);
    const int place[3] = {s.t / 2, s.h / 2, s.w / 2};
    int low[3] = {0}, high[3] = {0};
    if (!reached(g, input, node, place, low, high)) return;
    for (int i = 0; i < 3; i++) {
        int first, last;
        interval(&field[node], i, place[i], lengths(&x)[i], &first, &last);
        const bool inside = low[i] >= first && high[i] <= last;
        CHECK_SAY(inside, "%s, %s, axis %d: signals at %d..%d, field %d..%d", model, g->node[node].name, i, low[i], high[i], first, last);
        if (exact) CHECK_SAY(low[i] == first && high[i] == last, "%s, axis %d: signals at %d..%d, field %d..%d", g->node[node].name, i,
                             low[i], high[i], first, last);
    }
}

TEST(receptive_fields_hold_all_signals)
{
    static const char *const list[] = {"tiny", "i3d_small", "tsm_small", "cnn_lstm_small", "convlstm_small"};
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        rig r;
        rig_up(&r, list[k], &(fl_model_options){.frames = 6, .height = 24, .width = 20});
        fl_receptive *field = FL_NEW(&r.arena, fl_receptive, r.g->count);
        fl_model_fill_formula(r.g, 1);
        fl_rng_fill_normal(1, 2, 0, fl_graph_value(r.g, r.net.input), fl_shape_count(fl_graph_shape(r.g, r.net.input)));
        fl_receptive_fields(r.g, r.net.input, field);
        for (fl_id i = 0; i < r.g->count; i += 1 + i / 40)
            if (r.g->node[i].role == FL_COMPUTED && field[i].sees) check_node(r.g, r.net.input, i, field, false, list[k]);
        fl_arena_free(&r.arena);
    }
}

/* Windows, strides, dilation, uneven padding, a shift and a slice: no ReLU, so every place in the field has a signal. */
TEST(receptive_fields_of_linear_chains_are_exact)
{
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const fl_id x = fl_node_input(g, "x", (fl_shape){1, 4, 9, 21, 23});
    fl_id y = fl_layer_conv(g, "a", x, 4, (fl_window){{3, 3, 5}, {1, 2, 1}, {1, 1, 2}, {1, 0, 4}, {0, 2, 1}}, 1, false);
    y = fl_node_shift(g, "b", y, 1);
    y = fl_node_avgpool(g, "c", y, (fl_window){{1, 2, 3}, {1, 2, 2}, {1, 1, 1}, {0, 0, 1}, {0, 0, 1}}, false, true);
    y = fl_node_slice(g, "d", y, FL_AXIS_W, 1, 9);
    y = fl_node_pad(g, "p", y, (const int[5]){0, 0, 1, 0, 2}, (const int[5]){0, 0, 0, 1, 1});
    y = fl_layer_conv(g, "e", y, 3, fl_window_cube(1, 1, 3, 1, 1, 2), 1, false);
    fl_receptive *field = FL_NEW(&arena, fl_receptive, g->count);
    for (fl_id i = 0; i < g->count; i++)
        for (int64_t k = 0; g->node[i].role == FL_PARAM && k < fl_shape_count(g->node[i].shape); k++)
            g->node[i].value[k] = (real)(1 + k % 7);
    fl_receptive_fields(g, x, field);
    CHECK(fl_graph_ok(g) && field[y].jump[1] == 4 && field[y].jump[2] == 4);
    for (fl_id i = 0; i < g->count; i++)
        if (g->node[i].role == FL_COMPUTED) check_node(g, x, i, field, true, "chain");
    fl_arena_free(&arena);
}

/* The same bytes as the plan itself, and nothing taken for it. */
TEST(receptive_forecast_is_the_plan)
{
    for (int m = 0; small_model(m); m++)
        for (int gradient = 0; gradient < 2; gradient++) {
            rig r;
            rig_up(&r, small_model(m)->name, &SMALL);
            fl_plan plan = {.keep = gradient ? FL_KEEP_FOR_BACKWARD : FL_KEEP_OUTPUTS, .out = &r.net.output, .n_out = 1,
                            .root = r.net.output, .wrt = &r.net.input, .n_wrt = gradient, .forecast = true};
            const size_t before = r.arena.used;
            CHECK(fl_graph_plan(r.g, &plan) == FL_OK);
            const size_t forecast = fl_graph_bytes(r.g), taken = r.arena.used - before;
            plan.forecast = false;
            CHECK(fl_graph_plan(r.g, &plan) == FL_OK);
            CHECK_SAY(forecast == fl_graph_bytes(r.g), "%s: forecast %zu, planned %zu", small_model(m)->name, forecast,
                      fl_graph_bytes(r.g));
            CHECK_SAY(taken < 1000 + (size_t)r.g->count * 400, "%s: a forecast took %zu bytes", small_model(m)->name, taken);
            fl_graph_forward(r.g);
            fl_arena_free(&r.arena);
        }
}

TEST(receptive_work_is_what_the_study_says)
{
    static const struct { const char *model; double gmacs; } list[] = {
        {"r2plus1d_18", 40.52}, {"r3d_18", 40.70}, {"mc3_18", 43.34}, {"i3d_rgb", 27.8}, {"vgg16_lstm", 247.5}, {"vgg16_lstm_small", 57.7},
        {"resnet50_lstm", 17.2}, {"tsm_resnet50", 32.7}};
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        rig r;
        double macs = 0;
        rig_up(&r, list[k].model, &(fl_model_options){0});
        for (fl_id i = 0; i < r.g->count; i++) macs += fl_node_macs(&r.g->node[i]);
        CHECK_SAY(fabs(1e-9 * macs - list[k].gmacs) < 0.08, "%s: %.3f GMAC, wanted %g", list[k].model, 1e-9 * macs, list[k].gmacs);
        fl_arena_free(&r.arena);
    }
}
