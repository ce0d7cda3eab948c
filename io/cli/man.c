/* man.c: footlight(1). */
#include "io/cli/man.h"

/* Text with nothing in it that roff would take for a request or an escape. */
static void print_text(const char *text)
{
    bool first = true;
    for (; *text; first = *text == '\n', text++) {
        if (first && (*text == '.' || *text == '\'')) printf("\\&");
        if (*text == '\\') printf("\\e");
        else if (*text == '-') printf("\\-");
        else putchar(*text);
    }
    printf("\n");
}

static void print_option(const fl_option *o)
{
    printf(".TP\n");
    if (o->letter) printf(".BR \\-%c , \" \" ", o->letter);
    else printf(".BR ");
    printf("\\-\\-");
    for (const char *c = o->name; *c; c++) printf(*c == '-' ? "\\-" : "%c", *c);
    if (o->value) printf(" \" \\fI%s\\fR\"", o->value);
    printf("\n");
    print_text(o->help);
    for (int i = 0; o->words && o->words[i]; i++)
        printf("%s%s%s", i ? ", " : "(", o->words[i], o->words[i + 1] ? "" : ")\n");
    if (o->preset) printf("(default %s)\n", o->preset);
}

static void print_group(const fl_option_group *group)
{
    for (const fl_option *o = group->option; o->name; o++) print_option(o);
}

static void print_command(const fl_command *c)
{
    printf(".SS footlight %s ", c->name);
    print_text(c->synopsis);
    print_text(c->doc);
    for (int k = 0; c->group && c->group[k]; k++) print_group(c->group[k]);
    if (!c->notes) return;
    printf(".PP\n.nf\n");
    print_text(c->notes);
    printf(".fi\n");
}

void fl_man_print(const fl_cli *cli)
{
    printf(".TH FOOTLIGHT 1 \"\" \"footlight %s\" \"User Commands\"\n"
           ".SH NAME\nfootlight \\- explain video classifiers\n"
           ".SH SYNOPSIS\n.B footlight\n.I COMMAND\n[\\fIARGUMENT\\fR ...] [\\fIOPTION\\fR ...]\n"
           ".SH DESCRIPTION\n"
           "Shows which pixels of which frames made a network say what it says about a clip, with numbers that can\n"
           "be checked. Results go to standard output, talk to standard error. The numbers depend on the input, the\n"
           "seed and the precision, not on the number of threads.\n"
           ".SH OPTIONS OF ALL COMMANDS\n", FL_VERSION);
    print_group(&fl_cli_common);
    printf(".SH COMMANDS\n");
    for (int i = 0; cli->commands[i]; i++) print_command(cli->commands[i]);
    printf(".SH EXIT STATUS\n"
           "0 ok, 1 failed, 2 usage, 3 unreadable input, 4 weights do not fit, 5 a check failed, 6 a limit was hit,\n"
           "130 and 143 interrupted.\n"
           ".SH ENVIRONMENT\n"
           ".TP\n.B FOOTLIGHT_WEIGHTS\nfolder with the weights that ship with the small networks\n"
           ".TP\n.B FOOTLIGHT_ISA\nthe instruction set, as \\-\\-isa\n"
           ".TP\n.B OMP_NUM_THREADS\nhow many threads, where \\-\\-threads does not say\n");
}
