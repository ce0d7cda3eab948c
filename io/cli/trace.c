/* trace.c: footlight trace: one value of the clip, up to the score and down again, number by number. */
#include "io/cli/method_options.h"
#include "io/cli/session.h"
#include "io/cli/spare.h"
#include "io/trace_page.h"

#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("pixel", 'p', "T,Y,X", NULL, "frame, row and column as the network sees them; default: where the map is strongest"),
    FL_OPTION_INT("channel", "C", NULL, 0, 1000000, "of the pixel; default: where the map is strongest"),
    FL_OPTION_TEXT("method", 0, "NAME", "gradient", "whose signal: a gradient or a rule set's method"),
    FL_OPTION_TEXT("output", 'o', "FILE", NULL, "a page for a browser, one self-contained file"),
    {0}};
static const fl_option_group group = {"Options of trace", options};

static fl_status read_place(fl_cli *cli, int place[4])
{
    const char *text = fl_cli_text(cli, "pixel");
    int read = 0;
    place[0] = fl_cli_given(cli, "channel") ? (int)fl_cli_int(cli, "channel") : -1;
    place[1] = place[2] = place[3] = -1;
    if (!text || (sscanf(text, "%d,%d,%d%n", &place[1], &place[2], &place[3], &read) == 3 && !text[read] && place[1] >= 0)) return FL_OK;
    return fl_error_set(cli->error, FL_USAGE, "--pixel: expected frame,row,column as in 3,10,12, got '%s'", text);
}

static fl_status save(fl_cli *cli, const fl_trace_view *v, const char *path)
{
    fl_buffer page = fl_buffer_new(cli->arena);
    if (fl_trace_html(&page, v) != FL_OK) return cli->error->status;
    return fl_file_write(path, page.data, page.size, cli->error);
}

static fl_status show(fl_cli *cli, const fl_session *s, const fl_traced *t)
{
    const int class_index = t->map.options.target.class_index;
    const char *label = fl_session_label(s, class_index), *page = fl_cli_text(cli, "output");
    const fl_trace_view v = {.t = t, .model = s->model->name, .weights = s->weights.name, .clip = s->input.title,
                             .target = label ? label : fl_arena_text(cli->arena, "class %d", class_index), .method = t->map.method->title,
                             .citation = t->map.method->citation, .command = fl_cli_command_line(cli), .rgb = s->input.rgb,
                             .frame_number = s->input.frame ? s->input.frame[t->place[1]] : t->place[1], .probability = t->map.probability};
    if (!v.target || !v.command) return cli->error->status;
    if (page && save(cli, &v, page) != FL_OK) return cli->error->status;
    if (!cli->json) {
        fl_trace_print(stdout, &v);
        if (page) fl_cli_say(cli, "page: %s", page);
        return FL_OK;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "version", FL_VERSION);
    fl_json_string(&j, "precision", FL_REAL_NAME);
    fl_cli_write_command(&j, cli);
    fl_session_write(&j, s);
    fl_json_string(&j, "method", t->map.method->name);
    fl_json_int(&j, "class", class_index);
    fl_json_number(&j, "score", t->map.score);
    fl_trace_write(&j, &v);
    fl_json_close(&j);
    fl_json_end(&j);
    return FL_OK;
}

static fl_status run(fl_cli *cli)
{
    fl_session s;
    fl_method_list methods;
    fl_explain_options o;
    fl_traced t;
    int place[4];
    if (fl_cli_spare(cli, "output", fl_cli_text(cli, "output")) != FL_OK) return cli->error->status;
    if (read_place(cli, place) != FL_OK || fl_methods_parse(cli, "method", fl_cli_text(cli, "method"), &methods) != FL_OK)
        return cli->error->status;
    if (methods.count > 1) return fl_error_set(cli->error, FL_USAGE, "--method: a trace is of one method");
    if (fl_methods_check_options(cli, &methods) != FL_OK || fl_session_open_or_make(cli, &s) != FL_OK ||
        fl_session_rank(cli, &s, 5) != FL_OK || fl_methods_read_options(cli, &s, &o) != FL_OK)
        return cli->error->status;
    if (fl_trace(s.explainer, methods.item[0], s.input.values, &o, place, cli->arena, &t) != FL_OK) return cli->error->status;
    for (int i = 0; i < t.map.warnings; i++) fl_cli_warn(cli, "%s: %s", t.map.method->name, t.map.warning[i]);
    return show(cli, &s, &t);
}

const fl_command fl_command_trace = {
    "trace", "one pixel, up to the score and its signal down again, number by number",
    "[CLIP] [--pixel T,Y,X] [--target CLASS] [-o PAGE.html]", 0, 1,
    (const fl_option_group *const[]){&group, &fl_target_options, &fl_method_options, &fl_session_network, &fl_session_weights,
                                     &fl_input_options, NULL},
    "  footlight trace --model tiny --weights formula --pixel 3,10,12 -o walk.html\n"
    "  footlight trace clip.y4m --method lrp_epsilon_plus --json\n\n"
    "Up: which values of every layer the pixel changes, and by how much. Down: what arrives at every node, what its rule or its\n"
    "slope makes of it, what is handed on and what is kept. The way shown is the strongest; the page has the formulas and the\n"
    "numbers in them. Without CLIP: a made one, as in footlight check.",
    run};
