/* test_train.c: what a training run computes: against PyTorch, by hand, and on a problem that it must solve.
 *
 * The table: four steps of every network (batch 3, 8 frames of 32x32 noise, formula parameters, rate 0.01 with two
 * steps of warm-up, decay 0.01 on weights), then the logits of an unseen clip with running statistics. PyTorch 1.13
 * in float64, networks written there a second time: golden/make_golden.py, golden/reference.py. */
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "models/synth.h"
#include "tensor/par.h"
#include "tests/test.h"
#include "tests/train_rig.h"

enum { STEPS = 4, UNSEEN = 1000 };

static const struct run {
    const char *model;
    fl_optimiser_kind optimiser;
    double loss[STEPS], logits[8];
} PYTORCH[] = {
    {"tiny", FL_SGD, {3.32517860204, 1.40237638471, 3.79662277865, 2.62218774418},
     {2.02960292987, -2.81987549615, 0.84686444956, 1.36428871464, 1.52270259399}},
    {"tiny", FL_ADAM, {3.32517860204, 1.39926481217, 3.61913819385, 2.5810294128},
     {1.48508521693, -2.67253440816, 1.29960734783, 1.88527552336, 1.14530014297}},
    {"c3d_small", FL_SGD, {2.23372255888, 2.48411620894, 2.17993989308, 1.88130160882},
     {-0.788445165277, -0.149327183634, 0.515502491871, 0.405907055186, -0.982822741857, -0.636784956801,
      0.0213524471904, 0.0545239049959}},
    {"c3d_small", FL_ADAM, {2.23372255888, 2.6250292582, 2.21872772711, 1.68571326696},
     {2.80758213875, -1.88292314569, -0.336960128082, -0.817436329855, -2.07903055197, -0.558928366089,
      -0.953234093036, 0.505985618305}},
    {"r2plus1d_small", FL_SGD, {2.34919886014, 1.72067152192, 2.81061878067, 2.0189496741},
     {-0.327582824618, -2.10407473743, 0.72864609786, -0.198889400146, -1.1493275158, -0.316579139852,
      -3.02110319697, -1.01932648431}},
    {"r2plus1d_small", FL_ADAM, {2.34919886014, 1.9454561883, 2.91159990322, 2.1119701184},
     {-1.32461917311, -3.48845094589, 0.57932091661, -0.176238820777, -1.76720312509, -3.25957923229,
      -8.09312839242, 1.12775605784}},
    {"i3d_small", FL_SGD, {2.27315118226, 2.19577188994, 2.18428506439, 2.01095125056},
     {-0.704028479437, 1.30730963353, -2.95015026527, -1.40633788614, -1.41574630225, -2.50642501789,
      -1.02115572085, 0.433464254108}},
    {"i3d_small", FL_ADAM, {2.27315118226, 2.24996725655, 2.45983416034, 1.83150225306},
     {-0.328927918526, 3.69106601804, -0.393681441595, -5.38883564332, -5.68153669768, 1.05461958539,
      -2.65251977423, -1.62508903528}},
    {"tsm_small", FL_SGD, {2.68096350911, 2.32105725322, 1.9032072711, 2.66273752517},
     {-2.08877057989, -0.402403232144, -7.94555612309, 2.19632321355, -1.2485266012, -0.883057821561,
      2.03758051289, 3.17387517225}},
    {"tsm_small", FL_ADAM, {2.68096350911, 2.43304305251, 2.61711144834, 2.00783656078},
     {-3.1284970991, -1.27320005388, -3.3854613654, 1.50515130473, -1.47591593887, -1.67367034313,
      2.27362565167, 0.677935532583}},
    {"cnn_lstm_small", FL_SGD, {2.31555175619, 1.79005896006, 2.3522342687, 1.98617178104},
     {-0.211529374545, -0.196523621742, 0.0348806051767, 0.0788113545451, -0.368827961532, 0.73544049281,
      -0.354518607267, -0.0809003493382}},
    {"cnn_lstm_small", FL_ADAM, {2.31555175619, 1.99580315762, 2.44117461015, 1.89256512628},
     {0.215552995937, 0.10571422278, 0.153087915309, -0.361715627208, -0.278889594632, 0.406674267185,
      -0.2418340066, -0.0759351858425}},
    {"convlstm_small", FL_SGD, {5.04906154746, 2.17635790783, 3.33669316558, 3.86513316466},
     {-0.0544353620194, -0.192117833692, 0.205724873209, 0.740205892072, 0.11903825804, 0.199580080198,
      0.0792131254372, -0.02656518316}},
    {"convlstm_small", FL_ADAM, {5.04906154746, 2.26262011596, 4.3590057408, 3.6307370933},
     {0.192311153114, -0.0986203523679, 0.284216146209, 0.693801302802, 0.0886885061629, 0.178556232382,
      0.18127903119, 0.141537224279}},
};

