/* test_models.c: the networks against reference numbers, and what must hold for every one of them. All of them are
 * compared with PyTorch in test_train.c.
 *
 * golden/tiny.json, tiny_output.npy, tiny_gradient.npy: PyTorch 1.13 on the reference definition of `tiny`, formula
 * parameters, formula clip, class 0 (the networks/tiny.* of the reference numbers). */
#include "io/json.h"
#include "io/npy.h"
#include "layers/layers.h"
#include "tests/formula.h"
#include "tests/model_rig.h"
#include "tests/test.h"

static const fl_json_value *read_json(fl_arena *a, const char *path)
{
    fl_bytes file;
    return fl_file_read(a, path, 1 << 20, &file) == FL_OK ? fl_json_parse(a, path, file.data, file.size) : NULL;
}

static double number(const fl_json_value *v, const char *key)
{
    const fl_json_value *x = fl_json_get(v, key);
    return x ? x->number : NAN;
}

/* sum, l2, min, max of one node against the file; errors are relative to the l2 norm (a sum may nearly cancel). */
static void check_statistics(const fl_graph *g, fl_id id, const fl_json_value *want, double tolerance)
{
    const fl_node *node = &g->node[id];
    const int64_t n = fl_shape_count(node->shape);
    real min, max;
    fl_min_max(node->value, n, &min, &max);
    const double l2 = number(want, "l2");
    CHECK_NEAR(fl_norm(node->value, n), l2, tolerance * l2);
    CHECK_NEAR(fl_sum(node->value, n), number(want, "sum"), tolerance * l2 * sqrt((double)n));
    CHECK_NEAR((double)min, number(want, "min"), tolerance * l2);
    CHECK_NEAR((double)max, number(want, "max"), tolerance * l2);
}

static void check_array(fl_arena *a, const char *path, fl_shape s, const real *got, double tolerance)
{
    fl_npy header;
    const real *want = fl_npy_read(a, path, &header);
    real *ours = FL_NEW(a, real, fl_shape_count(s));
    if (!CHECK_SAY(want && ours, "%s: %s", path, a->error->message)) return;
    CHECK(header.count == fl_shape_count(s));
    fl_to_file_order(s, got, ours);
    const double error = fl_relative_error(ours, want, header.count);
    CHECK_SAY(error <= tolerance, "%s: relative error %.3g, wanted <= %g", path, error, tolerance);
}

/* 1e-5 in float32; the float64 build meets the values, which PyTorch rounded to float32, within 1e-6. */
TEST(models_tiny_matches_pytorch)
{
    const double tolerance = sizeof(real) == 8 ? 1e-6 : 1e-5;
    rig r;
    rig_up(&r, "tiny", &(fl_model_options){.n = 1});
    rig_plan(&r, FL_KEEP_ALL);
    fl_model_fill_formula(r.g, 1);
    formula_clip("tiny", fl_graph_shape(r.g, r.net.input), fl_graph_value(r.g, r.net.input));
    fl_graph_forward(r.g);
    const real seed[5] = {1, 0, 0, 0, 0};
    fl_graph_backward(r.g, seed);
    if (CHECK_SAY(fl_graph_ok(r.g), "%s", r.error.message)) {
        check_array(&r.arena, "tests/golden/tiny_output.npy", fl_graph_shape(r.g, r.net.logits),
                    fl_graph_value(r.g, r.net.logits), tolerance);
        check_array(&r.arena, "tests/golden/tiny_gradient.npy", fl_graph_shape(r.g, r.net.input),
                    fl_graph_signal(r.g, r.net.input), tolerance);
        const fl_json_value *layers = fl_json_get(read_json(&r.arena, "tests/golden/tiny.json"), "layers");
        int compared = 0;
        for (const fl_json_value *v = layers ? layers->first : NULL; v; v = v->next, compared++) {
            fl_id id = fl_graph_find(r.g, v->key);
            if (CHECK_SAY(id != FL_NONE, "no node '%s'", v->key)) check_statistics(r.g, id, v, tolerance);
        }
        CHECK(compared == 11);
    }
    fl_arena_free(&r.arena);
}

