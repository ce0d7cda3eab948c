/* masker_train.c: what a masker learns from (Dabkowski and Gal 2017, section 4), as nodes of one graph with the classifier.
 *
 *   apply(x, m) = m (x + noise) + (1 - m) substrate        substrate: one colour and noise, or for every second row a blur of x
 *   kept = apply(x, mask), left = apply(x, 1 - mask)                                         z: logits, z_o the strongest other one
 *
 *   loss = max(0, z_y(left) - z_o(left) + 5) + 0.3 max(0, z_o(kept) - z_y(kept) + 1)
 *        + 8 mean((mask + 0.0005)^0.3) + 0.005 / 2 (squared differences of neighbours + 0.3 squared border)
 *        + cross-entropy of (-exists / 2, exists / 2) against: is the class there
 *
 * Where the masker is asked for a class that the clip does not show, left must show the true one (by 1) and kept must not. The paper
 * trains the selector first and the decoder after it; here both learn at once, and no signal of the mask reaches the selector. */
#include "models/masker.h"

#include "autograd/graft.h"
#include "tensor/par.h"

#include <string.h>

fl_masking fl_masking_default(void)
{
    return (fl_masking){.area = 8, .smoothness = 0.005, .preserved = 0.3, .fakes = 0.3, .kept_margin = 1, .left_margin = 5};
}

/* ---- the graph ---- */

static const unsigned PLACES = 1u << FL_AXIS_C | 1u << FL_AXIS_T | 1u << FL_AXIS_H | 1u << FL_AXIS_W;

static fl_id constant(fl_graph *g, const char *name, double value)
{
    const fl_id id = fl_node_input(g, name, fl_shape_vector(1, 1));
    if (id != FL_NONE) *fl_graph_value(g, id) = (real)value;
    return id;
}

static fl_id times(fl_graph *g, const char *name, fl_id x, double factor)
{
    const size_t mark = fl_graph_enter(g, "%s", name);
    const fl_id y = fl_node_mul(g, "times", x, constant(g, "factor", factor));
    fl_graph_leave(g, mark);
    return y;
}

static fl_id twice(fl_graph *g, const char *name, fl_id first, fl_id second)
{
    return fl_node_concat(g, name, FL_AXIS_N, 2, (const fl_id[]){first, second});
}

/* Rows 0 .. N-1: what the mask leaves; N .. 2N-1: what it keeps. */
static fl_id changed(fl_graph *g, fl_shape clip, fl_masking_nodes *m)
{
    const fl_shape both = {2 * clip.n, clip.c, clip.t, clip.h, clip.w};
    const int side = clip.h > clip.w ? clip.h : clip.w;
    const fl_blur blur = fl_blur_frames(11.0 * side / 224, FL_BORDER_NEAREST);
    const fl_id one = constant(g, "one", 1), minus = times(g, "minus_mask", m->masker.mask, -1), rest = fl_node_add(g, "rest", minus, one);
    const fl_id mask = twice(g, "masks", rest, m->masker.mask);
    m->noise = fl_node_input(g, "noise", both);
    m->colour = fl_node_input(g, "colour", both);
    m->blurred = fl_node_input(g, "blurred", fl_shape_vector(both.n, 1));
    const fl_id soft = fl_node_blur(g, "soft", m->input, blur);
    const fl_id x = fl_node_add(g, "noisy", twice(g, "clips", m->input, m->input), m->noise);
    const fl_id substrate = fl_node_add(g, "substrate",
                                        fl_node_mul(g, "soft_or_none", twice(g, "softs", soft, soft), m->blurred), m->colour);
    return fl_node_blend(g, "changed", x, substrate, mask);
}

