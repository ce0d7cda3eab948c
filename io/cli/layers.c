/* layers.c: builds a network without weights and lists what can be explained at. */
#include "io/cli/layers.h"

#include "io/cli/session.h"

static bool has_places(const fl_node *n) { return n->role == FL_COMPUTED && fl_shape_pixels(n->shape) > n->shape.n; }

static void print_text(const fl_graph *g, fl_id cam)
{
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *n = &g->node[i];
        if (has_places(n))
            printf("%-32s %-10s %5d x %3d x %3d x %3d%s\n", n->name, n->op->name, n->shape.c, n->shape.t, n->shape.h,
                   n->shape.w, i == cam ? "  (the default)" : "");
    }
}

static void print_json(const fl_graph *g, const char *model, fl_id cam)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "model", model);
    fl_json_array(&j, "layers");
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *n = &g->node[i];
        if (!has_places(n)) continue;
        fl_json_object(&j, NULL);
        fl_json_string(&j, "name", n->name);
        fl_json_string(&j, "op", n->op->name);
        fl_json_ints(&j, "shape", (int[]){n->shape.c, n->shape.t, n->shape.h, n->shape.w}, 4);
        fl_json_bool(&j, "default", i == cam);
        fl_json_close(&j);
    }
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}

fl_status fl_layers_print(fl_cli *cli, const fl_model_options *o)
{
    const fl_model *model = fl_session_find_model(cli);
    fl_graph *g = model ? fl_graph_new(cli->work) : NULL;
    if (!g) return cli->error->status;
    const fl_network net = fl_model_build(g, model, o);
    if (!fl_graph_ok(g)) return cli->error->status;
    if (cli->json) print_json(g, model->name, net.cam);
    else print_text(g, net.cam);
    return FL_OK;
}
