/* test_check.c: the checks under test: networks that are right pass all of them, and every mistake of the table of faults is
 * caught, by a check that is meant for it. */
#include "attribution/check.h"
#include "autograd/gradcheck.h"
#include "autograd/hold.h"
#include "autograd/ops.h"
#include "tensor/par.h"
#include "tests/model_rig.h"
#include "tests/test.h"

#include <string.h>

typedef struct heard { int passed, failed, skipped, smaller; bool as_meant; const char *meant; char first[160], size[64]; } heard;

static void hear(const fl_finding *f, void *listener)
{
    heard *h = listener;
    if (f->skipped) h->skipped++;
    else if (f->passed) h->passed++;
    else if (!h->failed++) snprintf(h->first, sizeof h->first, "%.60s: %g of %g at %.60s", f->name, f->figure, f->bound, f->where);
    h->smaller += f->size != NULL;
    if (f->size) snprintf(h->size, sizeof h->size, "%s", f->size);
    if (!f->passed && h->meant && strstr(f->name, h->meant)) h->as_meant = true;
    CHECK_SAY(f->passed || !isnan(f->bound), "%s has no bound", f->name);
}

typedef struct job { const fl_model *model; fl_model_options o; } job;

static fl_network build(void *user, fl_shape clips, fl_arena *arena, fl_graph **to)
{
    const job *j = user;
    fl_model_options o = j->o;
    o.n = clips.n, o.frames = clips.t, o.height = clips.h, o.width = clips.w;
    *to = fl_graph_new(arena);
    const fl_network net = fl_model_build(*to, j->model, &o);
    fl_model_fill_formula(*to, 1);
    return net;
}

static heard run_sized(job j, double large, const char *fault, const char *only, const char *meant)
{
    heard h = {.meant = meant};
    const char *model = j.model->name;
    fl_error error = {0}, scratch_error = {0};
    fl_arena arena, scratch;
    fl_graph *g;
    fl_arena_init(&arena, &error);
    fl_arena_init(&scratch, &scratch_error);
    const fl_network net = build(&j, (fl_shape){1, 0, j.o.frames, j.o.height, j.o.width}, &arena, &g);
    fl_explainer *e = fl_explainer_new(g, net, &j.model->input);
    real *clip = FL_NEW(&scratch, real, fl_shape_count(fl_graph_shape(g, net.input)));
    int failed = 0;
    if (CHECK_SAY(e && clip, "%s: %s", model, error.message)) {
        fl_model_formula_clip(model, fl_graph_shape(g, net.input), clip);
        const fl_check_options o = {.target = {.class_index = FL_CLASS_AUTO}, .fault = fault ? fl_fault_find(fault) : NULL, .only = only,
                                    .large = large, .build = build, .user = &j, .found = hear, .listener = &h};
        CHECK_SAY(fl_check_run(e, clip, &o, &scratch, &failed) == FL_OK, "%s, %s: %s", model, fault ? fault : "no fault", error.message);
        CHECK(failed == h.failed);
    }
    fl_arena_free(&scratch);
    fl_arena_free(&arena);
    return h;
}

static heard run(const char *model, const char *fault, const char *only, const char *meant)
{
    return run_sized((job){fl_model_find(model), {.frames = 4, .height = 16, .width = 16}}, 0, fault, only, meant);
}

TEST(check_passes_networks_that_are_right)
{
    static const char *const models[] = {"tiny", "i3d_small", "tsm_small"};
    for (int i = 0; i < 3; i++) {
        const heard h = run(models[i], NULL, NULL, NULL);
        CHECK_SAY(h.failed == 0 && h.passed > 80, "%s: %d passed, %d failed, first %s", models[i], h.passed, h.failed, h.first);
    }
    const heard lstm = run("cnn_lstm_small", NULL, "network", NULL);
    CHECK_SAY(lstm.failed == 0 && lstm.passed >= 5, "cnn_lstm_small: %s", lstm.first);
}

