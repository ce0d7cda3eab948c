/* test_train_bits.c: same recipe, same seed, same bits: for any number of threads and of interruptions; and what a
 * checkpoint that does not fit is told. */
#include "tensor/par.h"
#include "tests/test.h"
#include "tests/train_rig.h"

static const noise SMALL = {4, 16, 5};
enum { STEPS = 6, BATCH = 3, CLIPS = 7 };      /* epochs end within batches 3 and 5 */

static fl_recipe recipe_of(fl_optimiser_kind kind)
{
    return (fl_recipe){.optimiser = kind, .rate = 0.02, .momentum = 0.9, .decay = 0.01, .steps = STEPS, .warm_up = 2,
                       .batch = BATCH, .classes = 5, .seed = 6};
}

static bool start(train_rig *r, const char *model, fl_optimiser_kind kind)
{
    const fl_recipe recipe = recipe_of(kind);
    const fl_dataset data = noise_data(&SMALL, CLIPS);
    return CHECK_SAY(train_up(r, model, &recipe, &data) == FL_OK, "%s: %s", model, r->error.message);
}

/* after[k]: the state behind step k */
static void whole_run(const char *model, fl_optimiser_kind kind, uint64_t after[STEPS + 1])
{
    train_rig r;
    memset(after, 0, (STEPS + 1) * sizeof *after);
    if (start(&r, model, kind)) {
        after[0] = train_hash(&r.t);
        for (int k = 1; fl_trainer_step(&r.t); k++) after[k] = train_hash(&r.t);
    }
    fl_arena_free(&r.arena);
}

TEST(train_bits_follow_the_seed_alone)
{
    uint64_t once[STEPS + 1], again[STEPS + 1];
    whole_run("tiny", FL_ADAM, once);
    whole_run("tiny", FL_ADAM, again);
    CHECK(memcmp(once, again, sizeof once) == 0);
    for (int k = 1; k <= STEPS; k++) CHECK_SAY(once[k] != once[k - 1], "step %d moved nothing", k);
    fl_recipe other = recipe_of(FL_ADAM);
    other.seed++;
    const fl_dataset data = noise_data(&SMALL, CLIPS);
    train_rig r;
    if (CHECK(train_up(&r, "tiny", &other, &data) == FL_OK)) CHECK(train_hash(&r.t) != once[0]);
    fl_arena_free(&r.arena);
}

TEST(train_bits_do_not_follow_threads)
{
    static const char *const models[] = {"tiny", "i3d_small", "tsm_small", "cnn_lstm_small", "convlstm_small"};
    static const int threads[] = {1, 2, 7};
    const double before = fl_parallel_min;
    fl_parallel_min = 0;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        uint64_t first[STEPS + 1] = {0}, now[STEPS + 1] = {0};
        for (int i = 0; i < 3; i++) {
            fl_threads_set(threads[i]);
            whole_run(models[m], m % 2 ? FL_SGD : FL_ADAM, i ? now : first);
            if (i)
                CHECK_SAY(memcmp(first, now, sizeof now) == 0, "%s: %d threads change bits", models[m], threads[i]);
        }
    }
    fl_threads_set(0);
    fl_parallel_min = before;
}

/* ---- interruption ---- */

/* Runs k steps, stores; a new trainer in a new arena loads the bundle and goes on when the first is gone. */
static void interrupted_run(const char *model, fl_optimiser_kind kind, int k, const uint64_t after[STEPS + 1])
{
    fl_error error = {0};
    fl_arena paper;
    fl_bundle checkpoint;
    train_rig first, second;
    fl_arena_init(&paper, &error);
    fl_bundle_init(&checkpoint, &paper);
    if (start(&first, model, kind)) {
        for (int i = 0; i < k; i++) fl_trainer_step(&first.t);
        CHECK(fl_trainer_store(&first.t, &checkpoint) == FL_OK);
    }
    fl_arena_free(&first.arena);
    if (start(&second, model, kind)) {
        if (k % 2) fl_trainer_step(&second.t);           /* what a trainer did before it loads does not matter */
        CHECK_SAY(fl_trainer_load(&second.t, &checkpoint) == FL_OK, "%s", second.error.message);
        CHECK(second.t.step == k && second.t.optimiser.steps == k && train_hash(&second.t) == after[k]);
        while (fl_trainer_step(&second.t))
            CHECK_SAY(train_hash(&second.t) == after[second.t.step],
                      "%s, %s: interrupted behind step %d, bits differ behind %d", model,
                      kind == FL_ADAM ? "adam" : "sgd", k, (int)second.t.step);
        CHECK(second.t.step == STEPS);
    }
    fl_arena_free(&second.arena);
    fl_arena_free(&paper);
}

