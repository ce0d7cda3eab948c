/* recall.c: reads "command", "arguments" and "options" as words of a command line, and lets the one parser have them. */
#include "io/cli/recall.h"

#include <string.h>

enum { LONGEST = 16 << 20, SCHEMA = 1 };

const char *fl_recall_text(const fl_json_value *object, const char *key)
{
    const fl_json_value *v = fl_json_get(object, key);
    return v && v->kind == FL_JSON_STRING ? v->string : NULL;
}

const char *fl_recall_sha256(const fl_json_value *object)
{
    const char *hex = fl_recall_text(object, "sha256");
    if (!hex) return NULL;
    return strlen(hex) == sizeof(fl_sha256_text) - 1 && hex[strspn(hex, "0123456789abcdef")] == 0 ? hex : "no SHA-256";
}

fl_status fl_recall_blame(const fl_recalled *r)
{
    fl_error *error = r->cli.error;
    if (error->status != FL_USAGE) return error->status;
    error->status = FL_UNREADABLE;
    fl_error_where(error, "%s", r->path);
    return FL_UNREADABLE;
}

static fl_status unreadable(const fl_recalled *r, const char *expected, const char *got)
{
    return fl_error_set(r->cli.error, FL_UNREADABLE, "%s: expected %s, got %s", r->path, expected, got);
}

static fl_status read_result(fl_cli *cli, const char *path, fl_recalled *r)
{
    fl_bytes bytes;
    const char *slash;
    r->path = strcmp(path, "-") != 0 && fl_folder_exists(path) ? fl_arena_text(cli->arena, "%s/result.json", path) : path;
    if (!r->path || fl_file_read(cli->arena, r->path, LONGEST, &bytes) != FL_OK) return cli->error->status;
    slash = strrchr(r->path, '/');
    if (strcmp(r->path, "-") == 0) r->path = "standard input";
    else r->folder = !slash ? "." : fl_arena_text(cli->arena, "%.*s", slash == r->path ? 1 : (int)(slash - r->path), r->path);
    r->result = fl_json_parse(cli->arena, r->path, bytes.data, bytes.size);
    return cli->error->status;
}

static fl_status choose_command(fl_recalled *r)
{
    static const char expected[] = "the result.json of footlight explain or footlight demo";
    static const struct { const fl_command *command; fl_status (*open)(fl_cli *, fl_explanation *, fl_session *); } known[] = {
        {&fl_command_explain, fl_explain_open}, {&fl_command_demo, fl_demo_open}};
    const char *name = fl_recall_text(r->result, "command");
    const fl_json_value *schema = fl_json_get(r->result, "schema");
    if (!name) return unreadable(r, expected, "JSON without \"command\"");
    if (schema && !(schema->is_integer && schema->integer == SCHEMA))
        return unreadable(r, "\"schema\": 1", "another one; a later footlight wrote it");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].command->name, name) != 0) continue;
        r->open = known[i].open;
        return fl_cli_choose(&r->cli, known[i].command);
    }
    return fl_error_set(r->cli.error, FL_UNREADABLE, "%s: expected %s, whose maps can be made again, got what footlight %s wrote",
                        r->path, expected, name);
}

/* ---- words ---- */

typedef struct words { char **word; int count; } words;

static fl_status add(const fl_recalled *r, words *w, const char *format, const char *a, const char *b)
{
    w->word[w->count] = fl_arena_text(r->cli.arena, format, a, b);
    return w->word[w->count++] ? FL_OK : r->cli.error->status;
}

static fl_status unknown_option(const fl_recalled *r, const char *name)
{
    const fl_cli *cli = &r->cli;
    const char **known = FL_NEW(cli->arena, const char *, cli->settings);
    if (!known) return cli->error->status;
    for (int i = 0; i < cli->settings; i++) known[i] = cli->setting[i].option->name;
    return fl_cli_unknown(cli->error, "option", name, known, cli->settings, "another footlight may have written it");
}

