/* cli.h: the frame of the command line. A command is one file with one table of options and one function.
 *
 *     footlight COMMAND [ARGUMENT ...] [--name value | --name=value | -letter value] [--] ...
 *
 * To add a command: write io/cli/foo.c with
 *
 *     static const char *const rules[] = {"left", "middle", NULL};
 *     static const fl_option options[] = {
 *         FL_OPTION_INT("steps", "N", "50", 1, 100000, "points on the path"),
 *         FL_OPTION_CHOICE("rule", "RULE", "middle", rules, "where in each interval"),
 *         {0}};
 *     static const fl_option_group group = {"Options of foo", options};
 *     static fl_status run(fl_cli *cli) { ... fl_cli_int(cli, "steps") ... printf the result ... return FL_OK; }
 *     const fl_command fl_command_foo = {
 *         "foo", "one line", "CLIP [options]", 1, 1,
 *         (const fl_option_group *const[]){&group, &fl_session_network, NULL}, NULL, run};
 *
 * and a line FL_COMMAND(foo) in commands.def. Parsing, ranges, --help, suggestions, --threads --seed --isa --mem
 * --json --quiet --no-progress and the exit code come by themselves. Groups that several commands share (clip,
 * model, weights) are in session.h.
 *
 * Data goes to stdout, talk to stderr (fl_cli_say). A failed command records its message in cli->error, which is the
 * error of cli->arena, and returns the status; nobody but the frame prints it or ends the program. The status is
 * the exit code: 0 ok, 1 failed, 2 usage, 3 unreadable input, 4 weights do not fit, 5 a check failed, 6 a limit. */
#ifndef FL_CLI_H
#define FL_CLI_H

#include "io/file.h"
#include "io/json.h"
#include "tensor/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum fl_option_kind {
    FL_OPT_FLAG,             /* takes no value */
    FL_OPT_INT, FL_OPT_REAL, /* within min .. max; min = max: any */
    FL_OPT_BYTES,            /* 1000000, 512M, 2G: powers of 1024 */
    FL_OPT_TEXT,
    FL_OPT_CHOICE,           /* one of the words */
    FL_OPT_CHOICES           /* one or more of them, with commas between */
} fl_option_kind;

typedef struct fl_option {
    const char *name;        /* without the dashes; NULL ends a table */
    char letter;             /* 'o' for -o; 0: none */
    fl_option_kind kind;
    const char *value;       /* what help calls the value: "N", "DIR" */
    const char *preset;      /* what holds when it is not given, shown by help; NULL: nothing (0, "") */
    double min, max;
    const char *const *words;    /* of a choice; ends with NULL; fl_cli_choice gives the position in it */
    const char *help;
} fl_option;

/* The rows of a table. low and high: the range. */
#define FL_OPTION_FLAG(name, letter, help)         {name, letter, FL_OPT_FLAG, NULL, NULL, 0, 0, NULL, help}
#define FL_OPTION_INT(name, value, preset, low, high, help)                                                        \
    {name, 0, FL_OPT_INT, value, preset, low, high, NULL, help}
#define FL_OPTION_REAL(name, value, preset, low, high, help)                                                       \
    {name, 0, FL_OPT_REAL, value, preset, low, high, NULL, help}
#define FL_OPTION_BYTES(name, value, preset, help) {name, 0, FL_OPT_BYTES, value, preset, 0, 0, NULL, help}
#define FL_OPTION_TEXT(name, letter, value, preset, help)                                                          \
    {name, letter, FL_OPT_TEXT, value, preset, 0, 0, NULL, help}
#define FL_OPTION_CHOICE(name, value, preset, words, help)                                                         \
    {name, 0, FL_OPT_CHOICE, value, preset, 0, 0, words, help}
#define FL_OPTION_CHOICES(name, value, preset, words, help)                                                        \
    {name, 0, FL_OPT_CHOICES, value, preset, 0, 0, words, help}

typedef struct fl_option_group { const char *title; const fl_option *option; } fl_option_group;

typedef struct fl_cli fl_cli;