TEST(train_interruption_changes_no_bit)
{
    for (int kind = FL_SGD; kind <= FL_ADAM; kind++) {
        uint64_t after[STEPS + 1];
        whole_run("tiny", (fl_optimiser_kind)kind, after);
        for (int k = 0; k <= STEPS; k++) interrupted_run("tiny", (fl_optimiser_kind)kind, k, after);
        whole_run("cnn_lstm_small", (fl_optimiser_kind)kind, after);
        interrupted_run("cnn_lstm_small", (fl_optimiser_kind)kind, 3, after);
    }
}

TEST(train_judging_changes_no_bit)
{
    const fl_dataset all = noise_data(&SMALL, 0);
    uint64_t after[STEPS + 1];
    train_rig r;
    whole_run("tiny", FL_ADAM, after);
    if (start(&r, "tiny", FL_ADAM)) {
        fl_trainer_accuracy(&r.t, &all, 20);
        for (int k = 1; fl_trainer_step(&r.t); k++) {
            const double loss = r.t.loss;
            const int correct = r.t.correct;
            CHECK_SAY(train_hash(&r.t) == after[k], "judging before step %d changed it", k);
            fl_trainer_accuracy(&r.t, &all, 5);
            CHECK(train_hash(&r.t) == after[k] && r.t.loss == loss && r.t.correct == correct);
        }
    }
    fl_arena_free(&r.arena);
}

/* ---- what does not fit ---- */

typedef struct store { fl_error error; fl_arena arena; fl_bundle bundle; } store;

static void store_up(store *s)
{
    memset(s, 0, sizeof *s);
    fl_arena_init(&s->arena, &s->error);
    fl_bundle_init(&s->bundle, &s->arena);
}

static void store_run(store *s, const char *model, fl_optimiser_kind kind, int steps)
{
    train_rig r;
    store_up(s);
    if (start(&r, model, kind)) {
        for (int i = 0; i < steps; i++) fl_trainer_step(&r.t);
        CHECK(fl_trainer_store(&r.t, &s->bundle) == FL_OK);
    }
    fl_arena_free(&r.arena);
}

static void refused(const store *s, const char *model, fl_optimiser_kind kind, const char *says)
{
    train_rig r;
    if (start(&r, model, kind)) {
        CHECK_SAY(fl_trainer_load(&r.t, &s->bundle) == FL_MISFIT, "accepted, expected '%s'", says);
        CHECK_SAY(strstr(r.error.message, says), "'%s' does not say '%s'", r.error.message, says);
    }
    fl_arena_free(&r.arena);
}

TEST(train_load_refuses_what_does_not_fit)
{
    store adam, sgd, weights, classes;
    train_rig r;
    store_run(&adam, "tiny", FL_ADAM, 1);
    store_run(&sgd, "tiny", FL_SGD, 1);
    refused(&adam, "c3d_small", FL_ADAM, "conv1.conv.weight");
    refused(&sgd, "tiny", FL_ADAM, "'optimiser.second.stem.weight' is missing");
    refused(&adam, "tiny", FL_SGD, "another optimiser");
    store_up(&weights);
    if (start(&r, "tiny", FL_SGD)) fl_graph_store(r.t.g, &weights.bundle);
    fl_arena_free(&r.arena);
    refused(&weights, "tiny", FL_SGD, "weights only");
    store_up(&classes);
    fl_recipe recipe = recipe_of(FL_SGD);
    recipe.classes = 4;
    const noise four = {4, 16, 4};
    const fl_dataset data = noise_data(&four, 0);
    if (CHECK(train_up(&r, "tiny", &recipe, &data) == FL_OK)) fl_trainer_store(&r.t, &classes.bundle);
    fl_arena_free(&r.arena);
    refused(&classes, "tiny", FL_SGD, "fc.weight");
    store *const all[] = {&adam, &sgd, &weights, &classes};
    for (int i = 0; i < 4; i++) fl_arena_free(&all[i]->arena);
}

