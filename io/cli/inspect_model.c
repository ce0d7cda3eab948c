/* inspect_model.c: footlight inspect MODEL. */
#include "io/cli/inspect.h"

fl_status fl_inspect_model(fl_cli *cli, const char *name)
{
    return fl_error_set(cli->error, FL_UNREADABLE, "%s: unknown file; check the name", name);
}
