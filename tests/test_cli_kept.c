/* test_cli_kept.c: what is kept when something fails or is stopped: finished maps, the files that were read. */
#include "tests/cli_rig.h"

/* The second method of three fails: the first one's files are there, as if they had all come out, and can be run again. */
TEST(cli_explain_keeps_what_was_finished)
{
    NEEDS_PROGRAM();
    rig_inputs();
    #define RUN "explain x.npy " TINY " --method gradient,integrated_gradients,grad_cam -o kept "
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    CHECK_SAY(rig_run(RUN "--steps 3000 --time 0.01") == 6, "%s", rig_err);
    CHECK_SAY(strstr(rig_err, "kept holds") && strstr(rig_err, "gradient") && strstr(rig_err, "stopped after"), "%s", rig_err);
    CHECK(rig_shell("cd kept && ls | tr '\\n' ' '") == 0);
    CHECK_SAY(strcmp(rig_out, "gradient_animation.png gradient_map.npy gradient_map_reduced.npy gradient_sheet.png report.html "
                     "result.json ") == 0, "%s", rig_out);
    CHECK(rig_shell("cat kept/result.json") == 0);
    const fl_json_value *v = rig_json(&arena);
    CHECK(rig_at(v, "maps")->count == 1 && rig_at(v, "unfinished")->count == 2);
    CHECK(strcmp(rig_text(v, "unfinished.0"), "integrated_gradients") == 0 && strcmp(rig_text(v, "unfinished.1"), "grad_cam") == 0);
    CHECK(strcmp(rig_text(v, "options.method"), "gradient,integrated_gradients,grad_cam") == 0);
    CHECK_SAY(rig_run("rerun kept -o kept_again") == 0 && strstr(rig_out, "same"), "%s", rig_err);
    CHECK(rig_shell("for f in $(ls kept); do cmp kept/$f kept_again/$f || exit 1; done") == 0);
    CHECK_SAY(rig_run("rerun kept_again --json") == 0, "%s", rig_err);
    #undef RUN
    /* a network without the layer that the second one needs */
    CHECK(rig_run("explain clip.ppm --model cnn_lstm_small --weights formula --method gradient,cam -o kept2") == 2);
    CHECK_SAY(strstr(rig_err, "kept2 holds") && strstr(rig_err, "cam: needs"), "%s", rig_err);
    CHECK_SAY(rig_run("rerun kept2") == 0 && strstr(rig_out, "same"), "%s", rig_err);
    /* the first one fails: nothing */
    CHECK(rig_run("explain clip.ppm --model cnn_lstm_small --weights formula --method cam,gradient -o kept3") == 2);
    CHECK(rig_shell("test ! -e kept3") == 0);
    fl_arena_free(&arena);
}

/* Memory for the maps, and not for the pictures: the maps can be run again. */
TEST(cli_explain_saves_maps_that_leave_no_room_for_pictures)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("explain clip.ppm --model tiny --weights formula --method gradient --mem 28M -o narrow") == 6);
    CHECK_SAY(strstr(rig_err, "is left out: memory") && strstr(rig_err, "--mem"), "%s", rig_err);
    CHECK(rig_shell("test -s narrow/map.npy && grep -q sheet.png narrow/result.json") == 0);
    CHECK_SAY(rig_run("rerun narrow") == 0 && strstr(rig_out, "same"), "%s", rig_err);
}

/* ---- what is read is not written over ---- */