/* sign (z_y - z_o) + margin, at least 0 (Carlini and Wagner 2017). z_o is the largest logit with z_y out of the way. */
static fl_id evidence(fl_graph *g, int classes, fl_masking_nodes *m)
{
    const int rows = fl_graph_shape(g, m->logits).n;
    const fl_window all = {{1, 1, classes}, {1, 1, 1}, {1, 1, 1}, {0}, {0}};
    const size_t mark = fl_graph_enter(g, "evidence");
    const fl_id label = twice(g, "labels", m->label, m->label);
    const fl_id own = fl_node_sum(g, "own", fl_node_mul(g, "of_label", m->logits, label), 1u << FL_AXIS_C);
    const fl_id others = fl_node_add(g, "others", m->logits, times(g, "away", label, -1e6));
    const fl_id line = fl_node_reshape(g, "line", others, (fl_shape){rows, 1, 1, 1, classes});
    const fl_id lead = fl_node_add(g, "lead", own, times(g, "minus_other", fl_node_maxpool(g, "other", line, all, false), -1));
    m->sign = fl_node_input(g, "sign", fl_shape_vector(rows, 1));
    m->margin = fl_node_input(g, "margin", fl_shape_vector(rows, 1));
    const fl_id y = fl_node_relu(g, "loss", fl_node_add(g, "short", fl_node_mul(g, "signed", lead, m->sign), m->margin));
    fl_graph_leave(g, mark);
    return y;
}

static fl_id area(fl_graph *g, fl_id mask, double weight)
{
    const size_t mark = fl_graph_enter(g, "area");
    const fl_id raised = fl_node_power(g, "raised", fl_node_add(g, "above", mask, constant(g, "least", 0.0005)), 0.3);
    const fl_id y = times(g, "weighed", fl_node_mean(g, "mean", raised, PLACES), weight);
    fl_graph_leave(g, mark);
    return y;
}

/* Inner differences and 0.3 times the border's squares: 0.7 of the mask's own, 0.3 of the mask's in a frame of zeros. */
static fl_id smoothness(fl_graph *g, fl_id mask, double weight)
{
    const fl_shape s = fl_graph_shape(g, mask);
    const int one[5] = {0, 0, 0, 1, 1};
    const double inner = 0.7 / 2 / s.t, outer = 0.3 / 2 / s.t;
    const size_t mark = fl_graph_enter(g, "smoothness");
    const fl_id own = fl_node_variation(g, "inner", mask, FL_NONE, 2, (const double[]){inner, inner, inner});
    const fl_id framed = fl_node_variation(g, "framed", fl_node_pad(g, "frame", mask, one, one), FL_NONE, 2,
                                           (const double[]){outer, outer, outer});
    const fl_id y = times(g, "weighed", fl_node_add(g, "both", own, framed), weight * 224 / (s.h > s.w ? s.h : s.w));
    fl_graph_leave(g, mark);
    return y;
}

/* Whether the class that was asked for is there. */
static fl_id existence(fl_graph *g, fl_masking_nodes *m)
{
    const size_t mark = fl_graph_enter(g, "existence");
    const fl_id no = times(g, "no", m->masker.exists, -0.5), yes = times(g, "yes", m->masker.exists, 0.5);
    const fl_id logits = fl_node_concat(g, "logits", FL_AXIS_C, 2, (const fl_id[]){no, yes});
    m->real_or_fake = fl_node_input(g, "truth", fl_graph_shape(g, logits));
    const fl_id y = fl_node_cross_entropy(g, "loss", logits, m->real_or_fake);
    fl_graph_leave(g, mark);
    return y;
}

static void build_loss(fl_graph *g, const fl_masking *how, int n, int classes, fl_masking_nodes *m)
{
    const fl_id rows = evidence(g, classes, m);
    const fl_id left = fl_node_slice(g, "of_left", rows, FL_AXIS_N, 0, n), kept = fl_node_slice(g, "of_kept", rows, FL_AXIS_N, n, 2 * n);
    const fl_id shown = fl_node_add(g, "shown", left, times(g, "preserved", kept, how->preserved));
    const fl_id rough = smoothness(g, m->masker.mask, how->smoothness), size = area(g, m->masker.mask, how->area);
    const fl_id shape = fl_node_add(g, "shape", size, rough), exists = existence(g, m);
    m->loss = fl_node_add(g, "loss", fl_node_add(g, "of_mask", shown, shape), exists);
}

