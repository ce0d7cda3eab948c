/* flow.c: footlight flow: the optical flow of a clip, as numbers for networks and as colours for people.
 *
 * A clip of n frames has n - 1 flows: number t leads from frame t to frame t + 1. They are written as one array of
 * shape (n-1, H, W, 2), float32: pixels per frame, u to the right, v downwards. Seconds are wall time per flow. */
#include "io/cli/input.h"
#include "io/cli/progress.h"
#include "io/cli/session.h"
#include "io/cli/spare.h"
#include "io/flow_colour.h"
#include "io/npy.h"
#include "tensor/peak.h"
#include "tensor/resample.h"

#include <math.h>
#include <string.h>

enum { PICTURES = 16 };

static const char *const matrices[] = {"bt601", "bt709", NULL};
static const char *const layouts[] = {"thwc", "tchw", "cthw", NULL};
static const char *const medians[] = {"0", "3", "5", NULL};

static const fl_option options[] = {
    FL_OPTION_TEXT("output", 'o', "FILE", NULL, "the flow as .npy; none: only what is said about it"),
    FL_OPTION_TEXT("picture", 0, "FILE", NULL, "the flow in colours, with the wheel that explains them, as PNG"),
    FL_OPTION_INT("short-side", "N", NULL, 16, 4096, "frames are resized to this shorter side first (I3D: 256)"),
    FL_OPTION_TEXT("model", 'm', "NAME", NULL, "frames are resized as for this network"),
    FL_OPTION_CHOICE("matrix", "NAME", NULL, matrices, "colours of Y4M; default bt601"),
    FL_OPTION_TEXT("size", 0, "WxH", NULL, "the input is raw rgb24 of this size"),
    FL_OPTION_CHOICE("layout", "AXES", NULL, layouts, "of a clip in a .npy file; default: the first that fits"),
    {0}};
static const fl_option_group group = {"Options of flow", options};

static const fl_option numbers[] = {
    FL_OPTION_REAL("lambda", "X", "0.15", 1e-6, 1e6, "weight of the data: larger follows smaller things"),
    FL_OPTION_REAL("epsilon", "X", "0.01", 0, 1e3, "pixels: a level is done when its flow changes less"),
    FL_OPTION_REAL("step", "X", "0.5", 0.1, 0.99, "size of a level of the pyramid from the one before"),
    FL_OPTION_INT("levels", "N", "5", 1, FL_FLOW_LEVELS, "levels at most"),
    FL_OPTION_INT("warps", "N", "5", 1, 1000, "times that frame 1 is read anew, per level"),
    FL_OPTION_CHOICE("median", "N", "5", medians, "side of the median filter; 0: none"),
    {0}};
static const fl_option_group method = {"TV-L1", numbers};

typedef struct measured { double mean, most, residual, residual_at_rest, seconds; } measured;

typedef struct task {
    fl_clip clip;
    fl_flow_params params;
    fl_card_input card;              /* only the size of it is used */
    fl_fitting fit;
    int flows;
    const real *uv;
    measured m;
} task;

static fl_status read_options(fl_cli *cli, task *k)
{
    static const int median[] = {0, 3, 5};
    const int side = (int)fl_cli_int(cli, "short-side");
    k->params = fl_flow_default();
    k->params.lambda = fl_cli_real(cli, "lambda");
    k->params.epsilon = fl_cli_real(cli, "epsilon");
    k->params.step = fl_cli_real(cli, "step");
    k->params.levels = (int)fl_cli_int(cli, "levels");
    k->params.warps = (int)fl_cli_int(cli, "warps");
    k->params.median = median[fl_cli_choice(cli, "median")];
    if (side && fl_cli_given(cli, "model"))
        return fl_error_set(cli->error, FL_USAGE, "--short-side: the network of --model says the size; expected one "
                            "of the two");
    if (fl_cli_given(cli, "model")) {
        const fl_model *model = fl_session_find_model(cli);
        if (!model) return cli->error->status;
        k->card = model->input;
    } else {
        k->card = (fl_card_input){.height = 1, .width = 1, .fit = side ? FL_FIT_SHORT_SIDE : FL_FIT_STRETCH,
                                  .fit_height = side ? side : k->clip.height, .fit_width = k->clip.width, .white = 1,
                                  .std = {1, 1, 1}};
    }
    return FL_OK;
}

