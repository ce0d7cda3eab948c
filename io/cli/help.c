/* help.c: --help and --version, made from the tables. */
#include "io/cli/cli.h"

#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tensor/real.h"

#include <string.h>

static const fl_option common[] = {
    FL_OPTION_INT("threads", "N", "0", 0, FL_MAX_THREADS,
                  "threads to use; 0: OMP_NUM_THREADS, or all cores; the numbers stay the same"),
    FL_OPTION_INT("seed", "N", "0", 0, 9e18, "of everything random"),
    FL_OPTION_TEXT("isa", 0, "NAME", NULL,
                   "instruction set, as listed by --version; default: FOOTLIGHT_ISA, or the best there is"),
    FL_OPTION_BYTES("mem", "BYTES", NULL,
                    "most memory to take (suffixes K, M, G): slower where it is short, same bits; exit code 6 says what would do"),
    FL_OPTION_FLAG("json", 0, "the result on stdout as one JSON object"),
    FL_OPTION_FLAG("quiet", 'q', "nothing on stderr but errors and warnings"),
    FL_OPTION_FLAG("no-progress", 0, "no progress line (it is shown on a terminal only)"),
    FL_OPTION_FLAG("help", 'h', "this text"),
    FL_OPTION_FLAG("version", 0, "version, precision, instruction set, threads"),
    {0}};

const fl_option_group fl_cli_common = {"Everywhere", common};

enum { COLUMN = 30, WIDTH = 100 };

/* Text in lines of WIDTH, indented by COLUMN from the second line on. */
static void print_wrapped(FILE *to, const char *text, int at)
{
    const char *between = "";
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (at + 1 + word > WIDTH) {
            at = fprintf(to, "\n%*s", COLUMN, "") - 1;
            between = "";
        }
        at += fprintf(to, "%s%.*s", between, word, text);
        between = " ";
        text += word;
        text += strspn(text, " ");
    }
    fprintf(to, "\n");
}

static void print_option(FILE *to, const fl_option *o)
{
    int at = o->letter ? fprintf(to, "  -%c, --%s", o->letter, o->name) : fprintf(to, "      --%s", o->name);
    if (o->value) at += fprintf(to, " %s", o->value);
    if (at >= COLUMN - 1) at = fprintf(to, "\n") - 1;
    at += fprintf(to, "%*s", COLUMN - at, "");
    char text[1024];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", o->help);
    for (int i = 0; o->words && o->words[i] && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s", i ? ", " : " [", o->words[i],
                              o->words[i + 1] ? "" : "]");
    if (o->preset && n < sizeof text) snprintf(text + n, sizeof text - n, " (default %s)", o->preset);
    print_wrapped(to, text, at);
}

static void print_group(FILE *to, const fl_option_group *group)
{
    fprintf(to, "\n%s:\n", group->title);
    for (const fl_option *o = group->option; o->name; o++) print_option(to, o);
}

static void help_of_program(const fl_cli *cli, FILE *to)
{
    fprintf(to,
            "footlight explains video classifiers: which pixels of which frames made the network say so.\n\n"
            "Usage: footlight COMMAND [ARGUMENT ...] [OPTION ...]\n\n"
            "  footlight demo                                    a complete example, without any file\n"
            "  footlight explain clip.y4m --method grad_cam      explain a clip, write a report\n\n"
            "Commands:\n");
    for (int i = 0; cli->commands[i]; i++)
        fprintf(to, "  %-12s %s\n", cli->commands[i]->name, cli->commands[i]->doc);
    print_group(to, &fl_cli_common);
    fprintf(to, "\nfootlight COMMAND --help tells more about a command.\n"
                "Exit codes: 0 ok, 1 failed, 2 usage, 3 unreadable input, 4 weights do not fit, 5 a check failed,\n"
                "6 a limit was hit.\n");
}

static void help_of_command(FILE *to, const fl_command *c)
{
    fprintf(to, "footlight %s: %s\n\nUsage: footlight %s %s\n", c->name, c->doc, c->name, c->synopsis);
    for (int i = 0; c->group && c->group[i]; i++) print_group(to, c->group[i]);
    print_group(to, &fl_cli_common);
    if (c->notes) fprintf(to, "\n%s\n", c->notes);
}

void fl_cli_help(const fl_cli *cli, FILE *to)
{
    if (cli->command) help_of_command(to, cli->command);
    else help_of_program(cli, to);
}

void fl_cli_version(const fl_cli *cli, FILE *to)
{
#ifdef _OPENMP
    const bool openmp = true;
#else
    const bool openmp = false;
#endif
    if (cli->json) {
        fl_json j;
        fl_json_to_stream(&j, to, true);
        fl_json_object(&j, NULL);
        fl_json_string(&j, "version", FL_VERSION);
        fl_json_string(&j, "precision", FL_REAL_NAME);
        fl_json_string(&j, "isa", fl_isa_name());
        fl_json_array(&j, "isa_available");
        for (int i = 0; fl_isa_available(i); i++) fl_json_string(&j, NULL, fl_isa_available(i));
        fl_json_close(&j);
        fl_json_int(&j, "threads", fl_threads());
        fl_json_bool(&j, "openmp", openmp);
        fl_json_close(&j);
        fl_json_end(&j);
        return;
    }
    fprintf(to, "footlight %s\nprecision: %s\nISA: %s (this machine has", FL_VERSION, FL_REAL_NAME, fl_isa_name());
    for (int i = 0; fl_isa_available(i); i++) fprintf(to, " %s", fl_isa_available(i));
    fprintf(to, ")\nthreads: %d\nOpenMP: %s\n", fl_threads(), openmp ? "on" : "off");
}