TEST(check_catches_every_fault)
{
    static const struct { const char *fault, *model, *only, *meant; } list[] = {
        {"dropped_bias", "cnn_lstm_small", "ops", "conv, network: forward"},
        {"dropped_bias_of_head", "tiny", "ops", "linear, network: forward"},
        {"transposed_kernel", "tiny", "ops", "conv, network: transpose"},
        {"transposed_kernel", "tiny", "network", "gradient = differences"},
        {"shifted_padding", "tiny", "ops", "conv, network: forward"},
        {"thread_order", "i3d_small", "network", "threads"},
        {"missing_mask", "tiny", "ops", "relu, network: slope"},
        {"missing_mask", "tiny", "network", "gradient = differences"},
        {"missing_mask", "tiny", "laws", "integrated_gradients"},
        {"missing_mask", "tiny", "identities", "LRP-0 = gradient x input"},
        {"small_error", "tiny", "network", "gradient = differences"},
        {"batch_leak", "tiny", "network", "beside another clip"},
        {"wrong_slope", "convlstm_small", "network", "gradient = differences"},
        {"wrong_slope", "cnn_lstm_small", "ops", "tanh, network: slope"},
        {"forgotten_operand", "r2plus1d_small", "laws", "ledger"},
        {"forgotten_operand", "tiny", "ops", "add, network: transpose"},
        {"unscaled_average", "c3d_small", "ops", "mean, network: transpose"},
        {"wrong_winner", "tiny", "network", "gradient = differences"}};
    fl_threads_set(2);
    const bool alone = fl_threads() == 1;                  /* built without OpenMP: there is no order of threads */
    fl_threads_set(0);
    for (int i = 0; i < (int)(sizeof list / sizeof *list); i++) {
        if (alone && strcmp(list[i].fault, "thread_order") == 0) continue;
        const heard h = run(list[i].model, list[i].fault, list[i].only, list[i].meant);
        CHECK_SAY(h.as_meant, "%s in %s: '%s' did not see it (%d failed, first %s)", list[i].fault, list[i].model, list[i].meant, h.failed,
                  h.first);
    }
    for (const fl_fault *f = fl_fault_table; f->name; f++) {
        bool tried = false;
        for (int i = 0; i < (int)(sizeof list / sizeof *list); i++) tried |= strcmp(list[i].fault, f->name) == 0;
        CHECK_SAY(tried, "fault %s has no row in this test", f->name);
    }
}

/* A network that counts as large: maps on a smaller clip, where faults are still found; gradient and bits on the clip itself. */
TEST(check_large_networks_on_smaller_clips)
{
    const job c3d = {fl_model_find("c3d_small"), {.frames = 8, .height = 56, .width = 58}};
    const heard laws = run_sized(c3d, 1, NULL, "laws", NULL), network = run_sized(c3d, 1, NULL, "network", NULL),
                found = run_sized(c3d, 1, "unscaled_average", "laws", "ledger");
    CHECK_SAY(laws.failed == 0 && laws.passed > 40 && laws.smaller > 40, "%d passed, %d failed, %s", laws.passed, laws.failed, laws.first);
    CHECK_SAY(strcmp(laws.size, "the clip as 4 x 28 x 29") == 0, "%s", laws.size);
    CHECK_SAY(network.failed == 0 && network.passed == 5 && network.smaller == 0, "%s", network.first);
    CHECK_SAY(found.as_meant, "'ledger' did not see it (first %s)", found.first);
}

/* So many sums that a few switches would fall the other way if two methods rounded them differently. */
TEST(check_passes_a_deep_network_of_norms)
{
    if (!fl_test_big()) SKIP("BIG=0");
    const heard h = run_sized((job){fl_model_find("i3d_rgb"), {.frames = 16, .height = 224, .width = 224}},
                              1.25e9, NULL, "identities", NULL);
    CHECK_SAY(h.failed == 0 && h.passed > 15, "%d passed, %d failed, first %s", h.passed, h.failed, h.first);
}

TEST(check_says_where_a_fault_cannot_strike)
{
    fl_error error = {0};
    fl_arena arena;
    fl_graph *g;
    job j = {fl_model_find("tiny"), SMALL};
    fl_arena_init(&arena, &error);
    const fl_network net = build(&j, (fl_shape){1, 0, j.o.frames, j.o.height, j.o.width}, &arena, &g);
    fl_explainer *e = fl_explainer_new(g, net, NULL);
    real *clip = FL_NEW(&arena, real, fl_shape_count(fl_graph_shape(g, net.input)));
    int failed;
    const fl_check_options o = {.target = {.class_index = 0}, .fault = fl_fault_find("wrong_slope"),
                                .found = hear, .listener = &(heard){0}};
    CHECK(fl_check_run(e, clip, &o, &arena, &failed) == FL_USAGE && strstr(error.message, "wrong_slope"));
    CHECK(fl_fault_find("no_such_fault") == NULL);
    fl_arena_free(&arena);
}

/* ---- held switches ---- */

