/* explain.c: footlight explain: which pixels of which frames made the network say so. */
#include "attribution/explainer.h"
#include "io/cli/costs.h"
#include "io/cli/explanation.h"
#include "io/cli/interrupt.h"
#include "io/cli/layers.h"

#include <string.h>
#include <unistd.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("method", 0, "NAME", NULL,
                   "which method, or several with commas between: one report; footlight list methods names them"),
    FL_OPTION_TEXT("output", 'o', "DIR", NULL, "folder for the files; default: footlight-CLIP-METHOD"),
    FL_OPTION_TEXT("boxes", 0, "FILE", NULL,
                   "CSV with columns clip,frame,x0,y0,x1,y1,label: draws them and judges the map by them"),
    FL_OPTION_FLAG("costs", 0,
                   "a table instead of maps: law, residual, passes, seconds and memory of the methods; without --method of all"),
    FL_OPTION_FLAG("list-layers", 0, "the layers of the network, with their shapes, and nothing else"),
    {0}};
static const fl_option_group group = {"Options of explain", options};

static const char *output_folder(fl_cli *cli, const fl_session *s, const fl_method_list *methods)
{
    const char *given = fl_cli_text(cli, "output");
    if (given) return given;
    return fl_arena_text(cli->arena, "footlight-%s-%s", s->input.title,
                         methods->count > 1 ? "methods" : methods->item[0]->name);
}

static fl_status read_methods(fl_cli *cli, fl_method_list *methods)
{
    const char *names = fl_cli_text(cli, "method");
    if (!cli->arguments)
        return fl_error_set(cli->error, FL_USAGE, "explain: the clip is missing: expected footlight explain CLIP "
                            "--method NAME");
    if (!names && fl_cli_flag(cli, "costs")) return FL_OK;
    if (!names)
        return fl_error_set(cli->error, FL_USAGE, "explain: by which method? Expected --method NAME, for example "
                            "--method integrated_gradients; footlight list methods names them");
    if (fl_methods_parse(cli, "method", names, methods) != FL_OK) return cli->error->status;
    return fl_methods_check_options(cli, methods);
}

fl_status fl_explain_open(fl_cli *cli, fl_explanation *x, fl_session *s)
{
    const char *path = fl_cli_text(cli, "boxes");
    fl_boxes *boxes = path ? FL_NEW(cli->arena, fl_boxes, 1) : NULL;
    fl_status status = path && !boxes ? cli->error->status : read_methods(cli, &x->methods);
    if (status == FL_OK) status = fl_session_open(cli, cli->argument[0], s);
    if (status == FL_OK) status = fl_session_rank(cli, s, 5);
    if (status == FL_OK) status = fl_methods_read_options(cli, s, &x->options);
    if (status == FL_OK && path) status = fl_boxes_read(cli, path, &s->input, boxes);
    if (status != FL_OK) return status;
    x->session = s;
    x->boxes = boxes;
    x->reduction = fl_picture_reduction(cli);
    x->look = fl_picture_look(cli);
    return FL_OK;
}

static fl_status explain_into(fl_cli *cli, fl_explanation *x, const fl_session *s, const char *folder)
{
    fl_limits limits;
    if (fl_limits_read(cli, s, folder, &limits) != FL_OK) return cli->error->status;
    x->limits = &limits;                                 /* cppcheck-suppress autoVariables; x is done with when this returns */
    FILE *const talk = cli->json ? stderr : stdout;
    if (!cli->json || !cli->quiet) fl_session_print_top(s, talk);
    fflush(stdout);
    if (fl_explanation_make(cli, x, folder) != FL_OK) return cli->error->status;
    if (!x->partial) fl_limits_forget(&limits, x->methods.item, x->methods.count);
    if (!cli->json || !cli->quiet) {
        fprintf(talk, "\n");
        fl_explanation_print(x, talk);
        fprintf(talk, "\nreport: %s/report.html\n", folder);
    }
    if (!x->partial) return FL_OK;
    return fl_error_set(cli->error, FL_LIMIT, "%s: %s after %d passes; %s holds the map so far, and --resume goes on from there",
                        x->partial->method->name, fl_interrupt_asked() ? "interrupted" : "the time is over", x->partial->passes, folder);
}

/* Names of nodes are looked up before anything is printed. */
static fl_status check_nodes(const fl_cli *cli, const fl_explanation *x, const fl_session *s)
{
    fl_target target = x->options.target;
    fl_end end;
    for (int i = 0; x->options.layer && i < x->methods.count; i++)
        if (x->methods.item[i]->level == FL_LEVEL_LAYER && fl_explainer_layer(s->explainer, x->options.layer) == FL_NONE)
            return cli->error->status;
    return target.node ? fl_target_end(s->graph, &s->net, &target, &end) : FL_OK;
}

static fl_status explain(fl_cli *cli, fl_explanation *x, fl_session *s)
{
    if (fl_explain_open(cli, x, s) != FL_OK) return cli->error->status;
    if (fl_cli_flag(cli, "costs")) return fl_costs_print(cli, s, &x->methods, &x->options);
    if (fl_cli_flag(cli, "dry-run")) return fl_limits_forecast(cli, s, x->methods.item, x->methods.count, &x->options);
    fl_assert(x->methods.count > 0);
    if (check_nodes(cli, x, s) != FL_OK) return cli->error->status;
    const char *folder = output_folder(cli, s, &x->methods);
    if (folder && strcmp(folder, "-") == 0)
        return fl_error_set(cli->error, FL_USAGE, "--output: expected a folder, got '-'; with --json the result is "
                            "on standard output");
    if (folder && fl_explanation_spare(cli, x, folder) != FL_OK) return cli->error->status;
    const bool was_there = folder && fl_folder_exists(folder);
    if (!folder || fl_folder_make(folder, cli->error) != FL_OK) return cli->error->status;
    const fl_status status = explain_into(cli, x, s, folder);
    if (status != FL_OK && !was_there) rmdir(folder);                /* which does nothing when it holds something */
    return status;
}

static fl_status run(fl_cli *cli)
{
    if (fl_cli_flag(cli, "list-layers")) {
        fl_model_options o = fl_session_model_options(cli);
        o.frames = (int)fl_cli_int(cli, "frames");
        return fl_layers_print(cli, &o);
    }
    fl_explanation x = {0};
    fl_session s;
    return explain(cli, &x, &s);
}

const fl_command fl_command_explain = {
    "explain", "which pixels of which frames made the network say so", "CLIP --method NAME [-o DIR] [options]", 0, 1,
    (const fl_option_group *const[]){&group, &fl_target_options, &fl_method_options, &fl_limit_options, &fl_picture_options,
                                     &fl_session_network, &fl_session_weights, &fl_input_options, NULL},
    "  footlight explain clip.y4m --method grad_cam\n"
    "  footlight explain clip.y4m --method gradient,integrated_gradients,grad_cam -o three\n"
    "  footlight explain --list-layers --model r2plus1d_small\n\n"
    "Into the folder: map.npy (raw, signed), map_reduced.npy (as drawn), sheet.png, animation.png, report.html and\n"
    "result.json, from which footlight rerun makes the maps again; with several methods the first four once for each, with the\n"
    "method's name in front.",
    run};
