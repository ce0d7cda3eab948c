/* test_io_flow.c: flow read from files, and the tensors that cards of flow ask for, against flow.h and the card's
 * formula. */
#include "io/flow_colour.h"
#include "io/flow_input.h"
#include "io/npy.h"
#include "tensor/resample.h"
#include "tests/flow_scene.h"
#include "tests/test.h"

#include <string.h>

enum { T = 5, H = 30, W = 40, PIXELS = H * W, SIDE = 24 };

static fl_error err;
static fl_arena arena;

static void begin(void)
{
    err = (fl_error){0};
    fl_arena_init(&arena, &err);
}

static const char *in_folder(const char *name) { return fl_arena_text(&arena, "%s/%s", fl_test_folder(), name); }

/* ---- files ---- */

static real value(int t, int y, int x, int k) { return (real)(t * 0.5 + y * 0.25 - x * 0.125 + k * 3); }

/* T,H,W,2 or T,2,H,W */
static const char *write_npy(const char *name, bool last)
{
    static real all[T * PIXELS * 2];
    for (int t = 0; t < T; t++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int k = 0; k < 2; k++)
                    all[last ? ((t * H + y) * W + x) * 2 + k : ((t * 2 + k) * H + y) * W + x] = value(t, y, x, k);
    const int64_t with_last[4] = {T, H, W, 2}, with_second[4] = {T, 2, H, W};
    const char *path = in_folder(name);
    CHECK(fl_npy_write(path, 4, last ? with_last : with_second, all, &err) == FL_OK);
    return path;
}

TEST(io_flow_reads_arrays)
{
    begin();
    for (int last = 0; last < 2; last++) {
        fl_flow_file f;
        const char *path = write_npy("flow.npy", last);
        CHECK(fl_flow_file_is(&arena, path));
        if (!CHECK_SAY(fl_flow_file_read(&arena, path, 20, &f) == FL_OK, "%s", err.message)) break;
        CHECK(f.flows == T && f.height == H && f.width == W && strlen(f.sha256) == 64);
        bool same = true;
        for (int i = 0; i < T * PIXELS * 2; i++)
            same = same && f.uv[i] == value(i / 2 / PIXELS, i / 2 / W % H, i / 2 % W, i % 2);
        CHECK(same);
    }
    fl_arena_free(&arena);
}

static void write_picture(const char *path, int height, int width, int first)
{
    fl_writer w;
    if (!CHECK(fl_write_begin(&w, path, &err) == FL_OK)) return;
    fprintf(w.stream, "P5\n%d %d\n255\n", width, height);
    for (int i = 0; i < height * width; i++) fputc((first + i) % 256, w.stream);
    CHECK(fl_write_end(&w, true) == FL_OK);
}

TEST(io_flow_reads_folders)
{
    begin();
    fl_flow_file f;
    const char *folder = in_folder("pairs");
    CHECK(fl_folder_make(folder, &err) == FL_OK);
    CHECK(!fl_flow_file_is(&arena, folder));
    for (int i = 1; i <= 11; i++) {       /* beside the frames, as data sets have it; 2 before 10 */
        write_picture(fl_arena_text(&arena, "%s/flow_x_%d.pgm", folder, i), 3, 4, 10 * i);
        write_picture(fl_arena_text(&arena, "%s/flow_y_%d.pgm", folder, i), 3, 4, 10 * i + 128);
        write_picture(fl_arena_text(&arena, "%s/img_%d.pgm", folder, i), 6, 8, 0);
    }
    CHECK(fl_flow_file_is(&arena, folder));
    CHECK_SAY(fl_flow_file_read(&arena, folder, 16, &f) == FL_OK, "%s", err.message);
    CHECK(f.flows == 11 && f.height == 3 && f.width == 4);
    for (int i = 0; i < 11 * 12 && f.uv; i++)
        for (int k = 0; k < 2; k++) {
            const int byte = (10 * (i / 12 + 1) + 128 * k + i % 12) % 256;
            CHECK_NEAR((double)f.uv[2 * i + k], -16 + 32 * byte / 255.0, 32 * FL_REAL_EPSILON);
        }
    write_picture(in_folder("pairs/flow_x_12.pgm"), 3, 4, 0);
    CHECK(fl_flow_file_read(&arena, folder, 16, &f) == FL_UNREADABLE && strstr(err.message, "12 pictures flow_x"));
    fl_error_clear(&err);
    CHECK(fl_flow_file_read(&arena, folder, 0, &f) == FL_USAGE);
    fl_arena_free(&arena);
}

