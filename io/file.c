/* file.c: read all of a file or pipe; write through a temporary name and rename. */
#include "io/file.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool fl_bytes_begin(fl_bytes b, const char *magic)
{
    size_t n = strlen(magic);
    return b.size >= n && memcmp(b.data, magic, n) == 0;
}

static fl_status too_big(fl_error *err, const char *name, size_t cap)
{
    return fl_error_set(err, FL_UNREADABLE, "%s: holds more than %zu bytes, the most that is read here; "
                        "cut it into parts or check that it is the right file", name, cap);
}

static fl_status failed_read(fl_error *err, const char *name, size_t offset)
{
    return fl_error_set(err, FL_UNREADABLE, "%s: reading stopped after %zu bytes: %s", name, offset, strerror(errno));
}

/* A regular file says its size; trust it as a hint only, the file may grow or shrink meanwhile. */
static size_t size_hint(FILE *f)
{
    struct stat s;
    return fstat(fileno(f), &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0 ? (size_t)s.st_size : 0;
}

/* A pipe: pieces that double in size, in an arena of their own; then one copy, and the caller's keeps no scraps. */
struct piece { unsigned char *data; size_t size; };
enum { PIECES = 32, FIRST_PIECE = 1 << 16 };      /* 2^48 bytes: the cap comes first */

static fl_status read_pieces(fl_arena *a, fl_arena *pieces, FILE *f, const char *name, size_t cap, fl_bytes *out)
{
    struct piece piece[PIECES];
    size_t total = 0, room = FIRST_PIECE;
    int count = 0;
    for (bool more = true; more && count < PIECES; room *= 2) {
        unsigned char *data = FL_NEW(pieces, unsigned char, room);
        if (!data) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out after %zu bytes", name, total);
        size_t size = fread(data, 1, room, f);
        piece[count++] = (struct piece){data, size};
        total += size;
        if (ferror(f)) return failed_read(a->error, name, total);
        if (total > cap) return too_big(a->error, name, cap);
        more = size == room;
    }
    unsigned char *all = FL_NEW(a, unsigned char, total + 1);
    if (!all) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", name);
    *out = (fl_bytes){all, total};
    for (int i = 0; i < count; all += piece[i++].size) memcpy(all, piece[i].data, piece[i].size);
    return FL_OK;
}

static fl_status read_sized(fl_arena *a, FILE *f, const char *name, size_t size, fl_bytes *out)
{
    unsigned char *all = FL_NEW(a, unsigned char, size + 1);
    if (!all) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", name);
    *out = (fl_bytes){all, fread(all, 1, size, f)};
    return ferror(f) ? failed_read(a->error, name, out->size) : FL_OK;
}

fl_status fl_stream_read(fl_arena *a, FILE *f, const char *name, size_t cap, fl_bytes *out)
{
    *out = (fl_bytes){0};
    size_t hint = ftello(f) == 0 ? size_hint(f) : 0;
    if (hint > cap) return too_big(a->error, name, cap);
    if (hint) return read_sized(a, f, name, hint, out);
    fl_arena pieces;
    fl_arena_init_beside(&pieces, a);
    fl_status status = read_pieces(a, &pieces, f, name, cap, out);
    fl_arena_free(&pieces);
    return status;
}

fl_status fl_file_read(fl_arena *a, const char *path, size_t cap, fl_bytes *out)
{
    *out = (fl_bytes){0};
    if (strcmp(path, "-") == 0) return fl_stream_read(a, stdin, "standard input", cap, out);
    if (fl_folder_exists(path))
        return fl_error_set(a->error, FL_UNREADABLE, "%s: is a folder where a file is expected", path);
    FILE *f = fopen(path, "rb");
    if (!f)
        return fl_error_set(a->error, FL_UNREADABLE, "%s: cannot be opened: %s; check the name and the permissions",
                            path, strerror(errno));
    fl_status status = fl_stream_read(a, f, path, cap, out);
    fclose(f);
    return status;
}

bool fl_file_exists(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}

bool fl_file_is_regular(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

bool fl_folder_exists(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool fl_file_is_same(const char *path, const char *other)
{
    struct stat a, b;
    const bool has = stat(path, &a) == 0, both = stat(other, &b) == 0 && has;
    if (!both) return !has && strcmp(path, other) == 0;
    return (S_ISREG(a.st_mode) || S_ISDIR(a.st_mode)) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

fl_status fl_folder_make(const char *path, fl_error *err)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (strcmp(path, "-") == 0)
        return fl_error_set(err, FL_USAGE, "-: expected a folder, got standard output; ./- is a folder of that name");
    if (n == 0 || n >= sizeof part)
        return fl_error_set(err, FL_FAILED, "a folder's name has 1 to %zu bytes, got %zu", sizeof part - 1, n);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0777) != 0 && !fl_folder_exists(part))
            return fl_error_set(err, FL_FAILED, "%s: the folder cannot be created: %s; choose another with -o",
                                part, strerror(errno));
    }
    return FL_OK;
}

