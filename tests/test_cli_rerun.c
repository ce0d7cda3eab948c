/* test_cli_rerun.c: a result made again: the same bits where nothing changed, and what is said where something did. */
#include "io/npy.h"
#include "io/sha256.h"
#include "tests/cli_rig.h"

typedef struct room { fl_error error; fl_arena arena; } room;

static void enter(room *r)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
}

/* Another value for one byte, counted from the end. */
static void flip(const char *name, size_t from_end)
{
    room r;
    fl_bytes file;
    enter(&r);
    CHECK(fl_file_read(&r.arena, rig_file(name), 1 << 24, &file) == FL_OK && file.size > from_end);
    unsigned char *copy = FL_NEW(&r.arena, unsigned char, file.size);
    memcpy(copy, file.data, file.size);
    copy[file.size - from_end] ^= 1;
    CHECK(fl_file_write(rig_file(name), copy, file.size, &r.error) == FL_OK);
    fl_arena_free(&r.arena);
}

static void check_run(int code, const char *says, const char *arguments)
{
    const int got = rig_run("rerun %s", arguments);
    CHECK_SAY(got == code, "rerun %s: exit code %d, wanted %d: %s", arguments, got, code, rig_err);
    CHECK_SAY(strstr(code == 0 ? rig_out : rig_err, says) != NULL, "rerun %s: wanted '%s' in: %s%s", arguments, says, rig_out, rig_err);
    CHECK(!rig_has_escape(rig_out) && !rig_has_escape(rig_err));
}

#define EVERYTHING "find . -type f ! -name stderr.txt -print0 | sort -z | xargs -0 cksum | cksum"

/* Samples, noise and a random map: all that has a seed. */
TEST(cli_rerun_gives_the_same_maps)
{
    NEEDS_PROGRAM();
    rig_inputs();
    room r;
    fl_sha256_text hash;
    enter(&r);
    CHECK(rig_run("explain x.npy " TINY " --method gradient,smoothgrad,random,grad_cam,rise --samples 20 --seed 3 --quiet "
                  "-o rr_first") == 0);
    CHECK(rig_shell(EVERYTHING) == 0);
    rig_keep();
    CHECK_SAY(rig_run("rerun rr_first") == 0 && rig_shell(EVERYTHING) == 0 && strcmp(rig_kept, rig_out) == 0,
              "something was written: %s", rig_out);
    CHECK_SAY(rig_run("rerun rr_first --threads 2 --mem 512M --json --quiet") == 0 && !*rig_err, "%s", rig_err);
    const fl_json_value *v = rig_json(&r.arena), *maps = fl_json_get(v, "maps");
    CHECK(v && strstr(rig_out, "\"same\": true") && maps && maps->count == 5);
    CHECK(strcmp(rig_text(v, "maps.1.method"), "smoothgrad") == 0 && strcmp(rig_text(v, "maps.1.verdict"), "same") == 0);
    CHECK(fl_sha256_file(rig_file("rr_first/smoothgrad_map.npy"), hash, &r.error) == FL_OK);
    CHECK(strcmp(rig_text(v, "maps.1.got"), hash) == 0 && strcmp(rig_text(v, "maps.1.recorded"), hash) == 0);
    CHECK(rig_number(v, "maps.1.largest_difference") == 0);

    /* with a folder, every file comes out, as it was */
    CHECK(rig_run("rerun rr_first/result.json -o rr_second") == 0 && strstr(rig_out, "smoothgrad             same"));
    CHECK_SAY(rig_shell("diff -r rr_first rr_second") == 0, "%s", rig_out);
    CHECK(rig_run("rerun rr_second -o rr_first") == 0 && rig_run("rerun rr_second -o ./rr_second/") == 2);

    /* another seed is another map: of those that have one */
    CHECK(rig_shell("sed 's/\"seed\": \"3\"/\"seed\": \"4\"/' rr_second/result.json >rr_second/other.json") == 0);
    check_run(5, "3 of 5 maps differ", "rr_second/other.json");
    CHECK(strstr(rig_out, "gradient               same") && strstr(rig_out, "rise                   DIFFERS") &&
          strstr(rig_out, "largest difference"));
    /* and one that held without being asked for is asked for */
    CHECK(rig_shell("sed -e '/\"seed\": \"3\"/d' rr_second/result.json >rr_second/other.json") == 0);
    check_run(0, "smoothgrad             same", "rr_second/other.json");
    check_run(2, "--seed", "rr_second --seed 4");
    check_run(6, "limit", "rr_second --mem 100K");
    fl_arena_free(&r.arena);
}

