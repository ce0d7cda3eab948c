/* record.c: the command that was given, in a form that gives the same result again. */
#include "io/buffer.h"
#include "io/cli/cli.h"

#include <string.h>

/* The last three ask for something else than a result. */
bool fl_cli_matters(const fl_option *o)
{
    static const char *const outside[] = {"output", "threads", "isa", "mem", "json", "quiet", "no-progress", "help",
                                          "version", "time", "resume", "keep-every", "dry-run", "costs", "list-layers"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (strcmp(o->name, outside[i]) == 0) return false;
    return true;
}

static bool matters(const fl_given *g) { return g->given && fl_cli_matters(g->option); }

/* In single quotes when a shell would take it apart. */
static void add_word(fl_buffer *b, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=@%+";
    fl_buffer_text(b, " ");
    if (*word && word[strspn(word, plain)] == 0) {
        fl_buffer_text(b, word);
        return;
    }
    fl_buffer_text(b, "'");
    for (; *word; word++) {
        if (*word == '\'') fl_buffer_text(b, "'\\''");
        else fl_buffer_add(b, word, 1);
    }
    fl_buffer_text(b, "'");
}

const char *fl_cli_command_line(const fl_cli *cli)
{
    fl_buffer b = fl_buffer_new(cli->arena);
    fl_buffer_text(&b, "footlight ");
    fl_buffer_text(&b, cli->command->name);
    for (int i = 0; i < cli->arguments; i++) add_word(&b, cli->argument[i]);
    for (int i = 0; i < cli->settings; i++) {
        const fl_given *g = &cli->setting[i];
        if (!matters(g)) continue;
        fl_buffer_text(&b, " --");
        fl_buffer_text(&b, g->option->name);
        if (g->option->kind != FL_OPT_FLAG) add_word(&b, g->text);
    }
    fl_buffer_add(&b, "", 1);
    return b.failed ? NULL : (const char *)b.data;
}

void fl_cli_write_command(fl_json *j, const fl_cli *cli)
{
    fl_json_string(j, "command", cli->command->name);
    fl_json_array(j, "arguments");
    for (int i = 0; i < cli->arguments; i++) fl_json_string(j, NULL, cli->argument[i]);
    fl_json_close(j);
    fl_json_object(j, "options");
    for (int i = 0; i < cli->settings; i++) {
        const fl_given *g = &cli->setting[i];
        if (!matters(g)) continue;
        if (g->option->kind == FL_OPT_FLAG) fl_json_bool(j, g->option->name, true);
        else fl_json_string(j, g->option->name, g->text);
    }
    fl_json_close(j);
}
