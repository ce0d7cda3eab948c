/* train.c: batches in, gradients down, parameters moved. */
#include "models/train.h"

#include "autograd/ops.h"
#include "models/synth.h"
#include "tensor/math.h"
#include "tensor/par.h"

#include <stdio.h>
#include <string.h>

enum { STREAM_SHUFFLE = 1, MOST_CLIPS = 1024 };        /* per batch */

/* ---- data ---- */

static void synth_clip(const void *user, int64_t index, unsigned char *rgb, int *label)
{
    fl_synth_truth truth;
    fl_synth_clip(user, (uint64_t)index, rgb, NULL, &truth);
    *label = truth.label;
}

fl_dataset fl_dataset_synth(const fl_synth_options *o)
{
    return (fl_dataset){.user = o, .frames = o->frames, .height = o->height, .width = o->width, .clip = synth_clip};
}

static int64_t clip_bytes(const fl_dataset *s) { return (int64_t)s->frames * s->height * s->width * 3; }

/* v = (byte * white / 255 - mean) / std, channel order of the card */
static void normalise(const fl_card_input *card, const unsigned char *rgb, int64_t pixels, real *to)
{
    for (int64_t p = 0; p < pixels; p++)
        for (int c = 0; c < 3; c++)
            to[3 * p + c] = (real)((rgb[3 * p + (card->bgr ? 2 - c : c)] * card->white / 255 - card->mean[c]) / card->std[c]);
}

/* Clip number `place` of the training order. Endless data is its own order. */
static int64_t index_at(fl_trainer *t, int64_t place)
{
    const int64_t count = t->data.count;
    if (!count) return place;
    if (place / count != t->epoch) {
        t->epoch = place / count;
        for (int i = 0; i < (int)count; i++) t->order[i] = i;
        fl_rng rng = {t->recipe.seed, STREAM_SHUFFLE + (uint64_t)t->epoch, 0};
        fl_rng_shuffle(t->order, (int)count, &rng);
    }
    return t->order[place % count];
}

/* Clips index[0..n-1] into the first n samples of an input; labels beside. */
static void fill_batch(fl_trainer *t, const fl_dataset *data, int n, const int64_t *index, real *input)
{
    const int64_t bytes = clip_bytes(data);
    fl_assert(bytes == clip_bytes(&t->data));
    FL_PARALLEL(i, n, n * 1e6) {
        data->clip(data->user, index[i], t->bytes + i * bytes, &t->labels[i]);
        normalise(&t->model->input, t->bytes + i * bytes, bytes / 3, input + i * bytes);
    }
}

/* ---- building ---- */

static fl_network build_side(fl_trainer *t, fl_graph *g, bool training)
{
    const fl_model_options o = {.n = t->recipe.batch, .frames = t->data.frames, .height = t->data.height,
                                .width = t->data.width, .classes = t->recipe.classes, .training = training};
    return fl_model_build(g, t->model, &o);
}

static bool is_trained(const fl_trainer *t, const fl_node *node)
{
    return node->role == FL_PARAM && strncmp(node->name, t->lesson->part, strlen(t->lesson->part)) == 0;
}

static bool list_parameters(fl_trainer *t)
{
    t->params = FL_NEW(t->arena, fl_id, t->g->count);
    for (int k = 0; k < 2; k++) t->state[k] = FL_NEW(t->arena, real *, t->g->count);
    if (!t->params || !t->state[0] || !t->state[1]) return false;
    for (fl_id i = 0; i < t->g->count; i++) {
        if (!is_trained(t, &t->g->node[i])) continue;
        for (int k = 0; k < fl_optimiser_states(&t->optimiser); k++) {
            t->state[k][t->n_params] = FL_NEW(t->arena, real, fl_shape_count(t->g->node[i].shape));
            if (!t->state[k][t->n_params]) return false;
        }
        t->params[t->n_params++] = i;
    }
    return true;
}

/* The lesson of a classifier. */
static fl_status build_classes(fl_trainer *t, void *user)
{
    (void)user;
    t->net = build_side(t, t->g, true);
    t->judge_net = build_side(t, t->judge, false);
    t->target = fl_node_input(t->g, "target", fl_graph_shape(t->g, t->net.logits));
    t->loss_node = fl_node_cross_entropy(t->g, "loss", t->net.logits, t->target);
    return t->arena->error->status;
}

