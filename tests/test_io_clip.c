/* test_io_clip.c: the same clip by every route; Y4M colours against the standard's formula; what must be refused. */
#include "io/clip.h"
#include "io/npy.h"
#include "io/png_out.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

enum { T = 4, H = 5, W = 7, FRAME = H * W * 3, SIZE = T * FRAME };

static fl_error err;
static fl_arena arena;

static void begin(void)
{
    fl_error_clear(&err);
    fl_arena_init(&arena, &err);
}

static const unsigned char *sample(void)
{
    static unsigned char rgb[SIZE];
    for (int i = 0; i < SIZE; i++) rgb[i] = (unsigned char)(i * 2654435761u >> 24);
    return rgb;
}

static const char *scratch(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", fl_test_folder(), name);
    return path;
}

static fl_status decoded(fl_buffer b, const fl_clip_options *o, fl_clip *clip)
{
    const fl_bytes bytes = {b.data, b.size};
    return fl_clip_decode(&arena, bytes, "clip", o, clip);
}

/* Checks that the clip is the sample, with so many channels of it (1: its red channel as grey). */
static void check_sample(fl_status status, const fl_clip *clip, const char *route, int channels)
{
    CHECK_SAY(status == FL_OK, "%s: %s", route, err.message);
    if (status != FL_OK) return;
    CHECK_SAY(clip->frames == T && clip->height == H && clip->width == W, "%s: size", route);
    const unsigned char *want = sample();
    int different = 0;
    for (int i = 0; i < SIZE; i++) different += clip->rgb[i] != want[channels == 1 ? i / 3 * 3 : i];
    CHECK_SAY(different == 0, "%s: %d samples differ", route, different);
}

static fl_buffer pnm(int kind, int depth)
{
    fl_buffer b = fl_buffer_new(&arena);
    const unsigned char *rgb = sample();
    for (int t = 0; t < T; t++) {
        if (kind == 7)
            fl_buffer_format(&b, "P7\n#c\nWIDTH %d\nHEIGHT %d # pixels\nDEPTH %d\nMAXVAL 255\nTUPLTYPE X\nENDHDR\n",
                             W, H, depth);
        else
            fl_buffer_format(&b, t == 1 ? "P%d # comment 9\n%d\t%d\r\n255\n" : "P%d %d %d 255\n", kind, W, H);
        for (int i = 0; i < H * W; i++, rgb += 3) {
            fl_buffer_add(&b, rgb, depth >= 3 ? 3 : 1);
            if (depth % 2 == 0) fl_buffer_add(&b, "\x80", 1);
        }
        if (t == 2) fl_buffer_text(&b, "\n");
    }
    return b;
}

TEST(io_clip_pnm)
{
    static const int kinds[][2] = {{6, 3}, {5, 1}, {7, 1}, {7, 2}, {7, 3}, {7, 4}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        fl_clip clip;
        char route[20];
        begin();
        snprintf(route, sizeof route, "P%d depth %d", kinds[i][0], kinds[i][1]);
        check_sample(decoded(pnm(kinds[i][0], kinds[i][1]), NULL, &clip), &clip, route, kinds[i][1] < 3 ? 1 : 3);
        CHECK(strcmp(clip.note, kinds[i][1] % 2 ? "" : "alpha dropped") == 0 && strcmp(clip.format, "pnm") == 0);
        fl_arena_free(&arena);
    }
}

TEST(io_clip_raw)
{
    fl_clip clip;
    begin();
    fl_buffer b = fl_buffer_new(&arena);
    fl_buffer_add(&b, sample(), SIZE);
    check_sample(decoded(b, &(fl_clip_options){.raw_width = W, .raw_height = H}, &clip), &clip, "raw", 3);
    b.size--;
    CHECK(decoded(b, &(fl_clip_options){.raw_width = W, .raw_height = H}, &clip) == FL_UNREADABLE);
    CHECK_SAY(strstr(err.message, "multiple of 105") && strstr(err.message, "byte 315"), "%s", err.message);
    fl_error_clear(&err);
    CHECK(decoded(b, &(fl_clip_options){.raw_width = W}, &clip) == FL_USAGE);
    fl_arena_free(&arena);
}

