/* clip_ffmpeg.c: files that only ffmpeg can read, through a pipe: ffmpeg ... -i FILE -f image2pipe -c:v ppm -
 *
 * The program is found in PATH and gets a list of arguments; no shell looks at the file's name. What it says on its
 * standard error goes to a nameless file, so that it can never block, and the beginning of it into our message. */
#include "io/clip_formats.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

fl_status fl_spool_begin(fl_spool *s, fl_error *err)
{
    const char *folder = getenv("TMPDIR");
    s->error = err;
    s->stream = NULL;
    int n = snprintf(s->path, sizeof s->path, "%s/footlight-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = n > 0 && (size_t)n < sizeof s->path ? mkstemp(s->path) : -1;
    if (fd >= 0) s->stream = fdopen(fd, "wb");
    if (s->stream) return FL_OK;
    if (fd >= 0) {
        close(fd);
        remove(s->path);
    }
    s->path[0] = 0;
    return fl_error_set(err, FL_FAILED, "no temporary file: %s; set TMPDIR to a writable folder", strerror(errno));
}

fl_status fl_spool_add(fl_spool *s, fl_bytes b)
{
    if (fwrite(b.data, 1, b.size, s->stream) == b.size && fflush(s->stream) == 0) return FL_OK;
    return fl_error_set(s->error, FL_FAILED, "%s: cannot be written: %s; set TMPDIR to a folder with more room",
                        s->path, strerror(errno));
}

void fl_spool_end(fl_spool *s)
{
    if (s->stream) fclose(s->stream);
    if (s->path[0]) remove(s->path);
}

/* Starts ffmpeg; *out is what it prints. 0 or an error number. */
static int start(const char *path, FILE *said, pid_t *child, FILE **out)
{
    const char *arguments[] = {"ffmpeg", "-nostdin", "-loglevel", "error", "-i", path, "-f", "image2pipe", "-c:v",
                               "ppm", "-", NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe(ends) != 0) return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, fileno(said), 2);
    int failed = posix_spawnp(child, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *out = failed ? NULL : fdopen(ends[0], "rb");
    if (failed) close(ends[0]);
    return failed;
}

/* Waits for it, at once when we gave up on it; true when it ended well. */
static bool finish(pid_t child, bool give_up)
{
    int how = 0;
    if (give_up) kill(child, SIGKILL);
    while (waitpid(child, &how, 0) < 0 && errno == EINTR) how = 0;
    return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

/* The beginning of what it said, as one line. */
static void heard(FILE *said, char *text, size_t size)
{
    rewind(said);
    size_t n = fread(text, 1, size - 1, said);
    while (n > 0 && (unsigned char)text[n - 1] <= ' ') n--;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) text[i] = ' ';
    text[n] = 0;
}

static fl_status missing(fl_arena *a, const char *what, int reason)
{
    return fl_error_set(a->error, FL_UNREADABLE, "%s: not a kind of clip that is read here, and ffmpeg, which might, "
                        "cannot be started (%s); install it, or convert the clip to Y4M, PPM, PNG frames or .npy",
                        what, strerror(reason));
}

static fl_status run(fl_arena *a, fl_arena *scratch, const char *path, const char *what, FILE *said, fl_bytes *frames)
{
    pid_t child = 0;
    FILE *out = NULL;
    char text[400];
    int reason = start(path, said, &child, &out);
    if (reason) return missing(a, what, reason);
    fl_status status = FL_FAILED;
    if (out) status = fl_stream_read(scratch, out, what, FL_CLIP_BYTES + ((size_t)FL_CLIP_FRAMES << 5), frames);
    if (out) fclose(out);
    bool ended_well = finish(child, status != FL_OK);
    if (status != FL_OK) return fl_error_set(a->error, status, "%s: ffmpeg's frames cannot be read", what);
    heard(said, text, sizeof text);
    if (ended_well && frames->size > 0) return FL_OK;
    return fl_error_set(a->error, FL_UNREADABLE, "%s: not a kind of clip that is read here, and ffmpeg cannot read "
                        "it either: %s", what, text[0] ? text : "it found no frames");
}

fl_status fl_clip_ffmpeg(fl_arena *a, const char *path, const char *what, fl_clip *clip)
{
    fl_arena scratch;
    fl_bytes frames = {0};
    FILE *said = tmpfile();
    fl_arena_init_beside(&scratch, a);
    /* a relative name could begin with '-' or look like a protocol ("concat:...") */
    const char *safe = path[0] == '/' ? path : fl_arena_text(&scratch, "./%s", path);
    fl_status status = FL_OK;
    if (!said) status = fl_error_set(a->error, FL_FAILED, "no temporary file: %s", strerror(errno));
    if (!safe) status = fl_error_set(a->error, FL_FAILED, "%s: memory ran out", what);
    if (said && safe) status = run(a, &scratch, safe, what, said, &frames);
    const fl_source s = {a, frames, what};
    if (status == FL_OK) status = fl_clip_pnm(&s, clip);
    if (status == FL_OK) fl_clip_note(clip, "decoded by ffmpeg");
    if (said) fclose(said);
    fl_arena_free(&scratch);
    return status;
}