TEST(cli_rerun_of_the_demo)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("demo --weights formula -o rr_shown --seed 2 --clip 3 --quiet") == 0);
    CHECK(rig_run("rerun rr_shown -o rr_shown_again") == 0 && strstr(rig_out, "grad_cam               same"));
    CHECK(rig_shell("diff -r rr_shown rr_shown_again") == 0);
    check_run(2, "made its clip itself", "rr_shown --clip rr_shown/clip.ppm");
}

/* ---- what changed ---- */

/* A fresh copy of one result with weights, labels and clip of its own, in a folder. */
static void project(const char *folder)
{
    CHECK(rig_shell("rm -rf '%s' && mkdir -p '%s/clips' && cp x.npy '%s/clips' && printf 'a\\nb\\nc\\nd\\ne\\n' >'%s/names.txt'",
                    folder, folder, folder, folder) == 0);
    CHECK(rig_run("convert '%s' '%s/w.safetensors' --quiet", rig_golden("weights/zip.pth"), folder) == 0);
    CHECK(rig_shell("cd '%s' && \"$FOOTLIGHT\" explain clips/x.npy --model tiny --tensor --weights w.safetensors --labels names.txt "
                    "--target b --method integrated_gradients --steps 4 --quiet -o runs/out >/dev/null", folder) == 0);
}

TEST(cli_rerun_sees_a_byte_that_differs)
{
    NEEDS_PROGRAM();
    rig_inputs();
    project("rr_kept");
    check_run(0, "integrated_gradients   same", "rr_kept/runs/out");

    project("rr_p");
    flip("rr_p/w.safetensors", 3);
    check_run(4, "weights 'rr_p/runs/out/../../w.safetensors' is another one", "rr_p/runs/out");
    check_run(0, "same", "rr_p/runs/out --weights rr_kept/w.safetensors");
    CHECK(rig_shell("head -c 900 rr_kept/w.safetensors >rr_p/w.safetensors") == 0);       /* no weights at all any more */
    check_run(4, "another one", "rr_p/runs/out");

    project("rr_p");
    flip("rr_p/clips/x.npy", 3);
    check_run(3, "clip 'rr_p/runs/out/../../clips/x.npy' is another one", "rr_p/runs/out");
    check_run(0, "same", "rr_p/runs/out --clip rr_kept/clips/x.npy");
    CHECK(rig_shell("head -c 900 rr_kept/clips/x.npy >rr_p/clips/x.npy") == 0);
    check_run(3, "x.npy", "rr_p/runs/out");

    project("rr_p");
    CHECK(rig_shell("sed -i s/a/z/ rr_p/names.txt") == 0);
    check_run(3, "labels 'rr_p/runs/out/../../names.txt' is another one", "rr_p/runs/out");
    project("rr_p");
    CHECK(rig_shell("echo '{\"mean\": [0, 0, 0]}' >rr_p/w.card.json") == 0);
    check_run(3, "is read now, and was not", "rr_p/runs/out");
    CHECK(rig_run("rerun rr_p/runs/out --quiet --json -o $D/rr_none") == 3 && !*rig_out && rig_shell("ls rr_none/*") != 0);
}

