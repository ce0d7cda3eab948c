/* test_cli_metrics.c: evaluate, study, sanity and compare as users call them; boxes and masks of every kind; maps made elsewhere. */
#include "tests/cli_rig.h"

#include "io/npy.h"
#include "tensor/rng.h"

#define SMALL "--model c3d_small --quiet"

static fl_error error;
static fl_arena arena;

static void begin(void)
{
    error = (fl_error){FL_OK, ""};
    fl_arena_init(&arena, &error);
    rig_inputs();
}

static void write_text(const char *name, const char *text)
{
    CHECK(fl_file_write(rig_file(name), text, strlen(text), &error) == FL_OK);
}

/* The metric's value from `evaluate --json`, of the first map; NAN when it is not there. */
static double value_of(const fl_json_value *v, const char *metric)
{
    const fl_json_value *m = rig_at(v, "maps.0.metrics");
    for (m = m ? m->first : NULL; m; m = m->next)
        if (strcmp(rig_text(m, "metric"), metric) == 0) return rig_number(m, "value");
    return (double)NAN;
}

/* ---- boxes ---- */

/* The boxes of clip.csv in another form: with(frame, edges) appends one. */
static void convert(char *out, const char *head, const char *tail, void (*with)(char *out, int frame, const double edge[4]))
{
    const char *csv, *line;
    fl_bytes bytes;
    CHECK(fl_file_read(&arena, rig_file("clip.csv"), 1 << 20, &bytes) == FL_OK);
    csv = fl_arena_text(&arena, "%s", (const char *)bytes.data);
    out += sprintf(out, "%s", head);
    for (line = strchr(csv, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        double edge[4];
        int frame;
        CHECK(sscanf(line, " clip,%d,%lf,%lf,%lf,%lf", &frame, &edge[0], &edge[1], &edge[2], &edge[3]) == 5);
        with(out, frame, edge);
        out += strlen(out);
    }
    sprintf(out, "%s", tail);
}

static void as_json(char *out, int frame, const double e[4])
{
    sprintf(out, "%s{\"clip\": \"clip\", \"frame\": %d, \"x0\": %g, \"y0\": %g, \"x1\": %g, \"y1\": %g}", frame ? ", " : "", frame, e[0],
        e[1], e[2], e[3]);
}

/* pyannot.pkl holds x, y, w, h in frames of 320 x 240; protocol 0 is text. */
static void as_pickle(char *out, int frame, const double e[4])
{
    (void)frame;
    sprintf(out, "(F%.17g\nF%.17g\nF%.17g\nF%.17g\nta", e[0] * 5, e[1] * 3.75, (e[2] - e[0]) * 5, (e[3] - e[1]) * 3.75);
}

static void as_mask(char *out, int frame, const double e[4]) { sprintf(out, "%d %g %g %g %g\n", frame, e[0], e[1], e[2], e[3]); }

/* Frames of PGM from lines of boxes, and a .npy of the same. */
static void write_masks(const char *lines)
{
    static unsigned char mask[16][64][64];
    static real values[16 * 64 * 64];
    double e[4];
    int frame, used;
    memset(mask, 0, sizeof mask);
    for (; sscanf(lines, "%d %lf %lf %lf %lf\n%n", &frame, &e[0], &e[1], &e[2], &e[3], &used) == 5; lines += used)
        for (int y = (int)e[1]; y < (int)e[3]; y++)
            for (int x = (int)e[0]; x < (int)e[2]; x++) mask[frame][y][x] = 255;
    fl_writer w;
    CHECK(fl_write_begin(&w, rig_file("mask.pgm"), &error) == FL_OK);
    for (int t = 0; t < 16; t++) {
        fprintf(w.stream, "P5\n64 64\n255\n");
        fwrite(mask[t], 1, sizeof mask[t], w.stream);
    }
    CHECK(fl_write_end(&w, true) == FL_OK);
    for (int i = 0; i < 16 * 64 * 64; i++) values[i] = ((unsigned char *)mask)[i];
    CHECK(fl_npy_write(rig_file("mask.npy"), 3, (const int64_t[]){16, 64, 64}, values, &error) == FL_OK);
}

TEST(cli_boxes_of_every_kind_say_the_same)
{
    static const char *const names[] = {"clip.csv", "boxes.json", "boxes.pkl", "mask.pgm", "mask.npy"};
    static const char *const metrics[] = {"pointing", "pointing_frames", "energy", "iou", "roc_auc", "average_precision"};
    static char text[1 << 16];
    double first[6] = {0};
    NEEDS_PROGRAM();
    begin();
    convert(text, "{\"boxes\": [", "]}", as_json);
    write_text("boxes.json", text);
    convert(text, "(dS'Class/clip'\n(dS'annotations'\n(l(dS'label'\nI3\nsS'sf'\nI0\nsS'ef'\nI16\nsS'boxes'\n(l", "sasS'numf'\nI16\nss.",
        as_pickle);
    write_text("boxes.pkl", text);
    convert(text, "", "", as_mask);
    write_masks(text);
    for (int k = 0; k < 5; k++) {
        CHECK_SAY(rig_run("evaluate clip.ppm " SMALL " --method grad_cam --metric "
            "pointing,pointing_frames,energy,iou,roc_auc,average_precision "
                          "--json --boxes %s", names[k]) == 0, "%s: %s", names[k], rig_err);
        const fl_json_value *v = rig_json(&arena);
        for (int m = 0; m < 6; m++) {
            const double value = value_of(v, metrics[m]);
            if (k == 0) first[m] = value;
            CHECK_SAY(value == first[m] && value > 0, "%s, %s: %g, wanted %g", names[k], metrics[m], value, first[m]);
        }
    }
    fl_arena_free(&arena);
}

/* A pickle as Python 3 and NumPy write it (protocol 2): {'Move/clip': {'annotations': [{'label': 3, 'sf': 2, 'ef': 4, 'boxes': uint8
 * array [[10, 30, 50, 60], [15, 30, 50, 60]]}], 'numf': 16, 'label': 3}}. */
static const unsigned char pyannot[] = {
    128, 2, 125, 113, 0, 88, 9, 0, 0, 0, 77, 111, 118, 101, 47, 99, 108, 105, 112, 113, 1, 125, 113, 2, 40, 88, 11, 0, 0, 0, 97, 110,
    110, 111, 116, 97, 116, 105, 111, 110, 115, 113, 3, 93, 113, 4, 125, 113, 5, 40, 88, 5, 0, 0, 0, 108, 97, 98, 101, 108, 113, 6, 75,
    3, 88, 2, 0, 0, 0, 115, 102, 113, 7, 75, 2, 88, 2, 0, 0, 0, 101, 102, 113, 8, 75, 4, 88, 5, 0, 0, 0, 98, 111, 120, 101, 115, 113,
    9, 99, 110, 117, 109, 112, 121, 46, 99, 111, 114, 101, 46, 109, 117, 108, 116, 105, 97, 114, 114, 97, 121, 10, 95, 114, 101, 99,
    111, 110, 115, 116, 114, 117, 99, 116, 10, 113, 10, 99, 110, 117, 109, 112, 121, 10, 110, 100, 97, 114, 114, 97, 121, 10, 113, 11,
    75, 0, 133, 113, 12, 99, 95, 99, 111, 100, 101, 99, 115, 10, 101, 110, 99, 111, 100, 101, 10, 113, 13, 88, 1, 0, 0, 0, 98, 113, 14,
    88, 6, 0, 0, 0, 108, 97, 116, 105, 110, 49, 113, 15, 134, 113, 16, 82, 113, 17, 135, 113, 18, 82, 113, 19, 40, 75, 1, 75, 2, 75, 4,
    134, 113, 20, 99, 110, 117, 109, 112, 121, 10, 100, 116, 121, 112, 101, 10, 113, 21, 88, 2, 0, 0, 0, 117, 49, 113, 22, 137, 136,
    135, 113, 23, 82, 113, 24, 40, 75, 3, 88, 1, 0, 0, 0, 124, 113, 25, 78, 78, 78, 74, 255, 255, 255, 255, 74, 255, 255, 255, 255, 75,
    0, 116, 113, 26, 98, 137, 104, 13, 88, 8, 0, 0, 0, 10, 30, 50, 60, 15, 30, 50, 60, 113, 27, 104, 15, 134, 113, 28, 82, 113, 29,
    116, 113, 30, 98, 117, 97, 88, 4, 0, 0, 0, 110, 117, 109, 102, 113, 31, 75, 16, 104, 6, 75, 3, 117, 115, 46};

/* A map that is 1 in one voxel and 0 elsewhere points into the box, or not. */
static double points(int t, int y, int x, const char *boxes)
{
    static real map[16 * 64 * 64];
    memset(map, 0, sizeof map);
    map[(t * 64 + y) * 64 + x] = 1;
    CHECK(fl_npy_write(rig_file("one.npy"), 3, (const int64_t[]){16, 64, 64}, map, &error) == FL_OK);
    CHECK_SAY(rig_run("evaluate clip.ppm " SMALL " --map one.npy --metric pointing --json --boxes %s", boxes) == 0, "%s", rig_err);
    return value_of(rig_json(&arena), "pointing");
}

TEST(cli_boxes_of_ucf_and_epic)
{
    NEEDS_PROGRAM();
    begin();
    CHECK(fl_file_write(rig_file("pyannot.pkl"), pyannot, sizeof pyannot, &error) == FL_OK);
    /* x 10..60 of 320 is 2..12 of 64, y 30..90 of 240 is 8..24: frames 2 and 3 */
    CHECK(points(2, 8, 2, "pyannot.pkl") == 1 && points(2, 23, 11, "pyannot.pkl") == 1 && points(2, 24, 11, "pyannot.pkl") == 0);
    CHECK(points(3, 8, 2, "pyannot.pkl") == 0 && points(3, 8, 3, "pyannot.pkl") == 1 && points(4, 8, 3, "pyannot.pkl") == 0);
    /* (y, x, h, w) in 1920 x 1080: x 300..600 is 10..20, y 540..810 is 32..48; frame 108 of a segment from 100 is frame 8, and 5..11 */
    write_text("epic.csv", "seg_id,video_id,noun,noun_label,verb,start_frame,stop_frame,bounding_boxes\n"
                           "7,P01_01,tap,0,turn,1,16,\"{4: (0, 0, 10, 10)}\"\n"
                           "12,P01_02,tap,0,turn,100,115,\"{108: [(540, 300, 270, 300), (0, 0, 169, 300)]}\"\n");
    CHECK(rig_shell("cp clip.ppm P01_02_12-turn-tap.ppm && cp clip.ppm kept.ppm && mv P01_02_12-turn-tap.ppm seg.ppm && rm kept.ppm") == 0);
    CHECK(rig_shell("mkdir -p epic && cp clip.ppm epic/P01_02_12-turn-tap.ppm") == 0);
    static real map[16 * 64 * 64];
    static const struct { int t, y, x; double hit; } cases[] = {{8, 32, 10, 1}, {8, 47, 19, 1}, {8, 48, 19, 0}, {5, 33, 11, 1},
        {11, 5, 5, 1}, {9, 5, 40, 0}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        memset(map, 0, sizeof map);
        map[64 * 64 - 1] = 5;                                    /* in frame 0, of which nothing is known: it does not count */
        map[(cases[k].t * 64 + cases[k].y) * 64 + cases[k].x] = 1;
        CHECK(fl_npy_write(rig_file("one.npy"), 3, (const int64_t[]){16, 64, 64}, map, &error) == FL_OK);
        CHECK_SAY(rig_run("evaluate epic/P01_02_12-turn-tap.ppm " SMALL " --map one.npy --metric pointing --json --boxes epic.csv") == 0,
            "%s", rig_err);
        CHECK_SAY(value_of(rig_json(&arena), "pointing") == cases[k].hit, "case %zu", k);
    }
    fl_arena_free(&arena);
}

TEST(cli_boxes_that_are_none)
{
    static const struct { const char *name, *text, *part; } cases[] = {
        {"bad.json", "{\"boxes\": 3}", "list of boxes"}, {"bad.json", "[{\"frame\": 1.5}]", "whole number"},
        {"bad.json", "[{\"frame\": 1, \"x0\": 1}]", "x0, y0, x1"}, {"bad.json", "[3]", "expected an object"},
            {"bad.json", "[{", "bad.json"},
        {"bad.csv", "seg_id,video_id,bounding_boxes\n", "start_frame"}, {"bad.pkl", "(dS'clip'\nI3\ns.", "annotations"},
        {"bad.pkl", "(dS'clip'\n(dS'annotations'\n(l(dS'sf'\nI0\nsS'ef'\nI9\nsS'boxes'\nI3\nsass.", "array or a list"},
        {"bad.csv", "clip,frame,x0,y0,x1,y1\nclip,0,1,2,x,4\n", "numbers"}, {"bad.csv", "clip,frame,x0,y0,x1,y1\nother,0,1,2,3,4\n",
            "no box"},
        {"epic_bad.csv", "seg_id,video_id,start_frame,bounding_boxes\n12,P01_02,0,\"{3: (1, 2, 3)}\"\n", "four numbers"},
        {"epic_bad.csv", "seg_id,video_id,start_frame,bounding_boxes\n12,P01_02,-9223372036854775807,\"{9: (1, 2, 3, 4)}\"\n", "below"},
        {"epic_bad.csv", "seg_id,video_id,start_frame,bounding_boxes\n12,P01_02,-5,\"{9223372036854775807: (1, 2, 3, 4)}\"\n", "below"},
        {"bad.pkl", "(dS'clip'\n(dS'annotations'\n(l(dS'sf'\nF1e30\nsS'ef'\nI9\nsS'boxes'\n(lsass.", "numbers of frames"}};
    NEEDS_PROGRAM();
    begin();
    CHECK(rig_shell("mkdir -p epic && cp clip.ppm epic/P01_02_12-turn-tap.ppm") == 0);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        write_text(cases[k].name, cases[k].text);
        const char *clip = strncmp(cases[k].name, "epic", 4) == 0 ? "epic/P01_02_12-turn-tap.ppm" : "clip.ppm";
        CHECK_SAY(rig_run("evaluate %s " SMALL " --method gradient --metric energy --boxes %s", clip, cases[k].name) == 3, "%s",
            cases[k].text);
        CHECK_SAY(strstr(rig_err, cases[k].part) != NULL, "wanted \"%s\", got \"%s\"", cases[k].part, rig_err);
    }
    fl_arena_free(&arena);
}

