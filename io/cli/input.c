/* input.c: a clip or a tensor becomes the network's input. */
#include "io/cli/input.h"

#include "io/cli/progress.h"
#include "io/flow_colour.h"
#include "io/npy.h"
#include "io/sample.h"

#include <math.h>
#include <string.h>

static const char *const rules[] = {"long_range_last", "long_range_first", "long_range_random", "segments", "dense",
                                    "random", "stride", NULL};
static const char *const short_clips[] = {"clamp", "loop", "error", NULL};      /* in the order of fl_short_clip */
static const char *const matrices[] = {"bt601", "bt709", NULL};
static const char *const layouts[] = {"thwc", "tchw", "cthw", NULL};

static const fl_option options[] = {
    FL_OPTION_INT("frames", "T", NULL, 1, 4096, "frames that the network sees; default: the network's"),
    FL_OPTION_CHOICE("sampling", "RULE", NULL, rules,
                     "which frames; default: the network's rule, mostly long_range_last (evenly spread); with --stride or --start stride"),
    FL_OPTION_INT("stride", "S", NULL, 1, 100000, "every S-th frame"),
    FL_OPTION_INT("start", "F", NULL, 0, 100000, "beginning with frame F"),
    FL_OPTION_CHOICE("short", "WHAT", "clamp", short_clips,
                     "with a clip that is too short: repeat the last frame, begin again, or stop"),
    FL_OPTION_CHOICE("matrix", "NAME", NULL, matrices, "colours of Y4M; default bt601"),
    FL_OPTION_TEXT("size", 0, "WxH", NULL, "the input is raw rgb24 of this size"),
    FL_OPTION_CHOICE("layout", "AXES", NULL, layouts, "of a clip in a .npy file; default: the first that fits"),
    FL_OPTION_TEXT("flow", 0, "FILE", NULL, "for a network of flow: read it, from a .npy (T,H,W,2) or a folder of "
                   "flow_x_* and flow_y_* images, instead of computing it"),
    FL_OPTION_REAL("flow-bound", "P", "20", 1e-3, 1e6, "in a folder of flow, grey 0 and 255 are -P and P pixels"),
    FL_OPTION_FLAG("tensor", 0, "CLIP is a .npy of floats, N,C,T,H,W or C,T,H,W, that enters the network as it is"),
    FL_OPTION_TEXT("flow-tensor", 0, "FILE", NULL, "with --tensor, for a network of two inputs: the other one, flow"),
    FL_OPTION_INT("item", "I", "0", 0, 1000000, "with --tensor: which of the N"),
    {0}};
const fl_option_group fl_input_options = {"Clip", options};

/* "dir/walking.dog.y4m" -> "walking.dog"; what is not a plain letter becomes '_'. */
static const char *title_of(fl_cli *cli, const char *path)
{
    if (strcmp(path, "-") == 0) return "stdin";
    char *text = fl_arena_text(cli->arena, "%s", path);
    if (!text) return NULL;
    for (size_t n = strlen(text); n > 1 && text[n - 1] == '/'; n--) text[n - 1] = 0;
    char *last = strrchr(text, '/'), *dot;
    text = last && last[1] ? last + 1 : text;
    dot = strrchr(text, '.');
    if (dot && dot != text && strcmp(text, "..") != 0) *dot = 0;
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 33 || *c == 127 || *c == '/') *c = '_';
    return text;
}

/* ---- a tensor ---- */

/* How a tensor looks: normalisation undone, cut to bytes. */
unsigned char *fl_input_shown(fl_cli *cli, const fl_card_input *card, fl_shape s, const real *values)
{
    const int64_t pixels = fl_shape_pixels(s);
    unsigned char *rgb = FL_NEW(cli->arena, unsigned char, 3 * pixels);
    for (int64_t i = 0; i < pixels && rgb; i++) {
        if (card->source == FL_SOURCE_FLOW) {       /* in colours, -1 .. 1 being what the network can tell apart */
            real uv[2];
            for (int c = 0; c < 2; c++)
                uv[c] = (real)(2 * ((double)values[i * s.c + c] * card->std[c] + card->mean[c]) / card->white - 1);
            fl_flow_colours(uv, 1, 1, rgb + 3 * i);
            continue;
        }
        for (int c = 0; c < 3; c++) {
            const int from = s.c < 3 ? 0 : card->bgr ? 2 - c : c;
            const double white = (double)values[i * s.c + from] * card->std[from] + card->mean[from];
            const double byte = white / card->white * 255 + 0.5;
            rgb[3 * i + c] = byte > 255 ? 255 : byte >= 1 ? (unsigned char)byte : 0;
        }
    }
    return rgb;
}