/* The map came out as recorded, and the file beside the result is another; or the record itself is. */
TEST(cli_rerun_sees_a_map_that_was_tampered_with)
{
    NEEDS_PROGRAM();
    rig_inputs();
    project("rr_p");
    flip("rr_p/runs/out/map.npy", 2);
    check_run(5, "changed since", "rr_p/runs/out");
    CHECK_SAY(strstr(rig_out, "integrated_gradients   CHANGED") && strstr(rig_out, "largest difference") &&
              !strstr(rig_out, "difference 0\n"), "%s", rig_out);
    CHECK(rig_shell("head -c 100 rr_p/runs/out/map.npy >rr_cut.npy && mv rr_cut.npy rr_p/runs/out/map.npy") == 0);
    check_run(5, "changed since", "rr_p/runs/out");
    CHECK(rig_shell("cat rr_p/clips/x.npy rr_p/clips/x.npy rr_p/clips/x.npy rr_p/clips/x.npy rr_p/clips/x.npy "
                    "rr_p/clips/x.npy >rr_p/runs/out/map.npy") == 0);
    check_run(5, "changed since", "rr_p/runs/out");
    CHECK(rig_shell("rm rr_p/runs/out/map.npy") == 0);
    check_run(0, "integrated_gradients   same", "rr_p/runs/out");
    CHECK(!strstr(rig_out, "largest"));                                                  /* nobody knows */

    project("rr_p");
    flip("rr_p/runs/out/map_reduced.npy", 2);
    check_run(5, "changed since", "rr_p/runs/out");
    CHECK_SAY(strstr(rig_out, "(map_reduced.npy)") != NULL, "%s", rig_out);

    project("rr_p");
    CHECK(rig_shell("h=$(sha256sum <rr_p/runs/out/map.npy | cut -c1-64); sed -i s/$h/$(printf %%064d 7)/ rr_p/runs/out/result.json") == 0);
    check_run(5, "this should not be", "rr_p/runs/out");
    CHECK(strstr(rig_out, "DIFFERS  000000000000"));
    project("rr_p");
    CHECK(rig_shell("sed -i 's/\"name\": \"sheet.png\"/\"name\": \"\\\\u001b[2Jmap.npy\"/' rr_p/runs/out/result.json") == 0);
    check_run(5, "1 of 2 maps differ", "rr_p/runs/out");
    CHECK_SAY(strstr(rig_out, "?[2Jmap.npy") != NULL, "%s", rig_out);
}

/* A result without hashes has the map beside it; without that, nothing says that anything is the same. */
TEST(cli_rerun_of_an_older_result)
{
    NEEDS_PROGRAM();
    rig_inputs();
    project("rr_p");
    CHECK(rig_shell("cd rr_p/runs/out && sed -i -e 's/\"files\"/\"older\"/' -e 's/\"also_read\"/\"rr_none\"/' result.json") == 0);
    check_run(0, "integrated_gradients   same", "rr_p/runs/out");
    flip("rr_p/runs/out/map.npy", 2);
    check_run(5, "1 of 1 maps differ", "rr_p/runs/out");
    CHECK(rig_shell("rm rr_p/runs/out/*.npy") == 0);
    check_run(3, "nothing to compare with", "rr_p/runs/out");
    CHECK(!*rig_out);
    check_run(3, "could be compared with nothing", "rr_p/runs/out -o rr_made");
    CHECK(strstr(rig_out, "unknown") && rig_shell("ls rr_made/map.npy rr_made/result.json") == 0);
    CHECK(rig_shell("sed -i 's/\"sha256\": \"[0-9a-f]*\"/\"sha256\": null/' rr_p/runs/out/result.json") == 0);
    check_run(3, "nothing says", "rr_p/runs/out -o rr_made");
}

/* ---- where files are ---- */