/* ---- maps made elsewhere ---- */

TEST(cli_evaluate_takes_foreign_maps)
{
    static const char *const metrics =
        "insertion,deletion,average_drop,sensitivity_n,infidelity,completeness,gini,faithfulness_correlation";
    NEEDS_PROGRAM();
    begin();
    const char *told = TINY " --curve-points 6 --trials 5 --quiet --json";
    CHECK(rig_run("explain x.npy " TINY " --method gradient_x_input -o $D/gxi --quiet") == 0);
    CHECK(rig_run("evaluate x.npy %s --method gradient_x_input --metric %s", told, metrics) == 0);
    const fl_json_value *own = rig_json(&arena);
    static const char *const files[] = {"gxi/map.npy", "gxi/map_reduced.npy"};
    for (int k = 0; k < 2; k++) {
        CHECK_SAY(rig_run("evaluate x.npy %s --map %s --metric %s", told, files[k], metrics) == 0, "%s", rig_err);
        const fl_json_value *theirs = rig_json(&arena);
        const fl_json_value *m = rig_at(own, "maps.0.metrics")->first;
        int compared = 0;
        for (; m; m = m->next, compared++)
            CHECK_SAY(fabs(rig_number(m, "value") - value_of(theirs, rig_text(m, "metric"))) <= 1e-6 * fabs(rig_number(m, "value")),
                "%s of %s: %g, wanted %g",
                      rig_text(m, "metric"), files[k], value_of(theirs, rig_text(m, "metric")), rig_number(m, "value"));
        CHECK(compared == 8);
    }
    CHECK(rig_run("evaluate x.npy " TINY " --map gxi/map.npy --metric max_sensitivity") == 2 && strstr(rig_err, "noisy copies"));
    CHECK(rig_run("evaluate x.npy " TINY " --map c.npy --metric gini") == 0);                     /* any array of that shape is a map */
    CHECK(rig_run("evaluate x.npy " TINY " --map n.npy --metric gini") == 3 && strstr(rig_err, "T,H,W"));
    CHECK(rig_run("evaluate x.npy %s --map gxi/map.npy --method gradient", told) == 2);
    fl_arena_free(&arena);
}