/* Shape of a tensor for an input of so many channels, of the model's. */
static fl_status shape_of_tensor(fl_cli *cli, const fl_model *m, int channels, const char *name, const fl_npy *a, fl_shape *shape)
{
    const bool has_n = a->axes == 5;
    const int item = (int)fl_cli_int(cli, "item");
    const int64_t *size = a->size + has_n, clips = has_n ? a->size[0] : 1;
    if (a->type != FL_SCALAR_F32 && a->type != FL_SCALAR_F64 && a->type != FL_SCALAR_F16)
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: --tensor expects floating-point numbers, got %s; a clip "
                            "of bytes is given without --tensor", name, fl_scalar_name(a->type));
    if (a->axes != 4 && !has_n)
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: --tensor expects shape N,C,T,H,W or C,T,H,W, got %d axes",
                            name, a->axes);
    if (item >= clips)
        return fl_error_set(cli->error, FL_USAGE, "--item: expected 0 to %lld, got %d", (long long)clips - 1, item);
    for (int i = 0; i < 4; i++)
        if (size[i] < 1 || size[i] > 1 << 20)
            return fl_error_set(cli->error, FL_UNREADABLE, "%s: an axis of %lld cannot be; expected C,T,H,W of 1 to "
                                "1048576", name, (long long)size[i]);
    *shape = (fl_shape){1, (int)size[0], (int)size[1], (int)size[2], (int)size[3]};
    if (shape->c != channels)
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: model %s takes %d channels, got %d; expected shape "
                            "N,C,T,H,W or C,T,H,W", name, m->name, channels, shape->c);
    return FL_OK;
}

/* One clip of a file of tensors, channels last; NULL after an error. */
static real *tensor_values(fl_cli *cli, const fl_model *m, int channels, const char *path, fl_shape *shape, fl_sha256_text sha256)
{
    fl_bytes bytes;
    fl_npy a;
    if (fl_file_read(cli->arena, path, FL_FILE_CAP, &bytes) != FL_OK) return NULL;
    if (fl_npy_parse(bytes, path, &a, cli->error) != FL_OK || shape_of_tensor(cli, m, channels, path, &a, shape) != FL_OK) return NULL;
    if (sha256) fl_sha256_bytes(bytes.data, bytes.size, sha256);
    const int64_t count = fl_shape_count(*shape);
    const real *file_order = fl_npy_values(cli->arena, &a);
    real *values = FL_NEW(cli->arena, real, count);
    if (!file_order || !values) return NULL;
    fl_from_file_order(*shape, file_order + fl_cli_int(cli, "item") * count, values);
    return values;
}

/* --flow-tensor, which a network of two inputs needs beside --tensor. */
static fl_status read_second_tensor(fl_cli *cli, const fl_model *m, fl_input *in)
{
    const char *path = fl_cli_text(cli, "flow-tensor");
    if (!m->flow && !path) return FL_OK;
    if (!m->flow) return fl_error_set(cli->error, FL_USAGE, "--flow-tensor: model %s has one input", m->name);
    if (!path)
        return fl_error_set(cli->error, FL_USAGE, "model %s has two inputs: give the flow with --flow-tensor FILE, a .npy of shape "
                            "N,%d,T,H,W", m->name, m->flow_channels);
    in->second = tensor_values(cli, m, m->flow_channels, path, &in->second_shape, NULL);
    if (!in->second) return cli->error->status;
    if (in->second_shape.t == in->shape.t && in->second_shape.h == in->shape.h && in->second_shape.w == in->shape.w) return FL_OK;
    return fl_error_set(cli->error, FL_USAGE, "%s: expected the frames and the size of the clip, %d,%d,%d, got %d,%d,%d", path,
                        in->shape.t, in->shape.h, in->shape.w, in->second_shape.t, in->second_shape.h, in->second_shape.w);
}

static fl_status read_tensor(fl_cli *cli, const fl_model *m, const char *path, fl_input *in)
{
    in->item = (int)fl_cli_int(cli, "item");
    in->format = "tensor";
    in->values = tensor_values(cli, m, m->channels, path, &in->shape, in->sha256);
    if (!in->values || read_second_tensor(cli, m, in) != FL_OK) return cli->error->status;
    in->rgb = fl_input_shown(cli, &m->input, in->shape, in->values);
    return cli->error->status;
}

/* ---- a clip ---- */

