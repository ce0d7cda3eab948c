/* json_read.c: the strict JSON reader: recursive descent over bytes, nesting bounded by FL_JSON_DEPTH.
 *
 * Values come from the arena in blocks; all strings lie in one array as long as the text, since a decoded string is
 * never longer than its source with quotes. */
#include "io/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256, MAX_MEMBERS = 20000, MAX_NUMBER = 60 };

typedef struct reader {
    fl_arena *arena;
    const char *name;
    const unsigned char *text, *p, *end;
    char *strings;                   /* where the next string goes */
    fl_json_value *block;
    int left;                        /* unused values in the block */
    int depth;
} reader;

static bool wrong(reader *r, const char *expected)
{
    char got[16];
    if (r->p >= r->end) snprintf(got, sizeof got, "the end");
    else snprintf(got, sizeof got, isgraph(*r->p) ? "'%c'" : "byte 0x%02x", *r->p);
    fl_error_set(r->arena->error, FL_UNREADABLE, "%s: JSON, byte %zu: expected %s, got %s", r->name,
                 (size_t)(r->p - r->text), expected, got);
    return false;
}

static void skip_space(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')) r->p++;
}

static bool next_is(reader *r, char c)
{
    if (r->p >= r->end || *r->p != (unsigned char)c) return false;
    r->p++;
    return true;
}

static fl_json_value *new_value(reader *r)
{
    if (r->left == 0) {
        r->block = FL_NEW(r->arena, fl_json_value, BLOCK);
        r->left = r->block ? BLOCK : 0;
    }
    return r->left ? &r->block[--r->left] : NULL;
}

static bool read_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return wrong(r, "true, false or null");
    r->p += n;
    return true;
}

static int skip_digits(reader *r)
{
    int n = 0;
    while (r->p < r->end && isdigit(*r->p)) r->p++, n++;
    return n;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool read_number(reader *r, fl_json_value *v)
{
    const unsigned char *start = r->p;
    bool whole = true;
    next_is(r, '-');
    if (!next_is(r, '0') && !skip_digits(r)) return wrong(r, "a digit");
    if (next_is(r, '.')) {
        whole = false;
        if (!skip_digits(r)) return wrong(r, "a digit after the point");
    }
    if (next_is(r, 'e') || next_is(r, 'E')) {
        whole = false;
        if (!next_is(r, '+')) next_is(r, '-');
        if (!skip_digits(r)) return wrong(r, "a digit of the exponent");
    }
    char copy[MAX_NUMBER + 1], *stop;
    size_t n = (size_t)(r->p - start);
    if (n > MAX_NUMBER) return wrong(r, "a number of at most 60 characters");
    memcpy(copy, start, n);
    copy[n] = 0;
    v->kind = FL_JSON_NUMBER;
    v->number = strtod(copy, &stop);
    if (*stop) return wrong(r, "a decimal point to work in this program's locale");
    bool small = n < 19;                         /* 18 digits fit into 63 bits, whatever they are */
    v->is_integer = whole && small;
    v->integer = v->is_integer ? strtoll(copy, NULL, 10) : 0;
    return true;
}

static bool read_hex(reader *r, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        if (r->p >= r->end || !isxdigit(*r->p)) return wrong(r, "four hexadecimal digits after \\u");
        *code = *code << 4 | (uint32_t)(isdigit(*r->p) ? *r->p - '0' : (*r->p | 32) - 'a' + 10);
    }
    return true;
}

static void put_utf8(reader *r, uint32_t c)
{
    unsigned char *s = (unsigned char *)r->strings;
    int extra = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    *s++ = (unsigned char)(lead[extra] | c >> 6 * extra);
    for (int k = extra - 1; k >= 0; k--) *s++ = (unsigned char)(0x80 | (c >> 6 * k & 0x3f));
    r->strings = (char *)s;
}

