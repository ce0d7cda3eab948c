/* test_cli_resume.c: stopped runs: by kill -9, by --time; what --resume makes of them; what --dry-run says of runs to come. */
#include "io/npy.h"
#include "tests/cli_rig.h"

/* Long enough to be stopped in the middle, by methods that can go on later. */
static const struct { const char *method, *options; } LONG_RUNS[] = {
    {"rise", "--samples 900"}, {"kernel_shap", "--samples 900 --cell 4,8,8"}, {"smoothgrad", "--samples 400"},
    {"rise_3d", "--samples 900 --balanced"}, {"occlusion", "--window 2,6,6 --window-stride 1,1,1"}};
enum { RUNS = sizeof LONG_RUNS / sizeof *LONG_RUNS };

#define FILES "map.npy map_reduced.npy sheet.png animation.png report.html result.json"

static bool same_files(const char *one, const char *other)
{
    return rig_shell("for f in " FILES "; do cmp %s/$f %s/$f || exit 1; done", one, other) == 0;
}

TEST(cli_resume_after_kill_gives_the_same_bytes)
{
    NEEDS_PROGRAM();
    rig_inputs();
    for (int i = 0; i < RUNS; i++) {
        char line[256];
        snprintf(line, sizeof line, "explain x.npy " TINY " --seed 7 --method %s %s", LONG_RUNS[i].method, LONG_RUNS[i].options);
        CHECK(rig_run("%s -o whole_%d --quiet --json", line, i) == 0);
        /* killed as soon as there is a state: no result yet */
        CHECK(rig_shell("rm -rf killed_%d; mkdir killed_%d; \"$FOOTLIGHT\" %s -o killed_%d --quiet --json --keep-every 0 >/dev/null 2>&1 & "
                        "p=$!; n=0; while [ ! -e killed_%d/%s.state ] && [ $n -lt 2000 ]; do n=$((n + 1)); sleep 0.005; done; "
                        "kill -9 $p; wait $p 2>/dev/null", i, i, line, i, i, LONG_RUNS[i].method) == 137);
        CHECK(rig_shell("test ! -e killed_%d/result.json && test -s killed_%d/%s.state", i, i, LONG_RUNS[i].method) == 0);
        /* stopped twice more by the clock, then to the end; other threads do not matter */
        for (int k = 0; k < 2; k++) {
            CHECK_SAY(rig_run("%s -o killed_%d --resume --time 0.02", line, i) == 6, "%s", rig_err);
            CHECK(strstr(rig_err, "goes on from") && strstr(rig_err, "--resume"));
            CHECK(rig_shell("grep -q '\"partial\": true' killed_%d/result.json", i) == 0);
        }
        CHECK_SAY(rig_run("%s -o killed_%d --resume --threads 1", line, i) == 0, "%s", rig_err);
        CHECK_SAY(strstr(rig_err, "resume: goes on from") != NULL, "%s", rig_err);
        char whole[32], killed[32];
        snprintf(whole, sizeof whole, "whole_%d", i);
        snprintf(killed, sizeof killed, "killed_%d", i);
        CHECK_SAY(same_files(whole, killed), "%s: %s", LONG_RUNS[i].method, rig_out);
        CHECK(rig_shell("test ! -e killed_%d/%s.state", i, LONG_RUNS[i].method) == 0);
    }
}