/* ---- what is said about it ---- */

static double length_of(const real *f) { return sqrt((double)f[0] * (double)f[0] + (double)f[1] * (double)f[1]); }

static void resized_grey(const task *k, int frame, real *full, real *to)
{
    const int64_t pixels = (int64_t)k->clip.height * k->clip.width;
    fl_flow_grey(k->clip.rgb + 3 * frame * pixels, pixels, full);
    fl_resize((fl_shape){1, 1, 1, k->clip.height, k->clip.width}, full,
              (fl_shape){1, 1, 1, k->fit.resized_height, k->fit.resized_width}, to, FL_RESIZE_LINEAR, false);
}

static fl_status measure(fl_cli *cli, task *k)
{
    const int h = k->fit.resized_height, w = k->fit.resized_width;
    const int64_t pixels = (int64_t)h * w;
    const fl_mark mark = fl_arena_mark(cli->arena);
    real *full = FL_NEW(cli->arena, real, (int64_t)k->clip.height * k->clip.width);
    real *grey[2] = {FL_NEW(cli->arena, real, pixels), FL_NEW(cli->arena, real, pixels)};
    const real *rest = FL_NEW(cli->arena, real, 2 * pixels);
    if (!full || !grey[0] || !grey[1] || !rest) return cli->error->status;
    for (int64_t i = 0; i < k->flows * pixels; i++) {
        const double length = length_of(k->uv + 2 * i);
        k->m.mean += length / (double)(k->flows * pixels);
        k->m.most = fmax(k->m.most, length);
    }
    resized_grey(k, 0, full, grey[0]);
    for (int t = 0; t < k->flows; t++) {
        resized_grey(k, t + 1, full, grey[(t + 1) % 2]);
        const real *from = grey[t % 2], *to = grey[(t + 1) % 2];
        k->m.residual += fl_flow_residual(from, to, h, w, k->uv + 2 * t * pixels) / k->flows;
        k->m.residual_at_rest += fl_flow_residual(from, to, h, w, rest) / k->flows;
    }
    fl_arena_release(cli->arena, mark);
    return FL_OK;
}

static void report(fl_cli *cli, const task *k)
{
    const char *output = fl_cli_text(cli, "output"), *picture = fl_cli_text(cli, "picture");
    const int h = k->fit.resized_height, w = k->fit.resized_width;
    if (!cli->json) {
        printf("%s: %d flows of %d x %d from %d frames\n", k->clip.source, k->flows, w, h, k->clip.frames);
        printf("length: mean %.4g, largest %.4g pixels per frame\n", k->m.mean, k->m.most);
        printf("grey values of the next frame, root mean square error: %.4g; without flow %.4g\n", k->m.residual,
               k->m.residual_at_rest);
        printf("%.3f s per flow\n", k->m.seconds);
        if (output) printf("flow: %s\n", output);
        if (picture) printf("picture: %s\n", picture);
        return;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "source", k->clip.source);
    fl_json_string(&j, "sha256", k->clip.sha256);
    fl_json_ints(&j, "source_size", (int[]){k->clip.frames, k->clip.height, k->clip.width}, 3);
    fl_json_ints(&j, "shape", (int[]){k->flows, h, w, 2}, 4);
    fl_json_string(&j, "method", "tv-l1");
    fl_json_number(&j, "mean_magnitude", k->m.mean);
    fl_json_number(&j, "max_magnitude", k->m.most);
    fl_json_number(&j, "residual", k->m.residual);
    fl_json_number(&j, "residual_without_flow", k->m.residual_at_rest);
    fl_json_number(&j, "seconds_per_flow", k->m.seconds);
    fl_json_string(&j, "output", output);
    fl_json_string(&j, "picture", picture);
    fl_json_close(&j);
    fl_json_end(&j);
}

/* ---- what is written ---- */

