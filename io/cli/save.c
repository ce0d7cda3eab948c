/* save.c: the folder of an explanation: maps, pictures, page, and last the file from which it can be run again. */
#include "io/cli/companions.h"

#include "io/cli/spare.h"
#include "io/npy.h"
#include "io/report.h"
#include "io/sheet.h"
#include "tensor/kernels.h"

#include <math.h>
#include <string.h>

/* ---- result.json ---- */

static void write_target(fl_json *j, const fl_explanation *x)
{
    const fl_map *map = &x->done[0].map;
    const fl_target *t = &map->options.target;
    fl_json_object(j, "target");
    fl_json_int(j, "index", t->class_index);
    fl_json_string(j, "label", fl_session_label(x->session, t->class_index));
    fl_json_string(j, "kind", fl_score_name[t->score]);
    if (t->score == FL_SCORE_MARGIN) fl_json_int(j, "against", t->other);
    fl_json_number(j, "logit", map->logit);
    fl_json_number(j, "probability", map->probability);
    fl_json_close(j);
}

static void write_law(fl_json *j, const fl_map *map)
{
    fl_json_object(j, "law");
    fl_json_string(j, "name", fl_law_name[map->method->law]);
    if (map->method->law != FL_LAW_NONE) {
        fl_json_string(j, "formula", fl_law_formula[map->method->law]);
        fl_json_number(j, "sum", map->sum);
        fl_json_number(j, "wanted", map->wanted);
        fl_json_number(j, "residual", map->residual);
        if (map->method->law != FL_LAW_COMPLETE) fl_json_number(j, "absorbed", map->absorbed);
    }
    fl_json_close(j);
}

/* How much was sampled, and how far the values may be off: standard errors, in units of the map. */
static void write_sampling(fl_json *j, const fl_map *map)
{
    fl_json_object(j, "sampling");
    fl_json_int(j, "samples", map->samples);
    if (map->segments) fl_json_int(j, "segments", map->segments);
    fl_json_number(j, "standard_error_mean", map->error_mean);
    fl_json_number(j, "standard_error_most", map->error_most);
    fl_json_bool(j, "tolerance_reached", map->settled);
    fl_json_close(j);
}

static void write_pointing(fl_json *j, const fl_explained *e)
{
    fl_json_object(j, "pointing");
    fl_json_bool(j, "hit", e->hit);
    fl_json_number(j, "chance", e->chance);
    fl_json_number(j, "energy_inside", e->energy);
    fl_json_close(j);
}

/* The part of the drawn map's sum of |values| that every frame has. */
static void write_frames(fl_json *j, const fl_explanation *x, const fl_explained *e)
{
    const fl_shape s = x->session->input.shape;
    double all = 0;
    fl_json_array(j, "per_frame");
    for (int64_t i = 0; i < (int64_t)s.t * s.h * s.w; i++) all += fabs((double)e->drawn[i]);
    for (int t = 0; t < s.t; t++) {
        real sum = 0;
        fl_frame_importance(1, (int64_t)s.h * s.w, e->drawn + (int64_t)t * s.h * s.w, &sum);
        fl_json_number(j, NULL, all > 0 ? round(1e4 * (double)sum / all) / 1e4 : 0);
    }
    fl_json_close(j);
}

static void write_map(fl_json *j, const fl_explanation *x, int i)
{
    const fl_explained *e = &x->done[i];
    const fl_map *map = &e->map;
    const int shape[4] = {map->shape.c, map->shape.t, map->shape.h, map->shape.w};
    const int layer = map->level == FL_LEVEL_LAYER;
    fl_json_object(j, NULL);
    fl_json_string(j, "method", map->method->name);
    fl_json_string(j, "citation", map->method->citation);
    fl_json_string(j, "level", layer ? "layer" : "input");
    fl_json_ints(j, "shape", shape + layer, 4 - layer);
    fl_json_object(j, "settings");
    for (int k = 0; k < e->settings.count; k++) fl_json_string(j, e->settings.item[k].key, e->settings.item[k].value);
    fl_json_close(j);
    fl_json_number(j, "score", map->score);
    fl_json_number(j, "baseline_score", map->baseline_score);
    fl_json_number(j, "noise_sigma", map->noise_sigma);
    fl_json_int(j, "passes", map->passes);
    fl_json_bool(j, "partial", map->partial);
    if (map->standard_error) write_sampling(j, map);
    write_law(j, map);
    fl_json_ints(j, "peak", e->peak, 3);
    if (x->boxes) write_pointing(j, e);
    write_frames(j, x, e);
    fl_json_array(j, "warnings");
    for (int k = 0; k < map->warnings; k++) fl_json_string(j, NULL, map->warning[k]);
    fl_json_close(j);
    fl_json_close(j);
}