fl_status fl_input_clip_options(fl_cli *cli, fl_clip_options *o)
{
    const char *size = fl_cli_text(cli, "size");
    *o = (fl_clip_options){.matrix = fl_cli_text(cli, "matrix"), .layout = fl_cli_text(cli, "layout")};
    if (!size) return FL_OK;
    char end;
    const int read = sscanf(size, "%9dx%9d%c", &o->raw_width, &o->raw_height, &end);
    if (read == 2 && o->raw_width > 0 && o->raw_height > 0) return FL_OK;
    return fl_error_set(cli->error, FL_USAGE, "--size: expected width and height like 320x240, got '%s'", size);
}

static fl_status sample(fl_cli *cli, const fl_model *m, int frames, int source_frames, int *frame, fl_input *in)
{
    fl_sample_options o = {.frames = frames, .rule = fl_cli_text(cli, "sampling"), .seed = cli->seed,
                           .stride = (int)fl_cli_int(cli, "stride"), .start = (int)fl_cli_int(cli, "start"),
                           .short_clip = (fl_short_clip)fl_cli_choice(cli, "short")};
    if (!o.rule && !o.stride && !o.start) o.rule = m->input.sampling;
    if (fl_sample(&o, source_frames, frame, cli->error) != FL_OK) return cli->error->status;
    in->sampling = o.rule ? o.rule : o.stride || o.start ? "stride" : "long_range_last";
    return FL_OK;
}

fl_status fl_input_flow(fl_cli *cli, const fl_card_input *card, const fl_input *in, fl_network_clip *seen)
{
    fl_progress progress;
    const fl_flow_job job = {.clip = in->clip, .file = in->flow.flows ? &in->flow : NULL, .told = fl_progress_step,
                             .user = &progress};
    fl_progress_begin(&progress, cli, "optical flow");
    const fl_status status = fl_flow_input(cli->arena, card, &job, in->frame, in->shape.t, seen);
    fl_progress_end(&progress);
    return status;
}

/* Flow of the same frames, for the second input. */
static fl_status see_second(fl_cli *cli, const fl_model *m, int frames, fl_input *in)
{
    fl_network_clip seen;
    in->shape.t = frames;
    if (fl_input_flow(cli, m->flow, in, &seen) != FL_OK) return cli->error->status;
    in->second = seen.input.data;
    in->second_shape = seen.input.shape;
    return FL_OK;
}

/* The frames that in->frame says, in the form that the network's card asks for. */
static fl_status see(fl_cli *cli, const fl_model *m, int frames, fl_input *in)
{
    fl_network_clip seen;
    in->shape.t = frames;
    in->moves = m->input.source == FL_SOURCE_FLOW;
    const fl_status status = in->moves ? fl_input_flow(cli, &m->input, in, &seen)
                                       : fl_preprocess(cli->arena, &m->input, in->clip, in->frame, frames, &seen);
    if (status != FL_OK) return status;
    if (m->flow && see_second(cli, m, frames, in) != FL_OK) return cli->error->status;
    in->shape = seen.input.shape;
    in->values = seen.input.data;
    in->rgb = seen.shown;
    in->fitting = seen.fitting;
    in->card = &m->input;
    return FL_OK;
}

fl_status fl_input_use(fl_cli *cli, const fl_model *m, const fl_clip *clip, const int *frame, int frames,
                       fl_input *in)
{
    in->frame = frame;
    in->clip = clip;
    in->frames = clip->frames;
    in->height = clip->height;
    in->width = clip->width;
    in->format = clip->format;
    in->note = clip->note;
    in->fps = clip->fps;
    memcpy(in->sha256, clip->sha256, sizeof in->sha256);
    const fl_status status = see(cli, m, frames, in);
    in->clip = NULL;
    return status;
}

/* CLIP is flow: there are no frames to show. */
static fl_status read_flow(fl_cli *cli, const fl_model *m, const char *path, int frames, int *frame, fl_input *in)
{
    if (fl_cli_given(cli, "flow"))
        return fl_error_set(cli->error, FL_USAGE, "--flow: %s is flow already; give the clip, or leave out --flow",
                            path);
    if (fl_flow_file_read(cli->arena, path, fl_cli_real(cli, "flow-bound"), &in->flow) != FL_OK ||
        sample(cli, m, frames, in->flow.flows, frame, in) != FL_OK)
        return cli->error->status;
    in->frame = frame;
    in->frames = in->flow.flows;
    in->height = in->flow.height;
    in->width = in->flow.width;
    in->format = in->flow.format;
    in->note = in->flow.note;
    memcpy(in->sha256, in->flow.sha256, sizeof in->sha256);
    return see(cli, m, frames, in);
}

