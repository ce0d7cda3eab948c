/* inspect_model.c: footlight inspect MODEL: its layers with shape, receptive field, parameters and multiply-adds; the memory of a
 * forward and of a gradient pass. Nothing is run, and no weights are needed. */
#include "io/cli/inspect.h"

#include "autograd/receptive.h"
#include "io/onnx/onnx.h"
#include "models/model.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

typedef struct anatomy {
    const fl_model *model;
    fl_graph *g;
    fl_network net;
    fl_receptive *field;
    double parameters, macs;
    size_t forward, gradient;              /* bytes */
} anatomy;

static size_t forecast(fl_graph *g, const fl_network *net, bool gradient)
{
    const fl_plan plan = {.keep = gradient ? FL_KEEP_FOR_BACKWARD : FL_KEEP_OUTPUTS, .out = &net->output, .n_out = 1,
                          .root = net->output, .wrt = &net->input, .n_wrt = gradient ? 1 : 0, .forecast = true};
    return fl_graph_plan(g, &plan) == FL_OK ? fl_graph_bytes(g) : 0;
}

/* Parameters that a node is the first to use. */
static double parameters_of(const fl_graph *g, fl_id id)
{
    double count = 0;
    for (int k = 0; k < g->node[id].n_in; k++) {
        const fl_node *p = &g->node[g->node[id].in[k]];
        bool used = p->role != FL_PARAM;
        for (fl_id i = 0; i < id && !used; i++)
            for (int j = 0; j < g->node[i].n_in; j++) used |= g->node[i].in[j] == g->node[id].in[k];
        if (!used) count += (double)fl_shape_count(p->shape);
    }
    return count;
}

static fl_status study(fl_cli *cli, anatomy *a, int frames)
{
    a->g = fl_graph_new(cli->work);
    if (!a->g) return cli->error->status;
    a->net = fl_model_build(a->g, a->model, &(fl_model_options){.frames = frames});
    a->field = FL_NEW(cli->arena, fl_receptive, a->g->count + 1);
    if (!fl_graph_ok(a->g) || !a->field) return cli->error->status;
    fl_receptive_fields(a->g, a->net.input, a->field);
    for (fl_id i = 0; i < a->g->count; i++) {
        if (a->g->node[i].role == FL_PARAM) a->parameters += (double)fl_shape_count(a->g->node[i].shape);
        a->macs += fl_node_macs(&a->g->node[i]);
    }
    a->forward = forecast(a->g, &a->net, false);
    a->gradient = forecast(a->g, &a->net, true);
    return cli->error->status;
}

/* "17x43x43", or "-" for what does not see the input. */
static void print_field(const anatomy *a, fl_id id, char *to, size_t size)
{
    const fl_shape in = fl_graph_shape(a->g, a->net.input);
    const fl_receptive *r = &a->field[id];
    if (r->sees)
        snprintf(to, size, "%dx%dx%d", fl_receptive_size(r, 0, in.t), fl_receptive_size(r, 1, in.h), fl_receptive_size(r, 2, in.w));
    else
        snprintf(to, size, "-");
}

/* "shorter side to 256, centre 224 x 224, RGB, (v - mean) / std with mean 0.485 ..." */
static void print_card(const char *title, const fl_card_input *c)
{
    const int height = c->fit_height ? c->fit_height : c->height, width = c->fit_width ? c->fit_width : c->width;
    const bool flow = c->source == FL_SOURCE_FLOW;
    printf("%-12s", title);
    if (c->features) {
        printf("a vector per frame (--tensor)\n");
        return;
    }
    printf("%d frames (%s), ", c->frames, c->sampling ? c->sampling : "long_range_last");
    if (c->fit == FL_FIT_SHORT_SIDE) printf("shorter side to %d, ", height);
    else printf("resized to %d x %d, ", height, width);
    printf("centre %d x %d\n%12s", c->height, c->width, "");
    if (flow) printf("TV-L1 flow, -%g..%g pixels to 0..%g, %s", c->flow.bound > 0 ? c->flow.bound : 20,
                     c->flow.bound > 0 ? c->flow.bound : 20, c->white, c->flow.stack > 1 ? "stacked, " : "");
    else printf("%s 0..%g, ", c->bgr ? "BGR" : "RGB", c->white);
    printf("minus %g %g %g, divided by %g %g %g\n", c->mean[0], c->mean[1], c->mean[2], c->std[0], c->std[1], c->std[2]);
}

