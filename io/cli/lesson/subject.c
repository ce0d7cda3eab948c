/* subject.c: what all lessons look at: one network and one clip, as a rule a made one whose truth is known. */
#include "io/cli/lesson/lecture.h"

#include "attribution/checker.h"

#include <math.h>
#include <string.h>

/* ---- made clips ---- */

fl_status fl_lecture_make(fl_lecture *l, uint64_t index, int label, fl_made *m)
{
    fl_cli *cli = l->cli;
    const fl_synth_options *o = &l->how;
    if (fl_synth_check(o, cli->error) != FL_OK) return cli->error->status;
    unsigned char *rgb = FL_NEW(cli->arena, unsigned char, 3 * (size_t)o->frames * (size_t)o->height * (size_t)o->width);
    fl_clip *clip = FL_NEW(cli->arena, fl_clip, 1);              /* the input keeps texts of it */
    int *frame = FL_NEW(cli->arena, int, o->frames);
    char *name = fl_arena_text(cli->arena, "made clip %llu of seed %llu", (unsigned long long)index, (unsigned long long)o->seed);
    if (!rgb || !clip || !frame || !name) return cli->error->status;
    fl_synth_clip_of(o, index, label < 0 ? fl_synth_label_at(o, index) : label, rgb, NULL, &m->truth);
    for (int t = 0; t < o->frames; t++) frame[t] = t;
    *clip = (fl_clip){.frames = o->frames, .height = o->height, .width = o->width, .rgb = rgb, .format = "synthetic"};
    m->input = (fl_input){.source = name, .title = "made-clip", .sampling = "all", .note = ""};
    if (fl_boxes_of_synth(cli->arena, o, &m->truth, &m->boxes) != FL_OK) return cli->error->status;
    return fl_input_use(cli, l->s.model, clip, frame, o->frames, &m->input);
}

static fl_status make_input(fl_lecture *l)
{
    fl_cli *cli = l->cli;
    const fl_card_input *in = &l->s.model->input;
    fl_made *m = FL_NEW(cli->arena, fl_made, 1);
    if (fl_cli_flag(cli, "tensor")) return fl_error_set(cli->error, FL_USAGE, "--tensor: needs a clip, a .npy");
    if (fl_cli_given(cli, "boxes")) return fl_error_set(cli->error, FL_USAGE, "--boxes: needs a clip; the truth of a made one is known");
    if (!m || fl_lecture_make(l, (uint64_t)fl_cli_int(cli, "clip"), -1, m) != FL_OK) return cli->error->status;
    const fl_fitting *f = &m->input.fitting;
    const bool as_it_is = f->resized_height == in->height && f->resized_width == in->width && l->s.model->input.source == FL_SOURCE_RGB;
    l->made = m;
    l->s.input = m->input;
    l->boxes = as_it_is ? &m->boxes : NULL;
    l->knows = as_it_is && l->s.model->labels == fl_synth_label;
    return FL_OK;
}

static fl_status read_input(fl_lecture *l, const char *path)
{
    fl_cli *cli = l->cli;
    const char *boxes = fl_cli_text(cli, "boxes");
    fl_boxes *truth = FL_NEW(cli->arena, fl_boxes, 1);
    if (!truth || fl_input_read(cli, l->s.model, path, &l->s.input) != FL_OK) return cli->error->status;
    if (fl_cli_given(cli, "clip")) return fl_error_set(cli->error, FL_USAGE, "--clip: says which clip is made, and %s is one", path);
    if (*l->s.input.note) fl_cli_say(cli, "note: %s", l->s.input.note);
    if (boxes && fl_boxes_read(cli, boxes, &l->s.input, truth) != FL_OK) return cli->error->status;
    l->boxes = boxes ? truth : NULL;
    return FL_OK;
}

/* ---- a mistake on purpose ---- */

static fl_status predict_again(fl_lecture *l)
{
    double *logits = FL_NEW(l->cli->arena, double, l->s.classes), *probabilities = FL_NEW(l->cli->arena, double, l->s.classes);
    if (!logits || !probabilities) return l->cli->error->status;
    l->s.logits = logits;
    l->s.probabilities = probabilities;
    return fl_explainer_predict(l->s.explainer, l->s.input.values, logits, probabilities);
}

static fl_status inject(fl_lecture *l)
{
    const char *name = fl_cli_text(l->cli, "inject"), *known[64];
    int count = 0;
    if (!name) return FL_OK;
    for (; fl_fault_table[count].name; count++) known[count] = fl_fault_table[count].name;
    l->fault = fl_fault_find(name);
    if (!l->fault) return fl_cli_unknown(l->cli->error, "--inject: fault", name, known, count, "footlight check --inject list names them");
    const int struck = fl_checker_strike(l->s.explainer, l->fault);
    if (struck > 0) return predict_again(l);
    return fl_error_set(l->cli->error, struck < 0 ? FL_FAILED : FL_USAGE, "--inject %s: %s has no node that it could strike (%s nodes)",
                        name, l->s.model->name, fl_op_table[l->fault->kind]->name);
}