/* In float32 PyTorch itself is that far from its float64: Adam divides gradients of nearly zero by themselves. */
#ifdef FL_F64
static double loss_bound(fl_optimiser_kind kind) { return kind == FL_ADAM ? 1e-9 : 1e-10; }
static double logit_bound(fl_optimiser_kind kind) { return kind == FL_ADAM ? 1e-9 : 1e-10; }
#else
static double loss_bound(fl_optimiser_kind kind) { return kind == FL_ADAM ? 1e-3 : 1e-5; }
static double logit_bound(fl_optimiser_kind kind) { return kind == FL_ADAM ? 1e-2 : 5e-4; }
#endif

static void unseen_clip(const void *user, int64_t index, unsigned char *rgb, int *label)
{
    noise_clip(user, index + UNSEEN, rgb, label);
}

static void check_run(const struct run *run)
{
    const noise o = {8, 32, fl_model_find(run->model)->classes};
    const fl_dataset data = noise_data(&o, 0);
    fl_dataset unseen = data;
    unseen.clip = unseen_clip;
    const fl_recipe recipe = {.optimiser = run->optimiser, .rate = 0.01, .momentum = 0.9, .decay = 0.01,
                              .steps = STEPS, .warm_up = 2, .batch = 3};
    train_rig r;
    if (CHECK_SAY(train_up(&r, run->model, &recipe, &data) == FL_OK, "%s: %s", run->model, r.error.message)) {
        fl_model_fill_formula(r.t.g, 1);
        for (int step = 0; fl_trainer_step(&r.t); step++)
            CHECK_SAY(fabs(r.t.loss - run->loss[step]) <= loss_bound(run->optimiser) * run->loss[step],
                      "%s, step %d: loss %.12g, wanted %.12g", run->model, step, r.t.loss, run->loss[step]);
        CHECK(r.t.step == STEPS);
        fl_trainer_accuracy(&r.t, &unseen, 1);
        const real *logits = fl_graph_value(r.t.judge, r.t.judge_net.logits);
        double largest = 0;
        for (int c = 0; c < o.classes; c++) largest = fmax(largest, fabs(run->logits[c]));
        for (int c = 0; c < o.classes; c++)
            CHECK_SAY(fabs((double)logits[c] - run->logits[c]) <= logit_bound(run->optimiser) * largest,
                      "%s, logit %d: %.12g, wanted %.12g", run->model, c, (double)logits[c], run->logits[c]);
    }
    fl_arena_free(&r.arena);
}

TEST(train_follows_pytorch)
{
    for (size_t i = 0; i < sizeof PYTORCH / sizeof *PYTORCH; i++) check_run(&PYTORCH[i]);
}

/* ---- running statistics: a convolution and two moments by hand ---- */

enum { SIZE = 8, HALF = SIZE / 2, FRAMES = 3, CLIPS = 2, OUT = 8, PIXELS = CLIPS * FRAMES * HALF * HALF };

