/* predict.c: footlight predict: what the network says about a clip. */
#include "io/cli/session.h"

static const fl_option options[] = {
    FL_OPTION_INT("top", "K", "5", 1, 1000000, "classes to print"),
    FL_OPTION_FLAG("logits", 0, "with --json: all logits (what the network returns where it returns probabilities)"),
    {0}};
static const fl_option_group group = {"Options of predict", options};

static fl_status run(fl_cli *cli)
{
    fl_session s;
    if (fl_session_open(cli, cli->argument[0], &s) != FL_OK) return cli->error->status;
    if (fl_session_rank(cli, &s, (int)fl_cli_int(cli, "top")) != FL_OK) return cli->error->status;
    if (!cli->json) {
        fl_session_print_top(&s, stdout);
        return FL_OK;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_session_write(&j, &s);
    if (fl_cli_flag(cli, "logits")) {
        real *all = FL_NEW(cli->arena, real, s.classes);
        for (int k = 0; all && k < s.classes; k++) all[k] = (real)fl_session_output(&s, k);
        if (all) fl_json_numbers(&j, "logits", all, s.classes);
    }
    fl_json_close(&j);
    fl_json_end(&j);
    return FL_OK;
}

const fl_command fl_command_predict = {
    "predict", "what the network says about a clip", "CLIP [options]", 1, 1,
    (const fl_option_group *const[]){&group, &fl_session_network, &fl_session_weights, &fl_input_options, NULL},
    "  footlight predict clip.y4m\n"
    "  footlight predict frames/ --model r2plus1d_small --json\n"
    "  ffmpeg -i clip.mp4 -f image2pipe -c:v ppm - | footlight predict -",
    run};