TEST(cli_rerun_finds_what_was_moved)
{
    NEEDS_PROGRAM();
    rig_inputs();
    project("rr q");
    CHECK(rig_shell("cd 'rr q/runs' && \"$FOOTLIGHT\" rerun out --quiet") == 0 && strstr(rig_out, "same"));
    CHECK(rig_shell("cd / && \"$FOOTLIGHT\" rerun \"$OLDPWD/rr q/runs/out\" --quiet") == 0 && strstr(rig_out, "same"));
    CHECK(rig_shell("rm -rf rr_elsewhere && mkdir rr_elsewhere && mv 'rr q/clips/x.npy' rr_elsewhere/y.npy") == 0);
    check_run(3, "--clip FILE", "'rr q/runs/out'");
    check_run(0, "same", "'rr q/runs/out' --clip rr_elsewhere/y.npy");
    CHECK(rig_shell("mv 'rr q/names.txt' rr_elsewhere && mv rr_elsewhere/y.npy rr_elsewhere/x.npy") == 0);
    check_run(3, "--files DIR", "'rr q/runs/out' --clip rr_elsewhere/x.npy");
    CHECK(strstr(rig_err, "--labels"));
    check_run(0, "same", "'rr q/runs/out' --files rr_elsewhere");
    CHECK(rig_shell("mv 'rr q/w.safetensors' rr_elsewhere/v.safetensors") == 0);
    check_run(3, "--weights FILE", "'rr q/runs/out' --files rr_elsewhere");
    check_run(0, "same", "'rr q/runs/out' --files rr_elsewhere -w rr_elsewhere/v.safetensors -o rr_found");
    check_run(2, "--files", "'rr q/runs/out' --files nowhere");
    /* and what it left behind can be made again as well */
    check_run(0, "same", "rr_found");
}

TEST(cli_rerun_through_pipes)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_shell("\"$FOOTLIGHT\" explain - --model tiny --weights formula --method gradient "
                    "--quiet -o rr_piped <clip.ppm >/dev/null") == 0);
    check_run(3, "--clip -", "rr_piped");
    check_run(0, "same", "rr_piped --clip - <clip.ppm");
    CHECK(rig_shell("cp clip.ppm rr_pipe.ppm") == 0);
    flip("rr_pipe.ppm", 5);
    check_run(3, "another one", "rr_piped --clip - <rr_pipe.ppm");
    check_run(0, "same", "rr_piped --clip clip.ppm");
    CHECK(rig_run("explain clip.ppm --model tiny --weights formula --method gradient --quiet --json -o rr_piped") == 0);
    CHECK(rig_shell("\"$FOOTLIGHT\" rerun - --quiet <rr_piped/result.json") == 0 && strstr(rig_out, "gradient               same"));
    check_run(2, "already", "- --clip - <rr_piped/result.json");
    check_run(2, "made-up", "rr_piped --weights x.npy");
}