/* Channel o of tiny's first convolution: 3x3x3, stride 1,2,2, padding 1, no bias. Arrays are channels last. */
static void stem(const real *x, const real *w, int o, double y[PIXELS])
{
    for (int p = 0; p < PIXELS; p++) {
        const int n = p / HALF / HALF / FRAMES, t0 = p / HALF / HALF % FRAMES;
        const int h0 = p / HALF % HALF * 2, w0 = p % HALF * 2;
        y[p] = 0;
        for (int k = 0; k < 27; k++) {
            const int t = t0 + k / 9 - 1, h = h0 + k / 3 % 3 - 1, column = w0 + k % 3 - 1;
            if (t < 0 || t >= FRAMES || h < 0 || h >= SIZE || column < 0 || column >= SIZE) continue;
            const int64_t at = (((int64_t)n * FRAMES + t) * SIZE + h) * SIZE + column;
            for (int c = 0; c < 3; c++) y[p] += (double)x[at * 3 + c] * (double)w[(o * 27 + k) * 3 + c];
        }
    }
}

static void moments(const double y[PIXELS], double *mean, double *unbiased)
{
    *mean = *unbiased = 0;
    for (int p = 0; p < PIXELS; p++) *mean += y[p] / PIXELS;
    for (int p = 0; p < PIXELS; p++) *unbiased += (y[p] - *mean) * (y[p] - *mean) / (PIXELS - 1);
}

TEST(train_running_statistics_by_hand)
{
    const double bound = sizeof(real) == 8 ? 1e-13 : 1e-6;
    const noise o = {FRAMES, SIZE, 5};
    const fl_dataset data = noise_data(&o, 0);
    const fl_recipe recipe = {.optimiser = FL_SGD, .rate = 0.1, .steps = 3, .batch = CLIPS, .seed = 4};
    double mean[OUT] = {0}, var[OUT], y[PIXELS];
    train_rig r;
    if (CHECK_SAY(train_up(&r, "tiny", &recipe, &data) == FL_OK, "%s", r.error.message)) {
        const fl_graph *g = r.t.g;
        const real *running_mean = fl_graph_value(g, fl_graph_find(g, "stem_bn.running_mean"));
        const real *running_var = fl_graph_value(g, fl_graph_find(g, "stem_bn.running_var"));
        const real *weight = fl_graph_value(g, fl_graph_find(g, "stem.weight"));
        real before[OUT * 27 * 3];
        for (int c = 0; c < OUT; c++) {
            var[c] = 1;
            CHECK(running_mean[c] == 0 && running_var[c] == 1);
        }
        for (int step = 0; step < 3; step++) {
            memcpy(before, weight, sizeof before);       /* the step uses them before it moves them */
            fl_trainer_step(&r.t);
            for (int c = 0; c < OUT; c++) {
                double m, v;
                stem(fl_graph_value(g, r.t.net.input), before, c, y);
                moments(y, &m, &v);
                mean[c] = 0.9 * mean[c] + 0.1 * m;
                var[c] = 0.9 * var[c] + 0.1 * v;
                CHECK_NEAR((double)running_mean[c], mean[c], bound);
                CHECK_NEAR((double)running_var[c], var[c], bound * var[c]);
            }
        }
    }
    fl_arena_free(&r.arena);
}

/* ---- it learns ---- */

/* Which way do the stripes run? 80 steps; chance is one in four. */
TEST(train_solves_a_small_problem)
{
    const fl_synth_options learn = {.seed = 1, .frames = 4, .height = 24, .width = 24, .kind = FL_SYNTH_ONE_REGION};
    fl_synth_options judge = learn;
    judge.seed = 2;
    const fl_dataset data = fl_dataset_synth(&learn), unseen = fl_dataset_synth(&judge);
    const fl_recipe recipe = {.optimiser = FL_ADAM, .rate = 0.02, .decay = 1e-4, .steps = 80, .warm_up = 5,
                              .batch = 16, .classes = FL_SYNTH_PATTERNS, .seed = 3};
    double first = 0, last = 0;
    train_rig r;
    if (CHECK_SAY(train_up(&r, "tiny", &recipe, &data) == FL_OK, "%s", r.error.message)) {
        const double before = fl_trainer_accuracy(&r.t, &unseen, 64);
        while (fl_trainer_step(&r.t)) {
            if (r.t.step <= 8) first += r.t.loss / 8;
            if (r.t.step > 72) last += r.t.loss / 8;
        }
        const double after = fl_trainer_accuracy(&r.t, &unseen, 64);
        CHECK_SAY(last < 0.5 * first, "loss %g at first, %g at last", first, last);
        CHECK_SAY(after > 0.7 && after > before + 0.2, "accuracy %g before, %g after", before, after);
    }
    fl_arena_free(&r.arena);
}

