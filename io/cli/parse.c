/* parse.c: from argv to settings: --name value, --name=value, -letter value; the last one wins; "--" ends options. */
#include "io/cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

bool fl_text_int(const char *text, long long *value)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return *text && *text != ' ' && *end == 0 && errno == 0;
}

bool fl_text_real(const char *text, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return *text && *text != ' ' && *end == 0 && errno == 0 && isfinite(*value);
}

bool fl_text_bytes(const char *text, size_t *value)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || errno) return false;
    const char *const units = "KMGT";
    const char *unit = *end ? strchr(units, *end) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    if ((*end && !unit) || (unit && end[1]) || n > SIZE_MAX >> shift) return false;
    *value = (size_t)n << shift;
    return true;
}

static int word_position(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

static fl_status unknown_choice(fl_cli *cli, const fl_option *o, const char *text)
{
    char all[512] = "";
    int count = 0;
    for (; o->words[count]; count++) {
        const size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", count ? ", " : "", o->words[count]);
    }
    const char *near = fl_nearest(text, o->words, count);
    return fl_error_set(cli->error, FL_USAGE, "--%s: expected one of %s; got '%s'%s%s%s", o->name, all, text,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Every word of "a,b,c". */
static fl_status check_words(fl_cli *cli, const fl_option *o, const char *text)
{
    char *rest = fl_arena_text(cli->arena, "%s", text), *word = rest;
    if (!rest) return cli->error->status;
    for (; word; word = rest) {
        rest = strchr(word, ',');
        if (rest) *rest++ = 0;
        if (word_position(o->words, word) < 0) return unknown_choice(cli, o, word);
    }
    return FL_OK;
}

static fl_status check_range(fl_cli *cli, const fl_option *o, double value, const char *text)
{
    if (!(o->min < o->max) || (value >= o->min && value <= o->max)) return FL_OK;
    return fl_error_set(cli->error, FL_USAGE, "--%s: expected a number from %.15g to %.15g, got %s", o->name, o->min,
                        o->max, text);
}

static fl_status check_value(fl_cli *cli, const fl_option *o, const char *text)
{
    long long whole = 0;
    double number = 0;
    size_t bytes = 0;
    switch (o->kind) {
    case FL_OPT_INT:
        if (!fl_text_int(text, &whole))
            return fl_error_set(cli->error, FL_USAGE, "--%s: expected a whole number, got '%s'", o->name, text);
        return check_range(cli, o, (double)whole, text);
    case FL_OPT_REAL:
        if (!fl_text_real(text, &number))
            return fl_error_set(cli->error, FL_USAGE, "--%s: expected a number, got '%s'", o->name, text);
        return check_range(cli, o, number, text);
    case FL_OPT_BYTES:
        if (!fl_text_bytes(text, &bytes))
            return fl_error_set(cli->error, FL_USAGE, "--%s: expected bytes like 1000000, 512M or 2G, got '%s'",
                                o->name, text);
        return FL_OK;
    case FL_OPT_CHOICE:
        return word_position(o->words, text) >= 0 ? FL_OK : unknown_choice(cli, o, text);
    case FL_OPT_CHOICES:
        return check_words(cli, o, text);
    case FL_OPT_TEXT:
        if (!*text) return fl_error_set(cli->error, FL_USAGE, "--%s: expected %s, got nothing", o->name, o->value);
        return FL_OK;
    case FL_OPT_FLAG:
        break;
    }
    return FL_OK;
}

/* ---- settings ---- */

fl_status fl_cli_add_group(fl_cli *cli, const fl_option_group *group)
{
    int count = 0;
    while (group->option[count].name) count++;
    fl_given *more = FL_NEW(cli->arena, fl_given, cli->settings + count);
    if (!more) return cli->error->status;
    if (cli->settings) memcpy(more, cli->setting, (size_t)cli->settings * sizeof *more);
    for (int i = 0; i < count; i++) {
        const fl_option *o = &group->option[i];
        for (int k = 0; k < cli->settings + i; k++) fl_assert(strcmp(more[k].option->name, o->name) != 0);
        more[cli->settings + i] = (fl_given){o, o->preset, false};
    }
    cli->setting = more;
    cli->settings += count;
    return FL_OK;
}

static fl_given *by_name(const fl_cli *cli, const char *name, size_t length)
{
    for (int i = 0; i < cli->settings; i++) {
        const char *known = cli->setting[i].option->name;
        if (strlen(known) == length && strncmp(known, name, length) == 0) return &cli->setting[i];
    }
    return NULL;
}

static fl_given *by_letter(const fl_cli *cli, char letter)
{
    for (int i = 0; i < cli->settings; i++)
        if (cli->setting[i].option->letter == letter) return &cli->setting[i];
    return NULL;
}

static fl_status unknown_option(fl_cli *cli, const char *written)
{
    const char **name = FL_NEW(cli->arena, const char *, cli->settings);
    char *word = fl_arena_text(cli->arena, "%s", written);
    if (!name || !word) return cli->error->status;
    word[strcspn(word, "=")] = 0;
    for (int i = 0; i < cli->settings; i++) {
        name[i] = fl_arena_text(cli->arena, "--%s", cli->setting[i].option->name);
        if (!name[i]) return cli->error->status;
    }
    const char *hint = fl_arena_text(cli->arena, "footlight%s%s --help lists them", cli->command ? " " : "",
                                     cli->command ? cli->command->name : "");
    return fl_cli_unknown(cli->error, "option", word, name, cli->settings, hint);
}

/* One option at argv[*at]; its value may be the next word. Leaves *at behind what was read. */
static fl_status parse_option(fl_cli *cli, int argc, char **argv, int *at)
{
    const char *written = argv[(*at)++], *value = NULL;
    fl_given *s;
    if (written[1] == '-') {
        size_t length = strcspn(written + 2, "=");
        s = by_name(cli, written + 2, length);
        if (written[2 + length] == '=') value = written + 2 + length + 1;
    } else {
        s = by_letter(cli, written[1]);
        if (written[2]) value = written + 2 + (written[2] == '=');
    }
    if (!s) return unknown_option(cli, written);
    const fl_option *o = s->option;
    s->given = true;
    if (o->kind == FL_OPT_FLAG) {
        if (!value) return FL_OK;
        return fl_error_set(cli->error, FL_USAGE, "--%s: takes no value, got '%s'", o->name, value);
    }
    if (!value) {
        if (*at >= argc || strncmp(argv[*at], "--", 2) == 0)
            return fl_error_set(cli->error, FL_USAGE, "--%s: expected a value (%s), got %s%s", o->name, o->value,
                                *at >= argc ? "the end of the line" : "the option ", *at >= argc ? "" : argv[*at]);
        value = argv[(*at)++];
    }
    s->text = value;
    return check_value(cli, o, value);
}

fl_status fl_cli_parse(fl_cli *cli, int argc, char **argv, int *at, bool first_only)
{
    const char **argument = FL_NEW(cli->arena, const char *, argc);
    if (!argument) return cli->error->status;
    bool options = true;
    int count = 0;
    while (*at < argc && cli->error->status == FL_OK) {
        const char *word = argv[*at];
        if (options && strcmp(word, "--") == 0) {
            options = false;
            ++*at;
        } else if (options && word[0] == '-' && word[1]) {
            parse_option(cli, argc, argv, at);
        } else if (first_only) {
            break;
        } else {
            argument[count++] = word;
            ++*at;
        }
    }
    cli->argument = argument;
    cli->arguments = count;
    cli->wants_help = fl_cli_flag(cli, "help");
    cli->wants_version = fl_cli_flag(cli, "version");
    cli->json = fl_cli_flag(cli, "json");
    cli->quiet = fl_cli_flag(cli, "quiet");
    if (cli->error->status == FL_OK) cli->seed = (uint64_t)fl_cli_int(cli, "seed");
    return cli->error->status;
}

/* ---- what a command asks ---- */

static const fl_given *known(const fl_cli *cli, const char *name)
{
    const fl_given *s = by_name(cli, name, strlen(name));
    fl_assert(s != NULL);
    return s;
}

bool fl_cli_given(const fl_cli *cli, const char *name) { return known(cli, name)->given; }
bool fl_cli_flag(const fl_cli *cli, const char *name) { return known(cli, name)->given; }
const char *fl_cli_text(const fl_cli *cli, const char *name) { return known(cli, name)->text; }

long long fl_cli_int(const fl_cli *cli, const char *name)
{
    long long value = 0;
    const char *text = known(cli, name)->text;
    if (text) fl_assert(fl_text_int(text, &value));
    return value;
}

double fl_cli_real(const fl_cli *cli, const char *name)
{
    double value = 0;
    const char *text = known(cli, name)->text;
    if (text) fl_assert(fl_text_real(text, &value));
    return value;
}

size_t fl_cli_bytes(const fl_cli *cli, const char *name)
{
    size_t value = 0;
    const char *text = known(cli, name)->text;
    if (text) fl_assert(fl_text_bytes(text, &value));
    return value;
}

int fl_cli_choice(const fl_cli *cli, const char *name)
{
    const fl_given *s = known(cli, name);
    return s->text ? word_position(s->option->words, s->text) : -1;
}
