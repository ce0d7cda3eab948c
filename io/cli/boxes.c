/* boxes.c: tells what kind of file it is; masks are read here. */
#include "io/cli/boxes.h"

#include "io/npy.h"
#include "io/preprocess.h"

#include <math.h>
#include <string.h>

enum { MOST_BYTES = 256 << 20 };

/* The box around all that a frame's mask shows. */
static fl_box around(fl_shape s, const unsigned char *mask)
{
    fl_box b = {s.w, s.h, 0, 0};
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++) {
            if (!mask[y * s.w + x]) continue;
            if (x < b.x0) b.x0 = x;
            if (x + 1 > b.x1) b.x1 = x + 1;
            if (y < b.y0) b.y0 = y;
            if (y + 1 > b.y1) b.y1 = y + 1;
        }
    return b.x1 > b.x0 ? b : (fl_box){0, 0, 0, 0};
}

fl_status fl_boxes_of_mask(fl_arena *arena, fl_shape s, const unsigned char *mask, fl_boxes *b)
{
    b->truth.mask = mask;
    b->box = FL_NEW(arena, fl_box, s.t);
    b->drawn = FL_NEW(arena, fl_frame_box, s.t);
    if (!b->box || !b->drawn) return arena->error->status;
    b->frames = 0;
    for (int t = 0; t < s.t; t++) {
        const fl_box box = b->box[t] = around(s, mask + (int64_t)t * s.h * s.w);
        b->frames += box.x1 > box.x0;
        b->drawn[t] = (fl_frame_box){box.x0, box.y0, box.x1 - 1, box.y1 - 1};       /* without a box: x1 < x0 */
    }
    return FL_OK;
}

fl_status fl_boxes_of_synth(fl_arena *arena, const fl_synth_options *o, const fl_synth_truth *truth, fl_boxes *b)
{
    const fl_shape s = {1, 1, o->frames, o->height, o->width};
    unsigned char *mask = FL_NEW(arena, unsigned char, fl_shape_pixels(s));
    bool *moment = FL_NEW(arena, bool, o->frames);
    *b = (fl_boxes){.label = fl_synth_class_name(o->kind, truth->label)};
    if (!mask || !moment) return arena->error->status;
    for (int t = 0; t < o->frames; t++) {
        const fl_synth_box box = truth->box[t];
        fl_truth_add_boxes((fl_shape){1, 1, 1, s.h, s.w}, &(fl_box){box.x0, box.y0, box.x1, box.y1}, mask + (int64_t)t * s.h * s.w);
        moment[t] = t >= truth->begin && t < truth->end;
    }
    b->truth.moment = moment;
    return fl_boxes_of_mask(arena, s, mask, b);
}

/* ---- masks ---- */

static bool is_mask_of_network(const fl_npy *a, fl_shape s)
{
    return a->axes == 3 && a->size[0] == s.t && a->size[1] == s.h && a->size[2] == s.w;
}

static fl_status read_npy_mask(fl_box_reader *r, const fl_npy *a)
{
    const real *v = fl_npy_values(r->cli->arena, a);
    for (int64_t i = 0; v && i < a->count; i++) r->mask[i] = v[i] != 0;
    return r->cli->error->status;
}

/* A clip of the same frames: sampled, resized and cropped alike, light at half of white and above. */
static fl_status read_clip_mask(fl_box_reader *r)
{
    const fl_input *in = r->input;
    fl_clip clip;
    if (fl_clip_read(r->cli->arena, r->path, NULL, &clip) != FL_OK) return r->cli->error->status;
    if (clip.frames != in->frames || clip.height != in->height || clip.width != in->width)
        return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: expected masks for the clip's %d frames of %d x %d, got %d of %d x %d",
                            r->path, in->frames, in->width, in->height, clip.frames, clip.width, clip.height);
    const unsigned char *shown = fl_preprocess_shown(r->cli->arena, in->card, &clip, in->frame, in->shape.t);
    for (int64_t i = 0; shown && i < fl_shape_pixels(in->shape); i++) r->mask[i] = shown[3 * i] >= 128;
    return r->cli->error->status;
}

/* ---- which kind ---- */

static int first_letter(fl_bytes b)
{
    size_t i = 0;
    while (i < b.size && (b.data[i] == ' ' || b.data[i] == '\n' || b.data[i] == '\r' || b.data[i] == '\t')) i++;
    return i < b.size ? b.data[i] : 0;
}

static bool is_picture(fl_bytes b)
{
    static const char *const magic[] = {"P5", "P6", "P7", "\x89PNG", "YUV4MPEG2"};
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++)
        if (fl_bytes_begin(b, magic[i])) return true;
    return fl_npy_is(b);
}

/* Protocol 2 and later begin with 0x80; the dictionary of protocol 0 with "(d", of 1 with "}". */
static bool is_pickle(fl_bytes b) { return fl_bytes_begin(b, "\x80") || fl_bytes_begin(b, "(d") || fl_bytes_begin(b, "}q"); }

static fl_status needs_mask(const fl_box_reader *r)
{
    const fl_shape s = r->input->shape;
    return fl_error_set(r->cli->error, FL_USAGE, "%s: a tensor has no frames that boxes could belong to; expected masks, a .npy of shape "
                        "%d,%d,%d", r->path, s.t, s.h, s.w);
}

fl_status fl_boxes_parse(fl_box_reader *r, fl_bytes b)
{
    fl_npy a;
    if (fl_npy_is(b)) {
        if (fl_npy_parse(b, r->path, &a, r->cli->error) != FL_OK) return r->cli->error->status;
        if (is_mask_of_network(&a, r->input->shape)) return read_npy_mask(r, &a);
    }
    if (!r->input->frame) return needs_mask(r);
    if (is_picture(b)) return read_clip_mask(r);
    if (is_pickle(b)) return fl_boxes_read_pickle(r, b);
    if (first_letter(b) == '{' || first_letter(b) == '[') return fl_boxes_read_json(r, b);
    return fl_boxes_read_table(r, b);
}

fl_status fl_boxes_read(fl_cli *cli, const char *path, const fl_input *input, fl_boxes *boxes)
{
    fl_bytes bytes = {NULL, 0};
    fl_box_reader r = {.cli = cli, .path = path, .input = input, .boxes = boxes,
                       .mask = FL_NEW(cli->arena, unsigned char, fl_shape_pixels(input->shape))};
    *boxes = (fl_boxes){.label = NULL};
    if (!r.mask) return cli->error->status;
    if (!input->frame && !strstr(path, ".npy")) return needs_mask(&r);
    if (fl_folder_exists(path)) {
        read_clip_mask(&r);
    } else if (fl_file_read(cli->arena, path, MOST_BYTES, &bytes) == FL_OK) {
        fl_boxes_parse(&r, bytes);
    }
    if (cli->error->status || fl_boxes_of_mask(cli->arena, input->shape, r.mask, boxes) != FL_OK) return cli->error->status;
    boxes->truth.known = r.known;
    if (boxes->frames) return FL_OK;
    return fl_error_set(cli->error, FL_UNREADABLE, "%s: no box for a frame of '%s' that the network sees; frames are counted from 0, and "
                        "names of clips are without folder and ending", path, input->title);
}
