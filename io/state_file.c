/* state_file.c: reading checks everything before it changes a byte of the computation's memory. */
#include "io/state_file.h"

#include "io/sha256.h"

#include <string.h>

static const char MAGIC[] = "footlight state 1\n";

/* ---- out ---- */

typedef struct sink { FILE *stream; fl_sha256 sha; } sink;

static void put(sink *s, const void *data, size_t size)
{
    fl_sha256_add(&s->sha, data, size);
    fwrite(data, 1, size, s->stream);
}

static void put_long(sink *s, const void *data, size_t size)
{
    const uint64_t n = size;
    put(s, &n, sizeof n);
    put(s, data, size);
}

fl_status fl_state_write(const char *path, const fl_state *state, fl_error *err)
{
    fl_writer w;
    if (fl_write_begin(&w, path, err) != FL_OK) return fl_write_end(&w, false);
    sink s = {.stream = w.stream};
    const uint64_t parts = (uint64_t)state->parts;
    fl_sha256_text hex;
    fl_sha256_begin(&s.sha);
    put(&s, MAGIC, sizeof MAGIC - 1);
    put_long(&s, state->belongs, strlen(state->belongs));
    put(&s, &parts, sizeof parts);
    for (int i = 0; i < state->parts; i++) {
        put_long(&s, state->part[i].name, strlen(state->part[i].name));
        put_long(&s, state->part[i].data, state->part[i].size);
    }
    fl_sha256_end(&s.sha, hex);
    fwrite(hex, 1, sizeof hex - 1, w.stream);
    return fl_write_end(&w, true);
}

/* ---- in ---- */

typedef struct source { const unsigned char *at, *end; bool ok; } source;

static uint64_t get_number(source *s)
{
    uint64_t n = 0;
    if (!s->ok || (size_t)(s->end - s->at) < sizeof n) s->ok = false;
    else {
        memcpy(&n, s->at, sizeof n);
        s->at += sizeof n;
    }
    return n;
}

static const unsigned char *get_long(source *s, size_t *size)
{
    const uint64_t n = get_number(s);
    const unsigned char *from = s->at;
    if (!s->ok || n > (uint64_t)(s->end - s->at)) s->ok = false;
    else s->at += n;
    *size = s->ok ? (size_t)n : 0;
    return from;
}

static bool is_text(source *s, const char *wanted)
{
    size_t n;
    const unsigned char *text = get_long(s, &n);
    return s->ok && n == strlen(wanted) && memcmp(text, wanted, n) == 0;
}

static bool is_whole(fl_bytes b)
{
    const size_t hex = sizeof(fl_sha256_text) - 1;
    fl_sha256_text sha;
    if (!fl_bytes_begin(b, MAGIC) || b.size < sizeof MAGIC - 1 + hex) return false;
    fl_sha256_bytes(b.data, b.size - hex, sha);
    return memcmp(sha, b.data + b.size - hex, hex) == 0;
}

/* The first line of one text that is not the same line of the other. */
static fl_status say_difference(const char *path, const char *is, const char *wanted, fl_error *err)
{
    while (*is && *wanted && strcspn(is, "\n") == strcspn(wanted, "\n") && strncmp(is, wanted, strcspn(is, "\n")) == 0) {
        is += strcspn(is, "\n") + (is[strcspn(is, "\n")] == '\n');
        wanted += strcspn(wanted, "\n") + (wanted[strcspn(wanted, "\n")] == '\n');
    }
    return fl_error_set(err, FL_USAGE, "%s: this state belongs to another computation: it has '%.*s', expected '%.*s'; run without "
                        "--resume to begin anew, or use another folder", path, (int)strcspn(is, "\n"), is,
                        (int)strcspn(wanted, "\n"), wanted);
}

/* apply: copies; else only looks whether all parts are there in their sizes. */
static bool take_parts(source s, const fl_state *state, bool apply)
{
    if (get_number(&s) != (uint64_t)state->parts) return false;
    for (int i = 0; i < state->parts; i++) {
        size_t size;
        if (!is_text(&s, state->part[i].name)) return false;
        const unsigned char *data = get_long(&s, &size);
        if (!s.ok || size != state->part[i].size) return false;
        if (apply) memcpy(state->part[i].data, data, size);
    }
    return s.at == s.end;
}

static fl_status read_state(const char *path, const fl_state *state, bool *found, fl_arena *arena)
{
    fl_bytes b;
    size_t length;
    if (fl_file_read(arena, path, FL_FILE_CAP, &b) != FL_OK) return arena->error->status;
    if (!is_whole(b))
        return fl_error_set(arena->error, FL_UNREADABLE, "%s: not a state of this program, or damaged; run without --resume to begin "
                            "anew", path);
    source s = {b.data + sizeof MAGIC - 1, b.data + b.size - (sizeof(fl_sha256_text) - 1), true};
    const unsigned char *text = get_long(&s, &length);
    const char *is = fl_arena_text(arena, "%.*s", (int)(length < 65536 ? length : 65536), (const char *)text);
    if (!is) return arena->error->status;
    if (strcmp(is, state->belongs) != 0) return say_difference(path, is, state->belongs, arena->error);
    if (!take_parts(s, state, false))
        return fl_error_set(arena->error, FL_UNREADABLE, "%s: its parts are not those of this computation: made by another version? Run "
                            "without --resume to begin anew", path);
    take_parts(s, state, true);
    *found = true;
    return FL_OK;
}

fl_status fl_state_read(const char *path, const fl_state *state, bool *found, fl_arena *arena)
{
    *found = false;
    if (!fl_file_exists(path)) return FL_OK;
    const fl_mark mark = fl_arena_mark(arena);
    const fl_status status = read_state(path, state, found, arena);
    fl_arena_release(arena, mark);
    return status;
}
