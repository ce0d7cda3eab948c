/* command.c: which command a line is for: its options, and whether its arguments are as many as it takes. */
#include "io/cli/cli.h"

fl_status fl_cli_choose(fl_cli *cli, const fl_command *command)
{
    cli->command = command;
    for (int i = 0; command->group && command->group[i]; i++)
        if (fl_cli_add_group(cli, command->group[i]) != FL_OK) return cli->error->status;
    return FL_OK;
}

fl_status fl_cli_check_arguments(fl_cli *cli)
{
    const fl_command *c = cli->command;
    if (cli->arguments < c->least)
        return fl_error_set(cli->error, FL_USAGE, "%s: something is missing: expected footlight %s %s", c->name,
                            c->name, c->synopsis);
    if (cli->arguments > c->most)
        return fl_error_set(cli->error, FL_USAGE, "%s: '%s' is one argument too many: expected footlight %s %s",
                            c->name, cli->argument[c->most], c->name, c->synopsis);
    return FL_OK;
}
