/* synth.c: footlight synth: synthetic clips with known truth, as files that any tool reads.
 *
 * Into the folder, for every clip:
 *     clip_000000.ppm       its frames, one PPM behind the other, exact
 *     clip_000000_mask.pgm  255 where the actor is (white-box kinds: the evidence), frames likewise
 *     clip_000000.csv       clip,frame,x0,y0,x1,y1,label: tight boxes, half open, in pixels
 * and at the end, so that they exist only when all is there: labels.txt (one class per line) and index.json. */
#include "io/cli/cli.h"

#include "models/synth.h"

#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("output", 'o', "DIR", NULL, "folder to write into; made if it is not there"),
    FL_OPTION_INT("count", "N", "8", 1, 1000000, "how many clips; every 8 (white-box: 4) have each class once"),
    FL_OPTION_INT("first", "N", "0", 0, 9e15, "number of the first clip, from which its files take their names"),
    FL_OPTION_INT("frames", "T", "16", FL_SYNTH_MIN_FRAMES, FL_SYNTH_MAX_FRAMES, "frames per clip"),
    FL_OPTION_TEXT("size", 0, "HxW", "64x64", "height and width in pixels, each 16 to 512"),
    FL_OPTION_CHOICE("kind", "KIND", "action", fl_synth_kind_name,
                     "an actor that moves, turns or grows; or noise with stripes in one square, or in one frame"),
    {0}};
static const fl_option_group group = {"Options of synth", options};

/* "HxW" */
static fl_status read_size(fl_cli *cli, fl_synth_options *o)
{
    const char *text = fl_cli_text(cli, "size");
    char *height = fl_arena_text(cli->arena, "%s", text), *width = height ? strchr(height, 'x') : NULL;
    if (!height) return cli->error->status;
    if (width) *width++ = 0;
    long long h = 0, w = 0;
    if (!width || !fl_text_int(height, &h) || !fl_text_int(width, &w))
        return fl_error_set(cli->error, FL_USAGE, "--size: expected height and width like 64x64, got '%s'", text);
    if (h < FL_SYNTH_MIN_SIZE || h > FL_SYNTH_MAX_SIZE || w < FL_SYNTH_MIN_SIZE || w > FL_SYNTH_MAX_SIZE)
        return fl_error_set(cli->error, FL_USAGE, "--size: expected %d to %d pixels each way, got '%s'",
                            FL_SYNTH_MIN_SIZE, FL_SYNTH_MAX_SIZE, text);
    o->height = (int)h;
    o->width = (int)w;
    return FL_OK;
}

/* Frames of one (P5) or three (P6) bytes per pixel. */
static fl_status write_frames(fl_cli *cli, const fl_synth_options *o, const char *path, const unsigned char *frames,
                              int channels)
{
    if (!path) return cli->error->status;
    size_t size = (size_t)o->height * (size_t)o->width * (size_t)channels;
    fl_writer w;
    if (fl_write_begin(&w, path, cli->error) != FL_OK) return cli->error->status;
    for (int t = 0; t < o->frames; t++) {
        fprintf(w.stream, "P%d\n%d %d\n255\n", channels == 3 ? 6 : 5, o->width, o->height);
        fwrite(frames + (size_t)t * size, 1, size, w.stream);
    }
    return fl_write_end(&w, true);
}

static fl_status write_boxes(fl_cli *cli, const fl_synth_options *o, const char *path, const char *clip,
                             const fl_synth_truth *truth)
{
    if (!path) return cli->error->status;
    fl_writer w;
    if (fl_write_begin(&w, path, cli->error) != FL_OK) return cli->error->status;
    fprintf(w.stream, "clip,frame,x0,y0,x1,y1,label\n");
    for (int t = 0; t < o->frames; t++) {
        fl_synth_box b = truth->box[t];
        if (b.x1 > b.x0)
            fprintf(w.stream, "%s,%d,%d,%d,%d,%d,%s\n", clip, t, b.x0, b.y0, b.x1, b.y1,
                    fl_synth_class_name(o->kind, truth->label));
    }
    return fl_write_end(&w, true);
}

static void describe_clip(fl_json *j, const fl_synth_options *o, const char *clip, long long index,
                          const fl_synth_truth *truth)
{
    fl_json_object(j, NULL);
    fl_json_string(j, "clip", clip);
    fl_json_int(j, "index", index);
    fl_json_format(j, "frames", "%s.ppm", clip);
    fl_json_format(j, "mask", "%s_mask.pgm", clip);
    fl_json_format(j, "boxes", "%s.csv", clip);
    fl_json_int(j, "target", truth->label);
    fl_json_string(j, "label", fl_synth_class_name(o->kind, truth->label));
    fl_json_int(j, "begin", truth->begin);
    fl_json_int(j, "end", truth->end);
    fl_json_close(j);
}

