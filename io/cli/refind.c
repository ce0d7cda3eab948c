/* refind.c: paths in a result are as its user wrote them, in a folder that it does not tell: they are tried from several. */
#include "io/cli/refind.h"

#include "io/cli/companions.h"
#include "io/onnx/onnx.h"

#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("clip", 0, "FILE", NULL, "the clip, where it was moved or came through standard input; - is that again"),
    FL_OPTION_TEXT("weights", 'w', "FILE", NULL, "the weights (or FILE.onnx), where they were moved"),
    FL_OPTION_TEXT("files", 0, "DIR", NULL, "folder in which the files of the result are looked for first, by path and by name"),
    {0}};
const fl_option_group fl_refind_options = {"Files that were moved", options};

/* ---- where ---- */

/* Pipes and devices that a result names are left alone. */
static bool is_there(const char *path) { return path && (fl_file_is_regular(path) || fl_folder_exists(path)); }

static const char *find(const fl_recalled *r, const char *files, const char *text)
{
    enum { HIGHEST = 16 };
    fl_arena *a = r->cli.arena;
    const char *slash = strrchr(text, '/'), *place, *folder = r->folder;
    if (files && is_there(place = fl_arena_text(a, "%s/%s", files, text))) return place;
    if (files && slash && slash[1] && is_there(place = fl_arena_text(a, "%s%s", files, slash))) return place;
    if (is_there(text)) return text;
    for (int i = 0; i < HIGHEST && folder && *text != '/'; i++) {
        if (is_there(place = fl_arena_text(a, "%s/%s", folder, text))) return place;
        folder = fl_arena_text(a, "%s/..", folder);
    }
    return NULL;
}

static fl_status find_option(const fl_recalled *r, const char *files, fl_given *g)
{
    const char *name = g->option->name;
    const bool weights = strcmp(name, "weights") == 0 || strcmp(name, "model") == 0;
    const char *place = find(r, files, g->text);
    if (place) g->text = place;
    if (place || r->cli.error->status != FL_OK) return r->cli.error->status;
    return fl_error_set(r->cli.error, FL_UNREADABLE,
                        "%s: --%s: '%s' is not there, neither from here nor from the folder of the result and those above it; give %s",
                        r->path, name, g->text, weights ? "it with --weights FILE" : "its folder with --files DIR");
}

static fl_status find_clip(const fl_cli *cli, fl_recalled *r)
{
    const char *given = fl_cli_text(cli, "clip"), **clip = FL_NEW(cli->arena, const char *, 1);
    if (!clip) return cli->error->status;
    if (!r->cli.arguments)
        return !given || r->cli.command->most
                   ? FL_OK
                   : fl_error_set(cli->error, FL_USAGE, "--clip: footlight %s made its clip itself", r->cli.command->name);
    if (given && strcmp(given, "-") == 0 && !r->folder)
        return fl_error_set(cli->error, FL_USAGE, "--clip: the result comes through standard input already");
    if (!given && strcmp(r->cli.argument[0], "-") == 0)
        return fl_error_set(cli->error, FL_UNREADABLE,
                            "%s: the clip came through standard input: give it with --clip FILE, or --clip - to read it there again",
                            r->path);
    *clip = given ? given : find(r, fl_cli_text(cli, "files"), r->cli.argument[0]);
    if (!*clip)
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: the clip '%s' is not there, neither from here nor from the folder of the "
                            "result and those above it; give it with --clip FILE", r->path, r->cli.argument[0]);
    r->cli.argument = clip;
    return cli->error->status;
}

static fl_given *setting(const fl_recalled *r, const char *name)
{
    for (int i = 0; i < r->cli.settings; i++)
        if (strcmp(r->cli.setting[i].option->name, name) == 0) return &r->cli.setting[i];
    return NULL;
}

/* --weights: in the place of the weights, or of the file that holds network and weights. */
static fl_status take_weights(const fl_cli *cli, fl_recalled *r)
{
    const char *given = fl_cli_text(cli, "weights");
    fl_given *weights = setting(r, "weights"), *model = setting(r, "model");
    if (!given) return FL_OK;
    fl_assert(weights && model);
    if (weights->given && fl_weights_is_formula(weights->text))
        return fl_error_set(cli->error, FL_USAGE, "--weights: %s is of made-up ones, %s, which no file holds", r->path, weights->text);
    fl_given *g = fl_companion_is_path(model) ? model : weights;
    g->text = given;
    g->given = true;
    return FL_OK;
}

fl_status fl_refind(fl_cli *cli, fl_recalled *r)
{
    const char *files = fl_cli_text(cli, "files");
    if (files && !fl_folder_exists(files)) return fl_error_set(cli->error, FL_USAGE, "--files: expected a folder, got '%s'", files);
    if (find_clip(cli, r) != FL_OK || take_weights(cli, r) != FL_OK) return cli->error->status;
    for (int i = 0; i < r->cli.settings; i++) {
        fl_given *g = &r->cli.setting[i];
        if (!fl_companion_is_path(g) || g->text == fl_cli_text(cli, "weights")) continue;      /* those are where the user says */
        if (find_option(r, files, g) != FL_OK) return cli->error->status;
    }
    return FL_OK;
}