/* ---- the order of clips ---- */

typedef struct census { noise o; int *seen; int64_t *order; int64_t drawn; } census;

static void counted_clip(const void *user, int64_t index, unsigned char *rgb, int *label)
{
    census *c = *(census *const *)user;                  /* the test runs on one thread */
    c->order[c->drawn++] = index;
    c->seen[index]++;
    memset(rgb, 0, (size_t)c->o.frames * (size_t)c->o.size * (size_t)c->o.size * 3);
    *label = 0;
}

enum { COUNT = 11, BATCH = 4, EPOCHS = 4 };

static void draw(int64_t count, uint64_t seed, int seen[], int64_t order[COUNT * EPOCHS])
{
    census c = {{2, 8, 5}, seen, order, 0}, *at = &c;
    fl_dataset data = noise_data(&c.o, count);
    data.user = &at;
    data.clip = counted_clip;
    const fl_recipe recipe = {.optimiser = FL_SGD, .steps = COUNT * EPOCHS / BATCH, .batch = BATCH, .seed = seed};
    train_rig r;
    fl_threads_set(1);
    if (CHECK_SAY(train_up(&r, "tiny", &recipe, &data) == FL_OK, "%s", r.error.message))
        while (fl_trainer_step(&r.t)) continue;
    CHECK(c.drawn == COUNT * EPOCHS);
    fl_arena_free(&r.arena);
    fl_threads_set(0);
}

/* ---- which sums ---- */

/* Shipped weights can be made again bit for bit, whatever becomes of fast algorithms. */
TEST(train_shipped_networks_sum_in_the_documented_order)
{
    const fl_recipe recipe = {.optimiser = FL_SGD, .rate = 0.1, .steps = 1, .batch = 2, .seed = 1};
    for (int i = 0; fl_model_table[i] && fl_model_table[i]->parameters < 1000000; i++) {
        const fl_model *m = fl_model_table[i];
        const noise o = {m->input.frames, m->input.height, m->classes};
        const fl_dataset data = noise_data(&o, 2);
        train_rig r;
        int convolutions = 0, fast = 0;
        CHECK_SAY(train_up(&r, m->name, &recipe, &data) == FL_OK, "%s: %s", m->name, r.error.message);
        for (fl_id k = 0; fl_graph_ok(r.t.g) && k < r.t.g->count; k++) {
            const fl_node *node = &r.t.g->node[k];
            if (node->op->kind != FL_OP_conv || (node->in_shape[1].t == 1 && node->in_shape[1].h == 1)) continue;    /* of one tap */
            convolutions++;
            fast += !node->direct;
        }
        CHECK_SAY(convolutions > 0 && fast == 0, "%s: %d of %d weights may be used by a fast algorithm", m->name, fast, convolutions);
        fl_arena_free(&r.arena);
    }
}