TEST(cli_output_spares_the_input)
{
    NEEDS_PROGRAM();
    rig_inputs();
    static const char *const cases[] = {
        "explain own/map.npy " TINY " --method gradient -o own", "explain own/map.npy " TINY " --method gradient -o own/../own/",
        "explain own/result.json " TINY " --method gradient -o own", "explain own/gradient_map.npy " TINY " --method gradient,cam -o own",
        "explain own/frames --model tiny --weights formula --method gradient -o own/frames/",
        "explain x.npy " TINY " --method deeplift --baseline-clip own/map.npy -o own",
        "flow own/clip.ppm -o own/clip.ppm", "flow own/clip.ppm --picture own/linked.ppm", "flow own/clip.ppm -o new --picture new",
        "trace own/clip.ppm --model tiny --weights formula -o own/linked.ppm", "convert own/w.safetensors own/w.safetensors",
        "evaluate x.npy " TINY " --map own/map.npy --metric gini --write-copies own/map.npy",
        "evaluate x.npy " TINY " --map own/curves.csv --metric gini -o own", "compare own/map.npy x.npy --picture own/map.npy",
        "sanity own/sanity.json " TINY " --method gradient -o own"};
    CHECK(rig_shell("rm -rf own; mkdir own; cp x.npy own/map.npy; cp x.npy own/gradient_map.npy; cp x.npy own/result.json; cp x.npy "
                    "own/curves.csv; cp x.npy own/sanity.json; cp clip.ppm own; ln -s clip.ppm own/linked.ppm; cp x.npy own/w.safetensors; "
                    "mkdir own/frames; (cd own/frames; split -b 12301 -d --additional-suffix=.ppm ../clip.ppm f); "
                    "cp -R own spared") == 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int code = rig_run("%s", cases[i]);
        CHECK_SAY(code == 2 && strstr(rig_err, "which would be lost") && !*rig_out, "%s: %d: %s", cases[i], code, rig_err);
    }
    CHECK_SAY(rig_shell("diff -r own spared && test ! -e new") == 0, "%s", rig_out);
    CHECK_SAY(rig_run("explain own/clip.ppm --model tiny --weights formula --method gradient -o own") == 0, "%s", rig_err);
    CHECK(rig_run("flow own/clip.ppm -o /dev/null --picture /dev/null") == 0);
}

/* A file that may not grow (ulimit -f): the message that every failed write has, and nothing half written. */
TEST(cli_a_file_that_grows_too_large_is_a_failed_write)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_shell("ulimit -f 20; \"$FOOTLIGHT\" explain clip.ppm --model tiny --weights formula --method gradient -o grown 2>&1 "
                    ">/dev/null") == 1);
    CHECK_SAY(strstr(rig_out, "grown/map.npy: writing failed: File too large"), "%s", rig_out);
    CHECK(rig_shell("test ! -e grown") == 0);
}

/* ---- clips that cannot be read ---- */

TEST(cli_study_goes_on_without_clips_that_cannot_be_read)
{
    NEEDS_PROGRAM();
    rig_inputs();
    #define STUDY "--model tiny --weights formula --method gradient --metric gini"
    CHECK(rig_shell("echo words >bad.y4m; cp clip.ppm other.ppm") == 0);
    CHECK_SAY(rig_run("study clip.ppm other.ppm " STUDY " --format csv") == 0, "%s", rig_err);
    rig_keep();
    CHECK_SAY(rig_run("study absent.ppm clip.ppm bad.y4m other.ppm " STUDY " --format csv") == 0, "%s", rig_err);
    CHECK_SAY(strcmp(rig_out, rig_kept) == 0, "%s", rig_out);
    CHECK_SAY(strstr(rig_err, "2 of 4 clips were left out: absent.ppm, bad.y4m"), "%s", rig_err);
    CHECK(rig_run("study bad.y4m clip.ppm " STUDY " --json") == 0 && strstr(rig_out, "\"failed\""));
    #undef STUDY
}

/* With --json there is one object on standard output. */
TEST(cli_json_is_one_object)
{
    NEEDS_PROGRAM();
    rig_inputs();
    static const char *const cases[] = {"rules --json", "convert w.npz w.safetensors --json",
                                        "explain x.npy " TINY " --method gradient --costs --json"};
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    CHECK(rig_run("check --model tiny --weights formula --save w.npz") == 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_SAY(rig_run("%s", cases[i]) == 0, "%s: %s", cases[i], rig_err);
        const fl_json_value *v = rig_json(&arena);
        CHECK_SAY(v && v->kind == FL_JSON_OBJECT, "%s: %.100s", cases[i], rig_out);
    }
    fl_arena_free(&arena);
}
