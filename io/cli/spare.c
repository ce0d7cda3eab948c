/* spare.c: compares what will be written with all that the command line names. */
#include "io/cli/spare.h"

#include "io/cli/companions.h"

#include <string.h>

static fl_status refuse(const fl_cli *cli, const char *option, const char *path, const char *what, const char *name)
{
    return fl_error_set(cli->error, FL_USAGE, "--%s: '%s' holds %s%s itself, which would be lost; expected another name", option, path,
                        what, name);
}

fl_status fl_cli_spare(const fl_cli *cli, const char *option, const char *path)
{
    if (!path || strcmp(path, "-") == 0) return FL_OK;
    for (int i = 0; i < cli->arguments; i++)
        if (fl_file_is_same(path, cli->argument[i])) return refuse(cli, option, path, "the input", "");
    for (int i = 0; i < cli->settings; i++) {
        const fl_given *g = &cli->setting[i];
        const bool output = g->given && strcmp(g->option->name, "output") == 0;
        if (strcmp(g->option->name, option) == 0 || (!output && !fl_companion_is_path(g))) continue;
        if (fl_file_is_same(path, g->text)) return refuse(cli, option, path, "the file of --", g->option->name);
    }
    return FL_OK;
}

fl_status fl_cli_spare_in(fl_cli *cli, const char *folder, const char *const *name)
{
    for (; folder && *name; name++) {
        const char *path = fl_arena_text(cli->arena, "%s/%s", folder, *name);
        if (!path || fl_cli_spare(cli, "output", path) != FL_OK) return cli->error->status;
    }
    return FL_OK;
}
