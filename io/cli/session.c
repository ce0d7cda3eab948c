/* session.c: from options to a graph that is ready to run. */
#include "io/cli/session.h"

#include <string.h>

static const fl_option network[] = {
    FL_OPTION_TEXT("model", 'm', "NAME", "r2plus1d_small", "the network; footlight list models names them"),
    FL_OPTION_TEXT("weights", 'w', "FILE", NULL, "safetensors, or formula[:GAMMA] for made-up ones; default: what ships with the network"),
    FL_OPTION_INT("classes", "N", NULL, 1, 1000000, "outputs of the network; default: its own number"),
    {0}};
const fl_option_group fl_session_network = {"Network", network};

const fl_model *fl_session_find_model(fl_cli *cli)
{
    const char *name = fl_cli_text(cli, "model");
    const fl_model *model = fl_model_find(name);
    if (!model)
        fl_error_set(cli->error, FL_USAGE, "model '%s' is unknown; did you mean '%s'? (footlight list models names them)", name,
                     fl_model_nearest(name));
    return model;
}
