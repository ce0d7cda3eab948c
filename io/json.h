/* json.h: JSON (RFC 8259) out and in.
 *
 * Writing keeps the order of the calls. Every call takes the key first: a name inside an object, NULL inside an
 * array and for the outermost value.
 *
 *     fl_json j;
 *     fl_json_to_text(&j, arena, true);
 *     fl_json_object(&j, NULL);
 *     fl_json_string(&j, "model", "r3d_18");
 *     fl_json_array(&j, "frames");
 *     for (int i = 0; i < n; i++) fl_json_int(&j, NULL, frame[i]);
 *     fl_json_close(&j);
 *     fl_json_close(&j);
 *     const char *text = fl_json_end(&j);
 *
 * Reading is strict: the grammar of the RFC and nothing more, UTF-8 checked, no name twice in an object, no NUL in a
 * string, nesting up to FL_JSON_DEPTH. */
#ifndef FL_JSON_H
#define FL_JSON_H

#include "io/buffer.h"
#include "tensor/real.h"

#include <stdio.h>

enum { FL_JSON_DEPTH = 64 };

typedef struct fl_json {
    FILE *stream;                    /* one of stream and buffer is NULL */
    fl_buffer *buffer, own;          /* buffer is own for fl_json_to_text */
    bool pretty;
    int depth;
    char closer[FL_JSON_DEPTH];      /* '}' or ']' of the open objects and arrays */
    bool empty[FL_JSON_DEPTH];       /* nothing written at that depth yet */
} fl_json;

void fl_json_to_text(fl_json *, fl_arena *, bool pretty);       /* pretty: two spaces per level; otherwise one line */
void fl_json_to_buffer(fl_json *, fl_buffer *, bool pretty);    /* appends to what is there */
void fl_json_to_stream(fl_json *, FILE *, bool pretty);         /* the stream's owner looks at ferror */
void fl_json_object(fl_json *, const char *key);
void fl_json_array(fl_json *, const char *key);
void fl_json_close(fl_json *);                                  /* the innermost open object or array */
void fl_json_string(fl_json *, const char *key, const char *value);   /* NULL: null; what is not UTF-8: U+FFFD */
void fl_json_format(fl_json *, const char *key, const char *format, ...)             /* a string */
    __attribute__((format(printf, 3, 4)));
void fl_json_number(fl_json *, const char *key, double value);  /* 9 digits (float64 build: 17); not finite: null */
void fl_json_int(fl_json *, const char *key, long long value);
void fl_json_bool(fl_json *, const char *key, bool value);
void fl_json_null(fl_json *, const char *key);
void fl_json_numbers(fl_json *, const char *key, const real *value, int64_t count);   /* an array on one line */
void fl_json_ints(fl_json *, const char *key, const int *value, int64_t count);

/* Ends the document with a line break. The text, owned by the arena, or NULL when memory ran out, with the error in
 * the arena's fl_error. For a stream and for the caller's buffer: "". */
const char *fl_json_end(fl_json *);

typedef enum fl_json_kind {
    FL_JSON_NULL, FL_JSON_BOOL, FL_JSON_NUMBER, FL_JSON_STRING, FL_JSON_ARRAY, FL_JSON_OBJECT
} fl_json_kind;

typedef struct fl_json_value {
    fl_json_kind kind;
    const char *key;                 /* inside an object, else NULL */
    const char *string;              /* FL_JSON_STRING, UTF-8 */
    double number;                   /* FL_JSON_NUMBER; FL_JSON_BOOL: 0 or 1 */
    int64_t integer;                 /* the number, when it is written without fraction and exponent and fits */
    bool is_integer;
    int count;                       /* members or elements */
    const struct fl_json_value *first, *next;    /* child list in the order of the text */
} fl_json_value;

/* The tree, owned by the arena, or NULL with FL_UNREADABLE: name, byte offset, expected, got. */
const fl_json_value *fl_json_parse(fl_arena *, const char *name, const void *text, size_t size);

/* The member of that name, or NULL when there is none or the value is no object (or NULL). */
const fl_json_value *fl_json_get(const fl_json_value *, const char *key);

/* 1 to 4: bytes of the UTF-8 character that begins at p; 0 when the (at most left) bytes there are none. */
int fl_utf8_length(const unsigned char *p, size_t left);

#endif