static void print_table(const anatomy *a)
{
    const fl_model *m = a->model;
    const fl_shape in = fl_graph_shape(a->g, a->net.input);
    printf("%s: %s\n%s\n\n", m->name, m->doc, m->citation);
    printf("input       %d x %d x %d x %d (channels, frames, rows, columns)\n", in.c, in.t, in.h, in.w);
    print_card("made of", &m->input);
    if (m->flow) print_card("and", m->flow);
    printf("classes     %d%s\n", fl_graph_shape(a->g, a->net.output).c, m->labels ? ", with names" : "");
    printf("parameters  %.0f\n", a->parameters);
    printf("work        %.2f GMAC a clip\n", 1e-9 * a->macs);
    printf("memory      forward %.0f MiB, gradient %.0f MiB (weights and their packings included)\n", (double)a->forward / 1048576,
           (double)a->gradient / 1048576);
    if (a->net.cam != FL_NONE) printf("CAM, EBP    %s\n", a->g->node[a->net.cam].name);
    printf("layouts     own names");
    for (int i = 0; m->keys && m->keys[i]; i++) printf("; %s (%s)", m->keys[i]->name, m->keys[i]->doc);
    printf("\n\n%-34s %-11s %-20s %-14s %12s %10s\n", "node", "op", "shape", "sees t x h x w", "parameters", "MMAC");
    for (fl_id i = 0; i < a->g->count; i++) {
        const fl_node *n = &a->g->node[i];
        char shape[64], field[64];
        if (n->role != FL_COMPUTED) continue;
        snprintf(shape, sizeof shape, "%dx%dx%dx%d", n->shape.c, n->shape.t, n->shape.h, n->shape.w);
        print_field(a, i, field, sizeof field);
        printf("%-34s %-11s %-20s %-14s %12.0f %10.1f\n", n->name, n->op->name, shape, field,
               parameters_of(a->g, i), 1e-6 * fl_node_macs(n));
    }
}

static void write_layer(fl_json *j, const anatomy *a, fl_id id)
{
    const fl_node *n = &a->g->node[id];
    const fl_shape in = fl_graph_shape(a->g, a->net.input);
    const fl_receptive *r = &a->field[id];
    fl_json_object(j, NULL);
    fl_json_string(j, "name", n->name);
    fl_json_string(j, "op", n->op->name);
    fl_json_ints(j, "shape", (int[]){n->shape.c, n->shape.t, n->shape.h, n->shape.w}, 4);
    if (r->sees)
        fl_json_ints(j, "receptive_field", (int[]){fl_receptive_size(r, 0, in.t), fl_receptive_size(r, 1, in.h),
                                                   fl_receptive_size(r, 2, in.w)}, 3);
    fl_json_number(j, "parameters", parameters_of(a->g, id));
    fl_json_number(j, "macs", fl_node_macs(n));
    fl_json_close(j);
}

static void write_card(fl_json *j, const char *key, const fl_card_input *c)
{
    fl_json_object(j, key);
    fl_json_string(j, "source", c->features ? "features" : c->source == FL_SOURCE_FLOW ? "flow" : "rgb");
    fl_json_int(j, "frames", c->frames);
    fl_json_int(j, "height", c->height);
    fl_json_int(j, "width", c->width);
    fl_json_string(j, "sampling", c->sampling ? c->sampling : "long_range_last");
    fl_json_string(j, "fit", c->fit == FL_FIT_SHORT_SIDE ? "short_side" : "stretch");
    fl_json_int(j, "fit_height", c->fit_height ? c->fit_height : c->height);
    fl_json_int(j, "fit_width", c->fit_width ? c->fit_width : c->width);
    fl_json_number(j, "white", c->white);
    fl_json_bool(j, "bgr", c->bgr);
    for (int k = 0; k < 2; k++) {
        fl_json_array(j, k ? "std" : "mean");
        for (int i = 0; i < 3; i++) fl_json_number(j, NULL, k ? c->std[i] : c->mean[i]);
        fl_json_close(j);
    }
    fl_json_close(j);
}

static void write_table(const anatomy *a)
{
    const fl_model *m = a->model;
    const fl_shape in = fl_graph_shape(a->g, a->net.input);
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "model", m->name);
    fl_json_string(&j, "citation", m->citation);
    fl_json_ints(&j, "input", (int[]){in.c, in.t, in.h, in.w}, 4);
    write_card(&j, "card", &m->input);
    if (m->flow) write_card(&j, "flow_card", m->flow);
    fl_json_int(&j, "classes", fl_graph_shape(a->g, a->net.output).c);
    fl_json_number(&j, "parameters", a->parameters);
    fl_json_number(&j, "macs", a->macs);
    fl_json_number(&j, "forward_bytes", (double)a->forward);
    fl_json_number(&j, "gradient_bytes", (double)a->gradient);
    fl_json_string(&j, "cam_layer", a->net.cam == FL_NONE ? NULL : a->g->node[a->net.cam].name);
    fl_json_array(&j, "layouts");
    fl_json_string(&j, NULL, "own");
    for (int i = 0; m->keys && m->keys[i]; i++) fl_json_string(&j, NULL, m->keys[i]->name);
    fl_json_close(&j);
    fl_json_array(&j, "layers");
    for (fl_id i = 0; i < a->g->count; i++)
        if (a->g->node[i].role == FL_COMPUTED) write_layer(&j, a, i);
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}

fl_status fl_inspect_model(fl_cli *cli, const char *name, int frames)
{
    anatomy a = {.model = fl_model_find(name)};
    fl_onnx *onnx;
    if (fl_onnx_is_file(name)) {
        if (fl_onnx_open(cli->arena, name, &onnx) != FL_OK) return cli->error->status;
        a.model = &onnx->model;
    }
    struct stat link;
    if (!a.model && lstat(name, &link) == 0)                 /* a link that leads nowhere, or in a circle */
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: cannot be opened: %s", name, stat(name, &link) ? strerror(errno) : "no file");
    if (!a.model)
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: no such file, and no network of that name; did you mean the network '%s'? "
                            "(footlight list models names them)", name, fl_model_nearest(name));
    if (study(cli, &a, frames) != FL_OK) return cli->error->status;
    if (cli->json) write_table(&a);
    else print_table(&a);
    return FL_OK;
}
