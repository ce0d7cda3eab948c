/* json.c: the JSON writer. One place puts commas and line breaks (begin_value), one escapes, one prints numbers. */
#include "io/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int fl_utf8_length(const unsigned char *p, size_t left)
{
    static const struct { unsigned char mask, lead; uint32_t least; } form[] = {
        {0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000},
    };
    for (int extra = 0; extra < 4 && (size_t)extra < left; extra++) {
        if ((p[0] & form[extra].mask) != form[extra].lead) continue;
        uint32_t c = p[0] & (unsigned char)~form[extra].mask;
        for (int i = 1; i <= extra; i++) {
            if ((p[i] & 0xc0) != 0x80) return 0;
            c = c << 6 | (p[i] & 0x3f);
        }
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        return c < form[extra].least || c > 0x10ffff || surrogate ? 0 : extra + 1;
    }
    return 0;
}

static void put(fl_json *j, const char *s, size_t n)
{
    if (j->stream) fwrite(s, 1, n, j->stream);
    else fl_buffer_add(j->buffer, s, n);
}

static void put_text(fl_json *j, const char *s) { put(j, s, strlen(s)); }

static void new_line(fl_json *j)
{
    if (!j->pretty) return;
    put(j, "\n", 1);
    for (int i = 0; i < j->depth; i++) put(j, "  ", 2);
}

/* A character that cannot stand for itself. */
static void put_code(fl_json *j, unsigned c)
{
    static const char with_name[] = "\"\\\n\t", name[] = "\"\\nt";
    const char *found = c && c < 0x80 ? strchr(with_name, (int)c) : NULL;
    char code[8];
    if (found) snprintf(code, sizeof code, "\\%c", name[found - with_name]);
    else snprintf(code, sizeof code, "\\u%04x", c);
    put_text(j, code);
}

static void put_escaped(fl_json *j, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t left = strlen(s);
    put(j, "\"", 1);
    while (left) {
        int n = fl_utf8_length(p, left);
        /* '<' too, so that a document can stand inside a <script> element as it is */
        bool plain = n > 1 || (n == 1 && *p >= 0x20 && *p != '"' && *p != '\\' && *p != '<' && *p != 0x7f);
        if (plain) {
            put(j, (const char *)p, (size_t)n);
        } else {
            put_code(j, n ? *p : 0xfffdu);
        }
        p += n ? n : 1;
        left -= n ? (size_t)n : 1;
    }
    put(j, "\"", 1);
}

/* What stands between this value and the one before it, and its key. */
static void begin_value(fl_json *j, const char *key)
{
    if (j->depth > 0) {
        fl_assert((key != NULL) == (j->closer[j->depth - 1] == '}'));
        if (!j->empty[j->depth - 1]) put(j, ",", 1);
        j->empty[j->depth - 1] = false;
        new_line(j);
    }
    if (!key) return;
    put_escaped(j, key);
    put_text(j, j->pretty ? ": " : ":");
}

static void begin_document(fl_json *j, bool pretty)
{
    memset(j, 0, sizeof *j);
    j->pretty = pretty;
}

void fl_json_to_text(fl_json *j, fl_arena *a, bool pretty)
{
    begin_document(j, pretty);
    j->own = fl_buffer_new(a);
    j->buffer = &j->own;
}

void fl_json_to_buffer(fl_json *j, fl_buffer *buffer, bool pretty)
{
    begin_document(j, pretty);
    j->buffer = buffer;
}

void fl_json_to_stream(fl_json *j, FILE *stream, bool pretty)
{
    begin_document(j, pretty);
    j->stream = stream;
}

static void open_level(fl_json *j, const char *key, char opener, char closer)
{
    begin_value(j, key);
    put(j, &opener, 1);
    fl_assert(j->depth < FL_JSON_DEPTH);
    j->closer[j->depth] = closer;
    j->empty[j->depth++] = true;
}

void fl_json_object(fl_json *j, const char *key) { open_level(j, key, '{', '}'); }
void fl_json_array(fl_json *j, const char *key) { open_level(j, key, '[', ']'); }

void fl_json_close(fl_json *j)
{
    fl_assert(j->depth > 0);
    j->depth--;
    if (!j->empty[j->depth]) new_line(j);
    put(j, &j->closer[j->depth], 1);
}

void fl_json_string(fl_json *j, const char *key, const char *value)
{
    begin_value(j, key);
    if (value) put_escaped(j, value);
    else put_text(j, "null");
}

void fl_json_format(fl_json *j, const char *key, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fl_json_string(j, key, text);
}

/* 9 digits give back every float. A double that needs more gets 17, in the build where numbers are doubles. */
static void put_number(fl_json *j, double value)
{
    char text[40];
    if (!isfinite(value)) {
        put_text(j, "null");
        return;
    }
    snprintf(text, sizeof text, "%.9g", value);
    if (sizeof(real) == sizeof(double) && strtod(text, NULL) != value) snprintf(text, sizeof text, "%.17g", value);
    char *point = strchr(text, ',');             /* the host program may have chosen a locale with a comma */
    if (point) *point = '.';
    put_text(j, text);
}

static void put_int(fl_json *j, long long value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", value);
    put_text(j, text);
}

void fl_json_number(fl_json *j, const char *key, double value)
{
    begin_value(j, key);
    put_number(j, value);
}

void fl_json_int(fl_json *j, const char *key, long long value)
{
    begin_value(j, key);
    put_int(j, value);
}

void fl_json_bool(fl_json *j, const char *key, bool value)
{
    begin_value(j, key);
    put_text(j, value ? "true" : "false");
}

void fl_json_null(fl_json *j, const char *key) { fl_json_string(j, key, NULL); }

void fl_json_numbers(fl_json *j, const char *key, const real *value, int64_t count)
{
    begin_value(j, key);
    put(j, "[", 1);
    for (int64_t i = 0; i < count; i++) {
        if (i) put_text(j, j->pretty ? ", " : ",");
        put_number(j, (double)value[i]);
    }
    put(j, "]", 1);
}

void fl_json_ints(fl_json *j, const char *key, const int *value, int64_t count)
{
    begin_value(j, key);
    put(j, "[", 1);
    for (int64_t i = 0; i < count; i++) {
        if (i) put_text(j, j->pretty ? ", " : ",");
        put_int(j, value[i]);
    }
    put(j, "]", 1);
}

const char *fl_json_end(fl_json *j)
{
    fl_assert(j->depth == 0);
    put(j, "\n", 1);
    if (j->buffer != &j->own) return "";
    put(j, "", 1);
    return j->own.failed ? NULL : (const char *)j->own.data;
}