/* At most PICTURES flows, evenly spread. */
static fl_status draw(fl_cli *cli, const task *k, const char *path)
{
    const int shown = k->flows < PICTURES ? k->flows : PICTURES, h = k->fit.resized_height, w = k->fit.resized_width;
    const int64_t pixels = (int64_t)h * w;
    const fl_card_input card = {.height = h, .width = w, .white = 1, .std = {1, 1, 1}};
    const char *name = strrchr(k->clip.source, '/');
    char subtitle[256];
    int number[PICTURES];
    real *uv = FL_NEW(cli->arena, real, 2 * shown * pixels);
    fl_buffer png = fl_buffer_new(cli->arena);
    for (int i = 0; uv && i < shown; i++) {
        number[i] = (int)((int64_t)i * k->flows / shown);
        memcpy(uv + 2 * i * pixels, k->uv + 2 * number[i] * pixels, (size_t)(2 * pixels) * sizeof *uv);
    }
    const unsigned char *rgb = uv ? fl_preprocess_shown(cli->arena, &card, &k->clip, number, shown) : NULL;
    if (!rgb) return cli->error->status;
    snprintf(subtitle, sizeof subtitle,
             "optical flow (TV-L1), %d of %d; %d x %d; mean %.3g, largest %.3g pixels per frame",
             shown, k->flows, w, h, k->m.mean, k->m.most);
    const fl_flow_sheet sheet = {.title = name ? name + 1 : k->clip.source, .subtitle = subtitle, .flows = shown,
                                 .height = h, .width = w, .rgb = rgb, .uv = uv, .number = number,
                                 .limit = fl_flow_limit(k->uv, k->flows * pixels)};
    if (fl_flow_sheet_png(&png, &sheet) != FL_OK) return cli->error->status;
    return fl_file_write(path, png.data, png.size, cli->error);
}

static fl_status compute(fl_cli *cli, task *k)
{
    fl_progress progress;
    const fl_flow_job job = {.clip = &k->clip, .params = &k->params, .told = fl_progress_step, .user = &progress};
    fl_progress_begin(&progress, cli, "optical flow");
    const double start = fl_clock();
    k->uv = fl_flow_field(cli->arena, &k->card, &job, &k->flows, &k->fit);
    k->m.seconds = k->uv ? (fl_clock() - start) / k->flows : 0;
    fl_progress_end(&progress);
    return k->uv ? FL_OK : cli->error->status;
}

static fl_status run(fl_cli *cli)
{
    const char *output = fl_cli_text(cli, "output"), *picture = fl_cli_text(cli, "picture");
    fl_clip_options o;
    if (cli->json && ((output && strcmp(output, "-") == 0) || (picture && strcmp(picture, "-") == 0)))
        return fl_error_set(cli->error, FL_USAGE, "--json: the flow itself is on standard output; name a file instead of -");
    if (fl_cli_spare(cli, "output", output) != FL_OK || fl_cli_spare(cli, "picture", picture) != FL_OK) return cli->error->status;
    if ((output && fl_file_try(output, cli->error) != FL_OK) || (picture && fl_file_try(picture, cli->error) != FL_OK))
        return cli->error->status;
    task *k = FL_NEW(cli->arena, task, 1);
    if (!k || fl_input_clip_options(cli, &o) != FL_OK) return cli->error->status;
    if (fl_clip_read(cli->arena, cli->argument[0], &o, &k->clip) != FL_OK || read_options(cli, k) != FL_OK)
        return cli->error->status;
    if (*k->clip.note) fl_cli_say(cli, "note: %s", k->clip.note);
    if (compute(cli, k) != FL_OK || measure(cli, k) != FL_OK) return cli->error->status;
    const int64_t size[4] = {k->flows, k->fit.resized_height, k->fit.resized_width, 2};
    if (output && fl_npy_write_as(FL_SCALAR_F32, output, 4, size, k->uv, cli->error) != FL_OK)
        return cli->error->status;
    if (picture && draw(cli, k, picture) != FL_OK) return cli->error->status;
    report(cli, k);
    return FL_OK;
}

const fl_command fl_command_flow = {
    "flow", "how every pixel of a clip moves from frame to frame",
    "CLIP [-o flow.npy] [--picture flow.png] [options]", 1, 1,
    (const fl_option_group *const[]){&group, &method, NULL},
    "  footlight flow clip.y4m -o flow.npy --picture flow.png\n"
    "  footlight flow clip.y4m -o flow.npy --short-side 256 --json\n\n"
    "A clip of n frames has n-1 flows, from each frame to the next: shape (n-1,H,W,2), float32, pixels per frame,\n"
    "u to the right, v downwards. Networks of flow compute it by themselves, or read such a file as CLIP or --flow.",
    run};
