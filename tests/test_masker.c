/* test_masker.c: the masking network of real-time saliency: what it reads, its loss by hand and by finite differences, that it learns,
 * that its bits follow seed and data alone, and its method. */
#include "autograd/fold.h"
#include "autograd/gradcheck.h"
#include "models/masker.h"
#include "models/synth.h"
#include "tensor/par.h"
#include "tests/attribution_rig.h"
#include "tests/test.h"
#include "tests/train_rig.h"

/* ---- a classifier, and a trainer of a masker for it ---- */

typedef struct masker_rig {
    fl_error error, of_trainer;
    fl_arena arena, work;
    fl_masker_lesson lesson;
    fl_trainer t;
    noise clips;
} masker_rig;

static void classifier_up(masker_rig *r, const char *model, const fl_model_options *o)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    fl_arena_init(&r->work, &r->of_trainer);
    r->lesson.how = fl_masking_default();
    r->lesson.classifier = fl_graph_new(&r->arena);
    r->lesson.net = fl_model_build(r->lesson.classifier, fl_model_find(model), o);
    fl_model_fill_formula(r->lesson.classifier, 1);
}

static fl_recipe recipe_of(int64_t steps, int batch)
{
    return (fl_recipe){.optimiser = FL_ADAM, .rate = 0.01, .steps = steps, .warm_up = 1, .batch = batch, .seed = 3};
}

static fl_status trainer_begin(masker_rig *r, const char *model, int64_t steps, int batch)
{
    const fl_model *m = fl_model_find(model);
    const fl_recipe recipe = recipe_of(steps, batch);
    r->clips = (noise){4, 24, m->classes};
    const fl_dataset data = noise_data(&r->clips, 6);
    return fl_trainer_init_lesson(&r->t, &r->work, m, &recipe, &data, &fl_lesson_masker, &r->lesson);
}

static fl_status trainer_up(masker_rig *r, const char *model, int64_t steps, int batch)
{
    classifier_up(r, model, &(fl_model_options){.frames = 4, .height = 24, .width = 24});
    return trainer_begin(r, model, steps, batch);
}

static void masker_down(masker_rig *r)
{
    fl_arena_free(&r->work);
    fl_arena_free(&r->arena);
}

/* ---- what it reads ---- */

TEST(masker_reads_the_deepest_features_and_finer_ones)
{
    static const struct { const char *model; int count, rows[4], frames[4]; } want[] = {
        {"tiny", 1, {6}, {8}}, {"c3d_small", 2, {8, 16}, {4, 8}}, {"r2plus1d_small", 2, {8, 16}, {4, 8}},
        {"tsm_small", 2, {8, 16}, {16, 16}}, {"r2plus1d_18", 3, {7, 14, 28}, {2, 4, 8}}, {"i3d_rgb", 4, {7, 14, 28, 56}, {2, 4, 8, 8}}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        masker_rig r;
        fl_id feature[FL_MASKER_FEATURES], folded[FL_MASKER_FEATURES];
        classifier_up(&r, want[i].model, &(fl_model_options){.n = 1});
        fl_graph *g = r.lesson.classifier;
        const fl_network net = r.lesson.net;
        const int count = fl_masker_features(g, net, feature);
        CHECK_SAY(count == want[i].count, "%s: reads %d nodes", want[i].model, count);
        for (int k = 0; k < count; k++) {
            const fl_shape s = fl_graph_shape(g, feature[k]);
            CHECK_SAY(s.h == want[i].rows[k] && s.t == want[i].frames[k], "%s: reads '%s' with %d rows and %d frames", want[i].model,
                      g->node[feature[k]].name, s.h, s.t);
        }
        const fl_fold *f = fl_fold_new(g);
        const fl_network again = {f->place[net.input], f->place[net.logits], f->place[net.output], f->place[net.cam], FL_NONE, FL_NONE};
        CHECK(fl_masker_features(f->g, again, folded) == count);
        for (int k = 0; k < count; k++)
            CHECK_SAY(strcmp(f->g->node[folded[k]].name, g->node[feature[k]].name) == 0, "%s: with norms folded it reads '%s', not '%s'",
                      want[i].model, f->g->node[folded[k]].name, g->node[feature[k]].name);
        masker_down(&r);
    }
}

/* ---- its loss ---- */

/* A batch is in place and every value stays. */
static bool loss_up(masker_rig *r, const char *model, int batch)
{
    if (!CHECK_SAY(trainer_up(r, model, 8, batch) == FL_OK, "%s", r->of_trainer.message)) return false;
    CHECK(fl_trainer_step(&r->t));                       /* fills a batch in; parameters move a little */
    return CHECK(fl_graph_plan(r->t.g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &r->t.loss_node, .n_out = 1, .root = r->t.loss_node,
                                                  .wrt = r->t.params, .n_wrt = r->t.n_params}) == FL_OK);
}

