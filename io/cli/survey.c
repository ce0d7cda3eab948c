/* survey.c: the loop over clips, methods and metrics (survey.h). */
#include "io/cli/survey.h"

#include "io/cli/progress.h"
#include "tensor/peak.h"

#include <math.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("method", 0, "NAMES", "gradient,gradient_x_input,integrated_gradients,smoothgrad,grad_cam",
        "methods, separated by commas"),
    FL_OPTION_TEXT("metric", 0, "NAMES", NULL, "metrics, separated by commas, or all; footlight list metrics names them"),
    FL_OPTION_INT("synth", "N", "200", 1, 1000000, "without clips: how many synthetic ones"),
    FL_OPTION_INT("synth-seed", "N", "3", 0, 9e15, "their seed; training uses 1 and 2"),
    FL_OPTION_TEXT("boxes", 0, "FILE", NULL, "where the things are: CSV, JSON, pyannot.pkl, EPIC's CSV, or masks"),
    FL_OPTION_FLAG("true-class", 0, "explain the clip's own class (the name of its folder), not the one that the network sees"),
    {0}};
const fl_option_group fl_survey_options = {"Survey", options};

typedef struct place {                   /* a synthetic clip and its truth, used again for every clip */
    fl_synth_options synth;
    fl_synth_truth *truth;
    unsigned char *rgb;
    int *frame;
} place;

/* ---- clips ---- */

static fl_status place_new(fl_cli *cli, place *p)
{
    p->synth = fl_synth_default((uint64_t)fl_cli_int(cli, "synth-seed"));
    const int frames = p->synth.frames;
    p->truth = FL_NEW(cli->arena, fl_synth_truth, 1);
    p->rgb = FL_NEW(cli->arena, unsigned char, 3 * frames * p->synth.height * p->synth.width);
    p->frame = FL_NEW(cli->arena, int, frames);
    for (int t = 0; p->frame && t < frames; t++) p->frame[t] = t;
    return cli->error->status;
}

static fl_status make_clip(fl_cli *cli, place *p, int64_t index, const fl_model *m, fl_input *input)
{
    const fl_clip clip = {.frames = p->synth.frames, .height = p->synth.height, .width = p->synth.width, .rgb = p->rgb,
        .format = "synthetic"};
    fl_synth_clip(&p->synth, (uint64_t)index, p->rgb, NULL, p->truth);
    return fl_input_use(cli, m, &clip, p->frame, p->synth.frames, input);
}

/* The class that the clip's folder is called after; -1: none of them. */
static int folder_class(fl_cli *cli, const fl_session *s, const char *path)
{
    char *text = fl_arena_text(cli->arena, "%s", path), *end = text ? strrchr(text, '/') : NULL;
    if (!end) return -1;
    *end = 0;
    const char *last = strrchr(text, '/'), *folder = last ? last + 1 : text;
    for (int k = 0; s->labels && k < s->classes; k++)
        if (strcmp(s->labels[k], folder) == 0) return k;
    return -1;
}

typedef struct one { const fl_truth *truth; int label; } one;      /* what is known of a clip */

static fl_status next_clip(fl_cli *cli, fl_survey *v, place *p, int i, one *known)
{
    fl_session *s = &v->session;
    const char *boxes = fl_cli_text(cli, "boxes");
    fl_boxes *truth = FL_NEW(cli->arena, fl_boxes, 1);
    *known = (one){NULL, -1};
    if (!truth) return cli->error->status;
    if (!cli->arguments) {
        fl_assert(p->truth);
        if (make_clip(cli, p, i, s->model, &s->input) != FL_OK) return cli->error->status;
        *known = (one){&truth->truth, p->truth->label};
        return fl_boxes_of_synth(cli->arena, &p->synth, p->truth, truth);
    }
    if (fl_input_read(cli, s->model, cli->argument[i], &s->input) != FL_OK) return cli->error->status;
    if (s->graph && fl_shape_count(s->input.shape) != fl_shape_count(fl_graph_shape(s->graph, s->net.input)))
        return fl_error_set(cli->error, FL_USAGE, "%s: has another shape than the first clip", cli->argument[i]);
    if (boxes && fl_boxes_read(cli, boxes, &s->input, truth) != FL_OK) return cli->error->status;
    *known = (one){boxes ? &truth->truth : NULL, folder_class(cli, s, cli->argument[i])};
    return FL_OK;
}

/* ---- one clip ---- */

static int best_class(const double *p, int classes)
{
    int best = 0;
    for (int c = 1; c < classes; c++) best = p[c] > p[best] ? c : best;
    return best;
}

static double *cell(const fl_survey *v, double *of, int clip, int metric, int method)
{
    return &of[((int64_t)clip * v->metrics.count + metric) * v->methods.count + method];
}