static bool read_escape(reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *which = r->p < r->end && *r->p ? strchr(from, *r->p) : NULL;
    if (which) {
        r->p++;
        *r->strings++ = to[which - from];
        return true;
    }
    uint32_t code, low;
    if (!next_is(r, 'u')) return wrong(r, "one of \" \\ / b f n r t u after a backslash");
    if (!read_hex(r, &code)) return false;
    if (code == 0) return wrong(r, "no \\u0000 in a string");
    if (code >= 0xdc00 && code <= 0xdfff) return wrong(r, "a first surrogate before the second");
    if (code >= 0xd800 && code <= 0xdbff) {
        if (!next_is(r, '\\') || !next_is(r, 'u')) return wrong(r, "a second surrogate (\\u)");
        if (!read_hex(r, &low)) return false;
        if (low < 0xdc00 || low > 0xdfff) return wrong(r, "a second surrogate (dc00 to dfff)");
        code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
    }
    put_utf8(r, code);
    return true;
}

static const char *read_string(reader *r)
{
    const char *start = r->strings;
    if (!next_is(r, '"')) return wrong(r, "a string"), NULL;
    while (!next_is(r, '"')) {
        if (next_is(r, '\\')) {
            if (!read_escape(r)) return NULL;
            continue;
        }
        int n = r->p < r->end && *r->p >= 0x20 ? fl_utf8_length(r->p, (size_t)(r->end - r->p)) : 0;
        if (!n) return wrong(r, "the rest of a string in UTF-8"), NULL;
        memcpy(r->strings, r->p, (size_t)n);
        r->strings += n;
        r->p += n;
    }
    *r->strings++ = 0;
    return start;
}

static bool read_key(reader *r, const fl_json_value *object, fl_json_value *member)
{
    skip_space(r);
    member->key = read_string(r);
    if (!member->key) return false;
    if (object->count >= MAX_MEMBERS) return wrong(r, "at most 20000 names in an object");
    if (fl_json_get(object, member->key)) return wrong(r, "no name twice in an object");
    skip_space(r);
    return next_is(r, ':') || wrong(r, "':'");
}

static bool read_value(reader *r, fl_json_value *v);

/* Members or elements up to the closing bracket; each is linked in only when it is complete. */
static bool read_children(reader *r, fl_json_value *v, char closer)
{
    if (++r->depth > FL_JSON_DEPTH) return wrong(r, "nesting of at most 64 levels");
    fl_json_value *last = NULL;
    skip_space(r);
    if (next_is(r, closer)) return r->depth--, true;
    do {
        fl_json_value *child = new_value(r);
        if (!child) return false;
        if (closer == '}' && !read_key(r, v, child)) return false;
        if (!read_value(r, child)) return false;
        if (last) last->next = child;
        else v->first = child;
        last = child;
        v->count++;
        skip_space(r);
    } while (next_is(r, ','));
    r->depth--;
    return next_is(r, closer) || wrong(r, closer == '}' ? "',' or '}'" : "',' or ']'");
}

static bool read_value(reader *r, fl_json_value *v)
{
    skip_space(r);
    switch (r->p < r->end ? *r->p : 0) {
    case '{': r->p++; v->kind = FL_JSON_OBJECT; return read_children(r, v, '}');
    case '[': r->p++; v->kind = FL_JSON_ARRAY;  return read_children(r, v, ']');
    case '"': v->kind = FL_JSON_STRING; v->string = read_string(r); return v->string != NULL;
    case 't': v->kind = FL_JSON_BOOL; v->number = 1; return read_word(r, "true");
    case 'f': v->kind = FL_JSON_BOOL; return read_word(r, "false");
    case 'n': return read_word(r, "null");
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        return read_number(r, v);
    default:  return wrong(r, "a value");
    }
}

const fl_json_value *fl_json_parse(fl_arena *a, const char *name, const void *text, size_t size)
{
    reader r = {.arena = a, .name = name, .text = text, .p = text, .end = (const unsigned char *)text + size};
    r.strings = FL_NEW(a, char, size + 1);
    fl_json_value *root = r.strings ? new_value(&r) : NULL;
    if (!root || !read_value(&r, root)) return NULL;
    skip_space(&r);
    if (r.p != r.end) return wrong(&r, "nothing after the value"), NULL;
    return root;
}

const fl_json_value *fl_json_get(const fl_json_value *v, const char *key)
{
    if (!v || v->kind != FL_JSON_OBJECT) return NULL;
    for (const fl_json_value *m = v->first; m; m = m->next)
        if (strcmp(m->key, key) == 0) return m;
    return NULL;
}