static void describe_set(fl_json *j, const fl_synth_options *o)
{
    fl_json_string(j, "kind", fl_synth_kind_name[o->kind]);
    fl_json_int(j, "seed", (long long)o->seed);
    fl_json_int(j, "frames", o->frames);
    fl_json_int(j, "height", o->height);
    fl_json_int(j, "width", o->width);
    fl_json_array(j, "labels");
    for (int k = 0; k < fl_synth_classes(o->kind); k++) fl_json_string(j, NULL, fl_synth_class_name(o->kind, k));
    fl_json_close(j);
}

/* Makes and writes one clip and adds it to the index. */
static fl_status one_clip(fl_cli *cli, const fl_synth_options *o, long long index, unsigned char *rgb,
                          unsigned char *mask, fl_json *j)
{
    const char *folder = fl_cli_text(cli, "output");
    char clip[32];
    fl_synth_truth truth;
    snprintf(clip, sizeof clip, "clip_%06lld", index);
    fl_synth_clip(o, (uint64_t)index, rgb, mask, &truth);
    fl_mark mark = fl_arena_mark(cli->arena);
    write_frames(cli, o, fl_arena_text(cli->arena, "%s/%s.ppm", folder, clip), rgb, 3);
    if (cli->error->status == FL_OK)
        write_frames(cli, o, fl_arena_text(cli->arena, "%s/%s_mask.pgm", folder, clip), mask, 1);
    if (cli->error->status == FL_OK)
        write_boxes(cli, o, fl_arena_text(cli->arena, "%s/%s.csv", folder, clip), clip, &truth);
    fl_arena_release(cli->arena, mark);
    if (cli->error->status != FL_OK) return cli->error->status;
    describe_clip(j, o, clip, index, &truth);
    if (!cli->json)
        printf("%s\t%s\t%d\t%d\n", clip, fl_synth_class_name(o->kind, truth.label), truth.begin, truth.end);
    return FL_OK;
}

static fl_status write_labels(fl_cli *cli, fl_synth_kind kind)
{
    const char *path = fl_arena_text(cli->arena, "%s/labels.txt", fl_cli_text(cli, "output"));
    fl_writer w;
    if (!path || fl_write_begin(&w, path, cli->error) != FL_OK) return cli->error->status;
    for (int k = 0; k < fl_synth_classes(kind); k++) fprintf(w.stream, "%s\n", fl_synth_class_name(kind, k));
    return fl_write_end(&w, true);
}

static fl_status run(fl_cli *cli)
{
    const char *folder = fl_cli_text(cli, "output");
    long long first = fl_cli_int(cli, "first"), count = fl_cli_int(cli, "count");
    fl_synth_options o = fl_synth_default(cli->seed);
    o.frames = (int)fl_cli_int(cli, "frames");
    o.kind = (fl_synth_kind)fl_cli_choice(cli, "kind");
    if (!folder) return fl_error_set(cli->error, FL_USAGE, "synth: where to? Expected -o DIR");
    if (read_size(cli, &o) != FL_OK || fl_synth_check(&o, cli->error) != FL_OK) return cli->error->status;
    if (fl_folder_make(folder, cli->error) != FL_OK) return cli->error->status;

    size_t voxels = (size_t)o.frames * (size_t)o.height * (size_t)o.width;
    unsigned char *rgb = FL_NEW(cli->arena, unsigned char, 3 * voxels);
    unsigned char *mask = FL_NEW(cli->arena, unsigned char, voxels);
    if (!rgb || !mask) return cli->error->status;
    fl_arena index;                              /* the index grows while each clip's paths come and go */
    fl_arena_init_beside(&index, cli->arena);
    fl_json j;
    fl_json_to_text(&j, &index, true);
    fl_json_object(&j, NULL);
    describe_set(&j, &o);
    fl_json_array(&j, "clips");
    for (long long i = 0; i < count && cli->error->status == FL_OK; i++) one_clip(cli, &o, first + i, rgb, mask, &j);
    fl_json_close(&j);
    fl_json_close(&j);
    const char *text = fl_json_end(&j), *path = fl_arena_text(cli->arena, "%s/index.json", folder);
    if (cli->error->status == FL_OK) write_labels(cli, o.kind);
    if (cli->error->status == FL_OK) fl_file_write(path, text, strlen(text), cli->error);
    if (cli->error->status == FL_OK && cli->json) fputs(text, stdout);
    if (cli->error->status == FL_OK) fl_cli_say(cli, "%lld clips in %s", count, folder);
    fl_arena_free(&index);
    return cli->error->status;
}

const fl_command fl_command_synth = {
    "synth", "make synthetic clips whose evidence is known", "-o DIR [options]", 0, 0,
    (const fl_option_group *const[]){&group, NULL},
    "A clip depends on --seed, its number, --frames, --size and --kind, and on nothing else: the same bytes\n"
    "everywhere. The files are concatenated PPM, which footlight reads, and ffmpeg -f image2pipe as well.",
    run};