/* ---- the table ---- */

static bool filled(const char *text) { return text && text[0]; }

TEST(models_cards_are_complete)
{
    for (int m = 0; fl_model_table[m]; m++) {
        const fl_model *model = fl_model_table[m];
        const fl_card_input *card = &model->input;
        CHECK(fl_model_find(model->name) == model && strcmp(fl_model_nearest(model->name), model->name) == 0);
        CHECK_SAY(filled(model->family) && filled(model->doc) && filled(model->citation), "%s: a word is missing",
                  model->name);
        CHECK(card->frames > 0 && card->height > 0 && card->width > 0 && model->channels > 0 && model->classes > 1);
        CHECK((card->white == 1 || card->white == 255) && model->gamma > 0);
        for (int c = 0; c < 3; c++) CHECK(card->std[c] > 0);
        for (int i = 0; model->labels && i < model->classes; i++) {
            CHECK_SAY(filled(model->labels[i]), "%s: label %d", model->name, i);
            for (int j = 0; j < i; j++) CHECK(strcmp(model->labels[i], model->labels[j]) != 0);
        }
        if (model->weights) {
            char file[96];
            snprintf(file, sizeof file, "%s.safetensors", model->name);
            CHECK_SAY(strcmp(model->weights, file) == 0, "%s ships with %s", model->name, model->weights);
        }
    }
    CHECK(fl_model_find("resnet") == NULL && fl_model_find("") == NULL && fl_model_find("TINY") == NULL);
    CHECK(strcmp(fl_model_nearest("c3d-smal"), "c3d_small") == 0);
    CHECK(strcmp(fl_model_nearest("R2PLUS1D"), "r2plus1d_18") == 0);
}

/* Of the PyTorch networks in golden/reference.py, at the size of the card. */
static const struct { const char *model; int64_t parameters; } SIZES[] = {
    {"tiny", 1901}, {"c3d_small", 140376}, {"r2plus1d_small", 172396}, {"i3d_small", 64384},
    {"tsm_small", 28888}, {"cnn_lstm_small", 249736}, {"convlstm_small", 54356},
};

static int64_t count_parameters(const fl_graph *g)
{
    int64_t count = 0;
    for (fl_id i = 0; i < g->count; i++)
        if (g->node[i].role == FL_PARAM) count += fl_shape_count(g->node[i].shape);
    return count;
}

TEST(models_have_the_parameters_of_their_twins_in_pytorch)
{
    const int listed = (int)(sizeof SIZES / sizeof *SIZES);
    for (int m = 0; m < listed; m++) {
        rig r;
        rig_up(&r, SIZES[m].model, &(fl_model_options){0});
        CHECK_SAY(count_parameters(r.g) == SIZES[m].parameters, "%s: %lld parameters, wanted %lld", SIZES[m].model,
                  (long long)count_parameters(r.g), (long long)SIZES[m].parameters);
        fl_arena_free(&r.arena);
    }
    CHECK_SAY(small_model(listed) == NULL, "a small network of the table has no line here");
}

/* ---- building ---- */

static void check_names(const fl_graph *g, const char *model)
{
    for (fl_id i = 0; i < g->count; i++) {
        CHECK_SAY(filled(g->node[i].name), "%s: node %d has no name", model, i);
        CHECK_SAY(fl_graph_find(g, g->node[i].name) == i, "%s: two nodes are called '%s'", model, g->node[i].name);
    }
}