/* Write the copies, explain each of them, judge the maps: the value of the method itself. */
TEST(cli_evaluate_max_sensitivity_of_foreign_maps)
{
    enum { COPIES = 3 };
    static real all[COPIES * RIG_VOXELS];
    fl_npy a;
    NEEDS_PROGRAM();
    begin();
    CHECK(rig_run("evaluate x.npy " TINY " --write-copies copies.npy --trials 3 --quiet") == 0);
    CHECK(rig_run("explain x.npy " TINY " --method gradient_x_input -o $D/gxi --quiet") == 0);
    for (int k = 0; k < COPIES; k++) {
        CHECK(rig_run("explain copies.npy --item %d " TINY " --target 2 --method gradient_x_input -o $D/copy --quiet", k) == 0);
        const real *map = fl_npy_read(&arena, rig_file("copy/map.npy"), &a);
        if (map) memcpy(all + k * RIG_VOXELS, map, RIG_VOXELS * sizeof *map);
    }
    CHECK(fl_npy_write(rig_file("maps.npy"), 5, (const int64_t[]){COPIES, RIG_C, RIG_T, RIG_SIDE, RIG_SIDE}, all, &error) == FL_OK);
    CHECK(rig_run("explain x.npy " TINY " --target 2 --method gradient_x_input -o $D/gxi --quiet") == 0);
    CHECK(rig_run("evaluate x.npy " TINY " --target 2 --method gradient_x_input --metric max_sensitivity --trials 3 --json --quiet") == 0);
    const double own = value_of(rig_json(&arena), "max_sensitivity");
    CHECK_SAY(rig_run("evaluate x.npy " TINY " --target 2 --map gxi/map.npy --copy-maps maps.npy --metric max_sensitivity --trials 3 "
        "--json --quiet") == 0, "%s", rig_err);
    CHECK_NEAR(value_of(rig_json(&arena), "max_sensitivity"), own, 1e-6);
    CHECK(own > 0);
    CHECK(rig_run("evaluate x.npy " TINY " --map gxi/map.npy --copy-maps maps.npy --metric max_sensitivity --quiet") == 2 &&
        strstr(rig_err, "got 3"));
    CHECK(rig_run("evaluate x.npy " TINY " --map gxi/map_reduced.npy --copy-maps maps.npy --metric max_sensitivity --trials 3 "
        "--quiet") == 2);
    fl_arena_free(&arena);
}