/* Everything that an option names: boxes, rules, a baseline clip in a folder, a network from a file. */
TEST(cli_rerun_knows_the_files_of_options)
{
    NEEDS_PROGRAM();
    rig_inputs();
    room r;
    fl_sha256_text hash;
    enter(&r);
    CHECK(rig_shell("rm -rf rr_o && mkdir -p rr_o/frames && cp clip.ppm rr_o && cp clip.csv rr_o/where.csv && "
                    "\"$FOOTLIGHT\" rules lrp_epsilon >rr_o/mine.rules && "
                    "\"$FOOTLIGHT\" synth -o rr_o/s --count 1 --seed 5 --quiet >/dev/null && "
                    "split -n 16 -d rr_o/s/clip_000000.ppm rr_o/frames/f && "
                    "for f in rr_o/frames/*; do mv $f $f.ppm; done") == 0);
    CHECK(rig_shell("cd rr_o && \"$FOOTLIGHT\" explain clip.ppm --model tiny --weights formula "
                    "--method lrp_epsilon,integrated_gradients --steps 3 --rules mine.rules --boxes where.csv "
                    "--baseline clip --baseline-clip frames --quiet -o out >/dev/null") == 0);
    CHECK(rig_shell("cat rr_o/out/result.json") == 0);
    const fl_json_value *v = rig_json(&r.arena);
    CHECK(strcmp(rig_text(v, "also_read.0.what"), "boxes") == 0 && strcmp(rig_text(v, "also_read.1.path"), "frames") == 0);
    CHECK(fl_sha256_file(rig_file("rr_o/mine.rules"), hash, &r.error) == FL_OK && strcmp(rig_text(v, "also_read.2.sha256"), hash) == 0);
    check_run(0, "lrp_epsilon            same", "rr_o/out");
    static const char *const files[] = {"rr_o/mine.rules", "rr_o/where.csv", "rr_o/frames/f03.ppm"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        CHECK(rig_shell("cp %s rr_saved && printf '\\n' >>%s", files[i], files[i]) == 0);
        check_run(3, "is another one", "rr_o/out");
        CHECK(rig_shell("mv rr_saved %s", files[i]) == 0);
    }
    check_run(0, "integrated_gradients   same", "rr_o/out");
    CHECK(rig_shell("cp '%s' rr_o/net.onnx && cd rr_o && \"$FOOTLIGHT\" explain clip.ppm --model net.onnx --frames 4 --method gradient "
                    "--quiet -o net >/dev/null", rig_golden("onnx/frames.onnx")) == 0);
    check_run(0, "same", "rr_o/net");
    CHECK(rig_shell("mv rr_o/net.onnx rr_o/moved.onnx") == 0);
    check_run(3, "--weights FILE", "rr_o/net");
    check_run(0, "same", "rr_o/net --weights rr_o/moved.onnx");
    flip("rr_o/moved.onnx", 40);
    check_run(4, "another one", "rr_o/net --weights rr_o/moved.onnx");
    fl_arena_free(&r.arena);
}

/* ---- another machine ---- */

TEST(cli_rerun_says_why_arithmetic_differs)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("explain x.npy " TINY " --method gradient --isa base --quiet -o rr_plain") == 0);
    check_run(0, "same", "rr_plain --isa base");
    CHECK(rig_run("--version --json") == 0);
    if (!strstr(rig_out, "\"isa\": \"base\"")) {
        check_run(5, "without fused multiply-adds", "rr_plain");
        CHECK(strstr(rig_out, "DIFFERS") && strstr(rig_out, "largest difference"));
        CHECK(rig_shell("FOOTLIGHT_ISA=base \"$FOOTLIGHT\" rerun rr_plain --quiet") == 0);
    }
    CHECK(rig_shell("sed -i -e 's/\"precision\": \"" FL_REAL_NAME "\"/\"precision\": \"float16\"/' "
                    "-e 's/\"version\": \".*\"/\"version\": \"0.0.1\"/' rr_plain/result.json") == 0);
    check_run(0, "same", "rr_plain --isa base");
    CHECK_SAY(strstr(rig_err, "made in float16") && strstr(rig_err, "footlight 0.0.1 made it"), "%s", rig_err);
}

/* Stopped by --time, other presets, another best class: reasons of the run. */
TEST(cli_rerun_says_why_a_run_differs)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("explain x.npy " TINY " --method rise --samples 40000 --time 0.05 --quiet -o rr_stopped") == 6);
    CHECK(rig_shell("sed -i s/40000/30/ rr_stopped/result.json") == 0);
    check_run(5, "--time had stopped it", "rr_stopped");
    CHECK(rig_run("explain x.npy " TINY " --method smoothgrad --samples 4 --quiet -o rr_preset") == 0);
    CHECK(rig_shell("sed -i 's/^    \"samples\": \"4\"/    \"samples\": \"5\"/' rr_preset/result.json") == 0);
    check_run(5, "samples was 4, and is 5", "rr_preset");
    CHECK(rig_shell("sed -i -e 's/\"index\": [0-9]*/\"index\": 77/' rr_preset/result.json") == 0);
    check_run(5, "class 77 was explained", "rr_preset");
}

/* ---- files from anywhere ---- */