void fl_masking_build(fl_graph *g, const fl_masker_lesson *o, int n, bool training, fl_masking_nodes *m)
{
    const fl_graph *from = o->classifier;
    fl_id feature[FL_MASKER_FEATURES];
    fl_shape clip = fl_graph_shape(from, o->net.input);
    const int classes = fl_graph_shape(from, o->net.logits).c, count = fl_masker_features(from, o->net, feature);
    clip.n = n;
    if (!count) {
        if (fl_graph_ok(g)) fl_error_set(g->error, from->error->status, "%s", from->error->message);
        return;
    }
    m->input = fl_node_input(g, "clip", clip);
    fl_graft(g, from, o->net.input, o->net.cam, m->input);
    if (!fl_graph_ok(g)) return;
    for (int k = 0; k < count; k++) feature[k] = fl_graph_find(g, from->node[feature[k]].name);
    g->batch_statistics = training;
    m->masker = fl_masker_build(g, count, feature, clip, classes);
    const size_t mark = fl_graph_enter(g, "masking");
    m->label = fl_node_input(g, "label", fl_shape_vector(n, classes));
    const fl_id x = changed(g, clip, m);
    m->logits = fl_graft(g, from, o->net.input, o->net.logits, x);
    if (fl_graph_ok(g)) build_loss(g, &o->how, n, classes, m);
    fl_graph_leave(g, mark);
}

/* ---- a batch ---- */

enum { FAKE = 0x4d000000, OTHER, BLUR, COLOUR, FIELD, PLACE };      /* streams */

/* y = at + step * field, from place `from` of the field on, in a circle; channel c of `pixels` pixels. */
static void fill_channel(const real *field, int64_t from, double at, double step, fl_shape s, int c, real *y)
{
    const int64_t values = fl_shape_count(s) / s.n;
    for (int64_t i = c; i < values; i += s.c) y[i] = (real)(at + step * (double)field[i + from < values ? i + from : i + from - values]);
}

/* Noise and substrates of both rows of every clip. A step's normal numbers are one field that every row enters at another place. first:
 * the number of the first clip; step: whose field. */
static void draw_changes(const fl_trainer *t, fl_graph *g, const fl_masking_nodes *m, int64_t first, int64_t step)
{
    const fl_card_input *card = &t->model->input;
    const fl_shape s = fl_graph_shape(g, m->noise);
    const int64_t values = fl_shape_count(s) / s.n;
    const int n = s.n / 2;
    const uint64_t seed = t->recipe.seed;
    real *field = ((const fl_masker_lesson *)t->user)->field;
    fl_rng_fill_normal(seed, FIELD + ((uint64_t)step << 32), 0, field, values);
    FL_PARALLEL(row, s.n, (double)fl_shape_count(s) * 4) {
        const uint64_t number = (uint64_t)(2 * (first + row % n) + row / n);
        const bool blurred = fl_rng_uniform(seed, BLUR, number) < 0.5;
        const int64_t from = (int64_t)(fl_rng_uniform(seed, PLACE, 2 * number) * (double)values);
        const int64_t other = (int64_t)(fl_rng_uniform(seed, PLACE, 2 * number + 1) * (double)values);
        real *colour = fl_graph_value(g, m->colour) + row * values;
        fl_graph_value(g, m->blurred)[row] = blurred;
        if (blurred) memset(colour, 0, (size_t)values * sizeof *colour);
        for (int c = 0; c < s.c; c++) {
            const double unit = card->white / 2 / card->std[c], grey = (card->white / 2 - card->mean[c]) / card->std[c];
            const double tint = 0.66 * fl_rng_uniform(seed, COLOUR, number * (uint64_t)s.c + (uint64_t)c) - 0.33;
            fill_channel(field, from, 0, 0.03 * unit, s, c, fl_graph_value(g, m->noise) + row * values);
            if (!blurred) fill_channel(field, other, grey + unit * tint, 0.11 * unit, s, c, colour);
        }
    }
}

/* Which class the masker is asked for, and what the loss wants of clip i. */
static void ask(fl_graph *g, const fl_masking_nodes *m, const fl_masking *how, int n, int i, int label, int asked)
{
    const int classes = fl_graph_shape(g, m->label).c;
    const bool fake = asked != label;
    real *sign = fl_graph_value(g, m->sign), *margin = fl_graph_value(g, m->margin);
    memset(fl_graph_value(g, m->label) + (int64_t)i * classes, 0, (size_t)classes * sizeof(real));
    memset(fl_graph_value(g, m->masker.target) + (int64_t)i * classes, 0, (size_t)classes * sizeof(real));
    fl_graph_value(g, m->label)[i * classes + label] = 1;
    fl_graph_value(g, m->masker.target)[i * classes + asked] = 1;
    fl_graph_value(g, m->real_or_fake)[2 * i] = fake;
    fl_graph_value(g, m->real_or_fake)[2 * i + 1] = !fake;
    sign[i] = fake ? -1 : 1;
    sign[n + i] = fake ? 1 : -1;
    margin[i] = (real)(fake ? how->kept_margin : how->left_margin);
    margin[n + i] = (real)how->kept_margin;
}

