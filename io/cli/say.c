/* say.c: talk, on stderr. */
#include "io/cli/cli.h"

/* Messages may quote file names and labels from anywhere: what could steer a terminal is shown as '?'. */
static void print_line(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        fputc(c < 32 || c == 127 ? '?' : c, stderr);
    }
    fputc('\n', stderr);
}

void fl_cli_complain(const char *message)
{
    fputs("footlight: ", stderr);
    print_line(message);
}

static void print_message(const char *before, const char *format, va_list args)
{
    char text[FL_MESSAGE_SIZE];
    vsnprintf(text, sizeof text, format, args);
    fflush(stdout);
    fputs(before, stderr);
    print_line(text);
}

void fl_cli_say(const fl_cli *cli, const char *format, ...)
{
    if (cli->quiet) return;
    va_list args;
    va_start(args, format);
    print_message("", format, args);
    va_end(args);
}

void fl_cli_warn(const fl_cli *cli, const char *format, ...)
{
    (void)cli;
    va_list args;
    va_start(args, format);
    print_message("footlight: warning: ", format, args);
    va_end(args);
}