static fl_status judge_method(fl_cli *cli, fl_survey *v, int clip, int k, const one *known)
{
    const fl_method *method = v->methods.item[k];
    fl_explain_options o = v->explain;
    fl_judging j = {.session = &v->session, .metrics = v->metrics, .options = v->options, .truth = known->truth, .explain = &o,
        .silent = true};
    fl_map map;
    if (strcmp(method->name, "random") == 0) o.seed += (uint64_t)clip;        /* every clip a map of its own */
    if (fl_cli_flag(cli, "true-class")) o.target.class_index = known->label;
    const double begin = fl_clock();
    const fl_status status = fl_explain(v->session.explainer, method, v->session.input.values, &o, cli->arena, &map);
    v->method_seconds[k] += fl_clock() - begin;
    if (status != FL_OK) return fl_error_where(cli->error, "%s, %s", v->clip[clip], method->name), status;
    v->method_passes[k] += map.passes;
    fl_measure *all = FL_NEW(cli->arena, fl_measure, v->metrics.count);
    if (!all || fl_judge_map(cli, &j, &map, all, v->metric_seconds) != FL_OK) return cli->error->status;
    for (int i = 0; i < v->metrics.count; i++) {
        *cell(v, v->value, clip, i, k) = all[i].value;
        *cell(v, v->chance, clip, i, k) = all[i].chance;
        v->metric_passes[i] += all[i].passes;
    }
    return FL_OK;
}

static fl_status judge_clip(fl_cli *cli, fl_survey *v, int clip, const one *known)
{
    double *p = FL_NEW(cli->arena, double, v->session.classes);
    if (!p || fl_explainer_predict(v->session.explainer, v->session.input.values, NULL, p) != FL_OK) return cli->error->status;
    if (known->label >= 0) {
        v->labelled++;
        v->right += best_class(p, v->session.classes) == known->label;
    } else if (fl_cli_flag(cli, "true-class")) {
        return fl_error_set(cli->error, FL_USAGE, "--true-class: %s: expected a clip in a folder that has the name of a class",
                            v->clip[clip]);
    }
    for (int k = 0; k < v->methods.count; k++)
        if (judge_method(cli, v, clip, k, known) != FL_OK) return cli->error->status;
    return FL_OK;
}

/* ---- all ---- */

static fl_status put_in_front(fl_survey *v, const char *first)
{
    const fl_method *m = first ? fl_method_find(first) : NULL;
    int at = 0;
    if (!m) return FL_OK;
    while (at < v->methods.count && v->methods.item[at] != m) at++;
    if (at == v->methods.count && at < FL_MAX_METHODS) v->methods.count++;
    for (int i = at < FL_MAX_METHODS ? at : FL_MAX_METHODS - 1; i > 0; i--) v->methods.item[i] = v->methods.item[i - 1];
    v->methods.item[0] = m;
    return FL_OK;
}

fl_status fl_survey_open(fl_cli *cli, fl_survey *v, const char *first, const char *metrics)
{
    const bool synthetic = cli->arguments == 0, boxes = synthetic || fl_cli_given(cli, "boxes");
    const unsigned needs = FL_NEEDS_NETWORK | FL_NEEDS_METHOD | (boxes ? FL_NEEDS_TRUTH : 0);
    *v = (fl_survey){.clips = synthetic ? (int)fl_cli_int(cli, "synth") : cli->arguments};
    if (!synthetic && (fl_cli_given(cli, "synth") || fl_cli_given(cli, "synth-seed")))
        return fl_error_set(cli->error, FL_USAGE, "--synth: synthetic clips are made without others; got %d clips as well", v->clips);
    if (fl_cli_given(cli, "metric")) metrics = fl_cli_text(cli, "metric");
    if (fl_methods_parse(cli, "method", fl_cli_text(cli, "method"), &v->methods) != FL_OK ||
        fl_methods_check_options(cli, &v->methods) != FL_OK || fl_metrics_parse(cli, "metric", metrics, needs, &v->metrics) != FL_OK ||
        fl_metrics_check_options(cli, &v->metrics) != FL_OK)
        return cli->error->status;
    put_in_front(v, first);
    v->options = fl_metrics_read_options(cli);
    return FL_OK;
}

static fl_status make_room(fl_cli *cli, fl_survey *v)
{
    const int64_t cells = (int64_t)v->clips * v->metrics.count * v->methods.count;
    const char **name = FL_NEW(cli->arena, const char *, v->clips);
    v->value = FL_NEW(cli->arena, double, cells);
    v->chance = FL_NEW(cli->arena, double, cells);
    v->method_seconds = FL_NEW(cli->arena, double, v->methods.count);
    v->metric_seconds = FL_NEW(cli->arena, double, v->metrics.count);
    v->method_passes = FL_NEW(cli->arena, long long, v->methods.count);
    v->metric_passes = FL_NEW(cli->arena, long long, v->metrics.count);
    for (int i = 0; name && i < v->clips; i++) name[i] = cli->arguments ? cli->argument[i] : fl_arena_text(cli->arena, "clip_%06d", i);
    v->clip = name;
    return cli->error->status;
}

/* One clip that cannot be read does not take the others with it; the last one of all does. */
static bool pass_over(fl_cli *cli, fl_survey *v, int i)
{
    if (cli->error->status != FL_UNREADABLE || !cli->arguments) return false;
    v->failed[v->failures++] = cli->argument[i];
    if (v->failures == cli->arguments) return false;
    fl_cli_warn(cli, "left out: %s", cli->error->message);
    fl_error_clear(cli->error);
    return true;
}

