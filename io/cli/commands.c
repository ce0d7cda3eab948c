/* commands.c: the table of commands, in the order of commands.def. */
#include "io/cli/cli.h"

const fl_command *const fl_command_table[] = {
#define FL_COMMAND(name) &fl_command_##name,
#include "io/cli/commands.def"
#undef FL_COMMAND
    NULL};