static void prepare_classes(fl_trainer *t, void *user)
{
    (void)user;
    real *target = fl_graph_value(t->g, t->target);
    const int n = t->recipe.batch, classes = fl_graph_shape(t->g, t->net.logits).c;
    memset(target, 0, (size_t)(n * classes) * sizeof *target);
    for (int i = 0; i < n; i++) {
        fl_assert(t->labels[i] >= 0 && t->labels[i] < classes);
        target[i * classes + t->labels[i]] = 1;
    }
}

static int right_classes(const fl_trainer *t, void *user)
{
    (void)user;
    int right = 0;
    const int classes = fl_graph_shape(t->g, t->net.logits).c;
    const real *logits = fl_graph_value(t->g, t->net.logits);
    for (int i = 0; i < t->recipe.batch; i++) right += fl_trainer_best_class(logits + i * classes, classes) == t->labels[i];
    return right;
}

static const fl_lesson CLASSES = {"", build_classes, prepare_classes, right_classes};

static fl_status build_graphs(fl_trainer *t)
{
    t->g = fl_graph_new(t->arena);
    t->judge = fl_graph_new(t->arena);
    if (!t->g || !t->judge || t->lesson->build(t, t->user)) return t->arena->error->status;
    if (!fl_graph_ok(t->g) || !list_parameters(t)) return t->arena->error->status;
    const fl_id out[2] = {t->net.logits, t->loss_node};
    fl_graph_plan(t->g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = out, .n_out = 2, .root = t->loss_node,
                                   .wrt = t->params, .n_wrt = t->n_params});
    const fl_id judged[2] = {t->judge_net.logits, t->judge_net.output};
    const int n_judged = t->judge_net.output == t->judge_net.logits ? 1 : 2;
    return fl_graph_plan(t->judge, &(fl_plan){.keep = FL_KEEP_OUTPUTS, .out = judged, .n_out = n_judged});
}

static fl_status check_recipe(const fl_recipe *r, const fl_dataset *data, fl_error *error)
{
    if (r->batch < 1 || r->batch > MOST_CLIPS)
        return fl_error_set(error, FL_USAGE, "training: expected a batch of 1 to %d clips, got %d", MOST_CLIPS, r->batch);
    if (data->count < 0 || data->count > INT32_MAX)
        return fl_error_set(error, FL_USAGE, "training: expected at most %d clips, got %lld; 0 stands for endless data", INT32_MAX,
                            (long long)data->count);
    return FL_OK;
}

fl_status fl_trainer_init(fl_trainer *t, fl_arena *arena, const fl_model *model, const fl_recipe *recipe, const fl_dataset *data)
{
    return fl_trainer_init_lesson(t, arena, model, recipe, data, &CLASSES, NULL);
}

fl_status fl_trainer_init_lesson(fl_trainer *t, fl_arena *arena, const fl_model *model, const fl_recipe *recipe,
                                 const fl_dataset *data, const fl_lesson *lesson, void *user)
{
    if (check_recipe(recipe, data, arena->error) != FL_OK) return arena->error->status;
    *t = (fl_trainer){.model = model, .lesson = lesson, .user = user, .recipe = *recipe, .data = *data, .arena = arena, .epoch = -1};
    t->optimiser = recipe->optimiser == FL_ADAM ? fl_optimiser_adam(recipe->rate) : fl_optimiser_sgd(recipe->rate, recipe->momentum, 0);
    t->bytes = FL_NEW(arena, unsigned char, recipe->batch * clip_bytes(data));
    t->labels = FL_NEW(arena, int, recipe->batch);
    t->order = FL_NEW(arena, int, data->count);
    if (!t->bytes || !t->labels || !t->order) return arena->error->status;
    fl_status status = build_graphs(t);
    if (status != FL_OK) return status;
    for (fl_id i = 0; i < t->g->count; i++)
        if (strncmp(t->g->node[i].name, lesson->part, strlen(lesson->part)) == 0) fl_model_fill_random_node(t->g, i, recipe->seed);
    fl_graph_touch(t->g);
    return FL_OK;
}

/* ---- a step ---- */

static double rate_now(const fl_recipe *r, int64_t step)
{
    if (step < r->warm_up) return r->rate * (double)(step + 1) / (double)r->warm_up;
    return r->rate * 0.5 * (1 + fl_cos64(FL_PI * (double)(step - r->warm_up) / (double)(r->steps - r->warm_up)));
}

/* The stored statistics beside the gamma of a norm: scope.weight -> scope.running_mean. */
static real *running(const fl_graph *g, fl_id gamma, const char *which)
{
    char name[512];
    const int scope = (int)(strlen(g->node[gamma].name) - strlen("weight"));
    snprintf(name, sizeof name, "%.*s%s", scope, g->node[gamma].name, which);
    const fl_id id = fl_graph_find(g, name);
    fl_assert(id != FL_NONE);
    return fl_graph_value(g, id);
}