TEST(cli_evaluate_saves_its_curves)
{
    NEEDS_PROGRAM();
    begin();
    CHECK_SAY(rig_run("evaluate x.npy " TINY " --method gradient,gradient_x_input --metric insertion,deletion,gini --curve-points 4 -o "
        "$D/curves --quiet") == 0, "%s", rig_err);
    CHECK(strstr(rig_out, "curves: ") && strstr(rig_out, "insertion"));
    CHECK(rig_shell("grep -c . curves/curves.csv; grep -c '<figure>' curves/curves.html; grep -c 'http' curves/curves.html; ls "
        "curves/evaluation.json") == 0);
    CHECK_SAY(strncmp(rig_out, "21\n2\n0\n", 7) == 0, "%s",
        rig_out);         /* a head and 2 x 2 curves of 5 points; two charts; no address */
    CHECK(rig_run("evaluate x.npy " TINY " --method gradient --metric inseration") == 2 && strstr(rig_err, "did you mean 'insertion'"));
    CHECK(rig_run("evaluate x.npy " TINY " --method gradient --metric gini --curve-points 4") == 2 && strstr(rig_err, "curve-points"));
    CHECK(rig_run("evaluate x.npy " TINY " --method gradient --metric energy") == 2 && strstr(rig_err, "boxes"));
    fl_arena_free(&arena);
}

