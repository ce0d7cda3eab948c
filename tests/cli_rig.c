/* cli_rig.c: see cli_rig.h. */
#include "tests/cli_rig.h"

#include "io/npy.h"
#include "tensor/rng.h"

#include <stdarg.h>
#include <unistd.h>

char rig_out[1 << 18], rig_err[65536], rig_kept[65536];

int rig_run(const char *format, ...)
{
    char arguments[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(arguments, sizeof arguments, format, args);
    va_end(args);
    const char *folder = fl_test_folder();
    const int code = fl_test_shell(rig_out, sizeof rig_out, "cd '%s'; D=$PWD; \"$FOOTLIGHT\" %s 2>stderr.txt", folder,
                                   arguments);
    fl_test_shell(rig_err, sizeof rig_err, "cat '%s/stderr.txt'", folder);
    return code;
}

int rig_shell(const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return fl_test_shell(rig_out, sizeof rig_out, "cd '%s'; %s", fl_test_folder(), line);
}

void rig_keep(void) { memcpy(rig_kept, rig_out, sizeof rig_kept - 1); }
bool rig_has_escape(const char *text) { return strpbrk(text, "\033\r\b") != NULL; }

const char *rig_file(const char *name)
{
    static char room[8][512];
    static int next;
    char *path = room[next++ % 8];
    snprintf(path, sizeof room[0], "%s/%s", fl_test_folder(), name);
    return path;
}

const char *rig_golden(const char *name)
{
    static char room[8][2048];
    static int next;
    char *path = room[next++ % 8], here[1024];
    CHECK(getcwd(here, sizeof here) != NULL);
    snprintf(path, sizeof room[0], "%s/tests/golden/%s", here, name);
    return path;
}

const real *rig_inputs(void)
{
    static real values[RIG_CLIPS * RIG_VOXELS];
    const real *last = values + (RIG_CLIPS - 1) * RIG_VOXELS;
    if (access(rig_file("x.npy"), F_OK) == 0) return last;
    fl_error err = {0};
    const int64_t all[5] = {RIG_CLIPS, RIG_C, RIG_T, RIG_SIDE, RIG_SIDE};
    const int64_t one[5] = {1, RIG_C, RIG_T, RIG_SIDE, RIG_SIDE};
    fl_rng_fill_normal(5, 0, 0, values, RIG_CLIPS * RIG_VOXELS);
    fl_npy_write(rig_file("x.npy"), 5, one, last, &err);
    fl_npy_write(rig_file("c.npy"), 4, one + 1, last, &err);
    fl_npy_write(rig_file("n.npy"), 5, all, values, &err);
    CHECK_SAY(err.status == FL_OK, "%s", err.message);
    CHECK(rig_run("synth -o $D/made --count 1 --quiet") == 0);
    CHECK(rig_shell("mv made/clip_000000.ppm clip.ppm; sed s/clip_000000/clip/ made/clip_000000.csv >clip.csv") == 0);
    return last;
}

const fl_json_value *rig_json(fl_arena *arena)
{
    const fl_json_value *v = fl_json_parse(arena, "stdout", rig_out, strlen(rig_out));
    CHECK_SAY(v != NULL, "not JSON: %s: %.200s", arena->error->message, rig_out);
    return v;
}

const fl_json_value *rig_at(const fl_json_value *v, const char *path)
{
    while (v && *path) {
        char step[64] = "";
        const size_t n = strcspn(path, ".");
        if (n < sizeof step) memcpy(step, path, n);
        if (v->kind == FL_JSON_ARRAY) {
            v = v->first;
            for (int k = atoi(step); v && k > 0; k--) v = v->next;
        } else {
            v = fl_json_get(v, step);
        }
        path += n + (path[n] == '.');
    }
    return v;
}

double rig_number(const fl_json_value *v, const char *path)
{
    const fl_json_value *found = rig_at(v, path);
    return found && found->kind == FL_JSON_NUMBER ? found->number : (double)NAN;
}

const char *rig_text(const fl_json_value *v, const char *path)
{
    const fl_json_value *found = rig_at(v, path);
    return found && found->kind == FL_JSON_STRING ? found->string : "";
}