static void write_look(fl_json *j, const fl_look *look)
{
    static const char *const palettes[] = {"auto", "signed", "heat", "jet"};
    fl_json_object(j, "picture");
    fl_json_string(j, "show", fl_show_name(look->show));
    fl_json_string(j, "norm", fl_scope_name(look->scope));
    fl_json_number(j, "percentile", look->percentile);
    fl_json_string(j, "palette", palettes[look->palette]);
    fl_json_number(j, "opacity", look->opacity);
    fl_json_close(j);
}

void fl_explanation_write(fl_json *j, const fl_cli *cli, const fl_explanation *x)
{
    fl_json_int(j, "schema", 1);
    fl_json_string(j, "version", FL_VERSION);
    fl_json_string(j, "precision", FL_REAL_NAME);
    fl_json_bool(j, "fused_multiply_add", strcmp(fl_isa_name(), "base") != 0);
    fl_cli_write_command(j, cli);
    fl_json_int(j, "seed", (long long)cli->seed);
    fl_session_write(j, x->session);
    write_target(j, x);
    fl_json_array(j, "maps");
    for (int i = 0; i < x->methods.count; i++) write_map(j, x, i);
    fl_json_close(j);
    if (x->unfinished) {
        fl_json_array(j, "unfinished");
        for (int i = 0; i < x->unfinished; i++) fl_json_string(j, NULL, x->methods.item[x->methods.count + i]->name);
        fl_json_close(j);
    }
    write_look(j, &x->look);
}

/* ---- the other files ---- */

typedef struct saved { const char *name; fl_sha256_text sha256; } saved;
enum { PER_METHOD = 5 };

typedef struct folder {
    fl_cli *cli;
    const fl_explanation *x;
    const char *path;
    saved *file;
    int count;
    fl_error lost;                       /* why the first picture was left out, or FL_OK */
} folder;

/* Of several methods, each puts its name in front. */
const char *fl_explanation_file_name(fl_cli *cli, const fl_explanation *x, const fl_method *method, const char *name)
{
    return x->methods.count + x->unfinished > 1 && method ? fl_arena_text(cli->arena, "%s_%s", method->name, name) : name;
}

fl_status fl_explanation_spare(fl_cli *cli, const fl_explanation *x, const char *path)
{
    static const char *const each[] = {"map.npy", "map_reduced.npy", "map_stderr.npy", "sheet.png", "animation.png", NULL};
    static const char *const once[] = {"report.html", "result.json", NULL};
    if (fl_cli_spare(cli, "output", path) != FL_OK || fl_cli_spare_in(cli, path, once) != FL_OK) return cli->error->status;
    for (int i = 0; i < x->methods.count; i++)
        for (int k = 0; each[k]; k++) {
            const char *name = fl_explanation_file_name(cli, x, x->methods.item[i], each[k]);
            if (!name || fl_cli_spare_in(cli, path, (const char *const[]){name, NULL}) != FL_OK) return cli->error->status;
        }
    return FL_OK;
}

/* The path of a file that is to be written, and its entry in the list. */
static const char *enter(folder *f, const char *name)
{
    f->file[f->count++].name = name;
    return name ? fl_arena_text(f->cli->arena, "%s/%s", f->path, name) : NULL;
}

static fl_status hash(folder *f, const char *path)
{
    if (f->cli->error->status == FL_OK) fl_sha256_file(path, f->file[f->count - 1].sha256, f->cli->error);
    return f->cli->error->status;
}

int fl_explanation_files(fl_cli *cli, const fl_explanation *x, int i, fl_map_file file[FL_MAP_FILES])
{
    const fl_explained *e = &x->done[i];
    const fl_method *method = e->map.method;
    const fl_shape s = e->map.shape, clip = x->session->input.shape;
    const int layer = e->map.level == FL_LEVEL_LAYER;
    real *file_order = FL_NEW(cli->arena, real, fl_shape_count(s));
    if (!file_order) return 0;
    fl_to_file_order(s, e->map.data, file_order);
    file[0] = layer ? (fl_map_file){fl_explanation_file_name(cli, x, method, "map.npy"), 3, {s.t, s.h, s.w}, file_order}
                    : (fl_map_file){fl_explanation_file_name(cli, x, method, "map.npy"), 4, {s.c, s.t, s.h, s.w}, file_order};
    file[1] = (fl_map_file){fl_explanation_file_name(cli, x, method, "map_reduced.npy"), 3, {clip.t, clip.h, clip.w}, e->drawn};
    file[2] = (fl_map_file){fl_explanation_file_name(cli, x, method, "map_stderr.npy"), 3, {clip.t, clip.h, clip.w}, e->map.standard_error};
    return !file[0].name || !file[1].name || !file[2].name ? 0 : e->map.standard_error ? 3 : 2;
}

static fl_status save_maps(folder *f, int i)
{
    fl_map_file file[FL_MAP_FILES];
    const int count = fl_explanation_files(f->cli, f->x, i, file);
    for (int k = 0; k < count; k++) {
        const char *path = enter(f, file[k].name);
        if (!path) break;
        fl_npy_write(path, file[k].axes, file[k].size, file[k].values, f->cli->error);
        if (hash(f, path) != FL_OK) break;
    }
    return f->cli->error->status;
}