/* ---- study ---- */

TEST(cli_study)
{
    NEEDS_PROGRAM();
    begin();
    const char *asked = "study --model c3d_small --synth 4 --method grad_cam,gradient --metric pointing,energy,iou --quiet";
    CHECK(rig_run("%s --json", asked) == 0);
    const fl_json_value *v = rig_json(&arena);
    CHECK(strcmp(rig_text(v, "methods.0.method"), "random") == 0 && strcmp(rig_text(v, "methods.1.method"), "grad_cam") == 0);
    CHECK(rig_number(v, "clips") == 4 && rig_number(v, "accuracy") == 1);
    CHECK(rig_number(v, "methods.1.metrics.iou.mean") > 3 * rig_number(v, "methods.0.metrics.iou.mean"));
    CHECK(rig_number(v, "methods.1.metrics.iou.beats_random") == 1 && rig_number(v, "metrics.2.random_last") == 1);
    const double mean = rig_number(v, "methods.2.metrics.energy.mean"), deviation = rig_number(v, "methods.2.metrics.energy.error");
    CHECK(rig_run("%s --format csv", asked) == 0);
    double sum = 0, square = 0;
    int lines = 0;
    for (const char *p = rig_out; (p = strstr(p, "energy,gradient,")) != NULL; p++, lines++) {
        const double x = atof(p + strlen("energy,gradient,"));
        sum += x;
        square += x * x;
    }
    CHECK(lines == 4);
    CHECK_NEAR(sum / 4, mean, 1e-6);
    CHECK_NEAR(sqrt((square / 4 - mean * mean) / 3), deviation, 1e-6);
    CHECK(rig_run("%s --format markdown", asked) == 0 && strstr(rig_out, "| `random` |") && strstr(rig_out, "| metric | alpha |"));
    CHECK(rig_run("%s --cost", asked) == 0 && strstr(rig_out, "how reliable is the metric?") && strstr(rig_out, "cost per clip"));
    CHECK(rig_run("study clip.ppm clip.ppm --model c3d_small --method gradient --metric gini,entropy "
        "--quiet") == 0);      /* clips of one's own */
    CHECK(rig_run("study clip.ppm --true-class --model c3d_small --method gradient --metric gini --quiet") == 2 &&
        strstr(rig_err, "folder"));
    CHECK(rig_shell("mkdir -p move_left && cp clip.ppm move_left/") == 0);
    CHECK(rig_run("study move_left/clip.ppm --true-class --model c3d_small --method gradient --metric gini --quiet") == 0);
    CHECK(rig_run("study --model tiny --weights formula") == 2 && strstr(rig_err, "synthetic"));
    fl_arena_free(&arena);
}