/* A file may hold any number of steps. */
TEST(train_load_refuses_a_damaged_step)
{
    static const double digits[][2] = {{-1, 0}, {0.5, 0}, {4096, 0}, {0, -1}, {0, 1e30}, {INFINITY, 0}, {0, NAN},
                                       {NAN, NAN}, {7, 0}};
    store s;
    store_run(&s, "tiny", FL_SGD, 2);
    fl_entry *step = NULL;
    for (int i = 0; i < s.bundle.count; i++)
        if (strcmp(s.bundle.entry[i].name, "optimiser.step") == 0) step = &s.bundle.entry[i];
    CHECK(step != NULL);
    for (size_t i = 0; step && i < sizeof digits / sizeof *digits; i++) {
        const real bad[2] = {(real)digits[i][0], (real)digits[i][1]};
        step->data = bad;
        refused(&s, "tiny", FL_SGD, digits[i][0] == 7 ? "7 batches are done" : "optimiser.step");
    }
    fl_arena_free(&s.arena);
}

TEST(train_init_refuses_what_makes_no_sense)
{
    static const struct { int batch, size; int64_t count; const char *model, *says; } list[] = {
        {0, 16, 0, "tiny", "batch"},  {-1, 16, 0, "tiny", "batch"}, {1025, 16, 0, "tiny", "batch"},
        {2, 16, -1, "tiny", "clips"}, {2, 16, (int64_t)1 << 40, "tiny", "clips"},
        {2, 8, 0, "convlstm_small", "clstm1.pool"},      /* one pixel is left, and the pool wants two */
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const noise o = {4, list[i].size, 5};
        const fl_dataset data = noise_data(&o, list[i].count);
        fl_recipe recipe = recipe_of(FL_SGD);
        recipe.batch = list[i].batch;
        train_rig r;
        CHECK(train_up(&r, list[i].model, &recipe, &data) == (i < 5 ? FL_USAGE : FL_MISFIT));
        CHECK_SAY(strstr(r.error.message, list[i].says), "'%s' does not say '%s'", r.error.message, list[i].says);
        fl_arena_free(&r.arena);
    }
}

/* The k-th allocation fails, for every k: a status, a message, no crash. */
TEST(train_survives_without_memory)
{
    const fl_recipe recipe = recipe_of(FL_ADAM);
    const fl_dataset data = noise_data(&SMALL, CLIPS);
    train_rig r;
    fl_arena_fail_at(0);
    CHECK(train_up(&r, "tiny", &recipe, &data) == FL_OK);
    const long init = fl_arena_count();
    CHECK(init > 100);
    for (long k = 1; k <= init; k++) {
        train_rig broken;
        fl_arena_fail_at(k);
        CHECK_SAY(train_up(&broken, "tiny", &recipe, &data) == FL_FAILED, "allocation %ld failed unnoticed", k);
        fl_arena_fail_at(0);
        CHECK(strstr(broken.error.message, "memory") != NULL);
        fl_arena_free(&broken.arena);
    }
    store s;
    store_up(&s);
    fl_arena_fail_at(0);
    CHECK(fl_trainer_store(&r.t, &s.bundle) == FL_OK);
    const long stored = fl_arena_count();
    for (long k = 1; k <= stored; k++) {
        store broken;
        store_up(&broken);
        fl_arena_fail_at(k);
        CHECK_SAY(fl_trainer_store(&r.t, &broken.bundle) == FL_FAILED, "allocation %ld of store failed unnoticed", k);
        fl_arena_fail_at(0);
        fl_arena_free(&broken.arena);
    }
    fl_arena_free(&s.arena);
    fl_arena_free(&r.arena);
}