/* The published ones: test_networks.c compares values; here it is shapes, names, sizes. */
TEST(models_big_ones_build_and_know_their_size)
{
    for (int i = 0; fl_model_table[i]; i++) {
        const fl_model *m = fl_model_table[i];
        rig r;
        if (small_model(i)) continue;
        rig_up(&r, m->name, &(fl_model_options){0});
        if (CHECK_SAY(fl_graph_ok(r.g), "%s: %s", m->name, r.error.message)) {
            const fl_shape cam = fl_graph_shape(r.g, r.net.cam);
            const fl_id end = r.net.logits != FL_NONE ? r.net.logits : r.net.output;
            CHECK_SAY(fl_shape_equal(fl_graph_shape(r.g, end), fl_shape_vector(1, m->classes)), "%s: classes", m->name);
            CHECK_SAY(cam.t > 1 && (cam.h > 1 || m->input.features) && r.net.cam < end, "%s: Grad-CAM would read %d,%d,%d", m->name,
                      cam.t, cam.h, cam.w);
            CHECK_SAY(count_parameters(r.g) == m->parameters, "%s: %lld parameters, its card says %lld", m->name,
                      (long long)count_parameters(r.g), (long long)m->parameters);
            check_names(r.g, m->name);
            CHECK(r.g->scope[0] == 0);
        }
        fl_arena_free(&r.arena);
    }
}

static void check_build(const fl_model *m, const fl_model_options *o, fl_shape input, int classes)
{
    rig r;
    rig_up(&r, m->name, o);
    if (CHECK_SAY(fl_graph_ok(r.g), "%s: %s", m->name, r.error.message)) {
        const fl_shape cam = fl_graph_shape(r.g, r.net.cam);
        CHECK(fl_shape_equal(fl_graph_shape(r.g, r.net.input), input) && r.g->node[r.net.input].role == FL_INPUT);
        CHECK(fl_shape_equal(fl_graph_shape(r.g, r.net.logits), fl_shape_vector(input.n, classes)));
        CHECK(fl_shape_equal(fl_graph_shape(r.g, r.net.output), fl_shape_vector(input.n, classes)));
        CHECK_SAY(cam.n == input.n && cam.t > 1 && cam.h > 1 && cam.w > 1 && r.net.cam < r.net.logits,
                  "%s: Grad-CAM would read %d,%d,%d,%d,%d", m->name, cam.n, cam.c, cam.t, cam.h, cam.w);
        check_names(r.g, m->name);
        CHECK(r.g->scope[0] == 0);
    }
    fl_arena_free(&r.arena);
}

TEST(models_build_at_the_size_of_the_card_and_at_others)
{
    for (int i = 0; small_model(i); i++) {
        const fl_model *m = small_model(i);
        const fl_card_input *card = &m->input;
        const fl_shape one = {1, m->channels, card->frames, card->height, card->width};
        const fl_shape odd = {2, m->channels, 21, 75, 50};
        fl_shape three = one;
        three.n = 3;
        check_build(m, &(fl_model_options){0}, one, m->classes);
        check_build(m, &(fl_model_options){.training = true}, one, m->classes);
        check_build(m, &(fl_model_options){.n = 3, .classes = 11}, three, 11);
        check_build(m, &(fl_model_options){.n = 2, .frames = 21, .height = 75, .width = 50}, odd, m->classes);
    }
}

/* A network may stand in a larger graph, under a name of its own; so may two. */
TEST(models_build_below_a_scope)
{
    for (int i = 0; small_model(i); i++) {
        const char *name = fl_model_table[i]->name;
        const fl_model_options small = {.frames = 2, .height = 32, .width = 32};
        rig r;
        rig_up(&r, name, &small);
        const int alone = r.g->count;
        const size_t mark = fl_graph_enter(r.g, "other");
        const fl_network other = fl_model_build(r.g, fl_model_table[i], &small);
        fl_graph_leave(r.g, mark);
        if (CHECK_SAY(fl_graph_ok(r.g) && other.cam != FL_NONE, "%s: %s", name, r.error.message)) {
            const fl_id first[4] = {r.net.input, r.net.logits, r.net.output, r.net.cam};
            const fl_id second[4] = {other.input, other.logits, other.output, other.cam};
            CHECK(r.g->count == 2 * alone);
            for (int k = 0; k < 4; k++) CHECK_SAY(second[k] == first[k] + alone, "%s: id %d of fl_network", name, k);
        }
        fl_arena_free(&r.arena);
    }
}

