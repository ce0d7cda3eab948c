/* test_cli_lesson.c: footlight lesson: every claim holds, every mistake is noticed, and what a lesson names is there. */
#include "io/cli/cli.h"
#include "tests/cli_rig.h"

enum { COURSE = 11, WIDEST = 100 };

static int longest_line(const char *text)
{
    int longest = 0;
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        const int length = (int)strcspn(text, "\n");
        if (length > longest) longest = length;
    }
    return longest;
}

/* Words with a slash are files of the repository. */
static void check_files(const char *text, const char *lesson)
{
    int files = 0;
    while (*text) {
        const size_t n = strcspn(text, " ,:");
        char path[256];
        if (n > 0 && n < sizeof path && memchr(text, '/', n)) {
            snprintf(path, sizeof path, "%.*s", (int)n, text);
            CHECK_SAY(fl_file_exists(path), "lesson %s: %s is not there", lesson, path);
            files++;
        }
        text += n + strspn(text + n, " ,:");
    }
    CHECK_SAY(files > 0, "lesson %s names no file", lesson);
}

static int count_claims(const fl_json_value *lesson)
{
    int claims = 0;
    const fl_json_value *walk = rig_at(lesson, "walk");
    for (const fl_json_value *step = walk ? walk->first : NULL; step; step = step->next) {
        if (!fl_json_get(step, "claim")) continue;
        claims++;
        CHECK_SAY(rig_number(step, "one") == rig_number(step, "one") && *rig_text(step, "because"),
                  "'%s' has no number or no reason", rig_text(step, "claim"));
        CHECK_SAY(rig_at(step, "holds")->number == 1, "'%s' fails", rig_text(step, "claim"));
    }
    return claims;
}

TEST(cli_lesson_claims_hold)
{
    NEEDS_PROGRAM();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    CHECK_SAY(rig_run("lesson all --json") == 0, "%s", rig_err);
    const fl_json_value *v = rig_json(&arena), *lessons = rig_at(v, "lessons");
    CHECK(lessons && lessons->count == COURSE && rig_number(v, "failed") == 0 && strcmp(rig_text(v, "model"), "c3d_small") == 0);
    for (const fl_json_value *one = lessons ? lessons->first : NULL; one; one = one->next) {
        const char *name = rig_text(one, "name");
        const int claims = count_claims(one);
        CHECK_SAY(claims >= 2 && rig_number(one, "claims") == claims && rig_number(one, "failed") == 0,
                  "lesson %s: %d claims", name, claims);
        CHECK_SAY(*rig_text(one, "idea") && *rig_text(one, "formula") && *rig_text(one, "question"), "lesson %s has a gap", name);
        check_files(rig_text(one, "read"), name);
    }
    fl_arena_free(&arena);
}

TEST(cli_lesson_reads_on_a_terminal)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("lesson") == 0 && strstr(rig_out, "   1  convolution") && strstr(rig_out, "  11  forget"));
    CHECK_SAY(rig_run("lesson all") == 0, "%s", rig_err);
    CHECK(strstr(rig_out, " 0 failed") && !strstr(rig_out, "FAIL") && strstr(rig_out, "Lesson 11, forget: ") && !rig_has_escape(rig_out));
    CHECK_SAY(longest_line(rig_out) <= WIDEST, "a line has %d columns", longest_line(rig_out));
    for (int i = 1; i <= COURSE; i += 3) {                                               /* the same bits */
        CHECK(rig_run("lesson %d --threads 1", i) == 0);
        rig_keep();
        CHECK_SAY(rig_run("lesson %d --threads 2", i) == 0 && strcmp(rig_out, rig_kept) == 0, "lesson %d differs with 2 threads", i);
    }
    CHECK(rig_run("lesson path --seed 3 --clip 2") == 0 && strstr(rig_out, "Lesson 5, path: ") && strstr(rig_out, "made clip 2 of seed 3"));
    CHECK(rig_run("lesson 5 --seed 3 --clip 2 --json") == 0 && strstr(rig_out, "\"path\""));
}