static fl_status build(fl_trainer *t, void *user)
{
    fl_masker_lesson *o = user;
    o->field = FL_NEW(t->arena, real, fl_shape_count(fl_graph_shape(o->classifier, o->net.input)));
    if (!o->field) return t->arena->error->status;
    fl_masking_build(t->g, o, t->recipe.batch, true, &o->nodes);
    if (fl_graph_ok(t->g)) fl_masking_build(t->judge, o, t->recipe.batch, false, &o->judge);
    if (!fl_graph_ok(t->judge)) return t->arena->error->status;
    t->net = (fl_network){.input = o->nodes.input, .logits = o->nodes.logits, .output = o->nodes.masker.mask};
    t->judge_net = (fl_network){.input = o->judge.input, .logits = o->judge.logits, .output = o->judge.masker.mask};
    t->loss_node = o->nodes.loss;
    return FL_OK;
}

static void prepare(fl_trainer *t, void *user)
{
    const fl_masker_lesson *o = user;
    const int n = t->recipe.batch, classes = fl_graph_shape(t->g, o->nodes.label).c;
    const int64_t first = t->step * n;
    for (int i = 0; i < n; i++) {
        const uint64_t number = (uint64_t)(first + i);
        const bool fake = classes > 1 && fl_rng_uniform(t->recipe.seed, FAKE, number) < o->how.fakes;
        const int other = fake ? (t->labels[i] + 1 + fl_rng_below(t->recipe.seed, OTHER, number, classes - 1)) % classes : t->labels[i];
        fl_assert(t->labels[i] >= 0 && t->labels[i] < classes);
        ask(t->g, &o->nodes, &o->how, n, i, t->labels[i], other);
    }
    draw_changes(t, t->g, &o->nodes, first, t->step);
}

static int right(const fl_trainer *t, void *user)
{
    const fl_masker_lesson *o = user;
    const int n = t->recipe.batch, classes = fl_graph_shape(t->g, o->nodes.label).c;
    const real *kept = fl_graph_value(t->g, o->nodes.logits) + (int64_t)n * classes, *truth = fl_graph_value(t->g, o->nodes.real_or_fake);
    int count = 0;
    for (int i = 0; i < n; i++) count += (fl_trainer_best_class(kept + i * classes, classes) == t->labels[i]) == (truth[2 * i + 1] > 0);
    return count;
}

const fl_lesson fl_lesson_masker = {FL_MASKER_PART, build, prepare, right};

/* ---- judging ---- */

fl_masker_figures fl_masker_judge(fl_trainer *t, const fl_dataset *data, int64_t count)
{
    const fl_masker_lesson *o = t->user;
    const fl_masking_nodes *m = &o->judge;
    const int n = t->recipe.batch, classes = fl_graph_shape(t->judge, m->label).c;
    const int64_t pixels = fl_shape_pixels(fl_graph_shape(t->judge, m->masker.mask)) / n;
    double size = 0, kept = 0, left = 0;
    if (data->count && count > data->count) count = data->count;
    fl_trainer_hand_over(t);
    for (int64_t first = 0; first < count; first += n) {
        const int k = count - first < n ? (int)(count - first) : n;
        fl_trainer_fill(t, data, k, first, fl_graph_value(t->judge, m->input));
        for (int i = 0; i < k; i++) ask(t->judge, m, &o->how, n, i, t->labels[i], t->labels[i]);
        draw_changes(t, t->judge, m, first, first / n);
        fl_graph_forward(t->judge);
        const real *logits = fl_graph_value(t->judge, m->logits);
        for (int i = 0; i < k; i++) {
            size += fl_sum(fl_graph_value(t->judge, m->masker.mask) + i * pixels, pixels) / (double)pixels;
            left += fl_trainer_best_class(logits + i * classes, classes) == t->labels[i];
            kept += fl_trainer_best_class(logits + (n + i) * classes, classes) == t->labels[i];
        }
    }
    const double all = count > 0 ? (double)count : 1;
    return (fl_masker_figures){size / all, kept / all, left / all};
}