TEST(io_clip_npy_every_layout)
{
    static const struct { const char *name; int size[4], axis[4]; } l[] = {      /* axes of t, y, x, c */
        {"thwc", {T, H, W, 3}, {0, 1, 2, 3}}, {"tchw", {T, 3, H, W}, {0, 2, 3, 1}},
        {"cthw", {3, T, H, W}, {1, 2, 3, 0}},
    };
    static const char *const types[] = {"|u1", "<f4"};
    for (int k = 0; k < 12; k++) {
        const int *size = l[k % 3].size, type = k / 3 % 2, fortran = k / 6;
        unsigned char values[SIZE * 4];
        char dictionary[128], head[10] = "\x93NUMPY\x01";
        for (int i = 0; i < SIZE; i++) {
            int where[4] = {i / FRAME, i / (3 * W) % H, i / 3 % W, i % 3}, at = 0, index[4];
            for (int d = 0; d < 4; d++) index[l[k % 3].axis[d]] = where[d];
            for (int d = 0; d < 4; d++) at = fortran ? at * size[3 - d] + index[3 - d] : at * size[d] + index[d];
            float value = (float)sample()[i] / 255.0f;
            if (type == 0) values[at] = sample()[i];
            else memcpy(values + 4 * at, &value, 4);
        }
        begin();
        fl_buffer b = fl_buffer_new(&arena);
        head[8] = (char)snprintf(dictionary, sizeof dictionary,
                                 "{'descr':'%s','fortran_order':%s,'shape':(%d,%d,%d,%d)}",
                                 types[type], fortran ? "True" : "False", size[0], size[1], size[2], size[3]);
        fl_buffer_add(&b, head, 10);
        fl_buffer_text(&b, dictionary);
        fl_buffer_add(&b, values, type ? sizeof values : SIZE);
        fl_clip clip;
        check_sample(decoded(b, NULL, &clip), &clip, l[k % 3].name, 3);
        check_sample(decoded(b, &(fl_clip_options){.layout = l[k % 3].name}, &clip), &clip, l[k % 3].name, 3);
        CHECK(decoded(b, &(fl_clip_options){.layout = l[(k + 1) % 3].name}, &clip) == FL_UNREADABLE);
        fl_error_clear(&err);
        CHECK(decoded(b, &(fl_clip_options){.layout = "hwct"}, &clip) == FL_USAGE);
        fl_arena_free(&arena);
    }
}

TEST(io_clip_npy_refuses_values_outside)
{
    fl_clip clip;
    real x[2 * 2 * 2 * 3] = {0};
    begin();
    x[17] = 255;
    fl_npy_write(scratch("outside.npy"), 4, (const int64_t[]){2, 2, 2, 3}, x, &err);
    CHECK(fl_clip_read(&arena, scratch("outside.npy"), NULL, &clip) == FL_UNREADABLE);
    CHECK_SAY(strstr(err.message, "got 255"), "%s", err.message);
    fl_error_clear(&err);
    x[17] = (real)1.0000001;                                       /* just above, and the message must show it */
    fl_npy_write(scratch("outside.npy"), 4, (const int64_t[]){2, 2, 2, 3}, x, &err);
    CHECK(fl_clip_read(&arena, scratch("outside.npy"), NULL, &clip) == FL_UNREADABLE);
    CHECK_SAY(strstr(err.message, "got 1.0000001"), "%s", err.message);
    fl_error_clear(&err);
    fl_npy_write(scratch("outside.npy"), 3, (const int64_t[]){2, 2, 6}, x, &err);
    CHECK(fl_clip_read(&arena, scratch("outside.npy"), NULL, &clip) == FL_UNREADABLE);
    CHECK_SAY(strstr(err.message, "got 2,2,6"), "%s", err.message);
    fl_arena_free(&arena);
}