TEST(io_flow_refuses_other_arrays)
{
    begin();
    fl_flow_file f;
    real bad[24] = {0};
    bad[5] = (real)NAN;
    const struct { int axes; int64_t size[4]; const char *says; } rows[] = {
        {3, {2, 3, 4}, "3 axes"}, {4, {2, 2, 2, 3}, "T,H,W,2"}, {4, {2, 3, 2, 2}, "value 5 of the flow is nan"}};
    for (int i = 0; i < 3; i++) {
        const char *path = in_folder("other.npy");
        CHECK(fl_npy_write(path, rows[i].axes, rows[i].size, bad, &err) == FL_OK);
        CHECK(fl_flow_file_is(&arena, path) == (i == 2));
        CHECK(fl_flow_file_read(&arena, path, 20, &f) == FL_UNREADABLE);
        CHECK_SAY(strstr(err.message, rows[i].says) && strstr(err.message, "other.npy"), "%s", err.message);
        fl_error_clear(&err);
    }
    CHECK(!fl_flow_file_is(&arena, in_folder("nothing.npy")));
    CHECK(fl_flow_file_read(&arena, in_folder("nothing.npy"), 20, &f) == FL_UNREADABLE);
    fl_arena_free(&arena);
}

/* ---- inputs ---- */

static const fl_card_input I3D = {.frames = 3, .height = 20, .width = 20, .fit = FL_FIT_SHORT_SIDE,
                                  .fit_height = SIDE, .white = 1, .mean = {0.5, 0.5}, .std = {0.5, 0.5},
                                  .source = FL_SOURCE_FLOW, .flow = {.bound = 2}};

static fl_clip make_clip(int frames)
{
    static real grey[PIXELS];
    fl_clip clip = {.frames = frames, .height = H, .width = W, .source = "clip"};
    unsigned char *rgb = FL_NEW(&arena, unsigned char, frames * PIXELS * 3);
    for (int t = 0; t < frames; t++) {
        scene_frame(&(scene){SCENE_OBJECT, 1.3 * t, 0.4 * t * t}, 1, H, W, grey);
        for (int i = 0; i < PIXELS; i++)
            for (int c = 0; c < 3; c++)
                rgb[(t * PIXELS + i) * 3 + c] = (unsigned char)((double)grey[i] * (1 - 0.2 * c));
    }
    clip.rgb = rgb;
    return clip;
}

/* Flow t of the clip at the card's size, SIDE x 32, straight from flow.h. */
static const real *field_of(const fl_clip *clip, int t)
{
    static real full[PIXELS], grey[2][SIDE * 32], uv[SIDE * 32 * 2];
    const fl_flow_params p = fl_flow_default();
    for (int end = 0; end < 2; end++) {
        for (int i = 0; i < PIXELS; i++) {
            const unsigned char *rgb = clip->rgb + ((t + end) * PIXELS + i) * 3;
            full[i] = (real)(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]);
        }
        fl_resize((fl_shape){1, 1, 1, H, W}, full, (fl_shape){1, 1, 1, SIDE, 32}, grey[end], FL_RESIZE_LINEAR, false);
    }
    CHECK(fl_flow_tvl1(&arena, grey[0], grey[1], SIDE, 32, &p, uv) == FL_OK);
    return uv;
}

