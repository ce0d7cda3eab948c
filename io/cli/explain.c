/* explain.c: footlight explain: which pixels of which frames made the network say so. */
#include "io/cli/explanation.h"

static const fl_option options[] = {
    FL_OPTION_TEXT("method", 0, "NAME", NULL, "which method, or several with commas between: one report; footlight list methods names them"),
    FL_OPTION_TEXT("output", 'o', "DIR", NULL, "folder for the files; default: footlight-CLIP-METHOD"),
    FL_OPTION_TEXT("boxes", 0, "FILE", NULL, "CSV with columns clip,frame,x0,y0,x1,y1,label: draws them and judges the map by them"),
    FL_OPTION_FLAG("list-layers", 0, "the layers of the network, with their shapes, and nothing else"),
    {0}};
static const fl_option_group group = {"Options of explain", options};

/* ---- --list-layers ---- */

static bool is_layer(const fl_node *n) { return n->role == FL_COMPUTED && fl_shape_pixels(n->shape) > n->shape.n; }

static void print_layers(const fl_cli *cli, const fl_graph *g, fl_id cam)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    if (cli->json) fl_json_object(&j, NULL);
    if (cli->json) fl_json_array(&j, "layers");
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *n = &g->node[i];
        if (!is_layer(n)) continue;
        if (!cli->json) {
            printf("%-32s %-10s %5d x %3d x %3d x %3d%s\n", n->name, n->op->name, n->shape.c, n->shape.t, n->shape.h, n->shape.w,
                   i == cam ? "  (the default)" : "");
            continue;
        }
        fl_json_object(&j, NULL);
        fl_json_string(&j, "name", n->name);
        fl_json_string(&j, "op", n->op->name);
        fl_json_ints(&j, "shape", (int[]){n->shape.c, n->shape.t, n->shape.h, n->shape.w}, 4);
        fl_json_bool(&j, "default", i == cam);
        fl_json_close(&j);
    }
    if (!cli->json) return;
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}

static fl_status list_layers(fl_cli *cli)
{
    const fl_model *model = fl_session_find_model(cli);
    fl_graph *g = model ? fl_graph_new(cli->work) : NULL;
    if (!g) return cli->error->status;
    const fl_network net = fl_model_build(g, model, &(fl_model_options){.frames = (int)fl_cli_int(cli, "frames"),
                                                                        .classes = (int)fl_cli_int(cli, "classes")});
    if (fl_graph_ok(g)) print_layers(cli, g, net.cam);
    return cli->error->status;
}

/* ---- the explanation ---- */

static const char *output_folder(fl_cli *cli, const fl_session *s, const fl_method_list *methods)
{
    const char *given = fl_cli_text(cli, "output");
    if (given) return given;
    return fl_arena_text(cli->arena, "footlight-%s-%s", s->input.title, methods->count > 1 ? "methods" : methods->item[0]->name);
}

static fl_status explain(fl_cli *cli, fl_explanation *x, fl_session *s)
{
    const char *boxes = fl_cli_text(cli, "boxes");
    fl_boxes truth;
    x->session = s;
    if (fl_session_open(cli, cli->argument[0], s) != FL_OK || fl_session_rank(cli, s, 5) != FL_OK) return cli->error->status;
    if (fl_methods_read_options(cli, s, &x->options) != FL_OK) return cli->error->status;
    if (boxes && fl_boxes_read(cli, boxes, &s->input, &truth) != FL_OK) return cli->error->status;
    const char *folder = output_folder(cli, s, &x->methods);
    if (!folder || fl_folder_make(folder, cli->error) != FL_OK) return cli->error->status;
    x->boxes = boxes ? &truth : NULL;
    x->reduction = fl_picture_reduction(cli);
    x->look = fl_picture_look(cli);
    FILE *const talk = cli->json ? stderr : stdout;
    if (!cli->json || !cli->quiet) fl_session_print_top(s, talk);
    fflush(stdout);
    if (fl_explanation_run(cli, x) != FL_OK || fl_explanation_save(cli, x, folder) != FL_OK) return cli->error->status;
    if (cli->json && cli->quiet) return FL_OK;
    fprintf(talk, "\n");
    fl_explanation_print(x, talk);
    fprintf(talk, "\nreport: %s/report.html\n", folder);
    return FL_OK;
}

static fl_status run(fl_cli *cli)
{
    if (fl_cli_flag(cli, "list-layers")) return list_layers(cli);
    const char *names = fl_cli_text(cli, "method");
    fl_explanation x = {0};
    fl_session s;
    if (!cli->arguments) return fl_error_set(cli->error, FL_USAGE, "explain: the clip is missing: expected footlight explain CLIP --method NAME");
    if (!names)
        return fl_error_set(cli->error, FL_USAGE, "explain: by which method? Expected --method NAME, for example --method "
                            "integrated_gradients; footlight list methods names them");
    if (fl_methods_parse(cli, "method", names, &x.methods) != FL_OK || fl_methods_check_options(cli, &x.methods) != FL_OK)
        return cli->error->status;
    return explain(cli, &x, &s);
}

const fl_command fl_command_explain = {
    "explain", "which pixels of which frames made the network say so", "CLIP --method NAME [-o DIR] [options]", 0, 1,
    (const fl_option_group *const[]){&group, &fl_method_options, &fl_picture_options, &fl_session_network, &fl_input_options, NULL},
    "  footlight explain clip.y4m --method grad_cam\n"
    "  footlight explain clip.y4m --method gradient,integrated_gradients,grad_cam -o three\n"
    "  footlight explain --list-layers --model r2plus1d_small\n\n"
    "Into the folder: map.npy (raw, signed), map_reduced.npy (as drawn), sheet.png, animation.png, report.html, result.json.",
    run};
