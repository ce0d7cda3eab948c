/* demo.c: footlight demo: a clip that is made here, a small trained network, four methods, one report. */
#include "io/cli/explanation.h"

#include "io/buffer.h"
#include "models/synth.h"

#include <string.h>

static const char methods[] = "gradient_x_input,integrated_gradients,smoothgrad,grad_cam";

static const fl_option options[] = {
    FL_OPTION_TEXT("output", 'o', "DIR", "footlight-demo", "folder for the files"),
    FL_OPTION_INT("clip", "N", "0", 0, 9e15, "which synthetic clip of the seed"),
    {0}};
static const fl_option_group group = {"Options of demo", options};

/* The clip as a file that footlight and ffmpeg read: one PPM behind the other. */
static fl_status encode(fl_cli *cli, const fl_synth_options *o, const unsigned char *rgb, fl_bytes *bytes)
{
    const size_t size = (size_t)3 * (size_t)o->height * (size_t)o->width;
    fl_buffer file = fl_buffer_new(cli->arena);
    for (int t = 0; t < o->frames; t++) {
        fl_buffer_format(&file, "P6\n%d %d\n255\n", o->width, o->height);
        fl_buffer_add(&file, rgb + (size_t)t * size, size);
    }
    *bytes = (fl_bytes){file.data, file.size};
    return cli->error->status;
}

/* Clip, its truth as boxes, and the network's input. */
static fl_status make_clip(fl_cli *cli, fl_session *s, fl_boxes *boxes, fl_bytes *file)
{
    fl_synth_options o = fl_synth_default(cli->seed);
    fl_clip *clip = FL_NEW(cli->arena, fl_clip, 1);
    fl_synth_truth *truth = FL_NEW(cli->arena, fl_synth_truth, 1);
    unsigned char *rgb = FL_NEW(cli->arena, unsigned char, 3 * o.frames * o.height * o.width);
    int *frame = FL_NEW(cli->arena, int, o.frames);
    if (!clip || !truth || !rgb || !frame) return cli->error->status;
    fl_synth_clip(&o, (uint64_t)fl_cli_int(cli, "clip"), rgb, NULL, truth);
    *clip = (fl_clip){.frames = o.frames, .height = o.height, .width = o.width, .rgb = rgb, .format = "synthetic"};
    for (int t = 0; t < o.frames; t++) frame[t] = t;
    if (fl_boxes_of_synth(cli->arena, &o, truth, boxes) != FL_OK) return cli->error->status;
    if (encode(cli, &o, rgb, file) != FL_OK) return cli->error->status;
    fl_sha256_bytes(file->data, file->size, clip->sha256);
    s->input.source = s->input.title = "clip.ppm";
    s->input.sampling = "all";
    return fl_input_use(cli, s->model, clip, frame, o.frames, &s->input);
}

static fl_status check_size(fl_cli *cli, const fl_model *m)
{
    const fl_synth_options o = fl_synth_default(0);
    const fl_card_input *in = &m->input;
    if (in->frames == o.frames && in->height == o.height && in->width == o.width && m->classes == FL_SYNTH_CLASSES)
        return FL_OK;
    return fl_error_set(cli->error, FL_USAGE, "demo: expected one of the small networks, which see %d frames of %d x "
                        "%d; got %s", o.frames, o.height, o.width, m->name);
}

fl_status fl_demo_open(fl_cli *cli, fl_explanation *x, fl_session *s)
{
    fl_boxes *boxes = FL_NEW(cli->arena, fl_boxes, 1);
    *x = (fl_explanation){.session = s, .boxes = boxes, .look = fl_look_default(),
                          .options = {.target = {.class_index = FL_CLASS_AUTO, .score = FL_SCORE_DEFAULT, .other = FL_CLASS_AUTO},
                                      .seed = cli->seed}};
    if (!boxes || fl_methods_parse(cli, "method", methods, &x->methods) != FL_OK || fl_session_begin(cli, s) != FL_OK ||
        check_size(cli, s->model) != FL_OK || make_clip(cli, s, boxes, &x->clip) != FL_OK || fl_session_finish(cli, s) != FL_OK)
        return cli->error->status;
    return fl_session_rank(cli, s, 5);
}

static fl_status run(fl_cli *cli)
{
    const char *folder = fl_cli_text(cli, "output");
    fl_session s;
    fl_explanation x;
    if (fl_demo_open(cli, &x, &s) != FL_OK || fl_folder_make(folder, cli->error) != FL_OK) return cli->error->status;
    FILE *const talk = cli->json ? stderr : stdout;
    const bool talks = !(cli->json && cli->quiet);
    if (talks) {
        fl_session_print_top(&s, talk);
        fprintf(talk, "\nthe clip shows: %s\n\n", x.boxes->label);
        fflush(talk);
    }
    if (fl_explanation_make(cli, &x, folder) != FL_OK) return cli->error->status;
    if (talks) {
        fl_explanation_print(&x, talk);
        fprintf(talk, "\nreport: %s/report.html\n", folder);
    }
    return FL_OK;
}

const fl_command fl_command_demo = {
    "demo", "a complete example, without any file", "[-o DIR]", 0, 0,
    (const fl_option_group *const[]){&group, &fl_session_network, &fl_session_weights, NULL},
    "A synthetic clip whose truth is known, a small trained network, four methods, one report to open in a browser.\n"
    "The clip stays in the folder: footlight explain footlight-demo/clip.ppm --method grad_cam", run};
