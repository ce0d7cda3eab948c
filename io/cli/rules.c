/* rules.c: footlight rules: what a method does on its way down, as text that can be edited and run. */
#include "io/cli/rules.h"

#include <string.h>

enum { LONGEST_FILE = 1 << 20 };

const fl_ruleset *fl_rules_read(fl_cli *cli, const char *name)
{
    const fl_ruleset *known = fl_ruleset_find(name);
    fl_bytes bytes;
    int count = 0;
    if (known) return known;
    while (fl_ruleset_name[count]) count++;
    if (!strchr(name, '/') && !strchr(name, '.')) {
        fl_cli_unknown(cli->error, "rule set", name, fl_ruleset_name, count,
                       "footlight rules names them; a file has a dot or a slash in its name");
        return NULL;
    }
    if (fl_file_read(cli->arena, name, LONGEST_FILE, &bytes) != FL_OK) return NULL;
    if (memchr(bytes.data, 0, bytes.size)) {
        fl_error_set(cli->error, FL_UNREADABLE, "%s: no text: it holds zero bytes", name);
        return NULL;
    }
    const char *text = fl_arena_text(cli->arena, "%.*s", (int)bytes.size, (const char *)bytes.data);
    return text ? fl_ruleset_parse(text, name, cli->arena) : NULL;
}

static void list_rules(const fl_cli *cli)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    if (cli->json) {
        fl_json_object(&j, NULL);
        fl_json_array(&j, "rules");
    }
    for (int i = 0; fl_ruleset_table[i]; i++) {
        const fl_ruleset *set = fl_ruleset_table[i];
        if (!cli->json) {
            printf("  %-30s %s\n", set->name, set->doc);
            continue;
        }
        fl_json_object(&j, NULL);
        fl_json_string(&j, "name", set->name);
        fl_json_string(&j, "paper", set->paper);
        fl_json_string(&j, "doc", set->doc);
        fl_json_close(&j);
    }
    if (!cli->json) return;
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}

static fl_status run(fl_cli *cli)
{
    if (!cli->arguments) {
        list_rules(cli);
        return FL_OK;
    }
    const fl_ruleset *set = fl_rules_read(cli, cli->argument[0]);
    const char *text = set ? fl_ruleset_print(set, cli->arena) : NULL;
    if (!text) return cli->error->status;
    if (!cli->json) {
        printf("%s", text);
        return FL_OK;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "name", set->name);
    fl_json_string(&j, "text", text);
    fl_json_close(&j);
    fl_json_end(&j);
    return FL_OK;
}

const fl_command fl_command_rules = {
    "rules", "the rules by which a signal goes down, as text that can be edited", "[NAME | FILE]", 0, 1, NULL,
    "  footlight rules                                    names them\n"
    "  footlight rules lrp_epsilon_plus > mine.rules      edit it, then\n"
    "  footlight rules mine.rules                         reads it and prints what it understood\n"
    "  footlight explain clip.y4m --method lrp_epsilon_plus --rules mine.rules",
    run};