/* Pictures take more memory than many a method: the maps do without them. */
static fl_status leave_out(folder *f, const char *name)
{
    fl_error_where(f->cli->error, "%s is left out", name);
    if (f->lost.status == FL_OK) f->lost = *f->cli->error;
    fl_error_clear(f->cli->error);
    f->count--;
    return FL_OK;
}

/* Writes what a maker appends to a buffer; its memory is given back. */
typedef fl_status maker(fl_buffer *, const fl_result *, int method);

static fl_status save_made(folder *f, int method, const char *name, maker *make)
{
    fl_cli *cli = f->cli;
    const char *path = enter(f, fl_explanation_file_name(cli, f->x, method < 0 ? NULL : f->x->methods.item[method], name));
    if (!path) return cli->error->status;
    const fl_mark mark = fl_arena_mark(cli->arena);
    fl_buffer out = fl_buffer_new(cli->arena);
    if (make(&out, &f->x->result, method) == FL_OK) fl_file_write(path, out.data, out.size, cli->error);
    fl_arena_release(cli->arena, mark);
    return cli->error->status == FL_LIMIT ? leave_out(f, path) : hash(f, path);
}

static fl_status page(fl_buffer *out, const fl_result *r, int method)
{
    (void)method;
    return fl_report_html(out, r);
}

static fl_status save_result(folder *f)
{
    fl_cli *cli = f->cli;
    const char *path = fl_arena_text(cli->arena, "%s/result.json", f->path);
    fl_companions companions;
    fl_json j;
    if (fl_companions_list(cli, f->x, &companions) != FL_OK) return cli->error->status;
    fl_json_to_text(&j, cli->arena, true);
    fl_json_object(&j, NULL);
    fl_explanation_write(&j, cli, f->x);
    fl_json_array(&j, "files");
    for (int i = 0; i < f->count; i++) {
        fl_json_object(&j, NULL);
        fl_json_string(&j, "name", f->file[i].name);
        fl_json_string(&j, "sha256", f->file[i].sha256);
        fl_json_close(&j);
    }
    fl_json_close(&j);
    fl_companions_write(&j, &companions);
    fl_json_close(&j);
    const char *text = fl_json_end(&j);
    if (!text || !path || fl_file_write(path, text, strlen(text), cli->error) != FL_OK) return cli->error->status;
    if (cli->json) fputs(text, stdout);
    return FL_OK;
}

static fl_status save_clip(folder *f)
{
    const fl_bytes clip = f->x->clip;
    const char *path = fl_arena_text(f->cli->arena, "%s/clip.ppm", f->path);
    return !path || !clip.size ? f->cli->error->status : fl_file_write(path, clip.data, clip.size, f->cli->error);
}

fl_status fl_explanation_save(fl_cli *cli, const fl_explanation *x, const char *path)
{
    folder f = {.cli = cli, .x = x, .path = path, .file = FL_NEW(cli->arena, saved, PER_METHOD * x->methods.count + 1)};
    if (!f.file || fl_folder_make(path, cli->error) != FL_OK || save_clip(&f) != FL_OK) return cli->error->status;
    for (int i = 0; i < x->methods.count; i++)
        if (save_maps(&f, i) != FL_OK || save_made(&f, i, "sheet.png", fl_sheet_png) != FL_OK ||
            save_made(&f, i, "animation.png", fl_film_png) != FL_OK)
            return cli->error->status;
    if (save_made(&f, -1, "report.html", page) != FL_OK || save_result(&f) != FL_OK) return cli->error->status;
    *cli->error = f.lost;
    return f.lost.status;
}

/* ---- what is there when a method fails ---- */

static const char *finished(fl_cli *cli, const fl_explanation *x)
{
    const char *all = "";
    for (int i = 0; i < x->methods.count && all; i++)
        all = fl_arena_text(cli->arena, "%s%s%s", all, i ? ", " : "", x->methods.item[i]->name);
    return all;
}

fl_status fl_explanation_make(fl_cli *cli, fl_explanation *x, const char *path)
{
    if (fl_explanation_run(cli, x) == FL_OK) return fl_explanation_save(cli, x, path);
    const fl_error why = *cli->error;
    if (!x->methods.count) return why.status;
    fl_error_clear(cli->error);
    const bool kept = fl_explanation_show(cli, x) == FL_OK && fl_explanation_save(cli, x, path) == FL_OK;
    const char *names = kept ? finished(cli, x) : NULL;
    if (names) fl_cli_warn(cli, "%s holds what was finished before: %s", path, names);
    else fl_cli_warn(cli, "what was finished before could not all be saved: %s", cli->error->message);
    *cli->error = why;
    return why.status;
}