#define VALID "\"model\": \"tiny\", \"weights\": \"formula\", \"tensor\": true, \"method\": \"gradient\""
#define EXPLAIN(options) "{\"schema\": 1, \"command\": \"explain\", \"arguments\": [\"x.npy\"], \"options\": {" options "}}"
#define WITH(member) "{\"command\": \"explain\", \"arguments\": [\"x.npy\"], \"options\": {" VALID "}, " member "}"
static const struct hostile { const char *text, *says; } hostiles[] = {
    {"", "JSON"}, {"[]", "command"}, {"null", "command"}, {"{\"command\": 3}", "command"}, {"\"explain\"", "command"},
    {"{\"command\": \"synth\", \"arguments\": [], \"options\": {\"output\": \"evil\"}}", "footlight synth"},
    {"{\"command\": \"rerun\", \"arguments\": [\"hostile.json\"], \"options\": {}}", "footlight rerun"},
    {"{\"command\": \"explain\"}", "arguments"}, {"{\"command\": \"explain\", \"arguments\": {}, \"options\": []}", "arguments"},
    {"{\"command\": \"explain\", \"arguments\": [], \"options\": {}}", "clip is missing"},
    {"{\"command\": \"explain\", \"arguments\": [3], \"options\": {}}", "texts"},
    {"{\"command\": \"explain\", \"arguments\": [\"x.npy\", \"evil\"], \"options\": {}}", "one argument too many"},
    {"{\"command\": \"explain\", \"arguments\": [\"--output=evil\"], \"options\": {" VALID "}}", "--output=evil"},
    {"{\"command\": \"explain\", \"arguments\": [\"/dev/zero\"], \"options\": {" VALID "}}", "is not there"},
    {"{\"schema\": 2, \"command\": \"explain\", \"arguments\": [\"x.npy\"], \"options\": {" VALID "}}", "later footlight"},
    {"{\"command\": \"demo\", \"arguments\": [], \"options\": {\"output\": \"evil\"}}", "option 'output'"},
    {"{\"command\": \"demo\", \"arguments\": [], \"options\": {\"model\": \"tiny\", \"weights\": \"formula\"}}", "small networks"},
    {EXPLAIN("\"output\": \"evil\", " VALID), "option 'output'"}, {EXPLAIN("\"dry-run\": true, " VALID), "option 'dry-run'"},
    {EXPLAIN("\"list-layers\": true"), "option 'list-layers'"}, {EXPLAIN("\"costs\": true, " VALID), "option 'costs'"},
    {EXPLAIN("\"time\": \"1\", " VALID), "option 'time'"}, {EXPLAIN("\"isa\": \"base\", " VALID), "option 'isa'"},
    {EXPLAIN("\"frobnicate\": \"1\", " VALID), "option 'frobnicate'"}, {EXPLAIN("\"stpes\": \"1\", " VALID), "did you mean 'steps'"},
    {EXPLAIN("\"tensor --output\": \"evil\", " VALID), "unknown"}, {EXPLAIN("\"output=evil\": true, " VALID), "unknown"},
    {EXPLAIN("\"\": true, " VALID), "unknown"}, {EXPLAIN("\"help\": true, " VALID), "option 'help'"},
    {EXPLAIN("\"model\": \"tiny\", \"method\": true"), "'method': expected a text"},
    {EXPLAIN("\"tensor\": \"yes\""), "'tensor': expected true"}, {EXPLAIN("\"samples\": 5"), "'samples': expected a text"},
    {EXPLAIN("\"samples\": \"1e9\", " VALID), "whole number"}, {EXPLAIN("\"samples\": \"-1\", " VALID), "--samples"},
    {EXPLAIN("\"labels\": \"\", " VALID), "got nothing"}, {EXPLAIN("\"seed\": \"99999999999999999999\", " VALID), "whole number"},
    {EXPLAIN("\"steps\": \"4\", " VALID), "no such option"},
    {EXPLAIN("\"model\": \"tiny\", \"weights\": \"formula\", \"tensor\": true"), "which method"},
    {EXPLAIN("\"model\": \"tiny\", \"weights\": \"/dev/zero\", \"tensor\": true, \"method\": \"gradient\""), "is not there"},
    {EXPLAIN("\"model\": \"\\u001b[2J\", \"weights\": \"formula\", \"method\": \"gradient\""), "unknown"},
    {WITH("\"files\": 3"), "nothing to compare"}, {WITH("\"files\": [[], 3, {\"name\": {}, \"sha256\": 7}]"), "nothing to"},
    {WITH("\"files\": [{\"name\": \"../map.npy\", \"sha256\": \"00\"}]"), "nothing to compare"},
    {WITH("\"input\": {\"sha256\": \"abc\"}"), "expected sha256 no SHA-256"},
    {WITH("\"also_read\": [3]"), "read then"},
    {WITH("\"also_read\": 3, \"input\": [1], \"weights\": 7, \"maps\": {}, \"target\": []"), "nothing to compare"},
    {WITH("\"weights\": {\"sha256\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}"), "weights"},
    {WITH("\"input\": {\"sha256\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}"), "another one"},
    {WITH("\"model\": \"c3d\", \"seed\": 1.5, \"seed\": 2"), "twice"},
};