/* A name next to the final one that nobody has: the process number, and a count past what a killed run left. */
static FILE *open_temporary(fl_writer *w)
{
    FILE *f = NULL;
    for (int k = 0; k < 100 && !f; k++) {
        int n = snprintf(w->temporary, sizeof w->temporary, "%s.%ld-%d.tmp", w->path, (long)getpid(), k);
        errno = ENAMETOOLONG;
        if (n < 0 || (size_t)n >= sizeof w->temporary) return NULL;
        f = fopen(w->temporary, "wbx");
        if (!f && errno != EEXIST) return NULL;
    }
    return f;
}

static fl_writer *volatile open_writers;      /* newest first */

/* A file that exists and is not in the list yet would stay behind when a signal ends the run: signals wait for those two steps. */
static FILE *open_remembered(fl_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    FILE *f = open_temporary(w);
    int reason = errno;
    if (f) {
        w->older = open_writers;
        open_writers = w;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    return f;
}

static void forget_writer(const fl_writer *w)
{
    if (open_writers == w) open_writers = w->older;
    for (fl_writer *v = open_writers; v; v = v->older)
        if (v->older == w) v->older = w->older;
}

void fl_write_abandon(void)
{
    for (const fl_writer *w = open_writers; w; w = w->older)
        if (w->temporary[0]) unlink(w->temporary);
}

fl_status fl_write_begin(fl_writer *w, const char *path, fl_error *err)
{
    memset(w, 0, sizeof *w);
    w->path = path;
    w->error = err;
    if (strcmp(path, "-") == 0) w->stream = stdout;
    else if (fl_file_exists(path) && !fl_file_is_regular(path)) w->stream = fopen(path, "wb");
    else w->stream = open_remembered(w);
    if (w->stream) return FL_OK;
    return fl_error_set(err, FL_FAILED, "%s: cannot be written: %s; check that the folder exists and is writable",
                        path, strerror(errno));
}

/* Everything that can go wrong late shows here: a full disk often only at flush, sync or close. */
static bool close_stream(fl_writer *w)
{
    bool ok = !ferror(w->stream) && fflush(w->stream) == 0;
    if (w->stream == stdout) return ok;
    if (w->to_disk && ok) ok = fsync(fileno(w->stream)) == 0;
    if (fclose(w->stream) != 0) ok = false;
    return ok;
}

fl_status fl_write_end(fl_writer *w, bool keep)
{
    if (!w->stream) return w->error ? w->error->status : FL_FAILED;
    if (!ferror(w->stream)) errno = 0;                   /* else it is why that write failed */
    bool ok = close_stream(w);
    w->stream = NULL;
    if (ok && keep && w->temporary[0]) ok = rename(w->temporary, w->path) == 0;
    if (!ok)
        fl_error_set(w->error, FL_FAILED, "%s: writing failed: %s; check for a full disk or a closed pipe",
                     strcmp(w->path, "-") == 0 ? "standard output" : w->path,
                     errno ? strerror(errno) : "a write was cut short");
    if (w->temporary[0] && !(ok && keep)) remove(w->temporary);
    forget_writer(w);
    if (ok) return keep || !w->error ? FL_OK : w->error->status;
    return w->error ? w->error->status : FL_FAILED;
}

fl_status fl_file_write(const char *path, const void *data, size_t size, fl_error *err)
{
    fl_writer w;
    if (fl_write_begin(&w, path, err) == FL_OK) fwrite(data, 1, size, w.stream);
    return fl_write_end(&w, true);
}

fl_status fl_file_try(const char *path, fl_error *err)
{
    fl_writer w;
    if (strcmp(path, "-") == 0 || (fl_file_exists(path) && !fl_file_is_regular(path) && !fl_folder_exists(path))) return FL_OK;
    return fl_write_begin(&w, path, err) == FL_OK ? fl_write_end(&w, false) : err->status;
}