/* Channels first, first + 1 of frame t of the input are flow `number` of the clip by the card's formula. */
static void check_flow(const fl_card_input *card, const fl_network_clip *n, const fl_clip *clip, int t, int first,
                       int number)
{
    const real *uv = field_of(clip, number);
    const double bound = fl_flow_bound(card);
    double mean[2] = {0, 0}, off = 0;
    for (int i = 0; card->flow.subtract_mean && i < SIDE * 32 * 2; i++) mean[i % 2] += (double)uv[i] / (SIDE * 32);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 20; x++)
            for (int k = 0; k < 2; k++) {
                const double f = (double)uv[((y + 2) * 32 + x + 6) * 2 + k] - mean[k];
                double place = (fmin(fmax(f, -bound), bound) / bound + 1) / 2;
                if (card->flow.quantise) place = floor(place * 255 + 0.5) / 255;
                const double want = (card->white * place - card->mean[k]) / card->std[k];
                off = fmax(off, fabs((double)n->input.data[fl_at(n->input.shape, 0, first + k, t, y, x)] - want));
            }
    CHECK_SAY(off <= 8 * FL_REAL_EPSILON * card->white, "place %d, flow %d: off by %g", t, number, off);
}

TEST(io_flow_input_is_what_the_card_says)
{
    begin();
    const fl_clip clip = make_clip(T);
    const int frame[] = {0, 2, 4};        /* the last has the flow that leads to it */
    fl_network_clip n;
    CHECK_SAY(fl_flow_input(&arena, &I3D, &(fl_flow_job){.clip = &clip}, frame, 3, &n) == FL_OK, "%s", err.message);
    CHECK(fl_shape_equal(n.input.shape, (fl_shape){1, 2, 3, 20, 20}));
    CHECK(n.fitting.resized_height == SIDE && n.fitting.resized_width == 32);
    CHECK(n.fitting.crop_y == 2 && n.fitting.crop_x == 6);
    check_flow(&I3D, &n, &clip, 0, 0, 0);
    check_flow(&I3D, &n, &clip, 1, 0, 2);
    check_flow(&I3D, &n, &clip, 2, 0, 3);
    const unsigned char *shown = fl_preprocess_shown(&arena, &I3D, &clip, frame, 3);
    CHECK(shown && memcmp(shown, n.shown, 3 * 20 * 20 * 3) == 0);
    fl_arena_free(&arena);
}

TEST(io_flow_input_stacks_as_two_stream_networks_do)
{
    begin();
    fl_card_input card = I3D;
    const fl_clip clip = make_clip(T);       /* 4 flows */
    fl_network_clip n;
    card.white = 255;
    card.mean[0] = card.mean[1] = 128;
    card.std[0] = card.std[1] = 1;
    card.flow.quantise = card.flow.subtract_mean = true;
    card.flow.stack = 3;
    CHECK(fl_flow_input(&arena, &card, &(fl_flow_job){.clip = &clip}, (int[]){0, 3}, 2, &n) == FL_OK);
    CHECK(fl_shape_equal(n.input.shape, (fl_shape){1, 6, 2, 20, 20}));
    for (int k = 0; k < 3; k++) {
        check_flow(&card, &n, &clip, 0, 2 * k, k);
        check_flow(&card, &n, &clip, 1, 2 * k, 1 + k);      /* begins earlier */
    }
    card.flow.stack = 6;                     /* more than there are: the last one again */
    CHECK(fl_flow_input(&arena, &card, &(fl_flow_job){.clip = &clip}, (int[]){2}, 1, &n) == FL_OK);
    for (int k = 0; k < 6; k++) check_flow(&card, &n, &clip, 0, 2 * k, k < 4 ? k : 3);
    fl_arena_free(&arena);
}

