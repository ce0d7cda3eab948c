/* build.c: runs through the program and adds each node to the graph; then finds the ends of the network. */
#include "io/onnx/build.h"

#include "autograd/runs.h"

#include <stdio.h>
#include <string.h>

static const fl_onnx_op *const families[] = {fl_onnx_window_ops, fl_onnx_map_ops,     fl_onnx_move_ops,
                                             fl_onnx_reduce_ops, fl_onnx_product_ops, fl_onnx_recurrent_ops, NULL};

static const fl_onnx_op *find_op(const char *name)
{
    for (int i = 0; families[i]; i++)
        for (const fl_onnx_op *op = families[i]; op->name; op++)
            if (strcmp(op->name, name) == 0) return op;
    return NULL;
}

/* ---- nodes ---- */

static void import_node(fl_onnx_import *im, const fl_onnx_node *node)
{
    const bool standard = !*node->domain || strcmp(node->domain, "ai.onnx") == 0;
    const char *first = node->n_out && node->out[0] >= 0 ? im->program->name[node->out[0]] : "";
    im->node = node;
    im->label = fl_onnx_clean_name(im, *node->name ? node->name : first);
    if (!standard) {
        fl_onnx_fail(im, "operators of the domain '%.60s' are not known; export with standard operators",
                     node->domain);
        return;
    }
    if (fl_onnx_fold(im) || !fl_onnx_ok(im)) return;
    const fl_onnx_op *op = find_op(node->op);
    if (op) op->import(im);
    else
        fl_onnx_fail(im,
                     "this operator is not available here; export the network without it (simplify it, or cut the "
                     "file before this node), or write its import in io/onnx/ops_*.c");
    if (im->g->count > FL_ONNX_MOST_GRAPH_NODES)
        fl_onnx_fail(im, "the graph would have more than %d nodes", (int)FL_ONNX_MOST_GRAPH_NODES);
}

static bool set_leaves(fl_onnx_import *im)
{
    const fl_onnx_program *p = im->program;
    im->value = FL_NEW(im->arena, fl_onnx_value, p->values);
    if (!im->value) return false;
    for (int i = 0; i < p->values; i++) im->value[i].name = p->name[i];
    im->most_folded = FL_ONNX_MOST_FOLDED;
    for (int i = 0; i < p->n_tensors; i++) {
        const fl_onnx_tensor *t = &p->tensor[i];
        fl_onnx_value *v = &im->value[p->tensor_value[i]];
        v->kind = FL_ONNX_CONSTANT;
        v->rank = t->rank;
        v->stored = t;
        im->most_folded += 2 * t->count;
        v->whole = fl_onnx_is_whole(t->type);
        memcpy(v->dim, t->dim, sizeof v->dim);
    }
    return true;
}

/* ---- the input ---- */

/* The length of an axis of the graph's input: what the options say, which must be what the file says. */
static int input_length(fl_onnx_import *im, const fl_onnx *onnx, char axis, int64_t fixed, const fl_model_options *o)
{
    static const struct { char axis; const char *what, *how; } open[] = {
        {'T', "number of frames", "--frames T, or \"frames\" in a card.json beside it"},
        {'H', "height of its input", "\"height\" in a card.json beside it"},
        {'W', "width of its input", "\"width\" in a card.json beside it"}};
    const int asked = axis == 'T' ? o->frames : axis == 'H' ? o->height : o->width;
    if (axis == 'N') return 1;
    if (axis == 'C') return 3;
    const bool batch_of_one = axis == 'T' && onnx->axes[0] == 'T' && fixed == 1;      /* of pictures */
    for (int i = 0; i < 3; i++) {
        if (open[i].axis != axis) continue;
        if (asked < 1)
            fl_error_set(im->g->error, FL_USAGE, "%s leaves the %s open: give %s", onnx->path, open[i].what,
                         open[i].how);
        else if (fixed > 0 && asked != fixed && !batch_of_one)
            fl_error_set(im->g->error, FL_USAGE, "%s was exported with a %s of %lld, got %d; export it again with an "
                         "open axis", onnx->path, open[i].what, (long long)fixed, asked);
    }
    return asked < 1 ? 1 : asked;
}

static fl_id add_input(fl_onnx_import *im, const fl_onnx *onnx, const fl_model_options *o)
{
    const fl_onnx_port *port = &im->program->input[0];
    fl_onnx_value *v = &im->value[port->value];
    fl_shape s = {1, 3, 1, 1, 1};
    v->kind = FL_ONNX_DYNAMIC;
    v->rank = port->rank;
    for (int i = 0; i < port->rank; i++) {
        const int seat = (int)(strchr("NCTHW", onnx->axes[i]) - "NCTHW");
        const int length = input_length(im, onnx, onnx->axes[i], port->dim[i], o);
        v->dim[i] = length;
        v->seat[i] = length == 1 ? FL_SEAT_NONE : seat;
        *fl_shape_axis(&s, seat) = length;
    }
    im->label = "input";
    v->node = fl_node_input(im->g, "input", s);
    return v->node;
}

/* ---- the output ---- */

static void add_note(fl_onnx_notes *notes, const char *text)
{
    const size_t n = strlen(notes->text);
    snprintf(notes->text + n, sizeof notes->text - n, "%s%s", n ? "; " : "", text);
}

