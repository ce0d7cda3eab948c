/* test_cli_synth.c: footlight synth writes exactly the clips of models/synth.h, and nothing when asked nonsense. */
#include "models/synth.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

enum { T = 5, HEIGHT = 20, WIDTH = 24, PIXELS = HEIGHT * WIDTH };

static size_t read_whole(const char *path, char *to, size_t room)
{
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    size_t n = fread(to, 1, room - 1, f);
    fclose(f);
    to[n] = 0;
    return n;
}

/* The frames of a concatenated PNM file equal those given. */
static bool same_frames(const char *path, const char *header, const unsigned char *want, size_t frame)
{
    static char file[T * (PIXELS * 3 + 64)];
    size_t head = strlen(header), n = read_whole(path, file, sizeof file);
    bool same = n == T * (head + frame);
    for (size_t t = 0; same && t < T; t++)
        same = memcmp(file + t * (head + frame), header, head) == 0 &&
               memcmp(file + t * (head + frame) + head, want + t * frame, frame) == 0;
    return same;
}

TEST(cli_synth_writes_the_clips)
{
    if (!getenv("FOOTLIGHT")) SKIP("no program under test");
    static unsigned char rgb[T * PIXELS * 3], mask[T * PIXELS];
    static char text[8192], want[2048];
    const char *folder = fl_test_folder();
    for (int kind = 0; kind < FL_SYNTH_KINDS; kind++) {
        fl_synth_options o = {7, T, HEIGHT, WIDTH, (fl_synth_kind)kind};
        int code = fl_test_shell(text, sizeof text, "\"$FOOTLIGHT\" synth -o '%s/s%d' --count 2 --first 3 --seed 7 "
                                 "--frames 5 --size 20x24 --kind %s --json --quiet", folder, kind,
                                 fl_synth_kind_name[kind]);
        CHECK(code == 0);
        CHECK(strstr(text, "\"clip_000004.ppm\"") && strstr(text, fl_synth_kind_name[kind]));
        char path[512], index[8192];
        snprintf(path, sizeof path, "%s/s%d/index.json", folder, kind);
        CHECK(read_whole(path, index, sizeof index) > 0 && strcmp(index, text) == 0);
        for (int i = 3; i < 5; i++) {
            fl_synth_truth truth;
            fl_synth_clip(&o, (uint64_t)i, rgb, mask, &truth);
            snprintf(path, sizeof path, "%s/s%d/clip_00000%d.ppm", folder, kind, i);
            CHECK(same_frames(path, "P6\n24 20\n255\n", rgb, PIXELS * 3));
            snprintf(path, sizeof path, "%s/s%d/clip_00000%d_mask.pgm", folder, kind, i);
            CHECK(same_frames(path, "P5\n24 20\n255\n", mask, PIXELS));
            size_t n = (size_t)snprintf(want, sizeof want, "clip,frame,x0,y0,x1,y1,label\n");
            for (int t = 0; t < T; t++)
                if (truth.box[t].x1)
                    n += (size_t)snprintf(want + n, sizeof want - n, "clip_00000%d,%d,%d,%d,%d,%d,%s\n", i, t,
                                          truth.box[t].x0, truth.box[t].y0, truth.box[t].x1, truth.box[t].y1,
                                          fl_synth_class_name(o.kind, truth.label));
            snprintf(path, sizeof path, "%s/s%d/clip_00000%d.csv", folder, kind, i);
            CHECK(read_whole(path, text, sizeof text) == n && strcmp(text, want) == 0);
        }
        snprintf(path, sizeof path, "%s/s%d/labels.txt", folder, kind);
        read_whole(path, text, sizeof text);
        size_t n = 0;
        for (int k = 0; k < fl_synth_classes(o.kind); k++)
            n += (size_t)snprintf(want + n, sizeof want - n, "%s\n", fl_synth_class_name(o.kind, k));
        CHECK(strcmp(text, want) == 0);
    }
}

TEST(cli_synth_refuses)
{
    if (!getenv("FOOTLIGHT")) SKIP("no program under test");
    static const char *const bad[][2] = {{"", "-o DIR"}, {"-o x --size 64", "--size"}, {"-o x --size 64x", "--size"},
                                         {"-o x --size 8x64", "--size"}, {"-o x --size 64x9999", "--size"},
                                         {"-o x --frames 3", "--frames"}, {"-o x --kind nothing", "--kind"},
                                         {"-o x --count 0", "--count"}, {"-o x surplus", "surplus"}};
    const char *folder = fl_test_folder();
    char out[FL_MESSAGE_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = fl_test_shell(out, sizeof out, "cd '%s' && \"$FOOTLIGHT\" synth %s 2>&1", folder, bad[i][0]);
        CHECK_SAY(code == FL_USAGE && strstr(out, bad[i][1]), "synth %s: %d, %s", bad[i][0], code, out);
    }
    CHECK(fl_test_shell(out, sizeof out, "test ! -e '%s/x'", folder) == 0);
    /* A folder that cannot be made: the world is wrong, in one line. */
    CHECK(fl_test_shell(out, sizeof out, "\"$FOOTLIGHT\" synth -o /dev/null/x 2>/dev/null") == FL_FAILED);
}
