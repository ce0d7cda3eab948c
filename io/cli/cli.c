/* cli.c: one run of the program: find the command, parse, set the machine up, run, report, exit code. */
#include "io/cli/cli.h"

#include "io/cli/interrupt.h"
#include "tensor/kernels.h"
#include "tensor/par.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the run ---- */

static fl_status find_command(fl_cli *cli, const char *name)
{
    const char *known[64];
    int count = 0;
    for (; cli->commands[count]; count++) {
        fl_assert(count < 64);
        known[count] = cli->commands[count]->name;
        if (strcmp(known[count], name) == 0) return fl_cli_choose(cli, cli->commands[count]);
    }
    return fl_cli_unknown(cli->error, "command", name, known, count, "footlight --help lists them");
}

static fl_status set_up_machine(fl_cli *cli)
{
    if (fl_cli_given(cli, "threads")) fl_threads_set((int)fl_cli_int(cli, "threads"));
    cli->arena->limit = fl_cli_bytes(cli, "mem");
    return fl_isa_choose(fl_cli_text(cli, "isa"), cli->error);
}

/* Reads the line up to the point where it is known what to run. "footlight help COMMAND" is COMMAND --help. */
static fl_status read_line(fl_cli *cli, int argc, char **argv)
{
    int at = 1;
    if (fl_cli_add_group(cli, &fl_cli_common) != FL_OK || fl_cli_parse(cli, argc, argv, &at, true) != FL_OK)
        return cli->error->status;
    if (at >= argc) return FL_OK;
    const bool asks = strcmp(argv[at], "help") == 0;
    if (asks && ++at >= argc) {
        cli->wants_help = true;
        return FL_OK;
    }
    if (find_command(cli, argv[at++]) != FL_OK) return cli->error->status;
    fl_cli_parse(cli, argc, argv, &at, false);
    if (asks) cli->wants_help = true;
    return cli->error->status;
}

static fl_status run(fl_cli *cli, int argc, char **argv)
{
    read_line(cli, argc, argv);
    if (cli->wants_help) {
        fl_error_clear(cli->error);
        fl_cli_help(cli, stdout);
        return FL_OK;
    }
    if (cli->error->status != FL_OK || set_up_machine(cli) != FL_OK) return cli->error->status;
    if (cli->wants_version) {
        fl_cli_version(cli, stdout);
        return FL_OK;
    }
    if (!cli->command) {
        fl_cli_help(cli, stderr);
        return FL_USAGE;
    }
    if (fl_cli_check_arguments(cli) != FL_OK) return cli->error->status;
    fl_status status = cli->command->run(cli);
    return cli->error->status != FL_OK ? cli->error->status : status;
}

int fl_cli_main(int argc, char **argv)
{
    fl_error error = {0};
    fl_arena arena, work;
    fl_arena_init(&arena, &error);
    fl_arena_init_beside(&work, &arena);
    fl_cli cli = {.commands = fl_command_table, .arena = &arena, .work = &work, .error = &error, .program = argc > 0 ? argv[0] : ""};
    fl_signals_catch();
    fl_status status = run(&cli, argc, argv);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && !fl_signals_reader_left())
        status = fl_error_set(&error, FL_FAILED, "standard output: writing failed: %s; check for a full disk",
                              errno ? strerror(errno) : "a write was cut short");
    else if (fl_signals_reader_left() && ferror(stdout) && status == FL_FAILED)
        status = FL_OK;
    if (status != FL_OK && error.status != FL_OK) {
        fl_cli_complain(error.message);
    }
    fl_arena_free(&work);
    fl_arena_free(&arena);
    return fl_interrupt_asked() ? 128 + fl_interrupt_asked() : (int)status;
}