TEST(io_clip_folder_in_natural_order)
{
    /* frame9 before frame10; other files do not matter */
    static const char *const names[T] = {"frame9.png", "frame10.PPM", "frame11.png", "frame100.ppm"};
    fl_clip clip;
    char path[600];
    begin();
    CHECK(fl_folder_make(scratch("frames"), &err) == FL_OK);
    for (int t = 0; t < T; t++) {
        fl_buffer b = fl_buffer_new(&arena);
        if (t % 2 == 0) fl_png_encode(&b, sample() + t * FRAME, W, H);
        else fl_buffer_format(&b, "P6 %d %d 255\n", W, H), fl_buffer_add(&b, sample() + t * FRAME, FRAME);
        snprintf(path, sizeof path, "%s/%s", scratch("frames"), names[t]);
        fl_file_write(path, b.data, b.size, &err);
    }
    snprintf(path, sizeof path, "%s/notes.txt", scratch("frames"));
    fl_file_write(path, "x", 1, &err);
    check_sample(fl_clip_read(&arena, scratch("frames"), NULL, &clip), &clip, "folder", 3);
    CHECK(strlen(clip.sha256) == 64 && strcmp(clip.format, "folder") == 0);
    snprintf(path, sizeof path, "%s/frame99.ppm", scratch("frames"));
    fl_file_write(path, "P6 1 1 255\nabc", 14, &err);
    CHECK(fl_clip_read(&arena, scratch("frames"), NULL, &clip) == FL_UNREADABLE);
    CHECK_SAY(strstr(err.message, "frame99.ppm") && strstr(err.message, "7 x 5"), "%s", err.message);
    fl_error_clear(&err);
    snprintf(path, sizeof path, "%s/frame99.jpg", scratch("frames"));
    fl_file_write(path, "x", 1, &err);
    CHECK(fl_clip_read(&arena, scratch("frames"), NULL, &clip) == FL_UNREADABLE && strstr(err.message, "which are"));
    fl_error_clear(&err);
    fl_folder_make(scratch("empty"), &err);
    CHECK(fl_clip_read(&arena, scratch("empty"), NULL, &clip) == FL_UNREADABLE && strstr(err.message, "no frames"));
    fl_arena_free(&arena);
}

/* A named pipe can be read once, from start to end. */
TEST(io_clip_through_a_pipe)
{
    fl_clip clip;
    fl_sha256_text hex;
    begin();
    fl_buffer b = pnm(6, 3);
    fl_file_write(scratch("pipe.ppm"), b.data, b.size, &err);
    CHECK(fl_test_shell(NULL, 0, "cd %s && mkfifo fifo && ((cat pipe.ppm > fifo) > /dev/null &)",
                        fl_test_folder()) == 0);
    check_sample(fl_clip_read(&arena, scratch("fifo"), NULL, &clip), &clip, "pipe", 3);
    fl_sha256_bytes(b.data, b.size, hex);
    CHECK(strcmp(clip.sha256, hex) == 0 && strcmp(clip.source, scratch("fifo")) == 0);
    fl_arena_free(&arena);
}

/* Y, U, V planes by formula, and the colours straight from the definition of the standard, in floating point. */
static int plane(int t, int which, int y, int x) { return (t * 89 + which * 57 + y * 31 + x * 17 + x * y) % 256; }

static double limited(int v, int which) { return which ? (v - 128) / 224.0 : (v - 16) / 219.0; }
static double full(int v, int which) { return which ? (v - 128) / 255.0 : v / 255.0; }

static void check_y4m(const char *tags, int across, int down, bool alpha, bool bt709, bool full_range)
{
    fl_clip clip;
    begin();
    fl_buffer b = fl_buffer_new(&arena);
    fl_buffer_format(&b, "YUV4MPEG2 W%d H%d F30000:1001 %s\n", W, H, tags);
    for (int t = 0; t < T; t++) {
        fl_buffer_text(&b, t == 1 ? "FRAME Ip XSOMETHING\n" : "FRAME\n");
        for (int p = 0; p < 3; p++) {
            if (p && !across) continue;
            int h = p ? (H + down - 1) / down : H, w = p ? (W + across - 1) / across : W;
            for (int i = 0; i < h * w; i++) {
                unsigned char value = (unsigned char)plane(t, p, i / w, i % w);
                fl_buffer_add(&b, &value, 1);
            }
        }
        for (int i = 0; alpha && i < H * W; i++) fl_buffer_add(&b, "a", 1);
    }
    fl_status status = decoded(b, &(fl_clip_options){.matrix = bt709 ? "bt709" : NULL}, &clip);
    CHECK_SAY(status == FL_OK && clip.frames == T && clip.height == H && clip.width == W, "%s: %s", tags,
              err.message);
    CHECK(fabs(clip.fps - 30000.0 / 1001) < 1e-12);
    CHECK_SAY(strstr(clip.note, "interlaced") != NULL || !strstr(tags, "It"), "%s: note %s", tags, clip.note);
    CHECK_SAY((strstr(clip.note, "assumed") != NULL) == (across && !bt709), "%s: note %s", tags, clip.note);
    double worst = 0, (*scale)(int, int) = full_range ? full : limited, kr = bt709 ? 0.2126 : 0.299, kb = bt709
        ? 0.0722 : 0.114;
    for (int i = 0; status == FL_OK && i < T * H * W; i++) {
        int t = i / (H * W), y = i / W % H, x = i % W;
        double luma = scale(plane(t, 0, y, x), 0), u = 0, v = 0;
        if (across) u = scale(plane(t, 1, y / down, x / across), 1), v = scale(plane(t, 2, y / down, x / across), 1);
        double r = luma + v * 2 * (1 - kr), blue = luma + u * 2 * (1 - kb),
            g = (luma - kr * r - kb * blue) / (1 - kr - kb);
        const double rgb[3] = {r, g, blue};
        for (int c = 0; c < 3; c++) worst = fmax(worst, fabs(clip.rgb[3 * i + c] - fmin(fmax(255 * rgb[c], 0), 255)));
    }
    CHECK_SAY(worst <= 0.501, "%s: off by %g", tags, worst);
    fl_arena_free(&arena);
}

