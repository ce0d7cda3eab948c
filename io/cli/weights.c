/* weights.c: finding, reading and applying weights. */
#include "io/cli/weights.h"

#include "io/onnx/onnx.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program: the kernel's word for it where there is one, else from argv[0]. */
static const char *program_folder(fl_cli *cli)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n > 0) path[n] = 0;
    else snprintf(path, sizeof path, "%s", cli->program);
    char *slash = strrchr(path, '/');
    if (!slash) return NULL;
    *slash = 0;
    return fl_arena_text(cli->arena, "%s", path);
}

const char *fl_weights_find(fl_cli *cli, const char *file)
{
    /* build/footlight, build/f64/footlight, build/f64/clang/footlight, PREFIX/bin/footlight */
    static const char *const below[] = {"../weights", "../../weights", "../../../weights", "../../../../weights",
                                        "../share/footlight/weights", NULL};
    const char *named = getenv("FOOTLIGHT_WEIGHTS"), *program = program_folder(cli);
    const char *path = named ? fl_arena_text(cli->arena, "%s/%s", named, file) : NULL;
    if (path && fl_file_exists(path)) return path;
    for (int i = 0; program && below[i]; i++) {
        path = fl_arena_text(cli->arena, "%s/%s/%s", program, below[i], file);
        if (path && fl_file_exists(path)) return path;
    }
    path = fl_arena_text(cli->arena, "weights/%s", file);
    return path && fl_file_exists(path) ? path : NULL;
}

/* "formula" or "formula:0.5". */
static fl_status open_formula(fl_cli *cli, const char *text, fl_weights *w)
{
    const char *colon = text + strlen("formula");
    w->gamma = 1;
    if (*colon && !fl_text_real(colon + 1, &w->gamma))
        return fl_error_set(cli->error, FL_USAGE, "--weights: expected formula or formula:GAMMA with a number, got "
                            "'%s'", text);
    w->name = fl_arena_text(cli->arena, "formula:%.9g", w->gamma);
    return w->name ? FL_OK : cli->error->status;
}

bool fl_weights_is_formula(const char *text)
{
    const size_t n = strlen("formula");
    return strncmp(text, "formula", n) == 0 && (text[n] == 0 || text[n] == ':');
}

static fl_status find_shipped(fl_cli *cli, const fl_model *m, fl_weights *w)
{
    if (!m->weights)
        return fl_error_set(cli->error, FL_USAGE, "model %s: no weights ship with it; give its published checkpoint "
                            "with --weights FILE (%s), or --weights formula for made-up ones", m->name, m->citation);
    w->name = fl_arena_text(cli->arena, "weights/%s", m->weights);
    w->path = fl_weights_find(cli, m->weights);
    if (cli->error->status != FL_OK || w->path) return cli->error->status;
    return fl_error_set(cli->error, FL_UNREADABLE, "model %s: its weights %s are not in $FOOTLIGHT_WEIGHTS, next to "
                        "the program, nor in ./weights; set FOOTLIGHT_WEIGHTS to the folder, or give --weights FILE",
                        m->name, m->weights);
}

static fl_status open_file(fl_cli *cli, fl_weights *w)
{
    if (fl_weights_file_open(cli->arena, w->path, &w->file) != FL_OK) return cli->error->status;
    if (fl_weights_file_bundle(&w->file, &w->bundle) != FL_OK) return cli->error->status;
    w->sha256 = FL_NEW(cli->arena, fl_sha256_text, 1);
    return cli->error->status;
}

const char *fl_weights_sha256(const fl_weights *w)
{
    if (!w->sha256) return "";
    char *hex = *w->sha256;
    if (*hex) return hex;
    if (w->file.file.mapped || !w->file.file.bytes.data) fl_sha256_file(w->path, hex, w->bundle.arena->error);
    else fl_sha256_bytes(w->file.file.bytes.data, w->file.file.bytes.size, hex);      /* a pipe is not read twice */
    return hex;
}

/* A network of two streams may have a file for each. */
static fl_status open_flow(fl_cli *cli, const fl_model *model, fl_weights *w)
{
    const char *path = fl_cli_text(cli, "flow-weights");
    if (!path) return FL_OK;
    if (!model->flow || !w->path)
        return fl_error_set(cli->error, FL_USAGE, "--flow-weights: is for a network of two streams, beside --weights FILE; %s has one",
                            model->name);
    w->flow = FL_NEW(cli->arena, fl_weights, 1);
    if (!w->flow) return cli->error->status;
    *w->flow = (fl_weights){.name = path, .path = path};
    fl_bundle_init(&w->flow->bundle, cli->arena);
    return open_file(cli, w->flow);
}

