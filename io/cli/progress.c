/* progress.c: "integrated_gradients  12 of 50, 24 %, 8 s left". */
#include "io/cli/progress.h"

#include "tensor/peak.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double PATIENCE = 0.5, INTERVAL = 0.2;      /* seconds before the first line, and between two */

static bool is_capable_terminal(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDERR_FILENO) && !(kind && strcmp(kind, "dumb") == 0);
}

void fl_progress_begin(fl_progress *p, const fl_cli *cli, const char *what)
{
    *p = (fl_progress){.what = what, .start = fl_clock()};
    p->allowed = !cli->quiet && !fl_cli_flag(cli, "no-progress") && is_capable_terminal();
    p->last = p->start + PATIENCE - INTERVAL;
}

bool fl_progress_step(int done, int total, void *user)
{
    fl_progress *p = user;
    const double now = p->allowed ? fl_clock() : 0;
    if (!p->allowed || done < 1 || total < 1 || now - p->last < INTERVAL) return true;
    const double left = (now - p->start) / done * (total - done);
    char line[128];
    int n = snprintf(line, sizeof line, "%s  %d of %d, %d %%, ", p->what, done, total, (int)(100.0 * done / total));
    if (n < 0 || (size_t)n >= sizeof line) return true;
    if (left >= 90) n += snprintf(line + n, sizeof line - (size_t)n, "%.0f min left", left / 60);
    else n += snprintf(line + n, sizeof line - (size_t)n, "%.0f s left", left);
    fprintf(stderr, "\r%s%*s", line, p->width > n ? p->width - n : 0, "");
    fflush(stderr);
    p->width = n;
    p->last = now;
    p->shown = true;
    return true;
}

void fl_progress_end(fl_progress *p)
{
    if (p->shown) fprintf(stderr, "\r%*s\r", p->width, "");
    p->shown = false;
}
