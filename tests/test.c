/* test.c: runs the registered tests in the order of their names. */
#include "tests/test.h"

#include "tensor/quiet.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static fl_test *first;
static int failed_checks;
static const char *skipped;
static char folder[256];

void fl_test_register(fl_test *t)
{
    fl_test **link = &first;
    while (*link && strcmp((*link)->name, t->name) < 0) link = &(*link)->next;
    t->next = *link;
    *link = t;
}

bool fl_test_check(bool ok, const char *file, int line, const char *format, ...)
{
    if (ok) return true;
    va_list args;
    va_start(args, format);
    printf("  %s:%d: ", file, line);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    failed_checks++;
    return false;
}

void fl_test_skip(const char *why) { skipped = why; }

bool fl_test_big(void)
{
    const char *big = getenv("BIG");
    return !big || strcmp(big, "0") != 0;
}

const char *fl_test_shared(void)
{
    static char path[512];
    struct stat s;
    const char *named = getenv("FOOTLIGHT_SHARED");
    snprintf(path, sizeof path, "%s", named ? named : "../shared");
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode) ? path : NULL;
}

const char *fl_test_folder(void)
{
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/footlight-test-XXXXXX", base ? base : "/tmp");
        if (!mkdtemp(folder)) {
            perror(folder);
            exit(1);
        }
    }
    return folder;
}

static void remove_folder(void)
{
    if (folder[0]) fl_test_shell(NULL, 0, "rm -rf '%s'", folder);
    folder[0] = 0;
}

int fl_test_shell(char *output, size_t size, const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    fflush(NULL);
    FILE *pipe = popen(command, "r");
    if (!pipe) return -1;
    size_t n = 0, got;
    char rest[4096];
    while ((got = fread(rest, 1, sizeof rest, pipe)) > 0) {
        size_t keep = output && n + 1 < size ? (got < size - 1 - n ? got : size - 1 - n) : 0;
        if (keep) memcpy(output + n, rest, keep);
        n += keep;
    }
    if (output && size) output[n < size ? n : size - 1] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool chosen(const char *name, int count, char **prefix)
{
    for (int i = 1; i < count; i++)
        if (strncmp(name, prefix[i], strlen(prefix[i])) == 0) return true;
    return count <= 1;
}

int main(int argc, char **argv)
{
    fl_wait_quietly(argv);
    signal(SIGHUP, SIG_DFL);                             /* under nohup nothing would end the runs that tests hang up on */
    int passed = 0, failed = 0, left_out = 0;
    for (fl_test *t = first; t; t = t->next) {
        if (!chosen(t->name, argc, argv)) continue;
        struct timespec a, b;
        failed_checks = 0;
        skipped = NULL;
        clock_gettime(CLOCK_MONOTONIC, &a);
        t->run();
        remove_folder();
        clock_gettime(CLOCK_MONOTONIC, &b);
        double seconds = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        if (failed_checks) failed++;
        else if (skipped) left_out++;
        else passed++;
        printf("%s %s (%.2f s)%s%s\n", failed_checks ? "FAIL" : skipped ? "skip" : "ok  ", t->name, seconds,
               skipped ? ": " : "", skipped ? skipped : "");
        fflush(stdout);
    }
    printf("%d passed, %d failed", passed, failed);
    if (left_out) printf(", %d skipped", left_out);
    printf("\n");
    return failed || passed + left_out == 0;
}