TEST(check_held_switches_stay_and_let_go)
{
    rig r;
    rig_up(&r, "tiny", &SMALL);
    fl_model_fill_formula(r.g, 1);
    fl_graph_plan(r.g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .parts = true, .out = &r.net.logits, .n_out = 1, .root = r.net.logits,
                                  .wrt = &r.net.input, .n_wrt = 1});
    const int64_t n = fl_shape_count(fl_graph_shape(r.g, r.net.input)), classes = fl_graph_shape(r.g, r.net.logits).c;
    real *x = fl_graph_value(r.g, r.net.input), *y = FL_NEW(&r.arena, real, classes), *far = FL_NEW(&r.arena, real, classes);
    fl_model_formula_clip("tiny", fl_graph_shape(r.g, r.net.input), x);
    fl_graph_forward(r.g);
    memcpy(y, fl_graph_value(r.g, r.net.logits), (size_t)classes * sizeof *y);
    fl_hold *hold = fl_hold_new(r.g, &r.arena);
    CHECK(hold && fl_hold_switches(hold) > 5000);
    fl_graph_forward(r.g);
    for (int64_t k = 0; k < classes; k++) CHECK_NEAR((double)fl_graph_value(r.g, r.net.logits)[k], (double)y[k], 0);
    /* affine: f(3x) - f(x) = 2 (f(2x) - f(x)) */
    double worst = 0;
    for (int64_t i = 0; i < n; i++) x[i] *= 2;
    fl_graph_forward(r.g);
    memcpy(far, fl_graph_value(r.g, r.net.logits), (size_t)classes * sizeof *far);
    for (int64_t i = 0; i < n; i++) x[i] *= R(1.5);
    fl_graph_forward(r.g);
    for (int64_t k = 0; k < classes; k++)
        worst = fmax(worst, fabs(((double)fl_graph_value(r.g, r.net.logits)[k] - (double)y[k]) - 2 * ((double)far[k] - (double)y[k])));
    CHECK_SAY(worst < 100 * FL_REAL_EPSILON, "held, and not affine by %g", worst);
    fl_hold_end(hold);
    fl_graph_forward(r.g);
    for (int64_t k = 0; k < classes; k++)
        worst = fmax(worst, fabs(((double)fl_graph_value(r.g, r.net.logits)[k] - (double)y[k]) - 2 * ((double)far[k] - (double)y[k])));
    CHECK_SAY(worst > 0.01, "let go, and still affine (%g)", worst);
    for (fl_id i = 0; i < r.g->count; i++) CHECK(r.g->node[i].op == fl_op_table[r.g->node[i].op->kind] && !r.g->node[i].aside);
    fl_arena_free(&r.arena);
}

/* ---- audited ledgers ---- */

TEST(check_ledgers_say_what_is_due)
{
    rig r;
    rig_up(&r, "tiny", &SMALL);
    fl_model_fill_formula(r.g, 1);
    r.g->audit = true;
    static const fl_rule half = {.name = "half", .kind = FL_RULE_SHARE, .epsilon = 1e-6, .n_terms = 1,
                                 .term = {{FL_ALL_OF, FL_ALL_OF, FL_ALL_OF, 0, 1, 0.5, FL_ALWAYS}}},
                         whole = {.name = "whole", .kind = FL_RULE_PASS};
    static const fl_rule_row rows[] = {{.flags = FL_WEIGHTED, .rule = &half}, {.flags = FL_MAP, .rule = &whole}, {.rule = NULL}};
    const fl_ruleset set = {.name = "halves", .match = rows};
    fl_graph_plan(r.g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &r.net.logits, .n_out = 1,
                                  .root = r.net.logits, .wrt = &r.net.input, .n_wrt = 1, .rules = &set});
    real *seed = FL_NEW(&r.arena, real, fl_graph_shape(r.g, r.net.logits).c);
    fl_model_formula_clip("tiny", fl_graph_shape(r.g, r.net.input), fl_graph_value(r.g, r.net.input));
    fl_graph_forward(r.g);
    seed[1] = 1;
    fl_graph_backward(r.g, seed);
    const fl_id fc = r.net.logits;
    const double z = (double)fl_graph_value(r.g, fc)[1], bias = (double)r.g->node[fc].operand[2][1];
    const fl_ledger l = fl_graph_ledger(r.g, fc);
    CHECK_NEAR(l.due, 0.5 * (z - bias) / (z + (z < 0 ? -1e-6 : 1e-6)), 1e-5);        /* by hand: half of what is not the bias' */
    int promised = 0;
    for (fl_id i = 0; i < r.g->count; i++) {
        const fl_ledger each = fl_graph_ledger(r.g, i);
        if (!r.g->carries[i] || isnan(each.due)) continue;
        promised++;
        CHECK_SAY(fabs(each.handed_on - each.due) <= 1e3 * FL_REAL_EPSILON * each.size, "%s: handed on %g, due %g", r.g->node[i].name,
                  each.handed_on, each.due);
    }
    CHECK_SAY(promised >= 8, "%d nodes promise a sum", promised);
    fl_arena_free(&r.arena);
}