/* What to type next can be typed, once the demo has made its clip. */
TEST(cli_lesson_next_commands_run)
{
    NEEDS_PROGRAM();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    for (int i = 1; i <= COURSE; i++) {
        char next[512] = "";
        CHECK(rig_run("lesson %d --json", i) == 0);
        snprintf(next, sizeof next, "%s", rig_text(rig_json(&arena), "next"));
        const int code = strncmp(next, "footlight ", 10) == 0 ? rig_run("%s --quiet", next + 10) : -1;
        /* a verdict is no error */
        CHECK_SAY(code == 0 || (code == 5 && strstr(next, " sanity ")), "'%s' ends with %d: %s", next, code, rig_err);
    }
    fl_arena_free(&arena);
}

TEST(cli_lesson_notices_mistakes)
{
    NEEDS_PROGRAM();
    static const struct { const char *fault, *lesson, *claim; } list[] = {
        {"shifted_padding", "convolution", "by hand"},       {"transposed_kernel", "transpose", "<J v, g>"},
        {"transposed_kernel", "chain", "what backward"},     {"small_error", "chain", "what backward"},
        {"missing_mask", "gradient", "input's part"},        {"missing_mask", "path", "adds up"},
        {"dropped_bias_of_head", "rules", "by hand = z"},    {"missing_mask", "rules", "LRP-0"},
        {"unscaled_average", "cam", "mean gradient"},        {"transposed_kernel", "perturbation", "promise"}};
    for (int i = 0; i < (int)(sizeof list / sizeof *list); i++) {
        const int code = rig_run("lesson %s --inject %s", list[i].lesson, list[i].fault);
        const char *failed = strstr(rig_out, "\n  FAIL");
        bool meant = false;
        for (; failed; failed = strstr(failed + 1, "\n  FAIL")) {
            char claim[160];
            snprintf(claim, sizeof claim, "%.150s", failed + 1);
            claim[strcspn(claim, "\n")] = 0;
            meant = meant || strstr(claim, list[i].claim);
        }
        CHECK_SAY(code == 5 && meant, "%s in lesson %s: exit code %d, and '%s' did not fail",
                  list[i].fault, list[i].lesson, code, list[i].claim);
        CHECK_SAY(strstr(rig_err, "claims failed, first: ") != NULL, "%s", rig_err);
    }
    CHECK_SAY(rig_run("lesson judge --weights formula") == 5 && strstr(rig_err, "more hits than chance"), "%s", rig_err);
    CHECK(strstr(rig_out, "It is wrong, or not sure"));
}

TEST(cli_lesson_takes_other_networks_and_clips)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK_SAY(rig_run("lesson all $D/x.npy " TINY) == 0, "%s", rig_err);
    CHECK_SAY(rig_run("lesson perturbation $D/clip.ppm --boxes $D/clip.csv --model r2plus1d_small") == 0 &&
              strstr(rig_out, "in actor's box"), "%s", rig_err);
    CHECK_SAY(rig_run("lesson gradient --model cnn_lstm_small") == 0 && strstr(rig_out, "This network bends"), "%s", rig_err);
    CHECK_SAY(rig_run("lesson convolution --model tsm_small") == 0, "%s", rig_err);
}

TEST(cli_lesson_refuses)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("lesson chian") == 2 && strstr(rig_err, "did you mean 'chain'"));
    CHECK(rig_run("lesson nothing_like_it") == 2 && strstr(rig_err, "footlight lesson names them"));
    CHECK(rig_run("lesson 0") == 2 && rig_run("lesson 12") == 2 && strstr(rig_err, "from 1 to 11"));
    CHECK(rig_run("lesson 99999999999999999999") == 2 && rig_run("lesson 4294967297") == 2);
    CHECK(rig_run("lesson 1 $D/none.ppm") == 3);
    CHECK(rig_run("lesson 1 $D/clip.ppm --clip 2") == 2 && strstr(rig_err, "--clip"));
    CHECK(rig_run("lesson 1 --boxes $D/clip.csv") == 2 && rig_run("lesson 1 --tensor") == 2);
    CHECK(rig_run("lesson 1 --inject missing_mark") == 2 && strstr(rig_err, "missing_mask"));
    CHECK(rig_run("lesson 1 --inject wrong_slope") == 2 && strstr(rig_err, "tanh"));
    CHECK(rig_run("lesson all --mem 100K") == 6);
}
