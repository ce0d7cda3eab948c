/* test_io_ffmpeg.c: how a foreign file gets to the program ffmpeg: what it is called with, what becomes of its
 * failures.
 *
 * A small shell script plays ffmpeg, so the tests need no such program; the real one is compared with elsewhere. */
#include "io/clip.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[600], old_path[8192], old_place[4096];

/* Makes `script` the first ffmpeg in PATH, with the test's own folder as the current one. */
static void play(const char *script)
{
    fl_error err = {0};
    char path[9000], text[2000];
    snprintf(folder, sizeof folder, "%s/ffmpeg", fl_test_folder());
    fl_folder_make(folder, &err);
    snprintf(path, sizeof path, "%s/ffmpeg", folder);
    int n = snprintf(text, sizeof text, "#!/bin/sh\nprintf '%%s\\n' \"$@\" > '%s/arguments'\n%s\n", folder, script);
    fl_file_write(path, text, (size_t)n, &err);
    chmod(path, 0755);
    snprintf(old_path, sizeof old_path, "%s", getenv("PATH"));
    if (!getcwd(old_place, sizeof old_place)) old_place[0] = 0;
    snprintf(path, sizeof path, "%s:%s", folder, old_path);
    setenv("PATH", path, 1);
    CHECK(chdir(folder) == 0);
}

static void stop(void)
{
    setenv("PATH", old_path, 1);
    CHECK(chdir(old_place) == 0);
}

static const char two_frames[] = "printf 'P6 2 1 255\\nabcdef'; printf 'P6 2 1 255\\nABCDEF'";

static void check_arguments(const char *name)
{
    char got[2000], want[2000];
    fl_test_shell(got, sizeof got, "cat '%s/arguments'", folder);
    snprintf(want, sizeof want, "-nostdin\n-loglevel\nerror\n-i\n%s\n-f\nimage2pipe\n-c:v\nppm\n-\n", name);
    CHECK_SAY(strcmp(got, want) == 0, "called with %s", got);
}

TEST(io_ffmpeg_decodes_foreign_files)
{
    static const char *const names[] = {"a b.mp4", "-dash.mp4", "concat:a|b", "$(touch oops);'\".mp4"};
    play(two_frames);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_clip clip;
        char dotted[200];
        fl_arena_init(&a, &err);
        fl_file_write(names[i], "some foreign bytes", 18, &err);
        CHECK_SAY(fl_clip_read(&a, names[i], NULL, &clip) == FL_OK, "%s: %s", names[i], err.message);
        CHECK(clip.frames == 2 && clip.width == 2 && clip.height == 1 && memcmp(clip.rgb, "abcdefABCDEF", 12) == 0);
        CHECK(strcmp(clip.format, "ffmpeg") == 0 && strstr(clip.note, "ffmpeg"));
        CHECK(strcmp(clip.source, names[i]) == 0);
        fl_sha256_text hex;
        fl_sha256_bytes("some foreign bytes", 18, hex);
        CHECK(strcmp(clip.sha256, hex) == 0);                /* of the file, not of what ffmpeg made of it */
        snprintf(dotted, sizeof dotted, "./%s", names[i]);
        check_arguments(dotted);
        fl_arena_free(&a);
    }
    CHECK(!fl_file_exists("oops"));
    stop();
}

TEST(io_ffmpeg_decodes_a_pipe_and_a_folder_of_jpegs)
{
    fl_error err = {0};
    fl_arena a;
    fl_clip clip;
    char left[100];
    fl_arena_init(&a, &err);
    play("cat \"$5\" > seen; printf 'P6 2 1 255\\nabcdef'; printf 'P6 2 1 255\\nABCDEF'");
    setenv("TMPDIR", folder, 1);
    CHECK(fl_test_shell(NULL, 0, "mkfifo fifo && ((printf 'from a pipe' > fifo) > /dev/null &)") == 0);
    CHECK_SAY(fl_clip_read(&a, "fifo", NULL, &clip) == FL_OK && clip.frames == 2, "%s", err.message);
    fl_test_shell(left, sizeof left, "cat seen; ls | grep -c footlight-");
    CHECK_SAY(strcmp(left, "from a pipe0\n") == 0, "%s", left);
    fl_folder_make("jpegs", &err);
    fl_file_write("jpegs/2.JPEG", "two", 3, &err);
    fl_file_write("jpegs/10.jpg", "ten", 3, &err);
    CHECK_SAY(fl_clip_read(&a, "jpegs", NULL, &clip) == FL_OK && clip.frames == 2, "%s", err.message);
    fl_test_shell(left, sizeof left, "cat seen; ls | grep -c footlight-");
    CHECK_SAY(strcmp(left, "twoten0\n") == 0, "%s", left);
    fl_file_write("jpegs/11.jpg", "eleven", 6, &err);
    CHECK(fl_clip_read(&a, "jpegs", NULL, &clip) == FL_UNREADABLE && strstr(err.message, "2 frames of 3 JPEG"));
    unsetenv("TMPDIR");
    stop();
    fl_arena_free(&a);
}

static void check_failure(const char *script, const char *says)
{
    fl_error err = {0};
    fl_arena a;
    fl_clip clip;
    fl_arena_init(&a, &err);
    play(script);
    fl_file_write("x.mp4", "some foreign bytes", 18, &err);
    CHECK(fl_clip_read(&a, "x.mp4", NULL, &clip) == FL_UNREADABLE && err.status == FL_UNREADABLE);
    CHECK_SAY(strstr(err.message, says) && strstr(err.message, "x.mp4"), "%s: %s", says, err.message);
    stop();
    fl_arena_free(&a);
}

TEST(io_ffmpeg_failures_are_told)
{
    check_failure("echo 'moov atom\n not found' >&2; exit 1", "moov atom  not found");
    check_failure("exit 0", "it found no frames");
    check_failure("printf 'P6 2 1 255\\nabcdef'; echo late >&2; exit 3", "late");
    check_failure("printf 'P6 2 1 255\\nabc'", "cut short");
    check_failure("kill -9 $$", "it found no frames");
    /* more on standard error than a pipe holds must not stop it */
    check_failure("head -c 300000 /dev/zero | tr '\\0' e >&2; exit 1", "eeeeeeee");
}

TEST(io_ffmpeg_missing_names_the_formats_that_work)
{
    fl_error err = {0};
    fl_arena a;
    fl_clip clip;
    fl_arena_init(&a, &err);
    play("exit 0");
    CHECK(remove("ffmpeg") == 0);
    setenv("PATH", folder, 1);
    fl_file_write("x.mp4", "some foreign bytes", 18, &err);
    fl_status status = fl_clip_read(&a, "x.mp4", NULL, &clip);
    stop();
    CHECK(status == FL_UNREADABLE && strstr(err.message, "Y4M") && strstr(err.message, "cannot be started"));
    fl_arena_free(&a);
}