fl_status fl_lecture_open(fl_cli *cli, fl_lecture *l)
{
    *l = (fl_lecture){.cli = cli};
    if (fl_session_begin(cli, &l->s) != FL_OK) return cli->error->status;
    const fl_card_input *in = &l->s.model->input;
    l->how = fl_synth_default(cli->seed);
    l->how.frames = fl_cli_given(cli, "frames") ? (int)fl_cli_int(cli, "frames") : in->frames;
    l->how.height = in->height;
    l->how.width = in->width;
    const char *clip = cli->arguments > 1 ? cli->argument[1] : NULL;
    if ((clip ? read_input(l, clip) : make_input(l)) != FL_OK || fl_session_finish(cli, &l->s) != FL_OK || inject(l) != FL_OK ||
        fl_session_rank(cli, &l->s, 1) != FL_OK)
        return cli->error->status;
    l->best = l->s.top[0].index;
    l->score = fl_session_output(&l->s, l->best);
    l->sure = l->knows && l->best == l->made->truth.label && l->s.probabilities[l->best] >= 0.9;
    return FL_OK;
}

/* ---- questions to the network ---- */

static double ask(fl_lecture *l, const real *clip, int class_index, bool probability)
{
    fl_arena *a = l->cli->arena;
    const fl_mark mark = fl_arena_mark(a);
    double *logit = FL_NEW(a, double, l->s.classes), *p = FL_NEW(a, double, l->s.classes), answer = (double)NAN;
    if (logit && p && fl_explainer_predict(l->s.explainer, clip, logit, p) == FL_OK)
        answer = probability || isnan(logit[class_index]) ? p[class_index] : logit[class_index];
    fl_arena_release(a, mark);
    return answer;
}

double fl_lecture_score(fl_lecture *l, const real *clip) { return ask(l, clip, l->best, false); }
double fl_lecture_probability(fl_lecture *l, const real *clip, int class_index) { return ask(l, clip, class_index, true); }

fl_status fl_lecture_map(fl_lecture *l, const char *method, const real *clip, const fl_explain_options *options, fl_map *map)
{
    fl_explain_options o = options ? *options : (fl_explain_options){.steps = 0};
    o.target.class_index = l->best;
    o.target.other = FL_CLASS_AUTO;
    o.target.score = isnan(l->s.logits[l->best]) ? FL_SCORE_DEFAULT : FL_SCORE_LOGIT;
    o.seed = l->cli->seed;
    return fl_explain(l->s.explainer, fl_method_find(method), clip, &o, l->cli->arena, map);
}

fl_status fl_lecture_walk(fl_lecture *l, const fl_id *wrt, int n_wrt)
{
    fl_graph *g = l->s.graph;
    const fl_id root = l->s.net.logits != FL_NONE ? l->s.net.logits : l->s.net.output;
    real *seed = FL_NEW(l->cli->arena, real, l->s.classes);
    if (!seed || fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_ALL, .parts = true, .root = root, .wrt = wrt, .n_wrt = n_wrt}) != FL_OK)
        return l->cli->error->status;
    seed[l->best] = 1;
    fl_graph_set(g, l->s.net.input, l->s.input.values);
    fl_graph_forward(g);
    fl_graph_backward(g, seed);
    return FL_OK;
}

const fl_node *fl_lecture_convolution(fl_lecture *l)
{
    const fl_graph *g = l->s.graph;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *n = &g->node[i];
        if (n->role == FL_COMPUTED && n->op->kind == FL_OP_conv && g->carries[i] &&
            n->in_shape[1].t * n->in_shape[1].h * n->in_shape[1].w > 1)
            return n;
    }
    fl_error_set(l->cli->error, FL_USAGE, "this lesson needs a network with a convolution, and %s has none", l->s.model->name);
    return NULL;
}

bool fl_lecture_is_straight(const fl_lecture *l)
{
    const fl_graph *g = l->s.graph;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *n = &g->node[i];
        if (n->role != FL_COMPUTED || !g->carries[i]) continue;
        const bool corner = n->op->kind == FL_OP_relu || n->op->kind == FL_OP_leakyrelu || n->op->flags & FL_ROUTE;
        if (!corner && (!(n->op->flags & FL_LINEAR) || n->op->flags & (FL_MAP | FL_GATE | FL_ALL))) return false;
    }
    return true;
}

real *fl_lecture_copy(fl_lecture *l, const real *from)
{
    real *to = FL_NEW(l->cli->arena, real, fl_lecture_voxels(l));
    if (to) memcpy(to, from, (size_t)fl_lecture_voxels(l) * sizeof *to);
    return to;
}
