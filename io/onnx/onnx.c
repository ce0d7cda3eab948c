/* onnx.c: opening a file: what its input is, and the card that goes with it. */
#include "io/onnx/onnx.h"

#include "io/card_json.h"
#include "io/onnx/build.h"

#include <string.h>

const fl_onnx *fl_onnx_of(const fl_model *m) { return m->build == fl_onnx_build ? (const fl_onnx *)m : NULL; }

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

bool fl_onnx_is_file(const char *name) { return ends_with(name, ".onnx"); }

/* ---- the input ---- */

static bool layout_fits(const fl_onnx_port *p, const char *axes)
{
    if ((int)strlen(axes) != p->rank) return false;
    for (int i = 0; i < p->rank; i++) {
        if (axes[i] == 'C' && p->dim[i] != 3) return false;
        if (axes[i] == 'N' && p->dim[i] > 1) return false;
    }
    return true;
}

static fl_status find_input(fl_arena *arena, fl_onnx *onnx)
{
    static const char *const layouts[] = {"NCTHW", "NTCHW", "NTHWC", "TCHW", "CTHW", "THWC"};
    const fl_onnx_program *p = &onnx->program;
    if (p->n_inputs != 1 || p->n_outputs < 1)
        return fl_error_set(arena->error, FL_UNREADABLE, "%s: expected one input and an output, got %d and %d%s%.80s",
                            onnx->path, p->n_inputs, p->n_outputs, p->n_inputs > 1 ? "; the second input is " : "",
                            p->n_inputs > 1 ? p->name[p->input[1].value] : "");
    const fl_onnx_port *in = &p->input[0];
    if (in->type != FL_SCALAR_F32 && in->type != FL_SCALAR_F64 && in->type != FL_SCALAR_F16 &&
        in->type != FL_SCALAR_BF16)
        return fl_error_set(arena->error, FL_UNREADABLE,
                            "%s: input '%.80s': expected floating-point numbers; export the "
                            "network behind its decoding of bytes",
                            onnx->path, p->name[in->value]);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts && !onnx->axes; i++)
        if (layout_fits(in, layouts[i])) onnx->axes = layouts[i];
    if (onnx->axes) return FL_OK;
    return fl_error_set(arena->error, FL_UNREADABLE, "%s: input '%.80s' of %d axes is no clip: expected N,3,T,H,W or "
                        "N,T,3,H,W with N = 1, or T,3,H,W, or 3,T,H,W, or the channels last", onnx->path,
                        p->name[in->value], in->rank);
}

static int fixed_length(const fl_onnx *onnx, char axis)
{
    const int64_t n = onnx->program.input[0].dim[strchr(onnx->axes, axis) - onnx->axes];
    return n > 0 ? (int)n : 0;
}

/* ---- the card ---- */

static bool has_volume_kernels(const fl_onnx_program *p)
{
    for (int i = 0; i < p->n_tensors; i++)
        if (p->tensor[i].rank == 5) return true;
    return false;
}

static void assume_card(fl_onnx *onnx)
{
    static const fl_card_input pictures = {.white = 1, .mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}},
                               videos = {.white = 1, .mean = {0.43216, 0.394666, 0.37645},
                                         .std = {0.22803, 0.22145, 0.216989}};
    const bool volume = has_volume_kernels(&onnx->program);
    onnx->model.input = volume ? videos : pictures;
    onnx->model.input.frames = fixed_length(onnx, 'T');
    onnx->model.input.height = fixed_length(onnx, 'H');
    onnx->model.input.width = fixed_length(onnx, 'W');
    onnx->assumed = volume ? "mean and deviation of Kinetics assumed (a card.json beside the file says otherwise)"
                           : "mean and deviation of ImageNet assumed (a card.json beside the file says otherwise)";
}

static fl_status read_card(fl_arena *arena, fl_onnx *onnx)
{
    fl_card_json card = {.input = onnx->model.input};
    const char *path = fl_card_json_find(arena, onnx->path);
    if (!path) return arena->error->status;
    if (fl_card_json_read(arena, path, &card) != FL_OK) return arena->error->status;
    onnx->model.input = card.input;
    onnx->model.labels = card.labels;
    onnx->model.classes = card.classes;
    if (card.has_mean && card.has_std) onnx->assumed = "";
    return FL_OK;
}

/* "dir/x3d.onnx" -> "x3d" */
static const char *name_of(fl_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = fl_arena_text(arena, "%s", slash ? slash + 1 : path);
    if (name && fl_onnx_is_file(name)) name[strlen(name) - strlen(".onnx")] = 0;
    return name;
}

fl_status fl_onnx_of_bytes(fl_arena *arena, fl_bytes bytes, const char *path, fl_onnx **to)
{
    fl_onnx *onnx = FL_NEW(arena, fl_onnx, 1);
    fl_onnx_notes *notes = FL_NEW(arena, fl_onnx_notes, 1);
    *to = NULL;
    if (!onnx || !notes) return arena->error->status;
    onnx->path = path;
    onnx->notes = notes;
    onnx->model = (fl_model){.name = name_of(arena, path), .family = "ONNX", .doc = "a network from a file",
                             .citation = "", .channels = 3, .gamma = 1, .build = fl_onnx_build};
    if (!onnx->model.name || fl_onnx_parse(arena, bytes, path, &onnx->program) != FL_OK) return arena->error->status;
    if (find_input(arena, onnx) != FL_OK) return arena->error->status;
    assume_card(onnx);
    *to = onnx;
    return FL_OK;
}

fl_status fl_onnx_open(fl_arena *arena, const char *path, fl_onnx **to)
{
    fl_mapped file;
    *to = NULL;
    if (fl_map_open(arena, path, &file) != FL_OK) return arena->error->status;
    const char *own = fl_arena_text(arena, "%s", path);
    fl_onnx *onnx = NULL;
    if (!own || fl_onnx_of_bytes(arena, file.bytes, own, &onnx) != FL_OK || !onnx ||
        read_card(arena, onnx) != FL_OK) {
        fl_map_close(&file);
        return arena->error->status;
    }
    onnx->file = file;
    *to = onnx;
    return FL_OK;
}

void fl_onnx_close(fl_onnx *onnx) { fl_map_close(&onnx->file); }