/* ---- compare ---- */

TEST(cli_compare)
{
    NEEDS_PROGRAM();
    begin();
    for (int k = 0; k < 2; k++)
        CHECK(rig_run("explain x.npy " TINY " --method %s -o $D/%s --quiet", k ? "gradient,grad_cam" : "gradient_x_input,grad_cam", k
            ? "two" : "one") == 0);
    CHECK(rig_run("compare one two --json") == 0);
    const fl_json_value *v = rig_json(&arena);
    CHECK(strcmp(rig_text(v, "pairs.0.name"), "grad_cam_map_reduced.npy") == 0 && rig_at(v, "pairs.1") == NULL);
    static const char *const all[] = {"spearman", "spearman_abs", "pearson", "ssim", "hog", "overlap"};
    for (int i = 0; i < 6; i++) {
        char path[64];
        snprintf(path, sizeof path, "pairs.0.%s", all[i]);
        CHECK_SAY(fabs(rig_number(v, path) - 1) < 1e-12, "%s", all[i]);
    }
    CHECK(rig_run("compare one/gradient_x_input_map_reduced.npy two/gradient_map_reduced.npy --top 0.05 --picture $D/both.png") == 0);
    CHECK(strstr(rig_out, "differ most in frame") && strstr(rig_out, "largest 0.05") && strstr(rig_out, "least alike frame"));
    CHECK(rig_shell("head -c 4 both.png | tail -c 3") == 0 && strcmp(rig_out, "PNG") == 0);
    CHECK(rig_run("compare one/gradient_x_input_map.npy one/gradient_x_input_map_reduced.npy --json") == 0);       /* C,T,H,W is summed */
    CHECK_NEAR(rig_number(rig_json(&arena), "pairs.0.spearman"), 1, 1e-4);
    CHECK(rig_run("compare one/grad_cam_map.npy one/grad_cam_map_reduced.npy") == 2 && strstr(rig_err, "place by place"));
    CHECK(rig_run("compare one one/grad_cam_map.npy") == 2);
    CHECK(rig_run("compare clip.csv clip.csv") == 3);
    fl_arena_free(&arena);
}