typedef struct fl_command {
    const char *name, *doc;                  /* doc: one line without a full stop */
    const char *synopsis;                    /* what follows "footlight NAME" */
    int least, most;                         /* arguments that are no options */
    const fl_option_group *const *group;     /* ends with NULL; may itself be NULL */
    const char *notes;                       /* below the options in --help: examples, units; may be NULL */
    fl_status (*run)(fl_cli *);
} fl_command;

#define FL_COMMAND(name) extern const fl_command fl_command_##name;
#include "io/cli/commands.def"
#undef FL_COMMAND
extern const fl_command *const fl_command_table[];       /* ends with NULL; in the order of commands.def */

typedef struct fl_given {                    /* one option as this run has it */
    const fl_option *option;
    const char *text;                        /* as written, or the preset */
    bool given;
} fl_given;

struct fl_cli {
    const fl_command *const *commands;       /* all there are, up to a NULL */
    const fl_command *command;               /* NULL before it is known */
    fl_arena *arena;                         /* for all that lives as long as the run; limited by --mem */
    fl_arena *work;                          /* for a graph and nothing else: its plans use memory again */
    fl_error *error;                         /* of both arenas */
    const char *const *argument;             /* what is no option */
    int arguments;
    fl_given *setting;                       /* of the common group first, then of the command's groups */
    int settings;
    bool json, quiet;                        /* the two that every command asks for */
    uint64_t seed;
    const char *program;                     /* argv[0] */
    bool wants_help, wants_version;
};

/* Everything: parse, run, report. Returns the exit code. */
int fl_cli_main(int argc, char **argv);

/* ---- what a command asks. name must be an option of the command (asserted); ranges are checked already. ---- */

bool        fl_cli_given (const fl_cli *, const char *name);     /* written by the user */
bool        fl_cli_flag  (const fl_cli *, const char *name);
long long   fl_cli_int   (const fl_cli *, const char *name);     /* 0 when not given and without preset */
double      fl_cli_real  (const fl_cli *, const char *name);
size_t      fl_cli_bytes (const fl_cli *, const char *name);
const char *fl_cli_text  (const fl_cli *, const char *name);     /* NULL: not given, no preset; also of choices */
int         fl_cli_choice(const fl_cli *, const char *name);     /* place among the words; -1: not given, no preset */

/* ---- talk ---- */

/* A line on stderr: not with --quiet; even with --quiet. */
void fl_cli_say (const fl_cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fl_cli_warn(const fl_cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What was asked, as far as the result depends on it: without --output, --threads, --isa, --mem and how to talk. As
 * a line for a shell (in cli->arena; NULL: memory); as members "command", "arguments" and "options" of an object. */
const char *fl_cli_command_line(const fl_cli *);
void fl_cli_write_command(fl_json *, const fl_cli *);
bool fl_cli_matters(const fl_option *);         /* it has its place there */

/* A failure of usage that names the nearest word: 'what "word" is unknown; did you mean "..."? (hint)'. */
fl_status fl_cli_unknown(fl_error *, const char *what, const char *word, const char *const *candidate, int count,
                         const char *hint);

/* The most similar candidate, or NULL when none is close: at most one letter and a third of them differ. */
const char *fl_nearest(const char *word, const char *const *candidate, int count);

/* Numbers as options are written; false when the text is not one from its first to its last letter. */
bool fl_text_int  (const char *text, long long *value);
bool fl_text_real (const char *text, double *value);
bool fl_text_bytes(const char *text, size_t *value);

/* ---- for the frame itself (parse.c, command.c, help.c, say.c) ---- */

void fl_cli_complain(const char *message);      /* what ended the program */

extern const fl_option_group fl_cli_common;

/* Reads argv[*at ...] into settings and arguments; with first_only it stops at the first argument. */
fl_status fl_cli_parse(fl_cli *, int argc, char **argv, int *at, bool first_only);
fl_status fl_cli_add_group(fl_cli *, const fl_option_group *);

/* It is this command: its options with their presets, ready for fl_cli_parse;
 * and behind it, whether the arguments are as many as it takes. */
fl_status fl_cli_choose(fl_cli *, const fl_command *);
fl_status fl_cli_check_arguments(fl_cli *);
void fl_cli_help(const fl_cli *, FILE *);        /* of the command, or of the program */
void fl_cli_version(const fl_cli *, FILE *);

#endif