static double squares(fl_shape s, const real *m, int n, double *border, double *area)
{
    double sum = 0;
    for (int t = 0; t < s.t; t++)
        for (int h = 0; h < s.h; h++)
            for (int w = 0; w < s.w; w++) {
                const double x = (double)m[fl_at(s, n, 0, t, h, w)];
                const double dt = t + 1 < s.t ? (double)m[fl_at(s, n, 0, t + 1, h, w)] - x : 0;
                const double dh = h + 1 < s.h ? (double)m[fl_at(s, n, 0, t, h + 1, w)] - x : 0;
                const double dw = w + 1 < s.w ? (double)m[fl_at(s, n, 0, t, h, w + 1)] - x : 0;
                sum += dt * dt + dh * dh + dw * dw;
                *border += x * x * ((h == 0) + (h == s.h - 1) + (w == 0) + (w == s.w - 1));
                *area += pow(x + 0.0005, 0.3) / (s.t * s.h * s.w);
            }
    return sum;
}

/* What is missing to a lead of `margin` for class y (sign 1), or to one of all others (-1). */
static double missing(const real *z, int classes, int y, double sign, double margin)
{
    double other = -INFINITY;
    for (int c = 0; c < classes; c++)
        if (c != y && (double)z[c] > other) other = (double)z[c];
    const double x = sign * ((double)z[y] - other) + margin;
    return x > 0 ? x : 0;
}

static int hot(const real *x, int classes)
{
    for (int c = 0; c < classes; c++)
        if (x[c] > 0) return c;
    return -1;
}

TEST(masker_loss_by_hand)
{
    enum { BATCH = 6 };
    int fakes = 0;
    masker_rig r;
    if (loss_up(&r, "tiny", BATCH)) {
        const fl_graph *g = r.t.g;
        const fl_masking_nodes *m = &r.lesson.nodes;
        const fl_shape s = fl_graph_shape(g, m->masker.mask);
        const int classes = fl_graph_shape(g, m->label).c;
        fl_graph_forward(r.t.g);
        for (int i = 0; i < BATCH; i++) {
            const real *z = fl_graph_value(g, m->logits);
            const int y = hot(fl_graph_value(g, m->label) + i * classes, classes);
            const int asked = hot(fl_graph_value(g, m->masker.target) + i * classes, classes);
            const double exists = (double)fl_graph_value(g, m->masker.exists)[i], right = asked == y ? 1 : -1;
            double border = 0, area = 0;
            const double inner = squares(s, fl_graph_value(g, m->masker.mask), i, &border, &area);
            const double want = missing(z + i * classes, classes, y, right, right > 0 ? 5 : 1) +
                                0.3 * missing(z + (BATCH + i) * classes, classes, y, -right, 1) + 8 * area +
                                0.005 * 224 / 24 * (inner + 0.3 * border) / (2 * s.t) + log(1 + exp(-right * exists));
            CHECK(y == r.t.labels[i]);
            CHECK_NEAR((double)fl_graph_value(g, m->loss)[i], want, 2000 * FL_REAL_EPSILON * want);
            fakes += asked != y;
        }
        CHECK_SAY(fakes > 0 && fakes < BATCH,
                  "%d of %d classes were not those of the clip: both cases were meant to be tried", fakes, BATCH);
    }
    masker_down(&r);
}

/* A mask of 1 keeps the clip and its noise, one of 0 shows the substrate: one colour and noise, or a blur of the clip. */
TEST(masker_changes_clips_as_the_paper_does)
{
    enum { BATCH = 6 };
    int blurs = 0;
    masker_rig r;
    if (loss_up(&r, "tiny", BATCH)) {
        const fl_graph *g = r.t.g;
        const fl_masking_nodes *m = &r.lesson.nodes;
        const fl_shape s = fl_graph_shape(g, m->noise), one = fl_graph_shape(g, m->masker.mask);
        const fl_id changed = fl_graph_find(g, "masking.changed"), soft = fl_graph_find(g, "masking.soft");
        double power = 0, worst = 0;
        fl_graph_forward(r.t.g);
        for (int n = 0; n < s.n; n++)
            for (int64_t p = 0; p < fl_shape_pixels(one) / one.n; p++)
                for (int c = 0; c < s.c; c++) {
                    const int64_t here = (p * s.c + c) + n * (fl_shape_count(s) / s.n);
                    const int64_t clip = (p * s.c + c) + n % BATCH * (fl_shape_count(s) / s.n);
                    const double a = (double)fl_graph_value(g, m->masker.mask)[p + n % BATCH * (fl_shape_pixels(one) / one.n)];
                    const double k = n < BATCH ? 1 - a : a;
                    const double x = (double)fl_graph_value(g, m->input)[clip] + (double)fl_graph_value(g, m->noise)[here];
                    const double b = fl_graph_value(g, m->blurred)[n] > 0 ? (double)fl_graph_value(g, soft)[clip]
                                                                          : (double)fl_graph_value(g, m->colour)[here];
                    const double off = fabs((double)fl_graph_value(g, changed)[here] - (k * x + (1 - k) * b));
                    worst = off > worst ? off : worst;
                    power += (double)(fl_graph_value(g, m->noise)[here] * fl_graph_value(g, m->noise)[here]) / (double)fl_shape_count(s);
                }
        for (int n = 0; n < s.n; n++) blurs += fl_graph_value(g, m->blurred)[n] > 0;
        CHECK_SAY(worst < 50 * FL_REAL_EPSILON, "off by %g", worst);
        CHECK_NEAR(sqrt(power), 0.03 * 0.5 / 0.25, 0.002);            /* 0.03 where black is -1 and white is 1; here they are -2 and 2 */
        CHECK(blurs > 0 && blurs < s.n);
    }
    masker_down(&r);
}