static void tell_failures(fl_cli *cli, const fl_survey *v)
{
    const char *all = "";
    for (int i = 0; i < v->failures && all; i++) all = fl_arena_text(cli->arena, "%s%s%s", all, i ? ", " : "", v->failed[i]);
    if (v->failures && all) fl_cli_warn(cli, "%d of %d clips were left out: %s", v->failures, cli->arguments, all);
}

/* The first clip that can be read builds the network; those before it have failed. */
static fl_status begin(fl_cli *cli, fl_survey *v, place *p)
{
    fl_session *s = &v->session;
    one known;
    v->failed = FL_NEW(cli->arena, const char *, cli->arguments + 1);
    if (!v->failed || fl_session_begin(cli, s) != FL_OK || (!cli->arguments && place_new(cli, p) != FL_OK)) return cli->error->status;
    if (!cli->arguments && (s->model->classes != FL_SYNTH_CLASSES || s->model->input.height != p->synth.height ||
                            s->model->input.frames != p->synth.frames))
        return fl_error_set(cli->error, FL_USAGE, "%s: expected clips, or one of the small networks, which see synthetic ones; got %s",
                            cli->command->name, s->model->name);
    while (next_clip(cli, v, p, v->failures, &known) != FL_OK)
        if (!pass_over(cli, v, v->failures)) return cli->error->status;
    if (fl_session_finish(cli, s) != FL_OK) return cli->error->status;
    return fl_methods_read_options(cli, s, &v->explain);
}

/* Of all methods those that this network refuses are left out (a head or a layer that it does not have). Each is tried on the first
 * clip. */
static fl_status leave_out(fl_cli *cli, fl_survey *v)
{
    int kept = 0;
    for (int k = 0; k < v->methods.count && cli->error->status == FL_OK; k++) {
        const fl_mark mark = fl_arena_mark(cli->arena);
        fl_map map;
        const fl_status status = fl_explain(v->session.explainer, v->methods.item[k], v->session.input.values, &v->explain, cli->arena,
            &map);
        fl_arena_release(cli->arena, mark);
        if (status == FL_OK) v->methods.item[kept++] = v->methods.item[k];
        if (status != FL_USAGE) continue;
        fl_cli_warn(cli, "left out: %s: %s", v->methods.item[k]->name, cli->error->message);
        fl_error_clear(cli->error);
    }
    v->methods.count = kept;
    return cli->error->status;
}

fl_status fl_survey_run(fl_cli *cli, fl_survey *v)
{
    place p = {0};
    fl_progress progress;
    if (begin(cli, v, &p) != FL_OK) return cli->error->status;
    if (strcmp(fl_cli_text(cli, "method"), "all") == 0 && leave_out(cli, v) != FL_OK) return cli->error->status;
    if (make_room(cli, v) != FL_OK) return cli->error->status;
    fl_progress_begin(&progress, cli, cli->command->name);
    const int asked = v->clips;
    v->clips = 0;
    for (int i = v->failures; i < asked && cli->error->status == FL_OK; i++) {
        const fl_mark mark = fl_arena_mark(cli->arena);
        one known;
        v->clip[v->clips] = v->clip[i];
        if (next_clip(cli, v, &p, i, &known) == FL_OK) {
            if (v->session.input.second) fl_graph_set(v->session.graph, v->session.net.flow, v->session.input.second);
            judge_clip(cli, v, v->clips++, &known);
        } else pass_over(cli, v, i);
        fl_arena_release(cli->arena, mark);
        fl_progress_step(i + 1, asked, &progress);
    }
    fl_progress_end(&progress);
    if (cli->error->status == FL_OK) tell_failures(cli, v);
    return cli->error->status;
}

fl_summary fl_survey_summary(const fl_survey *v, int metric, int method)
{
    fl_summary s = {0, 0, 0, 0, 0};
    const fl_better way = v->metrics.item[metric]->better;
    int compared = 0;
    double square = 0;
    for (int i = 0; i < v->clips; i++) {
        const double x = fl_survey_value(v, i, metric, method), first = fl_survey_value(v, i, metric, 0);
        if (isnan(x)) continue;
        s.count++;
        s.mean += x;
        s.chance += *cell(v, v->chance, i, metric, method);
        if (isnan(first)) continue;
        compared++;
        s.better += x == first ? 0.5 : (x > first) == (way == FL_BETTER_HIGHER);
    }
    s.mean = s.count ? s.mean / s.count : (double)NAN;
    s.chance = s.count ? s.chance / s.count : (double)NAN;
    s.better = compared && way != FL_BETTER_NEITHER ? s.better / compared : (double)NAN;
    for (int i = 0; i < v->clips; i++) {
        const double x = fl_survey_value(v, i, metric, method);
        if (!isnan(x)) square += (x - s.mean) * (x - s.mean);
    }
    s.error = s.count > 1 ? sqrt(square / (s.count - 1) / s.count) : (double)NAN;
    return s;
}