/* Where channels are many, graphs that train use it: the way to the input as well, and the gradient is that of the values. */
TEST(train_wide_convolutions_are_fast)
{
    enum { C = 64 };
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    fl_graph *g = fl_graph_new(&arena);
    const fl_window win = fl_window_cube(1, 3, 3, 1, 1, 1);
    fl_id leaf[4] = {fl_node_input(g, "x", (fl_shape){1, C, 1, 12, 12})};
    for (int i = 1; i < 4; i++)
        leaf[i] = fl_node_param(g, i == 1 ? "w1" : i == 2 ? "w2" : "b", i < 3 ? (fl_shape){C, C, 1, 3, 3} : fl_shape_vector(1, C));
    const fl_id h = fl_node_conv(g, "h", leaf[0], leaf[1], leaf[3], win, 1);
    const fl_id y = fl_node_conv(g, "y", fl_node_tanh(g, "t", h), leaf[2], FL_NONE, win, 1);
    const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .root = y, .wrt = leaf, .n_wrt = 4};
    for (int i = 0; fl_graph_ok(g) && i < 4; i++) {
        const int64_t count = fl_shape_count(fl_graph_shape(g, leaf[i]));
        fl_rng_fill_normal(8, (uint64_t)i, 0, fl_graph_value(g, leaf[i]), count);
        fl_scale(fl_graph_value(g, leaf[i]), i == 0 ? 1 : R(0.05), count);
    }
    fl_gradcheck result;
    if (CHECK_SAY(fl_graph_plan(g, &plan) == FL_OK, "%s", error.message)) {
        CHECK(!g->node[h].direct && !g->node[y].direct);
        fl_gradcheck_run(g, leaf, 4, &(fl_gradcheck_options){.samples = 3, .seed = 5}, &result);
        CHECK_SAY(result.worst <= 1e-2 && result.directional <= 1e-2, "%g at %s, %g", result.worst, result.where, result.directional);
    }
    fl_arena_free(&arena);
}

/* Batches of 4 out of 11 clips: they run across the ends of epochs, and still every epoch has every clip once. */
TEST(train_sees_every_clip_once_in_an_epoch)
{
    int seen[COUNT] = {0}, again[COUNT] = {0}, other[COUNT] = {0};
    int64_t order[COUNT * EPOCHS], repeated[COUNT * EPOCHS], different[COUNT * EPOCHS];
    draw(COUNT, 1, seen, order);
    for (int e = 0; e < EPOCHS; e++) {
        unsigned set = 0;
        for (int i = 0; i < COUNT; i++) set |= 1u << order[e * COUNT + i];
        CHECK_SAY(set == (1u << COUNT) - 1, "epoch %d saw the set %x", e, set);
        for (int f = 0; f < e; f++)
            CHECK_SAY(memcmp(order + e * COUNT, order + f * COUNT, COUNT * sizeof *order) != 0,
                      "epochs %d and %d are alike", e, f);
    }
    draw(COUNT, 1, again, repeated);
    draw(COUNT, 2, other, different);
    CHECK(memcmp(order, repeated, sizeof order) == 0);
    CHECK(memcmp(order, different, sizeof order) != 0);
}

TEST(train_takes_endless_clips_as_they_come)
{
    int seen[COUNT * EPOCHS] = {0};
    int64_t order[COUNT * EPOCHS];
    draw(0, 1, seen, order);
    for (int i = 0; i < COUNT * EPOCHS; i++) CHECK(order[i] == i && seen[i] == 1);
}

/* ---- judging ---- */

/* A head whose bias decides: class 2 always. Clips have class i mod 5, so the share of hits is known. */
TEST(train_accuracy_is_the_share_of_hits)
{
    const noise o = {2, 8, 5};
    const fl_dataset few = noise_data(&o, 8), endless = noise_data(&o, 0);
    const fl_recipe recipe = {.optimiser = FL_SGD, .rate = 0.1, .steps = 1, .batch = 3, .seed = 1};
    train_rig r;
    if (CHECK_SAY(train_up(&r, "tiny", &recipe, &few) == FL_OK, "%s", r.error.message)) {
        fl_graph_value(r.t.g, fl_graph_find(r.t.g, "fc.bias"))[2] = 1000;
        CHECK(fl_trainer_accuracy(&r.t, &endless, 10) == 0.2);          /* clips 2 and 7 */
        CHECK(fl_trainer_accuracy(&r.t, &endless, 8) == 0.25);          /* the last batch is not full */
        CHECK(fl_trainer_accuracy(&r.t, &endless, 2) == 0);
        CHECK(fl_trainer_accuracy(&r.t, &endless, 0) == 0);
        CHECK(fl_trainer_accuracy(&r.t, &few, 1000) == 0.25);           /* there are 8 */
    }
    fl_arena_free(&r.arena);
}