TEST(io_clip_y4m_colours)
{
    check_y4m("Ip A0:0", 2, 2, false, false, false);
    check_y4m("It A1:1 C420", 2, 2, false, false, false);
    check_y4m("C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED", 2, 2, false, false, false);
    check_y4m("C420mpeg2", 2, 2, false, true, false);
    check_y4m("C420paldv XCOLORRANGE=FULL", 2, 2, false, false, true);
    check_y4m("C411", 4, 1, false, false, false);
    check_y4m("C422", 2, 1, false, true, false);
    check_y4m("C444", 1, 1, false, false, false);
    check_y4m("C444 XCOLORRANGE=FULL", 1, 1, false, true, true);
    check_y4m("C444alpha", 1, 1, true, false, false);
    check_y4m("Cmono", 0, 0, false, false, false);
}

/* BT.601, limited: the well-known rounded constants, at colours that everybody knows. */
TEST(io_clip_y4m_known_colours)
{
    static const struct { unsigned char yuv[3], rgb[3]; } known[] = {
        {{16, 128, 128}, {0, 0, 0}}, {{235, 128, 128}, {255, 255, 255}}, {{81, 90, 240}, {254, 0, 0}},
        {{145, 54, 34}, {0, 255, 1}}, {{41, 240, 110}, {0, 0, 255}}, {{0, 0, 0}, {0, 135, 0}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        fl_clip clip;
        begin();
        fl_buffer b = fl_buffer_new(&arena);
        fl_buffer_text(&b, "YUV4MPEG2 W1 H1 C444\nFRAME\n");
        fl_buffer_add(&b, known[i].yuv, 3);
        CHECK(decoded(b, NULL, &clip) == FL_OK);
        for (int c = 0; c < 3; c++) CHECK_SAY(abs(clip.rgb[c] - known[i].rgb[c]) <= 1, "%zu.%d is %d", i, c,
                                              clip.rgb[c]);
        fl_arena_free(&arena);
    }
}

TEST(io_clip_refuses)
{
    static const struct { const char *head, *says; int zeros; } bad[] = {
        {"YUV4MPEG2 W2 H2 C420p10\nFRAME\n", "8 bits per sample", 12},
        {"YUV4MPEG2 W2 H2 Cmono16\nFRAME\n", "8 bits", 8},
        {"YUV4MPEG2 W2 H2 C410\nFRAME\n", "got C410", 6}, {"YUV4MPEG2 W2\nFRAME\n", "W and H", 6},
        {"YUV4MPEG2 W0 H2\nFRAME\n", "W and H", 6}, {"YUV4MPEG2 W16385 H2\nFRAME\n", "at most 16384", 6},
        {"YUV4MPEG2 W99999999999999999999 H99999999999999999999\nFRAME\n", "at most 16384", 6},
        {"YUV4MPEG2 W2 H2\nFRAME\n", "frame 0 is cut short: 6 bytes expected, got 5", 5},
        {"YUV4MPEG2 W2 H2\nFRAMES\n", "FRAME expected", 6}, {"YUV4MPEG2 W2 H2\n", "0 frames", 0},
        {"YUV4MPEG2 W2 H2\nFRAME\n", "FRAME expected", 7}, {"YUV4MPEG2 W2 H2", "header", 0},
        {"P6 2 2 65535\n", "8 bits", 24}, {"P6 2 2 15\n", "8 bits", 12}, {"P6 2 2 255\n", "cut short", 11},
        {"P6 0 2 255\n", "an image of", 12}, {"P6 20000 2 255\n", "an image of", 12},
        {"P6 99999999 2 255\n", "number", 12},
        {"P6 2 2 255\n", "next image", 13}, {"P6 2 x", "a number", 0}, {"P6 2", "a number", 0},
        {"P6 2 2 255", "white space", 0},
        {"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 5\nMAXVAL 255\nENDHDR\n", "DEPTH 1 to 4", 20},
        {"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR", "line break", 0},
        {"P7\nWIDTH 2\nFOO 2\n", "ENDHDR expected", 0}, {"P7\n", "ENDHDR expected", 0},
        {"P6 1 1 255\nabcP6 1 2 255\nabcdef", "1 x 1 as before", 0},
        {"P5 2 2 255\n", "next image", 5}, {"GIF89a", "47 49 46", 20}, {"", "nothing", 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fl_clip clip;
        begin();
        fl_buffer b = fl_buffer_new(&arena);
        fl_buffer_text(&b, bad[i].head);
        fl_buffer_add(&b, (const char[32]){0}, (size_t)bad[i].zeros);
        CHECK_SAY(decoded(b, NULL, &clip) == FL_UNREADABLE, "accepted: %s + %d", bad[i].head, bad[i].zeros);
        CHECK_SAY(strstr(err.message, bad[i].says) && strstr(err.message, "clip: "), "%s: %s", bad[i].head,
                  err.message);
        fl_arena_free(&arena);
    }
}

TEST(io_clip_options_are_checked)
{
    fl_clip clip;
    begin();
    fl_buffer b = fl_buffer_new(&arena);
    fl_buffer_text(&b, "YUV4MPEG2 W1 H1 Cmono\nFRAME\n!");
    CHECK(decoded(b, &(fl_clip_options){.matrix = "bt2020"}, &clip) == FL_USAGE && strstr(err.message, "bt2020"));
    fl_error_clear(&err);
    CHECK(decoded(b, &(fl_clip_options){.raw_width = 4, .raw_height = 4}, &clip) == FL_USAGE);
    CHECK_SAY(strstr(err.message, "y4m"), "%s", err.message);
    fl_error_clear(&err);
    CHECK(decoded(b, &(fl_clip_options){.raw_width = -4, .raw_height = 4}, &clip) == FL_USAGE);
    fl_error_clear(&err);
    CHECK(fl_clip_read(&arena, scratch("nowhere.y4m"), NULL, &clip) == FL_UNREADABLE);
    CHECK_SAY(strstr(err.message, "nowhere"), "%s", err.message);
    fl_arena_free(&arena);
}

TEST(io_clip_survives_every_failed_allocation)
{
    bool done = false;
    begin();
    fl_buffer b = fl_buffer_new(&arena);
    fl_png_encode(&b, sample(), W, H);
    fl_png_encode(&b, sample(), W, H);
    fl_file_write(scratch("k.png"), b.data, b.size, &err);
    fl_arena_free(&arena);
    for (long k = 1; !done && k < 50; k++) {
        fl_clip clip;
        begin();
        fl_arena_fail_at(k);
        fl_status status = fl_clip_read(&arena, scratch("k.png"), NULL, &clip);
        fl_arena_fail_at(0);
        done = status == FL_OK;
        CHECK(status == err.status && (done || status == FL_FAILED));
        fl_arena_free(&arena);
    }
    CHECK(done);
}

TEST(io_clip_shared_clips)
{
    static const struct { const char *name; int height, width; } clips[] = {
        {"abseiling", 128, 172}, {"long_jump", 112, 112}, {"playing_guitar", 256, 344}, {"stir_food", 128, 172},
        {"walking_with_dog", 112, 112},
    };
    if (!fl_test_shared()) SKIP("no shared clips here");
    for (size_t i = 0; i < sizeof clips / sizeof clips[0]; i++) {
        fl_clip clip;
        char path[600];
        begin();
        snprintf(path, sizeof path, "%s/clips/%s.y4m", fl_test_shared(), clips[i].name);
        CHECK_SAY(fl_clip_read(&arena, path, NULL, &clip) == FL_OK, "%s", err.message);
        CHECK(clip.frames == 16 && clip.height == clips[i].height && clip.width == clips[i].width && clip.fps == 10);
        fl_arena_free(&arena);
    }
}
