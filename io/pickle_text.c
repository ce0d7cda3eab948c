/* pickle_text.c: how a pickle writes numbers and strings; those of protocol 0 are lines of text. */
#include "io/pickle_machine.h"

#include <stdlib.h>
#include <string.h>

const unsigned char *fl_pickle_take(fl_pickle_machine *m, uint64_t count)
{
    if (count > (uint64_t)(m->end - m->p)) return fl_pickle_wrong(m, "more bytes: the file is cut short"), NULL;
    const unsigned char *p = m->p;
    m->p += count;
    return p;
}

bool fl_pickle_number(fl_pickle_machine *m, int bytes, uint64_t *value)
{
    const unsigned char *p = fl_pickle_take(m, (uint64_t)bytes);
    *value = 0;
    for (int i = bytes - 1; p && i >= 0; i--) *value = *value << 8 | p[i];
    return p != NULL;
}

const unsigned char *fl_pickle_line(fl_pickle_machine *m, size_t *size)
{
    const unsigned char *p = m->p, *stop = memchr(p, '\n', (size_t)(m->end - p));
    *size = 0;
    if (!stop) return fl_pickle_wrong(m, "a line break: the file is cut short"), NULL;
    *size = (size_t)(stop - p);
    m->p = stop + 1;
    return p;
}

/* The line as text with a zero byte at its end; numbers have at most size - 1 characters. */
static bool short_line(fl_pickle_machine *m, char *to, size_t size)
{
    size_t n;
    const unsigned char *line = fl_pickle_line(m, &n);
    if (!line) return false;
    if (n == 0 || n >= size || memchr(line, 0, n)) return fl_pickle_wrong(m, "a number of at most 60 characters");
    memcpy(to, line, n);
    to[n] = 0;
    return true;
}

fl_pickled *fl_pickle_int_line(fl_pickle_machine *m)
{
    char text[61], *stop;
    if (!short_line(m, text, sizeof text)) return NULL;
    const bool truth = strcmp(text, "00") == 0 || strcmp(text, "01") == 0;
    fl_pickled *v = fl_pickle_new(m, truth ? FL_PICKLED_BOOL : FL_PICKLED_INT);
    if (!v) return NULL;
    const size_t digits = strlen(text);
    v->integer = strtoll(text, &stop, 10);
    if (*stop == 'L') stop++;
    if (*stop || digits > 19) return fl_pickle_wrong(m, "a whole number of at most 18 digits"), NULL;
    return v;
}

fl_pickled *fl_pickle_float_line(fl_pickle_machine *m)
{
    char text[61], *stop;
    if (!short_line(m, text, sizeof text)) return NULL;
    fl_pickled *v = fl_pickle_new(m, FL_PICKLED_FLOAT);
    if (!v) return NULL;
    v->number = strtod(text, &stop);
    if (*stop) return fl_pickle_wrong(m, "a number"), NULL;
    return v;
}

static int hex(const unsigned char *p, const unsigned char *end, int digits, uint32_t *code)
{
    *code = 0;
    if (end - p < digits) return 0;
    for (int i = 0; i < digits; i++) {
        const int c = p[i], low = c | 32;
        if (c >= '0' && c <= '9') *code = *code << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f') *code = *code << 4 | (uint32_t)(low - 'a' + 10);
        else return 0;
    }
    return digits;
}

/* One escape after its backslash: bytes read, or 0 where it is none. Python's repr writes no others. */
static int escape(const unsigned char *p, const unsigned char *end, unsigned char *to)
{
    static const char from[] = "\\'\"abfnrtv", what[] = "\\'\"\a\b\f\n\r\t\v";
    uint32_t code;
    if (p == end || *p == 0) return 0;
    const char *known = strchr(from, *p);
    if (known) *to = (unsigned char)what[known - from];
    if (known) return 1;
    if (*p != 'x' || !hex(p + 1, end, 2, &code)) return 0;
    *to = (unsigned char)code;
    return 3;
}

fl_pickled *fl_pickle_string_line(fl_pickle_machine *m)
{
    size_t n;
    const unsigned char *p = fl_pickle_line(m, &n);
    if (!p) return NULL;
    const unsigned char *end = p + n;
    if (n < 2 || (*p != '\'' && *p != '"') || end[-1] != *p) return fl_pickle_wrong(m, "a string in quotes"), NULL;
    unsigned char *to = FL_NEW(m->arena, unsigned char, n);
    fl_pickled *v = to ? fl_pickle_new(m, FL_PICKLED_BYTES) : NULL;
    if (!v) return NULL;
    v->text = to;
    for (p++, end--; p < end;) {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        const int used = escape(p + 1, end, to++);
        if (!used) return fl_pickle_wrong(m, "an escape such as \\n or \\x1f"), NULL;
        p += 1 + used;
    }
    v->size = (size_t)(to - v->text);
    return v;
}

static unsigned char *put_utf8(unsigned char *s, uint32_t c)
{
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    const int extra = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *s++ = (unsigned char)(lead[extra] | c >> 6 * extra);
    for (int k = extra - 1; k >= 0; k--) *s++ = (unsigned char)(0x80 | (c >> 6 * k & 0x3f));
    return s;
}

fl_pickled *fl_pickle_unicode_line(fl_pickle_machine *m)
{
    size_t n;
    const unsigned char *p = fl_pickle_line(m, &n);
    if (!p) return NULL;
    const unsigned char *end = p + n;
    unsigned char *to = FL_NEW(m->arena, unsigned char, 2 * n);      /* a latin-1 byte needs two at most */
    fl_pickled *v = to ? fl_pickle_new(m, FL_PICKLED_TEXT) : NULL;
    if (!v) return NULL;
    v->text = to;
    while (p < end) {
        uint32_t code = *p;
        int used = 0;
        if (*p == '\\' && end - p > 1 && p[1] == 'u') used = hex(p + 2, end, 4, &code);
        if (*p == '\\' && end - p > 1 && p[1] == 'U') used = hex(p + 2, end, 8, &code);
        if (!used) code = *p;
        if (code > 0x10ffff) return fl_pickle_wrong(m, "a character up to U+10FFFF"), NULL;
        p += used ? 2 + used : 1;
        to = put_utf8(to, code);
    }
    v->size = (size_t)(to - v->text);
    return v;
}

fl_pickled *fl_pickle_long(fl_pickle_machine *m, uint64_t bytes)
{
    const unsigned char *p = fl_pickle_take(m, bytes);
    fl_pickled *v = p ? fl_pickle_new(m, bytes > 8 ? FL_PICKLED_LONG : FL_PICKLED_INT) : NULL;
    if (!v) return NULL;
    v->text = p;
    v->size = (size_t)bytes;
    uint64_t low = bytes && bytes <= 8 && p[bytes - 1] >> 7 ? UINT64_MAX : 0;      /* the sign goes on */
    for (int i = (int)(bytes <= 8 ? bytes : 0) - 1; i >= 0; i--) low = low << 8 | p[i];
    memcpy(&v->integer, &low, sizeof low);
    return v;
}

fl_pickled *fl_pickle_double(fl_pickle_machine *m)
{
    const unsigned char *p = fl_pickle_take(m, 8);
    fl_pickled *v = p ? fl_pickle_new(m, FL_PICKLED_FLOAT) : NULL;
    uint64_t bits = 0;
    if (!v) return NULL;
    for (int i = 0; i < 8; i++) bits = bits << 8 | p[i];
    memcpy(&v->number, &bits, sizeof bits);
    return v;
}