TEST(io_flow_from_a_file_is_the_same_flow)
{
    begin();
    const fl_clip clip = make_clip(T);
    const int frame[] = {1, 3};
    fl_network_clip computed, read, alone;
    fl_flow_file f = {.source = "file"};
    fl_fitting fit;
    const fl_flow_job job = {.clip = &clip};
    CHECK(fl_flow_input(&arena, &I3D, &job, frame, 2, &computed) == FL_OK);
    f.uv = fl_flow_field(&arena, &I3D, &job, &f.flows, &fit);
    if (!CHECK_SAY(f.uv != NULL && f.flows == T - 1, "%s", err.message)) return;
    f.height = fit.resized_height;
    f.width = fit.resized_width;
    CHECK(fl_flow_input(&arena, &I3D, &(fl_flow_job){.clip = &clip, .file = &f}, frame, 2, &read) == FL_OK);
    CHECK(fl_flow_input(&arena, &I3D, &(fl_flow_job){.file = &f}, frame, 2, &alone) == FL_OK);
    const size_t bytes = (size_t)fl_shape_count(computed.input.shape) * sizeof(real);
    CHECK(memcmp(computed.input.data, read.input.data, bytes) == 0);
    CHECK(memcmp(computed.input.data, alone.input.data, bytes) == 0);
    CHECK(memcmp(computed.shown, read.shown, 2 * 20 * 20 * 3) == 0);
    CHECK(memcmp(&computed.fitting, &read.fitting, sizeof fit) == 0);  /* from the clip's pixels, not the file's */
    CHECK(memcmp(computed.shown, alone.shown, 2 * 20 * 20 * 3) != 0);      /* colours */

    /* In pixels: twice the size, twice the values. */
    real constant[2 * 12 * 16];
    for (int i = 0; i < 2 * 12 * 16; i++) constant[i] = i % 2 ? R(-0.25) : R(0.5);
    const fl_flow_file half = {.flows = 1, .height = 12, .width = 16, .uv = constant, .source = "half"};
    CHECK(fl_flow_input(&arena, &I3D, &(fl_flow_job){.file = &half}, (int[]){0}, 1, &alone) == FL_OK);
    for (int i = 0; i < 20 * 20; i++) {
        CHECK_NEAR((double)alone.input.data[2 * i], 0.5, 4 * FL_REAL_EPSILON);           /* 2 * 0.5 of bound 2 */
        CHECK_NEAR((double)alone.input.data[2 * i + 1], -0.25, 4 * FL_REAL_EPSILON);
    }

    CHECK(fl_flow_input(&arena, &I3D, &(fl_flow_job){.clip = &clip, .file = &half}, frame, 2, &read) == FL_USAGE);
    CHECK_SAY(strstr(err.message, "1 flows do not belong to the 5 frames") != NULL, "%s", err.message);
    fl_error_clear(&err);
    const fl_clip one = make_clip(1);
    CHECK(fl_flow_input(&arena, &I3D, &(fl_flow_job){.clip = &one}, (int[]){0}, 1, &read) == FL_USAGE);
    CHECK_SAY(strstr(err.message, "needs 2 frames") != NULL, "%s", err.message);
    fl_arena_free(&arena);
}

TEST(io_flow_input_survives_every_failed_allocation)
{
    begin();
    const fl_clip clip = make_clip(T);
    long k = 1;
    for (bool reached = true; reached && k < 60; k++) {
        fl_network_clip n;
        err = (fl_error){0};
        fl_arena_fail_at(k);
        const fl_status status = fl_flow_input(&arena, &I3D, &(fl_flow_job){.clip = &clip}, (int[]){0, 4}, 2, &n);
        reached = fl_arena_count() >= k;
        fl_arena_fail_at(0);
        CHECK_SAY(status == (reached ? FL_FAILED : FL_OK) && err.status == status, "allocation %ld: %s", k,
                  err.message);
    }
    CHECK(k > 8 && k < 60);
    fl_arena_free(&arena);
}

/* ---- colours ---- */

TEST(io_flow_colours_say_where)
{
    const real uv[10] = {0, 0, 4, 0, 2, 0, 0, 8, -1, 0};
    const unsigned char want[15] = {255, 255, 255, 255, 32, 32, 255, 143, 143, 128, 255, 0, 191, 255, 255};
    unsigned char rgb[15];
    fl_flow_colours(uv, 5, 4, rgb);
    CHECK(memcmp(rgb, want, 12) == 0);
    CHECK(rgb[12] == 191 && rgb[13] > 240 && rgb[14] > 240);       /* faint cyan: slowly to the left */
    real many[2000];
    for (int i = 0; i < 1000; i++) {
        many[2 * i] = 0;
        many[2 * i + 1] = (real)(-i - 1);
    }
    CHECK_NEAR(fl_flow_limit(many, 1000), 990, 1);
    CHECK(fl_flow_limit((real[]){0, 0}, 1) == 0);
    fl_flow_colours((real[]){0, 0}, 1, 0, rgb);
    CHECK(rgb[0] == 255 && rgb[1] == 255 && rgb[2] == 255);
}
