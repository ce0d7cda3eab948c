/* session.c: from options to a network that has seen the clip. */
#include "io/cli/session.h"

#include "io/card_json.h"
#include "io/onnx/onnx.h"
#include "models/labels.h"

#include <math.h>
#include <string.h>

static const char *const bptt[] = {"full", "none", NULL};                 /* in the order of fl_bptt */

static const char *const streams[] = {"rgb", "flow", NULL};

#define NETWORK(model)                                                                                                                    \
    FL_OPTION_TEXT("model", 'm', "NAME", model, "the network; footlight list models names them; or FILE.onnx"),                           \
    FL_OPTION_INT("classes", "N", NULL, 1, 1000000, "outputs of the network; default: its own number"),                                   \
    FL_OPTION_CHOICE("bptt", "HOW", "full", bptt,                                                                                         \
                     "recurrent networks: signals go back through time, or (as the study published) stop at every step"),                 \
    FL_OPTION_INT("lstm-layers", "N", NULL, 1, 3, "of cnn_lstm; default 1"),                                                              \
    FL_OPTION_INT("lstm-hidden", "N", NULL, 1, 65536, "units of each layer of cnn_lstm; default 512"),                                    \
    FL_OPTION_CHOICE("stream", "NAME", "rgb", streams, "of a network of two streams: which input is explained"),                          \
    FL_OPTION_FLAG("exact", 0,                                                                                                            \
                   "sums in double, what rounding takes off handed on: ReLUs fall as in float64, same bits on every machine; slower"),    \
    FL_OPTION_FLAG("peepholes", 0, "convlstm: gates see the cell state (Wci Wcf Wco)"),                                                   \
    {0}

static const fl_option network[] = {NETWORK("r2plus1d_small")}, simple[] = {NETWORK("c3d_small")};
const fl_option_group fl_session_network = {"Network", network}, fl_session_simple = {"Network", simple};

fl_model_options fl_session_model_options(const fl_cli *cli)
{
    return (fl_model_options){.classes = (int)fl_cli_int(cli, "classes"), .bptt = (fl_bptt)fl_cli_choice(cli, "bptt"),
                              .lstm_layers = (int)fl_cli_int(cli, "lstm-layers"),
                              .lstm_hidden = (int)fl_cli_int(cli, "lstm-hidden"), .peepholes = fl_cli_flag(cli, "peepholes"),
                              .exact = fl_cli_flag(cli, "exact")};
}

static const fl_option weights[] = {
    FL_OPTION_TEXT("weights", 'w', "FILE", NULL,
                   "safetensors, .pth, .npz, or formula[:GAMMA] for made-up ones; default: what ships with the network"),
    FL_OPTION_TEXT("flow-weights", 0, "FILE", NULL, "of a network of two streams: the flow stream's own file"),
    FL_OPTION_FLAG("allow-missing", 0, "go on when the file lacks tensors; they get made-up values"),
    FL_OPTION_TEXT("labels", 0, "FILE", NULL,
                   "names of the classes: a file, one per line, or a set of footlight list labels; default: the network's own"),
    {0}};
const fl_option_group fl_session_weights = {"Weights", weights};

const fl_model *fl_session_find_model(fl_cli *cli)
{
    const char *name = fl_cli_text(cli, "model");
    const fl_model *model = fl_model_find(name);
    if (!model && fl_onnx_is_file(name)) {
        fl_onnx *onnx;
        return fl_onnx_open(cli->arena, name, &onnx) == FL_OK ? &onnx->model : NULL;
    }
    if (!model)
        fl_error_set(cli->error, FL_USAGE, "model '%s' is unknown; did you mean '%s'? (footlight list models names "
                     "them)", name, fl_model_nearest(name));
    return model;
}

/* A card beside the user's weights (FILE.card.json without its ending, or card.json) changes preprocessing and labels. */
static fl_status take_card(fl_cli *cli, fl_session *s)
{
    const bool onnx = fl_onnx_of(s->model) != NULL;                    /* which has read it already */
    const char *path = s->weights.path && (onnx || fl_cli_text(cli, "weights")) ? fl_card_json_find(cli->arena, s->weights.path) : NULL;
    s->card = path;
    if (!path || onnx) return cli->error->status;
    fl_card_json card = {.input = s->model->input, .labels = s->model->labels, .classes = s->model->classes};
    fl_model *model = FL_NEW(cli->arena, fl_model, 1);
    if (!model || fl_card_json_read(cli->arena, path, &card) != FL_OK) return cli->error->status;
    *model = *s->model;
    model->input = card.input;
    model->labels = card.labels;
    model->classes = card.classes;
    s->model = model;
    fl_cli_say(cli, "card: %s", path);
    return FL_OK;
}