static fl_status add_option(const fl_recalled *r, words *w, const fl_json_value *v)
{
    const fl_cli *cli = &r->cli;
    const fl_option *o = NULL;
    for (int i = 0; i < cli->settings; i++)
        if (strcmp(cli->setting[i].option->name, v->key) == 0) o = cli->setting[i].option;
    if (!o) return unknown_option(r, v->key);
    if (!fl_cli_matters(o))
        return fl_error_set(cli->error, FL_USAGE,
                            "option '%s' is none that a result depends on; expected it on the command line only", o->name);
    if (v->kind != (o->kind == FL_OPT_FLAG ? FL_JSON_BOOL : FL_JSON_STRING))
        return fl_error_set(cli->error, FL_USAGE, "option '%s': expected %s", o->name, o->kind == FL_OPT_FLAG ? "true" : "a text");
    if (v->kind == FL_JSON_STRING) return add(r, w, "--%s=%s", o->name, v->string);
    return v->number != 0 ? add(r, w, "--%s%s", o->name, "") : FL_OK;
}

/* What held without being asked for is asked for where another preset holds now. */
static fl_status add_presets(const fl_recalled *r, words *w, const fl_json_value *options)
{
    const fl_json_value *seed = fl_json_get(r->result, "seed");
    const char *model = fl_recall_text(r->result, "model");
    if (!fl_json_get(options, "model") && model && strcmp(model, fl_cli_text(&r->cli, "model")) != 0 &&
        add(r, w, "--model=%s%s", model, "") != FL_OK)
        return r->cli.error->status;
    if (fl_json_get(options, "seed") || !seed || !seed->is_integer || seed->integer == fl_cli_int(&r->cli, "seed")) return FL_OK;
    const char *text = fl_arena_text(r->cli.arena, "%lld", (long long)seed->integer);
    return text ? add(r, w, "--seed=%s%s", text, "") : r->cli.error->status;
}

/* Values stand behind '=', arguments behind "--": none of them is taken for something else. */
static fl_status make_words(const fl_recalled *r, bool no_progress, words *w)
{
    const fl_json_value *options = fl_json_get(r->result, "options"), *arguments = fl_json_get(r->result, "arguments");
    if (!options || options->kind != FL_JSON_OBJECT || !arguments || arguments->kind != FL_JSON_ARRAY)
        return unreadable(r, "\"arguments\": [...] and \"options\": {...}", "none");
    *w = (words){FL_NEW(r->cli.arena, char *, options->count + arguments->count + 4), 0};
    if (!w->word) return r->cli.error->status;
    if (no_progress && add(r, w, "--no-progress%s%s", "", "") != FL_OK) return r->cli.error->status;
    for (const fl_json_value *v = options->first; v; v = v->next)
        if (add_option(r, w, v) != FL_OK) return r->cli.error->status;
    if (add_presets(r, w, options) != FL_OK || add(r, w, "--%s%s", "", "") != FL_OK) return r->cli.error->status;
    for (const fl_json_value *v = arguments->first; v; v = v->next) {
        if (v->kind != FL_JSON_STRING) return unreadable(r, "texts in \"arguments\"", "something else");
        if (add(r, w, "%s%s", v->string, "") != FL_OK) return r->cli.error->status;
    }
    return FL_OK;
}

fl_status fl_recall(fl_cli *cli, const char *path, fl_recalled *r)
{
    words w = {0};
    int at = 0;
    *r = (fl_recalled){.cli = {.arena = cli->arena, .work = cli->work, .error = cli->error, .program = cli->program}};
    if (read_result(cli, path, r) != FL_OK || fl_cli_add_group(&r->cli, &fl_cli_common) != FL_OK || choose_command(r) != FL_OK)
        return cli->error->status;
    if (make_words(r, fl_cli_flag(cli, "no-progress"), &w) != FL_OK || fl_cli_parse(&r->cli, w.count, w.word, &at, false) != FL_OK ||
        fl_cli_check_arguments(&r->cli) != FL_OK)
        return fl_recall_blame(r);
    r->cli.quiet = cli->quiet;
    return FL_OK;
}