/* ---- sanity ---- */

TEST(cli_sanity)
{
    NEEDS_PROGRAM();
    begin();
    CHECK_SAY(rig_run("sanity clip.ppm " SMALL " --method gradient_x_input --checks weights,input --stages 3 --draws 1 -o $D/sane "
        "--json") == 0, "%s%s", rig_out, rig_err);
    const fl_json_value *v = rig_json(&arena);
    CHECK(rig_number(v, "methods.0.cascading.2.likeness.spearman_abs") < 0.5 && rig_number(v, "methods.0.input.spearman_abs") < 0.5);
    CHECK(strcmp(rig_text(v, "methods.0.verdicts.1.check"), "weights") == 0 && strcmp(rig_text(v, "methods.0.verdicts.2.outcome"),
        "passes") == 0);
    CHECK(rig_shell("grep -c '<figure>' sane/sanity.html; ls sane/sanity.json") == 0 && rig_out[0] == '6');
    CHECK(rig_run("sanity clip.ppm " SMALL " --method random --checks weights,input --stages 2 --draws 1") == 5);      /* knows nothing */
    CHECK(strstr(rig_out, "FAILS") && strstr(rig_err, "3 of 3 checks failed"));
    CHECK(rig_run("sanity clip.ppm " SMALL " --method gradient_x_input --checks time --json") != 1);
    v = rig_json(&arena);
    CHECK(rig_at(v, "methods.0.time.frame_alone")->count == 16 && rig_number(v, "methods.0.time.reversed.probability") < 0.5);
    CHECK(rig_run("sanity clip.ppm " SMALL " --checks weihgts") == 2 && strstr(rig_err, "did you mean"));
    fl_arena_free(&arena);
}

/* A network that learned shuffled labels, for a moment, is another network. */
TEST(cli_sanity_of_shuffled_labels)
{
    NEEDS_PROGRAM();
    begin();
    CHECK_SAY(rig_run("train --model tsm_small --shuffle-labels --clips 16 --steps 3 --warm-up 1 --batch 4 --validate 0 -o "
        "$D/shuffled.safetensors --quiet") == 0, "%s", rig_err);
    CHECK(rig_run("sanity clip.ppm --model tsm_small --quiet --method gradient_x_input --label-weights shuffled.safetensors --checks "
        "labels --json") == 0);
    CHECK(rig_number(rig_json(&arena), "methods.0.labels.spearman_abs") < 0.5);
    CHECK(rig_run("sanity clip.ppm --model tsm_small --quiet --method gradient_x_input --label-weights nowhere.pth --checks labels") == 3);
    fl_arena_free(&arena);
}