/* Elements alone: along a direction through all of them some |a| or ReLU always turns. */
static void check_gradients(masker_rig *r, const char *what, fl_id root, const fl_id *wrt, int n, int least)
{
    const fl_gradcheck_options o = {.samples = 3, .seed = 5};
    const double bound = sizeof(real) == 8 ? 1e-6 : 3e-2;
    fl_gradcheck check;
    CHECK(fl_graph_plan(r->t.g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &root, .n_out = 1, .root = root, .wrt = wrt, .n_wrt = n}) == FL_OK);
    CHECK(fl_gradcheck_run(r->t.g, wrt, n, &o, &check) == FL_OK);
    CHECK_SAY(check.worst < bound && check.checked >= least, "%s: off by %g over %d: %s", what, check.worst, check.checked, check.where);
}

/* The decoder learns from the whole loss; the selector from whether its class is there, and from nothing else. */
TEST(masker_gradients)
{
    masker_rig r;
    if (loss_up(&r, "c3d_small", 2)) {
        fl_id decoder[64];
        int n = 0;
        const fl_id selector = fl_graph_find(r.t.g, "masker.selector.class.weight");
        const fl_id existence = fl_graph_find(r.t.g, "masking.existence.loss");
        for (int i = 0; i < r.t.n_params && n < 64; i++)
            if (r.t.params[i] != selector) decoder[n++] = r.t.params[i];
        CHECK(n > 10 && n == r.t.n_params - 1);
        fl_graph_forward(r.t.g);
        fl_graph_backward(r.t.g, (const real[]){1, 1});
        real whole[64];
        memcpy(whole, fl_graph_signal(r.t.g, selector), sizeof whole);
        check_gradients(&r, "decoder", r.t.loss_node, decoder, n, 15);
        check_gradients(&r, "selector", existence, &selector, 1, 3);
        fl_graph_forward(r.t.g);
        fl_graph_backward(r.t.g, (const real[]){1, 1});
        CHECK(memcmp(whole, fl_graph_signal(r.t.g, selector), sizeof whole) == 0);
    }
    masker_down(&r);
}

/* ---- learning ---- */

TEST(masker_learns)
{
    enum { STEPS = 60, EACH = 10 };
    double first = 0, last = 0;
    masker_rig r;
    if (CHECK_SAY(trainer_up(&r, "tiny", STEPS, 6) == FL_OK, "%s", r.of_trainer.message)) {
        const uint64_t before = fl_hash(fl_graph_value(r.lesson.classifier, fl_graph_find(r.lesson.classifier, "fc.weight")),
                                        40 * sizeof(real));
        for (int k = 0; fl_trainer_step(&r.t); k++) {
            if (k < EACH) first += r.t.loss / EACH;
            if (k >= STEPS - EACH) last += r.t.loss / EACH;
        }
        CHECK_SAY(last < 0.8 * first, "the loss went from %g to %g", first, last);
        const noise o = r.clips;
        const fl_dataset all = noise_data(&o, 6);
        const fl_masker_figures f = fl_masker_judge(&r.t, &all, 6);
        CHECK_SAY(f.size > 0 && f.size < 0.6 && f.kept >= 0 && f.left <= 1, "size %g, kept %g, left %g", f.size, f.kept, f.left);
        CHECK(before == fl_hash(fl_graph_value(r.lesson.classifier, fl_graph_find(r.lesson.classifier, "fc.weight")), 40 * sizeof(real)));
    }
    masker_down(&r);
}