TEST(cli_rerun_believes_no_file)
{
    NEEDS_PROGRAM();
    rig_inputs();
    fl_error error = {0};
    CHECK(rig_shell("mkdir rr_h && cp x.npy rr_h") == 0);
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        const struct hostile *h = &hostiles[i];
        CHECK(fl_file_write(rig_file("rr_h/hostile.json"), h->text, strlen(h->text), &error) == FL_OK);
        const int code = rig_run("rerun rr_h/hostile.json --quiet --no-progress </dev/null");
        const int wanted = strcmp(h->says, "weights") == 0 ? 4 : 3;
        CHECK_SAY(code == wanted && strstr(rig_err, h->says), "%s: %d, wanted %d and '%s': %s", h->text, code, wanted, h->says, rig_err);
        CHECK_SAY(!*rig_out && !rig_has_escape(rig_err), "%s: %s", h->text, rig_out);
    }
    CHECK(rig_shell("ls -d evil rr_h/evil rr_h/footlight* footlight-demo 2>/dev/null") != 0 && !*rig_out);
    CHECK(rig_shell("\"$FOOTLIGHT\" evaluate x.npy " TINY " --method gradient --metric gini --json --quiet >rr_h/hostile.json") == 0);
    check_run(3, "footlight evaluate", "rr_h/hostile.json");
    check_run(3, "nowhere", "nowhere");
    check_run(3, "result.json", "rr_h");
    check_run(2, "rerun RESULT.json", "");
}

/* The end is missing, or a byte is another: always a message, never more. */
TEST(cli_rerun_survives_a_file_that_is_cut)
{
    NEEDS_PROGRAM();
    rig_inputs();
    room r;
    fl_bytes whole;
    enter(&r);
    CHECK(rig_run("explain x.npy " TINY " --method gradient,random --quiet -o rr_cut") == 0);
    CHECK(fl_file_read(&r.arena, rig_file("rr_cut/result.json"), 1 << 20, &whole) == FL_OK);
    char *copy = FL_NEW(&r.arena, char, whole.size);
    for (int i = 0; i < 40; i++) {
        CHECK(fl_file_write(rig_file("rr_cut/part.json"), whole.data, whole.size * (size_t)i / 41, &r.error) == FL_OK);
        CHECK_SAY(rig_run("rerun rr_cut/part.json --quiet") == 3 && strstr(rig_err, "part.json") && !*rig_out, "%d: %s", i, rig_err);
        memcpy(copy, whole.data, whole.size);
        copy[whole.size * (size_t)(2 * i + 1) / 81] ^= 4;
        CHECK(fl_file_write(rig_file("rr_cut/part.json"), copy, whole.size, &r.error) == FL_OK);
        const int code = rig_run("rerun rr_cut/part.json --quiet");
        CHECK_SAY(code >= 0 && code <= 5 && (code == 0 || *rig_err), "byte %d: %d: %s", i, code, rig_err);
    }
    fl_arena_free(&r.arena);
}