/* Which axis of the output holds the classes: as many as there are labels; else the channels; else the last one. */
static int class_axis(fl_onnx_import *im, const fl_onnx_value *v, int labels)
{
    int last = v->rank - 1, channels = -1, fits = -1, n_fits = 0, longer = 0;
    for (int i = 0; i < v->rank; i++) {
        if (v->dim[i] == 1) continue;
        last = i;
        longer++;
        if (v->seat[i] == FL_AXIS_C) channels = i;
        if (v->dim[i] == labels) {
            fits = i;
            n_fits++;
        }
    }
    if (longer > 2) {
        fl_error_set(im->g->error, FL_UNREADABLE, "the output '%.80s' has more than two axes longer than 1: expected "
                     "scores of classes, or a row of them for every frame", v->name);
        return -1;
    }
    return n_fits == 1 ? fits : channels >= 0 ? channels : last;
}

/* v as 1,classes,1,1,1: the mean over its rows. */
static fl_id mean_of_rows(fl_onnx_import *im, const fl_onnx_value *v, int classes, const char *name,
                          fl_onnx_notes *notes)
{
    int want[FL_ONNX_RANK] = {0};
    int64_t rows = 1;
    for (int i = 0; i < v->rank; i++) {
        want[i] = i == classes ? FL_AXIS_C : v->dim[i] == 1 ? FL_SEAT_NONE : FL_AXIS_T;
        if (i != classes) rows *= v->dim[i];
    }
    const fl_id seated = fl_onnx_arrange(im, v, want);
    if (rows == 1) return seated;
    char text[100];
    snprintf(text, sizeof text, "the network gives %lld rows of scores: their mean is explained", (long long)rows);
    if (!strstr(notes->text, text)) add_note(notes, text);
    im->label = name;
    return fl_node_mean(im->g, fl_onnx_name(im, NULL), seated, 1u << FL_AXIS_T);
}

static void find_ends(fl_onnx_import *im, const fl_onnx *onnx, fl_network *net)
{
    const fl_onnx_value *out = &im->value[im->program->output[0].value];
    if (out->kind != FL_ONNX_DYNAMIC) {
        fl_error_set(im->g->error, FL_UNREADABLE, "the output '%.80s' does not depend on the input", out->name);
        return;
    }
    const int classes = class_axis(im, out, onnx->model.classes);
    if (!fl_onnx_ok(im)) return;
    const fl_node *end = &im->g->node[out->node];
    const bool softmax = end->op->kind == FL_OP_softmax && classes >= 0 && out->seat[classes] == FL_AXIS_C;
    const fl_id before = softmax ? end->in[0] : FL_NONE;
    net->output = mean_of_rows(im, out, classes, "output", onnx->notes);
    net->logits = net->output;
    if (softmax) {
        fl_onnx_value logits = *out;
        logits.node = before;
        net->logits = mean_of_rows(im, &logits, classes, "logits", onnx->notes);
    }
    if (im->program->n_outputs > 1) add_note(onnx->notes, "the network has several outputs: the first is explained");
}

/* The last node before the output that has places. Nodes that only rearrange values are no layer to look at. */
static fl_id find_cam(const fl_onnx_import *im, fl_id output)
{
    const fl_graph *g = im->g;
    bool *above = FL_NEW(im->arena, bool, g->count + 1);
    if (!above) return FL_NONE;
    above[output] = true;
    for (fl_id i = output; i >= 0; i--) {
        const fl_node *n = &g->node[i];
        if (!above[i]) continue;
        const fl_op_kind k = n->op->kind;
        const bool moves = k == FL_OP_permute || k == FL_OP_reshape || k == FL_OP_slice || k == FL_OP_pad;
        if (n->role == FL_COMPUTED && !moves && n->shape.n == 1 && n->shape.h * (int64_t)n->shape.w > 1) return i;
        for (int j = 0; j < n->n_in; j++) above[n->in[j]] = true;
    }
    return FL_NONE;
}

/* ---- all of it ---- */

static void import_all(fl_onnx_import *im, const fl_onnx *onnx, const fl_model_options *o, fl_network *net)
{
    onnx->notes->text[0] = 0;
    if (!set_leaves(im)) return;
    net->input = add_input(im, onnx, o);
    for (int i = 0; i < im->program->n_nodes && fl_onnx_ok(im); i++) import_node(im, &im->program->node[i]);
    if (!fl_onnx_ok(im)) return;
    find_ends(im, onnx, net);
    if (!fl_onnx_ok(im)) return;
    net->cam = find_cam(im, net->output);
    const int classes = fl_graph_shape(im->g, net->output).c;
    if (o->classes && classes != o->classes)
        fl_error_set(im->g->error, FL_USAGE,
                     "%s has %d classes, expected %d: --classes and the labels of its card must "
                     "agree with it",
                     onnx->path, classes, o->classes);
}

fl_network fl_onnx_build(fl_graph *g, const fl_model *model, const fl_model_options *o)
{
    const fl_onnx *onnx = (const fl_onnx *)model;
    fl_network net = fl_network_none;
    fl_arena scratch;
    if (!fl_graph_ok(g)) return net;
    if (o->n > 1 || o->training || o->bptt != FL_BPTT_FULL) {
        fl_error_set(g->error, FL_USAGE,
                     "%s: a network from a file takes one clip at a time, is not trained here, and "
                     "sends its signals back through all of time",
                     onnx->path);
        return net;
    }
    fl_arena_init_beside(&scratch, g->arena);
    fl_onnx_import im = {.program = &onnx->program, .g = g, .arena = &scratch, .label = ""};
    import_all(&im, onnx, o, &net);
    fl_graph_touch(g);
    fl_arena_free(&scratch);
    return net;
}
