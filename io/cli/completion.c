/* completion.c: footlight completion: what a shell needs to complete our commands, options and their words, and the
 * man page. All of it is made from the tables, so it cannot fall behind. */
#include "io/cli/man.h"

#include "attribution/attribution.h"
#include "models/model.h"

#include <string.h>

/* Calls visit for every option of a command, the common ones last. */
static void each_option(const fl_command *c, void (*visit)(const fl_command *, const fl_option *))
{
    for (int k = 0; c->group && c->group[k]; k++)
        for (const fl_option *o = c->group[k]->option; o->name; o++) visit(c, o);
    for (const fl_option *o = fl_cli_common.option; o->name; o++) visit(c, o);
}

/* The words that an option's value can have, separated by spaces. */
static void print_words(const fl_option *o)
{
    const char *between = "";
    for (int i = 0; o->words && o->words[i]; i++, between = " ") printf("%s%s", between, o->words[i]);
    for (int i = 0; strcmp(o->name, "model") == 0 && fl_model_table[i]; i++, between = " ")
        printf("%s%s", between, fl_model_table[i]->name);
    for (int i = 0; strcmp(o->name, "method") == 0 && fl_method_table[i].name; i++, between = " ")
        printf("%s%s", between, fl_method_table[i].name);
}

static bool has_words(const fl_option *o)
{
    return o->words || strcmp(o->name, "model") == 0 || strcmp(o->name, "method") == 0;
}

static void print_commands(const fl_cli *cli, const char *between)
{
    for (int i = 0; cli->commands[i]; i++) printf("%s%s", i ? between : "", cli->commands[i]->name);
}

/* ---- bash; zsh reads the same ---- */

static void bash_option(const fl_command *c, const fl_option *o)
{
    (void)c;
    printf(" --%s", o->name);
}

static void bash_words(const fl_command *c, const fl_option *o)
{
    if (!has_words(o)) return;
    printf("    %s:--%s) words='", c->name, o->name);
    print_words(o);
    printf("' ;;\n");
}

static void print_bash(const fl_cli *cli)
{
    printf("_footlight() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= words= i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in ");
    print_commands(cli, "|");
    printf(") command=${COMP_WORDS[i]}; break ;; esac\n"
           "    done\n"
           "    case $command:$before in\n");
    for (int i = 0; cli->commands[i]; i++) each_option(cli->commands[i], bash_words);
    printf("    *) case $command in\n"
           "        '') words='");
    print_commands(cli, " ");
    printf(" help' ;;\n");
    for (int i = 0; cli->commands[i]; i++) {
        printf("        %s) words='", cli->commands[i]->name);
        each_option(cli->commands[i], bash_option);
        printf("' ;;\n");
    }
    printf("        esac\n"
           "        if [[ -n $command && $current != -* ]]; then\n"
           "            COMPREPLY=($(compgen -f -- \"$current\"))\n"
           "            return\n"
           "        fi ;;\n"
           "    esac\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "}\n"
           "complete -o filenames -F _footlight footlight\n");
}

/* ---- fish ---- */

static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static void fish_option(const fl_command *c, const fl_option *o)
{
    printf("complete -c footlight -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
    if (o->letter) printf(" -s %c", o->letter);
    if (o->kind != FL_OPT_FLAG) printf(" -r");
    if (has_words(o)) {
        printf(" -f -a '");
        print_words(o);
        printf("'");
    }
    printf(" -d ");
    print_quoted(o->help);
    printf("\n");
}

static void print_fish(const fl_cli *cli)
{
    for (int i = 0; cli->commands[i]; i++) {
        printf("complete -c footlight -n __fish_use_subcommand -f -a %s -d ", cli->commands[i]->name);
        print_quoted(cli->commands[i]->doc);
        printf("\n");
    }
    for (int i = 0; cli->commands[i]; i++) each_option(cli->commands[i], fish_option);
}

/* ---- the command ---- */

static fl_status run(fl_cli *cli)
{
    static const char *const kinds[] = {"bash", "zsh", "fish", "man"};
    const char *kind = cli->argument[0];
    if (cli->json) return fl_error_set(cli->error, FL_USAGE, "--json: what a shell reads is no JSON; expected no --json");
    if (strcmp(kind, "bash") == 0) {
        print_bash(cli);
    } else if (strcmp(kind, "zsh") == 0) {
        printf("#compdef footlight\nautoload -U +X bashcompinit && bashcompinit\n");
        print_bash(cli);
    } else if (strcmp(kind, "fish") == 0) {
        print_fish(cli);
    } else if (strcmp(kind, "man") == 0) {
        fl_man_print(cli);
    } else {
        return fl_cli_unknown(cli->error, "completion for", kind, kinds, 4, "expected bash, zsh, fish or man");
    }
    return FL_OK;
}

const fl_command fl_command_completion = {
    "completion", "completion for a shell, or the man page", "bash|zsh|fish|man", 1, 1, NULL,
    "  source <(footlight completion bash)\n"
    "  footlight completion fish >~/.config/fish/completions/footlight.fish\n"
    "  footlight completion man >footlight.1 && man ./footlight.1", run};
