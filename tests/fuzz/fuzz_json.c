/* fuzz_json.c: any bytes through the JSON reader; what it accepts must come back from the writer with the same
 * tree. */
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(fl_json *j, const fl_json_value *v)
{
    switch (v->kind) {
    case FL_JSON_NULL:   fl_json_null(j, v->key); return;
    case FL_JSON_BOOL:   fl_json_bool(j, v->key, v->number != 0); return;
    case FL_JSON_STRING: fl_json_string(j, v->key, v->string); return;
    case FL_JSON_NUMBER:
        if (v->is_integer) fl_json_int(j, v->key, v->integer);
        else fl_json_number(j, v->key, v->number);
        return;
    case FL_JSON_ARRAY:  fl_json_array(j, v->key); break;
    case FL_JSON_OBJECT: fl_json_object(j, v->key); break;
    }
    for (const fl_json_value *c = v->first; c; c = c->next) write_value(j, c);
    fl_json_close(j);
}

static int same(const fl_json_value *a, const fl_json_value *b)
{
    if (a->kind == FL_JSON_NUMBER && b->kind == FL_JSON_NULL) return 1;          /* 1e999 is infinite,
        and written as null */
    if (a->kind != b->kind || a->count != b->count || (a->key != NULL) != (b->key != NULL)) return 0;
    if (a->key && strcmp(a->key, b->key) != 0) return 0;
    if (a->kind == FL_JSON_STRING && strcmp(a->string, b->string) != 0) return 0;
    if (a->is_integer && a->integer != b->integer) return 0;
    const fl_json_value *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        if (!same(x, y)) return 0;
    return x == y;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_error err = {0};
    fl_arena a;
    fl_json j;
    fl_arena_init(&a, &err);
    const fl_json_value *v = fl_json_parse(&a, "fuzz", data, size);
    if ((v == NULL) != (err.status != FL_OK)) abort();
    if (v) {
        fl_json_to_text(&j, &a, size % 2);
        write_value(&j, v);
        const char *text = fl_json_end(&j);
        const fl_json_value *again = fl_json_parse(&a, "again", text, strlen(text));
        if (!again || !same(v, again)) abort();
    }
    fl_arena_free(&a);
    return 0;
}