/* ---- the same? ---- */

static fl_status another(const fl_recalled *r, fl_status status, const char *what, const char *path, const char *then, const char *now,
                         const char *advice)
{
    return fl_error_set(r->cli.error, status, "%s '%s' is another one than %s was made with: expected sha256 %.12s..., got %.12s%s; %s",
                        what, path, r->path, then, *now ? now : "none", *now ? "..." : "", advice);
}

static const char from_clip[] = "give the right one with --clip FILE", from_weights[] = "give the right ones with --weights FILE",
                  from_files[] = "give the folder of the right one with --files DIR";

static fl_status compare_weights(const fl_recalled *r, const fl_weights *w)
{
    const char *then = fl_recall_sha256(fl_json_get(r->result, "weights")), *now = w->path ? fl_weights_sha256(w) : "";
    if (r->cli.error->status != FL_OK) return r->cli.error->status;
    if (!then && *now) fl_cli_warn(&r->cli, "%s does not tell the sha256 of the weights: nothing says that %s are those", r->path, w->name);
    return !then || strcmp(then, now) == 0 ? FL_OK : another(r, FL_MISFIT, "weights", w->name, then, now, from_weights);
}

static fl_status compare_clip(const fl_recalled *r, const fl_input *in)
{
    const char *then = fl_recall_sha256(fl_json_get(r->result, "input"));
    if (!then) fl_cli_warn(&r->cli, "%s does not tell the sha256 of the clip: nothing says that %s is it", r->path, in->source);
    return !then || strcmp(then, in->sha256) == 0 ? FL_OK : another(r, FL_UNREADABLE, "clip", in->source, then, in->sha256, from_clip);
}

static const fl_companion *companion(const fl_companions *c, const char *what)
{
    for (int i = 0; i < c->count; i++)
        if (what && strcmp(c->item[i].what, what) == 0) return &c->item[i];
    return NULL;
}

/* A card that lies beside the weights now may not have lain there then, and the reverse. */
static fl_status compare_companions(fl_recalled *r, const fl_explanation *x)
{
    const fl_json_value *list = fl_json_get(r->result, "also_read");
    fl_companions now;
    if (!list || list->kind != FL_JSON_ARRAY) return FL_OK;                                           /* an older result */
    if (fl_companions_list(&r->cli, x, &now) != FL_OK) return r->cli.error->status;
    for (const fl_json_value *v = list->first; v; v = v->next) {
        const char *what = fl_recall_text(v, "what"), *path = fl_recall_text(v, "path"), *then = fl_recall_sha256(v);
        const fl_companion *c = companion(&now, what);
        if (!c)
            return fl_error_set(r->cli.error, FL_UNREADABLE, "%s: %s '%s' was read then, and is not now; %s", r->path,
                                what ? what : "a file", path ? path : "", from_files);
        if (!then || !*c->sha256 || strcmp(then, c->sha256) == 0) continue;
        const bool weights = strcmp(what, "masker") == 0 || strcmp(what, "flow-weights") == 0;
        return another(r, weights ? FL_MISFIT : FL_UNREADABLE, what, c->path, then, c->sha256, from_files);
    }
    for (int i = 0; i < now.count; i++) {
        bool then = false;
        for (const fl_json_value *v = list->first; v; v = v->next)
            then |= companion(&(fl_companions){&now.item[i], 1}, fl_recall_text(v, "what")) != NULL;
        if (!then)
            return fl_error_set(r->cli.error, FL_UNREADABLE, "%s '%s' is read now, and was not when %s was made; move it away",
                                now.item[i].what, now.item[i].path, r->path);
    }
    return FL_OK;
}

/* Why it does not open may be that the weights are others: then that is what is said. */
static fl_status explain_failure(const fl_recalled *r)
{
    fl_error *error = r->cli.error;
    const fl_error was = *error;
    const fl_given *model = setting(r, "model"), *weights = fl_companion_is_path(model) ? model : setting(r, "weights");
    const char *then = fl_recall_sha256(fl_json_get(r->result, "weights"));
    fl_sha256_text now;
    if (was.status == FL_LIMIT || was.status == FL_FAILED || !then || !fl_companion_is_path(weights) || !fl_file_is_regular(weights->text))
        return fl_recall_blame(r);
    fl_error_clear(error);
    if (fl_sha256_file(weights->text, now, error) == FL_OK && strcmp(then, now) != 0)
        return another(r, FL_MISFIT, "weights", weights->text, then, now, from_weights);
    *error = was;
    return fl_recall_blame(r);
}

fl_status fl_refind_open(fl_recalled *r, fl_explanation *x, fl_session *s)
{
    if (r->open(&r->cli, x, s) != FL_OK) return explain_failure(r);
    if (compare_weights(r, &s->weights) != FL_OK || compare_clip(r, &s->input) != FL_OK) return r->cli.error->status;
    return compare_companions(r, x);
}