static fl_status read_clip(fl_cli *cli, const fl_model *m, const char *path, fl_input *in)
{
    fl_clip_options o;
    const char *flow = fl_cli_text(cli, "flow");
    fl_clip *clip = FL_NEW(cli->arena, fl_clip, 1);
    const int frames = fl_cli_given(cli, "frames") ? (int)fl_cli_int(cli, "frames") : m->input.frames;
    if (frames < 1 || m->input.height < 1 || m->input.width < 1)
        return fl_error_set(cli->error, FL_USAGE, "%s leaves the %s of its input open: give %s", m->name,
                            frames < 1 ? "number of frames" : "height or width",
                            frames < 1 ? "--frames T, or \"frames\" in a card.json beside the file"
                                       : "\"height\" and \"width\" in a card.json beside the file");
    int *frame = FL_NEW(cli->arena, int, frames);
    if (m->input.features)
        return fl_error_set(cli->error, FL_USAGE, "model %s takes %d features per frame, not pixels: give them with --tensor, a "
                            ".npy of shape C,T,1,1", m->name, m->channels);
    if (!clip || !frame || fl_input_clip_options(cli, &o) != FL_OK) return cli->error->status;
    if (m->input.source == FL_SOURCE_FLOW && fl_flow_file_is(cli->arena, path))
        return read_flow(cli, m, path, frames, frame, in);
    if (flow && m->input.source != FL_SOURCE_FLOW && !m->flow)
        return fl_error_set(cli->error, FL_USAGE, "--flow: does nothing for %s, which sees the frames themselves",
                            m->name);
    if (flow && fl_flow_file_read(cli->arena, flow, fl_cli_real(cli, "flow-bound"), &in->flow) != FL_OK)
        return cli->error->status;
    if (fl_clip_read(cli->arena, path, &o, clip) != FL_OK || sample(cli, m, frames, clip->frames, frame, in) != FL_OK)
        return cli->error->status;
    return fl_input_use(cli, m, clip, frame, frames, in);
}

fl_status fl_input_read(fl_cli *cli, const fl_model *m, const char *path, fl_input *in)
{
    static const char *const clip_only[] = {"frames", "sampling", "stride", "start", "matrix", "size", "layout",
                                           "short", "flow", "flow-bound"}, *const tensor_only[] = {"flow-tensor", "item"};
    const bool tensor = fl_cli_flag(cli, "tensor");
    for (size_t i = 0; tensor && i < sizeof clip_only / sizeof *clip_only; i++)
        if (fl_cli_given(cli, clip_only[i]))
            return fl_error_set(cli->error, FL_USAGE, "--%s: does nothing with --tensor, which enters the network as "
                                "it is", clip_only[i]);
    for (size_t i = 0; !tensor && i < sizeof tensor_only / sizeof *tensor_only; i++)
        if (fl_cli_given(cli, tensor_only[i]))
            return fl_error_set(cli->error, FL_USAGE, "--%s: does nothing without --tensor", tensor_only[i]);
    *in = (fl_input){.source = path, .title = title_of(cli, path), .note = ""};
    if (!in->title) return cli->error->status;
    return tensor ? read_tensor(cli, m, path, in) : read_clip(cli, m, path, in);
}

void fl_input_write(fl_json *j, const fl_input *in)
{
    fl_json_object(j, "input");
    fl_json_string(j, "source", in->source);
    fl_json_string(j, "format", in->format);
    fl_json_string(j, "sha256", *in->sha256 ? in->sha256 : NULL);
    fl_json_ints(j, "shape", (int[]){in->shape.n, in->shape.c, in->shape.t, in->shape.h, in->shape.w}, 5);
    if (in->frame) {
        fl_json_ints(j, "source_size", (int[]){in->frames, in->height, in->width}, 3);
        fl_json_number(j, "frames_per_second", in->fps > 0 ? in->fps : (double)NAN);
        fl_json_string(j, "sampling", in->sampling);
        fl_json_ints(j, "frames", in->frame, in->shape.t);
        fl_json_ints(j, "resized", (int[]){in->fitting.resized_height, in->fitting.resized_width}, 2);
        fl_json_ints(j, "crop", (int[]){in->fitting.crop_y, in->fitting.crop_x}, 2);
    } else {
        fl_json_int(j, "item", in->item);
    }
    if (in->moves) {
        fl_json_object(j, "flow");
        fl_json_string(j, "from", in->flow.flows ? in->flow.source : "tv-l1");
        if (in->flow.flows) fl_json_string(j, "sha256", in->flow.sha256);
        fl_json_close(j);
    }
    fl_json_string(j, "note", *in->note ? in->note : NULL);
    fl_json_close(j);
}