/* Options of some networks only. */
static fl_status check_options(const fl_cli *cli, const fl_model *m)
{
    static const struct { const char *option; unsigned bit; const char *who; } of[] = {
        {"bptt", FL_TAKES_BPTT, "a recurrent network"}, {"lstm-layers", FL_TAKES_LSTM, "cnn_lstm"},
        {"lstm-hidden", FL_TAKES_LSTM, "cnn_lstm"}, {"peepholes", FL_TAKES_PEEPHOLES, "convlstm"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (fl_cli_given(cli, of[i].option) && !(m->takes & of[i].bit))
            return fl_error_set(cli->error, FL_USAGE, "--%s: does nothing for %s; expected it with %s", of[i].option, m->name, of[i].who);
    return FL_OK;
}

fl_status fl_session_begin(fl_cli *cli, fl_session *s)
{
    *s = (fl_session){.model = fl_session_find_model(cli)};
    if (!s->model || check_options(cli, s->model) != FL_OK) return cli->error->status;
    if (fl_weights_open(cli, s->model, fl_cli_text(cli, "weights"), &s->weights) != FL_OK) return cli->error->status;
    return take_card(cli, s);
}

/* Cuts the file into lines; a line break at the end of the last one begins no other. */
static fl_status read_labels(fl_cli *cli, const char *path, fl_session *s)
{
    fl_bytes bytes;
    if (fl_file_read(cli->arena, path, (size_t)64 << 20, &bytes) != FL_OK) return cli->error->status;
    char *line = fl_arena_text(cli->arena, "%s", (const char *)bytes.data);
    const char **label = FL_NEW(cli->arena, const char *, s->classes);
    int count = 0;
    if (!line || !label) return cli->error->status;
    for (; line && *line; count++) {
        char *next = strchr(line, '\n');
        if (next) *next++ = 0;
        line[strcspn(line, "\r")] = 0;
        if (count < s->classes) label[count] = line;
        line = next;
    }
    s->labels = label;
    if (count == s->classes) return FL_OK;
    return fl_error_set(cli->error, FL_UNREADABLE, "%s: expected %d lines, one per class of the network, got %d",
                        path, s->classes, count);
}

/* --labels: a set by name, else a file. */
static fl_status take_labels(fl_cli *cli, const char *text, fl_session *s)
{
    const fl_label_set *set = fl_label_set_find(text);
    if (!set || fl_file_exists(text)) return read_labels(cli, text, s);
    s->labels = set->label;
    if (set->count == s->classes) return FL_OK;
    return fl_error_set(cli->error, FL_USAGE, "--labels %s: has %d names, and the network has %d classes; --classes %d would fit "
                        "them", text, set->count, s->classes, set->count);
}

static fl_status predict(fl_cli *cli, fl_session *s)
{
    double *logits = FL_NEW(cli->arena, double, s->classes), *probabilities = FL_NEW(cli->arena, double, s->classes);
    if (!logits || !probabilities) return cli->error->status;
    s->logits = logits;
    s->probabilities = probabilities;
    return fl_explainer_predict(s->explainer, s->input.values, logits, probabilities);
}

/* The input that is not explained keeps its values; --stream flow makes the flow the one that is. */
static fl_status choose_stream(fl_cli *cli, fl_session *s, const fl_card_input **card)
{
    const bool flow = fl_cli_choice(cli, "stream") == 1;
    *card = &s->model->input;
    if (!s->model->flow && !flow) return FL_OK;
    if (!s->model->flow) return fl_error_set(cli->error, FL_USAGE, "--stream flow: model %s has one input", s->model->name);
    if (!s->input.second)
        return fl_error_set(cli->error, FL_USAGE, "model %s needs two inputs, and this command brings one", s->model->name);
    if (!flow) {
        fl_graph_set(s->graph, s->net.flow, s->input.second);
        return FL_OK;
    }
    fl_graph_set(s->graph, s->net.input, s->input.values);
    s->net.input = s->net.flow;
    s->net.cam = s->net.flow_cam;
    s->input.values = s->input.second;
    s->input.shape = s->input.second_shape;
    *card = s->model->flow;
    return FL_OK;
}

/* What a network from a file had to assume is a note, as what a clip had to. */
static fl_status add_notes(fl_cli *cli, const fl_onnx *onnx, fl_session *s)
{
    const char *const notes[] = {s->input.note, onnx->assumed, onnx->notes->text};
    const char *all = "";
    for (int i = 0; i < 3 && all; i++) {
        if (!notes[i] || !*notes[i]) continue;
        if (i > 0) fl_cli_say(cli, "note: %s", notes[i]);
        all = fl_arena_text(cli->arena, "%s%s%s", all, *all ? "; " : "", notes[i]);
    }
    s->input.note = all;
    return cli->error->status;
}

fl_status fl_session_finish(fl_cli *cli, fl_session *s)
{
    const fl_shape in = s->input.shape;
    const fl_card_input *card;
    const char *labels = fl_cli_text(cli, "labels");
    s->graph = fl_graph_new(cli->work);
    if (!s->graph) return cli->error->status;
    s->graph->on_demand = true;
    fl_model_options o = fl_session_model_options(cli);
    o.frames = in.t;
    o.height = in.h;
    o.width = in.w;
    const fl_onnx *onnx = fl_onnx_of(s->model);
    s->net = fl_model_build(s->graph, s->model, &o);
    if (!fl_graph_ok(s->graph)) return cli->error->status;
    if (onnx ? add_notes(cli, onnx, s) : fl_weights_apply(cli, &s->weights, s->model, s->graph)) return cli->error->status;
    if (choose_stream(cli, s, &card) != FL_OK) return cli->error->status;
    s->explainer = fl_explainer_new(s->graph, s->net, card);
    if (!s->explainer) return cli->error->status;
    s->classes = fl_explainer_classes(s->explainer);
    if (s->classes == s->model->classes) s->labels = s->model->labels;
    if (labels && take_labels(cli, labels, s) != FL_OK) return cli->error->status;
    return predict(cli, s);
}

fl_status fl_session_open(fl_cli *cli, const char *clip, fl_session *s)
{
    if (fl_session_begin(cli, s) != FL_OK) return cli->error->status;
    if (fl_input_read(cli, s->model, clip, &s->input) != FL_OK) return cli->error->status;
    if (s->input.note && *s->input.note) fl_cli_say(cli, "note: %s", s->input.note);
    return fl_session_finish(cli, s);
}

fl_status fl_session_open_or_make(fl_cli *cli, fl_session *s)
{
    const char *clip = cli->arguments ? cli->argument[0] : NULL;
    if (clip) return fl_session_open(cli, clip, s);
    if (fl_cli_flag(cli, "tensor")) return fl_error_set(cli->error, FL_USAGE, "--tensor: needs a clip (CLIP or --clip), a .npy");
    if (fl_session_begin(cli, s) != FL_OK || fl_input_make(cli, s->model, &s->input) != FL_OK) return cli->error->status;
    return fl_session_finish(cli, s);
}

/* ---- classes ---- */

const char *fl_session_label(const fl_session *s, int class_index)
{
    return s->labels ? s->labels[class_index] : NULL;
}

double fl_session_output(const fl_session *s, int class_index)
{
    return isnan(s->logits[class_index]) ? s->probabilities[class_index] : s->logits[class_index];
}

fl_status fl_session_rank(fl_cli *cli, fl_session *s, int count)
{
    if (count > s->classes) count = s->classes;
    fl_prediction *top = FL_NEW(cli->arena, fl_prediction, count);
    bool *taken = FL_NEW(cli->arena, bool, s->classes);
    if (!top || !taken) return cli->error->status;
    for (int i = 0; i < count; i++) {
        int best = -1;
        for (int k = 0; k < s->classes; k++)
            if (!taken[k] && (best < 0 || fl_session_output(s, k) > fl_session_output(s, best))) best = k;
        taken[best] = true;
        top[i] = (fl_prediction){best, fl_session_label(s, best), s->logits[best], s->probabilities[best]};
    }
    s->top = top;
    s->top_count = count;
    for (int k = 0; k < s->classes; k++)
        if (!isfinite(fl_session_output(s, k)) || !isfinite(s->probabilities[k]))
            return fl_error_set(cli->error, FL_FAILED, "the network's score for class %d is %g: there is nothing to rank; do the weights "
                                "and the clip hold numbers?", k, fl_session_output(s, k));
    return FL_OK;
}

fl_status fl_session_class(fl_cli *cli, const fl_session *s, const char *option, const char *text, int *class_index, int *last)
{
    long long n;
    int read = 0;
    *class_index = FL_CLASS_AUTO;
    if (strcmp(text, "auto") == 0) return FL_OK;
    if (fl_text_int(text, &n)) {
        *class_index = (int)n;
        if (n >= 0 && n < s->classes) return FL_OK;
        return fl_error_set(cli->error, FL_USAGE, "--%s: expected a class from 0 to %d, got %s", option,
                            s->classes - 1, text);
    }
    for (int k = 0; s->labels && k < s->classes; k++) {
        *class_index = k;
        if (strcmp(s->labels[k], text) == 0) return FL_OK;
    }
    if (last && sscanf(text, "%d-%d%n", class_index, last, &read) == 2 && !text[read] && *class_index >= 0 && *last >= *class_index) {
        if (*last < s->classes) return FL_OK;
        return fl_error_set(cli->error, FL_USAGE, "--%s: expected classes from 0 to %d, got %s", option, s->classes - 1, text);
    }
    char *what = fl_arena_text(cli->arena, "--%s: class", option);
    if (!what) return cli->error->status;
    if (s->labels) return fl_cli_unknown(cli->error, what, text, s->labels, s->classes, "auto, a name or an index");
    return fl_cli_unknown(cli->error, what, text, NULL, 0, "the names of its classes are not known: give an index");
}

/* ---- for people, and as JSON ---- */

static void print_number(FILE *to, int width, double value)
{
    if (isnan(value)) fprintf(to, "%*s", width, "-");
    else fprintf(to, "%*.6g", width, value);
}

void fl_session_print_top(const fl_session *s, FILE *to)
{
    const fl_input *in = &s->input;
    fprintf(to, "%s, %s\n%s", s->model->name, s->weights.name, in->source);
    if (in->frame) {
        fprintf(to, ": frames");
        for (int t = 0; t < in->shape.t; t++) fprintf(to, " %d", in->frame[t]);
        fprintf(to, " of %d", in->frames);
    }
    fprintf(to, "\n\n  class  %-24s %12s %12s\n", "label", "logit", "probability");
    for (int i = 0; i < s->top_count; i++) {
        fprintf(to, "  %5d  %-24s ", s->top[i].index, s->top[i].label ? s->top[i].label : "");
        print_number(to, 12, s->top[i].logit);
        fprintf(to, " ");
        print_number(to, 12, s->top[i].probability);
        fprintf(to, "\n");
    }
}

void fl_session_write(fl_json *j, const fl_session *s)
{
    fl_json_string(j, "model", s->model->name);
    fl_json_object(j, "weights");
    fl_json_string(j, "path", s->weights.name);
    fl_json_string(j, "sha256", s->weights.path ? fl_weights_sha256(&s->weights) : NULL);
    if (s->weights.match.map) {
        fl_json_string(j, "layout", s->weights.match.map->name);
        fl_json_int(j, "matched", s->weights.match.matched);
        fl_json_int(j, "missing", s->weights.match.missing);
        fl_json_int(j, "unexpected", s->weights.match.unexpected);
    }
    fl_json_close(j);
    fl_input_write(j, &s->input);
    fl_json_array(j, "top");
    for (int i = 0; i < s->top_count; i++) {
        fl_json_object(j, NULL);
        fl_json_int(j, "index", s->top[i].index);
        fl_json_string(j, "label", s->top[i].label);
        fl_json_number(j, "logit", s->top[i].logit);
        fl_json_number(j, "probability", s->top[i].probability);
        fl_json_close(j);
    }
    fl_json_close(j);
}
