/* rerun.c: footlight rerun: makes the maps of a result again, from what the result records,
 * and says whether they are the same, bit for bit. */
#include "io/cli/reasons.h"
#include "io/cli/refind.h"
#include "io/cli/sameness.h"

#include <math.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("output", 'o', "DIR", NULL, "folder for the new result; default: nothing is written"),
    {0}};
static const fl_option_group group = {"Options of rerun", options};

typedef struct rerun {
    fl_recalled then;
    fl_session session;
    fl_explanation now;
    fl_reasons reasons;
    fl_sameness *map;                    /* one per method, and behind them one per map that did not come out */
    int maps;
} rerun;

/* ---- before it ---- */

static fl_status check_output(const fl_cli *cli, const rerun *r)
{
    const char *folder = fl_cli_text(cli, "output");
    if (!folder) return FL_OK;
    if (r->then.folder && fl_file_is_same(folder, r->then.folder))
        return fl_error_set(cli->error, FL_USAGE,
                            "--output: '%s' holds the result itself, which would be lost; expected another folder", folder);
    return fl_folder_make(folder, cli->error);
}

static bool was_left(const fl_json_value *unfinished, const fl_method *method)
{
    for (const fl_json_value *v = unfinished ? unfinished->first : NULL; v; v = v->next)
        if (v->kind == FL_JSON_STRING && strcmp(v->string, method->name) == 0) return true;
    return false;
}

/* Methods that failed then are not tried again: the others go to the front. */
static fl_status leave_unfinished(const rerun *r, fl_explanation *x)
{
    const fl_json_value *unfinished = fl_json_get(r->then.result, "unfinished");
    const fl_method_list asked = x->methods;
    int kept = 0, left = 0;
    for (int i = 0; i < asked.count; i++) left += was_left(unfinished, asked.item[i]);
    x->unfinished = left;
    x->methods.count = asked.count - left;
    for (int i = 0, behind = x->methods.count; i < asked.count; i++)
        x->methods.item[was_left(unfinished, asked.item[i]) ? behind++ : kept++] = asked.item[i];
    if (kept) return FL_OK;
    return fl_error_set(r->then.cli.error, FL_UNREADABLE, "%s: expected a method that was finished, got none but \"unfinished\" ones",
                        r->then.path);
}

/* Work whose result could be compared with nothing is not begun, but where it is to be saved. */
static fl_status check_comparable(fl_cli *cli, rerun *r)
{
    int can = 0;
    for (int i = 0; i < r->now.methods.count; i++) {
        const char *name = fl_explanation_file_name(cli, &r->now, r->now.methods.item[i], "map.npy");
        if (!name) return cli->error->status;
        can += fl_sameness_can(&r->then, name);
    }
    if (can || fl_cli_given(cli, "output")) return FL_OK;
    return fl_error_set(cli->error, FL_UNREADABLE, "%s: there is nothing to compare with: expected the sha256 of map.npy in it, or map.npy "
                        "beside it; -o DIR makes the maps all the same", r->then.path);
}

/* ---- the comparison ---- */

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A map that the result lists and that this run does not make: another footlight may have had the method among "all". */
static fl_status add_missing(fl_cli *cli, rerun *r, const fl_json_value *file)
{
    const char *text = fl_recall_text(file, "name");
    if (!text || !ends_with(text, "map.npy")) return FL_OK;
    for (int i = 0; i < r->maps; i++)
        if (strcmp(r->map[i].map, text) == 0) return FL_OK;
    char *name = fl_arena_text(cli->arena, "%s", text);
    if (!name) return cli->error->status;
    for (char *c = name; *c; c++)                                      /* it goes to a terminal */
        if ((unsigned char)*c < 32 || *c == 127) *c = '?';
    r->map[r->maps++] = (fl_sameness){.method = name, .map = name, .file = name, .verdict = FL_VERDICT_DIFFERS,
                                      .recorded = fl_recall_sha256(file), .largest = (double)NAN};
    return FL_OK;
}

static fl_status compare(fl_cli *cli, rerun *r)
{
    const fl_json_value *files = fl_json_get(r->then.result, "files");
    r->map = FL_NEW(cli->arena, fl_sameness, r->now.methods.count + (files ? files->count : 0));
    if (!r->map) return cli->error->status;
    for (; r->maps < r->now.methods.count; r->maps++)
        if (fl_sameness_of(&r->then, cli, &r->now, r->maps, &r->map[r->maps]) != FL_OK) return cli->error->status;
    for (const fl_json_value *v = files ? files->first : NULL; v; v = v->next)
        if (add_missing(cli, r, v) != FL_OK) return cli->error->status;
    return fl_reasons_of_run(&r->then, &r->now, &r->reasons);
}

/* ---- out ---- */

static const char *hash_or_dash(const char *hex) { return hex && *hex ? hex : "-"; }

static void print(const rerun *r)
{
    for (int i = 0; i < r->maps; i++) {
        const fl_sameness *s = &r->map[i];
        printf("%-22s %-8s %-12.12s %-12.12s", s->method, fl_verdict_name[s->verdict], hash_or_dash(s->recorded ? s->recorded : s->on_disk),
               hash_or_dash(s->got));
        if (!isnan(s->largest)) printf("  largest difference %.3g", s->largest);
        if (s->file != s->map) printf("  (%s)", s->file);
        printf("\n");
    }
}