TEST(models_failures_name_network_and_node)
{
    static const struct { const char *model; fl_model_options o; fl_status status; const char *says; } list[] = {
        {"tiny", {.frames = -1}, FL_MISFIT, "'input'"},
        {"tiny", {.n = 1, .classes = -3}, FL_MISFIT, "'fc.weight'"},
        {"tiny", {.height = 1}, FL_MISFIT, "'pool'"},
        {"convlstm_small", {.width = 8}, FL_MISFIT, "'clstm1.pool'"},
        {"convlstm_small", {.frames = 1025, .height = 16, .width = 16}, FL_USAGE, "at most 1024 frames, got 1025"},
        {"cnn_lstm_small", {.frames = 2000, .height = 16, .width = 16}, FL_USAGE, "at most 1024 frames, got 2000"},
        {"c3d_small", {.n = 1 << 20, .frames = 1 << 20}, FL_MISFIT, "'input'"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        rig r;
        rig_up(&r, list[i].model, &list[i].o);
        CHECK_SAY(r.error.status == list[i].status, "%s: status %d", list[i].model, (int)r.error.status);
        CHECK(r.net.input == FL_NONE && r.net.logits == FL_NONE && r.net.output == FL_NONE && r.net.cam == FL_NONE);
        CHECK_SAY(strstr(r.error.message, list[i].says) && strstr(r.error.message, list[i].model),
                  "'%s' does not say '%s'", r.error.message, list[i].says);
        fl_arena_free(&r.arena);
    }
}

/* ---- parameters ---- */

static uint64_t hash_parameters(const fl_graph *g)
{
    uint64_t h = 0;
    for (fl_id i = 0; i < g->count; i++)
        if (g->node[i].role == FL_PARAM || g->node[i].role == FL_BUFFER)
            h = 31 * h + fl_hash(g->node[i].value, (size_t)fl_shape_count(g->node[i].shape) * sizeof(real));
    return h;
}

TEST(models_fills_are_functions_of_name_and_seed)
{
    for (int m = 0; small_model(m); m++) {
        const char *name = fl_model_table[m]->name;
        rig a, b;
        rig_up(&a, name, &SMALL);
        rig_up(&b, name, &(fl_model_options){.n = 2, .frames = 4, .height = 24, .width = 20, .training = true});
        uint64_t h[4];
        fl_model_fill_random(a.g, 5);
        fl_model_fill_random(b.g, 5);
        h[0] = hash_parameters(a.g);
        CHECK_SAY(hash_parameters(b.g) == h[0], "%s: random values follow batch or training", name);
        fl_model_fill_formula(a.g, 1);
        fl_model_fill_formula(b.g, 1);
        h[1] = hash_parameters(a.g);
        CHECK_SAY(hash_parameters(b.g) == h[1], "%s: formula values follow batch or training", name);
        fl_model_fill_random(a.g, 6);
        h[2] = hash_parameters(a.g);
        fl_model_fill_formula(a.g, 0.5);
        h[3] = hash_parameters(a.g);
        fl_model_fill_random(a.g, 5);
        CHECK_SAY(hash_parameters(a.g) == h[0], "%s: random values follow what was there before", name);
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < i; j++) CHECK_SAY(h[i] != h[j], "%s: fills %d and %d are alike", name, i, j);
        fl_arena_free(&a.arena);
        fl_arena_free(&b.arena);
    }
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Element i of a vector: norms begin at weight 1, variance 1; forget gates at sigmoid(3); all else at 0. */
static double start_of(const char *name, int channels, int i)
{
    if (ends_with(name, "weight") || ends_with(name, "running_var")) return 1;
    if (ends_with(name, "Wxf.bias")) return 3;
    const bool gates = ends_with(name, "bias_ih") || ends_with(name, "fc_x.bias");       /* i f g o, i f o g */
    return gates && i / (channels / 4) == 1 ? 3 : 0;
}

/* One parameter of a random fill: variance 2 / fan-in, uniform, between the bounds; or the constants it should be. */
static void check_start(const char *model, const fl_node *node)
{
    const fl_shape s = node->shape;
    const int64_t count = fl_shape_count(s);
    real low, high;
    fl_min_max(node->value, count, &low, &high);
    if (s.n > 1) {
        const double fan_in = (double)s.c * s.t * s.h * s.w, bound = sqrt(6 / fan_in), n = (double)count;
        const double mean = fl_sum(node->value, count) / n, square = fl_dot(node->value, node->value, count) / n;
        CHECK_SAY(fmax((double)high, -(double)low) <= bound * 1.0000001, "%s: %s goes too far", model, node->name);
        CHECK_SAY(fabs(mean) <= 5 * bound / sqrt(3 * n), "%s: %s has mean %g", model, node->name, mean);
        CHECK_SAY(fabs(square * fan_in / 2 - 1) <= 5 / sqrt(n), "%s: %s has %g of He's variance", model, node->name,
                  square * fan_in / 2);
        return;
    }
    for (int i = 0; i < s.c; i++)
        CHECK_SAY((double)node->value[i] == start_of(node->name, s.c, i), "%s: %s[%d] begins at %g", model, node->name,
                  i, (double)node->value[i]);
}

static void check_starts(const fl_graph *g, const char *model)
{
    for (fl_id i = 0; i < g->count; i++)
        if (g->node[i].role == FL_PARAM || g->node[i].role == FL_BUFFER) check_start(model, &g->node[i]);
}

TEST(models_training_starts_at_he_and_unit_norms)
{
    for (int m = 0; small_model(m); m++) {
        rig r;
        rig_up(&r, fl_model_table[m]->name, &(fl_model_options){0});
        fl_model_fill_random(r.g, 1);
        check_starts(r.g, fl_model_table[m]->name);
        fl_arena_free(&r.arena);
    }
    rig r;                                               /* and the study's cell, which these networks do not use */
    memset(&r, 0, sizeof r);
    fl_arena_init(&r.arena, &r.error);
    r.g = fl_graph_new(&r.arena);
    fl_layer_lstm(r.g, "lstm1", fl_node_input(r.g, "x", (fl_shape){1, 6, 2, 1, 1}), 5, FL_LSTM_RELU, FL_BPTT_FULL);
    fl_model_fill_random(r.g, 1);
    check_starts(r.g, "relu lstm");
    fl_arena_free(&r.arena);
}

/* Out through a bundle and in again: nothing is lost; another network does not take it. */
TEST(models_weights_survive_a_bundle)
{
    for (int m = 0; small_model(m); m++) {
        const char *name = fl_model_table[m]->name;
        const char *next = fl_model_table[small_model(m + 1) ? m + 1 : 0]->name;
        rig from, to, other;
        fl_bundle b;
        rig_up(&from, name, &SMALL);
        rig_up(&to, name, &SMALL);
        rig_up(&other, next, &SMALL);
        fl_bundle_init(&b, &from.arena);
        fl_model_fill_random(from.g, 7);
        CHECK(fl_graph_store(from.g, &b) == FL_OK && fl_graph_load(to.g, &b) == FL_OK);
        CHECK_SAY(hash_parameters(to.g) == hash_parameters(from.g), "%s: weights changed on the way", name);
        CHECK_SAY(fl_graph_load(other.g, &b) == FL_MISFIT, "%s takes the weights of %s", next, name);
        fl_arena_free(&from.arena);
        fl_arena_free(&to.arena);
        fl_arena_free(&other.arena);
    }
}