fl_status fl_weights_open(fl_cli *cli, const fl_model *model, const char *text, fl_weights *w)
{
    *w = (fl_weights){.name = text, .path = text};
    fl_bundle_init(&w->bundle, cli->arena);
    const fl_onnx *onnx = fl_onnx_of(model);
    if (onnx && text)
        return fl_error_set(cli->error, FL_USAGE, "--weights: %s holds its own weights", onnx->path);
    if (onnx) {
        w->name = w->path = onnx->path;
        w->sha256 = FL_NEW(cli->arena, fl_sha256_text, 1);
        return cli->error->status;
    }
    if (text && fl_weights_is_formula(text)) {
        w->path = NULL;
        if (open_formula(cli, text, w) != FL_OK) return cli->error->status;
        return open_flow(cli, model, w);
    }
    if (!text && find_shipped(cli, model, w) != FL_OK) return cli->error->status;
    if (open_file(cli, w) != FL_OK) return cli->error->status;
    return open_flow(cli, model, w);
}

/* What the file has that the network has not, and the reverse, as a sentence. */
static void tell(fl_cli *cli, const fl_weights *w, const fl_match *m)
{
    if (m->map != &fl_keys_own || *m->prefix)
        fl_cli_say(cli, "weights: %s: %d of %d tensors, layout '%s'%s%s", w->name, m->matched, m->wanted, m->map->name,
                   *m->prefix ? ", without the prefix " : "", m->prefix);
    if (m->missing)
        fl_cli_warn(cli, "weights: %s: %d tensors are missing and keep made-up values, the first is '%s'", w->name, m->missing,
                   m->first_missing);
    if (m->unexpected)
        fl_cli_say(cli, "weights: %s: %d tensors are not this network's and were left out, the first is '%s'", w->name,
                   m->unexpected, m->first_unexpected);
}

static fl_status missing(fl_cli *cli, const fl_weights *w, const fl_model *model, const fl_match *m)
{
    char near[160] = "";
    int found = 0, wanted = 0;
    const fl_model *other = fl_model_of_weights(cli->work, &w->bundle, &found, &wanted);
    if (cli->error->status != FL_OK) return cli->error->status;
    if (other && other != model)
        snprintf(near, sizeof near, " They look like %s (%d of its %d tensors): --model %s.", other->name, found, wanted, other->name);
    return fl_error_set(cli->error, FL_MISFIT, "weights %s: %d of the %d tensors of %s are missing, the first is '%s'; the file has "
                        "%d, of which %d are none of them%s%s.%s --allow-missing goes on with made-up values in their place",
                        w->name, m->missing, m->wanted, model->name, m->first_missing, w->bundle.count, m->unexpected,
                        m->first_unexpected ? ", first " : "", m->first_unexpected ? m->first_unexpected : "", near);
}

/* One file into the part of the network below scope. */
static fl_status apply(fl_cli *cli, fl_weights *w, const fl_model *model, const char *scope, fl_graph *g)
{
    fl_match *m = &w->match;
    if (fl_match_weights(cli->arena, g, scope, model->keys, &w->bundle, m) != FL_OK) return cli->error->status;
    if (m->missing && !fl_cli_flag(cli, "allow-missing")) return missing(cli, w, model, m);
    tell(cli, w, m);
    const char *trained = fl_metadata_find(&w->file.metadata, "model");
    if (fl_graph_load_found(g, &m->bundle) == FL_OK) return FL_OK;
    if (trained) fl_error_where(g->error, "%s (trained for %s)", w->name, trained);
    else fl_error_where(g->error, "%s", w->name);
    return g->error->status;
}

fl_status fl_weights_apply(fl_cli *cli, fl_weights *w, const fl_model *model, fl_graph *g)
{
    if (!w->path) {
        fl_model_fill_formula(g, w->gamma);
        return FL_OK;
    }
    if (fl_cli_flag(cli, "allow-missing")) fl_model_fill_random(g, 0);
    if (!w->flow) return apply(cli, w, model, "", g);
    if (apply(cli, w, model, model->stream[0], g) != FL_OK) return cli->error->status;
    return apply(cli, w->flow, model, model->stream[1], g);
}