static int count(const rerun *r, fl_verdict v)
{
    int n = 0;
    for (int i = 0; i < r->maps; i++) n += r->map[i].verdict == v;
    return n;
}

static void write_json(const rerun *r)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_int(&j, "schema", 1);
    fl_json_string(&j, "version", FL_VERSION);
    fl_json_string(&j, "result", r->then.path);
    fl_json_string(&j, "command", r->then.cli.command->name);
    fl_json_bool(&j, "same", count(r, FL_VERDICT_SAME) == r->maps);
    fl_json_array(&j, "reasons");
    for (int i = 0; i < r->reasons.count; i++) fl_json_string(&j, NULL, r->reasons.text[i]);
    fl_json_close(&j);
    fl_json_array(&j, "maps");
    for (int i = 0; i < r->maps; i++) {
        const fl_sameness *s = &r->map[i];
        fl_json_object(&j, NULL);
        fl_json_string(&j, "method", s->method);
        fl_json_string(&j, "file", s->file);
        fl_json_string(&j, "verdict", fl_verdict_name[s->verdict]);
        fl_json_string(&j, "recorded", s->recorded);
        fl_json_string(&j, "got", *s->got ? s->got : NULL);
        fl_json_string(&j, "on_disk", *s->on_disk && *s->on_disk != '?' ? s->on_disk : NULL);
        fl_json_number(&j, "largest_difference", s->largest);
        fl_json_close(&j);
    }
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}

static const char *list_reasons(fl_cli *cli, const rerun *r)
{
    const char *all = r->reasons.count ? "" : "clip, weights, options and arithmetic are the same, so this should not be";
    for (int i = 0; i < r->reasons.count && all; i++) all = fl_arena_text(cli->arena, "%s%s%s", all, i ? "; " : "", r->reasons.text[i]);
    return all;
}

static fl_status conclude(fl_cli *cli, const rerun *r)
{
    const int differ = count(r, FL_VERDICT_DIFFERS), changed = count(r, FL_VERDICT_CHANGED), unknown = count(r, FL_VERDICT_UNKNOWN);
    const char *reasons = differ ? list_reasons(cli, r) : "";
    if (!reasons) return cli->error->status;
    if (differ)
        return fl_error_set(cli->error, FL_CHECK, "%s: %d of %d maps differ: %s", r->then.path, differ, r->maps, reasons);
    if (changed)
        return fl_error_set(cli->error, FL_CHECK, "%s: the maps came out as it tells, but %d of %d beside it are not the files that it "
                            "tells of: they were changed since", r->then.path, changed, r->maps);
    if (unknown)
        return fl_error_set(cli->error, FL_UNREADABLE,
                            "%s: %d of %d maps could be compared with nothing: expected their sha256 in it, or the files beside it",
                            r->then.path, unknown, r->maps);
    return FL_OK;
}

static fl_status run(fl_cli *cli)
{
    const char *folder = fl_cli_text(cli, "output");
    rerun *r = FL_NEW(cli->arena, rerun, 1);
    if (fl_cli_given(cli, "seed"))
        return fl_error_set(cli->error, FL_USAGE, "--seed: the result has its own; footlight explain takes another");
    if (!r || fl_recall(cli, cli->argument[0], &r->then) != FL_OK || fl_refind(cli, &r->then) != FL_OK || check_output(cli, r) != FL_OK ||
        fl_reasons_of_build(&r->then, &r->reasons) != FL_OK)
        return cli->error->status;
    for (int i = 0; i < r->reasons.count; i++) fl_cli_say(cli, "%s: %s: its maps may differ", r->then.path, r->reasons.text[i]);
    if (fl_refind_open(&r->then, &r->now, &r->session) != FL_OK || leave_unfinished(r, &r->now) != FL_OK ||
        (folder && fl_explanation_spare(&r->then.cli, &r->now, folder) != FL_OK) || check_comparable(cli, r) != FL_OK)
        return cli->error->status;
    if (!cli->quiet) fl_session_print_top(&r->session, stderr);
    if (fl_explanation_run(&r->then.cli, &r->now) != FL_OK) return fl_recall_blame(&r->then);
    if (compare(cli, r) != FL_OK) return cli->error->status;
    if (folder && fl_explanation_save(&r->then.cli, &r->now, folder) != FL_OK) return cli->error->status;
    if (folder) fl_cli_say(cli, "report: %s/report.html", folder);
    if (cli->json) write_json(r);
    else print(r);
    return conclude(cli, r);
}

const fl_command fl_command_rerun = {
    "rerun", "makes the maps of a result again: are they the same, bit for bit?", "RESULT.json | FOLDER [-o DIR] [options]", 1, 1,
    (const fl_option_group *const[]){&group, &fl_refind_options, NULL},
    "  footlight explain clip.y4m --method grad_cam,smoothgrad -o out\n"
    "  footlight rerun out\n"
    "  footlight rerun elsewhere/result.json --clip moved.y4m --weights moved.safetensors -o again\n\n"
    "RESULT.json is what footlight explain or footlight demo left in its folder. Clip, weights and all else that was read must be the\n"
    "same, by SHA-256 (else exit code 3, or 4 for weights). A line per map: its method; same, DIFFERS (exit code 5), CHANGED (it came out\n"
    "as recorded, but the file beside the result is another by now: 5), or unknown (nothing to compare with: 3); the SHA-256 of map.npy\n"
    "then and now. Threads, memory and instruction set are free to differ, save for --isa base, which rounds otherwise than all others.",
    run};