static uint64_t hash_after(int threads, int interrupted_at)
{
    masker_rig r, s;
    uint64_t h = 0;
    fl_threads_set(threads);
    if (CHECK(trainer_up(&r, "tiny", 4, 3) == FL_OK)) {
        fl_bundle state;
        fl_bundle_init(&state, &r.arena);
        while (r.t.step != interrupted_at && fl_trainer_step(&r.t)) continue;
        h = train_hash(&r.t);
        if (interrupted_at > 0) {
            CHECK(fl_trainer_store(&r.t, &state) == FL_OK && trainer_up(&s, "tiny", 4, 3) == FL_OK);
            for (int i = 0; i < state.count; i++)
                CHECK_SAY(strstr(state.entry[i].name, FL_MASKER_PART) || strncmp(state.entry[i].name, "optimiser.", 10) == 0,
                          "the state holds '%s', which is the classifier's", state.entry[i].name);
            CHECK_SAY(fl_trainer_load(&s.t, &state) == FL_OK, "%s", s.of_trainer.message);
            while (fl_trainer_step(&s.t)) continue;
            h = train_hash(&s.t);
            masker_down(&s);
        }
    }
    masker_down(&r);
    fl_threads_set(0);
    return h;
}

TEST(masker_bits_do_not_follow_threads_or_interruptions)
{
    const uint64_t plain = hash_after(1, -1);
    CHECK(plain == hash_after(3, -1));
    CHECK(plain == hash_after(1, 2));
}

TEST(masker_training_survives_without_memory)
{
    long all = 1;
    for (long k = 0; k <= all; k++) {                    /* 0: none fails, and they are counted */
        masker_rig r;
        classifier_up(&r, "tiny", &(fl_model_options){.frames = 4});
        fl_arena_fail_at(k);
        const fl_status status = trainer_begin(&r, "tiny", 4, 3);
        if (k == 0) all = fl_arena_count();
        CHECK_SAY(status == (k ? FL_FAILED : FL_OK), "allocation %ld of %ld failed unnoticed", k, all);
        fl_arena_fail_at(0);
        masker_down(&r);
    }
    CHECK(all > 100);
}

/* ---- its method ---- */

TEST(masker_method_is_one_pass_and_asks_for_a_class)
{
    fl_rig r;
    rig_up(&r, (fl_shape){1, 3, 4, 24, 24});
    r.g = fl_graph_new(&r.arena);
    r.net = fl_model_build(r.g, fl_model_find("tiny"), &(fl_model_options){.n = 1, .frames = 4});
    fl_model_fill_formula(r.g, 1);
    rig_ready(&r, r.net.logits);
    const fl_shape s = fl_graph_shape(r.g, r.net.input);
    real *clip = FL_NEW(&r.results, real, fl_shape_count(s));
    formula_clip("masker", s, clip);
    const char *name = "real_time_saliency";
    const fl_bundle *masker = rig_masker(&r);
    fl_map map[3];
    for (int i = 0; i < 3; i++) {
        const fl_explain_options o = CLASS(i == 2 ? 0 : i, .masker = masker);
        CHECK_SAY(fl_explain(r.e, fl_method_find(name), clip, &o, &r.results, &map[i]) == FL_OK, "%s", r.error.message);
        CHECK(map[i].passes == 1 && fl_shape_equal(map[i].shape, (fl_shape){1, 1, s.t, s.h, s.w}));
        for (int64_t p = 0; p < fl_shape_count(map[i].shape); p++) CHECK(map[i].data[p] >= 0 && map[i].data[p] <= 1);
    }
    const size_t bytes = (size_t)fl_shape_count(map[0].shape) * sizeof(real);
    CHECK(memcmp(map[0].data, map[2].data, bytes) == 0 && memcmp(map[0].data, map[1].data, bytes) != 0);
    const fl_explain_options sure = CLASS(0, .masker = masker, .confidence = 4), none = CLASS(0, .masker = NULL);
    CHECK(fl_explain(r.e, fl_method_find(name), clip, &sure, &r.results, &map[1]) == FL_OK && memcmp(map[0].data, map[1].data, bytes) != 0);
    CHECK(fl_explain(r.e, fl_method_find(name), clip, &none, &r.results, &map[1]) == FL_USAGE && strstr(r.error.message, "train --masker"));
    fl_error_clear(&r.error);
    fl_bundle other;
    fl_bundle_init(&other, &r.results);
    for (int i = 0; i < masker->count - 1; i++) {
        const fl_entry *e = &masker->entry[i];
        fl_bundle_add(&other, e->name, e->axes, e->size, e->data);
    }
    const fl_explain_options lacking = CLASS(0, .masker = &other);
    CHECK(fl_explain(r.e, fl_method_find(name), clip, &lacking, &r.results, &map[1]) == FL_MISFIT && strstr(r.error.message, "masker."));
    rig_down(&r);
}