/* Every norm whose mean is computed: batchnorm <- slice <- moments. */
static void update_running_statistics(fl_trainer *t)
{
    const fl_graph *g = t->g;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *norm = &g->node[i];
        if (norm->op->kind != FL_OP_batchnorm || g->node[norm->in[3]].role != FL_COMPUTED) continue;
        const fl_node *node = &g->node[g->node[norm->in[3]].in[0]];
        const int channels = node->shape.c;
        const double pixels = (double)fl_shape_pixels(node->in_shape[0]), unbiased = pixels > 1 ? pixels / (pixels - 1) : 1;
        real *mean = running(g, norm->in[1], "running_mean"), *var = running(g, norm->in[1], "running_var");
        for (int c = 0; c < channels; c++) {
            mean[c] = (real)(0.9 * (double)mean[c] + 0.1 * (double)node->value[c]);
            var[c] = (real)(0.9 * (double)var[c] + 0.1 * (double)node->value[channels + c] * unbiased);
        }
    }
}

int fl_trainer_best_class(const real *logits, int classes)
{
    int best = 0;
    for (int c = 1; c < classes; c++)
        if (logits[c] > logits[best]) best = c;
    return best;
}

static void move_parameters(fl_trainer *t)
{
    t->optimiser.rate = rate_now(&t->recipe, t->step);
    fl_optimiser_begin(&t->optimiser);
    for (int i = 0; i < t->n_params; i++) {
        const fl_node *node = &t->g->node[t->params[i]];
        const bool is_vector = node->shape.n == 1;           /* biases and norms */
        fl_optimiser_update(&t->optimiser, fl_shape_count(node->shape), node->value, node->signal, t->state[0][i],
                            t->state[1][i], is_vector ? 0 : t->recipe.decay);
    }
    fl_graph_touch(t->g);
}

bool fl_trainer_step(fl_trainer *t)
{
    int64_t index[MOST_CLIPS] = {0};
    real seed[MOST_CLIPS] = {0};
    const int n = t->recipe.batch;
    if (t->step >= t->recipe.steps) return false;
    for (int i = 0; i < n; i++) index[i] = index_at(t, t->step * n + i);
    for (int i = 0; i < n; i++) seed[i] = (real)(1.0 / n);
    fill_batch(t, &t->data, n, index, fl_graph_value(t->g, t->net.input));
    t->lesson->prepare(t, t->user);
    fl_graph_forward(t->g);
    t->loss = fl_sum(fl_graph_value(t->g, t->loss_node), n) / n;
    t->correct = t->lesson->right(t, t->user);
    update_running_statistics(t);
    fl_graph_backward(t->g, seed);
    move_parameters(t);
    t->step++;
    return true;
}

/* ---- judging ---- */

void fl_trainer_hand_over(fl_trainer *t)
{
    const char *part = t->lesson->part;
    for (fl_id i = 0; i < t->judge->count; i++) {
        const fl_node *node = &t->judge->node[i];
        if ((node->role != FL_PARAM && node->role != FL_BUFFER) || strncmp(node->name, part, strlen(part)) != 0) continue;
        fl_graph_set(t->judge, i, fl_graph_value(t->g, fl_graph_find(t->g, node->name)));
    }
}

void fl_trainer_fill(fl_trainer *t, const fl_dataset *data, int n, int64_t first, real *input)
{
    int64_t index[MOST_CLIPS];
    for (int i = 0; i < n; i++) index[i] = first + i;
    fill_batch(t, data, n, index, input);
}

double fl_trainer_accuracy(fl_trainer *t, const fl_dataset *data, int64_t count)
{
    int64_t correct = 0;
    const int n = t->recipe.batch, classes = fl_graph_shape(t->judge, t->judge_net.logits).c;
    if (data->count && count > data->count) count = data->count;
    if (count < 1) return 0;
    fl_trainer_hand_over(t);
    for (int64_t first = 0; first < count; first += n) {
        const int m = count - first < n ? (int)(count - first) : n;
        fl_trainer_fill(t, data, m, first, fl_graph_value(t->judge, t->judge_net.input));
        fl_graph_forward(t->judge);
        const real *logits = fl_graph_value(t->judge, t->judge_net.logits);
        for (int i = 0; i < m; i++) correct += fl_trainer_best_class(logits + i * classes, classes) == t->labels[i];
    }
    return (double)correct / (double)count;
}