TEST(cli_resume_refuses_what_does_not_belong)
{
    NEEDS_PROGRAM();
    rig_inputs();
    #define RUN "explain x.npy " TINY " --method smoothgrad -o odd "
    CHECK(rig_run(RUN "--samples 50 --resume") == 0 && strstr(rig_err, "begins anew"));
    CHECK_SAY(rig_run(RUN "--samples 50 --time 0.000001 --keep-every 0") == 6, "%s", rig_err);
    CHECK(rig_shell("cp odd/smoothgrad.state kept") == 0);
    static const struct { const char *options, *says; } cases[] = {
        {"--samples 51", "samples: 50"}, {"--samples 50 --seed 2", "seed: 0"}, {"--samples 50 --target 1", "class: "},
        {"--samples 50 --noise 0.2", "noise: 0.15"}, {"--samples 50 --weights formula:2", "weights: formula"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_SAY(rig_run(RUN "%s --resume", cases[i].options) == 2, "%s: %s", cases[i].options, rig_err);
        CHECK_SAY(strstr(rig_err, "belongs to another computation") && strstr(rig_err, cases[i].says), "%s: %s", cases[i].options, rig_err);
        CHECK(rig_shell("cmp odd/smoothgrad.state kept") == 0);
    }
    CHECK(rig_run("explain c.npy " TINY " --method smoothgrad -o odd --samples 50 --resume --frames 8") != 0);
    /* damaged: every kind of cut and a flipped bit */
    for (int i = 0; i < 6; i++) {
        static const char *const harm[] = {
            ": >odd/smoothgrad.state", "head -c 10 kept >odd/smoothgrad.state", "head -c 300 kept >odd/smoothgrad.state",
            "head -c -1 kept >odd/smoothgrad.state", "(cat kept; echo) >odd/smoothgrad.state",
            "cp kept odd/smoothgrad.state; printf '\\377' | dd of=odd/smoothgrad.state bs=1 seek=2000 conv=notrunc 2>/dev/null"
        };
        CHECK(rig_shell("%s", harm[i]) == 0);
        CHECK_SAY(rig_run(RUN "--samples 50 --resume") == 3 && strstr(rig_err, "damaged"), "%d: %s", i, rig_err);
    }
    CHECK(rig_run(RUN "--samples 50") == 0);                                      /* without --resume it does not matter */
}

/* map_stderr.npy is there, as result.json and the page say; --tolerance ends with exit code 0. */
TEST(cli_standard_errors_are_saved)
{
    NEEDS_PROGRAM();
    rig_inputs();
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    CHECK(rig_run("explain x.npy " TINY " --method rise --samples 50000 --keep 0.5 --tolerance 0.1 -o errors --json --quiet") == 0);
    const fl_json_value *v = rig_json(&arena);
    fl_npy file, map;
    const real *off = fl_npy_read(&arena, rig_file("errors/map_stderr.npy"), &file), *value = fl_npy_read(&arena,
                                                                                                          rig_file("errors/map.npy"), &map);
    double most = 0, mean = 0, largest = 0;
    CHECK(off && file.axes == 3 && file.size[0] == RIG_T && file.size[1] == RIG_SIDE && file.size[2] == RIG_SIDE && map.axes == 4);
    for (int64_t i = 0; off && i < file.count; i++) {
        most = fmax(most, (double)off[i]);
        mean += (double)off[i] / (double)file.count;
    }
    for (int64_t i = 0; value && i < map.count; i++) largest = fmax(largest, fabs((double)value[i]));
    CHECK(most > 0 && most <= 0.1001 * largest);
    CHECK_NEAR(rig_number(v, "maps.0.sampling.standard_error_most"), most, 1e-6 * most);
    CHECK_NEAR(rig_number(v, "maps.0.sampling.standard_error_mean"), mean, 1e-4 * mean);
    CHECK(rig_number(v, "maps.0.sampling.samples") < 50000 && rig_number(v, "maps.0.sampling.samples") == rig_number(v,
                                                                                                                     "maps.0.passes") - 2);
    CHECK(rig_shell("grep -q '\"tolerance_reached\": true' errors/result.json && grep -q 'standard error' errors/report.html") == 0);
    CHECK(rig_shell("grep -q map_stderr.npy errors/result.json") == 0);
    CHECK(rig_run("explain x.npy " TINY " --method gradient --tolerance 0.1 -o errors") == 2);
    fl_arena_free(&arena);
}

TEST(cli_time_limit_without_partial_results)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("explain x.npy " TINY " --method integrated_gradients --steps 300 -o late --time 0.01") == 6);
    CHECK(strstr(rig_err, "stopped after") && rig_shell("test ! -e late/result.json") == 0);
    CHECK(rig_run("explain x.npy " TINY " --method gradient -o late --time 0") == 2 && strstr(rig_err, "--time"));
}

/* The first interrupt is like the end of the time: what there is is saved, and can be gone on from. */
TEST(cli_interrupts_keep_what_there_is)
{
    NEEDS_PROGRAM();
    rig_inputs();
    static const struct { const char *name, *methods; int code; } cases[] = {
        {"TERM", "smoothgrad", 143}, {"INT", "rise", 130}, {"HUP", "gradient,rise,grad_cam", 129},
        {"TERM", "gradient,integrated_gradients", 143}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool several = strchr(cases[i].methods, ',') != NULL, sampled = !strstr(cases[i].methods, "integrated");
        const char *more = sampled ? TINY " --samples 1000000" : "--model c3d_small --weights formula --steps 4096";
        const char *clip = sampled ? "x.npy" : "clip.ppm";
        rig_shell("rm -rf broken; timeout --preserve-status -k 5 -s %s 1 \"$FOOTLIGHT\" explain %s %s --method %s --quiet -o broken "
                  ">/dev/null 2>broken.err; echo $?; cat broken.err", cases[i].name, clip, more, cases[i].methods);
        CHECK_SAY(atoi(rig_out) == cases[i].code, "%s: %s", cases[i].methods, rig_out);
        CHECK_SAY(!sampled || strstr(rig_out, "--resume"), "%s: %s", cases[i].methods, rig_out);
        CHECK_SAY(several || strstr(rig_out, "interrupted after"), "%s", rig_out);
        CHECK_SAY(!several || strstr(rig_out, "broken holds what was finished before: gradient"), "%s", rig_out);
        CHECK(rig_shell("test -s broken/report.html && ! ls broken/*.tmp 2>/dev/null") == 0);
        CHECK(rig_shell("grep -q '\"partial\": true' broken/result.json") == !sampled);
        CHECK_SAY(!sampled || rig_run("explain x.npy %s --method %s -o broken --resume --time 0.01", more, cases[i].methods) == 6,
                  "%s", rig_err);
        CHECK_SAY(!sampled || strstr(rig_err, "resume: goes on from"), "%s", rig_err);
    }
}

TEST(cli_dry_run_forecasts)
{
    NEEDS_PROGRAM();
    rig_inputs();
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    CHECK(rig_run("explain x.npy " TINY " --method smoothgrad,gradient --samples 300 --dry-run --json -o never") == 0);
    const fl_json_value *v = rig_json(&arena);
    CHECK(rig_number(v, "forecast.0.passes") == 301 && rig_number(v, "forecast.1.passes") == 1);
    CHECK(rig_number(v, "forecast.0.seconds") > 0 && rig_number(v, "forecast.1.seconds") > 0 && rig_number(v, "forecast.0.bytes") > 100000);
    CHECK(rig_shell("test ! -e never") == 0);
    CHECK(rig_run("explain x.npy " TINY " --method smoothgrad --samples 300 --dry-run") == 0 && strstr(rig_out, "301"));
    fl_arena_free(&arena);
}
